//! Multinomial logistic regression: log odds of each arm against the first, with an intercept for every group and slopes that
//! groups share, fitted by Newton's method from where an earlier fit ended.

use std::ops::Range;

use super::coefficients::Coefficients;
use super::logistic::{FARTHEST, LONGEST_STEP, MOST_STEPS, Rows, Separated};
use crate::numeric::linear::{cholesky, solve_cholesky};

/// What one fit needs besides, kept for the next.
#[derive(Debug, Default)]
pub struct Scratch {
    /// 1 and the covariates of a row.
    z: Vec<f64>,
    /// Products of every two of these, the lower triangle row by row.
    zz: Vec<f64>,
    /// Of a row, by arm.
    probabilities: Vec<f64>,
    /// Of one group: by active arm residuals times z, and by two active arms information times zz.
    residuals: Vec<f64>,
    information: Vec<f64>,
    /// Of all coefficients: slopes by active arm, then intercepts by group and active arm.
    gradient: Vec<f64>,
    whole: Vec<f64>,
}

/// Patients of each row: by arm, row after row, and in all.
#[derive(Debug, Clone, Copy)]
pub struct Patients<'a> {
    pub by_arm: &'a [f64],
    pub totals: &'a [f64],
}

impl Patients<'_> {
    /// Those of some rows.
    pub fn of(&self, rows: Range<usize>) -> Patients<'_> {
        let arms = self.by_arm.len() / self.totals.len().max(1);
        Patients { by_arm: &self.by_arm[rows.start * arms..rows.end * arms], totals: &self.totals[rows] }
    }
}

/// Moves `at`, by active arm, to the maximum of the likelihood times a normal prior of every slope around 0 with this precision,
/// until a step is shorter than `near`.
pub fn fit(
    rows: &Rows,
    patients: Patients<'_>,
    (precision, near): (f64, f64),
    at: &mut [Coefficients],
    s: &mut Scratch,
) -> Result<(), Separated> {
    for _ in 0..MOST_STEPS {
        let farthest = derivatives(rows, patients, precision, at, s);
        let longest = step(rows, at, s).ok_or(Separated)?;
        if !longest.is_finite() {
            return Err(Separated);
        }
        if longest < near {
            return if farthest > FARTHEST { Err(Separated) } else { Ok(()) };
        }
    }
    Err(Separated)
}

/// The probabilities of all arms, row after row.
pub fn predict(rows: &Rows, at: &[Coefficients], into: &mut [f64]) {
    let arms = at.len() + 1;
    let mut z = vec![1.0; rows.terms + 1];
    for (g, range) in rows.groups.iter().enumerate() {
        for i in range.clone() {
            put_row(rows, i, &mut z);
            probabilities(&z, (g, at), &mut into[i * arms..(i + 1) * arms]);
        }
    }
}

fn put_row(rows: &Rows, i: usize, z: &mut [f64]) {
    z[1..].iter_mut().enumerate().for_each(|(k, z)| *z = rows.x[k * rows.len + i]);
}

/// Of one row; the largest log odds of an arm against the first, as a size.
fn probabilities(z: &[f64], (group, at): (usize, &[Coefficients]), into: &mut [f64]) -> f64 {
    let (mut most, mut farthest): (f64, f64) = (0.0, 0.0);
    into[0] = 0.0;
    for (log_odds, of) in into[1..].iter_mut().zip(at) {
        let along: f64 = z[1..].iter().zip(&of.slopes).map(|(x, b)| x * b).sum();
        *log_odds = of.intercepts[group] + along;
        most = most.max(*log_odds);
        farthest = farthest.max(log_odds.abs());
    }
    into.iter_mut().for_each(|x| *x = libm::exp(*x - most));
    let all: f64 = into.iter().sum();
    into.iter_mut().for_each(|x| *x /= all);
    farthest
}

/// The gradient and the information of all coefficients; the largest log odds.
fn derivatives(
    rows: &Rows,
    patients: Patients<'_>,
    precision: f64,
    at: &[Coefficients],
    s: &mut Scratch,
) -> f64 {
    let (active, q) = (at.len(), rows.terms + 1);
    let (arms, slopes) = (active + 1, active * rows.terms);
    let dim = slopes + active * rows.groups.len();
    let triangle = q * (q + 1) / 2;
    s.z.clear();
    s.z.resize(q, 1.0);
    s.zz.resize(triangle, 0.0);
    s.probabilities.resize(arms, 0.0);
    s.gradient.clear();
    s.gradient.extend(at.iter().flat_map(|of| of.slopes.iter().map(|b| -precision * b)));
    s.gradient.resize(dim, 0.0);
    s.whole.clear();
    s.whole.resize(dim * dim, 0.0);
    (0..slopes).for_each(|j| s.whole[j * dim + j] = precision);
    let mut farthest: f64 = 0.0;
    for (g, range) in rows.groups.iter().enumerate() {
        s.residuals.clear();
        s.residuals.resize(active * q, 0.0);
        s.information.clear();
        s.information.resize(active * (active + 1) / 2 * triangle, 0.0);
        for i in range.clone() {
            let n = patients.totals[i];
            if n <= 0.0 {
                continue;
            }
            put_row(rows, i, &mut s.z);
            let mut place = 0;
            for j in 0..q {
                for k in 0..=j {
                    s.zz[place] = s.z[j] * s.z[k];
                    place += 1;
                }
            }
            farthest = farthest.max(probabilities(&s.z, (g, at), &mut s.probabilities));
            let p = &s.probabilities[1..];
            let treated = &patients.by_arm[i * arms + 1..(i + 1) * arms];
            let mut pairs = s.information.chunks_exact_mut(triangle);
            for a in 0..active {
                let residual = treated[a] - n * p[a];
                let own = &mut s.residuals[a * q..(a + 1) * q];
                own.iter_mut().zip(&s.z).for_each(|(sum, z)| *sum += residual * z);
                for b in 0..=a {
                    let by = if a == b { n * p[a] * (1.0 - p[a]) } else { -n * p[a] * p[b] };
                    if let Some(pair) = pairs.next() {
                        pair.iter_mut().zip(&s.zz).for_each(|(sum, zz)| *sum += by * zz);
                    }
                }
            }
        }
        scatter(g, (active, q, dim), s);
    }
    farthest
}

/// Adds one group's sums to those of all coefficients.
fn scatter(group: usize, (active, q, dim): (usize, usize, usize), s: &mut Scratch) {
    let terms = q - 1;
    let place = |arm: usize, k: usize| match k.checked_sub(1) {
        Some(slope) => arm * terms + slope,
        None => active * terms + group * active + arm,
    };
    let triangle = q * (q + 1) / 2;
    let mut pairs = s.information.chunks_exact(triangle);
    for a in 0..active {
        for k in 0..q {
            s.gradient[place(a, k)] += s.residuals[a * q + k];
        }
        for b in 0..=a {
            let Some(pair) = pairs.next() else { continue };
            for j in 0..q {
                for k in 0..q {
                    let (high, low) = (j.max(k), j.min(k));
                    let value = pair[high * (high + 1) / 2 + low];
                    s.whole[place(a, j) * dim + place(b, k)] += value;
                    if a != b {
                        s.whole[place(b, k) * dim + place(a, j)] += value;
                    }
                }
            }
        }
    }
}

/// One step; the largest change of a coefficient.
fn step(rows: &Rows, at: &mut [Coefficients], s: &mut Scratch) -> Option<f64> {
    let (active, dim) = (at.len(), s.gradient.len());
    let change = solve_cholesky(&cholesky(&s.whole, dim)?, &s.gradient, dim);
    let most = |most: f64, d: &f64| if d.is_nan() { f64::NAN } else { most.max(d.abs()) };
    let longest = change.iter().fold(0.0, most);
    let scale = if longest > LONGEST_STEP { LONGEST_STEP / longest } else { 1.0 };
    let (slopes, intercepts) = change.split_at(active * rows.terms);
    for (a, of) in at.iter_mut().enumerate() {
        let own = &slopes[a * rows.terms..(a + 1) * rows.terms];
        of.slopes.iter_mut().zip(own).for_each(|(b, d)| *b += scale * d);
        let own = intercepts.iter().skip(a).step_by(active);
        of.intercepts.iter_mut().zip(own).for_each(|(b, d)| *b += scale * d);
    }
    Some(longest)
}
