//! A first model file for rows of patients.

use std::fmt::Write;

use super::draft::Draft;
use super::draft_levels::Ordered;
use super::draft_lines::{form_lines, list, remark, subgroup_lines, where_line, words_of};
use super::patients::{Survey, Surveyed};
use super::ranges::{in_words_of_a_range, without_rows};
use super::suggested;
use crate::study::written::{key_in_file, quoted};

/// From so many subgroups on, exchangeable baselines are named as another choice.
const EXCHANGEABLE_FROM: usize = 3;

/// Columns by what they hold, and what their values are.
pub struct Parts<'a> {
    pub outcome: &'a Surveyed,
    pub treatment: &'a Surveyed,
    pub subgroup: Option<&'a Surveyed>,
    pub event: Vec<String>,
    pub no_event: Vec<String>,
    /// In place of both, ordered levels.
    pub ordered: Option<Ordered>,
    pub control: Vec<String>,
    pub active: Vec<String>,
    /// Values of the subgroups' column, or the levels that it is cut into.
    pub groups: Vec<String>,
    /// Covariates as the model file has them.
    pub adjust: Vec<String>,
    pub centre: Option<&'a Surveyed>,
}

impl Parts<'_> {
    /// Names of columns that have a part in the model.
    fn taken<'s>(&'s self, said: &'s Draft) -> Vec<&'s str> {
        let roles = [Some(self.outcome), Some(self.treatment), self.subgroup, self.centre];
        let roles = roles.into_iter().flatten().map(|c| c.name.as_str());
        roles.chain(said.adjust.iter().map(String::as_str)).collect()
    }
}

/// The treatment's values that are neither arm, with their rows.
fn left_out(p: &Parts<'_>) -> Option<String> {
    let others = p.treatment.values.iter().flatten();
    let others: Vec<String> = others
        .filter(|(value, _)| !p.control.contains(value) && !p.active.contains(value))
        .map(|(value, rows)| format!("{} ({rows})", quoted(value)))
        .collect();
    (!others.is_empty())
        .then(|| remark(&format!("Rows of other arms are left out and counted: {}.", others.join(", "))))
}

/// A setting that would adjust for a column without a part in the model: the first one of levels or of numbers.
fn adjust_line(columns: &[Surveyed], taken: &[&str]) -> Option<String> {
    let free = || columns.iter().filter(|c| !taken.contains(&c.name.as_str()));
    let varied = |c: &&Surveyed| c.numeric && c.levels().is_none_or(|values| values.len() > 1);
    let few = |c: &&Surveyed| !c.numeric && c.levels().is_some_and(|values| values.len() > 1);
    let entry = match (free().find(varied), free().find(few)) {
        (Some(number), _) => quoted(&number.name),
        (None, Some(column)) => {
            format!(
                "{{ column = {}, reference = {} }}",
                quoted(&column.name),
                quoted(column.levels()?.first()?)
            )
        }
        (None, None) => return None,
    };
    Some(format!(
        "# adjust = [{entry}]   # covariates known before treatment; levels: {{ column = \"SEX\", reference = \"F\" }}"
    ))
}

/// The share of patients with an event, by the values of the outcome's column.
fn risk(p: &Parts<'_>) -> Option<f64> {
    let rows = |values: &[String]| -> u64 {
        let held = p.outcome.values.iter().flatten();
        held.filter(|(value, _)| values.contains(value)).map(|(_, rows)| rows).sum()
    };
    let (events, others) = (rows(&p.event), rows(&p.no_event));
    (events + others > 0).then(|| events as f64 / (events + others) as f64)
}

/// The lines of [outcome] after its name, where it is an event.
fn event_lines(p: &Parts<'_>, higher_is: &str) -> [String; 3] {
    [
        "kind = \"binary\"".to_string(),
        format!(
            "higher_is = {}   # more events count as {higher_is}: every sign derives from it",
            quoted(higher_is)
        ),
        match in_words_of_a_range(&p.event) {
            Some(range) => {
                let event = format!("patients with {} {range}", p.outcome.name);
                format!("event = {}   # what events are called, in the plural: \"deaths\"", quoted(&event))
            }
            None => "# event = \"deaths\"   # what events are called, in the plural".to_string(),
        },
    ]
}

/// The lines of [prior] on baselines.
fn baseline_lines(p: &Parts<'_>) -> Vec<String> {
    let mut lines = vec!["baseline = \"normal(0, 2.5)\"             # the mean of the arms' log odds: risks from 0.7 % to 99.3 % with probability 0.95".to_string()];
    if p.groups.len() >= EXCHANGEABLE_FROM {
        lines.push("# Or { mean = \"normal(0, 2.5)\", sd = \"half-normal(1)\" }: subgroups' risks inform each other. `compare` then samples under every prior, which takes minutes.".to_string());
    }
    lines.push("# baseline_of = \"control\"             # where `baseline` is what you know of the control arm's risk".to_string());
    lines
}

/// The text of a model file beside the data, which it calls `named`.
pub fn written(said: &Draft, p: &Parts<'_>, survey: &Survey, named: &str) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        // Writing to memory does not fail.
        let _ = writeln!(out, "{text}");
    };
    let (assignment, higher_is) = words_of(said);
    let (control, active) = (p.control.join(" or "), p.active.join(" or "));
    line(remark(&format!(
        "A first model of {named}, {} rows{}: put it into words, then run `equipoise check` on it.",
        survey.rows,
        if said.keep.is_empty() { "" } else { " that `where` keeps" }
    )));
    line(format!(
        "title = {}",
        quoted(&match p.subgroup {
            Some(subgroup) => format!("{}: {} by {}", p.outcome.name, p.treatment.name, subgroup.name),
            None => format!("{}: {}", p.outcome.name, p.treatment.name),
        })
    ));
    line("# citation = [\"doi:…\"]".to_string());
    line("\n[study]".to_string());
    line(format!("assignment = {}", quoted(assignment)));
    line("# eligibility = \"who was eligible\"\n# time_zero = \"when follow-up starts\"".to_string());
    line("\n[outcome]".to_string());
    line(format!("name = {}   # in words, with its time", quoted(&p.outcome.name)));
    match &p.ordered {
        Some(ordered) => line(ordered.outcome_lines(said)),
        None => event_lines(p, higher_is).into_iter().for_each(&mut line),
    }
    line("\n[treatment]".to_string());
    line(format!("name = {}", quoted(&p.treatment.name)));
    line(format!("control = {}   # in words", quoted(&control)));
    line(format!("active = {}", quoted(&active)));
    p.subgroup.iter().for_each(|column| line(subgroup_lines(&column.name)));
    line("\n[data]".to_string());
    line(format!("file = {}", quoted(named)));
    form_lines(&said.form).into_iter().for_each(&mut line);
    line("rows = \"patients\"".to_string());
    line("missing = \"drop\"   # rows that lack a value are left out and counted; or \"error\"".to_string());
    line(format!(
        "columns = {{ outcome = {}, treatment = {}{}{} }}",
        quoted(&p.outcome.name),
        quoted(&p.treatment.name),
        p.subgroup.map_or_else(String::new, |c| format!(", subgroup = {}", quoted(&c.name))),
        p.centre.map_or_else(String::new, |c| format!(", centre = {}", quoted(&c.name)))
    ));
    if !said.cut.is_empty() {
        let cut = |(column, points): &(String, Vec<f64>)| {
            let points: Vec<String> = points.iter().map(f64::to_string).collect();
            format!("{} = [{}]", key_in_file(column), points.join(", "))
        };
        let all: Vec<String> = said.cut.iter().map(cut).collect();
        line(format!("cut = {{ {} }}   # where levels begin", all.join(", ")));
    }
    let taken = p.taken(said);
    where_line(said, &survey.columns, &taken, Some(&p.treatment.name)).into_iter().for_each(&mut line);
    line("\n[data.levels]".to_string());
    let coded = |key: &str, values: &[String], column: &Surveyed| {
        let remark = without_rows(column, values).map_or_else(String::new, |words| format!("   # {words}"));
        format!("{key} = {}{remark}", list(values))
    };
    if p.ordered.is_none() {
        line(coded("event", &p.event, p.outcome));
        line(coded("no_event", &p.no_event, p.outcome));
    }
    if !said.unknown.is_empty() {
        line(coded("unknown", &said.unknown, p.outcome));
    }
    line(coded("control", &p.control, p.treatment));
    line(coded("active", &p.active, p.treatment));
    left_out(p).into_iter().for_each(&mut line);
    p.ordered.iter().for_each(|ordered| line(ordered.code_lines()));
    if !p.groups.is_empty() {
        line("\n[data.levels.subgroup]   # a value, and its subgroup's name; one name for several puts them together".to_string());
    }
    for value in &p.groups {
        line(format!("{} = {}", quoted(value), quoted(value)));
    }
    if p.subgroup.is_some() {
        line("\n[model]\npooling = \"partial\"".to_string());
    } else {
        line("\n[model]   # without subgroups there is nothing to pool".to_string());
    }
    p.ordered.iter().for_each(|ordered| line(ordered.model_lines()));
    if p.adjust.is_empty() {
        adjust_line(&survey.columns, &taken).into_iter().for_each(&mut line);
    } else {
        line(format!("adjust = [{}]", p.adjust.join(", ")));
        line(
            "# Odds ratios of numbers are shown for the step of your choice: { column = \"AGE\", per = 10, unit = \"years\" }"
                .to_string(),
        );
        line(
            "# population = \"all\"   # whose risks are averaged; or \"treated\", or { baseline_risk = 0.3 }"
                .to_string(),
        );
    }
    line("\n[prior]".to_string());
    line("effect = \"normal(0, 0.355)\"          # odds ratio between 0.5 and 2 with probability 0.95: neutral; state yours".to_string());
    if p.subgroup.is_some() {
        line("heterogeneity = \"half-normal(0.5)\"   # how much subgroups may differ: it decides; see `equipoise compare`".to_string());
    }
    match &p.ordered {
        Some(ordered) => {
            line(ordered.prior_lines());
            line(suggested::questions_of_levels(ordered.risk));
        }
        None => {
            baseline_lines(p).into_iter().for_each(&mut line);
            line(suggested::questions(risk(p), None));
        }
    }
    line("\n# The file's columns:".to_string());
    for c in &survey.columns {
        line(remark(&format!("{}: {}", c.name, c.in_words())));
    }
    out
}
