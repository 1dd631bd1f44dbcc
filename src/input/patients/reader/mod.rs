//! Records of a data file, read one at a time, with its checksum.
//!
//! Three kinds of file give the same records of texts: delimited text, plain or gzipped; Parquet; the first worksheet of
//! an Excel workbook. A missing value is the empty text, a truth `true` or `false`, a number the shortest text that is
//! exactly it, a whole one without a point.

#[cfg(feature = "excel")]
mod archive;
mod bounds;
#[cfg(feature = "parquet")]
mod column;
#[cfg(feature = "parquet")]
mod columnar;
mod delimited;
#[cfg(feature = "parquet")]
mod footer;
#[cfg(any(feature = "excel", feature = "parquet"))]
mod guard;
mod kind;
#[cfg(feature = "parquet")]
mod page;
#[cfg(feature = "parquet")]
mod pages;
#[cfg(any(feature = "excel", feature = "parquet"))]
#[cfg_attr(
    not(all(feature = "excel", feature = "parquet")),
    allow(dead_code, reason = "each kind of file has its values")
)]
mod texts;
#[cfg(feature = "parquet")]
mod thrift;
#[cfg(feature = "excel")]
mod workbook;

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use csv::ByteRecord;
use sha2::{Digest, Sha256};

use super::super::Reading;
use super::super::source::in_hexadecimal;
use crate::error::{Error, Place, Result};
use bounds::{LONGEST_VALUE, MOST_COLUMNS, too_long};
#[cfg(feature = "parquet")]
use columnar::Columnar;
use delimited::Delimited;
#[cfg(any(feature = "excel", feature = "parquet"))]
use guard::guarded;
use kind::{Head, Kind};
#[cfg(feature = "excel")]
use workbook::Sheet;

/// Rows that this program has read so far, of all files: for whoever shows progress.
static ROWS: AtomicU64 = AtomicU64::new(0);

/// Rows of patients that have been read so far.
pub fn rows_read() -> u64 {
    ROWS.load(Ordering::Relaxed)
}

/// A file whose header has been read.
pub struct Reader {
    file: String,
    pub header: Vec<String>,
    records: Records,
    record: ByteRecord,
}

enum Records {
    Delimited(Delimited),
    #[cfg(feature = "parquet")]
    Columnar(Box<Columnar>),
    #[cfg(feature = "excel")]
    Sheet(Sheet),
}

/// What opening a file gives: its name in errors, with the sheet's where there are several, and its header.
struct Found<T> {
    file: String,
    header: Vec<String>,
    /// None where names stand in no row.
    header_row: Option<u64>,
    records: T,
}

impl<T> Found<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> Found<U> {
        let Found { file, header, header_row, records } = self;
        Found { file, header, header_row, records: change(records) }
    }
}

impl Reader {
    /// Opens a file, and looks at its first bytes rather than at its name.
    pub fn open(path: &Path, shown: &str, reading: Reading) -> Result<Reader> {
        let here = || Place::File(shown.to_string());
        if path.is_dir() {
            return Err(Error::new("this is a folder, not a file").at(here()).help("name a file in it"));
        }
        let head = Head::of(path).map_err(|e| unreadable(shown, &e))?;
        let found = match head.kind().map_err(|e| e.at(here()))? {
            Kind::Text => delimited::open(path, shown, (&head, reading))?.map(Records::Delimited),
            #[cfg(feature = "parquet")]
            Kind::Parquet => columnar::open(path, shown, reading)?.map(|c| Records::Columnar(Box::new(c))),
            #[cfg(feature = "excel")]
            Kind::Zip => workbook::open(path, shown, reading)?.map(Records::Sheet),
            #[cfg(not(feature = "parquet"))]
            Kind::Parquet => return Err(without("a Parquet file", "parquet").at(here())),
            #[cfg(not(feature = "excel"))]
            Kind::Zip => return Err(without("an Excel workbook", "excel").at(here())),
        };
        Reader::of(found)
    }

    fn of(found: Found<Records>) -> Result<Reader> {
        let Found { file, header, header_row, records } = found;
        check_header(&header, (&file, header_row))?;
        Ok(Reader { file, header, records, record: ByteRecord::new() })
    }

    /// The next record and its place: the line of a text or the row of a worksheet, where the header's has a number too;
    /// in a Parquet file, which has no header line, the first row of data is 1.
    pub fn next(&mut self) -> Result<Option<(u64, &ByteRecord)>> {
        let row = match &mut self.records {
            Records::Delimited(records) => records.next(&self.file, &mut self.record),
            #[cfg(feature = "parquet")]
            Records::Columnar(records) => records.next(&self.file, &mut self.record),
            #[cfg(feature = "excel")]
            Records::Sheet(records) => Ok(records.next(&mut self.record)),
        };
        ROWS.fetch_add(1, Ordering::Relaxed);
        let Some(row) = row? else { return Ok(None) };
        if self.record.as_slice().len() > LONGEST_VALUE
            && let Some(column) = self.record.iter().position(|value| value.len() > LONGEST_VALUE)
        {
            return Err(too_long(self.place(row, column)));
        }
        Ok(Some((row, &self.record)))
    }

    /// Where a value stands.
    pub fn place(&self, row: u64, column: usize) -> Place {
        Place::Row { file: self.file.clone(), row, column: Some(self.header[column].clone()) }
    }
}

/// Of a kind of file that this build leaves out.
#[cfg(not(all(feature = "excel", feature = "parquet")))]
fn without(what: &str, feature: &str) -> Error {
    Error::new(format!("this is {what}, which this build does not read"))
        .help(format!("save it as CSV, or build equipoise with the feature `{feature}`"))
}

/// A header has names, each once, and not too many; `row` is where it stands, if it stands in one.
pub fn check_header(header: &[String], (file, row): (&str, Option<u64>)) -> Result<()> {
    let place = |row: Option<u64>| match row {
        Some(row) => Place::Row { file: file.to_string(), row, column: None },
        None => Place::File(file.to_string()),
    };
    if header.iter().all(String::is_empty) {
        return Err(Error::new("the file is empty").at(place(None)).help("a header line is expected first"));
    }
    if header.len() > MOST_COLUMNS {
        return Err(Error::new(format!(
            "the file has {} columns, and at most {MOST_COLUMNS} are read",
            header.len()
        ))
        .at(place(row))
        .help("one row per patient is expected; leave out columns that the model does not name"));
    }
    let mut names = HashSet::with_capacity(header.len());
    for name in header {
        if !names.insert(name) {
            return Err(Error::new(format!("two columns are called `{name}`"))
                .at(place(row))
                .help("rename one of them"));
        }
    }
    Ok(())
}

fn unreadable(shown: &str, e: &std::io::Error) -> Error {
    Error::new(format!("can't be read: {e}")).at(Place::File(shown.to_string()))
}

/// Of the file as it lies on the disk.
pub fn checksum(path: &Path) -> std::io::Result<String> {
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
