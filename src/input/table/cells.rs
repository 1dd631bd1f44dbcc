//! Counts and numbers of a table.

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
    Err(fault(found).help("counts are written as plain whole numbers: 8 or 8.0, not 1,000"))
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
        _ if row.decimal.has_a_comma(text) => Err(fault(format!("found `{text}`")).help(Decimal::HELP)),
        _ => Err(fault(format!("found `{text}`, expected a number"))
            .help("a cell holds one figure; intervals have columns of their own")),
    }
}
