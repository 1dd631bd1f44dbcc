//! Columns of events and totals, by the arm that their names tell.

use super::super::draft::Draft;
use super::super::joint::events_of_total;
use super::super::patients::{Survey, Surveyed};
use super::super::roles::{OUTCOMES, SUBGROUPS, TREATMENTS};
use super::column_names::{self, Figure, METAFOR, counted, is_control};
use super::{distinct, hold};
use crate::error::{Error, ErrorKind, Result};

/// One arm's columns, by what they count.
pub struct ArmColumns {
    pub name: String,
    pub figures: Vec<(Figure, String)>,
}

impl ArmColumns {
    pub fn of(&self, figure: Figure) -> Option<&String> {
        self.figures.iter().find(|(f, _)| *f == figure).map(|(_, name)| name)
    }

    pub fn is_whole(&self) -> bool {
        self.of(Figure::Events).is_some() && self.rest().is_some()
    }

    /// Whether a cell holds both events and total.
    pub fn is_joint(&self) -> bool {
        self.of(Figure::Events) == self.of(Figure::Total)
    }

    /// All patients, or else those without the event.
    pub fn rest(&self) -> Option<Figure> {
        [Figure::Total, Figure::NoEvents].into_iter().find(|figure| self.of(*figure).is_some())
    }
}

/// Columns of figures, by the arm that their names tell; an empty name where they tell none. Where names of numbers alone make
/// arms that `are_enough`, a column of texts such as "1/2" is something else.
pub fn arms_by_name(
    survey: &Survey,
    said: &Draft,
    are_enough: impl Fn(&[ArmColumns]) -> bool,
) -> Vec<ArmColumns> {
    let numbers = survey.columns.iter().filter(|c| c.numeric);
    let numbers = numbers.filter_map(|c| Some((c, counted(&c.name)?)));
    let numbers: Vec<_> = numbers.map(|(c, (figure, arm))| (arm, vec![(figure, c.name.clone())])).collect();
    let arms = by_arms(numbers.clone());
    if are_enough(&arms) {
        return arms;
    }
    let is_joint =
        |text: &str| events_of_total(text, survey.decimal).is_some_and(|(events, total)| events <= total);
    let is_subgroup = |name: &str| {
        said.subgroup.as_deref() == Some(name) || SUBGROUPS.contains(&name.to_lowercase().as_str())
    };
    let joint = survey.columns.iter().filter(|c| !is_subgroup(&c.name) && hold(survey, c, is_joint));
    let joint = joint.map(|c| {
        let figures = [Figure::Events, Figure::Total].map(|figure| (figure, c.name.clone()));
        (column_names::arm_named(&c.name), figures.to_vec())
    });
    by_arms(joint.chain(numbers).collect())
}

/// Arms with all their figures, in the order in which they are met.
pub fn by_arms(figures: Vec<(String, Vec<(Figure, String)>)>) -> Vec<ArmColumns> {
    let mut arms: Vec<ArmColumns> = Vec::new();
    for (name, figures) in figures {
        match arms.iter_mut().find(|arm| arm.name == name) {
            Some(arm) => arm.figures.extend(figures),
            None => arms.push(ArmColumns { name, figures }),
        }
    }
    arms
}

/// Those whose name and whose events and totals are told.
pub fn whole(arms: &[ArmColumns]) -> Vec<&ArmColumns> {
    arms.iter().filter(|a| !a.name.is_empty() && a.is_whole()).collect()
}

/// Whether rows are rather patients than subgroups: a column of outcomes or treatments has a value several times, or none names
/// every row differently.
pub fn are_like_patients(survey: &Survey, said: &Draft) -> bool {
    let is_usual = |name: &str| OUTCOMES.contains(&name) || TREATMENTS.contains(&name);
    let is_of_patients = |c: &&Surveyed| is_usual(&c.name.to_lowercase());
    let may_be_subgroup = |c: &&Surveyed| match &said.subgroup {
        Some(name) => c.name == *name,
        None => !c.numeric,
    };
    let is_unique =
        |c: &Surveyed| distinct(survey, &[("subgroup".to_string(), c.name.clone())]) as u64 == survey.rows;
    said.treatment.is_some()
        || survey.columns.iter().filter(is_of_patients).any(|c| !is_unique(c))
        || !survey.columns.iter().filter(may_be_subgroup).any(is_unique)
}

/// Which arm is the control, which the other.
pub fn sides<'a>(arms: &[&'a ArmColumns], said: &Draft) -> Result<[&'a ArmColumns; 2]> {
    let names = || arms.iter().map(|a| format!("`{}`", a.name)).collect::<Vec<_>>().join(", ");
    let find = |said: &[String]| -> Result<Option<&'a ArmColumns>> {
        let Some(name) = said.first() else { return Ok(None) };
        let found = arms.iter().find(|a| a.name == column_names::parts(name).join(" "));
        found.map(|a| Some(*a)).ok_or_else(|| {
            Error::of(ErrorKind::Unknown, format!("no columns of events and totals for an arm `{name}`"))
                .help(format!("the columns' names tell the arms {}", names()))
        })
    };
    let other = |one: &ArmColumns| match arms {
        [a, b] => Some(if a.name == one.name { *b } else { *a }),
        _ => None,
    };
    let both = match (find(&said.control)?, find(&said.active)?) {
        (Some(control), Some(active)) => Some([control, active]),
        (Some(control), None) => other(control).map(|active| [control, active]),
        (None, Some(active)) => other(active).map(|control| [control, active]),
        (None, None) => match arms {
            [a, b] if is_control(&a.name, &b.name) => Some([*a, *b]),
            [a, b] if is_control(&b.name, &a.name) => Some([*b, *a]),
            _ => None,
        },
    };
    both.filter(|[control, active]| control.name != active.name).ok_or_else(|| {
        let error = Error::of(ErrorKind::Missing, "which arm is the control?").help(format!(
            "say so with --control and --active: the columns' names tell the arms {}",
            names()
        ));
        let mut columns = arms.iter().flat_map(|arm| &arm.figures);
        match columns.any(|(_, name)| column_names::is_of_metafor(name)) {
            true => error.help(format!("{METAFOR}: --control 2")),
            false => error,
        }
    })
}
