//! Decisions between several arms: their actions, and what such a decision can't have.

use std::ops::Range;

use super::super::source::Source;
use super::common::{fault, known};
use super::file::{DecisionFile, QuestionSection};
use crate::error::{ErrorKind, Result};
use crate::study::{Action, DecisionOutcome, Study};

/// The arms by name, in the order written: all of them, or two at least.
pub fn actions(source: &Source, question: &QuestionSection, study: &Study) -> Result<Vec<Action>> {
    let arms = &study.treatment.arms;
    let action = |arm: usize| Action { name: arms[arm].clone(), active: arm > 0, arm };
    let Some(written) = &question.actions else {
        return Ok((1..arms.len()).chain([0]).map(action).collect());
    };
    let mut found: Vec<Action> = Vec::new();
    for name in written.get_ref() {
        let wanted = name.get_ref().trim().to_lowercase();
        let arm = arms.iter().position(|arm| arm.trim().to_lowercase() == wanted).ok_or_else(|| {
            let message = format!("the action `{}` is none of the models' arms", name.get_ref());
            let help = known(name.get_ref(), "the arms are", arms.iter().map(String::as_str));
            fault(source, ErrorKind::Unknown, name.span(), message, help)
        })?;
        if found.iter().any(|other| other.arm == arm) {
            let message = format!("the action `{}` stands twice", arms[arm]);
            return Err(fault(source, ErrorKind::Rule, name.span(), message, "name each arm once"));
        }
        found.push(action(arm));
    }
    if found.len() < 2 {
        let message = format!("{} actions", found.len());
        return Err(fault(
            source,
            ErrorKind::Value,
            written.span(),
            message,
            "a decision is between two at least",
        ));
    }
    Ok(found)
}

/// What is of two actions has no place between several.
pub fn check(source: &Source, file: &DecisionFile, outcomes: &[DecisionOutcome]) -> Result<()> {
    if !outcomes.iter().any(|o| o.study.treatment.has_several_arms()) {
        return Ok(());
    }
    let layers = file.layers.as_ref().map(|l| ("[layers]", l.span()));
    let rule = file.rule.first().map(|r| ("[[rule]]", r.span()));
    let member = file.panel.first().map(|m| ("[[panel]]", m.span()));
    let of_outcomes = file.outcome.iter().find_map(|entry| {
        let e = entry.get_ref();
        let bands = e.bands.as_ref().map(|_| ("bands", entry.span()));
        bands.or_else(|| e.baseline_risk.as_ref().map(|risk| ("baseline_risk", risk.span())))
    });
    let odd: Option<(&str, Range<usize>)> = layers.or(rule).or(member).or(of_outcomes);
    match odd {
        Some((what, span)) => Err(fault(
            source,
            ErrorKind::Rule,
            span,
            format!("{what}, and the models have several active arms"),
            "a decision between several arms takes outcomes with their utilities, and costs",
        )),
        None => Ok(()),
    }
}
