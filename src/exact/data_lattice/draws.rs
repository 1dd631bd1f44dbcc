//! Draws of the subgroups' effects and risks from the posterior that standing data give.
//!
//! Densities on the lattice's nodes are band-limited, so that between the nodes they are known by interpolation. Draws are made on
//! nodes several times as close, and moved within their cells: what is asked of a draw may have a kink or a step anywhere, as the
//! value of a choice has, which an average over the lattice's own nodes would miss.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardUniform};

use super::cell::Counts;
use super::{DataLattice, LatticeScratch, Plane};
use crate::model::{Arm, BinomialPair, LocationComponent, Side};
use crate::numeric::smeared;

/// Nodes of draws for each of the lattice's own.
const FINER: usize = 8;

/// The same of the control arm's log odds given the effect.
const FINER_CONTROL: usize = 4;

/// A normal narrower than this many nodes is met on nodes of its own.
const RESOLVED: f64 = 1.1;

/// Nodes of such a normal on either side, and their distance in its standard deviations.
const OWN_NODES: i32 = 28;
const OWN_STEP: f64 = 0.25;

/// Draws from the posterior under standing data.
pub struct Draws<'a> {
    lattice: &'a DataLattice,
    standing: &'a [BinomialPair],
    /// Fine nodes of (μ, τ) with the distance of those of μ, and their cumulated shares; none where effects are separate.
    hyper: Vec<(f64, f64, f64)>,
    shares: Vec<f64>,
    effects: Vec<Effects>,
    components: Vec<LocationComponent>,
}

/// What the standing data of one subgroup say of its effect, on fine nodes; where effects are separate, with their prior.
struct Effects {
    start: f64,
    step: f64,
    values: Vec<f64>,
}

/// One draw: the effects, and the log odds of both arms, by subgroup.
#[derive(Debug, Clone, PartialEq)]
pub struct LatticeDraw {
    /// Of the control arm and of the active arm, by subgroup.
    pub log_odds: Vec<[f64; 2]>,
}

impl DataLattice {
    /// Draws from the posterior under the standing data that the lattice was made with.
    pub fn draws<'a>(&'a self, standing: &'a [BinomialPair]) -> Draws<'a> {
        let none = Arm { events: 0.0, total: 0.0 };
        let data: Vec<Counts> = vec![[none; 2]; self.subgroups()];
        let mut scratch = LatticeScratch::default();
        self.sums(&data, &mut scratch);
        let (mut hyper, mut weights) = (Vec::new(), Vec::new());
        if let Plane::Shared { nodes, .. } = &self.plane {
            let all = scratch.after[0].iter().zip(&scratch.marginals[0]);
            let posterior: Vec<f64> = all.map(|(a, m)| a * m).collect();
            let mut first = 0;
            for row in nodes.chunk_by(|a, b| a.tau == b.tau) {
                let step = row.get(1).map_or(0.0, |second| second.mu - row[0].mu);
                let fine = finer(&posterior[first..first + row.len()], FINER);
                // A row of one node has no cells.
                let count = if row.len() > 1 { fine.len() } else { 1 };
                for (j, weight) in fine.into_iter().take(count).enumerate() {
                    hyper.push((row[0].mu + step * j as f64 / FINER as f64, row[0].tau, step / FINER as f64));
                    weights.push(weight);
                }
                first += row.len();
            }
        }
        let effects = (0..self.subgroups()).map(|g| {
            let (cell, of) = (&self.cells[g], &scratch.cells[g]);
            let sums: Vec<f64> = match &self.plane {
                Plane::Shared { .. } => of.sums[0].clone(),
                Plane::Separate(prior) => {
                    of.sums[0].iter().zip(&prior[g][of.first..]).map(|(s, q)| s * q).collect()
                }
            };
            Effects {
                start: cell.theta[of.first],
                step: cell.step / FINER as f64,
                values: finer(&sums, FINER),
            }
        });
        Draws {
            lattice: self,
            standing,
            hyper,
            shares: cumulated(weights.into_iter()),
            effects: effects.collect(),
            components: self.baseline.components(),
        }
    }
}

impl Effects {
    /// Between the fine nodes in a line; nothing beyond them.
    fn at(&self, theta: f64) -> f64 {
        let position = (theta - self.start) / self.step;
        if !(0.0..(self.values.len() - 1) as f64).contains(&position) {
            return 0.0;
        }
        let (j, part) = (position as usize, position - libm::floor(position));
        (1.0 - part) * self.values[j] + part * self.values[j + 1]
    }
}

impl Draws<'_> {
    /// One draw.
    pub fn draw(&self, rng: &mut ChaCha8Rng) -> LatticeDraw {
        let shared = (!self.hyper.is_empty()).then(|| {
            let (mu, tau, step) = self.hyper[chosen(&self.shares, uniform(rng))];
            (mu + step * (uniform(rng) - 0.5), tau)
        });
        let log_odds = (0..self.lattice.subgroups()).map(|g| {
            let theta = self.effect(g, shared, rng);
            let control = self.control(g, theta, rng);
            [control, control + theta]
        });
        LatticeDraw { log_odds: log_odds.collect() }
    }

    fn effect(&self, g: usize, shared: Option<(f64, f64)>, rng: &mut ChaCha8Rng) -> f64 {
        let of = &self.effects[g];
        let (u, within) = (uniform(rng), uniform(rng) - 0.5);
        let at = |j: usize| of.start + of.step * j as f64;
        match shared {
            Some((mu, tau)) if tau < RESOLVED * FINER as f64 * of.step => {
                let z = |j: i32| OWN_STEP * f64::from(j);
                let weight = |j: i32| libm::exp(-0.5 * z(j) * z(j)) * of.at(mu + tau * z(j));
                let shares = cumulated((-OWN_NODES..=OWN_NODES).map(weight));
                mu + tau * (z(chosen(&shares, u) as i32 - OWN_NODES) + OWN_STEP * within)
            }
            Some((mu, tau)) => {
                let weight = |(j, value): (usize, &f64)| {
                    let z = (at(j) - mu) / tau;
                    if z.abs() > 9.0 { 0.0 } else { value * libm::exp(-0.5 * z * z) }
                };
                let shares = cumulated(of.values.iter().enumerate().map(weight));
                at(chosen(&shares, u)) + of.step * within
            }
            None => at(chosen(&cumulated(of.values.iter().copied()), u)) + of.step * within,
        }
    }

    /// The control arm's log odds given the effect.
    fn control(&self, g: usize, theta: f64, rng: &mut ChaCha8Rng) -> f64 {
        let cell = &self.lattice.cells[g];
        let pair = &self.standing[g];
        let step = cell.step / FINER_CONTROL as f64;
        let log_density = |x: f64| {
            let alpha = x + self.lattice.below * theta;
            let prior: f64 = self.components.iter().map(|c| libm::exp(c.log_density(alpha))).sum();
            libm::log(prior)
                + pair.log_likelihood(Side::Control, x)
                + pair.log_likelihood(Side::Active, x + theta)
        };
        let count = (cell.x[0].len() - 1) * FINER_CONTROL + 1;
        let at = |j: usize| cell.x[0][0] + step * j as f64;
        let logs: Vec<f64> = (0..count).map(|j| log_density(at(j))).collect();
        let high = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let shares = cumulated(logs.iter().map(|l| libm::exp(l - high)));
        let chosen = chosen(&shares, uniform(rng));
        at(chosen) + step * (uniform(rng) - 0.5)
    }
}

/// A band-limited function on nodes so many times as close.
fn finer(values: &[f64], times: usize) -> Vec<f64> {
    let count = (values.len() - 1) * times + 1;
    let at = |j: usize| {
        let weights = smeared(j as f64 / times as f64, 0.0, values.len());
        weights.iter().zip(values).map(|(w, v)| w * v).sum::<f64>().max(0.0)
    };
    (0..count).map(at).collect()
}

/// Running sums of what is not negative.
fn cumulated(weights: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sum = 0.0;
    weights
        .map(|w| {
            sum += w.max(0.0);
            sum
        })
        .collect()
}

/// The place that a uniform number chooses among running sums.
fn chosen(sums: &[f64], u: f64) -> usize {
    let target = u * sums.last().copied().unwrap_or(0.0);
    sums.partition_point(|s| *s <= target).min(sums.len().saturating_sub(1))
}

fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    StandardUniform.sample(rng)
}
