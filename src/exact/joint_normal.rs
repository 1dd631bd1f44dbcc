//! Correlated estimates without pooling, under a prior that is one normal for every effect, or flat: the effects are together
//! normal.

use super::distribution::Distribution;
use super::gaussian::GivenMu;
use super::integrated::{Integrated, Pair};
use super::mixture::NormalMixture;
use super::rotated::Rotated;
use crate::model::{CorrelatedEstimates, HeterogeneityPrior, LocationPrior};
use crate::numeric::{normal_log_density, opposite_signs};

/// All effects together.
#[derive(Debug, Clone)]
pub struct JointNormal {
    means: Vec<f64>,
    /// By row.
    covariance: Vec<f64>,
    log_marginal_likelihood: f64,
}

impl JointNormal {
    /// None where the prior of an effect is no single normal: its spread is not fixed, or the prior of its mean is none.
    pub fn new(
        estimates: &CorrelatedEstimates,
        effect: &LocationPrior,
        heterogeneity: &HeterogeneityPrior,
    ) -> Option<JointNormal> {
        let size = estimates.rows().len();
        if *effect == LocationPrior::Flat {
            return Some(JointNormal {
                means: estimates.estimates(),
                covariance: estimates.covariance().to_vec(),
                log_marginal_likelihood: 0.0,
            });
        }
        let (LocationPrior::Normals(parts), HeterogeneityPrior::Fixed { value }) = (effect, heterogeneity)
        else {
            return None;
        };
        let [prior] = parts.as_slice() else { return None };
        // The whole prior of an effect takes the place of its spread around a mean that is known.
        let spread = libm::hypot(prior.sd, *value);
        let rotated = Rotated::new(estimates);
        let mean = |g: usize| {
            let GivenMu { keep, own, .. } = rotated.given_mu(g, spread);
            keep * prior.mean + own
        };
        let covariance = |k: usize| rotated.covariance_given_mu(k / size, k % size, spread);
        let along = rotated.axes.iter().map(|axis| {
            let sd = libm::sqrt(axis.variance + spread * spread);
            normal_log_density(axis.estimate, axis.loading * prior.mean, sd)
        });
        Some(JointNormal {
            means: (0..size).map(mean).collect(),
            covariance: (0..size * size).map(covariance).collect(),
            log_marginal_likelihood: along.sum(),
        })
    }

    fn at(&self, a: usize, b: usize) -> f64 {
        self.covariance[a * self.means.len() + b]
    }

    /// P(θ_a > 0 and θ_b < 0).
    fn opposite_signs(&self, a: usize, b: usize) -> f64 {
        let (sd_a, sd_b) = (libm::sqrt(self.at(a, a)), libm::sqrt(self.at(b, b)));
        let correlation = self.at(a, b) / (sd_a * sd_b);
        let rest = libm::sqrt(((1.0 - correlation) * (1.0 + correlation)).max(0.0));
        opposite_signs(self.means[a] / sd_a, self.means[b] / sd_b, correlation, rest)
    }
}

fn normal(mean: f64, variance: f64) -> NormalMixture {
    NormalMixture { parts: vec![(1.0, mean, libm::sqrt(variance))], moment_limit: f64::INFINITY }
}

impl Integrated for JointNormal {
    fn theta(&self, g: usize) -> Box<dyn Distribution + '_> {
        Box::new(normal(self.means[g], self.at(g, g)))
    }

    fn pair(&self, a: usize, b: usize) -> Pair<'_> {
        let variance = self.at(a, a) + self.at(b, b) - 2.0 * self.at(a, b);
        Pair {
            difference: Box::new(normal(self.means[a] - self.means[b], variance.max(0.0))),
            first_above_second_below: self.opposite_signs(a, b),
            first_below_second_above: self.opposite_signs(b, a),
            settled: true,
        }
    }

    fn log_marginal_likelihood(&self) -> f64 {
        self.log_marginal_likelihood
    }

    fn is_shared(&self) -> bool {
        false
    }
}
