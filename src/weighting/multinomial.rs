//! Multinomial logistic regression: log odds of each arm against the first, with an intercept for every group and slopes that
//! groups share, fitted by Newton's method from where an earlier fit ended.

use super::coefficients::Coefficients;
use super::kernel_of_arms::{self, Group, Patients};
use super::logistic::{FARTHEST, LONGEST_STEP, MOST_STEPS, Rows, Separated};
use crate::numeric::linear::{cholesky, solve_cholesky};

/// What one fit needs besides, kept for the next.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Of one group, as [`kernel_of_arms::accumulate`] leaves them.
    residuals: Vec<f64>,
    information: Vec<f64>,
    /// Of all coefficients: slopes by active arm, then intercepts by group and active arm.
    gradient: Vec<f64>,
    whole: Vec<f64>,
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
    for group in 0..rows.groups.len() {
        kernel_of_arms::predict(Group { rows, group, at }, into);
    }
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
    let slopes = active * rows.terms;
    let dim = slopes + active * rows.groups.len();
    let triangle = q * (q + 1) / 2;
    s.gradient.clear();
    s.gradient.extend(at.iter().flat_map(|of| of.slopes.iter().map(|b| -precision * b)));
    s.gradient.resize(dim, 0.0);
    s.whole.clear();
    s.whole.resize(dim * dim, 0.0);
    (0..slopes).for_each(|j| s.whole[j * dim + j] = precision);
    let mut farthest: f64 = 0.0;
    for group in 0..rows.groups.len() {
        s.residuals.clear();
        s.residuals.resize(active * q, 0.0);
        s.information.clear();
        s.information.resize(active * (active + 1) / 2 * triangle, 0.0);
        let sums = (&mut s.residuals[..], &mut s.information[..]);
        farthest = farthest.max(kernel_of_arms::accumulate(Group { rows, group, at }, patients, sums));
        scatter(group, (active, q, dim), s);
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
