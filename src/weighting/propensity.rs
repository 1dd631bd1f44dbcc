//! Who would have been treated: the probability of the active arm given subgroup and covariates, fitted to treatment alone.

use super::coefficients::Coefficients;
use super::cohort::Cohort;
use super::logistic::{NEAR_THE_END, Rows, Scratch, TO_THE_END};
use super::plan::{FALLBACK_PRECISION, Plan};

/// A column whose own part, given those before it, is less than this share of its sum of squares follows from them.
const LEAST_OWN: f64 = 1e-9;

/// A propensity model, fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Propensity {
    /// One a subgroup, or one for all.
    blocks: Vec<Block>,
}

/// Profiles whose propensities share slopes.
#[derive(Debug, Clone, PartialEq)]
struct Block {
    profiles: std::ops::Range<usize>,
    rows: Rows,
    precision: f64,
    /// What the data set no bound to, so that the fallback prior took the flat one's place.
    separated: bool,
    at: Coefficients,
}

/// The propensity at the study's own counts.
pub fn fitted(cohort: &Cohort, plan: &Plan) -> Propensity {
    let mut model = unfitted(cohort, plan);
    let (treated, totals) = treatment(cohort);
    model.fit_first((&treated, &totals));
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
        let group: Vec<u32> =
            cohort.profiles[profiles.clone()].iter().map(|p| p.subgroup - first as u32).collect();
        let kept = independent(cohort, profiles.clone(), (&group, subgroups.len()));
        let x = kept.iter().flat_map(|&k| profiles.clone().map(move |i| cohort.x(i, k))).collect();
        let of = |&g: &usize| ranges[g].start - profiles.start..ranges[g].end - profiles.start;
        let groups: Vec<_> = subgroups.iter().map(of).collect();
        let rows = Rows { groups, terms: kept.len(), x, len: profiles.len() };
        let at = rows.nothing();
        Block { profiles, rows, precision: plan.prior.precision(), separated: false, at }
    };
    Propensity { blocks: blocks.iter().map(block).collect() }
}

/// The treated patients and all patients of every profile.
fn treatment(cohort: &Cohort) -> (Vec<f64>, Vec<f64>) {
    let treated = cohort.profiles.iter().map(|p| p.patients[1].iter().sum()).collect();
    let totals = (0..cohort.profiles.len()).map(|i| cohort.patients(i)).collect();
    (treated, totals)
}

impl Propensity {
    /// Fits from the beginning, with the fallback prior where a flat one has no maximum.
    pub fn fit_first(&mut self, (treated, totals): (&[f64], &[f64])) {
        let mut scratch = Scratch::default();
        for block in &mut self.blocks {
            let own = (&treated[block.profiles.clone()], &totals[block.profiles.clone()]);
            block.at = block.rows.nothing();
            block.separated = false;
            if block.rows.fit(own, (block.precision, TO_THE_END), &mut block.at, &mut scratch).is_err() {
                block.separated = true;
                block.at = block.rows.nothing();
                // A proper prior of all slopes has a maximum where both arms have patients.
                let _ = block.rows.fit(own, (block.fallback(), TO_THE_END), &mut block.at, &mut scratch);
            }
        }
    }

    /// Fits again for other weights, from where the last fit ended.
    pub fn fit_again(&mut self, (treated, totals): (&[f64], &[f64]), scratch: &mut Scratch) {
        for block in &mut self.blocks {
            let own = (&treated[block.profiles.clone()], &totals[block.profiles.clone()]);
            let precision = if block.separated { block.fallback() } else { block.precision };
            if block.rows.fit(own, (precision, NEAR_THE_END), &mut block.at, scratch).is_err() {
                block.at = block.rows.nothing();
                let _ = block.rows.fit(own, (block.fallback(), NEAR_THE_END), &mut block.at, scratch);
            }
        }
    }

    /// The propensities of all profiles.
    pub fn put(&self, e: &mut [f64]) {
        for block in &self.blocks {
            let into = &mut e[block.profiles.clone()];
            (0..block.rows.groups.len()).for_each(|g| block.rows.predict(g, &block.at, into));
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
        self.blocks.iter().map(|b| b.rows.groups.len() + b.rows.terms).sum()
    }
}

impl Block {
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
