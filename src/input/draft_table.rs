//! A first model file for a table of counts or of estimates.

use std::fmt::Write;

use super::draft::Draft;
use super::draft_lines::{form_lines, list, remark, subgroup_lines, where_line, words_of};
use super::joint::{estimate_with_interval, events_of_total, interval};
use super::model_file::Rows;
use super::patients::Survey;
use super::recognised::Table;
use super::suggested;
use crate::study::Scale;
use crate::study::written::{key_in_file, quoted};

/// From so many subgroups on, exchangeable baselines are named as another choice.
const EXCHANGEABLE_FROM: usize = 3;

/// The text of a model file beside the table, which it calls `named`; with what it adjusts for.
pub fn written((said, adjust): (&Draft, &[String]), table: &Table, survey: &Survey, named: &str) -> String {
    let mut out = String::new();
    let mut line = |text: &str| {
        // Writing to memory does not fail.
        let _ = writeln!(out, "{text}");
    };
    let (assignment, higher_is) = words_of(said);
    let [control, active] = &table.arms;
    let of_counts = table.rows == Rows::Counts;
    let subgroup = table.column("subgroup");
    line(&remark(&format!(
        "A first model of {named}, {}{}. Put it into words, then run `equipoise check` on it.",
        table.in_words(survey.rows),
        if adjust.is_empty() { "" } else { ", by covariates" }
    )));
    line(&format!(
        "title = {}",
        quoted(&match subgroup.is_empty() {
            true => format!("{active} against {control}"),
            false => format!("{active} against {control} by {subgroup}"),
        })
    ));
    line("# citation = [\"doi:…\"]");
    line(&format!("\n[study]\nassignment = {}", quoted(assignment)));
    line("# eligibility = \"who was eligible\"\n# time_zero = \"when follow-up starts\"");
    line("\n[outcome]");
    line("name = \"the outcome\"   # in words, with its time");
    if let Some(ordered) = &table.ordered {
        line(&ordered.outcome_lines(said));
    } else {
        line(if of_counts { "kind = \"binary\"" } else { "kind = \"estimate\"" });
    }
    if let Some(scale) = table.scale {
        line(&format!("scale = {}", quoted(scale_in_file(scale))));
    }
    let more = if of_counts { "more events count" } else { "more of it counts" };
    if table.ordered.is_none() {
        line(&format!(
            "higher_is = {}   # {more} as {higher_is}: every sign derives from it",
            quoted(higher_is)
        ));
    }
    if of_counts && table.ordered.is_none() {
        line("# event = \"deaths\"   # what events are called, in the plural");
    }
    line(&format!(
        "\n[treatment]\nname = {}\ncontrol = {}   # in words; is it the control arm?\nactive = {}",
        quoted(active),
        quoted(control),
        quoted(active)
    ));
    if !subgroup.is_empty() {
        line(&subgroup_lines(subgroup));
    }
    line(&format!("\n[data]\nfile = {}", quoted(named)));
    form_lines(&said.form).iter().for_each(|text| line(text));
    line(if of_counts { "rows = \"counts\"" } else { "rows = \"estimates\"" });
    let columns: Vec<String> =
        table.columns.iter().map(|(key, name)| format!("{} = {}", key_in_file(key), quoted(name))).collect();
    line(&format!("columns = {{ {} }}", columns.join(", ")));
    if let Some([control, active]) = &table.levels {
        let (control, active) = (list(control), list(active));
        let unknown = if said.unknown.is_empty() {
            String::new()
        } else {
            format!(", unknown = {}", list(&said.unknown))
        };
        line(&format!("levels = {{ control = {control}, active = {active}{unknown} }}"));
    }
    if !of_counts {
        line(
            "# adjusted_for = \"age, sex\"   # what the published estimates are adjusted for; \"nothing\" for crude ones",
        );
    }
    let columns = table.columns.iter().map(|(_, name)| name);
    let taken: Vec<&str> = columns.chain(&said.adjust).map(String::as_str).collect();
    where_line(said, &survey.columns, &taken, Some(subgroup)).iter().for_each(|text| line(text));
    priors(&mut line, adjust, table, survey);
    match &table.ordered {
        Some(ordered) => line(&suggested::questions_of_levels(ordered.risk)),
        None => line(&suggested::questions(control_risk(table, survey), table.scale)),
    }
    out
}

fn scale_in_file(scale: Scale) -> &'static str {
    match scale {
        Scale::LogOddsRatio => "log_odds_ratio",
        Scale::LogRiskRatio => "log_risk_ratio",
        Scale::LogHazardRatio => "log_hazard_ratio",
        Scale::Difference => "difference",
    }
}

fn priors(line: &mut impl FnMut(&str), adjust: &[String], table: &Table, survey: &Survey) {
    let pooled = table.subgroups > 1;
    line(if pooled {
        "\n[model]\npooling = \"partial\""
    } else if table.column("subgroup").is_empty() {
        "\n[model]   # without subgroups there is nothing to pool"
    } else {
        "\n[model]\npooling = \"complete\"   # one subgroup: nothing to share with"
    });
    if let Some(ordered) = &table.ordered {
        line(&ordered.model_lines());
    }
    if !adjust.is_empty() {
        line(&format!("adjust = [{}]", adjust.join(", ")));
    }
    line("\n[prior]");
    if table.scale == Some(Scale::Difference) {
        let size = size(table, survey);
        line(
            "# Only as wide as the estimates are large, so that the file runs: their unit is yours, state what you believe.",
        );
        line(&format!("effect = \"normal(0, {size})\""));
        if pooled {
            line(&format!("heterogeneity = \"half-normal({})\"", size / 2.0));
        }
        return;
    }
    let ratio = table.scale.unwrap_or(Scale::LogOddsRatio).measure_in_words();
    line(&format!(
        "effect = \"normal(0, 0.355)\"          # {ratio} between 0.5 and 2 with probability 0.95: neutral; state yours"
    ));
    if pooled {
        line(
            "heterogeneity = \"half-normal(0.5)\"   # how much subgroups may differ: it decides; see `equipoise compare`",
        );
    }
    if let Some(ordered) = &table.ordered {
        line(&ordered.prior_lines());
    } else if table.rows == Rows::Counts {
        line(
            "baseline = \"normal(0, 2.5)\"             # the mean of the arms' log odds: risks from 0.7 % to 99.3 % with probability 0.95",
        );
        if table.subgroups >= EXCHANGEABLE_FROM {
            line(
                "# Or, where subgroups' risks inform each other: { mean = \"normal(0, 2.5)\", sd = \"half-normal(1)\" }",
            );
        }
        line(
            "# baseline_of = \"control\"             # where `baseline` is what you know of the control arm's risk",
        );
    }
}

/// What stands in a column of a short file.
fn cells<'s>(survey: &'s Survey, name: &str) -> impl Iterator<Item = &'s String> + use<'s> {
    let place = survey.columns.iter().position(|c| c.name == name);
    survey.table.iter().flatten().filter_map(move |row| row.get(place?))
}

/// Numbers of a column, as far as they are numbers.
fn numbers<'s>(survey: &'s Survey, name: &str) -> impl Iterator<Item = f64> + 's {
    cells(survey, name).filter_map(|text| survey.decimal.number(text))
}

/// The control arm's risk, all rows taken together; with one row an arm, both arms'. None of estimates.
fn control_risk(table: &Table, survey: &Survey) -> Option<f64> {
    let arm = if table.levels.is_some() { "" } else { "control_" };
    let [events, total, rest] =
        ["events", "total", "no_events"].map(|key| table.column(&format!("{arm}{key}")));
    let (events, total) = if events == total {
        let joint = |text: &String| events_of_total(text, survey.decimal);
        let all: Vec<_> = cells(survey, events).filter_map(joint).collect();
        (all.iter().map(|one| one.0 as f64).sum(), all.iter().map(|one| one.1 as f64).sum())
    } else {
        let sum = |name: &str| numbers(survey, name).sum::<f64>();
        let found = sum(events);
        (found, sum(total).max(found + sum(rest)))
    };
    (total > 0.0 && events <= total).then(|| events / total)
}

/// The largest estimate with twice its error, rounded up to one digit; 1 where none can be read.
fn size(table: &Table, survey: &Survey) -> f64 {
    let largest = |key: &str| numbers(survey, table.column(key)).map(f64::abs).fold(0.0, f64::max);
    let ends = cells(survey, table.column("lower"));
    let ends = ends.filter_map(|text| {
        estimate_with_interval(text, survey.decimal)
            .map(|[_, lower, upper]| [lower, upper])
            .or(interval(text, survey.decimal))
    });
    let joint = ends.flatten().map(f64::abs).fold(0.0, f64::max);
    let reach =
        joint.max(largest("lower")).max(largest("upper")).max(largest("estimate") + 2.0 * largest("se"));
    if reach <= 0.0 {
        return 1.0;
    }
    let exponent = libm::floor(libm::log10(reach));
    // What is a digit but for its last bits is that digit.
    let digit = libm::ceil(reach / libm::pow(10.0, exponent) * (1.0 - 1e-12));
    // As it is written, for a product has more digits.
    format!("{digit}e{exponent}").parse().unwrap_or(reach)
}
