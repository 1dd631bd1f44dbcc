//! A decision discussion for people, in sections.

mod choice;
mod credibility;
mod panel;
mod sizes;
mod together;

use super::super::decide_json::decide_statements;
use super::super::numbers::sampled_probability;
use super::super::sentences::sentence;
use super::super::words::{capitalised, scope_in_words};
use super::layout::{push, push_failures_and_notices, push_title, push_warning};
use crate::decide::{Discussion, EffectRow, Population};
use crate::posterior::{Claim, Says};
use crate::study::{Assignment, Decision, DecisionOutcome};

/// Question, what it comes to, and a section for everything that bears on it.
pub fn decide_text(decision: &Decision, d: &Discussion) -> String {
    let mut out = heading(decision, d);
    let failed = (!d.ok).then_some("No result: a run did not pass its checks.");
    push_failures_and_notices(&mut out, failed, &d.reasons, &d.notices);
    if !d.ok {
        return out;
    }
    let sections = [
        in_short(d),
        rules(d),
        sizes::effects(decision, d),
        sizes::listed(decision, d),
        sizes::bands(decision, d),
        together::joint(d),
        together::layers(decision, d),
        together::attribution(decision, d),
        choice::actions(decision, d),
        choice::flips(decision, d),
        choice::priors(decision, d),
        panel::panel(decision, d),
        credibility::section(decision, d),
    ];
    for section in sections.into_iter().filter(|s| !s.is_empty()) {
        out.push_str(&section);
        out.push('\n');
    }
    push(
        &mut out,
        "Risk differences: active minus control, medians and central 95 % intervals, by numerical integration unless a model needs sampling.",
        2,
    );
    push(&mut out, "`--format json` has every number in full, `--format csv` every list.", 2);
    out
}

fn heading(decision: &Decision, d: &Discussion) -> String {
    let mut out = String::new();
    push_title(&mut out, &decision.question);
    let arms = decision.actions.each_ref().map(|a| a.name.as_str());
    push(&mut out, &format!("{} or {}.", capitalised(arms[0]), arms[1]), 0);
    let layers = decision.layers.iter().map(|l| ("outer layer ", &l.outer));
    let outcomes = decision.outcomes.iter().map(|o| ("", &o.study)).chain(layers);
    for (role, study) in outcomes {
        let design = match study.assignment {
            Assignment::Randomised => "randomised",
            Assignment::Observational => "observational",
        };
        push(&mut out, &format!("- {role}{}: {}; {design}.", study.name, study.title), 2);
    }
    for o in &decision.outcomes {
        push(&mut out, &format!("{}: {}.", capitalised(&o.study.outcome.name), o.study.direction()), 2);
    }
    for statement in decide_statements(decision, d) {
        push_warning(&mut out, &statement);
    }
    out.push('\n');
    out
}

/// Sentences of a kind, each a paragraph.
fn sentences(out: &mut String, d: &Discussion, kind: impl Fn(&Says) -> bool) {
    for claim in d.claims.iter().filter(|c| kind(&c.says)) {
        push(out, &sentence(claim), 2);
    }
}

fn has(d: &Discussion, kind: impl Fn(&Says) -> bool) -> bool {
    d.claims.iter().any(|c: &Claim| kind(&c.says))
}

/// What it comes to: the action, or where nothing has a value, the first outcome.
fn in_short(d: &Discussion) -> String {
    let kind = |says: &Says| matches!(says, Says::Action { .. } | Says::Leaning(_));
    if !has(d, kind) {
        return String::new();
    }
    let mut out = String::new();
    push_title(&mut out, "In short");
    sentences(&mut out, d, kind);
    out
}

/// Verdicts, and the criteria that they hang on.
fn rules(d: &Discussion) -> String {
    let kind = |says: &Says| matches!(says, Says::Rule { .. });
    if !has(d, kind) {
        return String::new();
    }
    let mut out = String::new();
    push_title(&mut out, "Rules");
    sentences(&mut out, d, kind);
    out
}

/// "a further similar cohort", or the subgroup.
fn name(decision: &Decision, population: &Population) -> String {
    match &population.subgroup {
        Some(name) => name.clone(),
        None => scope_in_words(population.scope, &decision.first().subgroup_name),
    }
}

fn find<'a>(decision: &'a Decision, outcome: &str) -> Option<&'a DecisionOutcome> {
    decision.outcomes.iter().find(|o| o.name == outcome)
}

/// The outcome in words.
fn in_words(decision: &Decision, outcome: &str) -> String {
    find(decision, outcome).map_or_else(String::new, |o| o.study.outcome.name.clone())
}

/// A probability with the digits that it deserves where this outcome's are sampled.
fn shown(d: &Discussion, p: Option<f64>, outcome: &str, population: &Population) -> String {
    let of = |e: &&EffectRow| e.outcome == outcome && e.population == *population;
    let sampled = d.effects.iter().find(of).is_some_and(|e| e.sampled);
    sampled_probability(p, sampled.then_some(d.mcse))
}
