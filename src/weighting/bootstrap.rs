//! The Bayesian bootstrap of whole estimators: Dirichlet weights of the patients, and every model fitted again for each.

use std::ops::Range;

use rand_chacha::ChaCha8Rng;

use super::cohort::{Cell, Cohort};
use super::estimators::{ESTIMATORS, Estimates, Model, Risks, Room};
use super::plan::Plan;
use super::streams::{Purpose, stream, weight};
use crate::parallel;

/// Replicates that one thread makes one after another.
const PIECE: usize = 50;

/// The spread of one estimator's log odds ratios θ and baselines α (the mean of all arms' log odds) over the replicates. Effects
/// stand by subgroup, then active arm; where subgroups share no model they are independent, and covariances between them 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    /// Of the θ by row, of length effects squared.
    pub covariance: Vec<f64>,
    /// Of the α by row, of length subgroups squared.
    pub baseline_covariance: Vec<f64>,
    /// Of each α with every θ by row, of length subgroups · effects.
    pub mixed_covariance: Vec<f64>,
    /// Standard deviation of the risk differences, by subgroup (all patients last), then active arm.
    pub risk_difference: Vec<f64>,
    /// Standard deviation of the log odds ratios over all patients, by active arm.
    pub overall: Vec<f64>,
    /// Skewness of each θ: 0 of a normal.
    pub skewness: Vec<f64>,
    /// Excess kurtosis of each θ: 0 of a normal.
    pub excess_kurtosis: Vec<f64>,
}

/// Replicates of what estimators give: by replicate, then estimator, then subgroup (all patients last), the θ of the active arms,
/// α, and the risk differences of the active arms.
pub struct Replicates {
    values: Vec<f64>,
    /// Quantities of one population of one estimator.
    quantities: usize,
    /// Populations of one estimator.
    populations: usize,
}

impl Replicates {
    /// Of a study's estimates.
    pub fn of(estimates: impl Iterator<Item = Estimates>, cohort: &Cohort) -> Replicates {
        let values = estimates.flat_map(|e| {
            let of = |r: &Risks| {
                let effects = r.active().map(|arm| r.log_odds_ratio(arm));
                let differences = r.active().map(|arm| r.difference(arm));
                effects.chain([r.baseline()]).chain(differences).collect::<Vec<f64>>()
            };
            e.risks.iter().flatten().flat_map(of).collect::<Vec<f64>>()
        });
        Replicates {
            values: values.collect(),
            quantities: 2 * cohort.arms - 1,
            populations: cohort.subgroups + 1,
        }
    }

    /// One quantity of one estimator and population, by replicate.
    pub fn column(&self, estimator: usize, population: usize, quantity: usize) -> Vec<f64> {
        let width = ESTIMATORS.len() * self.populations * self.quantities;
        let place = (estimator * self.populations + population) * self.quantities + quantity;
        self.values.iter().skip(place).step_by(width).copied().collect()
    }
}

/// Weights of all patients: counts drawn anew, 0 where nobody is.
pub fn drawn(of: &[Cell], into: &mut [Cell], rng: &mut ChaCha8Rng) {
    for (patients, drawn) in of.iter().zip(into) {
        for (n, drawn) in patients.iter().zip(drawn) {
            *drawn = if *n == 0.0 { 0.0 } else { weight(*n, rng) };
        }
    }
}

/// Estimates of the replicates of the study's own patients.
fn replicates(model: &Model, cohort: &Cohort, plan: &Plan) -> Replicates {
    let counts = &cohort.cells;
    let of = |pieces: Range<usize>| {
        let (mut model, mut room, mut weights) = (model.clone(), Room::default(), counts.clone());
        let start = model.clone();
        let one = |replicate: usize| {
            drawn(counts, &mut weights, &mut stream(plan.seed, replicate, Purpose::Bootstrap));
            // Each from the study's own fit, so that none depends on another.
            model.clone_from(&start);
            model.again(&weights, &mut room)
        };
        pieces.map(one).collect::<Vec<Estimates>>()
    };
    let pieces = plan.replicates.div_ceil(PIECE);
    let piece = |k: usize| of(k * PIECE..((k + 1) * PIECE).min(plan.replicates));
    let made = parallel::range(0..pieces, piece);
    Replicates::of(made.into_iter().flatten(), cohort)
}

/// The spread of every estimator, in the order of [`ESTIMATORS`].
pub fn spread(model: &Model, cohort: &Cohort, plan: &Plan) -> Vec<Spread> {
    let replicates = replicates(model, cohort, plan);
    let of = |estimator: usize| {
        let (n, active) = (cohort.subgroups, cohort.arms - 1);
        let shared = ESTIMATORS[estimator].shares_models(plan, cohort.given.is_some());
        let theta = |k: usize| centred(replicates.column(estimator, k / active, k % active));
        let theta: Vec<Vec<f64>> = (0..n * active).map(theta).collect();
        let alpha: Vec<Vec<f64>> = (0..n).map(|g| centred(replicates.column(estimator, g, active))).collect();
        // Each column stands for a subgroup, of effects for `active` of them.
        let covariances = |rows: (&[Vec<f64>], usize), columns: (&[Vec<f64>], usize)| -> Vec<f64> {
            let one = |k: usize| {
                let (a, b) = (k / columns.0.len(), k % columns.0.len());
                let apart = a / rows.1 != b / columns.1;
                if apart && !shared { 0.0 } else { product(&rows.0[a], &columns.0[b]) }
            };
            (0..rows.0.len() * columns.0.len()).map(one).collect()
        };
        let (effects, baselines) = ((&theta[..], active), (&alpha[..], 1));
        let difference =
            |k: usize| sd(&centred(replicates.column(estimator, k / active, active + 1 + k % active)));
        Spread {
            covariance: covariances(effects, effects),
            baseline_covariance: covariances(baselines, baselines),
            mixed_covariance: covariances(baselines, effects),
            risk_difference: (0..(n + 1) * active).map(difference).collect(),
            overall: (0..active).map(|arm| sd(&centred(replicates.column(estimator, n, arm)))).collect(),
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
