//! Tables with a row for every subgroup, arm and ordered level.

use super::super::draft::Draft;
use super::super::draft_levels::{Ordered, ordered};
use super::super::model_file::Rows;
use super::super::patients::{Survey, Surveyed};
use super::super::roles::column;
use super::{Table, arm_column, arms_of, called, distinct, subgroup_beside, tells_rows_apart};
use crate::error::{Error, ErrorKind, Result};

/// What columns of ordered levels and of their patients are called, in lower case.
const LEVELS: [&str; 9] =
    ["level", "levels", "grade", "category", "mrs", "score", "outcome", "response", "result"];
const PATIENTS: [&str; 8] = ["patients", "n", "count", "counts", "number", "freq", "frequency", "cases"];

/// The table, where columns of levels and of whole numbers of patients are called so, and no level of an arm stands twice.
pub fn by_level(survey: &Survey, said: &Draft) -> Result<Option<Table>> {
    let Some(rows) = &survey.table else { return Ok(None) };
    let level = match &said.outcome {
        Some(name) => Some(column(&survey.columns, "outcome", Some(name), &[])?),
        None => called(survey, &LEVELS),
    };
    let (Some(arm), Some(level), Some(patients)) =
        (arm_column(survey, said)?, level, called(survey, &PATIENTS))
    else {
        return Ok(None);
    };
    let columns = [("arm", arm), ("level", level), ("patients", patients)];
    let mut columns: Vec<(String, String)> =
        columns.into_iter().map(|(key, c)| (key.to_string(), c.name.clone())).collect();
    let Some(of_names) = subgroup_beside(survey, said, &columns)? else { return Ok(None) };
    let key = of_names.into_iter().chain([arm, level]);
    if said.rows.is_none() && !(tells_rows_apart(survey, rows, key) && is_count(patients)) {
        return Ok(None);
    }
    let names = (level.name.as_str(), patients.name.as_str());
    let Some(ordered) = levels_of(survey, said, names)? else { return Ok(None) };
    let levels = arms_of(arm, said)?;
    if let Some(of_names) = of_names {
        columns.insert(0, ("subgroup".to_string(), of_names.name.clone()));
    }
    let arms = [0, 1].map(|i| levels[i].join(" or "));
    let subgroups = distinct(survey, &columns);
    let (levels, ordered) = (Some(levels), Some(ordered));
    Ok(Some(Table { rows: Rows::Counts, columns, levels, arms, scale: None, ordered, subgroups }))
}

fn is_count(column: &Surveyed) -> bool {
    let whole = |value: &str| value.parse::<u64>().is_ok();
    column.numeric && column.levels().is_none_or(|values| values.into_iter().all(whole))
}

/// The levels of a table's column, by the patients of another; where neither order nor cut is said, what is asked for.
pub fn levels_of(survey: &Survey, said: &Draft, (level, patients): (&str, &str)) -> Result<Option<Ordered>> {
    let of = column(&survey.columns, "level", Some(level), &[])?;
    let place = |name: &str| survey.columns.iter().position(|c| c.name == name);
    let (Some(at), Some(n), Some(rows)) = (place(level), place(patients), &survey.table) else {
        return Ok(None);
    };
    let values = of.levels().unwrap_or_default();
    let count = |value: &str| {
        let own = rows.iter().filter(|row| row.get(at).is_some_and(|text| text == value));
        own.filter_map(|row| survey.decimal.number(row.get(n)?)).sum::<f64>()
    };
    let counts: Vec<(&str, f64)> = values.iter().map(|value| (*value, count(value))).collect();
    // A cut is asked for of a table all the same: it has no event.
    let asked = match (said.levels.as_slice(), &said.above) {
        ([], None) if values.len() > 2 => {
            let levels = values.iter().map(|v| (*v).to_string()).collect();
            let numbers = values.iter().all(|v| v.parse::<f64>().is_ok());
            if !numbers {
                return Err(Error::of(
                    ErrorKind::Missing,
                    format!("in which order are the levels of column `{level}`?"),
                )
                .help(format!(
                    "say so, lowest first: --levels {}; and --above LEVEL, the primary cut",
                    values.join(",")
                ))
                .help("if each row is a patient: --rows patients"));
            }
            Draft { levels: sorted(levels), ..said.clone() }
        }
        ([], None) => return Ok(None),
        _ => said.clone(),
    };
    ordered(of, &counts, &asked).map_err(|e| e.help("if each row is a patient: --rows patients"))
}

fn sorted(mut levels: Vec<String>) -> Vec<String> {
    let number = |v: &String| v.parse::<f64>().unwrap_or(f64::NAN);
    levels.sort_by(|a, b| number(a).total_cmp(&number(b)));
    levels
}
