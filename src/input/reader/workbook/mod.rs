//! Rows of one worksheet of an Excel workbook.
//!
//! Cells are held as the texts that a CSV file would hold: memory is in proportion to what the sheet holds rather than to
//! how far it reaches.

mod archive;
mod choice;

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use calamine::{CellErrorType, DataRef, Dimensions, ExcelDateTime, Reader, Xlsx, XlsxCellReader, XlsxError};
use csv::ByteRecord;

use super::super::Reading;
use super::bounds::{LONGEST_VALUE, too_long};
use super::form::Form;
use super::kind::Head;
use super::typed::guarded;
use super::typed::texts::{self, put};
use super::{Found, Records, unreadable};
use crate::error::{Error, ErrorKind, Place, Result};
use archive::{Claim, check_claims};
use choice::Sheets;

/// What a worksheet holds, by row.
#[derive(Default)]
struct Sheet {
    text: Vec<u8>,
    cells: Vec<Cell>,
    rows: Vec<Row>,
    /// Columns that hold anything, from the left.
    columns: Vec<u32>,
    /// Rows that were given out, and bytes of text.
    given: usize,
    told: usize,
    /// Whether sheets before it were passed over.
    is_not_the_first: bool,
}

/// A cell that is not empty.
#[derive(Clone, Copy)]
struct Cell {
    column: u32,
    length: u32,
}

/// A row that is not empty.
#[derive(Clone, Copy)]
struct Row {
    /// As the sheet counts, from 1.
    number: u64,
    first_cell: usize,
}

type Book = Xlsx<BufReader<File>>;

/// A worksheet ends with row 1,048,576 and with column XFD.
const LAST_ROW: u64 = 1 << 20;
const LAST_COLUMN: u32 = (1 << 14) - 1;

pub fn open(path: &Path, shown: &str, (_, reading, form): (&Head, Reading, &Form)) -> Result<Found> {
    check_archive(path, shown, reading)?;
    let file = File::open(path).map_err(|e| unreadable(shown, &e))?;
    let mut book: Book =
        library(|| Xlsx::new(BufReader::new(file))).map_err(|e| no_workbook(&e, path, shown))?;
    let sheets = Sheets::of(&book);
    for name in sheets.chosen(form, shown)? {
        let file = sheets.file(name, shown);
        let damaged = |e: XlsxError| damaged(&e, &file);
        let mut sheet = Sheet::default();
        sheet.read(&mut library(|| book.worksheet_cells_reader(name)).map_err(damaged)?, &file)?;
        if form.sheet.is_none() && !sheet.has_a_table() && sheets.are_several() {
            continue;
        }
        let merged = library(|| book.merge_cells_by_sheet_name(name)).map_err(damaged)?;
        sheet.check_merged(&merged, &file).map_err(|e| sheets.others(e, name))?;
        sheet.is_not_the_first = form.sheet.is_none() && sheets.first() != Some(name);
        return found(sheet, name, (&sheets, file, shown));
    }
    Err(sheets.no_table(shown))
}

/// A sheet whose first row names its columns.
fn found(mut sheet: Sheet, name: &str, (sheets, file, shown): (&Sheets, String, &str)) -> Result<Found> {
    let mut names = ByteRecord::new();
    let Some(header_row) = sheet.tell(&mut names) else {
        let error = Error::of(ErrorKind::Data, format!("the worksheet `{name}` is empty"))
            .at(Place::File(shown.to_string()))
            .help("the table is expected there, the names of its columns first");
        return Err(sheets.others(error, name));
    };
    let header: Vec<String> = names.iter().map(|n| String::from_utf8_lossy(n).into_owned()).collect();
    let nameless: Vec<u32> =
        header.iter().zip(&sheet.columns).filter(|(n, _)| n.is_empty()).map(|(_, c)| *c).collect();
    if let [one, other, ..] = nameless.as_slice() {
        let (one, other) = (letters(*one), letters(*other));
        let message = format!("columns {one} and {other} hold values, and have no name in this row");
        let error = Error::of(ErrorKind::Data, message)
            .at(Place::Row { file, row: header_row, column: None })
            .help("the first row that is not empty has to name the columns: remove titles above it and notes beside");
        return Err(sheets.others(error, name));
    }
    let sheets = sheets.in_words(name);
    Ok(Found { file, header, header_row: Some(header_row), sheets, records: Box::new(sheet) })
}

impl Records for Sheet {
    fn next(&mut self, _: &str, record: &mut ByteRecord) -> Result<Option<u64>> {
        Ok(self.tell(record))
    }

    fn notices(&self, file: &str) -> Vec<String> {
        let notice = format!("{file} was read: it is the first sheet that has a table.");
        if self.is_not_the_first { vec![notice] } else { Vec::new() }
    }
}

/// The library believes what the archive's parts say of their sizes: they are compared with what is there beforehand.
fn check_archive(path: &Path, shown: &str, reading: Reading) -> Result<()> {
    let file = File::open(path).map_err(|e| unreadable(shown, &e))?;
    match guarded(|| check_claims(file, reading)) {
        // What can't be unpacked here can't be there: the library finds words for it.
        Some(Ok(()) | Err(Claim::Unpacked)) => Ok(()),
        Some(Err(Claim::TooLarge(large))) => Err(large.error(shown)),
        Some(Err(Claim::False(what))) => Err(damaged(&XlsxError::Unexpected(what), shown)),
        None => Err(damaged(&XlsxError::Unexpected("its bytes make no sense"), shown)),
    }
}

impl Sheet {
    /// Columns and more than one row; notes have a column alone.
    fn has_a_table(&self) -> bool {
        self.columns.len() > 1 && self.rows.len() > 1
    }

    /// The next row that is not empty, and its number.
    fn tell(&mut self, record: &mut ByteRecord) -> Option<u64> {
        let row = *self.rows.get(self.given)?;
        let mut cells = self.cells[self.cells_of(self.given)].iter().peekable();
        record.clear();
        for column in &self.columns {
            let length = cells.next_if(|c| c.column == *column).map_or(0, |c| c.length as usize);
            record.push_field(&self.text[self.told..self.told + length]);
            self.told += length;
        }
        self.given += 1;
        Some(row.number)
    }

    fn cells_of(&self, row: usize) -> Range<usize> {
        let end = self.rows.get(row + 1).map_or(self.cells.len(), |next| next.first_cell);
        self.rows[row].first_cell..end
    }

    fn read<R: Read + Seek>(&mut self, cells: &mut XlsxCellReader<'_, R>, file: &str) -> Result<()> {
        let mut used = Vec::new();
        loop {
            let next = library(|| cells.next_cell_with_formula_metadata());
            let Some(cell) = next.map_err(|e| self.fault(&e, file))? else { break };
            let (row, column) = (u64::from(cell.pos.0) + 1, cell.pos.1);
            if row > LAST_ROW || column > LAST_COLUMN {
                return Err(Error::of(ErrorKind::Syntax, "a cell lies beyond the last row or column that a worksheet has")
                    .at(Place::Row { file: file.to_string(), row, column: None })
                    .help("the file is damaged, or was not written by a spreadsheet program: save it again as .xlsx"));
            }
            let start = self.text.len();
            let wrong = match &cell.value {
                DataRef::Empty if cell.formula.is_some() => Some("a formula that was never calculated"),
                value => tell(value, &mut self.text),
            };
            if let Some(what) = wrong {
                return Err(Error::of(
                    ErrorKind::Data,
                    format!("cell {}{row} holds {what}", letters(column)),
                )
                .at(self.place(file, row, column))
                .help("put a value there, or leave it empty; formulas are calculated when Excel saves"));
            }
            let length = self.text.len() - start;
            if length > LONGEST_VALUE {
                return Err(too_long(self.place(file, row, column)));
            }
            if length > 0 {
                self.push(row, column, length).map_err(|what| damaged(&XlsxError::Unexpected(what), file))?;
                used.resize(used.len().max(column as usize + 1), false);
                used[column as usize] = true;
            }
        }
        self.columns = (0..).zip(&used).filter(|(_, u)| **u).map(|(c, _)| c).collect();
        Ok(())
    }

    /// Cells come in order, row by row from the left.
    fn push(&mut self, row: u64, column: u32, length: usize) -> std::result::Result<(), &'static str> {
        let before = self.rows.last().map(|r| r.number);
        if before.is_none_or(|before| before < row) {
            self.rows.push(Row { number: row, first_cell: self.cells.len() });
        } else if before != Some(row) || self.cells.last().is_some_and(|c| c.column >= column) {
            return Err("its cells are out of order");
        }
        let length = u32::try_from(length).map_err(|_| "a cell is too long")?;
        self.cells.push(Cell { column, length });
        Ok(())
    }

    /// Of merged cells only the first holds the value: the others would be taken for missing.
    fn check_merged(&self, merged: &[Dimensions], file: &str) -> Result<()> {
        for Dimensions { start, end } in merged {
            let covers = end.0 > start.0 || self.columns.iter().any(|c| start.1 < *c && *c <= end.1);
            let row = u64::from(start.0) + 1;
            if covers && self.holds(row, start.1) {
                let corner = |(row, column): &(u32, u32)| format!("{}{}", letters(*column), row + 1);
                return Err(Error::of(
                    ErrorKind::Data,
                    format!("cells {} to {} are merged", corner(start), corner(end)),
                )
                .at(self.place(file, row, start.1))
                .help("unmerge them, and put the value into each"));
            }
        }
        Ok(())
    }

    fn holds(&self, row: u64, column: u32) -> bool {
        self.rows
            .binary_search_by_key(&row, |r| r.number)
            .is_ok_and(|at| self.cells[self.cells_of(at)].iter().any(|c| c.column == column))
    }

    /// With the column's name, where the header is read.
    fn place(&self, file: &str, row: u64, column: u32) -> Place {
        let header = self.rows.first().filter(|header| header.number < row).map(|_| self.cells_of(0));
        let mut start = 0;
        let name = self.cells[header.unwrap_or_default()].iter().find_map(|cell| {
            let text = &self.text[start..start + cell.length as usize];
            start += cell.length as usize;
            (cell.column == column).then(|| String::from_utf8_lossy(text).into_owned())
        });
        Place::Row { file: file.to_string(), row, column: name }
    }

    fn fault(&self, e: &XlsxError, file: &str) -> Error {
        let row = self.rows.last().map_or(1, |r| r.number);
        match e {
            XlsxError::CellError(what) => {
                Error::of(ErrorKind::Data, format!("a cell in this row or below holds the error {what}"))
                    .at(Place::Row { file: file.to_string(), row, column: None })
                    .help("put a value there, or leave it empty")
            }
            e => damaged(e, file),
        }
    }
}

/// A value as text, or what it is that has none. Not available, `#N/A`, is a missing value; every other error of a
/// formula is one here.
fn tell(value: &DataRef<'_>, out: &mut Vec<u8>) -> Option<&'static str> {
    match value {
        DataRef::Empty | DataRef::Error(CellErrorType::NA) => {}
        DataRef::Int(v) => put(out, format_args!("{v}")),
        DataRef::Float(v) => texts::double(*v, out),
        DataRef::Bool(v) => put(out, format_args!("{v}")),
        DataRef::String(v) | DataRef::DateTimeIso(v) | DataRef::DurationIso(v) => {
            out.extend_from_slice(v.trim_ascii().as_bytes());
        }
        DataRef::SharedString(v) => out.extend_from_slice(v.trim_ascii().as_bytes()),
        DataRef::DateTime(v) => tell_date(v, out),
        DataRef::Error(e) => return Some(error_words(e)),
    }
    None
}

fn error_words(e: &CellErrorType) -> &'static str {
    match e {
        CellErrorType::Div0 => "the error #DIV/0!",
        CellErrorType::NA => "#N/A",
        CellErrorType::Name => "the error #NAME?",
        CellErrorType::Null => "the error #NULL!",
        CellErrorType::Num => "the error #NUM!",
        CellErrorType::Ref => "the error #REF!",
        CellErrorType::Value => "the error #VALUE!",
        CellErrorType::GettingData => "data that was never fetched",
    }
}

/// A day, a day with its time, a time of day (which Excel counts as before its first day), or a duration.
fn tell_date(value: &ExcelDateTime, out: &mut Vec<u8>) {
    let serial = value.as_f64();
    let milliseconds = (serial * 86_400_000.0).round() as i64;
    if value.is_duration() || (0.0..1.0).contains(&serial) {
        texts::time(milliseconds, 1_000, out);
        return;
    }
    let (year, month, day, hour, minute, second, rest) = value.to_ymd_hms_milli();
    put(out, format_args!("{year:04}-{month:02}-{day:02}"));
    if (hour, minute, second, rest) != (0, 0, 0, 0) {
        let seconds = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
        out.push(b' ');
        texts::time(seconds * 1_000 + i64::from(rest), 1_000, out);
    }
}

/// A column as Excel calls it: A, Z, AA.
fn letters(column: u32) -> String {
    let before = if column < 26 { String::new() } else { letters(column / 26 - 1) };
    format!("{before}{}", char::from(b'A' + (column % 26) as u8))
}

fn library<T>(work: impl FnOnce() -> std::result::Result<T, XlsxError>) -> std::result::Result<T, XlsxError> {
    guarded(work).unwrap_or(Err(XlsxError::Unexpected("its bytes make no sense")))
}

/// Why a zip archive is not read.
fn no_workbook(e: &XlsxError, path: &Path, shown: &str) -> Error {
    let (kind, what, help) = match e {
        XlsxError::FileNotFound(_) => (
            ErrorKind::Syntax,
            "this is a zip archive, and not an Excel workbook".to_string(),
            "unpack it, and name the file in it; or save a workbook as .xlsx",
        ),
        XlsxError::Zip(e) => (
            ErrorKind::Syntax,
            format!("this is a zip archive or an Excel workbook that is cut short or damaged: {e}"),
            "is the file whole? save it again as .xlsx, or save it as CSV",
        ),
        _ if is_binary_workbook(path) => (
            ErrorKind::Unavailable,
            "this is a binary Excel workbook (.xlsb)".to_string(),
            "save it as .xlsx, or as CSV",
        ),
        e => return damaged(e, shown),
    };
    Error::of(kind, what).at(Place::File(shown.to_string())).help(help)
}

fn damaged(e: &XlsxError, file: &str) -> Error {
    Error::of(ErrorKind::Syntax, format!("this is an Excel workbook that can't be read: {e}"))
        .at(Place::File(file.to_string()))
        .help("save it again as .xlsx, or save it as CSV")
}

/// The names of an archive's files stand at its end.
fn is_binary_workbook(path: &Path) -> bool {
    const NAME: &[u8] = b"xl/workbook.bin";
    let tail = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(64 << 10)))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        Ok(tail)
    };
    tail().is_ok_and(|tail| tail.windows(NAME.len()).any(|w| w == NAME))
}

#[cfg(test)]
mod tests {
    use super::letters;

    #[test]
    fn columns_are_called_as_in_excel() {
        assert_eq!(
            [0, 25, 26, 51, 701, 702, 16_383].map(letters),
            ["A", "Z", "AA", "AZ", "ZZ", "AAA", "XFD"]
        );
    }
}
