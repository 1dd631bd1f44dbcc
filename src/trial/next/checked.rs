//! The lattice beside the engine: some of its posteriors computed again in full.

use serde::Serialize;

use super::super::belief::{Asked, posteriors};
use super::Plan;
use super::worth::{Stated, Trial, counts};
use crate::exact::{ExactPosterior, LatticeScratch, Resolution, RiskMeasure};
use crate::model::{Arm, BinomialPair, Cells, Observation};
use crate::parallel;

/// A mean risk difference, and a probability, may differ by this.
const NEAR: f64 = 2e-5;
const NEAR_IN_PROBABILITY: f64 = 5e-4;

/// Posteriors of every size that are computed in full.
const EACH: usize = 2;

/// How far the lattice's answers lie from the engine's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Checked {
    /// Posteriors that were computed in full.
    pub posteriors: usize,
    /// The largest difference between mean risk differences.
    pub difference: f64,
    /// The largest difference between probabilities.
    pub probability: f64,
}

impl Checked {
    /// With others' posteriors too.
    pub fn add(&mut self, other: Checked) {
        self.posteriors += other.posteriors;
        self.difference = self.difference.max(other.difference);
        self.probability = self.probability.max(other.probability);
    }

    /// Why the lattice can't be relied on; empty where it can.
    pub fn reasons(&self) -> Vec<String> {
        let is_near = self.difference <= NEAR && self.probability <= NEAR_IN_PROBABILITY;
        (!is_near).then(|| {
            format!(
                "the lattice and the exact engine differ by up to {:.0e} in a mean risk difference and {:.0e} in a probability (of {} posteriors that were computed by both)",
                self.difference, self.probability, self.posteriors
            )
        })
        .into_iter()
        .collect()
    }
}

/// Some draws' trials by both.
pub fn compare(asked: &Asked<'_>, stated: &Stated, trial: &Trial, plan: &Plan) -> Checked {
    let each = parallel::range(0..EACH.min(stated.truths.len()), |r| {
        let data = counts(asked, &stated.truths[r], &trial.enrolment, (plan.seed, r));
        let found = posteriors(&trial.beliefs, &data, &mut LatticeScratch::default());
        let mut checked = Checked::default();
        for (k, belief) in trial.beliefs.iter().enumerate() {
            let (Some(belief), Some(found)) = (belief, &found[k]) else { continue };
            let Some(cells) = belief.model.observation.cells() else { continue };
            let pairs = belief.standing.iter().zip(&data[k]).map(|(pair, new)| with(pair, new)).collect();
            let cells = Cells::new(pairs, cells.baselines().clone());
            let model = belief.model.observing(Observation::Cells(cells));
            let Ok(engine) = ExactPosterior::new(&model, Resolution::default()) else {
                checked.add(Checked { posteriors: 1, difference: f64::NAN, probability: f64::NAN });
                continue;
            };
            for (g, found) in found.iter().enumerate() {
                let Some(difference) = engine.risk(g, RiskMeasure::Difference) else { continue };
                let mean = difference.mean().unwrap_or(f64::NAN);
                let apart = |(x, p): (&f64, &f64)| (1.0 - difference.cdf(*x) - p).abs();
                let probability = asked.bounds[k].iter().zip(&found.beyond).map(apart).fold(0.0, worse);
                let settled = if found.settled { 0.0 } else { f64::NAN };
                checked.difference =
                    worse(checked.difference, (mean - found.mean_difference).abs() + settled);
                checked.probability = worse(checked.probability, probability);
            }
            checked.posteriors += 1;
        }
        checked
    });
    let mut all = Checked::default();
    for one in each {
        all.posteriors += one.posteriors;
        all.difference = worse(all.difference, one.difference);
        all.probability = worse(all.probability, one.probability);
    }
    all
}

/// The larger; what is no number is worse than any.
fn worse(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

/// Data that are there and new ones together; a bias of the first does not touch the second.
fn with(pair: &BinomialPair, new: &[Arm; 2]) -> BinomialPair {
    let sum = |a: Arm, b: Arm| Arm { events: a.events + b.events, total: a.total + b.total };
    BinomialPair::new(sum(pair.control, new[0]), sum(pair.active, new[1]))
}
