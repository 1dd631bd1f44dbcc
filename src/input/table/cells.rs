//! Counts and numbers of a table.

use super::super::joint::{estimate_with_interval, events_of_total, interval};
use super::super::patients::is_nothing;
use super::super::reader::{Decimal, Row};
use crate::error::{Error, ErrorKind, Result};
use crate::study::rules::MOST_PATIENTS;

/// A whole number, 0 or more.
pub fn count(row: Row<'_>, column: usize) -> Result<u64> {
    let text = row.text(column)?;
    let fault = |message: String| Error::of(ErrorKind::Data, message).at(row.place(column));
    if is_nothing(text) {
        return Err(fault("the count is missing".to_string())
            .help("fill it in; an arm without patients has 0 events of a total of 0"));
    }
    let found = match (without_zeros(text, row.decimal).parse::<u64>(), text.parse::<f64>()) {
        (Ok(count), _) if count <= MOST_PATIENTS => return Ok(count),
        (Ok(_), _) => format!("found {text}; a count is at most a thousand million"),
        (_, Ok(number)) if number > MOST_PATIENTS as f64 && number.is_finite() => {
            format!("found {text}; a count is at most a thousand million")
        }
        (_, Ok(number)) if number < 0.0 => format!("found {text}, expected a count of 0 or more"),
        (_, Ok(_)) => format!("found {text}, expected a whole number"),
        _ => format!("found `{text}`, expected a count: a whole number, 0 or more"),
    };
    Err(fault(found).help(match (events_of_total(text, row.decimal), row.decimal.help(text)) {
        (Some(_), _) => BOTH_IN_ONE.to_string(),
        (None, Some(help)) if text.parse::<f64>().is_err() => help,
        _ => "counts are written as plain whole numbers: 8 or 8.0, not 1,000".to_string(),
    }))
}

/// A count without the decimals that other programs give whole numbers: 8 for 8.0 and 8.00. Three zeros stay, for they
/// may be a thousand.
fn without_zeros(text: &str, decimal: Decimal) -> &str {
    let marks: &[char] = match decimal {
        Decimal::Point => &['.'],
        Decimal::Comma => &[','],
        Decimal::Either => &['.', ','],
    };
    match text.split_once(marks) {
        Some((whole, "0" | "00")) if !whole.is_empty() => whole,
        _ => text,
    }
}

/// A finite number, which errors call so where it is missing.
pub fn real(row: Row<'_>, column: usize, what: &str) -> Result<f64> {
    let text = row.text(column)?;
    let fault = |message: String| Error::of(ErrorKind::Data, message).at(row.place(column));
    match row.decimal.number(text) {
        Some(number) => Ok(number),
        _ if is_nothing(text) => Err(fault(format!("the {what} is missing"))
            .help("fill it in, or leave the row out: rows can be chosen with [data.where]")),
        _ => Err(fault(format!("found `{text}`, expected a number")).help(match row.decimal.help(text) {
            Some(help) => help,
            None => "a cell holds one figure, or an estimate with its interval where one column is named for all: ratio, lower and upper".to_string(),
        })),
    }
}

const BOTH_IN_ONE: &str = "a column that holds both is named twice: columns = { …, control_events = \"COLUMN\", control_total = \"COLUMN\" }";

/// Events and total in one cell, "41/310".
pub fn both_counts(row: Row<'_>, column: usize) -> Result<(u64, u64)> {
    let text = row.text(column)?;
    let fault = |message: String| Error::of(ErrorKind::Data, message).at(row.place(column));
    match events_of_total(text, row.decimal) {
        Some((events, total)) if events.max(total) <= MOST_PATIENTS => Ok((events, total)),
        Some(_) => Err(fault(format!("found {text}")).help("a count is at most a thousand million")),
        None if is_nothing(text) => Err(fault("events and total are missing".to_string())
            .help("fill them in, such as 41/310; an arm without patients is 0/0")),
        None => Err(fault(format!("found `{text}`, expected events and total, such as 41/310"))
            .help("41/310, 41 of 310 and 41/310 (13.2 %) are read, where the percentage agrees")
            .help("the column is named for both; if they have columns of their own, name two")),
    }
}

/// An interval in one cell, "0.40 to 1.10".
pub fn both_ends(row: Row<'_>, column: usize) -> Result<(f64, f64)> {
    let text = row.text(column)?;
    match interval(text, row.decimal) {
        Some([lower, upper]) => Ok((lower, upper)),
        None => Err(unread(row, column, text, ("the interval", "an interval, such as", "0.40 to 1.10"))),
    }
}

/// An estimate with its interval in one cell, "0.66 (0.40 to 1.10)".
pub fn whole_estimate(row: Row<'_>, column: usize) -> Result<[f64; 3]> {
    let text = row.text(column)?;
    let expected = ("the estimate", "an estimate with its interval, such as", "0.66 (0.40 to 1.10)");
    estimate_with_interval(text, row.decimal).ok_or_else(|| unread(row, column, text, expected))
}

fn unread(row: Row<'_>, column: usize, text: &str, (what, words, form): (&str, &str, &str)) -> Error {
    let fault = |message: String| Error::of(ErrorKind::Data, message).at(row.place(column));
    if is_nothing(text) {
        return fault(format!("{what} is missing"))
            .help("fill it in, or leave the row out: rows can be chosen with [data.where]");
    }
    let other = if row.decimal == Decimal::Comma { Decimal::Point } else { Decimal::Comma };
    let by_another_mark = interval(text, other).is_some() || estimate_with_interval(text, other).is_some();
    let error = fault(format!("found `{text}`, expected {words} {form}"));
    match (by_another_mark, other) {
        (true, Decimal::Comma) => error.help(Decimal::HELP),
        (true, _) => error.help("this file is read with decimal commas, and here stand points: leave decimal = \",\" out"),
        _ => error.help("“to”, a dash, a comma or a semicolon may stand between the ends, in round or square brackets; a row without an estimate, as a reference group is, can be left out with [data.where]"),
    }
}
