//! What rows say of cells, coefficients and centres, roughly: one penalised logistic regression, without centres.
//!
//! The sampler's coordinates are placed by it. Any place gives the same posterior.

use super::{Rows, kernel};
use crate::numeric::linear::{cholesky, solve_cholesky};
use crate::numeric::{logistic, logit};

/// Newton steps at most.
const STEPS: usize = 25;

/// The precisions of a weak prior of cells around the overall log odds, and of coefficients around 0: without them
/// separated data have no estimate.
const CELL_PRECISION: f64 = 0.16;
const GAMMA_PRECISION: f64 = 1.0;

/// Steps shorter than this change nothing that matters.
const SMALL: f64 = 1e-6;

/// Estimates and informations.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pilot {
    /// Log odds by cell, control arms first, at the covariates' means.
    pub cells: Vec<f64>,
    pub cell_information: Vec<f64>,
    pub gamma: Vec<f64>,
    pub centres: Vec<f64>,
    pub centre_information: Vec<f64>,
    /// Of each subgroup's own log odds ratio, coefficients estimated beside it.
    pub effect_variances: Vec<f64>,
}

/// Gradient and Hessian at one point: cells are independent of each other given the coefficients.
struct Curvature {
    by_cell: Vec<f64>,
    by_gamma: Vec<f64>,
    /// `Σ w` by cell, `Σ w x` by cell and coefficient, `Σ w x x`.
    cells: Vec<f64>,
    mixed: Vec<f64>,
    gammas: Vec<f64>,
}

impl Pilot {
    pub fn fit(rows: &Rows) -> Pilot {
        let (n, d) = (2 * rows.subgroups, rows.terms());
        let sizes = cell_sizes(rows);
        let (events, total) = (rows.events.iter().sum::<f64>(), sizes.iter().sum::<f64>());
        let centre = logit((events + 0.5) / (total + 1.0));
        let mut pilot = Pilot { cells: vec![centre; n], gamma: vec![0.0; d], ..Pilot::default() };
        let mut curvature = pilot.curvature(rows, centre);
        for _ in 0..STEPS {
            let Some((cells, gamma)) = curvature.newton() else { break };
            let longest = cells.iter().chain(&gamma).fold(0.0_f64, |m, s| m.max(s.abs()));
            // Steps of more than 2 on the log odds lead astray.
            let share = (2.0 / longest).min(1.0);
            pilot.cells.iter_mut().zip(&cells).for_each(|(x, s)| *x += share * s);
            pilot.gamma.iter_mut().zip(&gamma).for_each(|(x, s)| *x += share * s);
            curvature = pilot.curvature(rows, centre);
            if longest < SMALL {
                break;
            }
        }
        pilot.cell_information = curvature.cells.iter().map(|w| (w - CELL_PRECISION).max(0.0)).collect();
        pilot.effect_variances = pilot.variances(rows, &sizes, &curvature);
        pilot.place_centres(rows);
        pilot
    }

    fn curvature(&self, rows: &Rows, centre: f64) -> Curvature {
        let (n, d) = (self.cells.len(), self.gamma.len());
        let mut c = Curvature {
            by_cell: rows
                .events
                .iter()
                .zip(&self.cells)
                .map(|(y, x)| y - CELL_PRECISION * (x - centre))
                .collect(),
            by_gamma: rows
                .events_by_gamma
                .iter()
                .zip(&self.gamma)
                .map(|(y, g)| y - GAMMA_PRECISION * g)
                .collect(),
            cells: vec![CELL_PRECISION; n],
            mixed: vec![0.0; n * d],
            gammas: vec![0.0; d * d],
        };
        (0..d).for_each(|j| c.gammas[j * d + j] = GAMMA_PRECISION);
        let mut x = vec![0.0; d];
        for (cell, row) in rows.each() {
            let total = rows.layout.totals[row];
            if total == 0.0 {
                continue;
            }
            x.iter_mut().zip(&rows.layout.columns).for_each(|(x, column)| *x = column[row]);
            let eta = self.cells[cell] + x.iter().zip(&self.gamma).map(|(x, g)| x * g).sum::<f64>();
            let p = logistic(eta);
            let (expected, weight) = (total * p, total * p * (1.0 - p));
            c.by_cell[cell] -= expected;
            c.cells[cell] += weight;
            for j in 0..d {
                c.by_gamma[j] -= expected * x[j];
                let wx = weight * x[j];
                c.mixed[cell * d + j] += wx;
                for k in 0..=j {
                    c.gammas[j * d + k] += wx * x[k];
                }
            }
        }
        for j in 0..d {
            for k in 0..j {
                c.gammas[k * d + j] = c.gammas[j * d + k];
            }
        }
        c
    }

    /// Score over information of every centre at the pilot's fit: one step from 0.
    fn place_centres(&mut self, rows: &Rows) {
        let k = rows.centres();
        self.centre_information = vec![0.0; k];
        let mut scores = rows.events_by_centre.clone();
        for (cell, row) in rows.each().filter(|_| k > 0) {
            let total = rows.layout.totals[row];
            let x = rows.layout.columns.iter().zip(&self.gamma).map(|(c, g)| c[row] * g);
            let p = logistic(self.cells[cell] + x.sum::<f64>());
            let c = rows.layout.centre[row] as usize;
            scores[c] -= total * p;
            self.centre_information[c] += total * p * (1.0 - p);
        }
        let step = |(s, i): (&f64, &f64)| if *i > 0.0 { s / i } else { 0.0 };
        self.centres = scores.iter().zip(&self.centre_information).map(step).collect();
    }

    /// `1/w₀ + 1/w₁ + dᵀ S⁻¹ d`, d the difference of the two cells' regressions on the coefficients.
    fn variances(&self, rows: &Rows, sizes: &[f64], c: &Curvature) -> Vec<f64> {
        let d = self.gamma.len();
        let factor = c.reduced().and_then(|s| cholesky(&s, d));
        (0..rows.subgroups)
            .map(|g| {
                let pair = [g, rows.subgroups + g];
                let determined = |&i: &usize| rows.events[i] > 0.0 && rows.events[i] < sizes[i];
                let (true, Some(factor)) = (pair.iter().all(determined), &factor) else {
                    return f64::INFINITY;
                };
                let w = pair.map(|i| c.cells[i] - CELL_PRECISION);
                let slope = |k: usize, j: usize| c.mixed[pair[k] * d + j] / w[k];
                let apart: Vec<f64> = (0..d).map(|j| slope(1, j) - slope(0, j)).collect();
                let solved = solve_cholesky(factor, &apart, d);
                let through: f64 = apart.iter().zip(&solved).map(|(a, s)| a * s).sum();
                1.0 / w[0] + 1.0 / w[1] + through
            })
            .collect()
    }
}

impl Curvature {
    /// The coefficients' Hessian with the cells taken out.
    fn reduced(&self) -> Option<Vec<f64>> {
        let (n, d) = (self.cells.len(), self.by_gamma.len());
        let mut s = self.gammas.clone();
        for i in 0..n {
            let row = &self.mixed[i * d..(i + 1) * d];
            for j in 0..d {
                for k in 0..d {
                    s[j * d + k] -= row[j] * row[k] / self.cells[i];
                }
            }
        }
        s.iter().all(|x| x.is_finite()).then_some(s)
    }

    /// The Newton step.
    fn newton(&self) -> Option<(Vec<f64>, Vec<f64>)> {
        let (n, d) = (self.cells.len(), self.by_gamma.len());
        let mut right = self.by_gamma.clone();
        for i in 0..n {
            for j in 0..d {
                right[j] -= self.mixed[i * d + j] * self.by_cell[i] / self.cells[i];
            }
        }
        let gamma = solve_cholesky(&cholesky(&self.reduced()?, d)?, &right, d);
        let cell = |i: usize| {
            let known: f64 = (0..d).map(|j| self.mixed[i * d + j] * gamma[j]).sum();
            (self.by_cell[i] - known) / self.cells[i]
        };
        Some(((0..n).map(cell).collect(), gamma))
    }
}

/// Patients by cell.
fn cell_sizes(rows: &Rows) -> Vec<f64> {
    let mut sizes = vec![0.0; 2 * rows.subgroups];
    let kernel::Layout { totals, .. } = &rows.layout;
    rows.each().for_each(|(cell, row)| sizes[cell] += totals[row]);
    sizes
}
