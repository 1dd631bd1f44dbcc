//! Tables of records as CSV, which spreadsheet programs open and calculate. A column is a field of its record: a name
//! can't be without its value, nor a value without its name.

use std::borrow::Cow;

use super::numbers::full;
use crate::compare::bias::{Conversion, MissingCase, NoTipping, Varied};
use crate::compare::{Absence, Diagnosis, Variant};
use crate::decide::Pool;
use crate::posterior::{By, Direction, Measure, Method, Scope, Statement, Verdict};
use crate::study::{BaselineOf, BiasKind, Pooling};

/// A cell of a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Cell {
    /// A cell without a value.
    #[default]
    Empty,
    /// Text; in CSV with an apostrophe before it where it begins like a formula.
    Text(String),
    /// A number, printed in full; an empty cell where it is not finite.
    Number(f64),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_string())
    }
}

impl From<&String> for Cell {
    fn from(text: &String) -> Cell {
        Cell::Text(text.clone())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}

impl From<f64> for Cell {
    fn from(x: f64) -> Cell {
        Cell::Number(x)
    }
}

impl From<bool> for Cell {
    fn from(is: bool) -> Cell {
        Cell::Text(is.to_string())
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Cell {
        value.map_or(Cell::Empty, T::into)
    }
}

/// Values that are one of a few words: as JSON has them.
macro_rules! words {
    ($($kind:ty),* $(,)?) => {
        $(impl From<$kind> for Cell {
            fn from(value: $kind) -> Cell {
                let word = serde_json::to_value(value);
                word.ok().and_then(|word| word.as_str().map(Cell::from)).unwrap_or_default()
            }
        })*
    };
}

words!(
    Absence,
    BaselineOf,
    BiasKind,
    By,
    Conversion,
    Diagnosis,
    Direction,
    Measure,
    Method,
    MissingCase,
    NoTipping,
    Pool,
    Pooling,
    Scope,
    Statement,
    Variant,
    Varied,
    Verdict,
);

/// A row of a table.
pub trait Record: Default {
    /// Its columns in their order, each with its cell. The names are the same in every row.
    fn columns(self) -> Vec<(&'static str, Cell)>;
}

/// A type of record whose fields are its columns. What a row does not set is empty.
macro_rules! record {
    ($(#[$about:meta])* $name:ident { $($column:ident),* $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Default)]
        struct $name { $($column: $crate::report::records::Cell),* }

        impl $crate::report::records::Record for $name {
            fn columns(self) -> Vec<(&'static str, $crate::report::records::Cell)> {
                vec![$((stringify!($column), self.$column)),*]
            }
        }
    };
}

pub(crate) use record;

/// A table of records of one type: named columns, and a row per record.
#[derive(Debug, Clone, Default)]
pub struct Records {
    names: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Records {
    /// The table of these records: a column per field, a row per record.
    pub(crate) fn of<R: Record>(records: impl IntoIterator<Item = R>) -> Records {
        let cells = |record: R| record.columns().into_iter().map(|(_, cell)| cell).collect();
        Records {
            names: R::default().columns().into_iter().map(|(name, _)| name).collect(),
            rows: records.into_iter().map(cells).collect(),
        }
    }

    /// Without the columns of these names.
    #[must_use]
    pub(crate) fn without(mut self, names: &[&str]) -> Records {
        let kept: Vec<bool> = self.names.iter().map(|name| !names.contains(name)).collect();
        let mut keep = kept.iter();
        self.names.retain(|_| keep.next() == Some(&true));
        for row in &mut self.rows {
            let mut keep = kept.iter();
            row.retain(|_| keep.next() == Some(&true));
        }
        self
    }

    /// Adds a last column that has the same cell in every row.
    pub fn with(mut self, name: &'static str, cell: &Cell) -> Records {
        self.names.push(name);
        self.rows.iter_mut().for_each(|row| row.push(cell.clone()));
        self
    }

    /// The cells, row by row in the order of the columns.
    pub fn rows(&self) -> &[Vec<Cell>] {
        &self.rows
    }

    /// The table as CSV: the names of the columns, then a line per record.
    pub fn csv(&self) -> String {
        let mut lines = Lines::new();
        lines.put(self.names.iter().map(|name| Cow::Borrowed(*name)));
        for row in &self.rows {
            lines.put(row.iter().map(printed));
        }
        lines.text()
    }
}

/// One line of CSV.
pub fn line<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut lines = Lines::new();
    lines.put(texts.into_iter().map(inert));
    lines.text()
}

/// Numbers in full, texts so that no spreadsheet takes them for formulas.
fn printed(cell: &Cell) -> Cow<'_, str> {
    match cell {
        Cell::Empty => Cow::Borrowed(""),
        Cell::Text(text) => inert(text),
        Cell::Number(x) => Cow::Owned(full(*x)),
    }
}

/// Texts that begin like a formula begin with an apostrophe; numbers are as they are.
fn inert(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && text.parse::<f64>().is_err() {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Lines in the making, quoted where they must be.
struct Lines(csv::Writer<Vec<u8>>);

impl Lines {
    fn new() -> Lines {
        Lines(csv::Writer::from_writer(Vec::new()))
    }

    fn put<'a>(&mut self, cells: impl Iterator<Item = Cow<'a, str>>) {
        // Writing to memory does not fail, and all lines are equally long.
        for cell in cells {
            let _ = self.0.write_field(cell.as_bytes());
        }
        let _ = self.0.write_record(None::<&[u8]>);
    }

    fn text(self) -> String {
        self.0.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, Pooling, Records, line};

    record!(Patient { name, age, pooling });

    #[test]
    fn texts_are_no_formulas_and_numbers_are_as_they_are() {
        assert_eq!(
            line(["=1+1", "+a", "-a", "@a", "\ta", "\ra", "a=1", "'a", ""]),
            "'=1+1,'+a,'-a,'@a,'\ta,\"'\ra\",a=1,'a,\n"
        );
        assert_eq!(line(["-1", "+1", "-2.5e-7", "0.5"]), "-1,+1,-2.5e-7,0.5\n");
    }

    #[test]
    fn columns_are_the_fields_and_what_is_not_set_is_empty() {
        let rows = [
            Patient { name: "=A".into(), age: (-0.5).into(), ..Patient::default() },
            Patient { age: f64::NAN.into(), pooling: Some(Pooling::Complete).into(), ..Patient::default() },
        ];
        let table = Records::of(rows).with("caveat", &Cell::from("made up, of course"));
        assert_eq!(
            table.csv(),
            "name,age,pooling,caveat\n'=A,-0.5,,\"made up, of course\"\n,,complete,\"made up, of course\"\n"
        );
        assert_eq!(Records::of::<Patient>([]).csv(), "name,age,pooling\n");
    }
}
