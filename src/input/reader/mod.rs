//! Records of a data file, read one at a time, with its checksum.
//!
//! Three kinds of file give the same records of texts: delimited text, plain or gzipped; Parquet; a worksheet of an Excel
//! workbook. A missing value is the empty text, a truth `true` or `false`, a number the shortest text that is
//! exactly it, a whole one without a point.

mod bounds;
#[cfg(feature = "parquet")]
mod columnar;
mod delimited;
mod encoding;
mod form;
mod kind;
mod lines;
mod once;
#[cfg(any(feature = "excel", feature = "parquet"))]
mod typed;
#[cfg(feature = "excel")]
mod workbook;

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::ops::Deref;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use csv::ByteRecord;
use sha2::{Digest, Sha256};

use super::Reading;
use super::source::{self, in_hexadecimal};
use crate::error::{Error, ErrorKind, Place, Result};
use bounds::{LONGEST_VALUE, MOST_COLUMNS, too_long, too_many_columns};
pub use form::{Decimal, Form};
use kind::{Head, Kind};
pub use once::DataFile;

/// What opens each kind of file that this build reads.
const OPENERS: &[(Kind, Open)] = &[
    (Kind::Text, delimited::open),
    #[cfg(feature = "parquet")]
    (Kind::Parquet, columnar::open),
    #[cfg(feature = "excel")]
    (Kind::Zip, workbook::open),
];

/// Opens the file at a path, which errors call by its second name.
type Open = fn(&Path, &str, (&Head, Reading, &Form)) -> Result<Found>;

/// Rows that this program has read so far, of all files: for whoever shows progress.
static ROWS: AtomicU64 = AtomicU64::new(0);

/// Rows of data files that have been read so far.
pub fn rows_read() -> u64 {
    ROWS.load(Ordering::Relaxed)
}

/// A file whose header has been read.
pub struct Reader {
    file: String,
    pub header: Header,
    /// How its numbers are written.
    pub decimal: Decimal,
    records: Box<dyn Records>,
    record: ByteRecord,
    /// Whether no record was met so far.
    is_empty: bool,
}

/// The names of a file's columns.
pub struct Header {
    names: Vec<String>,
    /// Of a workbook of several sheets: which was read, and how another is named.
    pub sheets: Option<String>,
}

impl Deref for Header {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.names
    }
}

/// What gives the records of a file.
trait Records {
    /// Puts the next record in place of the last, and gives its row, or none at the end of the file that errors call so.
    fn next(&mut self, file: &str, record: &mut ByteRecord) -> Result<Option<u64>>;

    /// What a reader should know of how the file was read, once it was.
    fn notices(&self, _file: &str) -> Vec<String> {
        Vec::new()
    }
}

/// What opening a file gives: its name in errors, with the sheet's where there are several, and its header.
struct Found {
    file: String,
    header: Vec<String>,
    /// None where names stand in no row.
    header_row: Option<u64>,
    /// As in [`Header`].
    sheets: Option<String>,
    records: Box<dyn Records>,
}

/// A record, and where it stands: the line of a text or the row of a worksheet, where the header's has a number too; in a
/// Parquet file, which has no header line, the first row of data is 1.
#[derive(Clone, Copy)]
pub struct Row<'r> {
    /// The row, from 1.
    pub number: u64,
    pub fields: &'r ByteRecord,
    /// How its numbers are written.
    pub decimal: Decimal,
    file: &'r str,
    header: &'r [String],
}

impl Reader {
    /// Opens a file, and looks at its first bytes rather than at its name.
    pub fn open(data: &DataFile, (reading, form): (Reading, &Form)) -> Result<Reader> {
        let (path, shown) = (data.path(), data.shown());
        let here = || Place::File(shown.to_string());
        if path.is_dir() {
            return Err(Error::of(ErrorKind::File, "this is a folder, not a file")
                .at(here())
                .help("name a file in it"));
        }
        let head = Head::of(path).map_err(|e| unreadable(shown, &e))?;
        let kind = head.kind().map_err(|e| e.at(here()))?;
        let Some((_, open)) = OPENERS.iter().find(|(opened, _)| *opened == kind) else {
            return Err(kind.left_out().at(here()));
        };
        let found = open(path, shown, (&head, reading, form))?;
        let Found { file, header, header_row, sheets, records } = found;
        let names: Vec<String> = header.iter().map(|name| name.trim().to_string()).collect();
        check_header(&names, (&file, header_row))?;
        let header = Header { names, sheets };
        let decimal = match form.decimal {
            Decimal::Comma if kind != Kind::Text => Decimal::Either,
            decimal => decimal,
        };
        Ok(Reader { file, header, decimal, records, record: ByteRecord::new(), is_empty: true })
    }

    /// The next record. A file that has none is an error.
    pub fn next(&mut self) -> Result<Option<Row<'_>>> {
        let number = self.records.next(&self.file, &mut self.record);
        ROWS.fetch_add(1, Ordering::Relaxed);
        let Some(number) = number? else {
            return match self.is_empty {
                true => Err(Error::of(ErrorKind::Data, "the file has a header and no rows")
                    .at(self.file())
                    .help("the first row names the columns; data are expected below it")),
                false => Ok(None),
            };
        };
        self.is_empty = false;
        let (file, header, decimal) = (&self.file, &self.header, self.decimal);
        let row = Row { number, fields: &self.record, decimal, file, header };
        if row.fields.as_slice().len() > LONGEST_VALUE
            && let Some(column) = row.fields.iter().position(|value| value.len() > LONGEST_VALUE)
        {
            return Err(too_long(row.place(column)));
        }
        Ok(Some(row))
    }

    /// What a reader should know of how the file was read, once it was.
    pub fn notices(&self) -> Vec<String> {
        self.records.notices(&self.file)
    }

    /// The file as a place.
    pub fn file(&self) -> Place {
        Place::File(self.file.clone())
    }
}

impl<'r> Row<'r> {
    /// Whether it holds nothing at all, as rows below a spreadsheet's table do.
    pub fn is_blank(&self) -> bool {
        self.fields.iter().all(|field| field.trim_ascii().is_empty())
    }

    /// A value's bytes, as they are.
    pub fn bytes(&self, column: usize) -> &'r [u8] {
        self.fields.get(column).unwrap_or_default()
    }

    /// A value as text, without spaces around it.
    pub fn text(&self, column: usize) -> Result<&'r str> {
        match std::str::from_utf8(self.bytes(column)) {
            Ok(text) => Ok(text.trim()),
            Err(_) => Err(not_text().at(self.place(column))),
        }
    }

    /// Where a value stands.
    pub fn place(&self, column: usize) -> Place {
        Place::Row {
            file: self.file.to_string(),
            row: self.number,
            column: Some(self.header[column].clone()),
        }
    }
}

/// Whether a file is packed or binary, as no text written by hand is.
pub fn is_packed(path: &Path) -> bool {
    Head::of(path).is_ok_and(|head| head.gzipped || head.kind().ok() != Some(Kind::Text))
}

/// Of a value that is no text.
pub fn not_text() -> Error {
    Error::of(ErrorKind::Syntax, "this is not UTF-8 text").help("save the file as UTF-8")
}

/// A header has names, each once, and not too many; `row` is where it stands, if it stands in one.
fn check_header(header: &[String], (file, row): (&str, Option<u64>)) -> Result<()> {
    let place = |row: Option<u64>| match row {
        Some(row) => Place::Row { file: file.to_string(), row, column: None },
        None => Place::File(file.to_string()),
    };
    if header.iter().all(String::is_empty) {
        return Err(Error::of(ErrorKind::Data, "the file is empty")
            .at(place(None))
            .help("a header line is expected first"));
    }
    if header.len() > MOST_COLUMNS {
        return Err(too_many_columns(header.len()).at(place(row)));
    }
    let mut names = HashSet::with_capacity(header.len());
    for name in header {
        if names.insert(name) {
            continue;
        }
        let error = if name.is_empty() {
            Error::of(ErrorKind::Data, "two columns have no name")
                .help("the first row has to name the columns: remove titles above it, and name every column")
        } else {
            Error::of(ErrorKind::Data, format!("two columns are called `{name}`")).help("rename one of them")
        };
        return Err(error.at(place(row)));
    }
    Ok(())
}

fn unreadable(shown: &str, e: &std::io::Error) -> Error {
    source::unreadable(e).at(Place::File(shown.to_string()))
}

/// Of the file as it lies on the disk.
pub fn checksum(data: &DataFile) -> Result<String> {
    digest(data.path()).map_err(|e| unreadable(data.shown(), &e))
}

fn digest(path: &Path) -> std::io::Result<String> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut digest = Sha256::new();
    loop {
        let bytes = file.fill_buf()?;
        if bytes.is_empty() {
            return Ok(in_hexadecimal(&digest.finalize()));
        }
        digest.update(bytes);
        let read = bytes.len();
        file.consume(read);
    }
}
