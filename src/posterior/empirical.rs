//! Draws as a distribution.

use crate::exact::Distribution;

/// The empirical distribution of draws.
pub struct Empirical {
    sorted: Vec<f64>,
}

impl Empirical {
    /// The distribution of these draws.
    pub fn of(column: &[f64]) -> Empirical {
        let mut sorted = column.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        Empirical { sorted }
    }
}

impl Distribution for Empirical {
    fn cdf(&self, x: f64) -> f64 {
        self.sorted.partition_point(|v| *v < x) as f64 / self.sorted.len() as f64
    }

    fn quantile(&self, p: f64) -> f64 {
        let last = self.sorted.len().saturating_sub(1);
        self.sorted.get((p * last as f64) as usize).copied().unwrap_or(f64::NAN)
    }

    fn mean(&self) -> Option<f64> {
        None
    }

    fn sd(&self) -> Option<f64> {
        None
    }
}
