//! `equipoise decide DECISION`.

use super::args::{DecideArgs, Format};
use super::progress::{reading, watched};
use super::{Outcome, notice, print, start_threads};
use crate::decide::decide;
use crate::error::Result;
use crate::input::open_decision_changed;
use crate::posterior::Sampling;
use crate::report;

/// Fits every outcome and prints what bears on the decision; writes nothing.
pub fn run(args: &DecideArgs) -> Result<Outcome> {
    start_threads(args.threads)?;
    let decision =
        reading(|| open_decision_changed(&args.decision, (&args.reading).into(), &(&args.changes).into()))?;
    let usual = Sampling::default();
    let sampling = Sampling { seed: args.seed.unwrap_or(usual.seed), ..usual };
    let discussion = watched(false, |_| decide(&decision, sampling))?;
    print(&match args.format {
        Format::Text => report::decide_text(&decision, &discussion, (&args.length).into()),
        Format::Json => report::decide_json(&decision, &discussion),
        Format::Csv => report::decide_csv(&decision, &discussion),
    })?;
    if args.format != Format::Text {
        for statement in report::decide_statements(&decision, &discussion) {
            notice(&statement);
        }
        for reason in &discussion.reasons {
            notice(&format!("Check failed: {reason}"));
        }
    }
    Ok(if discussion.ok { Outcome::Done } else { Outcome::ChecksFailed })
}
