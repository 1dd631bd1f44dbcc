//! GRADE: how certain the evidence is, and from evidence to decision.

use super::{Item, NOT_STATED, Sheet, found, item, results};
use crate::decide::{Discussion, EffectRow, interaction_test};
use crate::posterior::{Estimand, Measure, Parameter, ParameterRow, Quantiles};
use crate::report::discussion::{in_words, name, worth_in_words};
use crate::report::numbers::{parameter, plain, ratio, signed};
use crate::report::page::Shown;
use crate::study::{Assignment, Decision, Scale, Study, Worth};

/// A risk ratio from which an effect counts as large, or its reciprocal (Guyatt et al., J Clin Epidemiol 2011;64:1311): odds
/// ratios lie further out where the outcome is common.
const LARGE: f64 = 2.0;

/// A risk ratio from which it counts as very large, or its reciprocal (the same).
const VERY_LARGE: f64 = 5.0;

/// Guyatt et al., BMJ 2008;336:924: the domains, filled as far as the run knows them. The rating is a panel's.
pub fn certainty(study: &Study, shown: Option<&Shown<'_>>) -> Sheet {
    let start = match study.assignment {
        Assignment::Randomised => "high: treatment was randomised",
        Assignment::Observational => "low: treatment was not randomised",
    };
    let mut items = vec![
        item("Where rating begins", start),
        item("Risk of bias", NOT_STATED),
        item("Inconsistency", inconsistency(study, shown)),
        item("Indirectness", NOT_STATED),
        item("Imprecision", imprecision(study, shown)),
        item("Publication bias", NOT_STATED),
    ];
    if study.assignment == Assignment::Observational {
        items.push(item("Rating up: large effect", large(study, shown)));
        items.push(item("Rating up: dose and response", NOT_STATED));
        items.push(item("Rating up: confounding that would hide an effect", NOT_STATED));
    }
    items.push(item("Certainty", NOT_STATED));
    Sheet::new("GRADE", "certainty of the evidence (BMJ 2008;336:924); the rating is for a panel", items)
}

fn inconsistency(study: &Study, shown: Option<&Shown<'_>>) -> String {
    let mut told = Vec::new();
    let tau = shown.and_then(|s| s.report.parameter(Parameter::Tau)).and_then(ParameterRow::best);
    if let Some(q) = tau {
        told.push(format!("heterogeneity sd {} ({} to {})", plain(q.median), plain(q.q2_5), plain(q.q97_5)));
    }
    told.extend(interaction_test(study).map(|test| found(&test)));
    if told.is_empty() { NOT_STATED.to_string() } else { told.join("; ") }
}

/// Subgroups whose interval does and does not include no effect.
fn imprecision(study: &Study, shown: Option<&Shown<'_>>) -> String {
    let holds = |q: &Quantiles, null: f64| q.q2_5 <= null && null <= q.q97_5;
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for (name, q, null) in effects(study, shown) {
        if holds(&q, null) { with.push(name) } else { without.push(name) }
    }
    let told = |what: &str, names: &[String]| {
        let null = if study.outcome.scale.is_ratio() { "a ratio of 1" } else { "a difference of 0" };
        (!names.is_empty()).then(|| format!("the 95 % interval {what} {null} in {}", names.join(", ")))
    };
    let told: Vec<String> =
        [told("includes", &with), told("excludes", &without)].into_iter().flatten().collect();
    if told.is_empty() { results(shown, NOT_STATED) } else { told.join("; ") }
}

fn large(study: &Study, shown: Option<&Shown<'_>>) -> String {
    /// Risk ratios are listed for up to this many subgroups.
    const LISTED: usize = 6;
    let judged = study.data.has_risks() || study.outcome.scale == Scale::LogRiskRatio;
    if !judged {
        return match study.outcome.scale {
            Scale::LogOddsRatio | Scale::LogHazardRatio => format!(
                "can't be judged: the criterion is a risk ratio above {} or below {}, and {}s give one only with a baseline risk, which is not stated",
                plain(LARGE),
                plain(1.0 / LARGE),
                study.outcome.scale.measure_in_words()
            ),
            Scale::LogRiskRatio | Scale::Difference => NOT_STATED.to_string(),
        };
    }
    let lies_beyond = |x: f64, line: f64| !(1.0 / line..=line).contains(&x);
    let beyond = |line: f64| format!("above {} or below {}", plain(line), plain(1.0 / line));
    let all = medians(shown, Measure::RiskRatio);
    let listed: Vec<String> = all.iter().map(|(name, q, _)| format!("{name} {}", ratio(q.median))).collect();
    let listed = if all.len() <= LISTED { format!(": {}", listed.join(", ")) } else { String::new() };
    let names = |line: f64| {
        let far = all.iter().filter(|e| lies_beyond(e.1.median, line)).map(|e| e.0.as_str());
        far.collect::<Vec<_>>().join(", ")
    };
    let (large, very_large) = (names(LARGE), names(VERY_LARGE));
    if all.is_empty() {
        return results(shown, NOT_STATED);
    }
    if large.is_empty() {
        return format!("not met: no median risk ratio is {}{listed}", beyond(LARGE));
    }
    let very = if very_large.is_empty() {
        String::new()
    } else {
        format!(", and very large ({}) in {very_large}", beyond(VERY_LARGE))
    };
    format!("the median risk ratio is {} in {large}{very}{listed}", beyond(LARGE))
}

/// Every subgroup's effect, and where there is none.
fn effects(study: &Study, shown: Option<&Shown<'_>>) -> Vec<(String, Quantiles, f64)> {
    medians(shown, Measure::of(study.outcome.scale))
}

/// A measure in every subgroup, and where there is no effect.
fn medians(shown: Option<&Shown<'_>>, measure: Measure) -> Vec<(String, Quantiles, f64)> {
    let Some(report) = shown.map(|s| s.report) else { return Vec::new() };
    let of = |(g, name): (usize, &String)| {
        let row = report.estimate(Estimand::of_subgroup(g, measure))?;
        Some((name.clone(), row.best()?, measure.null()))
    };
    report.names.subgroups.iter().enumerate().filter_map(of).collect()
}

/// Alonso-Coello et al., BMJ 2016;353:i2016.
pub fn to_decision(decision: &Decision, d: &Discussion) -> Sheet {
    let effect = |e: &EffectRow| {
        let words = in_words(decision, &e.outcome);
        format!("{words}, {}: {} per 1,000", name(decision, &e.population), signed(e.per_1000[0] as f64, 0))
    };
    let told = |better: bool| {
        let all: Vec<String> =
            d.effects.iter().filter(|e| (e.benefit >= e.harm) == better).map(effect).collect();
        match (d.ok, all.is_empty()) {
            (false, _) => "none: a run did not pass its checks".to_string(),
            (true, true) => "none found".to_string(),
            (true, false) => all.join("; "),
        }
    };
    let values: Vec<String> = decision
        .outcomes
        .iter()
        .filter_map(|o| {
            let of = match o.values.as_ref()? {
                Worth::Event(v) => {
                    let (event, none) = (parameter(v.event), parameter(v.no_event));
                    format!("an event {event}, none {none}")
                }
                levels @ Worth::Levels(_) => worth_in_words(levels),
            };
            Some(format!("{}: {of}", o.study.outcome.name))
        })
        .collect();
    let balance = if !d.ok || d.actions.iter().all(|a| a.expected_utility.is_none()) {
        NOT_STATED
    } else {
        "expected utilities; see In short and Values"
    };
    let certainty = match decision.assignment() {
        Assignment::Randomised => "not stated; every study was randomised",
        Assignment::Observational => "not stated; not every study was randomised",
    };
    let costs = decision.costs.as_ref().map(|c| {
        format!(
            "{} {} a unit of utility; {} and {} by arm",
            plain(c.per_utility),
            c.unit,
            plain(c.of_arm[0]),
            plain(c.of_arm[1])
        )
    });
    let items: Vec<Item> = vec![
        item("Problem", decision.question.as_str()),
        item("Desirable effects (likelier better than worse)", told(true)),
        item("Undesirable effects (likelier worse than better)", told(false)),
        item("Certainty of the evidence", certainty),
        item("Values", if values.is_empty() { NOT_STATED.to_string() } else { values.join("; ") }),
        item("Balance of effects", balance),
        item("Resources required", costs.unwrap_or_else(|| NOT_STATED.to_string())),
        item("Equity", NOT_STATED),
        item("Acceptability", NOT_STATED),
        item("Feasibility", NOT_STATED),
    ];
    Sheet::new("GRADE EtD", "from evidence to decision (BMJ 2016;353:i2016)", items)
}
