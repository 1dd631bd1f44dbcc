//! Two effects of which one stands alone, or both.

use super::Resolution;
use super::kernel::{Alone, Kernel};
use super::pair::{MOST_NODES, Marginal};
use super::rows::{Prediction, Rows};
use crate::numeric::{Grid, HALF_LOG_2_PI, LogInterpolant, Placement, exp_of_nonpositive, log_add_exp};

/// What there is beside two effects of the common distribution: one of them standing alone, or both.
pub struct Apart {
    alone: Alone,
    /// The log density of one effect of the common distribution, times its share; none where there are none.
    around: Option<LogInterpolant>,
    /// The log mass that predicts both.
    log_mass: f64,
}

impl Apart {
    /// None where no effect stands alone.
    pub fn new(
        (rows, spread): (&Rows, &Kernel),
        left_out: &[usize],
        marginals: &[Marginal; 2],
        resolution: Resolution,
    ) -> Option<Apart> {
        let alone = *spread.alone()?;
        let prediction = Prediction::new(rows, left_out, Some(spread));
        let [a, b] = marginals;
        let (low, high) = (a.low.min(b.low), a.high.max(b.high));
        let (mut terms, mut each) = (Vec::new(), Vec::new());
        let around = (!spread.is_all_alone()).then(|| {
            let step = FINE * resolution.density().step;
            let placement = Placement { step, ..resolution.density() };
            let seed = Grid::around(prediction.core(), placement, 0, 0);
            let first = libm::floor(seed.position(low)) as i32;
            let last = libm::ceil(seed.position(high)) as i32;
            let grid = Grid::around(
                prediction.core(),
                placement,
                first.clamp(-MOST_NODES, -12),
                last.clamp(12, MOST_NODES),
            );
            let values: Vec<f64> = grid
                .x
                .iter()
                .map(|&theta| prediction.log_density_around(theta, &mut terms, &mut each))
                .collect();
            LogInterpolant::new(&grid, &values)
        });
        Some(Apart { alone, around, log_mass: prediction.log_mass() })
    }

    /// Adds to the sums at the nodes `s`, which are in units of e to `unit`; the unit that they are in then.
    pub fn add(&self, d: f64, s: &[f64], (unit, sum): (f64, &mut [f64])) -> f64 {
        let log_density = |s: f64| {
            let [a, b] = [s + 0.5 * d, s - 0.5 * d];
            let [alone_a, alone_b] = [a, b].map(|x| self.alone.log_density(x));
            let both = alone_a + alone_b + self.log_mass;
            let one = self.around.as_ref().map_or(f64::NEG_INFINITY, |around| {
                log_add_exp(around.at(a) + alone_b, alone_a + around.at(b))
            });
            // The density of two effects of the common distribution is without this factor.
            log_add_exp(both, one) + HALF_LOG_2_PI
        };
        let logs: Vec<f64> = s.iter().map(|&s| log_density(s)).collect();
        let high = logs.iter().copied().fold(unit, f64::max);
        let scale = if unit > f64::NEG_INFINITY { exp_of_nonpositive(unit - high) } else { 0.0 };
        for (total, log) in sum.iter_mut().zip(&logs) {
            *total = *total * scale + exp_of_nonpositive(log - high);
        }
        high
    }
}

/// Nodes of an effect's prediction for each of a density's own, which are interpolated.
const FINE: f64 = 0.65;
