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
use super::{At, Coefficient, Linear, Seen};
use crate::density::LogDensity;
use crate::model::HeterogeneityPrior;
use crate::model::prior_slope::{LocationSlope, ScalePoint};
use crate::numeric::{logistic, softplus};

/// A linear model's posterior. In order: the coordinates of the standard deviations that are sampled, then ζ.
#[derive(Debug, Clone)]
pub struct LinearDensity {
    cells: Vec<(Vec<(usize, f64)>, Seen)>,
    columns: Vec<Column>,
    scales: Vec<(HeterogeneityPrior, Option<usize>)>,
    pattern: Pattern,
    /// Xᵀ W X, by entry of the pattern.
    information: Vec<f64>,
    dim: usize,
}

#[derive(Debug, Clone)]
struct Column {
    /// None where it is scaled.
    prior: Option<LocationSlope>,
    scale: Option<usize>,
    /// P and P c.
    precision: f64,
    pull: f64,
    /// Xᵀ W x̂.
    seen: f64,
    /// The place of its diagonal entry.
    diagonal: usize,
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
}

impl LinearDensity {
    /// The posterior of a model.
    pub fn new(model: &Linear) -> LinearDensity {
        let n = model.coefficients.len();
        let groups: Vec<Vec<usize>> =
            model.cells.iter().map(|cell| cell.of.iter().map(|(j, _)| *j).collect()).collect();
        let pattern = Pattern::new(n, &groups);
        let mut information = vec![0.0; pattern.entries()];
        let mut seen = vec![0.0; n];
        for cell in &model.cells {
            let (estimate, weight) = cell.seen.resembles();
            for &(j, by) in &cell.of {
                seen[j] += by * weight * estimate;
                for &(k, other) in cell.of.iter().filter(|(k, _)| *k <= j) {
                    information[pattern.place(j, k)] += by * other * weight;
                }
            }
        }
        let mut dim = 0;
        let scales = model.scales.iter().map(|prior| {
            let sampled = !matches!(prior, HeterogeneityPrior::Fixed { .. });
            dim += usize::from(sampled);
            (*prior, sampled.then(|| dim - 1))
        });
        let scales = scales.collect();
        let columns = model.coefficients.iter().enumerate().map(|(j, coefficient)| {
            let diagonal = pattern.place(j, j);
            let (prior, scale) = match coefficient {
                Coefficient::Located(prior) => (Some(LocationSlope::of(prior)), None),
                Coefficient::Scaled(scale) => (None, Some(*scale)),
            };
            let (centre, precision) = prior.as_ref().map_or((0.0, 1.0), LocationSlope::stand_in);
            // A flat prior of a coefficient of which nothing is known has no scale of its own.
            let precision = if precision > 0.0 || information[diagonal] > 0.0 { precision } else { 1.0 };
            Column { prior, scale, precision, pull: precision * centre, seen: seen[j], diagonal }
        });
        let columns = columns.collect();
        let cells = model.cells.iter().map(|cell| (cell.of.clone(), cell.seen)).collect();
        LinearDensity { cells, columns, scales, pattern, information, dim: dim + n }
    }

    /// A point in the middle of the coordinates, from which a search for the mode may start.
    pub fn middle(&self) -> Vec<f64> {
        let mut q = vec![0.0; self.dim];
        for (prior, place) in &self.scales {
            if let Some(place) = place {
                q[*place] = prior.coordinate_of(prior.typical());
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
            *point = match (place, prior) {
                (Some(place), prior) => prior.at_coordinate(q[*place]),
                (None, HeterogeneityPrior::Fixed { value }) => fixed(*value),
                (None, _) => fixed(0.0),
            };
        }
        for (s, column) in scratch.s.iter_mut().zip(&self.columns) {
            *s = column.scale.map_or(1.0, |scale| scratch.scales[scale].value);
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
                Seen::Counts { total: 0.0, .. } => continue,
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
        sum
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
        gradient[..sampled].fill(0.0);
        for (j, column) in self.columns.iter().enumerate() {
            if let Some(place) = column.scale.and_then(|scale| self.scales[scale].1) {
                gradient[place] += scratch.by_s[j];
            }
        }
        for (point, (_, place)) in scratch.scales.iter().zip(&self.scales) {
            log_density += point.log_density;
            if let Some(place) = *place {
                gradient[place] = gradient[place] * point.rate + point.slope;
            }
        }
        gradient[sampled..].copy_from_slice(&scratch.by_z);
        log_density
    }
}
