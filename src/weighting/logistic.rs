//! Logistic regression with an intercept for every group and slopes that groups share, fitted by Newton's method from where an
//! earlier fit ended: of Dirichlet weights a few steps each.

use std::ops::Range;

use super::coefficients::Coefficients;
use super::kernel::{Span, accumulate, predict, sums};
use crate::numeric::linear::{cholesky, solve_cholesky};

/// Steps at most: a maximum is reached in ten; without one they go on for ever.
pub const MOST_STEPS: usize = 60;

/// The last step of a first fit is smaller than this: the error after it is about its square.
pub const TO_THE_END: f64 = 1e-9;

/// The same of fits to other weights, each of which is one draw among thousands.
pub const NEAR_THE_END: f64 = 1e-6;

/// No coefficient moves further than this in one step.
pub const LONGEST_STEP: f64 = 4.0;

/// Log odds beyond this are those of data that set no bound to a coefficient.
pub const FARTHEST: f64 = 20.0;

/// Rows of a regression, all but their weights. Those of one group stand together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    /// The rows of every group.
    pub groups: Vec<Range<usize>>,
    pub terms: usize,
    /// Column by column: length rows · terms.
    pub x: Vec<f64>,
    /// How many rows there are.
    pub len: usize,
}

/// What one fit needs besides, kept for the next.
#[derive(Debug, Default)]
pub struct Scratch {
    /// By group, as [`accumulate`] leaves them.
    sums: Vec<f64>,
    gradient: Vec<f64>,
    information: Vec<f64>,
}

/// The data set no bound to a coefficient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Separated;

impl Rows {
    /// Where a first fit begins.
    pub fn nothing(&self) -> Coefficients {
        Coefficients::zero(self.groups.len(), self.terms)
    }

    /// Moves `at` to the maximum of the likelihood of `events` of `totals` (weights, not whole numbers), times a normal prior
    /// of every slope around 0 with this precision, until a step is shorter than `near`.
    pub fn fit(
        &self,
        (events, totals): (&[f64], &[f64]),
        (precision, near): (f64, f64),
        at: &mut Coefficients,
        s: &mut Scratch,
    ) -> Result<(), Separated> {
        for _ in 0..MOST_STEPS {
            let farthest = self.derivatives((events, totals), at, s);
            let longest = self.step(precision, at, s).ok_or(Separated)?;
            if !longest.is_finite() {
                return Err(Separated);
            }
            if longest < near {
                return if farthest > FARTHEST { Err(Separated) } else { Ok(()) };
            }
        }
        Err(Separated)
    }

    /// The probabilities of the rows of one group, to their places.
    pub fn predict(&self, group: usize, at: &Coefficients, into: &mut [f64]) {
        predict(self.span(group, at), into);
    }

    fn span<'a>(&'a self, group: usize, at: &'a Coefficients) -> Span<'a> {
        let Range { start: from, end: to } = self.groups[group];
        let intercept = at.intercepts[group];
        Span { x: &self.x, stride: self.len, from, to, intercept, slopes: &at.slopes }
    }

    /// Sums at `at` by group; the largest log odds.
    fn derivatives(&self, (events, totals): (&[f64], &[f64]), at: &Coefficients, s: &mut Scratch) -> f64 {
        let width = sums(self.terms);
        s.sums.clear();
        s.sums.resize(width * self.groups.len(), 0.0);
        let each = s.sums.chunks_exact_mut(width).enumerate();
        each.map(|(g, sums)| accumulate(self.span(g, at), events, totals, sums)).fold(0.0, f64::max)
    }

    /// One step, groups' intercepts taken out of the slopes' equations first; the largest change of a coefficient.
    fn step(&self, precision: f64, at: &mut Coefficients, s: &mut Scratch) -> Option<f64> {
        let p = self.terms;
        let width = sums(p);
        s.gradient.clear();
        s.gradient.extend(at.slopes.iter().map(|b| -precision * b));
        s.information.clear();
        s.information.resize(p * p, 0.0);
        (0..p).for_each(|j| s.information[j * p + j] = precision);
        for own in s.sums.chunks_exact(width) {
            let information = own[1];
            if information <= 0.0 {
                return None;
            }
            let pull = own[0] / information;
            let (mixed, rest) = own[2..].split_at(p);
            let (gradient, lower) = rest.split_at(p);
            let mut place = 0;
            for j in 0..p {
                s.gradient[j] += gradient[j] - mixed[j] * pull;
                let share = mixed[j] / information;
                for (k, other) in mixed[..=j].iter().enumerate() {
                    s.information[j * p + k] += lower[place] - share * other;
                    place += 1;
                }
            }
        }
        let mut slopes = Vec::new();
        if p > 0 {
            (0..p).for_each(|j| (0..j).for_each(|k| s.information[k * p + j] = s.information[j * p + k]));
            slopes = solve_cholesky(&cholesky(&s.information, p)?, &s.gradient, p);
        }
        let intercept = |own: &[f64]| {
            let along: f64 = own[2..2 + p].iter().zip(&slopes).map(|(b, d)| b * d).sum();
            (own[0] - along) / own[1]
        };
        let intercepts: Vec<f64> = s.sums.chunks_exact(width).map(intercept).collect();
        let most = |most: f64, d: &f64| if d.is_nan() { f64::NAN } else { most.max(d.abs()) };
        let longest = intercepts.iter().chain(&slopes).fold(0.0, most);
        let scale = if longest > LONGEST_STEP { LONGEST_STEP / longest } else { 1.0 };
        at.intercepts.iter_mut().zip(&intercepts).for_each(|(b, d)| *b += scale * d);
        at.slopes.iter_mut().zip(&slopes).for_each(|(b, d)| *b += scale * d);
        Some(longest)
    }
}
