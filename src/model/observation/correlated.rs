//! Estimates from one fit: their errors are correlated, and the effects' likelihood is one normal of as many dimensions as
//! there are subgroups.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use super::NormalEstimate;
use crate::model::simulate::normal;
use crate::numeric::linear::{cholesky, gram_of_lower, invert_lower};
use crate::study::{Covariance, LinkedBaseline, SubgroupBias};

/// Estimates `y ~ N(θ + b, Σ)`, b biases.
#[derive(Debug, Clone, PartialEq)]
pub struct CorrelatedEstimates {
    /// Each by itself, with a bias that has not gone into it.
    rows: Vec<NormalEstimate>,
    errors: Arc<Errors>,
}

/// Σ, by row, with what is asked of it again and again.
#[derive(Debug, Clone, PartialEq)]
struct Errors {
    covariance: Vec<f64>,
    /// Lower Cholesky factor.
    factor: Vec<f64>,
    /// Σ⁻¹.
    precision: Vec<f64>,
}

impl Errors {
    /// None unless it is positive definite.
    fn new(covariance: Vec<f64>, size: usize) -> Option<Errors> {
        let factor = cholesky(&covariance, size)?;
        let precision = gram_of_lower(&invert_lower(&factor, size), size);
        Some(Errors { covariance, factor, precision })
    }
}

impl CorrelatedEstimates {
    /// Estimates on the scale of θ with the covariance of their errors; none unless that is positive definite and of their
    /// size.
    pub fn new(estimates: &[f64], covariance: &Covariance) -> Option<CorrelatedEstimates> {
        CorrelatedEstimates::of_matrix(estimates, covariance.matrix().to_vec())
    }

    /// The same with the covariance by row, of length G squared.
    pub fn of_matrix(estimates: &[f64], covariance: Vec<f64>) -> Option<CorrelatedEstimates> {
        let size = estimates.len();
        if covariance.len() != size * size {
            return None;
        }
        let row = |(g, x): (usize, &f64)| NormalEstimate::new(*x, libm::sqrt(covariance[g * size + g]));
        let rows = estimates.iter().enumerate().map(row).collect();
        Some(CorrelatedEstimates { rows, errors: Arc::new(Errors::new(covariance, size)?) })
    }

    /// With the baselines beside the estimates, in their order.
    pub(super) fn with_baselines(mut self, baselines: &[LinkedBaseline]) -> CorrelatedEstimates {
        self.rows.iter_mut().zip(baselines).for_each(|(row, b)| row.baseline = Some(*b));
        self
    }

    /// Each estimate by itself, as if the others were not known.
    pub fn rows(&self) -> &[NormalEstimate] {
        &self.rows
    }

    /// The estimates, of length G.
    pub fn estimates(&self) -> Vec<f64> {
        self.rows.iter().map(|r| r.estimate).collect()
    }

    /// Σ by row, of length G squared.
    pub fn covariance(&self) -> &[f64] {
        &self.errors.covariance
    }

    /// Σ⁻¹ by row, of length G squared.
    pub fn precision(&self) -> &[f64] {
        &self.errors.precision
    }

    /// Whether a bias is left that has not gone into the estimates and their covariance.
    pub fn has_bias(&self) -> bool {
        self.rows.iter().any(|r| r.bias().is_some())
    }

    /// Each estimate through the bias of its subgroup. One that is known, or is normal and added, moves the estimate and
    /// adds to its variance.
    pub(super) fn through<'b>(&self, biases: impl Iterator<Item = &'b SubgroupBias>) -> CorrelatedEstimates {
        let size = self.rows.len();
        let mut covariance = self.errors.covariance.clone();
        let mut rows = Vec::with_capacity(size);
        for (g, (row, bias)) in self.rows.iter().zip(biases).enumerate() {
            let seen = row.clone().through(bias);
            if seen.bias().is_none() && seen.se != row.se {
                covariance[g * size + g] = seen.se * seen.se;
            }
            rows.push(seen);
        }
        // Larger variances leave it positive definite.
        match Errors::new(covariance, size) {
            Some(errors) => CorrelatedEstimates { rows, errors: Arc::new(errors) },
            None => CorrelatedEstimates { rows, errors: Arc::clone(&self.errors) },
        }
    }

    /// The likelihood raised to a power.
    pub(super) fn powered(&self, power: f64) -> CorrelatedEstimates {
        let scaled = |m: &[f64], by: f64| m.iter().map(|x| by * x).collect();
        let errors = Errors {
            covariance: scaled(&self.errors.covariance, 1.0 / power),
            factor: scaled(&self.errors.factor, 1.0 / libm::sqrt(power)),
            precision: scaled(&self.errors.precision, power),
        };
        let rows = self.rows.iter().map(|r| r.powered(power)).collect();
        CorrelatedEstimates { rows, errors: Arc::new(errors) }
    }

    /// All but estimate `g`; none where it is the only one.
    pub fn without(&self, g: usize) -> Option<CorrelatedEstimates> {
        let size = self.rows.len();
        let kept: Vec<usize> = (0..size).filter(|&k| k != g).collect();
        let matrix = kept.iter().flat_map(|&a| kept.iter().map(move |&b| (a, b)));
        let matrix = matrix.map(|(a, b)| self.errors.covariance[a * size + b]).collect();
        let errors = Errors::new(matrix, kept.len()).filter(|_| !kept.is_empty())?;
        let rows = kept.iter().map(|&k| self.rows[k].clone()).collect();
        Some(CorrelatedEstimates { rows, errors: Arc::new(errors) })
    }

    /// The log likelihood of effects θ; none where a bias is left, whose unknown numbers are not integrated out.
    pub(super) fn log_likelihood(&self, theta: &[f64]) -> Option<f64> {
        const LOG_2_PI: f64 = 1.837_877_066_409_345_3;
        if self.has_bias() {
            return None;
        }
        let size = self.rows.len();
        let apart: Vec<f64> = self.rows.iter().zip(theta).map(|(r, theta)| r.estimate - theta).collect();
        let mut log_density = 0.0;
        for i in 0..size {
            let row = &self.errors.precision[i * size..(i + 1) * size];
            let pulled: f64 = row.iter().zip(&apart).map(|(p, x)| p * x).sum();
            log_density -= 0.5 * (apart[i] * pulled + LOG_2_PI) + libm::log(self.errors.factor[i * size + i]);
        }
        Some(log_density)
    }

    /// Estimates drawn around effects θ, a bias's unknown numbers drawn from their priors.
    pub(super) fn drawn(&self, theta: &[f64], rng: &mut ChaCha8Rng) -> CorrelatedEstimates {
        let none = SubgroupBias::default();
        let size = self.rows.len();
        let z: Vec<f64> = (0..size).map(|_| normal(rng)).collect();
        let row = |(g, (row, theta)): (usize, (&NormalEstimate, &f64))| {
            let bias = row.bias().unwrap_or(&none);
            let error: f64 = (0..=g).map(|k| self.errors.factor[g * size + k] * z[k]).sum();
            NormalEstimate::new(theta + bias.draw_of_estimate(rng) + error, row.se).through(bias)
        };
        let rows = self.rows.iter().zip(theta).enumerate().map(row).collect();
        CorrelatedEstimates { rows, errors: Arc::clone(&self.errors) }
    }

    /// A rough estimate of each θ, corrected for its bias, and how much is known of it: of all of them together as much as of
    /// their common mean.
    pub(super) fn hints(&self) -> (Vec<f64>, Vec<f64>) {
        let size = self.rows.len();
        let own: Vec<(f64, f64)> = self.rows.iter().map(NormalEstimate::hint).collect();
        let sum: f64 = self.errors.precision.iter().sum();
        let alone: f64 = own.iter().map(|h| h.1).sum();
        let share = if sum > 0.0 && alone > 0.0 { sum / alone } else { 1.0 };
        let weights = |g: usize| self.errors.precision[g * size..(g + 1) * size].iter().sum::<f64>();
        let mean = (0..size).map(|g| weights(g) * own[g].0).sum::<f64>() / sum;
        let simple = own.iter().map(|h| h.0 * h.1).sum::<f64>() / alone;
        // Moved so that their weighted mean is where the correlated estimates have theirs.
        let moved = if mean.is_finite() { mean - simple } else { 0.0 };
        own.into_iter().map(|(x, information)| (x + moved, share * information)).unzip()
    }
}
