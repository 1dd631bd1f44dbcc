//! Thresholds: of measures that the study reports, as magnitudes, none twice and not too many.

use super::super::problem::{Fault, Part, Problem};
use super::super::{Axis, Measure, Outcome, Scale, Thresholds};
use crate::error::ErrorKind;

/// Thresholds of a measure at most.
const MOST_THRESHOLDS: usize = 100;

/// The measures that thresholds may be of, in the order of a model file.
pub(crate) const THRESHOLD_MEASURES: [Measure; 11] = [
    Measure::RiskDifference,
    Measure::OddsRatio,
    Measure::RiskRatio,
    Measure::HazardRatio,
    Measure::Difference,
    Measure::UtilityDifference,
    Measure::WinProbability,
    Measure::WinOdds,
    Measure::WinRatio,
    Measure::NetBenefit,
    Measure::LevelDifference,
];

/// What is asked about.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    /// A measure's list, which may be empty.
    pub lists: Vec<(Measure, Vec<f64>)>,
    /// The one that matters most; it need not be listed where none of its measure is.
    pub primary: Option<(Measure, f64)>,
}

/// What a study reports on depends on these.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reported {
    pub scale: Scale,
    pub counts: bool,
    /// Of ordered levels, and whether these have utilities.
    pub levels: Option<bool>,
}

impl Reported {
    /// What a study of this outcome reports; `counts` where arms have risks.
    pub(crate) fn of(outcome: &Outcome, counts: bool) -> Reported {
        let levels = outcome.levels.as_ref().map(|l| l.utilities.is_some());
        Reported { scale: outcome.scale, counts, levels }
    }

    fn reports(self, measure: Measure) -> bool {
        match measure {
            Measure::RiskDifference => self.counts,
            Measure::RiskRatio => self.counts || self.scale == Scale::LogRiskRatio,
            Measure::OddsRatio | Measure::HazardRatio | Measure::Difference => {
                measure == Measure::of(self.scale)
            }
            Measure::UtilityDifference => self.levels == Some(true),
            Measure::WinProbability
            | Measure::WinOdds
            | Measure::WinRatio
            | Measure::NetBenefit
            | Measure::LevelDifference => self.levels.is_some(),
            _ => false,
        }
    }

    /// The measures that thresholds may be of, in words.
    pub(crate) fn available(self) -> String {
        let names: Vec<&str> =
            THRESHOLD_MEASURES.into_iter().filter(|m| self.reports(*m)).map(Measure::key).collect();
        format!("this model reports {}", names.join(", "))
    }

    fn check(self, measure: Measure, t: f64) -> Result<(), Fault> {
        let words = measure.in_words();
        let fault = |message: String, help: String| Err(Fault::new(ErrorKind::Value, message, help));
        if !self.reports(measure) {
            let message = format!("a threshold on the {words}");
            let help = match (measure, self.levels) {
                (Measure::UtilityDifference, Some(false)) => {
                    format!(
                        "say what levels are worth: utilities = … in [outcome]; without, {}",
                        self.available()
                    )
                }
                _ => self.available(),
            };
            return Err(Fault::new(ErrorKind::Rule, message, help));
        }
        if !t.is_finite() {
            return fault(format!("a threshold of {t}"), "thresholds are finite numbers".to_string());
        }
        if measure.axis() == Axis::Ratio {
            if t <= 0.0 {
                return fault(format!("a {words} of {t}"), "ratios are above 0".to_string());
            }
            if t < 1.0 {
                let inverse = libm::round((1.0 / t) * 1000.0) / 1000.0;
                return fault(
                    format!("a threshold of {t} on the {words}"),
                    format!("thresholds are magnitudes, asked in both directions: write {inverse}"),
                );
            }
        } else if measure.axis() == Axis::Chance {
            if !(0.5..1.0).contains(&t) {
                return fault(
                    format!("a threshold of {t} on the {words}"),
                    "thresholds are magnitudes, asked in both directions: from 0.5, no difference, to below 1"
                        .to_string(),
                );
            }
        } else if t < 0.0 {
            return fault(
                format!("a threshold of {t}"),
                format!("thresholds are magnitudes, asked in both directions: write {}", -t),
            );
        } else if matches!(measure, Measure::RiskDifference | Measure::NetBenefit) && t >= 1.0 {
            return fault(
                format!("a {words} of {t}"),
                "these are differences of proportions below 1: 5 percentage points are 0.05".to_string(),
            );
        }
        Ok(())
    }
}

/// The thresholds that are asked about, in order; those of no effect are left out.
pub(crate) fn thresholds(asked: Asked, reported: Reported) -> Result<Thresholds, Problem> {
    let mut found = Thresholds::default();
    let listed: Vec<Measure> = asked.lists.iter().map(|(measure, _)| *measure).collect();
    for (measure, values) in asked.lists {
        let at = |index| Part::Threshold { measure, index };
        if values.len() > MOST_THRESHOLDS {
            let message = format!("{} thresholds on the {}", values.len(), measure.in_words());
            return Err(Problem::new(at(MOST_THRESHOLDS), ErrorKind::Limit, message).help(format!(
                "at most {MOST_THRESHOLDS} are asked of a measure: every one is a row of each subgroup"
            )));
        }
        for (i, &t) in values.iter().enumerate() {
            reported.check(measure, t).map_err(|fault| fault.of(at(i)))?;
            if values[..i].contains(&t) {
                let message = format!("the threshold {t} stands twice");
                return Err(Problem::new(at(i), ErrorKind::Rule, message));
            }
        }
        found.set(measure, values);
    }
    if let Some((measure, t)) = asked.primary {
        reported.check(measure, t).map_err(|fault| fault.of(Part::Primary))?;
        if !listed.contains(&measure) {
            found.set(measure, vec![t]);
        } else if !found.of(measure).contains(&t) {
            let message =
                format!("the primary threshold {t} is not among those listed for {}", measure.in_words());
            return Err(Problem::new(Part::Primary, ErrorKind::Rule, message)
                .help("list it too, or choose one that is listed"));
        }
        found.primary = Some((measure, t));
    }
    found.drop_nulls();
    Ok(found)
}
