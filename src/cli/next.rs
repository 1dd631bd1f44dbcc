//! `equipoise next DECISION`.

use super::args::{Format, NextArgs};
use super::progress::{reading, watched_parts};
use super::{Outcome, notice, print, start_threads};
use crate::compare::Steps;
use crate::decide::Discussion;
use crate::error::{Error, ErrorKind, Result};
use crate::input::open_decision_changed;
use crate::posterior::Sampling;
use crate::report;
use crate::trial::next::{Plan, Reach, next};

/// Prints what the next trial would be worth and settle; writes nothing.
pub fn run(args: &NextArgs) -> Result<Outcome> {
    start_threads(args.threads)?;
    let decision =
        reading(|| open_decision_changed(&args.decision, (&args.reading).into(), &(&args.changes).into()))?;
    if args.population.is_some() && decision.costs.is_none() {
        return Err(Error::of(
            ErrorKind::Missing,
            "`--population` asks for a net benefit, and the decision has no costs",
        )
        .help("add [costs] with unit, per_utility (what one unit of utility is worth) and actions"));
    }
    let usual = Sampling::default();
    let sampling = Sampling { seed: args.seed.unwrap_or(usual.seed), ..usual };
    let plan = Plan {
        sizes: args.patients.clone(),
        subgroups: args.subgroups.clone(),
        arms: args.arms,
        draws: args.draws,
        seed: sampling.seed,
        reach: args.population.map(|population| Reach {
            population,
            fixed_cost: args.trial_cost,
            patient_cost: args.patient_cost,
        }),
        assurance: args.assurance,
    };
    let steps = Steps::default();
    let found = watched_parts(&steps, || next(&decision, &plan, sampling.into(), &steps))?;
    print(&match args.format {
        Format::Text => report::next_text(&decision, &found, &plan, (&args.length).into()),
        Format::Json => report::next_json(&decision, &found, &plan),
        Format::Csv => report::next_csv(&decision, &found),
    })?;
    if args.format != Format::Text {
        for statement in report::decide_statements(&decision, &Discussion::default()) {
            notice(&statement);
        }
        for reason in &found.reasons {
            notice(&format!("Check failed: {reason}"));
        }
    }
    Ok(if found.ok { Outcome::Done } else { Outcome::ChecksFailed })
}
