//! The words of the result: scopes, measures, statements.

use serde::Serialize;

pub use crate::study::{Axis, Measure};
use crate::study::{Data, Study};

/// Of whom a number speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One subgroup.
    Subgroup,
    /// This study's patients, all subgroups at their sizes.
    Overall,
    /// μ: the average subgroup.
    Mean,
    /// A further similar subgroup.
    New,
    /// Two subgroups.
    Pair,
}

/// What a probability is the probability of. Directions derive from `higher_is`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Statement {
    Benefit,
    Harm,
    BenefitAtLeast,
    HarmAtLeast,
    /// Smaller than the threshold in either direction.
    Equivalent,
    /// A pair: benefit in the first, harm in the second.
    BenefitAndHarm,
    /// A pair: the first does better by the treatment than the second.
    GreaterBenefit,
}

/// Which measure matters most in this study, and the size of effect that does: the primary threshold, else the first of the
/// usual measure.
pub fn primary(study: &Study) -> (Measure, Option<f64>) {
    let counts = matches!(study.data, Data::Counts(_));
    let measure = if counts { Measure::RiskDifference } else { Measure::of(study.outcome.scale) };
    match study.thresholds.primary {
        Some((measure, t)) => (measure, Some(t)),
        None => (measure, study.thresholds.of(measure).first().copied()),
    }
}
