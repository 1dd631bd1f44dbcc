//! A look at a data file nobody has described yet: what its columns hold.

use std::path::Path;

use super::super::Reading;
use super::super::columns::Kept;
use super::super::reader::{DataFile, Decimal, Form, Reader};
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
    /// Rows that have a value.
    pub held: u64,
    /// Of these, rows whose value is a number.
    pub numbers: u64,
    /// Of these, rows whose value would be a number with a decimal comma.
    pub commas: u64,
    /// The first value that is no number, and its row.
    pub odd: Option<(u64, String)>,
}

/// Files with more rows are not looked at as tables of subgroups: none has so many arms.
const LONGEST_TABLE: usize = 1000;

/// A look at a whole file.
#[derive(Debug, Clone)]
pub struct Survey {
    pub columns: Vec<Surveyed>,
    /// Rows that were looked at: all, or those that were asked for.
    pub rows: u64,
    /// The rows themselves, where they are few enough to be subgroups or their arms.
    pub table: Option<Vec<Vec<String>>>,
    /// How its numbers are written.
    pub decimal: Decimal,
    /// Of a workbook: which sheet was read, and which others there are.
    pub sheets: Option<String>,
}

/// Every column of a file, and how many rows it has.
pub fn survey(path: &Path, reading: Reading) -> Result<(Vec<Surveyed>, u64)> {
    surveyed(path, (reading, &Form::default()), &[]).map(|found| (found.columns, found.rows))
}

/// The same of a file whose form is known, with the rows of a short file; only of rows that have one of these values in each
/// of these columns.
pub fn surveyed(
    path: &Path,
    (reading, form): (Reading, &Form),
    keep: &[(String, Vec<String>)],
) -> Result<Survey> {
    let shown = path.display().to_string();
    if !path.exists() {
        return Err(Error::of(ErrorKind::File, "there is no such file").at(Place::File(shown)));
    }
    let mut reader = Reader::open(&DataFile::at(path)?, (reading, form))?;
    let mut columns: Vec<Surveyed> = reader.header.iter().map(|name| Surveyed::of(name)).collect();
    let mut kept = Kept::asked(keep, &reader.header)?;
    let mut rows = 0;
    let mut table = Some(Vec::new());
    while let Some(row) = reader.next()? {
        if !kept.keeps(row) {
            continue;
        }
        rows += 1;
        table = table.filter(|kept| kept.len() < LONGEST_TABLE);
        if let Some(kept) = &mut table {
            let cell = |value: &[u8]| String::from_utf8_lossy(value).trim().to_string();
            kept.push(row.fields.iter().map(cell).collect());
        }
        for (column, value) in columns.iter_mut().zip(row.fields) {
            column.see(&String::from_utf8_lossy(value), (row.number, row.decimal));
        }
    }
    if let Some((error, _)) = kept.unmet() {
        return Err(error);
    }
    for column in &mut columns {
        if let Some(values) = &mut column.values {
            values.sort();
        }
    }
    Ok(Survey { columns, rows, table, decimal: reader.decimal, sheets: reader.header.sheets.take() })
}

impl Surveyed {
    fn of(name: &str) -> Surveyed {
        Surveyed {
            name: name.to_string(),
            values: Some(Vec::new()),
            missing: 0,
            numeric: true,
            held: 0,
            numbers: 0,
            commas: 0,
            odd: None,
        }
    }

    fn see(&mut self, value: &str, (row, decimal): (u64, Decimal)) {
        if is_nothing(value) {
            self.missing += 1;
            return;
        }
        self.held += 1;
        if decimal.number(value).is_some() {
            self.numbers += 1;
        } else {
            self.numeric = false;
            self.commas += u64::from(decimal.has_a_comma(value));
            self.odd.get_or_insert_with(|| (row, value.to_string()));
        }
        let Some(values) = &mut self.values else { return };
        match values.iter().position(|(known, _)| known == value) {
            Some(place) => values[place].1 += 1,
            None if values.len() < MOST_VALUES => values.push((value.to_string(), 1)),
            None => self.values = None,
        }
    }

    /// What is odd about a column that holds numbers, but for one row in twenty at most.
    pub fn nearly_numbers(&self) -> Option<Error> {
        let (name, (row, value)) = (&self.name, self.odd.as_ref()?);
        let are_most = |numbers: u64| numbers > 0 && 20 * (self.held - numbers) <= self.held;
        if self.commas > 0 && are_most(self.numbers + self.commas) {
            let what = format!("column `{name}` holds numbers with decimal commas: row {row} has `{value}`");
            return Some(Error::of(ErrorKind::Data, what).help("say so: --decimal ,"));
        }
        let what = format!(
            "{} of {} values of column `{name}` are numbers; row {row} has `{value}`",
            self.numbers, self.held
        );
        let levels = format!("adjust = [{{ column = \"{name}\", reference = \"…\" }}]");
        are_most(self.numbers).then(|| {
            Error::of(ErrorKind::Data, what)
                .help("correct it, or leave it empty")
                .help(format!("if they are levels all the same, leave the column out here, and write into the model file: {levels}"))
        })
    }

    /// Its values, where there are few enough to be levels.
    pub fn levels(&self) -> Option<Vec<&str>> {
        Some(self.values.as_ref()?.iter().map(|(value, _)| value.as_str()).collect())
    }

    /// The same of at most ten values, for errors.
    pub fn in_short(&self) -> String {
        const TOLD: usize = 10;
        let Some(values) = self.values.as_ref().filter(|values| values.len() > TOLD) else {
            return self.in_words();
        };
        let first: Vec<String> = values.iter().take(TOLD).map(|(v, n)| format!("{v} {n}")).collect();
        format!("{} and {} more values", first.join(", "), values.len() - TOLD)
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
