//! P(benefit), P(harm) and P(equivalent) over all sizes of effect: what a slider on a page reads off.

use super::source::Marginals;
use crate::exact::Distribution;
use crate::parallel;
use crate::posterior::{Axis, Fit, Measure, Statement, Whom, region};
use crate::study::Study;

/// Sizes of risk differences and differences in steps of a thousandth, of ratios in steps of a hundredth from 1.
const STEPS: usize = 300;
const PARTS: usize = 1000;
const PARTS_OF_RATIO: usize = 100;

/// A probability below this is told as none, and so are all beyond it.
const NEGLIGIBLE: f64 = 1e-9;

/// One subgroup's probabilities at each of the sizes of [`ThresholdCurves`]; empty where its distribution is not known.
#[derive(Debug, Clone)]
pub struct ThresholdCurve {
    /// The subgroup's name.
    pub subgroup: String,
    /// P(benefit of at least the size).
    pub benefit: Vec<f64>,
    /// P(harm of at least the size).
    pub harm: Vec<f64>,
    /// P(effect smaller than the size in either direction): of a ratio, between the reciprocal of the size and the size.
    pub equivalent: Vec<f64>,
}

/// Every subgroup's P(benefit), P(harm) and P(equivalent) over the same sizes of effect.
#[derive(Debug, Clone)]
pub struct ThresholdCurves {
    /// What is measured: the risk difference where there are risks, else the effect.
    pub measure: Measure,
    /// The sizes in increasing order, on the measure's own scale: magnitudes from 0, of ratios from 1.
    pub sizes: Vec<f64>,
    /// A curve per subgroup, in the study's order.
    pub curves: Vec<ThresholdCurve>,
}

/// Probabilities over sizes of effect from 0 to 0.3, of ratios from 1 to 4: the same numbers that `fit` gives at these
/// sizes.
pub fn threshold_curves(study: &Study, fit: &Fit) -> ThresholdCurves {
    let measure = Measure::usual(study);
    let sizes: Vec<f64> = (0..=STEPS)
        .map(|k| match measure.axis() {
            Axis::Ratio => (PARTS_OF_RATIO + k) as f64 / PARTS_OF_RATIO as f64,
            Axis::Additive | Axis::Chance => k as f64 / PARTS as f64,
        })
        .collect();
    let names = study.data.names();
    let marginals = Marginals(fit);
    let sign = study.outcome.higher_is.sign();
    let of = |g: usize| {
        let found = match measure {
            Measure::RiskDifference => marginals.difference(Whom::Subgroup(g)),
            _ => marginals.effect(Whom::Subgroup(g)),
        };
        let Some(d) = found else { return (Vec::new(), Vec::new(), Vec::new()) };
        // Every value is asked for once, either side of none, as far out as anything is left.
        let (mut below_low, mut above_high) = (1.0, 1.0);
        let mut outwards = |size: &f64| {
            let [low, high] = match measure.axis() {
                Axis::Ratio => [1.0 / size, *size],
                Axis::Additive | Axis::Chance => [-size, *size],
            };
            if below_low > NEGLIGIBLE {
                below_low = below(&*d, study, measure, low);
            } else {
                below_low = 0.0;
            }
            if above_high > NEGLIGIBLE {
                above_high = 1.0 - below(&*d, study, measure, high);
            } else {
                above_high = 0.0;
            }
            [below_low, above_high]
        };
        let beyond: Vec<[f64; 2]> = sizes.iter().map(&mut outwards).collect();
        let (_, end) = region(Statement::BenefitAtLeast, sizes[0], measure.axis(), sign);
        let [better, worse] = if end == f64::INFINITY { [1, 0] } else { [0, 1] };
        let over = |p: &dyn Fn(&[f64; 2]) -> f64| beyond.iter().map(|b| p(b).clamp(0.0, 1.0)).collect();
        (over(&|b| b[better]), over(&|b| b[worse]), over(&|b| 1.0 - b[0] - b[1]))
    };
    let curves = parallel::range(0..names.len(), |g| {
        let (benefit, harm, equivalent) = of(g);
        ThresholdCurve { subgroup: names[g].to_string(), benefit, harm, equivalent }
    });
    ThresholdCurves { measure, sizes, curves }
}

/// P(measure ≤ x): θ's distribution function, at the logarithm for ratios.
fn below(d: &dyn Distribution, study: &Study, measure: Measure, x: f64) -> f64 {
    let ratio = measure != Measure::RiskDifference && study.outcome.scale.is_ratio();
    if ratio { d.cdf(if x > 0.0 { libm::log(x) } else { f64::NEG_INFINITY }) } else { d.cdf(x) }
}
