//! What the data say of coefficients, roughly: one penalised fit of all cells by Newton's method. The sampler's coordinates are
//! placed by it, and any place gives the same posterior.

use super::factor::Pattern;
use super::{Cell, Coefficient, Linear, Seen};
use crate::model::prior_slope::LocationSlope;
use crate::numeric::logistic;

/// Newton steps at most.
const STEPS: usize = 30;

/// A predictor moves so far in one step at most.
const LONGEST: f64 = 3.0;

/// Steps shorter than this change nothing that matters.
const SMALL: f64 = 1e-4;

/// A normal that resembles the likelihood of the coefficients.
pub struct Resembled {
    /// Its precision Xᵀ W X, by entry of the pattern.
    pub information: Vec<f64>,
    /// Its precision times its centre, Xᵀ W x̂.
    pub seen: Vec<f64>,
}

impl Resembled {
    /// From every cell by itself.
    pub fn of_cells(model: &Linear, pattern: &Pattern) -> Resembled {
        let mut found = Resembled::nothing(model, pattern);
        for cell in &model.cells {
            let (estimate, weight) = cell.seen.resembles();
            found.add(pattern, cell, weight);
            for &(j, by) in &cell.of {
                found.seen[j] += by * weight * estimate;
            }
        }
        found
    }

    /// From a fit of all cells together, under normals in place of the priors and typical standard deviations.
    pub fn of_fit(model: &Linear, pattern: &Pattern) -> Resembled {
        let n = model.coefficients.len();
        let priors: Vec<(f64, f64)> = model.coefficients.iter().map(|c| stand_in(model, c)).collect();
        let mut b: Vec<f64> = priors.iter().map(|(centre, _)| *centre).collect();
        let mut found = Resembled::at(model, pattern, &b);
        for _ in 0..STEPS {
            let mut factor = found.information.clone();
            let mut step = found.seen.clone();
            for (j, (centre, precision)) in priors.iter().enumerate() {
                factor[pattern.place(j, j)] += precision;
                step[j] -= precision * (b[j] - centre);
            }
            if !pattern.factor(&mut factor) {
                break;
            }
            pattern.solve(&factor, &mut step);
            pattern.solve_transposed(&factor, &mut step);
            let moved = |cell: &Cell| cell.of.iter().map(|&(j, by)| by * step[j]).sum::<f64>().abs();
            let furthest = model.cells.iter().map(moved).fold(0.0, f64::max);
            let part = if furthest > LONGEST { LONGEST / furthest } else { 1.0 };
            b.iter_mut().zip(&step).for_each(|(b, s)| *b += part * s);
            found = Resembled::at(model, pattern, &b);
            if furthest < SMALL {
                break;
            }
        }
        // From slopes to what they are the slopes of: Xᵀ W x̂ = Xᵀ W X b + Xᵀ (y − n p).
        let mut moved = vec![0.0; n];
        for column in 0..n {
            let (range, rows) = pattern.column(column);
            for (held, &row) in found.information[range].iter().zip(rows) {
                moved[row] += held * b[column];
                if row != column {
                    moved[column] += held * b[row];
                }
            }
        }
        found.seen.iter_mut().zip(moved).for_each(|(s, m)| *s += m);
        found
    }

    fn nothing(model: &Linear, pattern: &Pattern) -> Resembled {
        Resembled { information: vec![0.0; pattern.entries()], seen: vec![0.0; model.coefficients.len()] }
    }

    fn add(&mut self, pattern: &Pattern, cell: &Cell, weight: f64) {
        for &(j, by) in &cell.of {
            for &(k, other) in cell.of.iter().filter(|(k, _)| *k <= j) {
                self.information[pattern.place(j, k)] += by * other * weight;
            }
        }
    }

    /// Information at these coefficients, and the slopes of the log likelihood in place of what is seen.
    fn at(model: &Linear, pattern: &Pattern, b: &[f64]) -> Resembled {
        let mut found = Resembled::nothing(model, pattern);
        let mut predictors = vec![0.0; model.cells.len()];
        model.predictors(b, &mut predictors);
        for (cell, &x) in model.cells.iter().zip(&predictors) {
            let (weight, slope) = match cell.seen {
                Seen::Counts { events, total } => {
                    let p = logistic(x);
                    (total * p * (1.0 - p), events - total * p)
                }
                Seen::Estimate { estimate, precision } => (precision, precision * (estimate - x)),
                Seen::Rows { .. } => continue,
            };
            found.add(pattern, cell, weight);
            cell.of.iter().for_each(|&(j, by)| found.seen[j] += by * slope);
        }
        if let Some(of) = &model.rows {
            let gamma = &b[of.gamma.clone()];
            let curvature = of.rows.curvature(&predictors, gamma);
            let terms = gamma.len();
            for (c, cell) in model.cells.iter().enumerate() {
                found.add(pattern, cell, curvature.weights[c]);
                for &(j, by) in &cell.of {
                    found.seen[j] += by * curvature.by_cell[c];
                    for (k, mixed) in curvature.mixed[c * terms..(c + 1) * terms].iter().enumerate() {
                        found.information[pattern.place(of.gamma.start + k, j)] += by * mixed;
                    }
                }
            }
            for k in 0..terms {
                found.seen[of.gamma.start + k] += curvature.by_gamma[k];
                for l in 0..=k {
                    let place = pattern.place(of.gamma.start + k, of.gamma.start + l);
                    found.information[place] += curvature.gamma[k * terms + l];
                }
            }
        }
        found
    }
}

/// The normal that stands in for the prior of a coefficient: its centre and its precision.
fn stand_in(model: &Linear, coefficient: &Coefficient) -> (f64, f64) {
    let typical = |place: usize| model.scales[place].typical();
    let scaled = |s: f64| (0.0, 1.0 / (s * s).max(1e-6));
    match coefficient {
        Coefficient::Located(prior) => {
            let (centre, precision) = LocationSlope::of(prior).stand_in();
            (centre, if precision > 0.0 { precision } else { 1e-4 })
        }
        Coefficient::Scaled(scale) => scaled(typical(*scale)),
        Coefficient::Shrunk { global, .. } => scaled(typical(*global)),
    }
}
