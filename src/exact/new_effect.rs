//! The effect of a further similar subgroup.

use super::Distribution;
use super::kernel::Kernel;
use super::rows::{Row, Rows};
use crate::numeric::{invert_distribution, normal_cdf, normal_rule};

/// θ of a further similar subgroup: every row's μ with its own normal around it.
pub struct NewEffect<'a> {
    pub rows: &'a Rows,
    /// None where effects are normal around μ.
    pub kernel: Option<&'a Kernel>,
    /// Mean and sd.
    pub moments: (f64, f64),
    /// Moments of order below this exist.
    pub moment_limit: f64,
}

/// Below this share of a node's spacing the fourth moment of a normal moves a distribution function by less than 1e-8.
const NARROW: f64 = 0.05;

impl Distribution for NewEffect<'_> {
    fn cdf(&self, x: f64) -> f64 {
        let below = |row: &Row, tau: f64| {
            let grid = &row.mu.grid;
            if tau >= grid.spacing(row.mu.mean()) {
                // A normal wider than the nodes' distance: sum over the nodes.
                row.mu.expect(|mu| normal_cdf((x - mu) / tau))
            } else if tau >= NARROW * grid.spacing(row.mu.mean()) {
                // A narrow one: the distribution function of μ, smoothed.
                normal_rule().iter().map(|&(z, w)| w * row.mu.cdf(x - tau * z)).sum()
            } else {
                // Its first three moments are all that is felt of it.
                0.5 * (row.mu.cdf(x - tau) + row.mu.cdf(x + tau))
            }
        };
        let of_row = |row: &Row| match self.kernel {
            None => below(row, row.tau),
            Some(kernel) => kernel.around().iter().map(|p| p.weight * below(row, p.scale * row.tau)).sum(),
        };
        let total: f64 = self.rows.rows.iter().map(|row| row.share * of_row(row)).sum();
        let alone = self.kernel.and_then(Kernel::alone).map_or(0.0, |alone| alone.cdf(x));
        (total + alone).clamp(0.0, 1.0)
    }

    fn quantile(&self, p: f64) -> f64 {
        let (mean, sd) = self.moments;
        let reach = 1e3 * sd + mean.abs();
        invert_distribution(p, (mean, sd), (-reach, reach), |x| self.cdf(x))
    }

    fn mean(&self) -> Option<f64> {
        (self.moment_limit > 1.0).then_some(self.moments.0)
    }

    fn sd(&self) -> Option<f64> {
        (self.moment_limit > 2.0).then_some(self.moments.1)
    }
}
