//! What a subgroup's patients by level say alone: common odds ratio, differences at every cut, worth and wins.

use super::estimand::{Estimand, Measure};
use super::observed::{Observed, Z, normal, odds_ratio, risk_difference};
use crate::study::{ArmCounts, LevelData, LevelScale, SubgroupCounts};

/// What the patients of subgroup `g` say of an estimand, with 95 % limits: the common odds ratio by maximum likelihood under
/// proportional odds with Wald's limits; odds ratios of one cut with Woolf's and risk differences with Newcombe's; differences
/// of mean levels and of mean utilities with normal limits; the win probability, and what is made of it, with limits from
/// DeLong's variance (Biometrics 1988;44:837) on its log odds. `sign` is +1 where higher levels are better. None for other
/// measures, where no estimate is finite, and where patients of an arm do not differ, so that their spread is not known.
pub fn of_levels(
    (data, scale, sign): (&LevelData, &LevelScale, f64),
    g: usize,
    estimand: Estimand,
) -> Option<Observed> {
    let counts = data.counts().get(g)?;
    let arms = [data.patients(g, 0), data.patients(g, 1)];
    match (estimand.measure, estimand.cut) {
        (Measure::OddsRatio, _) => {
            let (effect, variance) = (*data.own_effects().get(g)?)?;
            Some(normal(effect, variance.sqrt(), true))
        }
        (Measure::RiskDifference, _) => risk_difference(counts),
        (Measure::CutOddsRatio, Some(k)) => odds_ratio(&at_cut(arms, k)),
        (Measure::CutRiskDifference, Some(k)) => risk_difference(&at_cut(arms, k)),
        (Measure::UtilityDifference, _) => {
            let worth = scale.utilities.as_ref()?;
            difference_of_means(arms, |k| worth.values.get(k).copied().unwrap_or(f64::NAN))
        }
        (Measure::LevelDifference, _) => difference_of_means(arms, |k| k as f64),
        (Measure::WinProbability, _) => {
            wins(arms, sign).map(|log_odds| log_odds.map(crate::numeric::logistic))
        }
        (Measure::WinOdds, _) => wins(arms, sign).map(|log_odds| log_odds.map(libm::exp)),
        (Measure::NetBenefit, _) => {
            wins(arms, sign).map(|log_odds| log_odds.map(|x| 2.0 * crate::numeric::logistic(x) - 1.0))
        }
        _ => None,
    }
}

/// Patients above a cut as events.
fn at_cut(arms: [&[u64]; 2], cut: usize) -> SubgroupCounts {
    let [control, active] = arms.map(|levels| ArmCounts {
        events: levels.iter().skip(cut + 1).sum(),
        total: levels.iter().sum(),
        missing: 0,
        source: None,
    });
    SubgroupCounts::of_pair("", control, active)
}

/// Mean and variance of the mean of a value that each level has; none for fewer than two patients.
fn mean(levels: &[u64], value: &dyn Fn(usize) -> f64) -> Option<(f64, f64)> {
    let n: f64 = levels.iter().map(|n| *n as f64).sum();
    if n < 2.0 {
        return None;
    }
    let over =
        |f: &dyn Fn(usize) -> f64| levels.iter().enumerate().map(|(k, m)| *m as f64 * f(k)).sum::<f64>();
    let centre = over(value) / n;
    let spread = over(&|k| (value(k) - centre) * (value(k) - centre)) / (n - 1.0);
    Some((centre, spread / n))
}

fn difference_of_means(arms: [&[u64]; 2], value: impl Fn(usize) -> f64) -> Option<Observed> {
    let ((m0, v0), (m1, v1)) = (mean(arms[0], &value)?, mean(arms[1], &value)?);
    (v0 + v1 > 0.0).then(|| normal(m1 - m0, (v0 + v1).sqrt(), false))
}

/// The log odds of the win probability with their limits: each patient counts with the share of the other arm that fares worse,
/// ties half, and the means of these shares are DeLong's.
fn wins(arms: [&[u64]; 2], sign: f64) -> Option<Observed> {
    let total = |levels: &[u64]| levels.iter().map(|n| *n as f64).sum::<f64>();
    let beaten = |other: &[u64], k: usize| {
        let below: f64 = total(&other[..k]);
        let above: f64 = total(&other[k + 1..]);
        let worse = if sign > 0.0 { below } else { above };
        (worse + 0.5 * other[k] as f64) / total(other)
    };
    let (win, of_active) = mean(arms[1], &|k| beaten(arms[0], k))?;
    let (_, of_control) = mean(arms[0], &|k| beaten(arms[1], k))?;
    let variance = of_active + of_control;
    let spread = win * (1.0 - win);
    (variance > 0.0 && spread > 0.0).then(|| {
        let (log_odds, se) = (libm::log(win / (1.0 - win)), variance.sqrt() / spread);
        Observed { estimate: log_odds, low: log_odds - Z * se, high: log_odds + Z * se }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::{ArmLevels, SubgroupLevels, Utilities};

    fn found(
        levels: [&[u64]; 2],
        utilities: Option<Vec<f64>>,
        sign: f64,
        estimand: Estimand,
    ) -> Option<Observed> {
        let names = (0..levels[0].len()).map(|k| k.to_string()).collect();
        let utilities = utilities.map(|values| Utilities { values, set: None });
        let scale = LevelScale { names, primary: 0, utilities };
        let arm = |levels: &[u64]| ArmLevels { levels: levels.to_vec(), missing: 0, source: None };
        let row = SubgroupLevels { name: "all".to_string(), arms: levels.map(arm).to_vec(), citation: None };
        let data = LevelData::new(&scale, vec![row]);
        of_levels((&data, &scale, sign), 0, estimand)
    }

    fn of(measure: Measure) -> Estimand {
        Estimand::of_subgroup(0, measure)
    }

    #[test]
    fn with_two_levels_wins_and_worth_are_those_of_the_risk_difference() {
        let two: [&[u64]; 2] = [&[70, 30], &[60, 45]];
        let (p0, p1) = (30.0 / 100.0, 45.0 / 105.0);
        let variance = p0 * (1.0 - p0) / 99.0 + p1 * (1.0 - p1) / 104.0;
        let worth = found(two, Some(vec![0.0, 1.0]), 1.0, of(Measure::UtilityDifference)).unwrap();
        assert!((worth.estimate - (p1 - p0)).abs() < 1e-12);
        assert!((worth.high - worth.estimate - Z * variance.sqrt()).abs() < 1e-12);
        let win = found(two, None, 1.0, of(Measure::WinProbability)).unwrap();
        let expected = 0.5 + 0.5 * (p1 - p0);
        assert!((win.estimate - expected).abs() < 1e-12);
        let se = 0.5 * variance.sqrt() / (expected * (1.0 - expected));
        let logit = |p: f64| (p / (1.0 - p)).ln();
        assert!((logit(win.high) - logit(expected) - Z * se).abs() < 1e-9);
        // The other way round it is the complement, limits and all.
        let turned = found(two, None, -1.0, of(Measure::WinProbability)).unwrap();
        assert!((turned.estimate + win.estimate - 1.0).abs() < 1e-12);
        assert!((turned.low + win.high - 1.0).abs() < 1e-12);
        let net = found(two, None, 1.0, of(Measure::NetBenefit)).unwrap();
        assert!((net.estimate - (p1 - p0)).abs() < 1e-12);
    }

    #[test]
    fn ties_count_half_and_every_pair_once() {
        let arms: [&[u64]; 2] = [&[3, 1, 2], &[1, 2, 4]];
        let mut wins = 0.0;
        for (j, n0) in arms[0].iter().enumerate() {
            for (k, n1) in arms[1].iter().enumerate() {
                let pairs = (n0 * n1) as f64;
                wins += if k > j { pairs } else { 0.0 } + if k == j { 0.5 * pairs } else { 0.0 };
            }
        }
        let win = found(arms, None, 1.0, of(Measure::WinProbability)).unwrap();
        assert!((win.estimate - wins / 42.0).abs() < 1e-12);
        let odds = found(arms, None, 1.0, of(Measure::WinOdds)).unwrap();
        assert!((odds.estimate - wins / (42.0 - wins)).abs() < 1e-12);
    }

    #[test]
    fn the_primary_cut_is_the_risk_difference_and_an_empty_cell_has_no_odds_ratio() {
        let arms: [&[u64]; 2] = [&[30, 40, 30], &[60, 45, 0]];
        let at = |measure, cut| found(arms, None, 1.0, of(measure).at_cut(cut));
        assert_eq!(at(Measure::CutRiskDifference, 0), found(arms, None, 1.0, of(Measure::RiskDifference)));
        assert!(at(Measure::CutOddsRatio, 0).is_some() && at(Measure::CutOddsRatio, 1).is_none());
        assert!(found(arms, None, 1.0, of(Measure::OddsRatio)).is_some());
        assert!(found([&[5, 0, 0], &[9, 0, 0]], None, 1.0, of(Measure::WinProbability)).is_none());
        assert!(found([&[5, 0, 0], &[0, 1, 0]], None, 1.0, of(Measure::LevelDifference)).is_none());
    }
}
