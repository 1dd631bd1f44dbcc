//! P(benefit), P(harm) and P(equivalent) over all sizes of effect: what a slider on a page reads off.

use rayon::prelude::*;

use super::source::Marginals;
use crate::decide::Fit;
use crate::exact::Distribution;
use crate::posterior::{Axis, Measure, Scope, Statement, mass_within, region};
use crate::study::{Data, Study};

/// Sizes of risk differences and differences in steps of a thousandth, of ratios in steps of a hundredth from 1.
const STEPS: usize = 300;
const PARTS: usize = 1000;
const PARTS_OF_RATIO: usize = 100;

/// A probability below this is told as none, and so are all beyond it.
const NEGLIGIBLE: f64 = 1e-9;

/// One subgroup's probabilities over sizes.
#[derive(Debug, Clone)]
pub struct ThresholdCurve {
    pub subgroup: String,
    /// Benefit and harm of at least each size, and the effect within it either way.
    pub benefit: Vec<f64>,
    pub harm: Vec<f64>,
    pub equivalent: Vec<f64>,
}

/// The sizes, common to all subgroups: magnitudes, of ratios from 1 up.
#[derive(Debug, Clone)]
pub struct ThresholdCurves {
    pub measure: Measure,
    pub sizes: Vec<f64>,
    pub curves: Vec<ThresholdCurve>,
}

/// The same numbers that `fit` gives at the same sizes.
pub fn threshold_curves(study: &Study, fit: &Fit) -> ThresholdCurves {
    let measure = match study.data {
        Data::Counts(_) => Measure::RiskDifference,
        Data::Estimates(_) => Measure::of(study.outcome.scale),
    };
    let sizes: Vec<f64> = (0..=STEPS)
        .map(|k| match measure.axis() {
            Axis::Ratio => (PARTS_OF_RATIO + k) as f64 / PARTS_OF_RATIO as f64,
            Axis::Additive => k as f64 / PARTS as f64,
        })
        .collect();
    let names = study.data.names();
    let marginals = Marginals(fit);
    let sign = study.outcome.higher_is.sign();
    let of = |g: usize| {
        let found = match measure {
            Measure::RiskDifference => marginals.difference(Scope::Subgroup, g),
            _ => marginals.effect(Scope::Subgroup, g),
        };
        let Some(d) = found else { return (Vec::new(), Vec::new(), Vec::new()) };
        // Every value is asked for once, either side of none, as far out as anything is left.
        let ends = |size: f64| match measure.axis() {
            Axis::Ratio => [1.0 / size, size],
            Axis::Additive => [-size, size],
        };
        let (mut low, mut high) = (1.0, 1.0);
        let mut outwards = |size: &f64| {
            let [from, to] = ends(*size);
            low = if low > NEGLIGIBLE { below(&*d, study, measure, from) } else { 0.0 };
            high = if high > NEGLIGIBLE { 1.0 - below(&*d, study, measure, to) } else { 0.0 };
            [low, 1.0 - high]
        };
        let known: Vec<[f64; 2]> = sizes.iter().map(&mut outwards).collect();
        let over = |statement: Statement| {
            let at = |(size, known): (&f64, &[f64; 2])| {
                let below = |x: f64| if x == ends(*size)[0] { known[0] } else { known[1] };
                let within = region(statement, *size, measure.axis(), sign);
                mass_within(within, &below).clamp(0.0, 1.0)
            };
            sizes.iter().zip(&known).map(at).collect::<Vec<f64>>()
        };
        (over(Statement::BenefitAtLeast), over(Statement::HarmAtLeast), over(Statement::Equivalent))
    };
    let curves = names
        .par_iter()
        .enumerate()
        .map(|(g, name)| {
            let (benefit, harm, mut equivalent) = of(g);
            // Within a size of none either way: of ratios between its reciprocal and itself.
            if measure.axis() == Axis::Ratio {
                equivalent = benefit.iter().zip(&harm).map(|(b, h)| (1.0 - b - h).max(0.0)).collect();
            }
            ThresholdCurve { subgroup: (*name).to_string(), benefit, harm, equivalent }
        })
        .collect();
    ThresholdCurves { measure, sizes, curves }
}

/// P(measure ≤ x): θ's distribution function, at the logarithm for ratios.
fn below(d: &dyn Distribution, study: &Study, measure: Measure, x: f64) -> f64 {
    let ratio = measure != Measure::RiskDifference && study.outcome.scale.is_ratio();
    if ratio { d.cdf(if x > 0.0 { libm::log(x) } else { f64::NEG_INFINITY }) } else { d.cdf(x) }
}
