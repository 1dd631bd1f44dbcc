//! Titles, names and texts: there, short, and of characters that show.

use super::super::names::{self, Unfit};
use super::super::problem::{Part, Problem};
use super::super::{MOST_ARMS, Treatment};
use crate::error::ErrorKind;

/// What every label, sentence and column is made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Labels<'a> {
    pub title: &'a str,
    pub outcome: &'a str,
    pub event: &'a str,
    pub treatment: &'a Treatment,
    pub subgroup_name: &'a str,
    pub subgroup_plural: Option<&'a str>,
}

/// They are there, fit to be shown, and tell the arms apart.
pub(crate) fn title_and_labels(labels: &Labels<'_>) -> Result<(), Problem> {
    let Labels { title, outcome, event, treatment, subgroup_name, subgroup_plural } = *labels;
    if title.trim().is_empty() {
        return Err(Problem::new(Part::Title, ErrorKind::Missing, "`title` is empty"));
    }
    let mut named = vec![
        (Part::Outcome, "outcome.name", outcome),
        (Part::Treatment, "treatment.name", treatment.name.as_str()),
        (Part::Arm(0), "treatment.control", treatment.control()),
    ];
    let several = treatment.has_several_arms();
    let key = if several { "treatment.arms" } else { "treatment.active" };
    named.extend(treatment.arms.iter().enumerate().skip(1).map(|(a, arm)| (Part::Arm(a), key, arm.as_str())));
    named.extend([
        (Part::SubgroupName, "subgroup.name", subgroup_name),
        (Part::SubgroupName, "subgroup.plural", subgroup_plural.unwrap_or(subgroup_name)),
    ]);
    if let Some((part, key, _)) = named.iter().find(|(_, _, label)| label.trim().is_empty()) {
        return Err(Problem::new(part.clone(), ErrorKind::Missing, format!("`{key}` is empty"))
            .help("labels, sentences and columns are made from it"));
    }
    names::title(title).map_err(|e| unfit(Part::Title, "`title`", e))?;
    let event = (Part::Event, "outcome.event", event);
    for (part, key, label) in named.into_iter().chain([event]) {
        names::name(label).map_err(|e| unfit(part, &format!("`{key}`"), e))?;
    }
    if several {
        return different(&treatment.arms);
    }
    if treatment.control().trim() == treatment.active().trim() {
        let message = format!("both arms are called `{}`", treatment.control());
        return Err(Problem::new(Part::Arm(1), ErrorKind::Rule, message)
            .help("name what the control arm had and what the active arm had"));
    }
    Ok(())
}

/// Several arms have different names, and are not too many.
fn different(arms: &[String]) -> Result<(), Problem> {
    if arms.len() > MOST_ARMS {
        let message = format!("{} arms", arms.len());
        return Err(Problem::new(Part::Arm(MOST_ARMS), ErrorKind::Limit, message)
            .help(format!("the program takes at most {MOST_ARMS}, the control arm among them")));
    }
    let again = |a: &usize| arms[..*a].iter().any(|other| other.trim() == arms[*a].trim());
    match (1..arms.len()).find(again) {
        Some(a) => {
            Err(Problem::new(Part::Arm(a), ErrorKind::Rule, format!("two arms are called `{}`", arms[a]))
                .help("give each a name of its own"))
        }
        None => Ok(()),
    }
}

/// A text of several lines, `what` it is in the problem's words.
pub(crate) fn text(part: Part, what: &str, found: &str) -> Result<(), Problem> {
    names::text(found).map_err(|e| unfit(part, &format!("`{what}`"), e))
}

/// `what` is wrong in this way.
pub(super) fn unfit(part: Part, what: &str, unfit: Unfit) -> Problem {
    Problem::new(part, unfit.kind(), format!("{what} {}", unfit.in_words())).help(unfit.help())
}
