//! Posteriors of many data sets under one set of priors: a lattice that holds everything that no data can change, so that the
//! posterior under other data is a few sums over its nodes.
//!
//! ```text
//! p(y | μ, τ) = Π_g Σ_d S_g(θ_d) N(θ_d; μ, τ),     S_g(θ) = Σ p(α) f₀(x₀) f₁(x₀ + θ)   over the diagonal of θ
//! q_g(θ)      = Σ_k w_k Π_{h≠g} W_h(k) N(θ; μ_k, τ_k)        what priors and other subgroups say of θ_g
//! E[h | y]    = Σ_d q_g(θ_d) H_g(θ_d) / Σ_d q_g(θ_d) S_g(θ_d),   H as S with h under the sum
//! ```
//!
//! All nodes are even and as close as the sharpest posterior asks that data of the stated sizes can give, so that sums over
//! them converge geometrically. A heterogeneity that is narrower than the nodes is met by interpolation between them. Whoever
//! uses a lattice compares some of its answers with the engine's.

mod cell;
mod draws;
mod hyper;

use super::Distribution;
use crate::model::{BaselineOf, BaselinePrior, LocationPrior, Model, Pooling};
use crate::numeric::{cumulative_sum, invert_increasing, matrix_times, smeared, weighted_rows};
use crate::parallel;
use cell::{Cell, CellPriors, CellSums, Sharpness};
pub use cell::{CellData, Counts};
pub use draws::{Draws, LatticeDraw};
use hyper::{HyperNode, Sharpest, predicted};

/// Nodes with less than this part of the greatest weight are left out.
const EXCLUDED: f64 = 1e-13;

/// The part of a posterior that may lie at the ends of a subgroup's plane.
const AT_THE_EDGE: f64 = 1e-7;

/// Everything about posteriors of two-arm counts that no data can change.
#[derive(Debug)]
pub struct DataLattice {
    cells: Vec<Cell>,
    plane: Plane,
    below: f64,
    baseline: LocationPrior,
}

/// What ties the effects together.
#[derive(Debug)]
enum Plane {
    /// Nodes of (μ, τ) with their weights, and by subgroup N(θ_d; μ_k, τ_k) as rows of constant k.
    Shared { nodes: Vec<HyperNode>, weights: Vec<f64>, kernels: Vec<Vec<f64>> },
    /// Each effect's own prior on its diagonals.
    Separate(Vec<Vec<f64>>),
}

/// Space for one posterior after another.
#[derive(Debug, Default)]
pub struct LatticeScratch {
    cells: Vec<CellSums>,
    /// By subgroup, W_h(k).
    marginals: Vec<Vec<f64>>,
    weights: Vec<f64>,
    after: Vec<Vec<f64>>,
    prediction: Vec<f64>,
}

/// θ as a table on even nodes, or by quantiles.
#[derive(Debug, Clone, PartialEq)]
enum EffectFound {
    /// Its mass on the nodes, summing to 1; the first node and their distance.
    Nodes { mass: Vec<f64>, start: f64, step: f64 },
    /// The ends of its central 95 % interval, where the engine found it.
    Interval([f64; 2]),
}

/// What a posterior says of one subgroup.
#[derive(Debug, Clone, PartialEq)]
pub struct SubgroupFound {
    /// The mean risk difference, active minus control.
    pub mean_difference: f64,
    /// P(risk difference > x) of every x that was asked for.
    pub beyond: Vec<f64>,
    /// The mean of the effect θ.
    pub theta_mean: f64,
    effect: EffectFound,
    /// Whether no mass to speak of lies at an end of its plane.
    pub settled: bool,
}

impl SubgroupFound {
    /// The same from the engine.
    pub fn of(mean_difference: f64, beyond: Vec<f64>, theta: &dyn Distribution) -> Option<SubgroupFound> {
        let effect = EffectFound::Interval([theta.quantile(0.025), theta.quantile(0.975)]);
        Some(SubgroupFound { mean_difference, beyond, theta_mean: theta.mean()?, effect, settled: true })
    }

    /// The ends of the central 95 % interval of θ.
    pub fn theta_interval(&self) -> [f64; 2] {
        match &self.effect {
            EffectFound::Interval(ends) => *ends,
            EffectFound::Nodes { mass, start, step } => {
                let last = start + step * mass.len() as f64;
                [0.025, 0.975].map(|p| {
                    invert_increasing(start - step, last, p, |x| cumulative_sum(mass, (x - start) / step))
                })
            }
        }
    }
}

impl DataLattice {
    /// The lattice under a model's priors; `data` by subgroup, and the risk differences x of P(difference > x). None where it
    /// does not cover the model: it is of two-arm counts without covariates, with independent proper baselines, and effects
    /// that are normal around their mean.
    pub fn new(model: &Model, data: &[CellData<'_>], beyond: &[f64]) -> Option<DataLattice> {
        let (prior, of) = covered(model)?;
        let priors = CellPriors { effect: &model.effect, pooling: &model.pooling, baseline: prior, of };
        let sharpness = data.iter().map(|d| Sharpness::of(d, priors)).collect::<Option<Vec<Sharpness>>>()?;
        let is_separate = matches!(model.pooling, Pooling::Separate(_)) || data.len() == 1;
        let information = |s: &Sharpness| 1.0 / s.variance;
        let all: f64 = sharpness.iter().map(information).sum();
        let cells = parallel::range(0..data.len(), |g| {
            let others = if is_separate { 0.0 } else { all - information(&sharpness[g]) };
            let own = match &model.effect {
                LocationPrior::Normals(n) => {
                    let sd = n.iter().map(|n| n.sd).fold(f64::INFINITY, f64::min);
                    1.0 / (sd * sd)
                }
                _ => 0.0,
            };
            Cell::new(&data[g], priors, (&sharpness[g], others + own), beyond)
        });
        let cells = cells.into_iter().collect::<Option<Vec<Cell>>>()?;
        let plane = if is_separate {
            let of = |cell: &Cell| predicted(&model.effect, &model.pooling, cell.theta.iter().copied());
            Plane::Separate(cells.iter().map(of).collect())
        } else {
            let ends = sharpness.iter().map(Sharpness::effects);
            let range = ends
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), (low, high)| (a.min(low), b.max(high)));
            let variances = sharpness.iter().map(|s| s.variance).collect();
            let step = cells.iter().map(|cell| cell.step).fold(f64::INFINITY, f64::min);
            let nodes = hyper::nodes(&model.effect, &model.pooling, &Sharpest { variances, range, step })?;
            let high = nodes.iter().map(|n| n.log_weight).fold(f64::NEG_INFINITY, f64::max);
            let weights = nodes.iter().map(|n| libm::exp(n.log_weight - high)).collect();
            let kernels = cells.iter().map(|cell| {
                let rows = parallel::map(&nodes, |n| {
                    smeared(cell.position(n.mu), n.tau / cell.step, cell.theta.len())
                });
                rows.concat()
            });
            Plane::Shared { kernels: kernels.collect(), nodes, weights }
        };
        let mut lattice = DataLattice { cells, plane, below: of.control_share(), baseline: prior.clone() };
        if data.iter().all(|d| d.standing.is_some()) {
            lattice.leave_out_what_the_standing_data_exclude();
        }
        Some(lattice)
    }

    /// Leaves out nodes of (μ, τ) of which the standing data leave nothing: what comes to them is drawn from what they leave.
    fn leave_out_what_the_standing_data_exclude(&mut self) {
        let none = crate::model::Arm { events: 0.0, total: 0.0 };
        let mut scratch = LatticeScratch::default();
        self.sums(&vec![[none; 2]; self.cells.len()], &mut scratch);
        let Plane::Shared { nodes, weights, kernels } = &mut self.plane else { return };
        let posterior: Vec<f64> =
            scratch.after[0].iter().zip(&scratch.marginals[0]).map(|(a, m)| a * m).collect();
        let high = posterior.iter().copied().fold(0.0, f64::max);
        // Of every row of constant τ, from the first to the last node that counts.
        let mut kept: Vec<usize> = Vec::new();
        let mut start = 0;
        for row in nodes.chunk_by(|a, b| a.tau == b.tau) {
            let of_row = &posterior[start..start + row.len()];
            let counts = |x: &f64| *x > EXCLUDED * high;
            if let (Some(a), Some(b)) = (of_row.iter().position(counts), of_row.iter().rposition(counts)) {
                kept.extend(start + a..=start + b);
            }
            start += row.len();
        }
        for (kernel, cell) in kernels.iter_mut().zip(&self.cells) {
            let width = cell.theta.len();
            *kernel = kept.iter().flat_map(|k| kernel[k * width..(k + 1) * width].iter().copied()).collect();
        }
        *nodes = kept.iter().map(|k| nodes[*k]).collect();
        *weights = kept.iter().map(|k| weights[*k]).collect();
    }

    /// How many subgroups there are.
    pub fn subgroups(&self) -> usize {
        self.cells.len()
    }

    /// The posterior under these new data, by subgroup; without patients the standing data alone speak.
    pub fn posterior(&self, data: &[Counts], scratch: &mut LatticeScratch) -> Vec<SubgroupFound> {
        self.sums(data, scratch);
        (0..self.cells.len()).map(|g| self.found(g, scratch)).collect()
    }

    /// The mean risk differences under these new data, by subgroup; the others of [`DataLattice::posterior`] are left out.
    pub fn mean_differences(&self, data: &[Counts], scratch: &mut LatticeScratch, means: &mut Vec<f64>) {
        self.sums(data, scratch);
        means.clear();
        for g in 0..self.cells.len() {
            self.predict(g, scratch);
            let sums = &scratch.cells[g].sums;
            let of = |table: usize| dot(&scratch.prediction, &sums[table]);
            means.push(of(1) / of(0));
        }
    }

    fn sums(&self, data: &[Counts], scratch: &mut LatticeScratch) {
        scratch.cells.resize_with(self.cells.len(), CellSums::default);
        for ((cell, counts), found) in self.cells.iter().zip(data).zip(&mut scratch.cells) {
            cell.sums(counts, found);
        }
        if let Plane::Shared { weights, kernels, .. } = &self.plane {
            scratch.marginals.resize_with(self.cells.len(), Vec::new);
            for (g, kernel) in kernels.iter().enumerate() {
                let marginal = &mut scratch.marginals[g];
                marginal.resize(weights.len(), 0.0);
                let of = &scratch.cells[g];
                matrix_times(kernel, (self.cells[g].theta.len(), of.first), &of.sums[0], marginal);
                scale_to_one(marginal);
            }
            weigh(weights, scratch);
        }
    }

    /// q_g on the diagonals of subgroup `g` that have anything, into the scratch.
    fn predict(&self, g: usize, scratch: &mut LatticeScratch) {
        let (first, count) = (scratch.cells[g].first, scratch.cells[g].sums[0].len());
        scratch.prediction.resize(count, 0.0);
        match &self.plane {
            Plane::Separate(prior) => scratch.prediction.copy_from_slice(&prior[g][first..first + count]),
            Plane::Shared { kernels, .. } => {
                let columns = (self.cells[g].theta.len(), first);
                weighted_rows(&kernels[g], columns, &scratch.after[g], &mut scratch.prediction);
            }
        }
    }

    fn found(&self, g: usize, scratch: &mut LatticeScratch) -> SubgroupFound {
        self.predict(g, scratch);
        let (cell, of) = (&self.cells[g], &scratch.cells[g]);
        let theta = &cell.theta[of.first..of.first + of.sums[0].len()];
        let sum = |table: usize| dot(&scratch.prediction, &of.sums[table]);
        let total = sum(0);
        let mass: Vec<f64> = scratch.prediction.iter().zip(&of.sums[0]).map(|(q, s)| q * s / total).collect();
        let theta_mean = mass.iter().zip(theta).map(|(m, t)| m * t).sum();
        let edge = dot(&scratch.prediction, &of.edge) / total;
        // An end of the diagonals, where they end.
        let whole = [of.first == 0, of.first + mass.len() == cell.theta.len()];
        let ends = [mass.first(), mass.last()].into_iter().zip(whole);
        let ends: f64 = ends.map(|(m, is_end)| if is_end { m.map_or(0.0, |m| m.abs()) } else { 0.0 }).sum();
        SubgroupFound {
            mean_difference: sum(1) / total,
            beyond: (2..cell.tables()).map(|t| (sum(t) / total).clamp(0.0, 1.0)).collect(),
            theta_mean,
            effect: EffectFound::Nodes { mass, start: theta[0], step: cell.step },
            settled: edge + ends < AT_THE_EDGE,
        }
    }

    /// The mean risk differences under these data where the effect of subgroup `of` is known besides, by subgroup.
    pub fn mean_differences_given(
        &self,
        data: &[Counts],
        (of, theta): (usize, f64),
        scratch: &mut LatticeScratch,
    ) -> Vec<f64> {
        self.sums(data, scratch);
        if let Plane::Shared { nodes, weights, .. } = &self.plane {
            scratch.marginals[of] = at_effect(nodes, theta);
            weigh(weights, scratch);
        }
        (0..self.cells.len())
            .map(|g| {
                let cell = &self.cells[g];
                if g == of {
                    let of = &scratch.cells[g];
                    scratch.prediction =
                        smeared(cell.position(theta) - of.first as f64, 0.0, of.sums[0].len());
                } else {
                    self.predict(g, scratch);
                }
                let sum = |t: usize| dot(&scratch.prediction, &scratch.cells[g].sums[t]);
                sum(1) / sum(0)
            })
            .collect()
    }
}

/// The priors of the baselines, where a lattice covers the model.
fn covered(model: &Model) -> Option<(&LocationPrior, BaselineOf)> {
    let cells = model.observation.cells()?;
    let alike = cells.rows().is_none() && cells.levels().is_none() && cells.misclassification().is_none();
    let shaped = model.pooling.is_integrated_alone();
    match &cells.baselines().prior {
        BaselinePrior::Independent(prior) if alike && !shaped && prior.is_proper() => {
            Some((prior, cells.baselines().of))
        }
        _ => None,
    }
}

/// By subgroup the weights of all nodes with the marginal likelihoods of the others.
fn weigh(weights: &[f64], scratch: &mut LatticeScratch) {
    let groups = scratch.marginals.len();
    scratch.after.resize_with(groups, Vec::new);
    let LatticeScratch { marginals, weights: before, after, .. } = scratch;
    // From the last on, then from the first: nothing is divided, so that nothing is lost where a marginal vanishes.
    before.clear();
    before.resize(weights.len(), 1.0);
    for g in (0..groups).rev() {
        after[g].clear();
        after[g].extend_from_slice(before);
        before.iter_mut().zip(&marginals[g]).for_each(|(w, m)| *w *= m);
    }
    before.clear();
    before.extend_from_slice(weights);
    for (after, marginal) in after.iter_mut().zip(marginals) {
        after.iter_mut().zip(before.iter()).for_each(|(a, b)| *a *= b);
        before.iter_mut().zip(marginal.iter()).for_each(|(w, m)| *w *= m);
    }
}

/// N(θ; μ_k, τ_k) of every node, as far as the nodes of μ resolve it.
fn at_effect(nodes: &[HyperNode], theta: f64) -> Vec<f64> {
    let mut found = Vec::with_capacity(nodes.len());
    for row in nodes.chunk_by(|a, b| a.tau == b.tau) {
        let step = row.get(1).map_or(1.0, |second| second.mu - row[0].mu);
        let weights = smeared((theta - row[0].mu) / step, row[0].tau / step, row.len());
        found.extend(weights.into_iter().map(|w| w / step));
    }
    found
}

fn scale_to_one(x: &mut [f64]) {
    let high = x.iter().copied().fold(0.0, f64::max);
    if high > 0.0 {
        x.iter_mut().for_each(|x| *x /= high);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
