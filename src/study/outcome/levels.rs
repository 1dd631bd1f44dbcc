//! Ordered levels of an outcome, such as the seven of the modified Rankin scale: patients by level, subgroup and arm.

use super::{ArmCounts, SubgroupCounts};

/// The most levels that an outcome may have.
pub const MOST_LEVELS: usize = 30;

/// The levels of an ordinal outcome, lowest first.
///
/// With K levels there are K − 1 cuts; cut k lies between level k and level k + 1 and is named after level k, as "above k".
#[derive(Debug, Clone, PartialEq)]
pub struct LevelScale {
    /// What the levels are called, lowest first; K of them.
    pub names: Vec<String>,
    /// The primary cut: events are the levels above this one. From 0 to K − 2.
    pub primary: usize,
    /// What the levels are worth; none unless this is said.
    pub utilities: Option<Utilities>,
}

/// What each level is worth.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Utilities {
    /// One value a level, in the order of the levels.
    pub values: Vec<f64>,
    /// What the set is called; none for the model file's own numbers.
    pub set: Option<String>,
}

impl LevelScale {
    /// How many levels there are.
    pub fn levels(&self) -> usize {
        self.names.len()
    }

    /// How many cuts there are: one fewer than levels.
    pub fn cuts(&self) -> usize {
        self.names.len() - 1
    }

    /// The primary cut in words, such as "above 3".
    pub fn primary_in_words(&self) -> String {
        self.cut_in_words(self.primary)
    }

    /// A cut in words, such as "above 3".
    pub fn cut_in_words(&self, cut: usize) -> String {
        format!("above {}", self.names[cut])
    }
}

/// Patients by level, subgroup and arm.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelData {
    /// Each subgroup's patients above the primary cut among all, by arm.
    counts: Vec<SubgroupCounts>,
    /// By subgroup, arm (control first) and level.
    patients: Vec<Vec<Vec<u64>>>,
    /// Each subgroup's own common log odds ratio and its variance.
    own: Vec<Option<(f64, f64)>>,
}

/// One subgroup's patients by level, before the primary cut is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubgroupLevels {
    /// The subgroup's name.
    pub name: String,
    /// By arm, control first: patients by level, lowest level first.
    pub arms: Vec<ArmLevels>,
    /// Where the figures are published; none where this is not stated.
    pub citation: Option<String>,
}

/// One arm's patients by level.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArmLevels {
    /// Patients by level, lowest level first.
    pub levels: Vec<u64>,
    /// Further patients, whose level is not known.
    pub missing: u64,
    /// How the figures were obtained; none where this is not stated.
    pub source: Option<String>,
}

impl LevelData {
    /// Of subgroups whose arms have as many levels as the scale.
    pub fn new(scale: &LevelScale, rows: Vec<SubgroupLevels>) -> LevelData {
        let above = |arm: &ArmLevels| ArmCounts {
            events: arm.levels.iter().skip(scale.primary + 1).sum(),
            total: arm.levels.iter().sum(),
            missing: arm.missing,
            source: arm.source.clone(),
        };
        let counts = rows.iter().map(|row| SubgroupCounts {
            name: row.name.clone(),
            arms: row.arms.iter().map(above).collect(),
            citation: row.citation.clone(),
        });
        let counts = counts.collect();
        let by_level = |row: SubgroupLevels| row.arms.into_iter().map(|arm| arm.levels).collect();
        let patients: Vec<Vec<Vec<u64>>> = rows.into_iter().map(by_level).collect();
        let own = patients.iter().map(|arms| common_log_odds_ratio([&arms[0], &arms[1]])).collect();
        LevelData { counts, patients, own }
    }

    /// Each subgroup's patients above the primary cut among all, by arm.
    pub fn counts(&self) -> &[SubgroupCounts] {
        &self.counts
    }

    /// Patients by level, lowest first, in one arm of subgroup `g`; arm 0 is the control arm.
    pub fn patients(&self, g: usize, arm: usize) -> &[u64] {
        &self.patients[g][arm]
    }

    /// Patients of all subgroups and arms by level.
    pub fn by_level(&self) -> Vec<u64> {
        let mut all = vec![0; self.patients.first().map_or(0, |arms| arms[0].len())];
        for level in self.patients.iter().flatten() {
            all.iter_mut().zip(level).for_each(|(sum, n)| *sum += n);
        }
        all
    }

    /// Each subgroup's own common log odds ratio with its variance, by maximum likelihood under proportional odds; none where
    /// it is not finite.
    pub fn own_effects(&self) -> &[Option<(f64, f64)>] {
        &self.own
    }

    /// The common log odds ratio of all subgroups' patients together and its variance, as of one subgroup; none where it is not
    /// finite.
    pub fn pooled_effect(&self) -> Option<(f64, f64)> {
        let levels = self.by_level().len();
        let arm = |arm: usize| -> Vec<u64> {
            (0..levels).map(|k| self.patients.iter().map(|arms| arms[arm][k]).sum()).collect()
        };
        common_log_odds_ratio([&arm(0), &arm(1)])
    }

    /// The first `n` subgroups.
    #[must_use]
    pub(super) fn first(&self, n: usize) -> LevelData {
        LevelData {
            counts: self.counts.iter().take(n).cloned().collect(),
            patients: self.patients.iter().take(n).cloned().collect(),
            own: self.own.iter().take(n).copied().collect(),
        }
    }
}

/// The common log odds ratio of two arms under proportional odds and its variance, by maximum likelihood with free cuts; none
/// where no estimate is finite: one arm lies wholly on one side of the other, or an arm is empty.
///
/// With cuts at log odds x the patients of a level between two cuts are a success at the lower one, a failure at the upper one,
/// and a factor 1 − e^(−gap): every cut is a binomial cell of the two levels beside it, and only the gaps link neighbours.
fn common_log_odds_ratio([control, active]: [&[u64]; 2]) -> Option<(f64, f64)> {
    // Levels without patients in either arm say nothing, and their cuts coincide.
    let seen: Vec<[f64; 2]> = control
        .iter()
        .zip(active)
        .filter(|(n0, n1)| **n0 + **n1 > 0)
        .map(|(n0, n1)| [*n0 as f64, *n1 as f64])
        .collect();
    if seen.len() < 2 || overlap(&seen).is_none() {
        return None;
    }
    let profile = Profile { seen: &seen };
    let (mut theta, mut cuts) = (0.0, profile.start());
    for _ in 0..200 {
        let (step, variance) = profile.step(theta, &mut cuts)?;
        theta += step;
        if step.abs() < 1e-13 * (1.0 + f64::abs(theta)) {
            return (variance.is_finite() && variance > 0.0).then_some((theta, variance));
        }
    }
    None
}

/// None where all of one arm stand at or above all of the other, so that no odds ratio is large enough.
fn overlap(seen: &[[f64; 2]]) -> Option<()> {
    let first = |arm: usize| seen.iter().position(|n| n[arm] > 0.0);
    let last = |arm: usize| seen.iter().rposition(|n| n[arm] > 0.0);
    let (low, high) = ([first(0)?, first(1)?], [last(0)?, last(1)?]);
    (low[0] < high[1] && low[1] < high[0]).then_some(())
}

struct Profile<'a> {
    /// By level: control and active patients.
    seen: &'a [[f64; 2]],
}

impl Profile<'_> {
    /// Log odds of lying above each cut, both arms together.
    fn start(&self) -> Vec<f64> {
        let all: f64 = self.seen.iter().map(|n| n[0] + n[1]).sum();
        let mut below = 0.0;
        let cut = |n: &[f64; 2]| {
            below += n[0] + n[1];
            libm::log((all - below) / below)
        };
        self.seen[..self.seen.len() - 1].iter().map(cut).collect()
    }

    /// One damped Newton step of all cuts and the effect; the step in the effect and its variance at this point.
    fn step(&self, theta: f64, cuts: &mut [f64]) -> Option<(f64, f64)> {
        let here = self.log_likelihood(theta, cuts);
        let (gradient, information) = self.derivatives(theta, cuts);
        let d = gradient.len();
        let factor = crate::numeric::linear::cholesky(&information, d)?;
        let step = crate::numeric::linear::solve_cholesky(&factor, &gradient, d);
        let mut unit = vec![0.0; d];
        unit[d - 1] = 1.0;
        let variance = crate::numeric::linear::solve_cholesky(&factor, &unit, d)[d - 1];
        let mut share = 1.0;
        for _ in 0..40 {
            let moved: Vec<f64> = cuts.iter().zip(&step).map(|(x, s)| x + share * s).collect();
            let there = self.log_likelihood(theta + share * step[d - 1], &moved);
            if there >= here - 1e-10 * here.abs() {
                cuts.copy_from_slice(&moved);
                return Some((share * step[d - 1], variance));
            }
            share *= 0.5;
        }
        None
    }

    fn log_likelihood(&self, theta: f64, cuts: &[f64]) -> f64 {
        use crate::numeric::log_expit;
        let mut sum = 0.0;
        for (k, x) in cuts.iter().enumerate() {
            for (arm, shift) in [0.0, theta].into_iter().enumerate() {
                sum +=
                    self.seen[k + 1][arm] * log_expit(x + shift) + self.seen[k][arm] * log_expit(-x - shift);
            }
            if k > 0 {
                let gap = cuts[k - 1] - x;
                let n = self.seen[k][0] + self.seen[k][1];
                sum += if gap > 0.0 { n * libm::log(-libm::expm1(-gap)) } else { f64::NEG_INFINITY };
            }
        }
        sum
    }

    /// By the cuts' log odds and then the effect: the gradient, and the negative Hessian.
    fn derivatives(&self, theta: f64, cuts: &[f64]) -> (Vec<f64>, Vec<f64>) {
        use crate::numeric::logistic;
        let d = cuts.len() + 1;
        let (mut gradient, mut information) = (vec![0.0; d], vec![0.0; d * d]);
        for (k, x) in cuts.iter().enumerate() {
            for (arm, shift) in [0.0, theta].into_iter().enumerate() {
                let (events, total) = (self.seen[k + 1][arm], self.seen[k][arm] + self.seen[k + 1][arm]);
                let p = logistic(x + shift);
                let (slope, bend) = (events - total * p, total * p * (1.0 - p));
                gradient[k] += slope;
                information[k * d + k] += bend;
                if arm == 1 {
                    gradient[d - 1] += slope;
                    information[d * d - 1] += bend;
                    information[k * d + d - 1] += bend;
                    information[(d - 1) * d + k] += bend;
                }
            }
            if k > 0 {
                let n = self.seen[k][0] + self.seen[k][1];
                let rise = libm::expm1(cuts[k - 1] - x);
                let (slope, bend) = (n / rise, n * (1.0 + rise) / (rise * rise));
                gradient[k - 1] += slope;
                gradient[k] -= slope;
                information[(k - 1) * d + k - 1] += bend;
                information[k * d + k] += bend;
                information[(k - 1) * d + k] -= bend;
                information[k * d + k - 1] -= bend;
            }
        }
        (gradient, information)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_levels_have_the_odds_ratio_of_the_table() {
        let (theta, variance) = common_log_odds_ratio([&[70, 30], &[60, 45]]).unwrap();
        assert!((theta - libm::log(45.0 * 70.0 / (60.0 * 30.0))).abs() < 1e-12);
        assert!((variance - (1.0 / 70.0 + 1.0 / 30.0 + 1.0 / 60.0 + 1.0 / 45.0)).abs() < 1e-12);
        // Empty levels between and around change nothing.
        let (same, _) = common_log_odds_ratio([&[0, 70, 0, 30, 0], &[0, 60, 0, 45, 0]]).unwrap();
        assert!((theta - same).abs() < 1e-12);
    }

    #[test]
    fn the_common_odds_ratio_is_a_maximum_and_turns_with_the_levels() {
        let (control, active) = ([12, 30, 41, 25, 19, 8, 15], [9, 24, 30, 33, 28, 14, 20]);
        let (theta, variance) = common_log_odds_ratio([&control, &active]).unwrap();
        let turned = |n: [u64; 7]| n.into_iter().rev().collect::<Vec<u64>>();
        let (back, same) = common_log_odds_ratio([&turned(control), &turned(active)]).unwrap();
        assert!((theta + back).abs() < 1e-10 && (variance - same).abs() < 1e-10);
        let (swapped, _) = common_log_odds_ratio([&active, &control]).unwrap();
        assert!((theta + swapped).abs() < 1e-10);
        assert!(theta > 0.2 && theta < 0.8, "{theta}");
    }

    #[test]
    fn arms_that_do_not_overlap_have_none() {
        assert_eq!(common_log_odds_ratio([&[5, 5, 0], &[0, 0, 7]]), None);
        assert_eq!(common_log_odds_ratio([&[5, 5, 0], &[0, 4, 7]]), None);
        assert_eq!(common_log_odds_ratio([&[0, 0, 0], &[1, 4, 7]]), None);
        assert_eq!(common_log_odds_ratio([&[0, 9, 0], &[0, 4, 0]]), None);
        assert!(common_log_odds_ratio([&[5, 5, 1], &[1, 4, 7]]).is_some());
    }
}
