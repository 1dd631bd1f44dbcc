//! A distribution as nodes with weights, close enough together for what is averaged over them.

use super::{Method, PredictedEffect};
use crate::exact::Distribution;

/// The probability beyond either end of the nodes.
const CUT: f64 = 1e-9;

/// The distance between nodes in the bulk, as part of the distribution's spread: a normal's sums at this distance are exact to
/// rounding.
const STEP: f64 = 0.3;

/// So many nodes at most.
const MOST: usize = 20_000;

/// Groups that draws are brought together in, each of the same weight.
const GROUPS: usize = 500;

/// Nodes with weights that sum to 1.
#[derive(Debug, Clone)]
pub struct Nodes(pub Vec<(f64, f64)>);

impl Nodes {
    /// Of a distribution that has a density; `finest` is the width of the narrowest thing that is averaged over it, in the unit of
    /// x. None where the density is not known.
    ///
    /// The trapezoid rule in the coordinate t of x = median + s·sinh(t): the product of two functions that are no narrower than
    /// the nodes' distance is summed to rounding.
    pub fn of(distribution: &dyn Distribution, finest: f64) -> Option<Nodes> {
        if !distribution.is_settled() {
            return None;
        }
        let at = |p: f64| distribution.quantile(p);
        let (low, middle, high) = (at(CUT), at(0.5), at(1.0 - CUT));
        // Of the narrower side, so that a skewed distribution has nodes enough there.
        let sd = (middle - at(0.1587)).min(at(0.8413) - middle);
        if !(low.is_finite() && high.is_finite() && sd > 0.0) {
            return None;
        }
        let scale = 3.0 * sd;
        let position = |x: f64| libm::asinh((x - middle) / scale);
        let (first, last) = (position(low), position(high));
        let step = ((STEP * sd).min(finest) / scale).max((last - first) / MOST as f64);
        let t: Vec<f64> =
            (0..).map(|k| first + step * f64::from(k)).take_while(|t| *t <= last + 0.5 * step).collect();
        let x: Vec<f64> = t.iter().map(|t| middle + scale * libm::sinh(*t)).collect();
        let logs = distribution.log_densities(&x)?;
        let mut nodes: Vec<(f64, f64)> = x
            .iter()
            .zip(&t)
            .zip(&logs)
            .map(|((x, t), log)| (*x, libm::exp(*log) * libm::cosh(*t)))
            .filter(|(_, weight)| *weight > 0.0)
            .collect();
        let total: f64 = nodes.iter().map(|n| n.1).sum();
        nodes.iter_mut().for_each(|n| n.1 /= total);
        (total > 0.0 && total.is_finite()).then_some(Nodes(nodes))
    }

    /// Of draws with weights that sum to 1: neighbours are brought together, each group at its mean.
    pub fn of_draws(draws: &[f64], weights: Option<&[f64]>) -> Nodes {
        let equal = 1.0 / draws.len().max(1) as f64;
        let weight = |i: usize| weights.and_then(|w| w.get(i)).copied().unwrap_or(equal);
        let mut sorted: Vec<(f64, f64)> =
            draws.iter().enumerate().map(|(i, x)| (*x, weight(i))).filter(|d| d.1 > 0.0).collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut nodes = Vec::with_capacity(GROUPS);
        let (mut sum, mut mass, mut before) = (0.0, 0.0, 0.0);
        let last = sorted.len().saturating_sub(1);
        for (i, (x, w)) in sorted.into_iter().enumerate() {
            sum += w * x;
            mass += w;
            if i == last || (before + mass) * GROUPS as f64 >= nodes.len() as f64 + 1.0 {
                nodes.push((sum / mass, mass));
                before += mass;
                (sum, mass) = (0.0, 0.0);
            }
        }
        Nodes(nodes)
    }

    /// The average over the nodes.
    pub fn expect(&self, f: impl Fn(f64) -> f64) -> f64 {
        self.0.iter().map(|(x, w)| w * f(*x)).sum()
    }

    /// Mean and standard deviation.
    pub fn moments(&self) -> (f64, f64) {
        let mean = self.expect(|x| x);
        (mean, libm::sqrt(self.expect(|x| (x - mean) * (x - mean))))
    }

    /// The value below which lies probability `p`, for draws.
    fn quantile(&self, p: f64) -> f64 {
        let mut below = 0.0;
        for (x, w) in &self.0 {
            below += w;
            if below >= p {
                return *x;
            }
        }
        self.0.last().map_or(f64::NAN, |n| n.0)
    }
}

/// An effect's distribution, ready to predict with.
#[derive(Debug, Clone)]
pub struct Effect {
    pub nodes: Nodes,
    pub summary: PredictedEffect,
}

impl Effect {
    /// Of a distribution by integration.
    pub fn exact(distribution: &dyn Distribution, finest: f64) -> Option<Effect> {
        let nodes = Nodes::of(distribution, finest)?;
        let at = |p: f64| distribution.quantile(p);
        let summary = PredictedEffect {
            mean: distribution.mean(),
            median: at(0.5),
            interval: [at(0.025), at(0.975)],
            method: Method::Exact,
        };
        Some(Effect { nodes, summary })
    }

    /// Of draws, with weights where they stand for another distribution.
    pub fn drawn(draws: &[f64], weights: Option<&[f64]>) -> Effect {
        let nodes = Nodes::of_draws(draws, weights);
        let at = |p: f64| nodes.quantile(p);
        let summary = PredictedEffect {
            mean: Some(nodes.moments().0),
            median: at(0.5),
            interval: [at(0.025), at(0.975)],
            method: Method::Sampled,
        };
        Effect { nodes, summary }
    }
}
