//! Tables that are all but recognised: their columns' names, or most of their cells, say what they hold, and one cell says
//! something else.

use super::super::joint::events_of_total;
use super::super::model_file::Rows;
use super::super::patients::{Survey, Surveyed};
use super::arm_columns::{by_arms, whole};
use super::column_names::{counted, is_lower, is_standard_error, is_upper, published};
use crate::error::{Error, ErrorKind};

/// The cell that keeps a file from being taken for a table of counts or of estimates; none where nothing speaks for one.
pub fn unreadable(survey: &Survey, said: Option<Rows>) -> Option<Error> {
    survey.table.as_ref()?;
    let wanted = |rows: Rows| said.is_none_or(|said| said == rows);
    let counts = || odd_number(&of_counts(survey), "counts").or_else(|| odd_joint(survey));
    let estimates = || odd_number(&of_estimates(survey), "estimates");
    wanted(Rows::Counts).then(counts).flatten().or_else(|| wanted(Rows::Estimates).then(estimates).flatten())
}

/// Columns whose names tell events and totals of two arms at least.
fn of_counts(survey: &Survey) -> Vec<&Surveyed> {
    let named = survey.columns.iter().filter_map(|c| counted(&c.name).map(|(figure, arm)| (arm, figure, c)));
    let arms = by_arms(named.map(|(arm, figure, c)| (arm, vec![(figure, c.name.clone())])).collect());
    let arms = whole(&arms);
    let is_of_an_arm =
        |c: &&Surveyed| arms.iter().any(|arm| arm.figures.iter().any(|(_, name)| *name == c.name));
    if arms.len() < 2 { Vec::new() } else { survey.columns.iter().filter(is_of_an_arm).collect() }
}

/// Columns whose names tell an estimate and its error.
fn of_estimates(survey: &Survey) -> Vec<&Surveyed> {
    let one = |is: &dyn Fn(&str) -> bool| survey.columns.iter().find(|c| is(&c.name));
    let Some(point) = one(&|name| published(name).is_some()) else { return Vec::new() };
    match (one(&is_lower), one(&is_upper), one(&is_standard_error)) {
        (Some(lower), Some(upper), _) => vec![point, lower, upper],
        (_, _, Some(se)) => vec![point, se],
        _ => Vec::new(),
    }
}

fn odd_number(columns: &[&Surveyed], what: &str) -> Option<Error> {
    let column = columns.iter().find(|c| !c.numeric && c.odd.is_some())?;
    if let Some(error) = column.nearly_numbers().filter(|_| column.commas > 0) {
        return Some(error);
    }
    let (row, value) = column.odd.as_ref()?;
    let found = format!("column `{}`, row {row}: found `{value}`, expected a number", column.name);
    Some(taken_for(Error::of(ErrorKind::Data, found), what))
}

/// A cell that is no "events/total" in a column where most are, beside another such column.
fn odd_joint(survey: &Survey) -> Option<Error> {
    let rows = survey.table.as_ref()?;
    let is_joint =
        |text: &str| events_of_total(text, survey.decimal).is_some_and(|(events, total)| events <= total);
    let cells =
        |place: usize| rows.iter().filter_map(move |row| row.get(place)).filter(|text| !text.is_empty());
    let are_most = |place: &usize| {
        let (joint, all) =
            cells(*place).fold((0, 0), |(joint, all), text| (joint + u32::from(is_joint(text)), all + 1));
        2 * joint > all
    };
    let joint: Vec<usize> = (0..survey.columns.len()).filter(are_most).collect();
    if joint.len() < 2 {
        return None;
    }
    let (name, text) = joint.iter().find_map(|&place| {
        let text = cells(place).find(|text| !is_joint(text))?;
        Some((&survey.columns.get(place)?.name, text))
    })?;
    let found = format!("column `{name}`: found `{text}`, expected events/total, such as `41/310`");
    let error = Error::of(ErrorKind::Data, found)
        .help("whole numbers without marks between thousands; a percentage beside them has to be theirs");
    Some(taken_for(error, "counts"))
}

fn taken_for(error: Error, what: &str) -> Error {
    error
        .help(format!("by its columns this is a table of {what}: mend the cell, or leave its row out"))
        .help("if each row is a patient: --rows patients")
}
