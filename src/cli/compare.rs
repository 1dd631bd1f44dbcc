//! `equipoise compare MODEL`.

use super::args::{CompareArgs, Format};
use super::progress::{opened, watched, watched_by};
use super::{Outcome, notice, print, start_threads, two_arms};
use crate::compare::bias::compare_bias;
use crate::compare::{Asked, Request, Steps, comparable, compare_counted};
use crate::error::Result;
use crate::posterior::Sampling;
use crate::report;
use crate::study::Study;

/// Fits the study under many priors and prints how far its conclusions depend on them; writes nothing.
pub fn run(args: &CompareArgs) -> Result<Outcome> {
    start_threads(args.threads)?;
    let study = opened(&args.model, (&args.reading).into(), &(&args.changes).into())?;
    two_arms(&study, "`compare`")?;
    let usual = Sampling::default();
    let request = Request {
        priors: Asked(args.priors.iter().map(|name| name.trim().to_string()).collect()),
        grid: args.grid,
        sampling: Sampling { seed: args.seed.unwrap_or(usual.seed), ..usual },
        sampled: false,
    };
    if args.bias {
        return biases(&study, request.sampling, args);
    }
    let steps = Steps::default();
    let comparison = watched_by(false, Some(&steps), |_| compare_counted(&study, &request, &steps))?;
    let study = &*comparable(&study);
    print(&match args.format {
        Format::Text => report::compare_text(study, &comparison, (&args.length).into()),
        Format::Json => report::compare_json(study, &comparison),
        Format::Csv => report::compare_csv(study, &comparison),
    })?;
    if args.format != Format::Text {
        for statement in report::compare_statements(study, &comparison) {
            notice(&statement);
        }
        for reason in &comparison.reasons {
            notice(&format!("Check failed: {reason}"));
        }
    }
    Ok(if comparison.ok { Outcome::Done } else { Outcome::ChecksFailed })
}

/// Biases instead of priors.
fn biases(study: &Study, sampling: Sampling, args: &CompareArgs) -> Result<Outcome> {
    let study = &*comparable(study);
    let comparison = watched(false, |_| compare_bias(study, sampling));
    print(&match args.format {
        Format::Text => report::bias_text(study, &comparison, (&args.length).into()),
        Format::Json => report::bias_json(study, &comparison),
        Format::Csv => report::bias_csv(study, &comparison),
    })?;
    if args.format != Format::Text {
        for statement in study.statements() {
            notice(&statement);
        }
        for reason in &comparison.reasons {
            notice(&format!("Check failed: {reason}"));
        }
    }
    Ok(if comparison.ok { Outcome::Done } else { Outcome::ChecksFailed })
}
