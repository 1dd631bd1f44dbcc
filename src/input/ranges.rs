//! Values of a column as they are said on the command line: one by one, or as ranges of whole numbers.

use super::nearest::nearest;
use super::patients::Surveyed;
use crate::error::{Error, ErrorKind, Result};
use crate::study::written::quoted;

/// Values as the column has them. A range, 0-3, stands for the whole numbers in it that some row has. Other values may be
/// such as no row has, as codebooks list more than one file holds; but not where they look like misspelt ones, nor where no
/// row has any of them and one `must_occur`.
pub fn values_of(column: &Surveyed, said: &[String], must_occur: bool) -> Result<Vec<String>> {
    // Too many to be levels: who asks for these says so.
    let Some(levels) = column.levels() else { return Ok(said.to_vec()) };
    let mut all: Vec<String> = Vec::new();
    for value in said {
        let is_there = levels.contains(&value.as_str());
        let Some((from, to)) = range(value).filter(|_| !is_there) else {
            let near = if is_there || value.parse::<f64>().is_ok() {
                None
            } else {
                nearest(value, levels.iter().copied())
            };
            if let Some(near) = near {
                return Err(absent(column, value).help(format!("did you mean `{near}`?")));
            }
            all.push(value.clone());
            continue;
        };
        let whole = |level: &str| level.parse::<f64>().ok().filter(|x| x.fract() == 0.0);
        let mut within: Vec<(f64, &str)> =
            levels.iter().filter_map(|level| Some((whole(level)?, *level))).collect();
        within.retain(|(x, _)| (f64::from(from)..=f64::from(to)).contains(x));
        within.sort_by(|a, b| a.0.total_cmp(&b.0));
        all.extend(within.into_iter().map(|(_, level)| level.to_string()));
    }
    match said.first() {
        Some(first) if must_occur && !all.iter().any(|value| levels.contains(&value.as_str())) => {
            Err(absent(column, first))
        }
        _ => Ok(all),
    }
}

/// "no row has `8`, `9`", of values that a column of levels lacks.
pub fn without_rows(column: &Surveyed, values: &[String]) -> Option<String> {
    let levels = column.levels()?;
    let gone: Vec<String> =
        values.iter().filter(|v| !levels.contains(&v.as_str())).map(|v| quoted(v)).collect();
    (!gone.is_empty()).then(|| format!("no row has {}", gone.join(", ")))
}

/// "0–3" of the whole numbers 0, 1, 2 and 3; none of fewer than two, or of others.
pub fn in_words_of_a_range(values: &[String]) -> Option<String> {
    let mut numbers: Vec<u32> = values.iter().map(|v| v.parse().ok()).collect::<Option<_>>()?;
    numbers.sort_unstable();
    let (first, last) = (numbers.first()?, numbers.last()?);
    let is_whole = last.checked_sub(*first).is_some_and(|steps| steps as usize + 1 == numbers.len());
    (numbers.len() > 1 && is_whole).then(|| format!("{first}–{last}"))
}

/// The ends of a range of whole numbers, as "0-3".
pub fn range(text: &str) -> Option<(u32, u32)> {
    let (from, to) = text.split_once(['-', '–'])?;
    let (from, to) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
    (from < to).then_some((from, to))
}

/// The error of a value that a column does not have.
pub fn absent(column: &Surveyed, value: &str) -> Error {
    let error = Error::of(ErrorKind::Unknown, format!("column `{}` has no value `{value}`", column.name))
        .help(format!("its values are {}", column.in_short()));
    match quotes_for_commas(column.levels().into_iter().flatten()) {
        Some(quotes) => error.help(quotes),
        None => error,
    }
}

/// How a name that holds a comma is given in a list; none where none of them holds one.
pub fn quotes_for_commas<'n>(mut names: impl Iterator<Item = &'n str>) -> Option<String> {
    let name = names.find(|name| name.contains(','))?;
    Some(format!(
        "in a list, a name that holds a comma stands in quotes of its own: '\"{}\"'",
        name.replace('"', "\"\"")
    ))
}
