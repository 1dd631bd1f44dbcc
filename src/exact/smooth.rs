//! `log ∫ N(u; x, s²) e^{f(u)} du` for a tabulated `f`: the one integral that everything hierarchical is made of.
//!
//! With `f` the likelihood of one subgroup's effect it gives the likelihood of (μ, τ); with `f` the posterior of μ from
//! the other subgroups it gives the prediction for this one.

use std::sync::OnceLock;

use crate::numeric::{
    Grid, LogInterpolant, NORMAL_RULE_NODES, normal_rule, short_normal_rule, sum_exp_shifted,
    terms_under_normal,
};

/// The product of normal and curve must span at least 1.1 node spacings to be summed on the grid of `f`: there the
/// trapezoid sum of a normal errs by 1e-10, with alternating signs. So far may the logarithm of a term lie above the mean of
/// its two neighbours' where the terms are largest.
const BEND_PER_NODE: f64 = 0.5 / (1.1 * 1.1);

/// A normal narrower than this share of the narrowest spacing is not worth a sum over the grid.
const HOPELESS: f64 = 0.5;

/// Below this share of a node's spacing a normal's second moment is all that is felt of it.
const SECOND_ORDER: f64 = 1e-3;

/// So narrow, in spacings, and with so little slope and bend within a standard deviation a normal is summed on its own six
/// nodes: of e^(gz) they miss g¹² 6!/12!, here 4e-10, and of e^(−bz²/2) about (b/2)⁶, here 2e-10.
const NARROW: f64 = 0.5;
const GENTLE: f64 = 0.5;
const FLAT: f64 = 0.05;

/// Terms that are smaller by this many logarithmic units count for nothing, however many they are.
const NEGLIGIBLE: f64 = 48.0;

/// A little more than 1: rounding leaves out no node that counts.
const FARTHER: f64 = 1.0 + 1e-9;

/// The widest normal, as a share of a table's reach, under which a curve that is not at its end there may be summed.
pub const WIDEST: f64 = 1.0 / 7.0;

const LOG_SQRT_2_PI: f64 = 0.918_938_533_204_672_8;

/// A tabulated `f`, ready to be smoothed.
#[derive(Debug, Clone)]
pub struct Smoother {
    grid: Grid,
    /// `f` plus the log of the node's weight.
    weighted: Vec<f64>,
    /// The largest `weighted` up to a node, and from a node on: what lies beyond a node is below.
    rising: Vec<f64>,
    falling: Vec<f64>,
    /// The node with the largest of them all.
    top: usize,
    values: Vec<f64>,
    /// Made when first wanted: wide kernels never want it.
    interpolant: OnceLock<LogInterpolant>,
}

impl Smoother {
    pub fn new(grid: &Grid, f: &[f64]) -> Smoother {
        let weighted: Vec<f64> = f.iter().zip(&grid.weight).map(|(&f, &w)| f + libm::log(w)).collect();
        let highest = |high: &mut f64, &w: &f64| {
            *high = high.max(w);
            Some(*high)
        };
        let rising: Vec<f64> = weighted.iter().scan(f64::NEG_INFINITY, highest).collect();
        let mut falling: Vec<f64> = weighted.iter().rev().scan(f64::NEG_INFINITY, highest).collect();
        falling.reverse();
        let top = rising.partition_point(|&high| high < falling[0]);
        Smoother {
            grid: grid.clone(),
            weighted,
            rising,
            falling,
            top,
            values: f.to_vec(),
            interpolant: OnceLock::new(),
        }
    }

    /// The widest normal under which the sum over the nodes holds all: infinite where the curve has fallen away at both ends.
    pub fn widest(&self) -> f64 {
        let last = self.values.len() - 1;
        let highest = self.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let reach = |end: usize| {
            let has_fallen = self.values[end] < highest - NEGLIGIBLE;
            if has_fallen { f64::INFINITY } else { WIDEST * (self.grid.x[end] - self.grid.centre).abs() }
        };
        reach(0).min(reach(last))
    }

    pub fn interpolant(&self) -> &LogInterpolant {
        self.interpolant.get_or_init(|| LogInterpolant::new(&self.grid, &self.values))
    }

    /// `log ∫ N(u; x, sd²) e^{f(u)} du`; at `sd` 0, `f(x)`. `terms` is working space.
    pub fn log_smooth(&self, x: f64, sd: f64, terms: &mut Vec<f64>) -> f64 {
        if sd == 0.0 {
            return self.interpolant().at(x);
        }
        let narrowest = self.grid.step * self.grid.scale;
        if sd < HOPELESS * narrowest {
            return self.on_own_nodes(x, sd, x);
        }
        // First, as the nodes would not resolve it, and the sum over them be in vain.
        if let Some(value) = self.where_it_hardly_varies(x, sd) {
            return value;
        }
        match self.on_the_grid(x, sd, terms) {
            Ok(value) => value,
            Err(highest) => self.around_the_mode(x, sd, highest),
        }
    }

    /// The sum over the nodes; where they do not resolve the product, the place of its largest term.
    fn on_the_grid(&self, x: f64, sd: f64, terms: &mut Vec<f64>) -> Result<f64, f64> {
        let half_precision = 0.5 / (sd * sd);
        let nodes = &self.grid.x;
        // No term is below the largest by more than is counted where even the curve alone is, nor where the normal is: it is
        // by more than the curve's largest could make up for.
        let from_x = nodes[self.top] - x;
        let level = self.weighted[self.top] - half_precision * from_x * from_x - NEGLIGIBLE;
        let reach = FARTHER * libm::sqrt(from_x * from_x + NEGLIGIBLE / half_precision);
        let first = partition(nodes.len(), |i| self.rising[i] < level || nodes[i] - x < -reach);
        let last = partition(nodes.len(), |i| self.falling[i] >= level && nodes[i] - x <= reach);
        let (weighted, nodes) = (&self.weighted[first..last], &nodes[first..last]);
        let highest = terms_under_normal(weighted, nodes, x, half_precision, terms);
        let at = terms.iter().position(|&t| t == highest).unwrap_or(0);
        if at == 0 || at + 1 == terms.len() {
            // The product goes on beyond the table.
            return Err(nodes[at]);
        }
        if terms[at] - 0.5 * (terms[at - 1] + terms[at + 1]) > BEND_PER_NODE {
            return Err(nodes[at]);
        }
        Ok(log_sum_below(terms, highest) - libm::log(sd) - LOG_SQRT_2_PI)
    }

    /// Without the nodes; `start` is near the product's mode.
    fn on_own_nodes(&self, x: f64, sd: f64, start: f64) -> f64 {
        self.where_it_hardly_varies(x, sd).unwrap_or_else(|| self.around_the_mode(x, sd, start))
    }

    /// Under a normal that is narrower than the nodes' distance, and under which the curve hardly varies.
    fn where_it_hardly_varies(&self, x: f64, sd: f64) -> Option<f64> {
        let Grid { centre, scale, step, .. } = self.grid;
        // Most are wider, which is told without a root.
        if sd >= NARROW * step * ((x - centre).abs() + scale) {
            return None;
        }
        let spacing = self.grid.spacing(x);
        if sd >= NARROW * spacing {
            return None;
        }
        let f = self.interpolant();
        if !f.covers(x) {
            return None;
        }
        let (value, slope, bend) = f.with_derivatives(x);
        if sd < SECOND_ORDER * spacing && (slope * sd).abs() < 1e-3 {
            return Some(value + 0.5 * sd * sd * (bend + slope * slope));
        }
        if (slope * sd).abs() < GENTLE && (bend * sd * sd).abs() < FLAT {
            // The normal's own nodes.
            let rise = |z: f64| libm::exp(f.at(x + sd * z) - value);
            let mean: f64 = short_normal_rule().iter().map(|&(z, weight)| weight * rise(z)).sum();
            return Some(value + libm::log(mean));
        }
        None
    }

    /// Gauss–Hermite on the product's own mode and width; `start` is near the mode.
    fn around_the_mode(&self, x: f64, sd: f64, start: f64) -> f64 {
        let f = self.interpolant();
        // In units of sd from x: the mode of f(x + sd z) − z²/2.
        let product = |z: f64| f.at(x + sd * z) - 0.5 * z * z;
        let mut z = (start - x) / sd;
        if z != 0.0 && product(0.0) >= product(z) {
            z = 0.0;
        }
        let mut precision = 1.0;
        for _ in 0..60 {
            let (slope, bend) = f.slope_and_bend(x + sd * z);
            precision = (1.0 - bend * sd * sd).max(0.3);
            let longest = 64.0 + z.abs();
            let step = ((slope * sd - z) / precision).clamp(-longest, longest);
            z += step;
            if step.abs() * libm::sqrt(precision) < 0.02 {
                break;
            }
        }
        let width = 1.0 / libm::sqrt(precision);
        let mut logs = [0.0; NORMAL_RULE_NODES];
        for (log, &(node, log_weight)) in logs.iter_mut().zip(rule_without_its_normal()) {
            let at = z + width * node;
            *log = f.at(x + sd * at) - 0.5 * at * at + log_weight;
        }
        log_sum(&logs) + libm::log(width)
    }
}

/// The nodes of the Gauss–Hermite rule, and the logarithms of its weights over the normal density's kernel there.
fn rule_without_its_normal() -> &'static [(f64, f64); NORMAL_RULE_NODES] {
    static RULE: OnceLock<[(f64, f64); NORMAL_RULE_NODES]> = OnceLock::new();
    RULE.get_or_init(|| normal_rule().map(|(node, weight)| (node, libm::log(weight) + 0.5 * node * node)))
}

/// The first of so many places at which `is_before` no longer holds, or their number.
fn partition(count: usize, is_before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if is_before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

/// `log Σ e^x`, leaving out what is too far below the largest to count.
pub fn log_sum(terms: &[f64]) -> f64 {
    let mut high = f64::NEG_INFINITY;
    for &t in terms {
        high = if t > high { t } else { high };
    }
    log_sum_below(terms, high)
}

/// The same where the largest is known.
fn log_sum_below(terms: &[f64], high: f64) -> f64 {
    if !high.is_finite() {
        return high;
    }
    let counts = |t: &f64| *t > high - 40.0;
    let start = terms.iter().position(counts).unwrap_or(0);
    let end = terms.iter().rposition(counts).map_or(terms.len(), |i| i + 1);
    high + libm::log(sum_exp_shifted(&terms[start..end], high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::{Peak, Placement, normal_log_density, tabulate};

    #[test]
    fn smoothing_a_normal_adds_the_variances_from_the_narrowest_to_the_widest_kernel() {
        let table = tabulate(
            Peak { centre: 0.2, sd: 0.3 },
            Placement { step: 0.33, tolerance: 1e-8, at_least: 0.0 },
            |u| normal_log_density(u, 0.3, 0.25),
        );
        let smoother = Smoother::new(&table.grid, &table.log_density);
        let mut terms = Vec::new();
        for sd in [1e-9, 1e-3, 0.03, 0.08, 0.085, 0.1, 0.5, 7.0, 1e3] {
            for x in [-0.9, 0.3, 0.8] {
                let expected = normal_log_density(x, 0.3, libm::hypot(0.25, sd));
                let error = smoother.log_smooth(x, sd, &mut terms) - expected;
                assert!(error.abs() < 1e-9, "sd {sd}, x {x}: off by {error:e}");
            }
        }
    }

    #[test]
    fn a_cliff_before_a_plateau_is_smoothed_by_normals_up_to_a_sixth_of_its_table() {
        // The square of a logistic: far from it a step at 1, the mean of its slope.
        let f = |u: f64| -2.0 * crate::numeric::softplus(-u);
        let placement = Placement { step: 0.3, tolerance: 1e-8, at_least: 0.0 };
        for nodes in [100, 300, 450] {
            let grid = Grid::around(Peak { centre: 10.0, sd: 1.0 }, placement, -60, nodes);
            let values: Vec<f64> = grid.x.iter().map(|&u| f(u)).collect();
            let smoother = Smoother::new(&grid, &values);
            let mut terms = Vec::new();
            let widest = WIDEST * grid.x[grid.x.len() - 1];
            for sd in (0..).map(|k| 1e3 * libm::pow(2.0, f64::from(k))).take_while(|sd| *sd < widest) {
                for x in [-0.9, 0.3, 0.8] {
                    let expected = libm::log(crate::numeric::normal_cdf((x - 1.0) / sd));
                    let error = smoother.log_smooth(x, sd, &mut terms) - expected;
                    assert!(error.abs() < 3e-9, "{nodes} nodes, sd {sd:e}, x {x}: off by {error:e}");
                }
            }
        }
    }
}
