//! Which columns of a data file hold what, and which of their values are which: as said, or by usual names.

use super::draft::Draft;
use super::nearest::nearest;
use super::patients::{Cut, Surveyed};
use super::ranges::{absent, quotes_for_commas};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::study::written::quoted;

/// Column names that are usual for what they hold, in lower case.
pub const OUTCOMES: [&str; 8] = ["outcome", "event", "death", "dead", "died", "status", "response", "mrs03"];
pub const TREATMENTS: [&str; 8] = ["treatment", "treat", "arm", "arms", "trt", "rx", "group", "randomised"];
pub const SUBGROUPS: [&str; 6] = ["subgroup", "etiology", "aetiology", "subtype", "stratum", "cohort"];

/// Values that are usual for the one of two.
pub const YES: [&str; 6] = ["1", "y", "yes", "true", "dead", "event"];
pub const NO: [&str; 9] = ["0", "n", "no", "false", "alive", "control", "placebo", "none", "c"];

/// The column that is named, or the only one with a usual name.
pub fn column<'a>(
    columns: &'a [Surveyed],
    what: &str,
    said: Option<&str>,
    usual: &[&str],
) -> Result<&'a Surveyed> {
    let listed = || columns_in_words(columns);
    if let Some(name) = said {
        return columns.iter().find(|c| c.name == name).ok_or_else(|| {
            let error = Error::of(ErrorKind::Unknown, format!("the file has no column `{name}`"));
            let error = match nearest(name, columns.iter().map(|c| c.name.as_str())) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error,
            };
            let error = error.help(format!("its columns are: {}", listed()));
            let quotes = quotes_for_commas(columns.iter().map(|c| c.name.as_str()));
            // These stand alone; others are lists.
            match quotes.filter(|_| !["outcome", "treatment", "subgroup", "centre"].contains(&what)) {
                Some(quotes) => error.help(quotes),
                None => error,
            }
        });
    }
    let found: Vec<&Surveyed> =
        columns.iter().filter(|c| usual.contains(&c.name.to_lowercase().as_str())).collect();
    match found.as_slice() {
        [one] => Ok(one),
        _ => Err(Error::of(ErrorKind::Missing, format!("which column is the {what}?"))
            .help(match what {
                "subgroup" => {
                    "name it: --subgroup COLUMN; or --no-subgroup, and all patients are one".to_string()
                }
                _ => format!("name it: --{what} COLUMN"),
            })
            .help(format!("the columns are: {}", listed()))
            .help("that is for rows of patients or of arms; if each row is a subgroup, --rows counts or --rows estimates says so")),
    }
}

/// The first columns with what they hold, and how many more there are.
fn columns_in_words(columns: &[Surveyed]) -> String {
    const TOLD: usize = 10;
    let first: Vec<String> =
        columns.iter().take(TOLD).map(|c| format!("{} ({})", c.name, c.in_short())).collect();
    match columns.len().saturating_sub(TOLD) {
        0 => first.join("; "),
        more => format!("{}; and {more} more", first.join("; ")),
    }
}

/// A column's values in two lists: as said, with `options` that can say it, or by usual names where there are two.
pub fn two(
    column: &Surveyed,
    levels: &[&str],
    [first, second]: [&[String]; 2],
    usual: &[&str],
    options: &str,
) -> Result<[Vec<String>; 2]> {
    for said in [first, second] {
        if !said.is_empty() && !said.iter().any(|value| levels.contains(&value.as_str())) {
            return Err(absent(column, &said[0]));
        }
    }
    let rest = |taken: &[String]| -> Vec<String> {
        levels.iter().filter(|l| !taken.iter().any(|t| t == *l)).map(|l| (*l).to_string()).collect()
    };
    let lists = match (first, second) {
        ([], []) => {
            let is_usual = |l: &&&str| usual.contains(&l.to_lowercase().as_str());
            let found: Vec<String> = levels.iter().filter(is_usual).map(|l| (*l).to_string()).collect();
            if levels.len() != 2 || found.len() != 1 {
                return Err(Error::of(
                    ErrorKind::Missing,
                    format!("which values of column `{}` are which?", column.name),
                )
                .help(format!("say so with {options}: its values are {}", column.in_short())));
            }
            let rest = rest(&found);
            [found, rest]
        }
        (first, []) => [first.to_vec(), rest(first)],
        ([], second) => [rest(second), second.to_vec()],
        (first, second) => [first.to_vec(), second.to_vec()],
    };
    match lists.iter().any(Vec::is_empty) {
        true => Err(Error::of(ErrorKind::Rule, format!("one side of column `{}` has no value", column.name))
            .at(Place::File(column.name.clone()))
            .help(format!("its values are {}", column.in_short()))),
        false => Ok(lists),
    }
}

/// What stands in the treatment's column for control and for active. Where one is named, several other values are no arm by
/// themselves: which of them is the other, and whose rows are left out, has to be said.
pub fn arms(column: &Surveyed, levels: &[&str], said: &Draft, usual: &[&str]) -> Result<[Vec<String>; 2]> {
    let (control, active) = (&said.control, &said.active);
    // Of more than two values, one option leaves the other side open.
    let options = if levels.len() > 2 { "--control and --active" } else { "--control or --active" };
    let lists = two(column, levels, [control, active], usual, options)?;
    let (option, named, rest) = match (control.as_slice(), active.as_slice()) {
        (_, []) => ("--active", "--control", &lists[1]),
        ([], _) => ("--control", "--active", &lists[0]),
        _ => return Ok(lists),
    };
    if rest.len() < 2 {
        return Ok(lists);
    }
    let rows = |value: &String| {
        let rows = column.values.iter().flatten().find(|(v, _)| v == value).map_or(0, |(_, rows)| *rows);
        format!("`{value}` ({rows} rows)")
    };
    let what = format!(
        "column `{}` has {} values beside those of {named}: {}",
        column.name,
        rest.len(),
        rest.iter().map(rows).collect::<Vec<_>>().join(", ")
    );
    Err(Error::of(ErrorKind::Missing, what)
        .help(format!(
            "say which are the other arm: {option} {} (rows of the others are then left out and counted)",
            in_a_list(&rest[0])
        ))
        .help(format!(
            "or put all of them into one arm: {option} {}",
            rest.iter().map(|v| in_a_list(v)).collect::<Vec<_>>().join(",")
        )))
}

/// A value as a list on the command line takes it.
fn in_a_list(value: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "._-+".contains(c);
    match value.chars().all(is_plain) {
        true => value.to_string(),
        false => format!("'\"{}\"'", value.replace('"', "\"\"")),
    }
}

/// A covariate as the model file has it: a number by its name, levels against the most frequent one, or against the lowest
/// that a number is cut into.
pub fn covariate(columns: &[Surveyed], name: &str, cut: Option<&Cut>) -> Result<String> {
    let c = column(columns, "covariate", Some(name), &[])?;
    if let Some(lowest) = cut.and_then(|cut| cut.labels.first()) {
        return Ok(format!("{{ column = {}, reference = {} }}", quoted(name), quoted(lowest)));
    }
    if c.numeric {
        return Ok(quoted(name));
    }
    if let Some(error) = c.nearly_numbers() {
        return Err(error);
    }
    let most = c.values.iter().flatten().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)));
    match most {
        Some((reference, _)) => {
            Ok(format!("{{ column = {}, reference = {} }}", quoted(name), quoted(reference)))
        }
        None => Err(Error::of(
            ErrorKind::Data,
            format!("column `{name}` is neither a number nor has it few levels"),
        )
        .help(match &c.odd {
            Some((row, value)) => format!("it holds {}; row {row} has `{value}`", c.in_short()),
            None => format!("it holds {}", c.in_short()),
        })),
    }
}
