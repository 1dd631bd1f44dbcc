//! Draws of the subgroups' effects and risks from the posterior that standing data give, on the lattice's nodes.
//!
//! Averages over nodes, weighted as they are drawn, are the sums of the lattice: nothing is lost by drawing nodes.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardUniform};

use super::cell::Counts;
use super::{DataLattice, LatticeScratch, Plane};
use crate::model::{Arm, BinomialPair, Side};
use crate::numeric::smeared;

/// A normal narrower than this many nodes is met on nodes of its own.
const RESOLVED: f64 = 1.1;

/// Nodes of such a normal, and their distance in its standard deviations.
const OWN_NODES: i32 = 14;
const OWN_STEP: f64 = 0.5;

/// Draws from the posterior under standing data.
pub struct Draws<'a> {
    lattice: &'a DataLattice,
    standing: &'a [BinomialPair],
    scratch: LatticeScratch,
    /// Cumulated shares of the nodes of (μ, τ); empty where effects are separate.
    shares: Vec<f64>,
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
        let shares = match &self.plane {
            Plane::Separate(_) => Vec::new(),
            Plane::Shared { .. } => {
                let all = scratch.after[0].iter().zip(&scratch.marginals[0]);
                cumulated(all.map(|(a, m)| a * m))
            }
        };
        Draws { lattice: self, standing, scratch, shares }
    }
}

impl Draws<'_> {
    /// One draw.
    pub fn draw(&self, rng: &mut ChaCha8Rng) -> LatticeDraw {
        let node = match &self.lattice.plane {
            Plane::Shared { nodes, .. } => nodes.get(chosen(&self.shares, uniform(rng))),
            Plane::Separate(_) => None,
        };
        let log_odds = (0..self.lattice.subgroups()).map(|g| {
            let theta = self.effect(g, node.map(|n| (n.mu, n.tau)), rng);
            let control = self.control(g, theta, rng);
            [control, control + theta]
        });
        LatticeDraw { log_odds: log_odds.collect() }
    }

    fn effect(&self, g: usize, shared: Option<(f64, f64)>, rng: &mut ChaCha8Rng) -> f64 {
        let cell = &self.lattice.cells[g];
        let of = &self.scratch.cells[g];
        let (sums, first) = (&of.sums[0], of.first);
        let theta = &cell.theta[first..first + sums.len()];
        let position = |x: f64| cell.position(x) - first as f64;
        let u = uniform(rng);
        match (shared, &self.lattice.plane) {
            (Some((mu, tau)), _) if tau < RESOLVED * cell.step => {
                let at = |j: i32| mu + tau * OWN_STEP * f64::from(j);
                let weight = |j: i32| {
                    let z = OWN_STEP * f64::from(j);
                    let near = smeared(position(at(j)), 0.0, sums.len());
                    let sum: f64 = near.iter().zip(sums).map(|(w, s)| w * s).sum();
                    libm::exp(-0.5 * z * z) * sum
                };
                let shares = cumulated((-OWN_NODES..=OWN_NODES).map(weight));
                at(chosen(&shares, u) as i32 - OWN_NODES)
            }
            (Some((mu, tau)), _) => {
                let kernel = smeared(position(mu), tau / cell.step, sums.len());
                theta[chosen(&cumulated(kernel.iter().zip(sums).map(|(k, s)| k * s)), u)]
            }
            (None, Plane::Separate(prior)) => {
                theta[chosen(&cumulated(prior[g][first..].iter().zip(sums).map(|(k, s)| k * s)), u)]
            }
            (None, Plane::Shared { .. }) => 0.0,
        }
    }

    /// The control arm's log odds given the effect.
    fn control(&self, g: usize, theta: f64, rng: &mut ChaCha8Rng) -> f64 {
        let x = &self.lattice.cells[g].x[0];
        let pair = &self.standing[g];
        let components = self.lattice.baseline.components();
        let log_density = |x: &f64| {
            let alpha = x + self.lattice.below * theta;
            let prior: f64 = components.iter().map(|c| libm::exp(c.log_density(alpha))).sum();
            libm::log(prior)
                + pair.log_likelihood(Side::Control, *x)
                + pair.log_likelihood(Side::Active, x + theta)
        };
        let logs: Vec<f64> = x.iter().map(log_density).collect();
        let high = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        x[chosen(&cumulated(logs.iter().map(|l| libm::exp(l - high))), uniform(rng))]
    }
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
