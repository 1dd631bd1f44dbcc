//! What rows say of cells, coefficients and centres, roughly: one penalised logistic regression by Newton's method.
//!
//! The sampler's coordinates are placed by it (any place gives the same posterior), and comparisons of priors hold coefficients
//! and intercepts where it has them.

use super::{Rows, kernel};
use crate::numeric::linear::{cholesky, gram_of_lower, invert_lower, solve_cholesky};
use crate::numeric::{logistic, logit};
use crate::study::HeterogeneityPrior;

/// Newton steps at most.
const STEPS: usize = 120;

/// In so many of them the centres' spread is learnt; then it stands, for its last digits take many and change little.
const LEARNING: usize = 80;

/// The precision of a weak prior of cells around the overall log odds: without it empty and full cells have no estimate.
const CELL_PRECISION: f64 = 0.16;

/// Steps shorter than this change nothing that matters, nor does a smaller change of the centres' spread, as a part of it.
const SMALL_STEP: f64 = 1e-5;
const SMALL_MOVE: f64 = 1e-3;

/// The centres' standard deviation to begin with, and between which it is sought.
const FIRST_SD: f64 = 0.5;
const LEAST_SD: f64 = 0.01;
const MOST_SD: f64 = 20.0;

/// Estimates and informations.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pilot {
    /// Log odds by cell, control arms first, at the covariates' means.
    pub cells: Vec<f64>,
    pub cell_information: Vec<f64>,
    pub gamma: Vec<f64>,
    /// Intercepts of centres, shrunken by their standard deviation; and what they say for themselves.
    pub centres: Vec<f64>,
    pub centre_estimates: Vec<f64>,
    pub centre_information: Vec<f64>,
    pub centre_sd: f64,
    /// Of each subgroup's own log odds ratio, coefficients and intercepts estimated beside it; and the part of it that these
    /// add.
    pub effect_variances: Vec<f64>,
    pub added_variances: Vec<f64>,
    /// The same variances, finite also where a cell has no events, by its weak prior.
    pub rough_variances: Vec<f64>,
    /// Whether the steps have come to rest.
    pub settled: bool,
}

/// Gradient and negative Hessian at one point. Cells are independent of each other given the rest, and so are centres; `m`
/// counts cells and coefficients together.
struct Curvature {
    m: usize,
    slopes: Vec<f64>,
    whole: Vec<f64>,
    by_centre: Vec<f64>,
    centres: Vec<f64>,
    /// `m` rows, a column a centre.
    mixed: Vec<f64>,
}

impl Pilot {
    pub fn fit(rows: &Rows) -> Pilot {
        let (n, d, k) = (2 * rows.subgroups, rows.terms(), rows.centres());
        let sizes = cell_sizes(rows);
        let (events, total) = (rows.events.iter().sum::<f64>(), sizes.iter().sum::<f64>());
        let middle = logit((events + 0.5) / (total + 1.0));
        let mut pilot = Pilot {
            cells: vec![middle; n],
            gamma: vec![0.0; d],
            centres: vec![0.0; k],
            centre_sd: match rows.centre_sd {
                Some(HeterogeneityPrior::Fixed { value }) => value.max(LEAST_SD),
                _ => FIRST_SD,
            },
            ..Pilot::default()
        };
        let mut curvature = pilot.curvature(rows, middle);
        for step_number in 0..STEPS {
            let Some((step, by_centre)) = curvature.newton() else { break };
            let longest = step.iter().chain(&by_centre).fold(0.0_f64, |m, s| m.max(s.abs()));
            // Steps of more than 2 on the log odds lead astray.
            let share = (2.0 / longest).min(1.0);
            let x = pilot.cells.iter_mut().chain(&mut pilot.gamma).chain(&mut pilot.centres);
            x.zip(step.iter().chain(&by_centre)).for_each(|(x, s)| *x += share * s);
            let before = pilot.centre_sd;
            if step_number < LEARNING {
                pilot.learn_centre_sd(rows, &curvature);
            }
            let moved = (pilot.centre_sd / before - 1.0).abs();
            curvature = pilot.curvature(rows, middle);
            if longest < SMALL_STEP && moved < SMALL_MOVE {
                pilot.settled = true;
                break;
            }
        }
        let own = |i: usize| (curvature.whole[i * curvature.m + i] - CELL_PRECISION).max(0.0);
        pilot.cell_information = (0..n).map(own).collect();
        pilot.say_of_centres(&curvature);
        pilot.spread(rows, &sizes, curvature);
        pilot
    }

    fn curvature(&self, rows: &Rows, middle: f64) -> Curvature {
        let (n, d, k) = (self.cells.len(), self.gamma.len(), self.centres.len());
        let m = n + d;
        let centre_precision = 1.0 / (self.centre_sd * self.centre_sd);
        let mut c = Curvature {
            m,
            slopes: rows.events.iter().chain(&rows.events_by_gamma).copied().collect(),
            whole: vec![0.0; m * m],
            by_centre: rows
                .events_by_centre
                .iter()
                .zip(&self.centres)
                .map(|(y, u)| y - centre_precision * u)
                .collect(),
            centres: vec![centre_precision; k],
            mixed: vec![0.0; m * k],
        };
        for i in 0..n {
            c.slopes[i] -= CELL_PRECISION * (self.cells[i] - middle);
            c.whole[i * m + i] += CELL_PRECISION;
        }
        for (j, prior) in rows.priors().iter().enumerate() {
            let (centre, precision) = prior.stand_in();
            c.slopes[n + j] -= precision * (self.gamma[j] - centre);
            c.whole[(n + j) * m + n + j] += precision;
        }
        let mut x = vec![0.0; d];
        for (cell, row) in rows.each() {
            let total = rows.layout.totals[row];
            if total == 0.0 {
                continue;
            }
            x.iter_mut().zip(&rows.layout.columns).for_each(|(x, column)| *x = column[row]);
            let centre = rows.layout.centre.get(row).map(|&c| c as usize);
            let eta = self.cells[cell]
                + x.iter().zip(&self.gamma).map(|(x, g)| x * g).sum::<f64>()
                + centre.map_or(0.0, |u| self.centres[u]);
            let p = logistic(eta);
            let (expected, weight) = (total * p, total * p * (1.0 - p));
            c.slopes[cell] -= expected;
            c.whole[cell * m + cell] += weight;
            for j in 0..d {
                c.slopes[n + j] -= expected * x[j];
                let wx = weight * x[j];
                c.whole[(n + j) * m + cell] += wx;
                let to = (n + j) * m + n;
                c.whole[to..=to + j].iter_mut().zip(&x).for_each(|(h, x)| *h += wx * x);
            }
            if let Some(u) = centre {
                c.by_centre[u] -= expected;
                c.centres[u] += weight;
                c.mixed[cell * k + u] += weight;
                (0..d).for_each(|j| c.mixed[(n + j) * k + u] += weight * x[j]);
            }
        }
        for i in 0..m {
            for j in 0..i {
                c.whole[j * m + i] = c.whole[i * m + j];
            }
        }
        c
    }

    /// One step of the EM algorithm: the mean square of the intercepts with what is not known of them, and the prior's say.
    fn learn_centre_sd(&mut self, rows: &Rows, c: &Curvature) {
        let Some(prior) = rows.centre_sd.filter(|p| !matches!(p, HeterogeneityPrior::Fixed { .. })) else {
            return;
        };
        let squares = self.centres.iter().zip(&c.centres).map(|(u, precision)| u * u + 1.0 / precision);
        let (sum, n) = (squares.sum::<f64>(), self.centres.len() as f64);
        let value = |log_sd: f64| {
            let sd = libm::exp(log_sd);
            let prior = prior.log_density(sd);
            if prior.is_finite() { prior - n * log_sd - 0.5 * sum / (sd * sd) } else { f64::NEG_INFINITY }
        };
        self.centre_sd = libm::exp(highest(libm::log(LEAST_SD), libm::log(MOST_SD), value));
    }

    /// Intercepts as each centre's own patients have them, not shrunken.
    fn say_of_centres(&mut self, c: &Curvature) {
        let precision = 1.0 / (self.centre_sd * self.centre_sd);
        self.centre_information = c.centres.iter().map(|w| (w - precision).max(0.0)).collect();
        let own = |(u, i): (&f64, &f64)| if *i > 0.0 { u * (1.0 + precision / i) } else { 0.0 };
        self.centre_estimates = self.centres.iter().zip(&self.centre_information).map(own).collect();
    }

    /// Variances of the log odds ratios from the inverse, cells without their weak prior.
    fn spread(&mut self, rows: &Rows, sizes: &[f64], mut c: Curvature) {
        let g = rows.subgroups;
        let determined = |i: usize| rows.events[i] > 0.0 && rows.events[i] < sizes[i];
        for i in (0..2 * g).filter(|&i| determined(i)) {
            c.whole[i * c.m + i] -= CELL_PRECISION;
        }
        let inverse = cholesky(&c.reduced(), c.m).map(|l| gram_of_lower(&invert_lower(&l, c.m), c.m));
        let at = |v: &[f64], i: usize, j: usize| v[i * c.m + j];
        for (a, b) in (0..g).map(|a| (a, g + a)) {
            let variance =
                inverse.as_ref().map_or(f64::INFINITY, |v| at(v, a, a) + at(v, b, b) - 2.0 * at(v, a, b));
            let alone = 1.0 / c.whole[a * c.m + a] + 1.0 / c.whole[b * c.m + b];
            self.added_variances.push(if variance.is_finite() { (variance - alone).max(0.0) } else { 0.0 });
            self.rough_variances.push(variance);
            self.effect_variances.push(if determined(a) && determined(b) { variance } else { f64::INFINITY });
        }
    }
}

impl Curvature {
    /// The Hessian with the centres taken out.
    fn reduced(&self) -> Vec<f64> {
        let (m, k) = (self.m, self.centres.len());
        let mut reduced = self.whole.clone();
        if k == 0 {
            return reduced;
        }
        let scaled: Vec<f64> = self.mixed.iter().enumerate().map(|(i, x)| x / self.centres[i % k]).collect();
        for i in 0..m {
            for j in 0..=i {
                let (a, b) = (&self.mixed[i * k..(i + 1) * k], &scaled[j * k..(j + 1) * k]);
                let through: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
                reduced[i * m + j] -= through;
                if j < i {
                    reduced[j * m + i] -= through;
                }
            }
        }
        reduced
    }

    /// The Newton step: of cells and coefficients, and of centres.
    fn newton(&self) -> Option<(Vec<f64>, Vec<f64>)> {
        let (m, k) = (self.m, self.centres.len());
        let row = |i: usize| &self.mixed[i * k..(i + 1) * k];
        let known: Vec<f64> = self.by_centre.iter().zip(&self.centres).map(|(s, c)| s / c).collect();
        let right: Vec<f64> = (0..m)
            .map(|i| self.slopes[i] - row(i).iter().zip(&known).map(|(a, b)| a * b).sum::<f64>())
            .collect();
        let step = solve_cholesky(&cholesky(&self.reduced(), m)?, &right, m);
        let mut centres = known;
        for (i, step) in step.iter().enumerate() {
            for ((u, x), c) in centres.iter_mut().zip(row(i)).zip(&self.centres) {
                *u -= x * step / c;
            }
        }
        Some((step, centres))
    }
}

/// Where a function of one hump is highest, by golden sections.
fn highest(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_895;
    while high - low > 1e-9 {
        let (a, b) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
        // A prior may end: what lies beyond its end is lower than anything.
        if f(a) >= f(b) { high = b } else { low = a }
    }
    0.5 * (low + high)
}

/// Patients by cell.
fn cell_sizes(rows: &Rows) -> Vec<f64> {
    let mut sizes = vec![0.0; 2 * rows.subgroups];
    let kernel::Layout { totals, .. } = &rows.layout;
    rows.each().for_each(|(cell, row)| sizes[cell] += totals[row]);
    sizes
}
