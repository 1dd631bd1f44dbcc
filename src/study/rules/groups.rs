//! Subgroups: at least one and not too many, their names, their counts.

use std::collections::BTreeMap;

use super::super::problem::{Part, Problem};
use super::super::{ArmCounts, Data, MOST_CROSSED, MOST_SUBGROUPS, SubgroupCounts, Treatment, names};
use super::labels::unfit;
use crate::error::ErrorKind;

/// No trial has more patients.
pub(crate) const MOST_PATIENTS: u64 = 1_000_000_000;

/// Every subgroup has a name of its own, and no arm more events than patients.
pub(crate) fn groups(treatment: &Treatment, data: &Data, crossed: bool) -> Result<(), Problem> {
    let names = data.names();
    few_enough(names.len(), crossed)?;
    for (group, row) in data.counts().into_iter().flatten().enumerate() {
        for (arm, counts) in row.arms.iter().enumerate() {
            cell(&row.name, counts, (group, arm), treatment)?;
        }
    }
    if names.is_empty() {
        return Err(Problem::new(Part::Groups, ErrorKind::Missing, "there are no subgroups")
            .help("give at least one"));
    }
    let mut seen = BTreeMap::new();
    for (i, name) in names.into_iter().enumerate() {
        // Of crossed levels each has been looked at by itself.
        if crossed {
            continue;
        }
        name_of(i, name)?;
        if let Some(first) = seen.insert(name, i) {
            let message = format!("subgroup `{name}` stands twice, in places {} and {}", first + 1, i + 1);
            return Err(Problem::new(Part::Group(i), ErrorKind::Rule, message)
                .help("each subgroup has one row; if they are two, give them two names"));
        }
    }
    Ok(())
}

/// No more subgroups than the program takes.
pub(crate) fn few_enough(subgroups: usize, crossed: bool) -> Result<(), Problem> {
    let (what, most) = match crossed {
        true => ("combinations of levels", MOST_CROSSED),
        false => ("subgroups", MOST_SUBGROUPS),
    };
    if subgroups <= most {
        return Ok(());
    }
    Err(Problem::new(Part::Groups, ErrorKind::Limit, format!("{subgroups} {what}"))
        .help(format!("the program takes at most {most}")))
}

fn name_of(group: usize, name: &str) -> Result<(), Problem> {
    let part = Part::Group(group);
    let what = format!("the name of subgroup {}", group + 1);
    if name.trim().is_empty() {
        let message = format!("subgroup {} has no name", group + 1);
        return Err(Problem::new(part, ErrorKind::Missing, message).help("name it"));
    }
    names::name(name).map_err(|e| unfit(part.clone(), &what, e))?;
    if name.trim() != name {
        let message = format!("{what} starts or ends with a space");
        return Err(Problem::new(part, ErrorKind::Value, message).help(format!("write \"{}\"", name.trim())));
    }
    Ok(())
}

fn cell(
    name: &str,
    counts: &ArmCounts,
    (group, arm): (usize, usize),
    treatment: &Treatment,
) -> Result<(), Problem> {
    let part = Part::Cell { group, arm };
    let ArmCounts { events, total, missing, .. } = *counts;
    if let Some(n) = [events, total, missing].into_iter().find(|n| *n > MOST_PATIENTS) {
        let message = format!("found {n}; a count is at most a thousand million");
        return Err(Problem::new(part, ErrorKind::Limit, message));
    }
    if events > total {
        let which = match treatment.arms.get(arm).filter(|_| treatment.has_several_arms()) {
            Some(name) => format!("arm `{name}`"),
            None => format!("{} arm", if arm == 0 { "control" } else { "active" }),
        };
        let message = format!("subgroup `{name}`, {which}: {events} events among {total} patients");
        return Err(Problem::new(part, ErrorKind::Rule, message)
            .help("`events` counts patients with the event, `total` all patients of the arm"));
    }
    Ok(())
}

/// A notice for every subgroup whose data can't speak.
pub(crate) fn empty_arms(data: &Data) -> Vec<String> {
    data.counts().into_iter().flatten().filter_map(empty_arm).collect()
}

fn empty_arm(row: &SubgroupCounts) -> Option<String> {
    let what = match (row.control().total, row.active().total) {
        (0, 0) => "both arms are empty: the prior and the other subgroups alone speak there",
        (_, 0) => {
            "the active arm is empty: the prior and the other subgroups alone speak about the effect there"
        }
        (0, _) => "the control arm is empty: the effect there rests on the prior of the baseline",
        _ => return None,
    };
    Some(format!("{}: {what}.", row.name))
}

/// What is said of missing outcomes that no assumption covers, `covered` by arm; beside covariates and several factors none
/// can.
pub(crate) fn left_out(
    data: &Data,
    covered: &[bool; 2],
    (adjusted, crossed): (bool, bool),
) -> Option<String> {
    // No assumption is of further arms.
    let covered = || covered.iter().chain(std::iter::repeat(&false));
    let arms = data.counts()?.iter().flat_map(|row| row.arms.iter().zip(covered()));
    let missing: u64 = arms.map(|(arm, covered)| if *covered { 0 } else { arm.missing }).sum();
    let plural = if missing == 1 { "outcome is" } else { "outcomes are" };
    // Given the covariates they are missing at random of an ordinal outcome too; no assumption covers its missing levels.
    let several = data.counts()?.first().is_some_and(|row| row.arms.len() > 2);
    let how = if (data.levels().is_some() || crossed || several) && !adjusted {
        ""
    } else if adjusted {
        " given the covariates"
    } else {
        "; [bias.missing] says how they may differ"
    };
    (missing > 0).then(|| format!("{missing} {plural} missing and left out, as if missing at random{how}."))
}
