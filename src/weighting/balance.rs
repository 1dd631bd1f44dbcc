//! How far the arms differ in a covariate, before weighting and after.

use serde::Serialize;

/// The imbalance of one column in one population.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Balance {
    /// The subgroup's place; none for all patients.
    #[serde(skip)]
    pub subgroup: Option<usize>,
    /// The column's place.
    #[serde(skip)]
    pub term: usize,
    /// The arm, and the earlier one that it is held against; of two arms always the active against the control arm.
    #[serde(skip)]
    pub arms: (usize, usize),
    /// As patients were treated.
    pub before: Imbalance,
    /// With their weights.
    pub after: Imbalance,
}

/// How far two arms differ, the later against the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Imbalance {
    /// The standardised mean difference: over the root of the mean of all arms' unweighted variances; none where it varies in
    /// none.
    pub mean_difference: Option<f64>,
    /// The variance over that of the arm it is held against; none where one of them does not vary.
    pub variance_ratio: Option<f64>,
}

/// Sums of one arm's weights and values.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sums {
    w: f64,
    w2: f64,
    x: f64,
    x2: f64,
}

impl Sums {
    /// `patients` of weight `w` each, with value `x`.
    pub fn add(&mut self, patients: f64, w: f64, x: f64) {
        self.w += patients * w;
        self.w2 += patients * w * w;
        self.x += patients * w * x;
        self.x2 += patients * w * x * x;
    }

    fn mean(&self) -> f64 {
        self.x / self.w
    }

    /// Σw(x − m)² · Σw / ((Σw)² − Σw²): with equal weights the usual one, with n − 1.
    fn variance(&self) -> f64 {
        let m = self.mean();
        (self.x2 - self.w * m * m).max(0.0) * self.w / (self.w * self.w - self.w2)
    }

    /// (Σw)² / Σw²: as many patients of equal weight tell as much.
    pub fn effective(&self) -> f64 {
        self.w * self.w / self.w2
    }

    /// The mean weight, where a column of weights alone was added.
    pub fn total(&self) -> f64 {
        self.w
    }
}

/// Variances below this share of a standardised column's are 0 but for rounding.
const NO_VARIANCE: f64 = 1e-12;

impl Imbalance {
    /// From the sums of an arm and of the one it is held against, over the unweighted spread of all arms.
    pub fn of(arm: &Sums, against: &Sums, unweighted: &[Sums]) -> Imbalance {
        let known = |v: f64| if v.is_finite() { v } else { 0.0 };
        let variance = unweighted.iter().map(|s| known(s.variance())).sum::<f64>() / unweighted.len() as f64;
        let mean_difference =
            (variance > NO_VARIANCE).then(|| (arm.mean() - against.mean()) / libm::sqrt(variance));
        let (a, c) = (arm.variance(), against.variance());
        let variance_ratio = (a > NO_VARIANCE && c > NO_VARIANCE).then(|| a / c);
        Imbalance { mean_difference, variance_ratio }
    }

    /// The largest of both, each by itself: whichever arms they are of, mean differences without their sign.
    fn larger(self, other: Imbalance) -> Imbalance {
        let size = |ratio: &f64| libm::log(*ratio).abs();
        let difference = [self.mean_difference, other.mean_difference].into_iter().flatten().map(f64::abs);
        let ratio = [self.variance_ratio, other.variance_ratio].into_iter().flatten();
        Imbalance {
            mean_difference: difference.max_by(f64::total_cmp),
            variance_ratio: ratio.max_by(|a, b| size(a).total_cmp(&size(b))),
        }
    }
}

/// Of every column and population the largest imbalance of any two arms; of two arms the only one, with its sign.
pub fn largest(all: &[Balance]) -> Vec<Balance> {
    let mut found: Vec<Balance> = Vec::new();
    for b in all {
        match found.last_mut() {
            Some(last) if (last.subgroup, last.term) == (b.subgroup, b.term) => {
                last.before = last.before.larger(b.before);
                last.after = last.after.larger(b.after);
            }
            _ => found.push(b.clone()),
        }
    }
    found
}
