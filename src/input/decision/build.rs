//! From the decision file as written to a decision: every rule that the types alone can't hold.

use std::ops::Range;

use toml::Spanned;

use super::super::nearest::listed;
use super::super::opening::study_of;
use super::super::source::{Source, sha256};
use super::common::{Written, as_percent, difference, fault, known, worth};
use super::file::{CostsSection, DecisionFile, DifferencesEntry, OutcomeEntry, QuestionSection};
use super::{layers, panel, rules, several};
use crate::error::{ErrorKind, Result};
use crate::study::{
    Action, Changed, Costs, Decision, DecisionOutcome, MOST_OUTCOMES, Measure, Study, Worth, needs_baseline,
};

/// Checks everything and puts the decision together; `own` is the model in whose file it stands.
pub fn decision(source: &Source, file: DecisionFile, own: Option<Study>) -> Result<Decision> {
    let question = file.decision.get_ref();
    if question.question.trim().is_empty() {
        return Err(fault(
            source,
            ErrorKind::Missing,
            file.decision.span(),
            "`question` is empty",
            "ask it in one line",
        ));
    }
    // Of a model that holds its decision, the study knows what was changed.
    let changed = if own.is_some() { Changed::default() } else { source.changed.clone() };
    let outcomes = outcomes(source, &file, own)?;
    let mut notices = Vec::new();
    joined(source, &file, &outcomes, &mut notices)?;
    several::check(source, &file, &outcomes)?;
    let actions = actions(source, question, &outcomes[0].study)?;
    let valued: Vec<&str> =
        outcomes.iter().filter(|o| o.values.is_some()).map(|o| o.study.outcome.name.as_str()).collect();
    if valued.len() > 1 {
        notices.push(format!(
            "The values of {} are added up: what two outcomes share counts twice.",
            valued.join(" and of ")
        ));
    }
    for outcome in &outcomes {
        if let Some(Worth::Levels(u)) = &outcome.values {
            notices.push(format!(
                "Utilities of {} are {}.",
                outcome.study.outcome.name,
                u.set
                    .as_ref()
                    .map_or_else(|| "the numbers given".to_string(), |set| format!("the set `{set}`"))
            ));
        }
    }
    let layers = file.layers.as_ref().map(|l| layers::layers(source, l)).transpose()?;
    Ok(Decision {
        name: source.name.clone(),
        question: question.question.trim().to_string(),
        illustrative: question.illustrative,
        rules: rules::rules(source, &file.rule, &outcomes)?,
        panel: panel::members(source, &file.panel, &outcomes)?,
        layers,
        files: source.read.so_far(),
        costs: file.costs.as_ref().map(|c| costs(source, c, &actions)).transpose()?,
        credibility: file.credibility.clone().unwrap_or_default(),
        text: source.text.to_string(),
        sha256: sha256(source.text.as_bytes()),
        actions,
        outcomes,
        notices,
        changed,
    })
}

/// A model that a decision names, fitted under the prior that is asked for.
pub(super) fn under(source: &Source, model: Source) -> Result<Source> {
    match &source.prior {
        Some(name) => model.under(name),
        None => Ok(model),
    }
}

fn outcomes(source: &Source, file: &DecisionFile, own: Option<Study>) -> Result<Vec<DecisionOutcome>> {
    let mut entries: Vec<(Range<usize>, OutcomeEntry)> =
        file.outcome.iter().map(|e| (e.span(), e.get_ref().clone())).collect();
    if own.is_some() && entries.iter().all(|(_, e)| e.model.is_some()) {
        entries.insert(0, (0..0, OutcomeEntry::default()));
    }
    if entries.is_empty() {
        return Err(fault(
            source,
            ErrorKind::Missing,
            file.decision.span(),
            "the decision has no outcome",
            "add [[outcome]] with model = \"NAME\": a shipped model, or a file by its path from this one",
        ));
    }
    if let Some((span, _)) = entries.get(MOST_OUTCOMES) {
        return Err(fault(
            source,
            ErrorKind::Limit,
            span.clone(),
            format!("{} outcomes", entries.len()),
            format!("a decision has at most {MOST_OUTCOMES}"),
        ));
    }
    let mut found: Vec<DecisionOutcome> = Vec::new();
    let mut own = own;
    for (span, entry) in &entries {
        let study = match &entry.model {
            Some(model) => {
                let beside = under(source, source.beside(model)?)?;
                study_of(&beside, beside.parse()?)?
            }
            None => own.take().ok_or_else(|| {
                fault(
                    source,
                    ErrorKind::Missing,
                    span.clone(),
                    "this outcome names no model",
                    "add model = \"NAME\"",
                )
            })?,
        };
        let name = entry.name.as_ref().map_or(study.name.clone(), |n| n.get_ref().trim().to_string());
        let here = entry.name.as_ref().map_or(span.clone(), Spanned::span);
        if name.is_empty() {
            return Err(fault(
                source,
                ErrorKind::Missing,
                here,
                "an outcome's name is empty",
                "leave it out, or name it",
            ));
        }
        if found.iter().any(|o| o.name == name) {
            let message = format!("the outcome `{name}` stands twice");
            return Err(fault(source, ErrorKind::Rule, here, message, "give one of them another `name`"));
        }
        found.push(outcome(source, span, entry, name, study)?);
    }
    Ok(found)
}

fn outcome(
    source: &Source,
    span: &Range<usize>,
    entry: &OutcomeEntry,
    name: String,
    study: Study,
) -> Result<DecisionOutcome> {
    let written = Written {
        utility: entry.utility.as_ref(),
        disutility: entry.disutility.as_ref(),
        utilities: entry.utilities.as_ref(),
    };
    // A model that says what its levels are worth says it for whoever decides on it.
    let own = study.outcome.levels.as_ref().and_then(|levels| levels.utilities.clone());
    let values = worth(source, &written, &study)?.or(own.map(Worth::Levels));
    let bands = entry.bands.as_ref().map(|b| bands(source, b)).transpose()?;
    let mut thresholds = match &entry.thresholds {
        Some(list) => differences(source, list)?,
        None => study.thresholds.of(Measure::RiskDifference).to_vec(),
    };
    thresholds.sort_by(f64::total_cmp);
    if study.factors.is_some() {
        return Err(fault(
            source,
            ErrorKind::Rule,
            entry.model.as_ref().map_or(span.clone(), Spanned::span),
            format!("a decision is of subgroups of one kind, and `{name}` has several factors"),
            "take one of them, without `factors`, as the subgroups",
        ));
    }
    let baseline_risk = match &entry.baseline_risk {
        Some(risk) => {
            let p = risk.get_ref().0;
            if !(p > 0.0 && p < 1.0) {
                return Err(fault(
                    source,
                    ErrorKind::Value,
                    risk.span(),
                    format!("a baseline risk of {p}"),
                    format!("a risk lies between 0 and 1{}", as_percent(p)),
                ));
            }
            if study.exhaustive && !needs_baseline(&study) {
                return Err(fault(
                    source,
                    ErrorKind::Rule,
                    risk.span(),
                    format!(
                        "`baseline_risk` asks for a further {}, and the model says that there is none (exhaustive = true)",
                        study.subgroup_name
                    ),
                    "leave out `baseline_risk`, or `exhaustive` in the model",
                ));
            }
            Some(p)
        }
        None if needs_baseline(&study) => {
            let at = entry.model.as_ref().map_or(span.clone(), Spanned::span);
            return Err(fault(
                source,
                ErrorKind::Missing,
                at,
                format!("`{name}` is a model of published estimates, which have no risks"),
                "a decision is about risks: add baseline_risk = 0.20, the control risk of the patients decided for",
            ));
        }
        None => None,
    };
    Ok(DecisionOutcome { name, study, values, bands, thresholds, baseline_risk })
}

fn differences(source: &Source, list: &DifferencesEntry) -> Result<Vec<f64>> {
    let mut found: Vec<f64> = Vec::new();
    for value in list.risk_difference.get_ref() {
        let t = difference(source, value, false)?;
        if found.contains(&t) {
            return Err(fault(
                source,
                ErrorKind::Rule,
                value.span(),
                format!("the size {t} stands twice"),
                "leave one of them out",
            ));
        }
        found.push(t);
    }
    Ok(found)
}

fn bands(source: &Source, list: &DifferencesEntry) -> Result<[f64; 3]> {
    let found = differences(source, list)?;
    match found.as_slice() {
        &[a, b, c] if a < b && b < c => Ok([a, b, c]),
        _ => Err(fault(
            source,
            ErrorKind::Value,
            list.risk_difference.span(),
            "bands need three increasing sizes",
            "trivial | small | moderate | large: { risk_difference = [0.02, 0.05, 0.10] }",
        )),
    }
}

/// Outcomes are of the same treatment, in the same kind of subgroup, and meet in one at least.
fn joined(
    source: &Source,
    file: &DecisionFile,
    outcomes: &[DecisionOutcome],
    notices: &mut Vec<String>,
) -> Result<()> {
    let Some((first, rest)) = outcomes.split_first() else { return Ok(()) };
    let place = |outcome: &DecisionOutcome| {
        let entry = file.outcome.iter().find(|e| {
            let e = e.get_ref();
            let named = e.name.as_ref().or(e.model.as_ref());
            named.is_some_and(|n| n.get_ref().trim() == outcome.name) || {
                e.model.as_ref().is_some_and(|m| m.get_ref().ends_with(&format!("{}.toml", outcome.name)))
            }
        });
        entry.map_or(0..0, |e| e.get_ref().model.as_ref().map_or(e.span(), Spanned::span))
    };
    let same = |a: &str, b: &str| a.trim().to_lowercase() == b.trim().to_lowercase();
    for other in rest {
        let (a, b) = (&first.study, &other.study);
        let as_many = a.treatment.arms.len() == b.treatment.arms.len();
        if !as_many
            || !same(&a.treatment.all_active(), &b.treatment.all_active())
            || !same(a.treatment.control(), b.treatment.control())
        {
            return Err(fault(
                source,
                ErrorKind::Rule,
                place(other),
                format!(
                    "`{}` compares {} with {}, `{}` {} with {}",
                    other.name,
                    b.treatment.all_active(),
                    b.treatment.control(),
                    first.name,
                    a.treatment.all_active(),
                    a.treatment.control()
                ),
                "the outcomes of a decision are of one treatment: all arms have the same names, in the same order",
            ));
        }
        if !same(&a.subgroup_name, &b.subgroup_name) {
            return Err(fault(
                source,
                ErrorKind::Rule,
                place(other),
                format!(
                    "the subgroups of `{}` are of the kind `{}`, those of `{}` `{}`",
                    other.name, b.subgroup_name, first.name, a.subgroup_name
                ),
                "outcomes are joined subgroup by subgroup: they need the same kind of subgroup",
            ));
        }
        let meets =
            b.data.names().iter().any(|name| {
                outcomes.iter().any(|o| o.name != other.name && o.study.data.names().contains(name))
            });
        if !meets {
            return Err(fault(
                source,
                ErrorKind::Rule,
                place(other),
                format!("`{}` shares no subgroup with another outcome", other.name),
                format!(
                    "its subgroups are {}; `{}` has {}",
                    listed(b.data.names().into_iter()),
                    first.name,
                    listed(a.data.names().into_iter())
                ),
            ));
        }
    }
    for outcome in outcomes {
        let absent: Vec<&str> = first
            .study
            .data
            .names()
            .into_iter()
            .chain(rest.iter().flat_map(|o| o.study.data.names()))
            .filter(|name| !outcome.study.data.names().contains(name))
            .fold(Vec::new(), |mut seen, name| {
                if !seen.contains(&name) {
                    seen.push(name);
                }
                seen
            });
        if !absent.is_empty() {
            notices.push(format!(
                "{} is not reported for {}.",
                outcome.study.outcome.name,
                absent.join(", ")
            ));
        }
    }
    Ok(())
}

/// The arms by name, in the order written.
fn actions(source: &Source, question: &QuestionSection, study: &Study) -> Result<Vec<Action>> {
    if study.treatment.has_several_arms() {
        return several::actions(source, question, study);
    }
    let arms = [(study.treatment.active(), true), (study.treatment.control(), false)];
    let action = |name: &str, active| Action { name: name.to_string(), active, arm: usize::from(active) };
    let Some(written) = &question.actions else {
        return Ok(arms.map(|(name, active)| action(name, active)).into());
    };
    let [first, second] = written.get_ref().as_slice() else {
        return Err(fault(
            source,
            ErrorKind::Value,
            written.span(),
            format!("{} actions", written.get_ref().len()),
            format!("there are two: [\"{}\", \"{}\"]", arms[0].0, arms[1].0),
        ));
    };
    let found = |written: &Spanned<String>| {
        let name = written.get_ref().trim();
        let arm = arms.iter().find(|(arm, _)| arm.trim().to_lowercase() == name.to_lowercase());
        arm.map(|(_, active)| action(name, *active)).ok_or_else(|| {
            fault(
                source,
                ErrorKind::Unknown,
                written.span(),
                format!("the action `{name}` is none of the models' arms"),
                format!(
                    "actions are the arms, so that no direction is guessed: \"{}\", \"{}\"",
                    arms[0].0, arms[1].0
                ),
            )
        })
    };
    let actions = [found(first)?, found(second)?];
    if actions[0].active == actions[1].active {
        let message = format!("the action `{}` stands twice", actions[0].name);
        return Err(fault(source, ErrorKind::Rule, second.span(), message, "name both arms"));
    }
    Ok(actions.into())
}

fn costs(source: &Source, section: &Spanned<CostsSection>, actions: &[Action]) -> Result<Costs> {
    let CostsSection { unit, per_utility, actions: written } = section.get_ref();
    let worth = per_utility.get_ref().0;
    if worth <= 0.0 {
        let message = format!("a unit of utility is worth {worth} {unit}");
        return Err(fault(source, ErrorKind::Value, per_utility.span(), message, "per_utility is above 0"));
    }
    let arms = actions.iter().map(|a| a.arm + 1).max().unwrap_or(0).max(2);
    let mut of_arm = vec![0.0; arms];
    for (name, cost) in written {
        let Some(action) = actions.iter().find(|a| a.name == name.get_ref().trim()) else {
            return Err(fault(
                source,
                ErrorKind::Unknown,
                name.span(),
                format!("no action named `{}`", name.get_ref()),
                known(name.get_ref(), "the actions are", actions.iter().map(|a| a.name.as_str())),
            ));
        };
        let value = cost.get_ref().0;
        if value < 0.0 {
            let message = format!("a cost of {value} {unit}");
            return Err(fault(
                source,
                ErrorKind::Value,
                cost.span(),
                message,
                "costs are 0 or more; what is saved costs less",
            ));
        }
        of_arm[action.arm] = value;
    }
    Ok(Costs { unit: unit.trim().to_string(), per_utility: worth, of_arm })
}
