//! What can be known of a study that was not randomised before any outcome is read: who was treated, whether the arms overlap, and
//! how far weights balance them.

use serde::Serialize;

use super::balance::{self, Balance, Imbalance, Sums};
use super::cohort::Cohort;
use super::pairs;
use super::plan::Plan;
use super::propensity::{Probabilities, Propensity};

/// Bars of the propensities' histogram, from 0 to 1.
pub const BARS: usize = 20;

/// Weights that are told apart: at least so many times the mean of the subgroup's arm, and so many patients at most.
const EXTREME: f64 = 4.0;
const MOST_EXTREMES: usize = 10;

/// The design of a study: no outcome is in it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Design {
    /// By subgroup.
    pub subgroups: Vec<SubgroupDesign>,
    /// Of all patients first, then by subgroup, each by column, then by every two arms.
    pub balance: Vec<Balance>,
    /// Subgroups in which treatment follows from the covariates, so that the fallback prior took a flat one's place.
    pub separated: Vec<usize>,
    /// Levels of covariates whose patients were all in one arm.
    pub one_sided: Vec<OneSided>,
    /// The patients who count most beside others of their arm and subgroup, the largest first.
    pub extremes: Vec<Extreme>,
    /// How many coefficients the propensity has, intercepts among them; 0 for weights computed elsewhere.
    pub coefficients: usize,
}

/// The arms of one subgroup.
#[derive(Debug, Clone, PartialEq)]
pub struct SubgroupDesign {
    /// Control first.
    pub arms: Vec<ArmOverlap>,
}

/// One arm of one subgroup.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ArmOverlap {
    /// How many patients there are.
    pub patients: f64,
    /// As many patients of equal weight tell as much: (Σw)²/Σw².
    pub effective: f64,
    /// Smallest, 5 %, 25 %, 50 %, 75 %, 95 % and largest probability of the active treatment among the arm's patients; of several
    /// active arms the probability of this arm among all patients of the subgroup; of weights computed elsewhere, of these.
    pub quantiles: [f64; 7],
    /// The arm's patients by that probability, in 20 equal steps from 0 to 1; empty for weights computed elsewhere.
    pub histogram: Vec<f64>,
    /// Of several active arms the subgroup's other patients by it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<f64>,
}

/// Patients of one level of a covariate in a subgroup, none of them in one of the arms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OneSided {
    /// The subgroup's place.
    pub subgroup: usize,
    /// The covariate's place among those of levels.
    pub factor: usize,
    /// The level: a column's place; none for the reference.
    pub term: Option<usize>,
    /// The arm that none of them was in, 0 the control arm.
    pub absent: usize,
    /// How many there are.
    pub patients: u64,
}

/// A patient who counts much beside others of the same arm and subgroup.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extreme {
    /// The subgroup's place.
    pub subgroup: usize,
    /// The profile.
    pub profile: usize,
    /// The arm, 0 the control arm.
    pub arm: usize,
    /// How many patients are like this one.
    pub patients: f64,
    /// Its weight over the mean weight of the subgroup's arm.
    pub relative: f64,
    /// Its share of all weight of the subgroup's arm, alone.
    pub share: f64,
    /// The probability of the active treatment; of several active arms of the patient's own; of weights computed elsewhere the
    /// weight.
    pub propensity: f64,
}

impl Design {
    /// From a fitted propensity.
    pub(super) fn of(cohort: &Cohort, plan: &Plan, propensity: &Propensity) -> Design {
        let mut e = Probabilities::default();
        propensity.put(&mut e);
        if let Some(least) = plan.truncate {
            e.truncate(least);
        }
        let given = cohort.given.as_deref();
        let weight = |i: usize, arm: usize| {
            given.map_or_else(|| plan.estimand.weight(e.at(i), arm), |w| w[cohort.cell(i, arm)])
        };
        let ranges = cohort.of_subgroups();
        let patients = |i: usize, arm: usize| cohort.patients_of(i, arm);
        let several = cohort.arms > 2;
        // What a weight is told by: the probability that it follows from, or the weight itself.
        let told = |i: usize, arm: usize| {
            given.map_or_else(|| e.at(i)[if several { arm } else { 1 }], |w| w[cohort.cell(i, arm)])
        };
        let totals = |range: &std::ops::Range<usize>| {
            let mut sums = vec![Sums::default(); cohort.arms];
            for i in range.clone() {
                sums.iter_mut().enumerate().for_each(|(arm, s)| s.add(patients(i, arm), weight(i, arm), 0.0));
            }
            sums
        };
        let by_subgroup: Vec<Vec<Sums>> = ranges.iter().map(totals).collect();
        let arm_of = |g: usize, arm: usize| {
            let by = |patients: &dyn Fn(usize) -> f64| {
                let mut all: Vec<(f64, f64)> = ranges[g]
                    .clone()
                    .map(|i| (told(i, arm), patients(i)))
                    .filter(|(_, n)| *n > 0.0)
                    .collect();
                all.sort_by(|a, b| a.0.total_cmp(&b.0));
                all
            };
            let own = by(&|i| patients(i, arm));
            let everybody =
                if several && given.is_none() { by(&|i| cohort.patients(i)) } else { own.clone() };
            let others = by(&|i| cohort.patients(i) - patients(i, arm));
            ArmOverlap {
                patients: own.iter().map(|(_, n)| n).sum(),
                effective: by_subgroup[g][arm].effective(),
                quantiles: [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0].map(|p| quantile(&everybody, p)),
                histogram: if given.is_some() { Vec::new() } else { histogram(&own) },
                others: if several && given.is_none() { histogram(&others) } else { Vec::new() },
            }
        };
        let subgroups = (0..cohort.subgroups)
            .map(|g| SubgroupDesign { arms: (0..cohort.arms).map(|arm| arm_of(g, arm)).collect() })
            .collect();
        let mut balance = Vec::new();
        let whole = 0..cohort.profiles.len();
        let populations =
            std::iter::once((None, &whole)).chain(ranges.iter().enumerate().map(|(g, r)| (Some(g), r)));
        for (subgroup, range) in populations {
            for term in 0..cohort.terms {
                let mut before = vec![Sums::default(); cohort.arms];
                let mut after = before.clone();
                for i in range.clone() {
                    let x = cohort.x(i, term);
                    for arm in 0..cohort.arms {
                        before[arm].add(patients(i, arm), 1.0, x);
                        after[arm].add(patients(i, arm), weight(i, arm), x);
                    }
                }
                for (arm, against) in pairs(cohort.arms) {
                    let of = |sums: &[Sums]| Imbalance::of(&sums[arm], &sums[against], &before);
                    let (before, after) = (of(&before), of(&after));
                    balance.push(Balance { subgroup, term, arms: (arm, against), before, after });
                }
            }
        }
        let mut extremes: Vec<Extreme> = Vec::new();
        for (g, range) in ranges.iter().enumerate() {
            for (arm, sums) in by_subgroup[g].iter().enumerate() {
                let mean = sums.total() / range.clone().map(|i| patients(i, arm)).sum::<f64>();
                extremes.extend(range.clone().filter(|&i| patients(i, arm) > 0.0).map(|i| Extreme {
                    subgroup: g,
                    profile: i,
                    arm,
                    patients: patients(i, arm),
                    relative: weight(i, arm) / mean,
                    share: weight(i, arm) / sums.total(),
                    propensity: told(i, arm),
                }));
            }
        }
        extremes.retain(|x| x.relative >= EXTREME);
        extremes.sort_by(|a, b| b.relative.total_cmp(&a.relative).then(a.profile.cmp(&b.profile)));
        extremes.truncate(MOST_EXTREMES);
        Design {
            subgroups,
            balance,
            separated: if given.is_some() { Vec::new() } else { propensity.separated(cohort.subgroups) },
            one_sided: one_sided(cohort),
            extremes,
            coefficients: if given.is_some() { 0 } else { propensity.coefficients() },
        }
    }

    /// Of every column and population the largest imbalance of any two arms; of two arms the only one, with its sign.
    pub fn largest_balance(&self) -> Vec<Balance> {
        balance::largest(&self.balance)
    }

    /// The balance of one population (none for all patients), by column, then by every two arms.
    pub fn balance_of(&self, subgroup: Option<usize>) -> impl Iterator<Item = &Balance> {
        self.balance.iter().filter(move |b| b.subgroup == subgroup)
    }

    /// The largest standardised mean difference of a subgroup or of all patients, before and after.
    pub fn largest_difference(&self) -> [f64; 2] {
        let largest = |of: fn(&Balance) -> &Imbalance| {
            let each = self.balance.iter().filter_map(|b| of(b).mean_difference);
            each.fold(0.0, |most: f64, d| most.max(d.abs()))
        };
        [largest(|b| &b.before), largest(|b| &b.after)]
    }
}

/// Of values with how many patients have them, sorted: the smallest that at least the share `p` of the patients don't exceed.
fn quantile(sorted: &[(f64, f64)], p: f64) -> f64 {
    let all: f64 = sorted.iter().map(|(_, n)| n).sum();
    let mut below = 0.0;
    for (x, n) in sorted {
        below += n;
        if below >= p * all {
            return *x;
        }
    }
    sorted.last().map_or(f64::NAN, |(x, _)| *x)
}

fn histogram(values: &[(f64, f64)]) -> Vec<f64> {
    let mut bars = vec![0.0; BARS];
    for (x, n) in values {
        bars[((x * BARS as f64) as usize).min(BARS - 1)] += n;
    }
    bars
}

/// Levels none of whose patients was in one of a subgroup's arms.
fn one_sided(cohort: &Cohort) -> Vec<OneSided> {
    let mut found = Vec::new();
    for (subgroup, range) in cohort.of_subgroups().into_iter().enumerate() {
        for (factor, terms) in cohort.factors.iter().enumerate() {
            // By level (the reference last), then arm.
            let mut patients = vec![vec![0.0; cohort.arms]; terms.len() + 1];
            for i in range.clone() {
                let level = terms.iter().position(|&k| cohort.x(i, k) > 0.0).unwrap_or(terms.len());
                for (arm, n) in patients[level].iter_mut().enumerate() {
                    *n += cohort.patients_of(i, arm);
                }
            }
            for (level, of) in patients.into_iter().enumerate() {
                let all = of.iter().sum::<f64>() as u64;
                let term = terms.get(level).copied();
                let absent = of.iter().enumerate().filter(|(_, n)| all > 0 && **n == 0.0);
                found.extend(absent.map(|(absent, _)| OneSided {
                    subgroup,
                    factor,
                    term,
                    absent,
                    patients: all,
                }));
            }
        }
    }
    found
}
