//! Priors beside the study that they are of: what pooling and outcome ask for, and what flat ones need.

use super::super::problem::{Fault, Part, PriorPart, Problem};
use super::super::{BaselineOf, Data, Pooling, Scale, SubgroupCounts};
use crate::error::ErrorKind;

/// A prior of the heterogeneity is there unless pooling is complete.
pub(crate) fn fitting_heterogeneity(pooling: Pooling, given: bool) -> Result<(), Problem> {
    let problem = |kind, message| Problem::new(Part::Prior(PriorPart::Heterogeneity), kind, message);
    match (given, pooling) {
        (true, Pooling::Complete) => {
            let message = "a heterogeneity prior under complete pooling";
            Err(problem(ErrorKind::Rule, message)
                .help("complete pooling has one effect for all: leave the prior out, or set pooling = \"partial\""))
        }
        (false, Pooling::Partial | Pooling::None) => Err(problem(ErrorKind::Missing, "`heterogeneity` is missing")
            .help("it matters too much for a silent default: write heterogeneity = \"half-normal(0.5)\", or half-normal(0.25) … half-normal(1) on log ratios")
            .help("or set pooling = \"complete\" in [model], which needs none")),
        _ => Ok(()),
    }
}

/// Only counts have baselines.
pub(crate) fn fitting_baseline(counts: bool, (prior, of): (bool, bool)) -> Result<(), (PriorPart, Fault)> {
    let fault = |part, message: &str| {
        Err((part, Fault::new(ErrorKind::Rule, message, "estimates have no baseline: leave it out")))
    };
    match (counts, prior, of) {
        (false, true, _) => fault(PriorPart::Baseline, "a baseline prior for published estimates"),
        (false, false, true) => fault(PriorPart::BaselineOf, "`baseline_of` for published estimates"),
        _ => Ok(()),
    }
}

/// A flat effect prior gives a posterior only where the data bound the effect.
pub(crate) fn flat_effect(pooling: Pooling, baseline_of: BaselineOf, data: &Data) -> Result<(), Fault> {
    let Some(rows) = data.counts() else { return Ok(()) };
    // An arm that has both outcomes bounds its log odds; where the effect moves it, the baseline's prior bounds the rest.
    let bounded = |row: &SubgroupCounts| {
        row.active().is_bounded() || baseline_of.control_share() > 0.0 && row.control().is_bounded()
    };
    let enough = match pooling {
        Pooling::None => rows.iter().all(bounded),
        Pooling::Partial | Pooling::Complete => rows.iter().any(bounded),
    };
    if enough {
        return Ok(());
    }
    let help = match baseline_of {
        BaselineOf::Control => {
            "an active arm without events, or with nothing else, leaves the effect unbounded; write a proper prior"
        }
        BaselineOf::Arms => {
            "arms without events, or with nothing else, leave the effect unbounded; write a proper prior"
        }
    };
    Err(Fault::new(ErrorKind::Rule, "with a flat effect prior these data give no posterior", help))
}

/// A magnitude above 1, of an effect on the log odds ratio.
pub(crate) fn expected_odds_ratio(expected: f64, scale: Scale) -> Result<(), Problem> {
    let problem = |kind, message: String| Problem::new(Part::ExpectedOddsRatio, kind, message);
    if scale != Scale::LogOddsRatio {
        let measure = scale.measure_in_words();
        let message = format!("the library's priors are on odds ratios, the model's effect is a {measure}");
        return Err(problem(ErrorKind::Rule, message).help("leave [library] out"));
    }
    if expected > 1.0 && expected.is_finite() {
        return Ok(());
    }
    Err(problem(ErrorKind::Value, format!("expected_odds_ratio is {expected}")).help(
        "it is a magnitude, above 1 and toward benefit; the program derives the direction from `higher_is`",
    ))
}
