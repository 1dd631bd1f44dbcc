//! E-values: how strongly an unmeasured confounder would have to go with both treatment and outcome, on the risk ratio
//! scale, to explain an association away (VanderWeele & Ding, Annals of Internal Medicine 2017;167:268).

use serde::Serialize;

use crate::posterior::{Estimand, Measure, Report};
use crate::study::{Scale, Study};

/// How a ratio is converted to a risk ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Conversion {
    /// The ratio is a risk ratio already.
    None,
    /// The ratio is taken as it stands, since the outcome is rare: a risk below 15 % in each arm, or stated to be rare.
    Rare,
    /// The square root of the ratio: of an odds ratio of a common outcome.
    SquareRoot,
    /// `(1 − 0.5^√HR)/(1 − 0.5^√(1/HR))`, of a hazard ratio of a common outcome.
    Hazard,
}

/// Below this risk an outcome counts as rare.
const RARE: f64 = 0.15;

/// The E-values of one subgroup's posterior.
#[derive(Debug, Clone, Serialize)]
pub struct EValueRow {
    /// The subgroup's name.
    pub subgroup: String,
    /// The measure that is explained away: an odds ratio, a risk ratio or a hazard ratio.
    pub measure: Measure,
    /// How the measure is converted to a risk ratio.
    pub conversion: Conversion,
    /// The measure's posterior median, without any bias allowed for.
    pub median: f64,
    /// The end of its central 95 % interval that is nearest to no effect; 1 where the interval contains 1.
    pub interval_end: f64,
    /// The median converted to a risk ratio.
    pub risk_ratio: f64,
    /// The E-value of the median, at least 1.
    pub e_value: f64,
    /// The E-value of the interval's end nearest to no effect; 1 where the interval contains no effect.
    pub e_value_interval: f64,
}

/// The E-value of a risk ratio RR: RR + √(RR (RR − 1)), of 1/RR where that is larger. At least 1.
pub fn e_value(risk_ratio: f64) -> f64 {
    let away = risk_ratio.max(1.0 / risk_ratio);
    away + libm::sqrt(away * (away - 1.0))
}

impl Conversion {
    /// Converts a ratio to a risk ratio.
    pub fn risk_ratio(self, ratio: f64) -> f64 {
        match self {
            Conversion::None | Conversion::Rare => ratio,
            Conversion::SquareRoot => libm::sqrt(ratio),
            Conversion::Hazard => {
                let root = libm::sqrt(ratio);
                (1.0 - libm::pow(0.5, root)) / (1.0 - libm::pow(0.5, 1.0 / root))
            }
        }
    }
}

/// The E-values of every subgroup's ratio, of counts of its odds ratio and its risk ratio, of ordered levels of the risk ratio at the
/// primary cut; empty for differences.
pub fn e_values(study: &Study, report: &Report) -> Vec<EValueRow> {
    let measures: &[Measure] = match study.outcome.scale {
        _ if study.outcome.levels.as_ref().is_some_and(|levels| levels.cuts() > 1) => &[Measure::RiskRatio],
        _ if study.data.has_risks() => &[Measure::OddsRatio, Measure::RiskRatio],
        Scale::LogOddsRatio => &[Measure::OddsRatio],
        Scale::LogRiskRatio => &[Measure::RiskRatio],
        Scale::LogHazardRatio => &[Measure::HazardRatio],
        Scale::Difference => &[],
    };
    let mut all = Vec::new();
    for (g, name) in study.data.names().into_iter().enumerate() {
        for &measure in measures {
            let row = report.estimate(Estimand::of_subgroup(g, measure));
            let Some(q) = row.and_then(|e| e.best()) else { continue };
            let conversion = conversion(study, g, measure);
            let end = if q.q2_5 > 1.0 { q.q2_5 } else { q.q97_5 };
            let holds_none = q.q2_5 <= 1.0 && q.q97_5 >= 1.0;
            all.push(EValueRow {
                subgroup: name.to_string(),
                measure,
                conversion,
                median: q.median,
                interval_end: if holds_none { 1.0 } else { end },
                risk_ratio: conversion.risk_ratio(q.median),
                e_value: e_value(conversion.risk_ratio(q.median)),
                e_value_interval: if holds_none { 1.0 } else { e_value(conversion.risk_ratio(end)) },
            });
        }
    }
    all
}

fn conversion(study: &Study, g: usize, measure: Measure) -> Conversion {
    let rare = match (study.data.counts(), &study.adjustment) {
        (Some(rows), _) => rows[g].arms.iter().all(|arm| arm.risk() < RARE),
        (None, Some(a)) => {
            let p = &a.patterns;
            let own = |i: &usize| p.subgroup[*i] as usize == g;
            [false, true].into_iter().all(|active| {
                let arm: Vec<usize> =
                    (0..p.len()).filter(own).filter(|&i| p.is_active(i) == active).collect();
                let sum = |of: &[f64]| arm.iter().map(|&i| of[i]).sum::<f64>();
                sum(&p.events) <= RARE * sum(&p.totals)
            })
        }
        (None, None) => study.bias.as_ref().and_then(|b| b.rare_outcome).unwrap_or(false),
    };
    match (measure, rare) {
        (Measure::OddsRatio, false) => Conversion::SquareRoot,
        (Measure::HazardRatio, false) => Conversion::Hazard,
        (Measure::OddsRatio | Measure::HazardRatio, true) => Conversion::Rare,
        _ => Conversion::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_are_met() {
        // VanderWeele & Ding 2017: breastfeeding and respiratory death, RR 3.9 (1.8 to 8.7); 7.26 and 3.0.
        assert!((e_value(3.9) - 7.26).abs() < 0.005);
        assert!((e_value(1.8) - 3.0).abs() < 1e-12);
        // A protective ratio is turned over.
        assert_eq!(e_value(0.5), e_value(2.0));
        assert_eq!(e_value(1.0), 1.0);
    }

    #[test]
    fn conversions_turn_over_with_the_ratio() {
        for conversion in [Conversion::None, Conversion::Rare, Conversion::SquareRoot, Conversion::Hazard] {
            let (up, down) = (conversion.risk_ratio(1.7), conversion.risk_ratio(1.0 / 1.7));
            assert!((up * down - 1.0).abs() < 1e-12, "{conversion:?}");
        }
    }
}
