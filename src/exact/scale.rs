//! The integral over the heterogeneity τ, and its posterior.

use super::Distribution;
use crate::model::HeterogeneityPrior;
use crate::numeric::{LogInterpolant, cumulative_sum, invert_increasing};
use crate::parallel;

/// A map from the whole line to the support of τ under which the trapezoid rule converges fast at both ends
/// ("double exponential", Takahasi & Mori 1974).
#[derive(Debug, Clone, Copy)]
pub enum ScaleMap {
    /// τ = scale · exp(t − e^(−t)).
    HalfLine { scale: f64 },
    /// τ = upper · logistic(π sinh t).
    Interval { upper: f64 },
}

impl ScaleMap {
    pub fn of(prior: &HeterogeneityPrior) -> ScaleMap {
        match prior {
            HeterogeneityPrior::Uniform { upper } => ScaleMap::Interval { upper: *upper },
            other => ScaleMap::HalfLine { scale: other.typical() },
        }
    }

    /// τ and log dτ/dt at `t`.
    pub fn at(&self, t: f64) -> (f64, f64) {
        match *self {
            ScaleMap::HalfLine { scale } => {
                let e = libm::exp(-t);
                let tau = scale * libm::exp(t - e);
                (tau, libm::log(scale) + t - e + libm::log1p(e))
            }
            ScaleMap::Interval { upper } => {
                let w = std::f64::consts::PI * libm::sinh(t);
                let tau = upper * crate::numeric::logistic(w);
                let log_slope = libm::log(upper * std::f64::consts::PI * libm::cosh(t))
                    - crate::numeric::softplus(w)
                    - crate::numeric::softplus(-w);
                (tau, log_slope)
            }
        }
    }

    /// The `t` of a τ inside the support.
    pub fn inverse(&self, tau: f64) -> f64 {
        match *self {
            ScaleMap::HalfLine { scale } => {
                // Newton for t − e^(−t) = log(τ/scale): concave and increasing, so from the left it never overshoots.
                let target = libm::log(tau / scale);
                let mut t = if target > 0.0 { 0.0 } else { -libm::log1p(-target) };
                for _ in 0..100 {
                    let e = libm::exp(-t);
                    let step = (target - (t - e)) / (1.0 + e);
                    t += step;
                    if step.abs() < 1e-15 * (1.0 + t.abs()) {
                        break;
                    }
                }
                t
            }
            ScaleMap::Interval { upper } => {
                libm::asinh(crate::numeric::logit(tau / upper) / std::f64::consts::PI)
            }
        }
    }
}

/// One node of the integral over τ.
pub trait ScaleNode: Send {
    /// Log of the integrand at this node, the slope of the map included.
    fn log_mass(&self) -> f64;
    fn tau(&self) -> f64;
    /// E[μ] and E[μ²] given this τ.
    fn moments(&self) -> [f64; 2];
}

/// The nodes `t = step · (first + j)` of a settled integral over τ.
pub struct ScaleNodes<N> {
    pub nodes: Vec<N>,
    pub step: f64,
    pub first: i64,
}

/// The integral over τ kept changing as its grid was refined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the integral over the heterogeneity did not settle")]
pub struct NotConverged;

/// A node counts while its mass is within this (as a logarithm) of the largest.
const CUT: f64 = 27.0;

/// The nodes are dense enough when leaving out every other one moves no check by more than this: the trapezoid rule's
/// error is squared by each halving of the step, so what is left with all of them is about 2e-9.
const CONVERGED: f64 = 5e-5;

const MOST_HALVINGS: usize = 8;

/// With so many nodes more would not help.
const MOST_NODES: usize = 3000;

/// How far out τ matters: where its moments exist their sums must be caught too.
#[derive(Debug, Clone, Copy)]
pub struct Tail {
    /// A value of τ in the middle of its prior.
    pub typical: f64,
    /// Moments of order below this exist.
    pub moment_limit: f64,
}

impl Tail {
    fn counts<N: ScaleNode>(&self, node: &N, high: f64) -> bool {
        /// The part of a moment that may be lost, as a logarithm.
        const LOST: f64 = 28.0;
        let order = if self.moment_limit > 2.0 {
            2.0
        } else if self.moment_limit > 1.0 {
            1.0
        } else {
            return false;
        };
        let excess = libm::log(node.tau() / self.typical);
        excess > 0.0 && node.log_mass() + order * excess > high - LOST
    }
}

/// Evaluates nodes (in parallel, in a fixed order) wherever they count, at half the step again and again until the
/// integral stands still.
pub fn settle<N: ScaleNode>(
    mut step: f64,
    tail: Tail,
    at: impl Fn(f64) -> N + Sync,
) -> Result<ScaleNodes<N>, NotConverged> {
    let mut first = -(2.0 / step) as i64;
    let mut nodes: Vec<N> =
        parallel::range(0..(1 - 2 * first) as usize, |j| at((first + j as i64) as f64 * step));
    extend_while_it_counts(&mut nodes, &mut first, tail, |j| at(j as f64 * step));
    let typical = tail.typical;
    for _ in 0..MOST_HALVINGS {
        if nodes.len() > MOST_NODES {
            break;
        }
        let between: Vec<N> =
            parallel::range(1..nodes.len(), |j| at((2 * (first + j as i64) - 1) as f64 * 0.5 * step));
        let mut merged = Vec::with_capacity(2 * nodes.len());
        let mut between = between.into_iter();
        for node in nodes {
            merged.push(node);
            merged.extend(between.next());
        }
        nodes = merged;
        first *= 2;
        step *= 0.5;
        if nodes.len() >= 16 && change_on_halving(&nodes, typical) < CONVERGED {
            return Ok(ScaleNodes { nodes, step, first });
        }
    }
    Err(NotConverged)
}

fn highest<N: ScaleNode>(nodes: &[N]) -> f64 {
    nodes.iter().map(ScaleNode::log_mass).fold(f64::NEG_INFINITY, f64::max)
}

fn extend_while_it_counts<N: ScaleNode>(
    nodes: &mut Vec<N>,
    first: &mut i64,
    tail: Tail,
    at: impl Fn(i64) -> N,
) {
    /// Far beyond any mass a proper prior leaves in the stretched coordinate.
    const FARTHEST: i64 = 400;
    let mut high = highest(nodes);
    let counts = |n: &N, high: f64| n.log_mass() > high - CUT || tail.counts(n, high);
    while counts(&nodes[nodes.len() - 1], high) && *first + (nodes.len() as i64) < FARTHEST {
        let node = at(*first + nodes.len() as i64);
        high = high.max(node.log_mass());
        nodes.push(node);
    }
    let mut before = Vec::new();
    let mut lowest = nodes[0].log_mass();
    while lowest > high - CUT && *first > -FARTHEST {
        *first -= 1;
        let node = at(*first);
        lowest = node.log_mass();
        high = high.max(lowest);
        before.push(node);
    }
    before.reverse();
    before.append(nodes);
    *nodes = before;
    // Drop the ends that turned out not to count, keeping one node on either side.
    let counts = |n: &N| counts(n, high);
    let start = nodes.iter().position(counts).unwrap_or(0).saturating_sub(1);
    let end = (nodes.iter().rposition(counts).unwrap_or(nodes.len() - 1) + 2).min(nodes.len());
    nodes.truncate(end);
    nodes.drain(..start);
    *first += start as i64;
}

/// How far the total, the posterior mean of μ and two bounded functions of τ move when every other node is left out.
fn change_on_halving<N: ScaleNode>(nodes: &[N], typical: f64) -> f64 {
    let high = highest(nodes);
    let sums = |stride: usize| {
        let mut total = [0.0; 6];
        for node in nodes.iter().step_by(stride) {
            let weight = stride as f64 * libm::exp(node.log_mass() - high);
            let ([mean, square], tau) = (node.moments(), node.tau());
            // Smooth steps in τ at several places, as the kernels of differences between subgroups are.
            let step = |at: f64| libm::exp(-(at / tau) * (at / tau));
            let values = [1.0, mean, square, tau / (1.0 + tau), step(0.1 * typical), step(0.4 * typical)];
            for (sum, value) in total.iter_mut().zip(values) {
                *sum += weight * value;
            }
        }
        total
    };
    let (all, half) = (sums(1), sums(2));
    let mean = all[1] / all[0];
    let sd = libm::sqrt((all[2] / all[0] - mean * mean).max(1e-300));
    let of_total = (half[0] / all[0] - 1.0).abs();
    let of_mean = (half[1] / half[0] - mean).abs() / sd;
    let of_tau = (3..6).map(|i| (half[i] / half[0] - all[i] / all[0]).abs());
    of_tau.fold(of_total.max(of_mean), f64::max)
}

/// The posterior of τ, from its log density at even nodes of the stretched coordinate.
#[derive(Debug, Clone)]
pub struct TauPosterior {
    map: ScaleMap,
    start: f64,
    step: f64,
    mass: Vec<f64>,
    moment_limit: f64,
}

impl TauPosterior {
    /// The nodes suffice for sums; for the distribution function four times as many are interpolated.
    pub fn new<N: ScaleNode>(map: ScaleMap, nodes: &ScaleNodes<N>, moment_limit: f64) -> TauPosterior {
        const FINER: usize = 4;
        let values: Vec<f64> = nodes.nodes.iter().map(ScaleNode::log_mass).collect();
        let high = highest(&nodes.nodes);
        let start = nodes.first as f64 * nodes.step;
        let interpolant = LogInterpolant::even(start, nodes.step, &values);
        let step = nodes.step / FINER as f64;
        let mut mass: Vec<f64> = (0..=(values.len() - 1) * FINER)
            .map(|j| libm::exp(interpolant.at(start + step * j as f64) - high))
            .collect();
        let total: f64 = mass.iter().sum();
        for m in &mut mass {
            *m /= total;
        }
        TauPosterior { map, start, step, mass, moment_limit }
    }

    fn expect(&self, h: impl Fn(f64) -> f64) -> f64 {
        let at = |j: usize| self.map.at(self.start + self.step * j as f64).0;
        self.mass.iter().enumerate().map(|(j, &m)| m * h(at(j))).sum()
    }
}

impl Distribution for TauPosterior {
    fn cdf(&self, tau: f64) -> f64 {
        if tau <= 0.0 {
            return 0.0;
        }
        if let ScaleMap::Interval { upper } = self.map
            && tau >= upper
        {
            return 1.0;
        }
        let position = (self.map.inverse(tau) - self.start) / self.step;
        cumulative_sum(&self.mass, position).clamp(0.0, 1.0)
    }

    fn quantile(&self, p: f64) -> f64 {
        let end = self.start + self.step * (self.mass.len() - 1) as f64;
        let t = invert_increasing(self.start, end, p, |t| {
            cumulative_sum(&self.mass, (t - self.start) / self.step)
        });
        self.map.at(t).0
    }

    fn mean(&self) -> Option<f64> {
        (self.moment_limit > 1.0).then(|| self.expect(|tau| tau))
    }

    fn sd(&self) -> Option<f64> {
        (self.moment_limit > 2.0).then(|| {
            let mean = self.expect(|tau| tau);
            libm::sqrt(self.expect(|tau| (tau - mean) * (tau - mean)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_maps_and_their_inverses_and_slopes_agree() {
        for map in [ScaleMap::HalfLine { scale: 0.35 }, ScaleMap::Interval { upper: 1.5 }] {
            for t in [-1.6, -0.4, 0.0, 0.7, 1.2] {
                let (tau, log_slope) = map.at(t);
                assert!((map.inverse(tau) - t).abs() < 1e-9, "{map:?} at {t}");
                let h = 1e-6;
                let slope = (map.at(t + h).0 - map.at(t - h).0) / (2.0 * h);
                assert!((libm::log(slope) - log_slope).abs() < 1e-6, "{map:?} at {t}");
            }
        }
    }
}
