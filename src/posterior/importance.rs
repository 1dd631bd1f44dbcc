//! A second opinion where nothing is exact: importance sampling from the normal approximation at the mode.
//!
//! Draws q = centre + L y of the approximation, with a Student t's tails so that the posterior's are covered, are weighted by
//! the posterior density; the largest weights are smoothed, and their Pareto shape k says whether they can be trusted (Vehtari
//! et al. 2024). A few rounds move the approximation from the mode to the posterior's mean and covariance. No Markov chain is
//! involved: what a sampler's chains might share would show here.

use rand_distr::{ChiSquared, Distribution, StandardNormal};
use rayon::prelude::*;

use super::agreement::Agreement;
use super::diagnostics::{Draws, Workspace, proportion};
use super::linear::{Kept, Question, ToldDraws};
use super::psis::{smooth, threshold};
use super::sampled::{Column, SampledPosterior};
use crate::density::LogDensity;
use crate::model::{Hierarchy, LinearDensity, Model};
use crate::parallel;
use crate::sampler::laplace::laplace;
use crate::sampler::metric::{DENSE_UP_TO, Metric};
use crate::sampler::{Purpose, stream};
use crate::study::Study;

/// Draws that are compared, and those of each round before, which teach the approximation the posterior's mean and covariance.
const DRAWS: usize = 4_000;
const LEARNING: usize = 2_000;

/// Draws that are compared where these disagree.
const MANY_DRAWS: usize = 10 * DRAWS;

const ROUNDS: usize = 3;

/// Rows of a file that counts as large.
const MANY_ROWS: usize = 50_000;

/// The part of the draws that must be left as effective ones: of weights whose variance may be infinite, and of weights whose tail
/// is light, as they become over many coordinates.
const LEAST_EFFECTIVE: f64 = 0.5;
const LEAST_OF_MANY: f64 = 0.125;
const LIGHT_TAIL: f64 = 0.6;

/// Degrees of freedom: tails of scales are no normal's.
const DF: f64 = 12.0;

/// How much wider than the posterior it is.
const WIDER: f64 = 1.1;

/// Draws of one piece of work, each with a stream of its own.
const PIECE: usize = 50;

/// The comparison of the sampler with importance sampling, for models that the exact engine does not cover. Nothing
/// is compared where the Pareto k is above `trusted_k`, or too few draws are effective: half of them, or an eighth where the Pareto
/// k is at most 0.6.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Importance {
    /// How many weighted draws were made.
    pub draws: u64,
    /// The Pareto shape k of the weights' tail (Vehtari et al. 2024).
    pub pareto_k: f64,
    /// The largest k at which the weights of so many draws can be trusted.
    pub trusted_k: f64,
    /// How many independent draws from the posterior would be as informative as the weighted ones.
    pub effective_draws: f64,
    /// How many probabilities were compared; 0 where the weights are not trusted.
    pub comparisons: u64,
    /// The largest difference in units of its standard error; none where nothing was compared.
    pub max_abs_z: Option<f64>,
    /// The largest difference that chance explains, in the same units; none where nothing was compared.
    pub allowed_abs_z: Option<f64>,
}

impl Importance {
    /// Whether the weights can be trusted, so that a comparison was made.
    pub fn is_trusted(&self) -> bool {
        let least = if self.pareto_k <= LIGHT_TAIL { LEAST_OF_MANY } else { LEAST_EFFECTIVE };
        self.pareto_k <= self.trusted_k && self.effective_draws >= least * self.draws as f64
    }

    /// Whether the sampler and importance sampling agree within chance; true where nothing was compared.
    pub fn agrees(&self) -> bool {
        match (self.max_abs_z, self.allowed_abs_z) {
            (Some(z), Some(allowed)) => z <= allowed,
            _ => true,
        }
    }
}

/// Holds the sampler's draws against weighted draws of the approximation; none where it has no mode.
pub fn importance(
    (study, model, hierarchy): (&Study, &Model, &Hierarchy),
    sampled: &SampledPosterior,
    pairs: bool,
    seed: u64,
) -> Option<Importance> {
    // Large files are told from fewer draws.
    let fewer = model.observation.rows().map_or(1, |rows| (rows.padded_rows() / MANY_ROWS + 1).min(4));
    held_against((hierarchy, hierarchy.middle()), (seed, fewer), |points, weights| {
        let weighted = SampledPosterior::of_points(model, hierarchy, points, seed);
        let columns = |of: &SampledPosterior| -> Vec<Column> {
            let parameters = of.parameters().into_iter().map(|(_, c)| c.clone());
            parameters.chain(of.estimands(study, pairs).into_iter().map(|(_, c)| c)).collect()
        };
        compared((&columns(sampled), sampled.chains), &columns(&weighted), weights)
    })
}

/// The same of a linear model.
pub fn of_linear<Q: Question>(
    (question, density): (&Q, &LinearDensity),
    sampled: &Q::Draws,
    seed: u64,
) -> Option<Importance> {
    held_against((density, density.middle()), (seed, 1), |points, weights| {
        let weighted = question.told(Kept::of_points(question.keeping(), density, points));
        let chains = sampled.shape().0;
        compared((&question.columns(sampled), chains), &question.columns(&weighted), weights)
    })
}

/// Weighs draws of the approximation, and has them compared where their weights can be trusted. Few draws may have missed a tail
/// without a trace in their own errors: what they disagree with is held against many, with which a chain that is wrong
/// disagrees the more.
fn held_against<D: LogDensity>(
    (density, middle): (&D, Vec<f64>),
    (seed, fewer): (u64, usize),
    compared: impl Fn(&[f64], &[f64]) -> Agreement,
) -> Option<Importance> {
    let metric = learnt((density, middle), seed, LEARNING / fewer)?;
    let once = weighed((density, &metric), (seed, ROUNDS), DRAWS / fewer, &compared)?;
    if once.agrees() {
        return Some(once);
    }
    weighed((density, &metric), (seed, ROUNDS + 1), MANY_DRAWS / fewer, &compared)
}

fn weighed<D: LogDensity>(
    (density, metric): (&D, &Metric),
    round: (u64, usize),
    draws: usize,
    compared: &impl Fn(&[f64], &[f64]) -> Agreement,
) -> Option<Importance> {
    let (draws, log_ratios) = drawn(density, metric, round, draws)?;
    let smoothed = smooth(&log_ratios, 1.0);
    let squares: f64 = smoothed.weights.iter().map(|w| w * w).sum();
    let mut found = Importance {
        draws: log_ratios.len() as u64,
        pareto_k: smoothed.k,
        trusted_k: threshold(log_ratios.len()),
        effective_draws: 1.0 / squares,
        comparisons: 0,
        max_abs_z: None,
        allowed_abs_z: None,
    };
    if !found.is_trusted() {
        return Some(found);
    }
    let agreement = compared(&draws, &smoothed.weights);
    found.comparisons = agreement.comparisons;
    found.max_abs_z = agreement.max_abs_z;
    found.allowed_abs_z = agreement.allowed();
    Some(found)
}

/// The normal approximation at the mode, moved and stretched to the mean and covariance of what its draws say: a scale's
/// posterior is skewed, and draws around its mode would not reach its tail.
fn learnt<D: LogDensity>((density, middle): (&D, Vec<f64>), seed: u64, draws: usize) -> Option<Metric> {
    let mut metric = laplace(density, middle)?;
    let d = density.dim();
    // Beyond, no weights are even enough to teach a covariance.
    let rounds = if d > DENSE_UP_TO { 0 } else { ROUNDS };
    for round in 0..rounds {
        let (points, log_ratios) = drawn(density, &metric, (seed, round), draws)?;
        let weights = smooth(&log_ratios, 1.0).weights;
        let mut mean = vec![0.0; d];
        for (q, w) in points.chunks_exact(d).zip(&weights) {
            mean.iter_mut().zip(q).for_each(|(m, x)| *m += w * x);
        }
        let mut covariance = vec![0.0; d * d];
        for (q, w) in points.chunks_exact(d).zip(&weights) {
            for i in 0..d {
                for j in 0..d {
                    covariance[i * d + j] += w * (q[i] - mean[i]) * (q[j] - mean[j]);
                }
            }
        }
        // A Student t's covariance is wider than its scale.
        covariance.iter_mut().for_each(|c| *c *= (DF - 2.0) / DF * WIDER);
        metric = Metric::new(mean, &covariance)?;
    }
    Some(metric)
}

/// Points one after another, and the logarithm of posterior over approximation at each, up to a constant.
fn drawn<D: LogDensity>(
    density: &D,
    metric: &Metric,
    (seed, round): (u64, usize),
    draws: usize,
) -> Option<(Vec<f64>, Vec<f64>)> {
    /// Streams of one round.
    const STREAMS: usize = 1 << 16;
    let d = density.dim();
    let chi = ChiSquared::new(DF).ok()?;
    let pieces: Vec<(Vec<f64>, Vec<f64>)> = (0..draws / PIECE)
        .into_par_iter()
        .map_init(
            || (density.scratch(), vec![0.0; d], vec![0.0; d]),
            |(scratch, gradient, y), piece| {
                let mut rng = stream(seed, round * STREAMS + piece, Purpose::Approximation);
                let (mut points, mut ratios) = (vec![0.0; PIECE * d], Vec::with_capacity(PIECE));
                for q in points.chunks_exact_mut(d) {
                    // Each coordinate its own tail: one for all would be too wide in many dimensions.
                    let mut proposal = 0.0;
                    for y in y.iter_mut() {
                        let z: f64 = StandardNormal.sample(&mut rng);
                        *y = z * (DF / chi.sample(&mut rng)).sqrt();
                        proposal -= 0.5 * (DF + 1.0) * libm::log1p(*y * *y / DF);
                    }
                    metric.position(y, q);
                    let value = density.evaluate(q, gradient, scratch);
                    ratios.push(if value.is_finite() { value - proposal } else { f64::NEG_INFINITY });
                }
                (points, ratios)
            },
        )
        .collect();
    let (points, ratios): (Vec<Vec<f64>>, Vec<Vec<f64>>) = pieces.into_iter().unzip();
    Some((points.concat(), ratios.concat()))
}

/// Shares below the sampler's own quantiles, of every parameter and estimand.
fn compared((own, chains): (&[Column], usize), other: &[Column], weights: &[f64]) -> Agreement {
    /// Columns that one thread takes at a time.
    const COLUMNS: usize = 8;
    let pieces: Vec<(&[Column], &[Column])> = own.chunks(COLUMNS).zip(other.chunks(COLUMNS)).collect();
    let differences = parallel::map(&pieces, |(own, other)| {
        let mut workspace = Workspace::default();
        let columns = own.iter().zip(*other);
        columns
            .flat_map(|(values, points)| {
                apart(Draws { values, chains }, (points, weights), &mut workspace).into_iter().flatten()
            })
            .collect::<Vec<f64>>()
    });
    let mut found = Agreement::default();
    differences.into_iter().flatten().for_each(|z| found.take_z(z));
    found
}

/// Where draws and weighted points are compared.
const AT: [f64; 5] = [0.025, 0.25, 0.5, 0.75, 0.975];

/// How far the weighted share of points below each of the draws' quantiles lies from the draws' own, in standard errors; none
/// where there is nothing to compare, as of a quantity that does not vary.
fn apart(
    draws: Draws<'_>,
    (points, weights): (&[f64], &[f64]),
    workspace: &mut Workspace,
) -> [Option<f64>; AT.len()] {
    let at = quantiles(draws.values);
    // Of all quantiles at once, each sum in the points' order.
    let mut weighted = [0.0; AT.len()];
    for (x, w) in points.iter().zip(weights) {
        weighted.iter_mut().zip(at).for_each(|(sum, at)| *sum += if *x < at { *w } else { 0.0 });
    }
    let mut variances = [0.0; AT.len()];
    for (x, w) in points.iter().zip(weights) {
        for ((sum, at), weighted) in variances.iter_mut().zip(at).zip(weighted) {
            let apart = if *x < at { 1.0 } else { 0.0 } - weighted;
            *sum += w * w * apart * apart;
        }
    }
    std::array::from_fn(|i| {
        let below = proportion(draws, |x| x < at[i], workspace);
        let ess = below.ess.unwrap_or(1.0);
        let variance = variances[i] + below.probability * (1.0 - below.probability) / ess;
        (variance > 0.0).then(|| (weighted[i] - below.probability) / variance.sqrt())
    })
}

/// The draws' own quantiles: each time what is above the one before is looked through.
fn quantiles(values: &[f64]) -> [f64; AT.len()] {
    let mut values = values.to_vec();
    let (mut rest, mut passed) = (&mut values[..], 0);
    let n = rest.len();
    AT.map(|p| {
        let place = ((p * n as f64) as usize).min(n.saturating_sub(1));
        // Few draws have neighbouring quantiles in common.
        let within = place.saturating_sub(passed);
        let (_, x, _) = rest.select_nth_unstable_by(within, f64::total_cmp);
        let x = *x;
        rest = &mut std::mem::take(&mut rest)[within..];
        passed = place;
        x
    })
}
