//! The plane of (μ, τ) under fixed priors, with nodes fine enough for whatever data of these sizes may say.

use super::super::scale::ScaleMap;
use crate::model::{HeterogeneityPrior, LocationPrior, Pooling};
use crate::numeric::normal_log_density;

/// Distance of nodes of τ in the stretched coordinate.
const TAU_STEP: f64 = 0.25;

/// Nodes of τ end where the prior's mass is this little (as a logarithm) beside its largest.
const CUT: f64 = 25.0;

/// As far as nodes of τ go in the stretched coordinate.
const FARTHEST: i32 = 60;

/// Node distance of μ in standard deviations of the sharpest posterior of μ.
const STEP: f64 = 1.1;

/// Standard deviations of a prior, and of the effects around μ, that count.
const REACH: f64 = 7.0;

/// More nodes are not kept.
const MOST: usize = 40_000;

/// One node: μ, τ and the log of its weight times its prior density.
#[derive(Debug, Clone, Copy)]
pub struct HyperNode {
    pub mu: f64,
    pub tau: f64,
    pub log_weight: f64,
}

/// What data can say at most: by subgroup the least variance of its effect, and the range of all effects.
#[derive(Debug, Clone)]
pub struct Sharpest {
    pub variances: Vec<f64>,
    pub range: (f64, f64),
    /// The distance of the effects' nodes, the least.
    pub step: f64,
}

/// The nodes; none where they would be too many.
pub fn nodes(effect: &LocationPrior, pooling: &Pooling, sharpest: &Sharpest) -> Option<Vec<HyperNode>> {
    let mut all = Vec::new();
    for (tau, log_weight) in taus(pooling) {
        let (low, high, sd) = support(effect);
        let low = low.max(sharpest.range.0 - REACH * tau);
        let high = high.min(sharpest.range.1 + REACH * tau);
        let own = if sd.is_finite() { 1.0 / (sd * sd) } else { 0.0 };
        let precision = own + sharpest.variances.iter().map(|v| 1.0 / (v + tau * tau)).sum::<f64>();
        // Effects around even values of μ are smooth where these lie no farther apart than their width, or than the nodes that
        // they are seen on.
        let step = (STEP / libm::sqrt(precision)).min(sharpest.step.max(tau));
        let count = libm::ceil((high - low) / step);
        if count.is_nan() || count < 0.0 || all.len() as f64 + count > MOST as f64 {
            return None;
        }
        let components = effect.components();
        // Whole multiples of the step, so that mirrored priors have mirrored nodes.
        let (first, last) = (libm::floor(low / step) as i64, libm::ceil(high / step) as i64);
        for j in first..=last {
            let mu = j as f64 * step;
            let density: f64 = components.iter().map(|c| libm::exp(c.log_density(mu))).sum();
            let log_weight = log_weight + libm::log(step) + libm::log(density);
            if log_weight > f64::NEG_INFINITY {
                all.push(HyperNode { mu, tau, log_weight });
            }
        }
    }
    Some(all)
}

/// Where a prior of μ has its mass, and its least standard deviation; heavy tails and none at all reach everywhere.
fn support(effect: &LocationPrior) -> (f64, f64, f64) {
    match effect {
        LocationPrior::Normals(normals) => {
            let low = normals.iter().map(|n| n.mean - REACH * n.sd).fold(f64::INFINITY, f64::min);
            let high = normals.iter().map(|n| n.mean + REACH * n.sd).fold(f64::NEG_INFINITY, f64::max);
            (low, high, normals.iter().map(|n| n.sd).fold(f64::INFINITY, f64::min))
        }
        LocationPrior::StudentT { scale, .. } => (f64::NEG_INFINITY, f64::INFINITY, *scale),
        LocationPrior::LogitBeta { .. } | LocationPrior::Flat => {
            (f64::NEG_INFINITY, f64::INFINITY, f64::INFINITY)
        }
    }
}

/// Every τ with the log of its weight times its density.
fn taus(pooling: &Pooling) -> Vec<(f64, f64)> {
    let prior = match pooling.heterogeneity() {
        None => return vec![(0.0, 0.0)],
        Some(HeterogeneityPrior::Fixed { value }) => return vec![(value, 0.0)],
        Some(prior) => prior,
    };
    let map = ScaleMap::of(&prior);
    let at = |j: i32| {
        let (tau, log_slope) = map.at(TAU_STEP * f64::from(j));
        (tau, prior.log_density(tau) + log_slope + libm::log(TAU_STEP))
    };
    let all: Vec<(f64, f64)> = (-FARTHEST..=FARTHEST).map(at).collect();
    let high = all.iter().map(|(_, w)| *w).fold(f64::NEG_INFINITY, f64::max);
    all.into_iter().filter(|(tau, w)| *tau > 0.0 && *w > high - CUT).collect()
}

/// The density of a further effect under the priors alone, at these values.
pub fn predicted(effect: &LocationPrior, pooling: &Pooling, theta: impl Iterator<Item = f64>) -> Vec<f64> {
    let taus = taus(pooling);
    let density = |theta: f64| -> f64 {
        let of = |&(tau, log_weight): &(f64, f64)| {
            let mass: f64 = match effect {
                LocationPrior::Normals(normals) => normals
                    .iter()
                    .map(|n| n.weight * libm::exp(normal_log_density(theta, n.mean, libm::hypot(n.sd, tau))))
                    .sum(),
                LocationPrior::Flat => 1.0,
                // Rare, and one integral a node: a t is a mixture that is met on the nodes of its normal.
                LocationPrior::StudentT { .. } | LocationPrior::LogitBeta { .. } => {
                    smoothed(effect, theta, tau)
                }
            };
            mass * libm::exp(log_weight)
        };
        taus.iter().map(of).sum()
    };
    theta.map(density).collect()
}

/// A prior's density smoothed by a normal.
fn smoothed(effect: &LocationPrior, theta: f64, tau: f64) -> f64 {
    let components = effect.components();
    let at = |x: f64| components.iter().map(|c| libm::exp(c.log_density(x))).sum::<f64>();
    const NODES: i32 = 24;
    const WIDTH: f64 = 0.3;
    let z = |j: i32| WIDTH * f64::from(j);
    let terms =
        (-NODES..=NODES).map(|j| at(theta + tau * z(j)) * libm::exp(normal_log_density(z(j), 0.0, 1.0)));
    WIDTH * terms.sum::<f64>()
}
