//! The outcome's regression: a log odds for every arm of every subgroup, and covariates whose coefficients all of them share.

use std::ops::Range;

use super::coefficients::Coefficients;
use super::cohort::{Cell, Cohort};
use super::kernel::{Span, predict};
use super::logistic::{NEAR_THE_END, Rows, Scratch, TO_THE_END};
use super::plan::FALLBACK_PRECISION;

/// A regression of the outcome with the rows of those who were in an arm.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    rows: Rows,
    /// Where a row's patients stand: profile and arm.
    of: Vec<(u32, u8)>,
    arms: usize,
    separated: bool,
    /// Where the last fit ended.
    pub at: Coefficients,
}

/// Weights by row, made anew for every fit.
#[derive(Debug, Default)]
pub struct Weights {
    events: Vec<f64>,
    totals: Vec<f64>,
}

impl Outcome {
    /// For the patients that are there in `cells`.
    pub fn new(cohort: &Cohort, cells: &[Cell]) -> Outcome {
        let (mut of, mut groups) = (Vec::new(), Vec::new());
        for range in cohort.of_subgroups() {
            for arm in 0..cohort.arms {
                let from = of.len();
                let there = |i: &usize| cells[cohort.cell(*i, arm)].iter().sum::<f64>() > 0.0;
                of.extend(range.clone().filter(there).map(|i| (i as u32, arm as u8)));
                groups.push(from..of.len());
            }
        }
        let column = |k: usize| of.iter().map(move |(i, _)| cohort.x(*i as usize, k));
        let x = (0..cohort.terms).flat_map(column).collect();
        let rows = Rows { groups, terms: cohort.terms, x, len: of.len() };
        let at = rows.nothing();
        Outcome { rows, of, arms: cohort.arms, separated: false, at }
    }

    /// Fits to these weights of patients, each times `by` of its profile and arm. The first time from the beginning, and whether the
    /// fallback prior of the slopes is needed is decided then.
    pub fn fit(
        &mut self,
        cells: &[Cell],
        by: impl Fn(usize, usize) -> f64,
        first: bool,
        (weights, scratch): (&mut Weights, &mut Scratch),
    ) {
        weights.events.clear();
        weights.totals.clear();
        for &(profile, arm) in &self.of {
            let [without, with] = cells[profile as usize * self.arms + arm as usize];
            let by = by(profile as usize, arm as usize);
            weights.events.push(by * with);
            weights.totals.push(by * (with + without));
        }
        let data = (&*weights.events, &*weights.totals);
        if first {
            self.separated = false;
            self.at = self.rows.nothing();
        }
        let near = if first { TO_THE_END } else { NEAR_THE_END };
        let precision = if self.separated { FALLBACK_PRECISION } else { 0.0 };
        if self.rows.fit(data, (precision, near), &mut self.at, scratch).is_err() {
            self.separated |= first;
            self.at = self.rows.nothing();
            let _ = self.rows.fit(data, (FALLBACK_PRECISION, near), &mut self.at, scratch);
        }
    }

    /// Whether the coefficients have the fallback prior, as the data set no bound to them.
    pub fn is_separated(&self) -> bool {
        self.separated
    }

    /// The risks of all profiles in one arm.
    pub fn put_risks(&self, cohort: &Cohort, arm: usize, risks: &mut [f64]) {
        for (g, Range { start: from, end: to }) in cohort.of_subgroups().into_iter().enumerate() {
            let intercept = self.at.intercepts[self.arms * g + arm];
            let (x, stride, slopes) = (&cohort.x, cohort.profiles.len(), &self.at.slopes);
            predict(Span { x, stride, from, to, intercept, slopes }, risks);
        }
    }
}
