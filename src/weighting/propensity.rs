//! Who would have been treated: the probability of each arm given subgroup and covariates, fitted to treatment alone.

use super::coefficients::Coefficients;
use super::cohort::{Cell, Cohort};
use super::kernel_of_arms::Patients;
use super::logistic::{self, NEAR_THE_END, Rows, Separated, TO_THE_END};
use super::multinomial;
use super::plan::{FALLBACK_PRECISION, Plan};

/// A column whose own part, given those before it, is less than this share of its sum of squares follows from them.
const LEAST_OWN: f64 = 1e-9;

/// A propensity model, fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Propensity {
    /// One a subgroup, or one for all.
    blocks: Vec<Block>,
    arms: usize,
}

/// Profiles whose propensities share slopes.
#[derive(Debug, Clone, PartialEq)]
struct Block {
    profiles: std::ops::Range<usize>,
    rows: Rows,
    precision: f64,
    /// What the data set no bound to, so that the fallback prior took the flat one's place.
    separated: bool,
    /// By active arm: its log odds against the control arm.
    at: Vec<Coefficients>,
}

/// Patients by profile and arm, made anew for every fit.
#[derive(Debug, Clone, Default)]
pub struct Treatment {
    /// By profile, active arm after active arm.
    by_arm: Vec<f64>,
    totals: Vec<f64>,
}

impl Treatment {
    /// Takes these patients.
    pub fn take(&mut self, cells: &[Cell], arms: usize) {
        self.by_arm.clear();
        self.totals.clear();
        for arm in 1..arms {
            self.by_arm.extend(cells.iter().skip(arm).step_by(arms).map(|[without, with]| without + with));
        }
        for (i, of) in cells.chunks_exact(arms).enumerate() {
            let active: f64 = (0..arms - 1).map(|a| self.by_arm[a * cells.len() / arms + i]).sum();
            self.totals.push(active + of[0][0] + of[0][1]);
        }
    }
}

/// The probabilities of all arms, by profile.
#[derive(Debug, Clone, Default)]
pub struct Probabilities {
    arms: usize,
    of: Vec<f64>,
    /// Of two arms those of the active one, as they are predicted.
    active: Vec<f64>,
}

impl Probabilities {
    /// Those of a profile, control first: they sum to 1.
    pub fn at(&self, profile: usize) -> &[f64] {
        &self.of[profile * self.arms..(profile + 1) * self.arms]
    }

    /// Keeps all within this and 1 less this; of several arms those below are raised to it, and the others scaled so that all sum
    /// to 1, again where that brings one of them below.
    pub fn truncate(&mut self, least: f64) {
        for of in self.of.chunks_exact_mut(self.arms) {
            if let [control, active] = of {
                *active = active.clamp(least, 1.0 - least);
                *control = 1.0 - *active;
                continue;
            }
            while of.iter().any(|e| *e < least) {
                of.iter_mut().for_each(|e| *e = e.max(least));
                let is_raised = |e: &f64| *e <= least;
                let raised = of.iter().filter(|e| is_raised(e)).count() as f64 * least;
                let others: f64 = of.iter().filter(|e| !is_raised(e)).sum();
                let by = (1.0 - raised) / others;
                of.iter_mut().filter(|e| !is_raised(e)).for_each(|e| *e *= by);
            }
        }
    }
}

/// What fits need besides, kept for the next.
#[derive(Debug, Default)]
pub struct Room {
    two: logistic::Scratch,
    several: multinomial::Scratch,
}

/// The propensity at the study's own counts.
pub fn fitted(cohort: &Cohort, plan: &Plan) -> Propensity {
    let mut model = unfitted(cohort, plan);
    let mut treatment = Treatment::default();
    treatment.take(&cohort.cells, cohort.arms);
    model.fit_first(&treatment, &mut Room::default());
    model
}

/// The same before it is fitted.
pub fn unfitted(cohort: &Cohort, plan: &Plan) -> Propensity {
    let ranges = cohort.of_subgroups();
    let blocks: Vec<Vec<usize>> = if plan.by_subgroup {
        (0..cohort.subgroups).map(|g| vec![g]).collect()
    } else {
        vec![(0..cohort.subgroups).collect()]
    };
    let block = |subgroups: &Vec<usize>| {
        let (first, last) = (subgroups[0], subgroups[subgroups.len() - 1]);
        let profiles = ranges[first].start..ranges[last].end;
        let group: Vec<u32> = cohort.profiles[profiles.clone()].iter().map(|g| g - first as u32).collect();
        let kept = independent(cohort, profiles.clone(), (&group, subgroups.len()));
        let x = kept.iter().flat_map(|&k| profiles.clone().map(move |i| cohort.x(i, k))).collect();
        let of = |&g: &usize| ranges[g].start - profiles.start..ranges[g].end - profiles.start;
        let groups: Vec<_> = subgroups.iter().map(of).collect();
        let rows = Rows { groups, terms: kept.len(), x, len: profiles.len() };
        let at = vec![rows.nothing(); cohort.arms - 1];
        Block { profiles, rows, precision: plan.prior.precision(), separated: false, at }
    };
    Propensity { blocks: blocks.iter().map(block).collect(), arms: cohort.arms }
}

impl Propensity {
    /// Fits from the beginning, with the fallback prior where a flat one has no maximum.
    pub fn fit_first(&mut self, treatment: &Treatment, room: &mut Room) {
        for block in &mut self.blocks {
            block.begin();
            block.separated = false;
            if block.fit(treatment, (block.precision, TO_THE_END), room).is_err() {
                block.separated = true;
                block.begin();
                // A proper prior of all slopes has a maximum where every arm has patients.
                let _ = block.fit(treatment, (block.fallback(), TO_THE_END), room);
            }
        }
    }

    /// Fits again for other weights, from where the last fit ended.
    pub fn fit_again(&mut self, treatment: &Treatment, room: &mut Room) {
        for block in &mut self.blocks {
            let precision = if block.separated { block.fallback() } else { block.precision };
            if block.fit(treatment, (precision, NEAR_THE_END), room).is_err() {
                block.begin();
                let _ = block.fit(treatment, (block.fallback(), NEAR_THE_END), room);
            }
        }
    }

    /// The probabilities of all arms of all profiles.
    pub fn put(&self, into: &mut Probabilities) {
        let profiles = self.blocks.iter().map(|block| block.profiles.end).max().unwrap_or(0);
        into.arms = self.arms;
        into.of.resize(profiles * self.arms, 0.0);
        into.active.resize(profiles, 0.0);
        for block in &self.blocks {
            let (range, arms) = (block.profiles.clone(), self.arms);
            if let [active] = block.at.as_slice() {
                let predicted = &mut into.active[range.clone()];
                (0..block.rows.groups.len()).for_each(|g| block.rows.predict(g, active, predicted));
                for (of, e) in into.of[range.start * 2..range.end * 2].chunks_exact_mut(2).zip(predicted) {
                    of[0] = 1.0 - *e;
                    of[1] = *e;
                }
            } else {
                multinomial::predict(
                    &block.rows,
                    &block.at,
                    &mut into.of[range.start * arms..range.end * arms],
                );
            }
        }
    }

    /// The subgroups in whose propensity the fallback prior took the flat one's place.
    pub fn separated(&self, subgroups: usize) -> Vec<usize> {
        match self.blocks.as_slice() {
            [one] if one.separated => (0..subgroups).collect(),
            blocks => (0..blocks.len()).filter(|&g| blocks[g].separated).collect(),
        }
    }

    /// How many coefficients there are, intercepts among them.
    pub fn coefficients(&self) -> usize {
        self.blocks.iter().map(|b| b.at.len() * (b.rows.groups.len() + b.rows.terms)).sum()
    }
}

impl Block {
    fn begin(&mut self) {
        self.at = vec![self.rows.nothing(); self.at.len()];
    }

    fn fit(
        &mut self,
        treatment: &Treatment,
        (precision, near): (f64, f64),
        room: &mut Room,
    ) -> Result<(), Separated> {
        let range = self.profiles.clone();
        if let [active] = self.at.as_mut_slice() {
            let own = (&treatment.by_arm[range.clone()], &treatment.totals[range]);
            return self.rows.fit(own, (precision, near), active, &mut room.two);
        }
        let patients = Patients {
            by_arm: &treatment.by_arm,
            stride: treatment.totals.len(),
            totals: &treatment.totals[range.clone()],
            from: range.start,
        };
        multinomial::fit(&self.rows, patients, (precision, near), &mut self.at, &mut room.several)
    }

    fn fallback(&self) -> f64 {
        self.precision.max(FALLBACK_PRECISION)
    }
}

/// The columns that do not follow from those before them and the groups, among these profiles: Gram–Schmidt, weighted by
/// patients, groups' means taken out first.
fn independent(
    cohort: &Cohort,
    profiles: std::ops::Range<usize>,
    (group, groups): (&[u32], usize),
) -> Vec<usize> {
    let n: Vec<f64> = profiles.clone().map(|i| cohort.patients(i)).collect();
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).zip(&n).map(|((a, b), n)| n * a * b).sum() };
    let (mut kept, mut basis): (Vec<usize>, Vec<Vec<f64>>) = (Vec::new(), Vec::new());
    for k in 0..cohort.terms {
        let column: Vec<f64> = profiles.clone().map(|i| cohort.x(i, k)).collect();
        let mut sums = vec![(0.0, 0.0); groups];
        for ((x, n), &g) in column.iter().zip(&n).zip(group) {
            let sum = &mut sums[g as usize];
            *sum = (sum.0 + n * x, sum.1 + n);
        }
        let mean = |g: u32| sums[g as usize].0 / sums[g as usize].1.max(1.0);
        let mut rest: Vec<f64> = column.iter().zip(group).map(|(x, &g)| x - mean(g)).collect();
        // Columns are standardised over all patients, so that one unit is theirs.
        let unit: f64 = n.iter().sum();
        // Twice is enough (Kahan).
        for direction in basis.iter().chain(&basis) {
            let along = dot(&rest, direction);
            rest.iter_mut().zip(direction).for_each(|(r, d)| *r -= along * d);
        }
        let own = dot(&rest, &rest);
        if own > LEAST_OWN * unit {
            let length = libm::sqrt(own);
            rest.iter_mut().for_each(|r| *r /= length);
            basis.push(rest);
            kept.push(k);
        }
    }
    kept
}
