//! A look at a data file nobody has described yet: what its columns hold.

use std::path::Path;

use super::super::Reading;
use super::super::reader::{DataFile, Reader};
use super::coding::is_nothing;
use crate::error::{Error, ErrorKind, Place, Result};

/// Values of a column that are remembered.
const MOST_VALUES: usize = 40;

/// What one column holds.
#[derive(Debug, Clone)]
pub struct Surveyed {
    /// As the file's header has it.
    pub name: String,
    /// Distinct values with their rows, by value; none where there are too many to be levels.
    pub values: Option<Vec<(String, u64)>>,
    /// Rows with nothing in it.
    pub missing: u64,
    /// Whether every value that is there is a number.
    pub numeric: bool,
}

/// Files with more rows are not looked at as tables of subgroups: none has so many arms.
const LONGEST_TABLE: usize = 1000;

/// A look at a whole file.
#[derive(Debug, Clone)]
pub struct Survey {
    pub columns: Vec<Surveyed>,
    pub rows: u64,
    /// The rows themselves, where they are few enough to be subgroups or their arms.
    pub table: Option<Vec<Vec<String>>>,
}

/// Every column of a file, and how many rows it has.
pub fn survey(path: &Path, reading: Reading) -> Result<(Vec<Surveyed>, u64)> {
    surveyed(path, reading).map(|found| (found.columns, found.rows))
}

/// The same, with the rows of a short file.
pub fn surveyed(path: &Path, reading: Reading) -> Result<Survey> {
    let shown = path.display().to_string();
    if !path.exists() {
        return Err(Error::of(ErrorKind::File, "there is no such file").at(Place::File(shown)));
    }
    let mut reader = Reader::open(&DataFile::at(path)?, reading)?;
    let mut columns: Vec<Surveyed> = reader
        .header
        .iter()
        .map(|name| Surveyed { name: name.clone(), values: Some(Vec::new()), missing: 0, numeric: true })
        .collect();
    let mut rows = 0;
    let mut table = Some(Vec::new());
    while let Some(row) = reader.next()? {
        rows += 1;
        table = table.filter(|kept| kept.len() < LONGEST_TABLE);
        if let Some(kept) = &mut table {
            let cell = |value: &[u8]| String::from_utf8_lossy(value).trim().to_string();
            kept.push(row.fields.iter().map(cell).collect());
        }
        for (column, value) in columns.iter_mut().zip(row.fields) {
            column.see(&String::from_utf8_lossy(value));
        }
    }
    for column in &mut columns {
        if let Some(values) = &mut column.values {
            values.sort();
        }
    }
    Ok(Survey { columns, rows, table })
}

impl Surveyed {
    fn see(&mut self, value: &str) {
        if is_nothing(value) {
            self.missing += 1;
            return;
        }
        self.numeric = self.numeric && value.parse::<f64>().is_ok();
        let Some(values) = &mut self.values else { return };
        match values.iter().position(|(known, _)| known == value) {
            Some(place) => values[place].1 += 1,
            None if values.len() < MOST_VALUES => values.push((value.to_string(), 1)),
            None => self.values = None,
        }
    }

    /// Its values, where there are few enough to be levels.
    pub fn levels(&self) -> Option<Vec<&str>> {
        Some(self.values.as_ref()?.iter().map(|(value, _)| value.as_str()).collect())
    }

    /// "N 9720, Y 9715; 12 missing", or that it is a number.
    pub fn in_words(&self) -> String {
        let held = match &self.values {
            Some(values) => values.iter().map(|(v, n)| format!("{v} {n}")).collect::<Vec<_>>().join(", "),
            None if self.numeric => "numbers".to_string(),
            None => format!("more than {MOST_VALUES} values"),
        };
        if self.missing > 0 { format!("{held}; {} missing", self.missing) } else { held }
    }
}
