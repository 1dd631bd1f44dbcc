//! Patients by profile: those of a subgroup who are alike in every covariate, counted by arm and outcome.

use std::cmp::Ordering;

use super::{Lack, NoEstimate};

/// Patients who are alike, by arm (control first) and outcome: `[without the event, with it]`.
pub type Counts = [[f64; 2]; 2];

/// A single patient's weight may be this share of an arm's: beyond it the arm is that patient.
const MOST_OF_ONE: f64 = 0.95;

/// Where one profile stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The subgroup's place.
    pub subgroup: u32,
    /// Patients by arm, without and with the event.
    pub patients: Counts,
}

/// All patients of a study by profile, in an order that does not depend on that of the rows, nor on arms or outcomes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cohort {
    /// How many subgroups there are.
    pub subgroups: usize,
    /// Ordered by subgroup.
    pub profiles: Vec<Profile>,
    /// Standardised covariates column by column: length `profiles` · `terms`.
    pub x: Vec<f64>,
    /// How many columns a profile has.
    pub terms: usize,
    /// The columns of every covariate of levels, one for each level but the reference.
    pub factors: Vec<Vec<usize>>,
    /// Weights that were computed elsewhere, by profile and arm, on a scale on which those of each arm of a subgroup sum to the
    /// subgroup's patients; none where they follow from the propensity.
    pub given: Option<Vec<[f64; 2]>>,
    /// The first pattern of every profile, by arm; none where nobody of the profile is in the arm.
    pub first_patterns: Vec<[Option<usize>; 2]>,
}

impl Cohort {
    /// From patterns in columns: subgroup, arm, patients with the event and in all, standardised covariates one column a term,
    /// and weights computed elsewhere.
    pub fn of_patterns(
        subgroups: usize,
        (subgroup, active): (&[u32], &[bool]),
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
        let mut cohort =
            Cohort { subgroups, terms: columns.len(), given: given.map(|_| Vec::new()), ..Cohort::default() };
        let mut last: Option<usize> = None;
        let mut first: Vec<usize> = Vec::new();
        for i in order {
            if last.is_none_or(|l| compare(l, i) != Ordering::Equal) {
                cohort.profiles.push(Profile { subgroup: subgroup[i], patients: [[0.0; 2]; 2] });
                first.push(i);
                cohort.first_patterns.push([None; 2]);
                if let (Some(of), Some(weights)) = (given, &mut cohort.given) {
                    weights.push([of[i]; 2]);
                }
                last = Some(i);
            }
            if let Some(profile) = cohort.profiles.last_mut() {
                if let Some(first) = cohort.first_patterns.last_mut() {
                    first[usize::from(active[i])].get_or_insert(i);
                }
                let arm = &mut profile.patients[usize::from(active[i])];
                arm[1] += events[i];
                arm[0] += totals[i] - events[i];
            }
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
        let Some(given) = &mut self.given else { return };
        for range in ranges {
            let of = |i: usize, arm: usize| self.profiles[i].patients[arm].iter().sum::<f64>();
            let all: f64 = range.clone().map(|i| of(i, 0) + of(i, 1)).sum();
            for arm in [0, 1] {
                let sum: f64 = range.clone().map(|i| of(i, arm) * given[i][arm]).sum();
                if sum > 0.0 {
                    // Divided first, so that huge weights stay finite.
                    range.clone().for_each(|i| given[i][arm] = given[i][arm] / sum * all);
                }
            }
        }
    }

    /// A standardised covariate of a profile.
    pub fn x(&self, profile: usize, term: usize) -> f64 {
        self.x[term * self.profiles.len() + profile]
    }

    /// All patients of a profile.
    pub(super) fn patients(&self, profile: usize) -> f64 {
        self.profiles[profile].patients.iter().flatten().sum()
    }

    /// Counts by profile.
    pub(super) fn counts(&self) -> Vec<Counts> {
        self.profiles.iter().map(|p| p.patients).collect()
    }

    /// The profiles of each subgroup.
    pub(super) fn of_subgroups(&self) -> Vec<std::ops::Range<usize>> {
        let end = |g: u32| self.profiles.partition_point(|p| p.subgroup <= g);
        let start = |g: u32| self.profiles.partition_point(|p| p.subgroup < g);
        (0..self.subgroups as u32).map(|g| start(g)..end(g)).collect()
    }

    /// Every subgroup has patients in both arms, with some weight.
    pub(super) fn has_both_arms(&self) -> Result<(), NoEstimate> {
        for (subgroup, range) in self.of_subgroups().into_iter().enumerate() {
            for arm in 0..2 {
                let own = |i: &usize| self.profiles[*i].patients[arm].iter().sum::<f64>() > 0.0;
                let there: Vec<usize> = range.clone().filter(own).collect();
                if there.is_empty() {
                    return Err(NoEstimate { subgroup, arm, lack: Lack::Patients });
                }
                if self.given.as_ref().is_some_and(|w| there.iter().all(|&i| w[i][arm] == 0.0)) {
                    return Err(NoEstimate { subgroup, arm, lack: Lack::Weight });
                }
                if let (Some(w), true) = (&self.given, there.len() > 1) {
                    let all: f64 = range.clone().map(|i| self.patients(i)).sum();
                    if there.iter().any(|&i| w[i][arm] > MOST_OF_ONE * all) {
                        return Err(NoEstimate { subgroup, arm, lack: Lack::AllButOne });
                    }
                }
            }
        }
        Ok(())
    }

    /// Every arm of every subgroup has patients with the event and without it.
    pub(super) fn has_both_outcomes(&self) -> Result<(), NoEstimate> {
        let cells = cells(self.subgroups, self.profiles.iter().map(|p| (p.subgroup, p.patients)));
        let weights = self.given.as_deref();
        let weighted = weights.map(|w| {
            let of = |(p, w): (&Profile, &[f64; 2])| {
                let mut weighted = p.patients;
                weighted.iter_mut().zip(w).for_each(|(arm, w)| arm.iter_mut().for_each(|n| *n *= w));
                (p.subgroup, weighted)
            };
            super::cohort::cells(self.subgroups, self.profiles.iter().zip(w).map(of))
        });
        lacking(&cells).or_else(|| lacking(&weighted?)).map_or(Ok(()), Err)
    }
}

/// Counts summed by subgroup.
pub(super) fn cells(subgroups: usize, counts: impl Iterator<Item = (u32, Counts)>) -> Vec<Counts> {
    let mut cells = vec![[[0.0; 2]; 2]; subgroups];
    for (g, of) in counts {
        for (arm, n) in of.iter().enumerate() {
            (0..2).for_each(|y| cells[g as usize][arm][y] += n[y]);
        }
    }
    cells
}

/// The first arm without an event, or without a patient who had none.
pub(super) fn lacking(cells: &[Counts]) -> Option<NoEstimate> {
    cells.iter().enumerate().find_map(|(subgroup, arms)| {
        arms.iter().enumerate().find_map(|(arm, [without, with])| {
            let lack = match (*without > 0.0, *with > 0.0) {
                (true, true) => return None,
                (true, false) => Lack::Events,
                (false, _) => Lack::Others,
            };
            Some(NoEstimate { subgroup, arm, lack })
        })
    })
}
