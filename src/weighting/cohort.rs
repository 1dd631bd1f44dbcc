//! Patients by profile: those of a subgroup who are alike in every covariate, counted by arm and outcome.

use std::cmp::Ordering;

use super::{Lack, NoEstimate};

/// Patients of one profile and arm: `[without the event, with it]`. All of a cohort stand arm by arm, profile after profile.
pub type Cell = [f64; 2];

/// A single patient's weight may be this share of an arm's: beyond it the arm is that patient.
const MOST_OF_ONE: f64 = 0.95;

/// All patients of a study by profile, in an order that does not depend on that of the rows, nor on arms or outcomes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cohort {
    /// How many subgroups there are.
    pub subgroups: usize,
    /// How many arms there are, the control arm first among them.
    pub arms: usize,
    /// The subgroup of every profile, in their order.
    pub profiles: Vec<u32>,
    /// Patients by profile, then arm.
    pub cells: Vec<Cell>,
    /// Standardised covariates column by column: length `profiles` · `terms`.
    pub x: Vec<f64>,
    /// How many columns a profile has.
    pub terms: usize,
    /// The columns of every covariate of levels, one for each level but the reference.
    pub factors: Vec<Vec<usize>>,
    /// Weights that were computed elsewhere, by profile, then arm, on a scale on which those of each arm of a subgroup sum to
    /// the subgroup's patients; none where they follow from the propensity.
    pub given: Option<Vec<f64>>,
    /// The first pattern of every profile, then arm; none where nobody of the profile is in the arm.
    pub first_patterns: Vec<Option<usize>>,
}

impl Cohort {
    /// From patterns in columns: subgroup, arm (of `arms`, 0 the control arm), patients with the event and in all, standardised
    /// covariates one column a term, and weights computed elsewhere.
    pub fn of_patterns(
        (subgroups, arms): (usize, usize),
        (subgroup, arm): (&[u32], &[u8]),
        (events, totals): (&[f64], &[f64]),
        columns: &[Vec<f64>],
        given: Option<&[f64]>,
    ) -> Cohort {
        let compare = |a: usize, b: usize| -> Ordering {
            let values = || columns.iter().map(|c| c[a].total_cmp(&c[b])).find(|o| o.is_ne());
            let weights = || given.map_or(Ordering::Equal, |w| w[a].total_cmp(&w[b]));
            subgroup[a].cmp(&subgroup[b]).then_with(|| values().unwrap_or(Ordering::Equal)).then_with(weights)
        };
        let mut order: Vec<usize> = (0..totals.len()).collect();
        order.sort_by(|&a, &b| compare(a, b));
        let mut cohort = Cohort {
            subgroups,
            arms,
            terms: columns.len(),
            given: given.map(|_| Vec::new()),
            ..Cohort::default()
        };
        let mut last: Option<usize> = None;
        let mut first: Vec<usize> = Vec::new();
        for i in order {
            if last.is_none_or(|l| compare(l, i) != Ordering::Equal) {
                cohort.profiles.push(subgroup[i]);
                cohort.cells.extend(std::iter::repeat_n([0.0; 2], arms));
                first.push(i);
                cohort.first_patterns.extend(std::iter::repeat_n(None, arms));
                if let (Some(of), Some(weights)) = (given, &mut cohort.given) {
                    weights.extend(std::iter::repeat_n(of[i], arms));
                }
                last = Some(i);
            }
            let cell = cohort.cells.len() - arms + usize::from(arm[i]);
            cohort.first_patterns[cell].get_or_insert(i);
            cohort.cells[cell][1] += events[i];
            cohort.cells[cell][0] += totals[i] - events[i];
        }
        cohort.scale_given();
        cohort.x = columns.iter().flat_map(|c| first.iter().map(|&i| c[i])).collect();
        cohort
    }

    /// Whether subgroups share coefficients under the plan's own estimator.
    pub fn is_correlated(&self, plan: &super::Plan) -> bool {
        plan.method.estimator().shares_models(plan, self.given.is_some())
    }

    /// Puts weights computed elsewhere on one scale, whatever they were stabilised by.
    fn scale_given(&mut self) {
        let ranges = self.of_subgroups();
        let Some(mut given) = self.given.take() else { return };
        for range in ranges {
            let all: f64 = range.clone().map(|i| self.patients(i)).sum();
            for arm in 0..self.arms {
                let sum: f64 =
                    range.clone().map(|i| self.patients_of(i, arm) * given[self.cell(i, arm)]).sum();
                if sum > 0.0 {
                    // Divided first, so that huge weights stay finite.
                    for cell in range.clone().map(|i| self.cell(i, arm)) {
                        given[cell] = given[cell] / sum * all;
                    }
                }
            }
        }
        self.given = Some(given);
    }

    /// The place of a profile's arm among cells.
    pub fn cell(&self, profile: usize, arm: usize) -> usize {
        profile * self.arms + arm
    }

    /// A standardised covariate of a profile.
    pub fn x(&self, profile: usize, term: usize) -> f64 {
        self.x[term * self.profiles.len() + profile]
    }

    /// All patients of a profile.
    pub(super) fn patients(&self, profile: usize) -> f64 {
        self.cells[self.cell(profile, 0)..self.cell(profile + 1, 0)].iter().flatten().sum()
    }

    /// The patients of a profile in one arm.
    pub(super) fn patients_of(&self, profile: usize, arm: usize) -> f64 {
        self.cells[self.cell(profile, arm)].iter().sum()
    }

    /// The profiles of each subgroup.
    pub(super) fn of_subgroups(&self) -> Vec<std::ops::Range<usize>> {
        let end = |g: u32| self.profiles.partition_point(|p| *p <= g);
        let start = |g: u32| self.profiles.partition_point(|p| *p < g);
        (0..self.subgroups as u32).map(|g| start(g)..end(g)).collect()
    }

    /// Every subgroup has patients in all arms, with some weight.
    pub(super) fn has_all_arms(&self) -> Result<(), NoEstimate> {
        for (subgroup, range) in self.of_subgroups().into_iter().enumerate() {
            for arm in 0..self.arms {
                let there: Vec<usize> = range.clone().filter(|&i| self.patients_of(i, arm) > 0.0).collect();
                if there.is_empty() {
                    return Err(NoEstimate { subgroup, arm, lack: Lack::Patients });
                }
                let Some(given) = &self.given else { continue };
                if there.iter().all(|&i| given[self.cell(i, arm)] == 0.0) {
                    return Err(NoEstimate { subgroup, arm, lack: Lack::Weight });
                }
                let all: f64 = range.clone().map(|i| self.patients(i)).sum();
                let is_all = |&i: &usize| given[self.cell(i, arm)] > MOST_OF_ONE * all;
                if there.len() > 1 && there.iter().any(is_all) {
                    return Err(NoEstimate { subgroup, arm, lack: Lack::AllButOne });
                }
            }
        }
        Ok(())
    }

    /// Every arm of every subgroup has patients with the event and without it.
    pub(super) fn has_both_outcomes(&self) -> Result<(), NoEstimate> {
        let weighted = self.given.as_ref().map(|given| {
            let of = |(cell, w): (&Cell, &f64)| cell.map(|n| n * w);
            self.lacking(&self.cells.iter().zip(given).map(of).collect::<Vec<Cell>>())
        });
        self.lacking(&self.cells).or(weighted.flatten()).map_or(Ok(()), Err)
    }

    /// Of these patients the first subgroup's arm without an event, or without a patient who had none.
    pub(super) fn lacking(&self, cells: &[Cell]) -> Option<NoEstimate> {
        let mut sums = vec![[0.0; 2]; self.subgroups * self.arms];
        for (k, [without, with]) in cells.iter().enumerate() {
            let (profile, arm) = (k / self.arms, k % self.arms);
            let sum = &mut sums[self.profiles[profile] as usize * self.arms + arm];
            sum[0] += without;
            sum[1] += with;
        }
        sums.iter().enumerate().find_map(|(k, [without, with])| {
            let lack = match (*without > 0.0, *with > 0.0) {
                (true, true) => return None,
                (true, false) => Lack::Events,
                (false, _) => Lack::Others,
            };
            Some(NoEstimate { subgroup: k / self.arms, arm: k % self.arms, lack })
        })
    }
}
