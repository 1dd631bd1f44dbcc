//! What was observed beside what the model predicts of it.

use serde::Serialize;

use crate::posterior::{self, Check, Compared, Names, Report, Told};
use crate::study::Study;

/// All model checks of a fit.
#[derive(Serialize)]
pub struct ModelChecks<'a> {
    /// Why there are none; null where there are.
    unavailable: Option<String>,
    checks: Vec<Row<'a>>,
    leave_one_out_effects: Vec<Effect<'a>>,
}

/// One number that was observed.
#[derive(Serialize)]
struct Row<'a> {
    subgroup: &'a str,
    /// "events", "level", "risk_difference" or "estimate".
    compared: &'static str,
    arm: Option<&'a str>,
    level: Option<&'a str>,
    patients: Option<u64>,
    observed: f64,
    prior: Predictive,
    posterior: Predictive,
    leave_one_out: Predictive,
}

/// A prediction, or why there is none.
#[derive(Serialize, Default)]
struct Predictive {
    mean: Option<f64>,
    q2_5: Option<f64>,
    q97_5: Option<f64>,
    tail_probability: Option<f64>,
    method: Option<posterior::Method>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unavailable: Option<String>,
}

/// A subgroup's effect as the others predict it, on the scale of the model.
#[derive(Serialize, Default)]
struct Effect<'a> {
    subgroup: &'a str,
    mean: Option<f64>,
    median: Option<f64>,
    q2_5: Option<f64>,
    q97_5: Option<f64>,
    method: Option<posterior::Method>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unavailable: Option<String>,
}

impl Predictive {
    fn of(told: &Told<posterior::Predictive>) -> Predictive {
        match told {
            Ok(p) => Predictive {
                mean: p.mean,
                q2_5: Some(p.interval[0]),
                q97_5: Some(p.interval[1]),
                tail_probability: Some(p.tail_probability),
                method: Some(p.method),
                unavailable: None,
            },
            Err(why) => Predictive { unavailable: Some(why.to_string()), ..Predictive::default() },
        }
    }
}

impl<'a> Row<'a> {
    fn of(check: &Check, (study, names): (&'a Study, &'a Names)) -> Row<'a> {
        let arm = |arm: usize| study.treatment.arms.get(arm).map(String::as_str);
        let (compared, arm, level) = match check.compared {
            Compared::Events(of) => ("events", arm(of), None),
            Compared::Level(of, level) => ("level", arm(of), names.levels.get(level).map(String::as_str)),
            Compared::RiskDifference => ("risk_difference", None, None),
            Compared::Estimate => ("estimate", None, None),
        };
        Row {
            subgroup: names.subgroup(check.subgroup),
            compared,
            arm,
            level,
            patients: check.patients,
            observed: check.observed,
            prior: Predictive::of(&check.prior),
            posterior: Predictive::of(&check.posterior),
            leave_one_out: Predictive::of(&check.left_out),
        }
    }
}

impl<'a> Effect<'a> {
    fn of(subgroup: &'a str, told: &Told<posterior::PredictedEffect>) -> Effect<'a> {
        match told {
            Ok(e) => Effect {
                subgroup,
                mean: e.mean,
                median: Some(e.median),
                q2_5: Some(e.interval[0]),
                q97_5: Some(e.interval[1]),
                method: Some(e.method),
                unavailable: None,
            },
            Err(why) => Effect { subgroup, unavailable: Some(why.to_string()), ..Effect::default() },
        }
    }
}

/// The model checks of a fit.
pub fn model_checks<'a>(study: &'a Study, report: &'a Report) -> ModelChecks<'a> {
    let found = report.model_checks(study);
    let names = &report.names;
    let effects = found.effects.iter().enumerate();
    ModelChecks {
        unavailable: found.unavailable.map(|why| why.to_string()),
        checks: found.checks.iter().map(|c| Row::of(c, (study, names))).collect(),
        leave_one_out_effects: effects.map(|(g, e)| Effect::of(names.subgroup(g), e)).collect(),
    }
}
