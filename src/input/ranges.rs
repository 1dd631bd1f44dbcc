//! Values of a column as they are said on the command line: one by one, or as ranges of whole numbers.

use super::patients::Surveyed;
use crate::error::{Error, ErrorKind, Result};

/// Values as the column has them. A range, 0-3, stands for the whole numbers in it that some row has; its ends are among
/// them.
pub fn values_of(column: &Surveyed, said: &[String]) -> Result<Vec<String>> {
    // Too many to be levels: who asks for these says so.
    let Some(levels) = column.levels() else { return Ok(said.to_vec()) };
    let mut all: Vec<String> = Vec::new();
    for value in said {
        let range = if levels.contains(&value.as_str()) { None } else { range(value) };
        let Some((from, to)) = range else {
            if !levels.contains(&value.as_str()) {
                return Err(absent(column, value));
            }
            all.push(value.clone());
            continue;
        };
        let whole = |level: &str| level.parse::<f64>().ok().filter(|x| x.fract() == 0.0);
        let mut within: Vec<(f64, &str)> =
            levels.iter().filter_map(|level| Some((whole(level)?, *level))).collect();
        within.retain(|(x, _)| (f64::from(from)..=f64::from(to)).contains(x));
        within.sort_by(|a, b| a.0.total_cmp(&b.0));
        for end in [from, to] {
            if !within.iter().any(|(x, _)| *x == f64::from(end)) {
                return Err(absent(column, &end.to_string()));
            }
        }
        all.extend(within.into_iter().map(|(_, level)| level.to_string()));
    }
    Ok(all)
}

fn range(text: &str) -> Option<(u32, u32)> {
    let (from, to) = text.split_once(['-', '–'])?;
    let (from, to) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
    (from < to).then_some((from, to))
}

fn absent(column: &Surveyed, value: &str) -> Error {
    Error::of(ErrorKind::Unknown, format!("column `{}` has no value `{value}`", column.name))
        .help(format!("its values are {}", column.in_words()))
}
