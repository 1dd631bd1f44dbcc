//! Patients with covariates counted by pattern.

use std::ops::Range;

/// Patients counted by pattern: subgroup, arm, centre and covariates. Every column has one entry per pattern, in an
/// order that does not depend on the order of the rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Patterns {
    /// The place of each pattern's subgroup in the study.
    pub subgroup: Vec<u32>,
    /// The arm of each pattern's patients, 0 the control arm.
    pub arm: Vec<u8>,
    /// The place of each pattern's centre in [`Centres::names`](super::Centres::names); empty where there are no centres.
    pub centre: Vec<u32>,
    /// Patients with the event, by pattern.
    pub events: Vec<f64>,
    /// All patients, by pattern.
    pub totals: Vec<f64>,
    /// Each pattern's level of an ordinal outcome, counted from 0; empty for other outcomes.
    pub level: Vec<u32>,
    /// The standardised columns of the design, one per term.
    pub columns: Vec<Vec<f64>>,
}

impl Patterns {
    /// How many patterns there are.
    pub fn len(&self) -> usize {
        self.totals.len()
    }

    /// Whether the patients of a pattern were in an active arm.
    pub fn is_active(&self, pattern: usize) -> bool {
        self.arm[pattern] > 0
    }

    /// Whether there are no patterns.
    pub fn is_empty(&self) -> bool {
        self.totals.is_empty()
    }

    /// The same patients as binary rows in cells of subgroup and cut: of the two levels beside a cut, a patient of the upper one is
    /// an event, so that each patient is counted at one cut or two. Patients who differ by nothing but the level are one row a
    /// cut. Subgroup g's cut k is "subgroup" g × cuts + k.
    #[must_use]
    pub(crate) fn by_cut(&self, cuts: usize) -> Patterns {
        let mut out = self.without_rows();
        let mut at = vec![0.0; cuts + 1];
        for run in self.runs() {
            at.fill(0.0);
            for i in run.clone() {
                at[self.level.get(i).map_or(0, |l| *l as usize)] += self.totals[i];
            }
            for (cut, beside) in at.windows(2).enumerate().filter(|(_, beside)| beside[0] + beside[1] > 0.0) {
                let subgroup = self.subgroup[run.start] * cuts as u32 + cut as u32;
                out.push_like(self, run.start, subgroup, (beside[1], beside[0] + beside[1]));
            }
        }
        out
    }

    /// The same patients with those who differ by nothing but the level in one pattern.
    #[must_use]
    pub(crate) fn without_levels(&self) -> Patterns {
        let mut out = self.without_rows();
        for run in self.runs() {
            let sum = |of: &[f64]| of[run.clone()].iter().sum::<f64>();
            let counts = (sum(&self.events), sum(&self.totals));
            out.push_like(self, run.start, self.subgroup[run.start], counts);
        }
        out
    }

    /// Neighbours that differ by nothing but the level and the counts.
    fn runs(&self) -> impl Iterator<Item = Range<usize>> {
        let alike = |a: usize, b: usize| {
            (self.subgroup[a], self.arm[a]) == (self.subgroup[b], self.arm[b])
                && self.centre.get(a) == self.centre.get(b)
                && self.columns.iter().all(|c| c[a].to_bits() == c[b].to_bits())
        };
        let mut from = 0;
        std::iter::from_fn(move || {
            let start = from;
            if start == self.len() {
                return None;
            }
            from += 1;
            while from < self.len() && alike(start, from) {
                from += 1;
            }
            Some(start..from)
        })
    }

    fn without_rows(&self) -> Patterns {
        Patterns { columns: vec![Vec::new(); self.columns.len()], ..Patterns::default() }
    }

    /// A pattern with the arm, centre and covariates of another's, and no level.
    fn push_like(&mut self, other: &Patterns, i: usize, subgroup: u32, (events, total): (f64, f64)) {
        self.subgroup.push(subgroup);
        self.arm.push(other.arm[i]);
        self.centre.extend(other.centre.get(i));
        self.events.push(events);
        self.totals.push(total);
        self.columns.iter_mut().zip(&other.columns).for_each(|(to, from)| to.push(from[i]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two patients alike but for the level, one of another covariate, one of the other arm.
    fn four() -> Patterns {
        Patterns {
            subgroup: vec![1; 4],
            arm: vec![0, 0, 0, 1],
            centre: Vec::new(),
            events: vec![0.0, 2.0, 1.0, 0.0],
            totals: vec![3.0, 2.0, 1.0, 1.0],
            level: vec![0, 1, 2, 0],
            columns: vec![vec![0.5, 0.5, -1.0, -1.0]],
        }
    }

    #[test]
    fn patients_alike_but_for_the_level_share_a_row_at_each_cut() {
        let cuts = four().by_cut(2);
        assert_eq!(cuts.subgroup, [2, 3, 3, 2]);
        assert_eq!(cuts.events, [2.0, 0.0, 1.0, 0.0]);
        assert_eq!(cuts.totals, [5.0, 2.0, 1.0, 1.0]);
        assert_eq!(cuts.arm, [0, 0, 0, 1]);
        assert_eq!(cuts.columns, [[0.5, 0.5, -1.0, -1.0]]);
    }

    #[test]
    fn without_levels_patients_are_counted_once() {
        let merged = four().without_levels();
        assert_eq!((merged.events, merged.totals), (vec![2.0, 1.0, 0.0], vec![5.0, 1.0, 1.0]));
        assert!(merged.level.is_empty());
        assert_eq!(Patterns::default().without_levels(), Patterns::default());
    }
}
