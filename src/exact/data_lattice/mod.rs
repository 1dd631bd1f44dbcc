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

use crate::model::{BaselineOf, BaselinePrior, LocationPrior, Model, Pooling};
use crate::numeric::{cumulative_sum, matrix_times, smeared, weighted_rows};
use crate::parallel;
use cell::{Cell, CellPriors, CellSums, Sharpness};
pub use cell::{CellData, Counts};
pub use draws::{Draws, LatticeDraw};
use hyper::{HyperNode, Sharpest, predicted};

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

/// What a posterior says of one subgroup.
#[derive(Debug, Clone, PartialEq)]
pub struct SubgroupFound {
    /// The mean risk difference, active minus control.
    pub mean_difference: f64,
    /// P(risk difference > x) of every x that was asked for.
    pub beyond: Vec<f64>,
    /// The mean of the effect θ.
    pub theta_mean: f64,
    /// θ's mass on the nodes, summing to 1; its first node and their distance.
    mass: Vec<f64>,
    start: f64,
    step: f64,
    /// Whether no mass to speak of lies at an end of its plane.
    pub settled: bool,
}

impl SubgroupFound {
    /// P(θ ≤ x).
    pub fn theta_cdf(&self, x: f64) -> f64 {
        cumulative_sum(&self.mass, (x - self.start) / self.step).clamp(0.0, 1.0)
    }

    /// The quantile of θ.
    pub fn theta_quantile(&self, p: f64) -> f64 {
        let last = self.start + self.step * (self.mass.len() - 1) as f64;
        crate::numeric::invert_increasing(self.start - self.step, last + self.step, p, |x| {
            cumulative_sum(&self.mass, (x - self.start) / self.step)
        })
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
        Some(DataLattice { cells, plane, below: of.control_share(), baseline: prior.clone() })
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
                matrix_times(kernel, &scratch.cells[g].sums[0], marginal);
                scale_to_one(marginal);
            }
            weigh(weights, scratch);
        }
    }

    /// q_g on the diagonals of subgroup `g`, into the scratch.
    fn predict(&self, g: usize, scratch: &mut LatticeScratch) {
        scratch.prediction.resize(self.cells[g].theta.len(), 0.0);
        match &self.plane {
            Plane::Separate(prior) => scratch.prediction.copy_from_slice(&prior[g]),
            Plane::Shared { kernels, .. } => {
                weighted_rows(&kernels[g], &scratch.after[g], &mut scratch.prediction);
            }
        }
    }

    fn found(&self, g: usize, scratch: &mut LatticeScratch) -> SubgroupFound {
        self.predict(g, scratch);
        let (cell, of) = (&self.cells[g], &scratch.cells[g]);
        let n = cell.theta.len();
        let sum = |table: usize| dot(&scratch.prediction, &of.sums[table]);
        let total = sum(0);
        let mass: Vec<f64> = scratch.prediction.iter().zip(&of.sums[0]).map(|(q, s)| q * s / total).collect();
        let theta_mean = mass.iter().zip(&cell.theta).map(|(m, t)| m * t).sum();
        let edge = dot(&scratch.prediction, &of.edge) / total;
        let ends = (mass[0].abs() + mass[n - 1].abs()) * f64::from(u8::from(n > 1));
        SubgroupFound {
            mean_difference: sum(1) / total,
            beyond: (2..cell.tables()).map(|t| (sum(t) / total).clamp(0.0, 1.0)).collect(),
            theta_mean,
            mass,
            start: cell.theta[0],
            step: cell.step,
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
                    scratch.prediction = smeared(cell.position(theta), 0.0, cell.theta.len());
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
