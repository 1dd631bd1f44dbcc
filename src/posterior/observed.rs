//! What the data alone say of a subgroup's effect, without a prior and without the other subgroups.

use super::estimand::{Estimand, Measure, Whom};
use super::observed_levels::of_levels;
use crate::exact::difference_limits;
use crate::study::{ArmCounts, Data, Estimates, Study, SubgroupCounts};

/// The standard normal distribution's 97.5 % quantile.
pub(super) const Z: f64 = 1.959_963_984_540_054;

/// An estimate from a subgroup's own data with its 95 % confidence limits, on the measure's own scale.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Observed {
    /// The estimate.
    pub estimate: f64,
    /// The lower limit.
    pub low: f64,
    /// The upper limit.
    pub high: f64,
}

impl Observed {
    /// The three numbers on another scale that rises with this one.
    #[must_use]
    pub(super) fn map(self, f: impl Fn(f64) -> f64) -> Observed {
        Observed { estimate: f(self.estimate), low: f(self.low), high: f(self.high) }
    }
}

/// The crude odds ratio (limits by Woolf's method) or the crude risk difference (limits by Newcombe's method 10, Stat Med
/// 1998;17:873) of a subgroup's counts, or its published estimate with its published limits (normal ones where only a standard
/// error is published). Of ordered levels every measure that their patients have alone. None for other
/// measures, for the odds ratio where a cell is empty (nothing is added to cells), and where an arm has no patients.
pub fn observed(study: &Study, estimand: Estimand) -> Option<Observed> {
    let Whom::Subgroup(g) = estimand.whom else { return None };
    match (&study.data, estimand.measure) {
        (Data::Counts(rows), Measure::OddsRatio) => odds_ratio(rows.get(g)?),
        (Data::Counts(rows), Measure::RiskDifference) => risk_difference(rows.get(g)?),
        (Data::Levels(levels), _) => {
            let scale = study.outcome.levels.as_ref()?;
            of_levels((levels, scale, study.outcome.higher_is.sign()), g, estimand)
        }
        (Data::Estimates(rows), Measure::RiskDifference) => weighted_difference(study, rows, g),
        (Data::Estimates(rows), measure) if measure == Measure::of(study.outcome.scale) => {
            let row = rows.get(g)?;
            let logarithm = study.outcome.scale.is_ratio();
            let [estimate, low, high] = {
                let (low, high) = row.limits(Z);
                [row.estimate, low, high].map(|x| out(x, logarithm))
            };
            Some(Observed { estimate, low, high })
        }
        _ => None,
    }
}

/// The risk difference of weighted patients. Its limits follow from the effect's and the baseline's errors, which are normal on
/// the log odds.
fn weighted_difference(study: &Study, estimates: &Estimates, g: usize) -> Option<Observed> {
    let found = study.weighting.as_ref()?.weighted.as_ref()?;
    let risks = found.risks[found.own()].get(g)?;
    let row = estimates.rows.get(g)?;
    let [low, high] = difference_limits(row.estimate, row.se, *estimates.baselines.as_ref()?.get(g)?);
    Some(Observed { estimate: risks.difference(1), low, high })
}

pub(super) fn normal(estimate: f64, se: f64, logarithm: bool) -> Observed {
    let out = |x: f64| out(x, logarithm);
    Observed { estimate: out(estimate), low: out(estimate - Z * se), high: out(estimate + Z * se) }
}

/// A number on the scale of the effect as it is shown.
fn out(x: f64, logarithm: bool) -> f64 {
    if logarithm { libm::exp(x) } else { x }
}

/// The same crude measures of any two arms, the second against the first.
pub(super) fn of_two_arms(control: &ArmCounts, active: &ArmCounts, measure: Measure) -> Option<Observed> {
    let row = SubgroupCounts::of_pair("", control.clone(), active.clone());
    match measure {
        Measure::OddsRatio => odds_ratio(&row),
        Measure::RiskDifference => risk_difference(&row),
        _ => None,
    }
}

pub(super) fn odds_ratio(row: &SubgroupCounts) -> Option<Observed> {
    let (log_odds_ratio, variance) = row.log_odds_ratio()?;
    Some(normal(log_odds_ratio, variance.sqrt(), true))
}

pub(super) fn risk_difference(row: &SubgroupCounts) -> Option<Observed> {
    let (p0, low0, high0) = wilson(row.control())?;
    let (p1, low1, high1) = wilson(row.active())?;
    let estimate = p1 - p0;
    let distance = |a: f64, b: f64| (a * a + b * b).sqrt();
    let low = estimate - distance(p1 - low1, high0 - p0);
    let high = estimate + distance(high1 - p1, p0 - low0);
    Some(Observed { estimate, low, high })
}

/// A proportion with Wilson's score interval; none without patients.
fn wilson(arm: &ArmCounts) -> Option<(f64, f64, f64)> {
    if arm.total == 0 {
        return None;
    }
    let (n, z2) = (arm.total as f64, Z * Z);
    let p = arm.events as f64 / n;
    let half = Z * (z2 + 4.0 * n * p * (1.0 - p)).sqrt();
    let end = |sign: f64| ((2.0 * n * p + z2 + sign * half) / (2.0 * (n + z2))).clamp(0.0, 1.0);
    Some((p, end(-1.0), end(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm(events: u64, total: u64) -> ArmCounts {
        ArmCounts { events, total, missing: 0, source: None }
    }

    fn pair(active: (u64, u64), control: (u64, u64)) -> SubgroupCounts {
        SubgroupCounts::of_pair("all", arm(control.0, control.1), arm(active.0, active.1))
    }

    #[track_caller]
    fn is(found: Option<Observed>, [estimate, low, high]: [f64; 3]) {
        let found = found.expect("an estimate");
        let near = |a: f64, b: f64| (a - b).abs() < 6e-5;
        assert!(
            near(found.estimate, estimate) && near(found.low, low) && near(found.high, high),
            "{found:?}"
        );
    }

    #[test]
    fn limits_of_risk_differences_are_those_of_newcombe() {
        // Newcombe 1998, table II, method 10.
        is(risk_difference(&pair((56, 70), (48, 80))), [0.2, 0.0524, 0.3339]);
        is(risk_difference(&pair((10, 10), (0, 20))), [1.0, 0.6791, 1.0]);
        is(risk_difference(&pair((10, 10), (0, 10))), [1.0, 0.6075, 1.0]);
    }

    #[test]
    fn an_odds_ratio_with_an_empty_cell_has_no_number() {
        assert_eq!(odds_ratio(&pair((0, 20), (5, 20))), None);
        assert_eq!(odds_ratio(&pair((20, 20), (5, 20))), None);
        // Bland and Altman, BMJ 2000;320:1468: hay fever and eczema, odds ratio 4.89 (4.00 to 5.99).
        let found = odds_ratio(&pair((141, 561), (928, 14_453))).expect("no empty cell");
        assert!((found.estimate - 4.89).abs() < 0.006, "{found:?}");
        assert!((found.low - 4.00).abs() < 0.006 && (found.high - 5.99).abs() < 0.006, "{found:?}");
    }

    #[test]
    fn an_arm_without_patients_has_no_difference() {
        assert_eq!(risk_difference(&pair((0, 0), (5, 20))), None);
    }
}
