//! Rules as written, checked.

use toml::Spanned;

use super::super::number::Real;
use super::super::source::Source;
use super::common::{difference, fault, known};
use super::file::{CriterionEntry, RuleEntry};
use crate::error::{ErrorKind, Result};
use crate::study::{Bound, Criterion, DecisionOutcome, Rule};

/// In the order in which they are written.
pub fn rules(
    source: &Source,
    entries: &[Spanned<RuleEntry>],
    outcomes: &[DecisionOutcome],
) -> Result<Vec<Rule>> {
    let mut rules: Vec<Rule> = Vec::new();
    for entry in entries {
        let RuleEntry { name, all } = entry.get_ref();
        let label = name.get_ref().trim();
        if label.is_empty() {
            return Err(fault(
                source,
                ErrorKind::Missing,
                name.span(),
                "a rule's name is empty",
                "name it, such as \"adopt\"",
            ));
        }
        if rules.iter().any(|r| r.name == label) {
            let message = format!("the rule `{label}` stands twice");
            return Err(fault(
                source,
                ErrorKind::Rule,
                name.span(),
                message,
                "give one of them another name",
            ));
        }
        if all.get_ref().is_empty() {
            return Err(fault(
                source,
                ErrorKind::Missing,
                all.span(),
                format!("the rule `{label}` has no criterion"),
                "write all = [{ outcome = \"…\", at_least = 0.05, probability = 0.80 }]",
            ));
        }
        let criteria: Result<Vec<Criterion>> =
            all.get_ref().iter().map(|c| criterion(source, c, outcomes)).collect();
        rules.push(Rule { name: label.to_string(), criteria: criteria? });
    }
    Ok(rules)
}

fn criterion(
    source: &Source,
    entry: &Spanned<CriterionEntry>,
    outcomes: &[DecisionOutcome],
) -> Result<Criterion> {
    let c = entry.get_ref();
    let name = c.outcome.get_ref().trim();
    let Some(outcome) = outcomes.iter().position(|o| o.name == name) else {
        return Err(fault(
            source,
            ErrorKind::Unknown,
            c.outcome.span(),
            format!("no outcome named `{name}`"),
            known(name, "the outcomes are", outcomes.iter().map(|o| o.name.as_str())),
        ));
    };
    let (harm, threshold) = match (&c.at_least, &c.harm_at_least) {
        (Some(t), None) => (false, difference(source, t, true)?),
        (None, Some(t)) => (true, difference(source, t, true)?),
        _ => {
            return Err(fault(
                source,
                ErrorKind::Rule,
                entry.span(),
                "a criterion has a size of benefit or of harm",
                "write at_least = 0.05, or harm_at_least = 0.03; 0 is any",
            ));
        }
    };
    let bound = match (&c.probability, &c.probability_below) {
        (Some(p), None) => Bound::AtLeast(probability(source, p)?),
        (None, Some(p)) => Bound::Below(probability(source, p)?),
        _ => {
            return Err(fault(
                source,
                ErrorKind::Rule,
                entry.span(),
                "a criterion has one bound on its probability",
                "write probability = 0.80 (at least), or probability_below = 0.20",
            ));
        }
    };
    Ok(Criterion { outcome, harm, threshold, bound })
}

fn probability(source: &Source, value: &Spanned<Real>) -> Result<f64> {
    let p = value.get_ref().0;
    if p > 0.0 && p < 1.0 {
        return Ok(p);
    }
    let help = if p > 1.0 && p <= 100.0 {
        format!("probabilities lie between 0 and 1: {p} % is {}", p / 100.0)
    } else {
        "a bound on a probability lies between 0 and 1; no posterior reaches either".to_string()
    };
    Err(fault(source, ErrorKind::Value, value.span(), format!("a probability of {p}"), help))
}
