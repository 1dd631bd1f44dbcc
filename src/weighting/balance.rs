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
    /// As patients were treated.
    pub before: Imbalance,
    /// With their weights.
    pub after: Imbalance,
}

/// How far two arms differ.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Imbalance {
    /// The standardised mean difference, active less control arm: over the root of the mean of both arms' unweighted variances;
    /// none where neither varies.
    pub mean_difference: Option<f64>,
    /// The active arm's variance over the control arm's; none where one of them does not vary.
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
    /// From both arms' sums (control first), over the unweighted spread of `unweighted`.
    pub fn of(arms: &[Sums; 2], unweighted: &[Sums; 2]) -> Imbalance {
        let [control, active] = arms;
        let known = |v: f64| if v.is_finite() { v } else { 0.0 };
        let variance = 0.5 * unweighted.iter().map(|s| known(s.variance())).sum::<f64>();
        let mean_difference =
            (variance > NO_VARIANCE).then(|| (active.mean() - control.mean()) / libm::sqrt(variance));
        let (a, c) = (active.variance(), control.variance());
        let variance_ratio = (a > NO_VARIANCE && c > NO_VARIANCE).then(|| a / c);
        Imbalance { mean_difference, variance_ratio }
    }
}
