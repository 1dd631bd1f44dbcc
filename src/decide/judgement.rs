//! What one set of priors and values makes of a decision.

use super::Population;
use super::populations::Means;
use super::risks::Risks;
use super::sizes::beyond;
use crate::posterior::{Direction, Fit};
use crate::study::{Decision, Worth};

/// What one member's priors make of every outcome.
pub struct Judgement {
    /// P(benefit) on the first outcome, by population.
    pub benefit: Vec<Option<f64>>,
    /// Mean risks by outcome and population.
    pub means: Vec<Means>,
    pub values: Vec<Option<Worth>>,
}

/// P(benefit) on the first outcome, by population.
pub fn benefit(decision: &Decision, fit: &Fit, populations: &[Population]) -> Vec<Option<f64>> {
    let first = &decision.outcomes[0];
    let sign = first.study.outcome.higher_is.sign();
    let of = |p: &Population| {
        let risks = Risks::of(fit, first, p)?;
        let difference = risks.difference();
        Some(beyond(Direction::Benefit, 0.0, sign, &|x| difference.cdf(x)))
    };
    populations.iter().map(of).collect()
}
