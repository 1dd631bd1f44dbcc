//! Data drawn given coefficients, and their likelihood at coefficients.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution};

use super::{At, Cell, Linear, Seen};
use crate::model::simulate::normal;
use crate::numeric::{logistic, softplus};

impl Linear {
    /// The same model with data of its size drawn at this point: patients' outcomes, and estimates around their predictors.
    #[must_use]
    pub fn with_drawn_data(&self, at: At<'_>, rng: &mut ChaCha8Rng) -> Linear {
        let mut model = self.clone();
        for (cell, &x) in model.cells.iter_mut().zip(at.predictors) {
            match &mut cell.seen {
                Seen::Counts { events, total } => {
                    // A risk is never beyond 0 and 1.
                    let drawn = Binomial::new(*total as u64, logistic(x));
                    *events = drawn.map_or(0.0, |b| b.sample(rng) as f64);
                }
                Seen::Estimate { estimate, precision } => *estimate = x + normal(rng) / precision.sqrt(),
                Seen::Rows { .. } => {}
            }
        }
        if let Some(of) = &mut model.rows {
            let gamma = &at.coefficients[of.gamma.clone()];
            of.rows = Arc::new(of.rows.with_drawn_outcomes(at.predictors, (gamma, &[]), rng));
        }
        model
    }

    /// The log likelihood of the data at this point, without what does not depend on it.
    pub fn log_likelihood(&self, at: At<'_>) -> f64 {
        let one = |(cell, &x): (&Cell, &f64)| match cell.seen {
            Seen::Counts { events, total } => events * x - total * softplus(x),
            Seen::Estimate { estimate, precision } => -0.5 * precision * (x - estimate) * (x - estimate),
            Seen::Rows { .. } => 0.0,
        };
        let of_rows = self.rows.as_ref().map_or(0.0, |of| {
            let gamma = &at.coefficients[of.gamma.clone()];
            let (mut by_cell, mut by_gamma) = (vec![0.0; at.predictors.len()], vec![0.0; gamma.len()]);
            let slopes = (&mut by_cell[..], &mut by_gamma[..], &mut [][..]);
            of.rows.log_likelihood(at.predictors, (gamma, &[]), slopes, &mut of.rows.sums())
        });
        self.cells.iter().zip(at.predictors).map(one).sum::<f64>() + of_rows
    }
}
