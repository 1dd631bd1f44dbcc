//! Logistic regression with an intercept for every group and slopes that groups share, fitted by Newton's method from where an
//! earlier fit ended: of Dirichlet weights a few steps each.

use super::coefficients::Coefficients;
use crate::numeric::linear::{cholesky, solve_cholesky};
use crate::numeric::logistic;

/// Steps at most: a maximum is reached in ten; without one they go on for ever.
const MOST_STEPS: usize = 60;

/// The last step is smaller than this: the error after it is about its square.
const LAST_STEP: f64 = 1e-9;

/// No coefficient moves further than this in one step.
const LONGEST_STEP: f64 = 4.0;

/// Log odds beyond this are those of data that set no bound to a coefficient.
const FARTHEST: f64 = 20.0;

/// Rows of a regression, all but their weights.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    pub groups: usize,
    /// Each row's group.
    pub group: Vec<u32>,
    pub terms: usize,
    /// Row by row: length rows · terms.
    pub x: Vec<f64>,
}

/// What one fit needs besides, kept for the next.
#[derive(Debug, Default)]
pub struct Scratch {
    gradient: Vec<f64>,
    information: Vec<f64>,
    /// By group, each of length `terms`.
    mixed: Vec<f64>,
    slope_gradient: Vec<f64>,
    slope_information: Vec<f64>,
}

/// The data set no bound to a coefficient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Separated;

impl Rows {
    /// The covariates of row `i`.
    pub fn x(&self, i: usize) -> &[f64] {
        &self.x[i * self.terms..(i + 1) * self.terms]
    }

    /// Moves `at` to the maximum of the likelihood of `events` of `totals` (weights, not whole numbers), times a normal prior
    /// of every slope around 0 with this precision.
    pub fn fit(
        &self,
        (events, totals): (&[f64], &[f64]),
        precision: f64,
        at: &mut Coefficients,
        s: &mut Scratch,
    ) -> Result<(), Separated> {
        for _ in 0..MOST_STEPS {
            let farthest = self.derivatives((events, totals), precision, at, s);
            let longest = self.step(at, s).ok_or(Separated)?;
            if !longest.is_finite() {
                return Err(Separated);
            }
            if longest < LAST_STEP {
                return if farthest > FARTHEST { Err(Separated) } else { Ok(()) };
            }
        }
        Err(Separated)
    }

    /// Gradient and information at `at`; the largest log odds of a row that counts.
    fn derivatives(
        &self,
        (events, totals): (&[f64], &[f64]),
        precision: f64,
        at: &Coefficients,
        s: &mut Scratch,
    ) -> f64 {
        let p = self.terms;
        for (part, n) in [
            (&mut s.gradient, self.groups),
            (&mut s.information, self.groups),
            (&mut s.mixed, self.groups * p),
            (&mut s.slope_gradient, p),
            (&mut s.slope_information, p * p),
        ] {
            part.clear();
            part.resize(n, 0.0);
        }
        let mut farthest: f64 = 0.0;
        for (i, &group) in self.group.iter().enumerate() {
            let (n, group) = (totals[i], group as usize);
            if n == 0.0 {
                continue;
            }
            let x = self.x(i);
            let eta = at.log_odds(group, x);
            farthest = farthest.max(eta.abs());
            let m = logistic(eta);
            let (residual, weight) = (events[i] - n * m, n * m * (1.0 - m));
            s.gradient[group] += residual;
            s.information[group] += weight;
            let mixed = &mut s.mixed[group * p..(group + 1) * p];
            for (j, &xj) in x.iter().enumerate() {
                let weighted = weight * xj;
                mixed[j] += weighted;
                s.slope_gradient[j] += residual * xj;
                let row = &mut s.slope_information[j * p..j * p + j + 1];
                row.iter_mut().zip(x).for_each(|(sum, xk)| *sum += weighted * xk);
            }
        }
        for (j, b) in at.slopes.iter().enumerate() {
            s.slope_gradient[j] -= precision * b;
            s.slope_information[j * p + j] += precision;
        }
        farthest
    }

    /// One step, groups' intercepts taken out of the slopes' equations first; the largest change of a coefficient.
    fn step(&self, at: &mut Coefficients, s: &mut Scratch) -> Option<f64> {
        let p = self.terms;
        for g in 0..self.groups {
            let information = s.information[g];
            if information <= 0.0 {
                return None;
            }
            let mixed = &s.mixed[g * p..(g + 1) * p];
            let pull = s.gradient[g] / information;
            for j in 0..p {
                let share = mixed[j] / information;
                s.slope_gradient[j] -= mixed[j] * pull;
                (0..=j).for_each(|k| s.slope_information[j * p + k] -= share * mixed[k]);
            }
        }
        let mut slopes = Vec::new();
        if p > 0 {
            (0..p).for_each(|j| (0..j).for_each(|k| s.slope_information[k * p + j] = s.slope_information[j * p + k]));
            let factor = cholesky(&s.slope_information, p)?;
            slopes = solve_cholesky(&factor, &s.slope_gradient, p);
        }
        let intercept = |g: usize| {
            let mixed = &s.mixed[g * p..(g + 1) * p];
            let along: f64 = mixed.iter().zip(&slopes).map(|(b, d)| b * d).sum();
            (s.gradient[g] - along) / s.information[g]
        };
        let intercepts: Vec<f64> = (0..self.groups).map(intercept).collect();
        let longest = intercepts.iter().chain(&slopes).fold(0.0f64, |most, d| if d.is_nan() { f64::NAN } else { most.max(d.abs()) });
        let scale = if longest > LONGEST_STEP { LONGEST_STEP / longest } else { 1.0 };
        at.intercepts.iter_mut().zip(&intercepts).for_each(|(b, d)| *b += scale * d);
        at.slopes.iter_mut().zip(&slopes).for_each(|(b, d)| *b += scale * d);
        Some(longest)
    }
}
