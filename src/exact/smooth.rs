//! `log ∫ N(u; x, s²) e^{f(u)} du` for a tabulated `f`: the one integral that everything hierarchical is made of.
//!
//! With `f` the likelihood of one subgroup's effect it gives the likelihood of (μ, τ); with `f` the posterior of μ from
//! the other subgroups it gives the prediction for this one.

use std::sync::OnceLock;

use crate::numeric::{Grid, LogInterpolant, normal_rule, sum_exp_shifted};

/// The normal must span at least this many node spacings to be summed on the grid of `f`; a narrower one is integrated
/// by Gauss–Hermite on nodes of its own, with `f` interpolated. At 1.1 the trapezoid sum of a normal errs by 1e-10, with
/// alternating signs.
const RESOLVED: f64 = 1.1;

/// Below this share of a node's spacing a normal's second moment is all that is felt of it.
const SECOND_ORDER: f64 = 1e-3;

const LOG_SQRT_2_PI: f64 = 0.918_938_533_204_672_8;

/// A tabulated `f`, ready to be smoothed.
#[derive(Debug, Clone)]
pub struct Smoother {
    grid: Grid,
    /// `f` plus the log of the node's weight.
    weighted: Vec<f64>,
    values: Vec<f64>,
    /// Made when first wanted: wide kernels never want it.
    interpolant: OnceLock<LogInterpolant>,
}

impl Smoother {
    pub fn new(grid: &Grid, f: &[f64]) -> Smoother {
        let weighted = f.iter().zip(&grid.weight).map(|(&f, &w)| f + libm::log(w)).collect();
        Smoother { grid: grid.clone(), weighted, values: f.to_vec(), interpolant: OnceLock::new() }
    }

    pub fn interpolant(&self) -> &LogInterpolant {
        self.interpolant.get_or_init(|| LogInterpolant::new(&self.grid, &self.values))
    }

    /// `log ∫ N(u; x, sd²) e^{f(u)} du`; at `sd` 0, `f(x)`. `terms` is working space.
    pub fn log_smooth(&self, x: f64, sd: f64, terms: &mut Vec<f64>) -> f64 {
        if sd == 0.0 {
            self.interpolant().at(x)
        } else if sd >= RESOLVED * self.grid.spacing(x) {
            self.on_the_grid(x, sd, terms)
        } else {
            self.on_own_nodes(x, sd, terms)
        }
    }

    fn on_the_grid(&self, x: f64, sd: f64, terms: &mut Vec<f64>) -> f64 {
        let half_precision = 0.5 / (sd * sd);
        terms.clear();
        terms.extend(self.weighted.iter().zip(&self.grid.x).map(|(&f, &u)| {
            let d = u - x;
            f - half_precision * d * d
        }));
        log_sum(terms) - libm::log(sd) - LOG_SQRT_2_PI
    }

    fn on_own_nodes(&self, x: f64, sd: f64, terms: &mut Vec<f64>) -> f64 {
        if sd < SECOND_ORDER * self.grid.spacing(x) && self.interpolant().covers(x) {
            let (value, slope, bend) = self.interpolant().with_derivatives(x);
            return value + 0.5 * sd * sd * (bend + slope * slope);
        }
        let f = self.interpolant();
        // The product's own centre and width, from the slope and bend of f at x.
        let (slope, bend) = if f.covers(x) {
            let (_, slope, bend) = f.with_derivatives(x);
            (slope, bend)
        } else {
            let probe = 1e-3 * sd;
            ((f.at(x + probe) - f.at(x - probe)) / (2.0 * probe), 0.0)
        };
        let precision = (1.0 - bend * sd * sd).max(0.3);
        let centre = slope * sd / precision;
        let width = 1.0 / libm::sqrt(precision);
        terms.clear();
        terms.extend(normal_rule().iter().map(|&(node, weight)| {
            let z = centre + width * node;
            // The rule's own normal is divided out.
            f.at(x + sd * z) - 0.5 * z * z + 0.5 * node * node + libm::log(weight)
        }));
        log_sum(terms) + libm::log(width)
    }
}

/// `log Σ e^x`, leaving out what is too far below the largest to count.
pub fn log_sum(terms: &[f64]) -> f64 {
    let mut high = f64::NEG_INFINITY;
    for &t in terms {
        high = if t > high { t } else { high };
    }
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
}
