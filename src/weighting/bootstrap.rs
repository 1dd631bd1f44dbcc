//! The Bayesian bootstrap of whole estimators: Dirichlet weights of the patients, and every model fitted again for each.

use std::ops::Range;

use rand_chacha::ChaCha8Rng;

use super::cohort::{Cohort, Counts};
use super::estimators::{ESTIMATORS, Estimates, Model, Room};
use super::plan::Plan;
use super::streams::{Purpose, stream, weight};
use crate::parallel;

/// Replicates that one thread makes one after another.
const PIECE: usize = 50;

/// The spread of one estimator's log odds ratios θ and baselines α (the mean of both arms' log odds) over the replicates.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    /// Of the θ by row, of length subgroups squared. Where subgroups share no model they are independent, and their covariance
    /// is 0.
    pub covariance: Vec<f64>,
    /// Of each α.
    pub baseline_variance: Vec<f64>,
    /// Of each α with its own θ.
    pub baseline_covariance: Vec<f64>,
    /// Standard deviation of the risk differences, by subgroup, all patients last.
    pub risk_difference: Vec<f64>,
    /// Standard deviation of the log odds ratio over all patients.
    pub overall: f64,
    /// Skewness of each θ: 0 of a normal.
    pub skewness: Vec<f64>,
    /// Excess kurtosis of each θ: 0 of a normal.
    pub excess_kurtosis: Vec<f64>,
}

/// Replicates of what estimators give: by replicate, then estimator, then subgroup (all patients last), θ, α and the risk
/// difference.
pub struct Replicates {
    values: Vec<[f64; 3]>,
    /// Estimators · (subgroups + 1).
    width: usize,
}

impl Replicates {
    /// Space for the replicates of a study of `subgroups`.
    pub fn of(estimates: impl Iterator<Item = Estimates>, subgroups: usize) -> Replicates {
        let values = estimates.flat_map(|e| {
            let all: Vec<[f64; 3]> = e
                .risks
                .iter()
                .flatten()
                .map(|r| [r.log_odds_ratio(), r.baseline(), r.active - r.control])
                .collect();
            all
        });
        Replicates { values: values.collect(), width: ESTIMATORS.len() * (subgroups + 1) }
    }

    fn len(&self) -> usize {
        self.values.len() / self.width
    }

    /// One quantity (θ, α or risk difference) of one estimator and population, by replicate.
    pub fn column(&self, estimator: usize, population: usize, quantity: usize) -> Vec<f64> {
        let place = estimator * (self.width / ESTIMATORS.len()) + population;
        (0..self.len()).map(|r| self.values[r * self.width + place][quantity]).collect()
    }
}

/// Weights of all patients: counts drawn anew, 0 where nobody is.
pub fn drawn(of: &[Counts], into: &mut [Counts], rng: &mut ChaCha8Rng) {
    // By place: array maps of this depth are compiled to calls.
    for (patients, drawn) in of.iter().zip(into) {
        for arm in 0..2 {
            for outcome in 0..2 {
                let n = patients[arm][outcome];
                drawn[arm][outcome] = if n == 0.0 { 0.0 } else { weight(n, rng) };
            }
        }
    }
}

/// Estimates of the replicates of the study's own patients.
fn replicates(model: &Model, cohort: &Cohort, plan: &Plan) -> Replicates {
    let counts = cohort.counts();
    let of = |pieces: Range<usize>| {
        let (mut model, mut room, mut weights) = (model.clone(), Room::default(), counts.clone());
        let start = model.clone();
        let one = |replicate: usize| {
            drawn(&counts, &mut weights, &mut stream(plan.seed, replicate, Purpose::Bootstrap));
            // Each from the study's own fit, so that none depends on another.
            model.clone_from(&start);
            model.again(&weights, &mut room)
        };
        pieces.map(one).collect::<Vec<Estimates>>()
    };
    let pieces = plan.replicates.div_ceil(PIECE);
    let piece = |k: usize| of(k * PIECE..((k + 1) * PIECE).min(plan.replicates));
    let made = parallel::range(0..pieces, piece);
    Replicates::of(made.into_iter().flatten(), cohort.subgroups)
}

/// The spread of every estimator, in the order of [`ESTIMATORS`].
pub fn spread(model: &Model, cohort: &Cohort, plan: &Plan) -> Vec<Spread> {
    let replicates = replicates(model, cohort, plan);
    let of = |estimator: usize| {
        let n = cohort.subgroups;
        let shared = ESTIMATORS[estimator].shares_models(plan, cohort.given.is_some());
        let theta: Vec<Vec<f64>> = (0..n).map(|g| centred(replicates.column(estimator, g, 0))).collect();
        let alpha: Vec<Vec<f64>> = (0..n).map(|g| centred(replicates.column(estimator, g, 1))).collect();
        let covariance = (0..n * n).map(|k| {
            let (a, b) = (k / n, k % n);
            if a != b && !shared { 0.0 } else { product(&theta[a], &theta[b]) }
        });
        let rd = |population: usize| sd(&centred(replicates.column(estimator, population, 2)));
        Spread {
            covariance: covariance.collect(),
            baseline_variance: alpha.iter().map(|a| product(a, a)).collect(),
            baseline_covariance: alpha.iter().zip(&theta).map(|(a, t)| product(a, t)).collect(),
            risk_difference: (0..=n).map(rd).collect(),
            overall: sd(&centred(replicates.column(estimator, n, 0))),
            skewness: theta.iter().map(|t| moment(t, 3)).collect(),
            excess_kurtosis: theta.iter().map(|t| moment(t, 4) - 3.0).collect(),
        }
    };
    parallel::range(0..ESTIMATORS.len(), of)
}

/// Less their mean.
pub fn centred(mut values: Vec<f64>) -> Vec<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter_mut().for_each(|x| *x -= mean);
    values
}

/// The covariance of centred values.
pub fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / (a.len() as f64 - 1.0)
}

/// The standard deviation of centred values.
pub fn sd(values: &[f64]) -> f64 {
    libm::sqrt(product(values, values))
}

/// A standardised moment of centred values.
fn moment(values: &[f64], order: i32) -> f64 {
    let n = values.len() as f64;
    let power = |k: i32| values.iter().map(|x| x.powi(k)).sum::<f64>() / n;
    power(order) / libm::sqrt(power(2)).powi(order)
}
