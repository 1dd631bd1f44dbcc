//! Draws from a fit elsewhere, reweighted to the pooled posterior: what their normal summary stands in for.

use serde::Serialize;

use super::psis::{smooth, threshold};
use crate::exact::{ExactPosterior, log_prior_of_effects};
use crate::model::Model;
use crate::parallel;
use crate::study::Study;

/// A difference beyond this, and beyond what chance gives, is told as a failed check.
const MOST_APART: f64 = 0.02;

/// The draws themselves against the normal that is computed with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Reweighted {
    /// Pareto's k of the weights that make the draws those of the pooled posterior.
    pub pareto_k: f64,
    /// The largest k that may be trusted with so many draws.
    pub trusted_k: f64,
    /// The largest difference in a subgroup's probability of an effect above 0, between weighted draws and the normal; none
    /// where the weights may not be trusted.
    pub largest_difference: Option<f64>,
    /// How much of it may be chance: three Monte Carlo errors, the largest of any subgroup.
    pub chance: Option<f64>,
}

impl Reweighted {
    /// Why the normal summary does not hold, where it does not.
    pub fn fault(&self) -> Option<String> {
        let (apart, chance) = (self.largest_difference?, self.chance?);
        (apart > MOST_APART + chance).then(|| {
            format!(
                "the normal summary of the draws does not hold: weighted to the pooled posterior they give a probability that differs by {apart:.3} (Pareto k {:.2})",
                self.pareto_k
            )
        })
    }
}

/// Of a study of draws that has an exact posterior with effects that differ; none of others.
pub fn reweighted(study: &Study, model: &Model, exact: &ExactPosterior) -> Option<Reweighted> {
    let file = study.draws.as_ref().filter(|_| study.bias.is_none())?;
    let n = file.kept.first()?.len();
    let draw = |i: usize| file.kept.iter().map(|d| d[i]).collect::<Vec<f64>>();
    let log_ratio = |i: usize| {
        let theta = draw(i);
        let own: f64 = theta.iter().map(|x| file.fitted_under.log_density(*x)).sum();
        log_prior_of_effects(model, &theta).map(|log| log - own)
    };
    let logs: Vec<f64> = parallel::range(0..n, log_ratio).into_iter().collect::<Option<_>>()?;
    let efficiency = (file.least_effective / file.draws as f64).min(1.0);
    let smoothed = smooth(&logs, efficiency);
    let trusted_k = threshold(n);
    if smoothed.k > trusted_k {
        return Some(Reweighted { pareto_k: smoothed.k, trusted_k, largest_difference: None, chance: None });
    }
    let (mut apart, mut chance): (f64, f64) = (0.0, 0.0);
    for (g, draws) in file.kept.iter().enumerate() {
        let p: f64 = draws.iter().zip(&smoothed.weights).filter(|(x, _)| **x > 0.0).map(|(_, w)| w).sum();
        let squares = |(x, w): (&f64, &f64)| {
            let own = if *x > 0.0 { 1.0 - p } else { -p };
            w * w * own * own
        };
        let variance: f64 = draws.iter().zip(&smoothed.weights).map(squares).sum();
        apart = apart.max((p - (1.0 - exact.theta(g).cdf(0.0))).abs());
        chance = chance.max(3.0 * libm::sqrt(variance / efficiency));
    }
    Some(Reweighted {
        pareto_k: smoothed.k,
        trusted_k,
        largest_difference: Some(apart),
        chance: Some(chance),
    })
}
