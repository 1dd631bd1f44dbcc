//! The posterior of a linear model in coordinates that are nearly independent whatever the standard deviations.
//!
//! With S the standard deviations of the coefficients (1 where they have priors of their own) a coefficient is b = S z. What
//! the data say of z is roughly normal: with the cells' informations W at rough estimates x̂, and normals N(c, P⁻¹) in place
//! of the priors,
//!
//! ```text
//! Q = S Xᵀ W X S + P = L Lᵀ,    z = Q⁻¹ (S Xᵀ W x̂ + P c) + L⁻ᵀ ζ
//! ```
//!
//! has ζ nearly standard normal at every S. For any x̂, W and P this is a one-to-one map with Jacobian 1/|L|, so the posterior is
//! exact however rough they are; only speed depends on them. At W = 0 it is the non-centred form, for much data the centred
//! one. Slopes by S go backwards through the factor.

use super::factor::Pattern;
use super::rough::Resembled;
use super::scale::{shrunk, shrunk_slopes};
use super::{At, Coefficient, Linear, LinearRows, Resembling, ScalePrior, Seen};
use crate::density::LogDensity;
use crate::model::prior_slope::{LocationSlope, ScalePoint};
use crate::model::rows::Sums;
use crate::numeric::{logistic, softplus};

/// A linear model's posterior. In order: the coordinates of the standard deviations that are sampled, then ζ.
#[derive(Debug, Clone)]
pub struct LinearDensity {
    cells: Vec<(Vec<(usize, f64)>, Seen)>,
    columns: Vec<Column>,
    scales: Vec<(ScalePrior, Option<usize>)>,
    rows: Option<LinearRows>,
    pattern: Pattern,
    /// Xᵀ W X, by entry of the pattern.
    information: Vec<f64>,
    dim: usize,
}

#[derive(Debug, Clone)]
struct Column {
    /// None where it is scaled.
    prior: Option<LocationSlope>,
    scale: Scaling,
    /// P and P c.
    precision: f64,
    pull: f64,
    /// Xᵀ W x̂.
    seen: f64,
    /// The place of its diagonal entry.
    diagonal: usize,
}

/// What a coefficient is multiplied by.
#[derive(Debug, Clone, Copy)]
enum Scaling {
    Not,
    By(usize),
    Shrunk { global: usize, local: usize, slab: usize },
}

/// Working memory for evaluations.
#[derive(Debug, Clone)]
pub struct LinearScratch {
    scales: Vec<ScalePoint>,
    values: Vec<f64>,
    /// By column: S, z, b.
    s: Vec<f64>,
    z: Vec<f64>,
    b: Vec<f64>,
    /// L⁻¹ (S Xᵀ W x̂ + P c).
    u: Vec<f64>,
    /// Slopes by z, turned into those by ζ and by what stands before L⁻¹.
    by_z: Vec<f64>,
    by_b: Vec<f64>,
    by_pull: Vec<f64>,
    by_s: Vec<f64>,
    factor: Vec<f64>,
    slopes: Vec<f64>,
    predictors: Vec<f64>,
    by_scale: Vec<f64>,
    by_predictor: Vec<f64>,
    sums: Option<Sums>,
}

impl LinearDensity {
    /// The posterior of a model.
    pub fn new(model: &Linear) -> LinearDensity {
        let n = model.coefficients.len();
        let gamma = model.rows.as_ref().map_or(0..0, |of| of.gamma.clone());
        let own = |cell: &super::Cell| cell.of.iter().map(|(j, _)| *j).chain(gamma.clone()).collect();
        let groups: Vec<Vec<usize>> = model.cells.iter().map(own).collect();
        let pattern = Pattern::new(n, &groups);
        let Resembled { information, seen } = match model.resembling {
            Resembling::Cells => Resembled::of_cells(model, &pattern),
            Resembling::Fit => Resembled::of_fit(model, &pattern),
        };
        let mut dim = 0;
        let scales = model.scales.iter().map(|prior| {
            let sampled = prior.fixed().is_none();
            dim += usize::from(sampled);
            (*prior, sampled.then(|| dim - 1))
        });
        let scales = scales.collect();
        let columns = model.coefficients.iter().enumerate().map(|(j, coefficient)| {
            let diagonal = pattern.place(j, j);
            let (prior, scale) = match coefficient {
                Coefficient::Located(prior) => (Some(LocationSlope::of(prior)), Scaling::Not),
                Coefficient::Scaled(scale) => (None, Scaling::By(*scale)),
                &Coefficient::Shrunk { global, local, slab } => {
                    (None, Scaling::Shrunk { global, local, slab })
                }
            };
            let (centre, precision) = prior.as_ref().map_or((0.0, 1.0), LocationSlope::stand_in);
            // A flat prior of a coefficient of which nothing is known has no scale of its own.
            let precision = if precision > 0.0 || information[diagonal] > 0.0 { precision } else { 1.0 };
            Column { prior, scale, precision, pull: precision * centre, seen: seen[j], diagonal }
        });
        let columns = columns.collect();
        let cells = model.cells.iter().map(|cell| (cell.of.clone(), cell.seen)).collect();
        let rows = model.rows.clone();
        LinearDensity { cells, columns, scales, rows, pattern, information, dim: dim + n }
    }

    /// A point in the middle of the coordinates, from which a search for the mode may start.
    pub fn middle(&self) -> Vec<f64> {
        let mut q = vec![0.0; self.dim];
        for (prior, place) in &self.scales {
            if let Some(place) = place {
                q[*place] = prior.typical_coordinate();
            }
        }
        q
    }

    /// What `q` stands for.
    pub fn at<'s>(&self, q: &[f64], scratch: &'s mut LinearScratch) -> At<'s> {
        self.place(q, scratch);
        for (value, point) in scratch.values.iter_mut().zip(&scratch.scales) {
            *value = point.value;
        }
        At { coefficients: &scratch.b, scales: &scratch.values, predictors: &scratch.predictors }
    }

    /// Fills in everything from the standard deviations to the predictors; false where numbers run out.
    fn place(&self, q: &[f64], scratch: &mut LinearScratch) -> bool {
        for (point, (prior, place)) in scratch.scales.iter_mut().zip(&self.scales) {
            *point = match place {
                Some(place) => prior.at_coordinate(q[*place]),
                None => fixed(prior.fixed().unwrap_or(0.0)),
            };
        }
        for (s, column) in scratch.s.iter_mut().zip(&self.columns) {
            let value = |place: usize| scratch.scales[place].value;
            *s = match column.scale {
                Scaling::Not => 1.0,
                Scaling::By(scale) => value(scale),
                Scaling::Shrunk { global, local, slab } => shrunk(value(global) * value(local), value(slab)),
            };
        }
        let s = &scratch.s[..];
        for k in 0..self.columns.len() {
            let (range, rows) = self.pattern.column(k);
            let (entries, information) = (&mut scratch.factor[range.clone()], &self.information[range]);
            for i in 0..rows.len().min(entries.len()).min(information.len()) {
                entries[i] = s[rows[i]] * s[k] * information[i];
            }
        }
        for column in &self.columns {
            scratch.factor[column.diagonal] += column.precision;
        }
        if !self.pattern.factor(&mut scratch.factor) {
            return false;
        }
        for ((u, s), column) in scratch.u.iter_mut().zip(&scratch.s).zip(&self.columns) {
            *u = s * column.seen + column.pull;
        }
        self.pattern.solve(&scratch.factor, &mut scratch.u);
        let zeta = &q[self.dim - self.columns.len()..];
        for ((z, u), zeta) in scratch.z.iter_mut().zip(&scratch.u).zip(zeta) {
            *z = u + zeta;
        }
        self.pattern.solve_transposed(&scratch.factor, &mut scratch.z);
        for ((b, s), z) in scratch.b.iter_mut().zip(&scratch.s).zip(&scratch.z) {
            *b = s * z;
        }
        for (x, (of, _)) in scratch.predictors.iter_mut().zip(&self.cells) {
            let mut sum = -0.0;
            for &(j, by) in of {
                sum += by * scratch.b[j];
            }
            *x = sum;
        }
        true
    }

    /// The log likelihood, and its slopes by the coefficients.
    fn likelihood(&self, scratch: &mut LinearScratch) -> f64 {
        scratch.by_b.fill(0.0);
        let mut sum = 0.0;
        for ((of, seen), &x) in self.cells.iter().zip(&scratch.predictors) {
            let (value, slope) = match *seen {
                Seen::Counts { total: 0.0, .. } | Seen::Rows { .. } => continue,
                Seen::Counts { events, total } => {
                    (events * x - total * softplus(x), events - total * logistic(x))
                }
                Seen::Estimate { estimate, precision } => {
                    let d = x - estimate;
                    (-0.5 * precision * d * d, -precision * d)
                }
            };
            sum += value;
            for &(j, by) in of {
                scratch.by_b[j] += by * slope;
            }
        }
        match &self.rows {
            Some(rows) => sum + self.likelihood_of_rows(rows, scratch),
            None => sum,
        }
    }

    /// The same of patients with covariates.
    fn likelihood_of_rows(&self, of: &LinearRows, scratch: &mut LinearScratch) -> f64 {
        let LinearScratch { b, by_b, predictors, by_predictor, sums, .. } = scratch;
        let Some(sums) = sums else { return f64::NAN };
        let slopes = (by_predictor.as_mut_slice(), &mut by_b[of.gamma.clone()], &mut [][..]);
        let value = of.rows.log_likelihood(predictors, (&b[of.gamma.clone()], &[]), slopes, sums);
        for ((cell, _), slope) in self.cells.iter().zip(by_predictor.iter()) {
            for &(j, by) in cell {
                by_b[j] += by * slope;
            }
        }
        value
    }

    /// Adds the priors of z, and fills in the slopes by it.
    fn priors(&self, scratch: &mut LinearScratch) -> f64 {
        let mut sum = 0.0;
        for (j, column) in self.columns.iter().enumerate() {
            let z = scratch.z[j];
            let (value, slope) = column.prior.as_ref().map_or((-0.5 * z * z, -z), |prior| prior.at(z));
            sum += value;
            scratch.by_z[j] = scratch.s[j] * scratch.by_b[j] + slope;
        }
        sum
    }

    /// From slopes by z to those by ζ, in `by_z`, and by the standard deviations, in `by_s`.
    fn pull(&self, scratch: &mut LinearScratch) {
        self.pattern.solve(&scratch.factor, &mut scratch.by_z);
        scratch.by_pull.copy_from_slice(&scratch.by_z);
        self.pattern.solve_transposed(&scratch.factor, &mut scratch.by_pull);
        let (z, by_pull) = (&scratch.z[..], &scratch.by_pull[..]);
        for k in 0..self.columns.len() {
            let (range, rows) = self.pattern.column(k);
            let (slopes, by_z, u) = (&mut scratch.slopes[range], scratch.by_z[k], scratch.u[k]);
            for i in 0..rows.len().min(slopes.len()) {
                slopes[i] = -z[rows[i]] * by_z - by_pull[rows[i]] * u;
            }
        }
        for column in &self.columns {
            scratch.slopes[column.diagonal] -= 1.0 / scratch.factor[column.diagonal];
        }
        self.pattern.pull(&scratch.factor, &mut scratch.slopes);
        for (j, column) in self.columns.iter().enumerate() {
            scratch.by_s[j] = scratch.z[j] * scratch.by_b[j] + scratch.by_pull[j] * column.seen;
        }
        let (s, by_s) = (&scratch.s[..], &mut scratch.by_s[..]);
        for k in 0..self.columns.len() {
            let (range, rows) = self.pattern.column(k);
            let (slopes, information) = (&scratch.slopes[range.clone()], &self.information[range]);
            // The diagonal first, which stands on both sides.
            let on_diagonal = slopes[0] * information[0] * s[k];
            let mut own = by_s[k] + on_diagonal + on_diagonal;
            for i in 1..rows.len().min(slopes.len()).min(information.len()) {
                let (j, of) = (rows[i], slopes[i] * information[i]);
                by_s[j] += of * s[k];
                own += of * s[j];
            }
            by_s[k] = own;
        }
    }
}

impl LinearDensity {
    /// From slopes by coefficients' standard deviations to those by what they are made of.
    fn pull_scales(&self, scratch: &mut LinearScratch) {
        scratch.by_scale.fill(0.0);
        for (column, by) in self.columns.iter().zip(&scratch.by_s) {
            match column.scale {
                Scaling::Not => {}
                Scaling::By(scale) => scratch.by_scale[scale] += by,
                Scaling::Shrunk { global, local, slab } => {
                    let value = |place: usize| scratch.scales[place].value;
                    let (tau, lambda, c) = (value(global), value(local), value(slab));
                    let (by_a, by_c) = shrunk_slopes(tau * lambda, c);
                    scratch.by_scale[global] += by * by_a * lambda;
                    scratch.by_scale[local] += by * by_a * tau;
                    scratch.by_scale[slab] += by * by_c;
                }
            }
        }
    }
}

fn fixed(value: f64) -> ScalePoint {
    ScalePoint { value, rate: 0.0, log_density: 0.0, slope: 0.0 }
}

impl LogDensity for LinearDensity {
    type Scratch = LinearScratch;

    fn dim(&self) -> usize {
        self.dim
    }

    fn scratch(&self) -> LinearScratch {
        let (n, entries) = (self.columns.len(), self.pattern.entries());
        LinearScratch {
            scales: vec![fixed(0.0); self.scales.len()],
            values: vec![0.0; self.scales.len()],
            s: vec![0.0; n],
            z: vec![0.0; n],
            b: vec![0.0; n],
            u: vec![0.0; n],
            by_z: vec![0.0; n],
            by_b: vec![0.0; n],
            by_pull: vec![0.0; n],
            by_s: vec![0.0; n],
            factor: vec![0.0; entries],
            slopes: vec![0.0; entries],
            predictors: vec![0.0; self.cells.len()],
            by_scale: vec![0.0; self.scales.len()],
            by_predictor: vec![0.0; self.cells.len()],
            sums: self.rows.as_ref().map(|of| of.rows.sums()),
        }
    }

    fn evaluate(&self, q: &[f64], gradient: &mut [f64], scratch: &mut LinearScratch) -> f64 {
        if !self.place(q, scratch) {
            return f64::NAN;
        }
        let mut log_density = self.likelihood(scratch);
        log_density += self.priors(scratch);
        for column in &self.columns {
            log_density -= libm::log(scratch.factor[column.diagonal]);
        }
        self.pull(scratch);
        let sampled = self.dim - self.columns.len();
        self.pull_scales(scratch);
        for ((point, by), (_, place)) in scratch.scales.iter().zip(&scratch.by_scale).zip(&self.scales) {
            log_density += point.log_density;
            if let Some(place) = *place {
                gradient[place] = by * point.rate + point.slope;
            }
        }
        gradient[sampled..].copy_from_slice(&scratch.by_z);
        log_density
    }
}
