//! The outcome's regression: a log odds for every arm of every subgroup, and covariates whose coefficients all of them share.

use super::coefficients::Coefficients;
use super::cohort::{Cohort, Counts};
use super::logistic::{Rows, Scratch};
use super::plan::FALLBACK_SD;
use crate::numeric::logistic;

/// A regression of the outcome with the rows of those who were in an arm.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    rows: Rows,
    /// Where a row's patients stand: profile and arm.
    of: Vec<(u32, u8)>,
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
    /// For the patients that are there in `counts`.
    pub fn new(cohort: &Cohort, counts: &[Counts]) -> Outcome {
        let mut rows = Rows { groups: 2 * cohort.subgroups, terms: cohort.terms, ..Rows::default() };
        let mut of = Vec::new();
        for (i, (profile, counts)) in cohort.profiles.iter().zip(counts).enumerate() {
            for (arm, patients) in counts.iter().enumerate() {
                if patients[0] + patients[1] > 0.0 {
                    rows.group.push(2 * profile.subgroup + arm as u32);
                    rows.x.extend_from_slice(cohort.x(i));
                    of.push((i as u32, arm as u8));
                }
            }
        }
        let at = Coefficients::zero(rows.groups, rows.terms);
        Outcome { rows, of, separated: false, at }
    }

    /// Fits to these weights of patients, each times `by` of its profile and arm. The first time from the beginning, and whether the
    /// fallback prior of the slopes is needed is decided then.
    pub fn fit(
        &mut self,
        counts: &[Counts],
        by: impl Fn(usize, usize) -> f64,
        first: bool,
        (weights, scratch): (&mut Weights, &mut Scratch),
    ) {
        weights.events.clear();
        weights.totals.clear();
        for &(profile, arm) in &self.of {
            let [without, with] = counts[profile as usize][arm as usize];
            let by = by(profile as usize, arm as usize);
            weights.events.push(by * with);
            weights.totals.push(by * (with + without));
        }
        let data = (&*weights.events, &*weights.totals);
        if first {
            self.separated = false;
            self.at = Coefficients::zero(self.rows.groups, self.rows.terms);
        }
        let fallback = 1.0 / (FALLBACK_SD * FALLBACK_SD);
        let precision = if self.separated { fallback } else { 0.0 };
        if self.rows.fit(data, precision, &mut self.at, scratch).is_err() {
            self.separated |= first;
            self.at = Coefficients::zero(self.rows.groups, self.rows.terms);
            let _ = self.rows.fit(data, fallback, &mut self.at, scratch);
        }
    }

    /// Whether the coefficients have the fallback prior, as the data set no bound to them.
    pub fn is_separated(&self) -> bool {
        self.separated
    }

    /// Risks in both arms of a patient of this profile.
    pub fn risks(&self, cohort: &Cohort, profile: usize) -> [f64; 2] {
        let along: f64 = self.at.slopes.iter().zip(cohort.x(profile)).map(|(b, x)| b * x).sum();
        let g = 2 * cohort.profiles[profile].subgroup as usize;
        [logistic(self.at.intercepts[g] + along), logistic(self.at.intercepts[g + 1] + along)]
    }
}
