//! Records of a delimited text, plain or gzipped.

use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::rc::Rc;

use csv::ByteRecord;
use flate2::read::MultiGzDecoder;

use super::super::Reading;
use super::bounds::{Growth, LONGEST_ROW, TooLarge};
use super::kind::Head;
use super::{Found, Records, unreadable};
use crate::error::{Error, ErrorKind, Place, Result};

const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// How much is read at once.
const BUFFER: usize = 1 << 20;

struct Delimited {
    records: csv::Reader<Counted>,
    /// Bytes read since the last record.
    since: Rc<Cell<u64>>,
}

/// Bytes, counted as they come.
struct Counted {
    bytes: Box<dyn Read>,
    growth: Growth,
    since: Rc<Cell<u64>>,
}

/// A row that does not end.
#[derive(Debug)]
struct Endless;

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        self.growth.add(read as u64).map_err(io::Error::other)?;
        self.since.set(self.since.get() + read as u64);
        if self.since.get() > LONGEST_ROW { Err(io::Error::other(Endless)) } else { Ok(read) }
    }
}

impl fmt::Display for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row does not end")
    }
}

impl std::error::Error for Endless {}

pub fn open(path: &Path, shown: &str, (head, reading): (&Head, Reading)) -> Result<Found> {
    let file = File::open(path).map_err(|e| unreadable(shown, &e))?;
    let length = file.metadata().map_err(|e| unreadable(shown, &e))?.len();
    let file = BufReader::with_capacity(BUFFER, file);
    let mut bytes: Box<dyn Read> = if head.gzipped {
        Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(file)))
    } else {
        Box::new(file)
    };
    if head.bytes.starts_with(BYTE_ORDER_MARK) {
        let mut mark = [0; BYTE_ORDER_MARK.len()];
        bytes.read_exact(&mut mark).map_err(|e| unreadable(shown, &e))?;
    }
    let first_line = head.bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let delimiter = delimiter_of(first_line);
    // What is not packed can't grow.
    let growth = Growth::of(length, reading.large || !head.gzipped);
    let since = Rc::new(Cell::new(0));
    let bytes = Counted { bytes, growth, since: Rc::clone(&since) };
    let mut records = csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(bytes);
    let header = records.byte_headers().map_err(|e| fault(shown, &e))?;
    since.set(0);
    let header = header.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    let records = Box::new(Delimited { records, since });
    Ok(Found { file: shown.to_string(), header, header_row: Some(1), records })
}

/// Semicolons where commas are decimal marks; tabs from spreadsheets.
fn delimiter_of(first_line: &[u8]) -> u8 {
    [b',', b';', b'\t']
        .into_iter()
        .max_by_key(|d| (first_line.iter().filter(|b| *b == d).count(), *d == b','))
        .unwrap_or(b',')
}

impl Records for Delimited {
    fn next(&mut self, file: &str, record: &mut ByteRecord) -> Result<Option<u64>> {
        let read = self.records.read_byte_record(record);
        self.since.set(0);
        match read {
            Ok(true) => Ok(Some(record.position().map_or(0, csv::Position::line))),
            Ok(false) => Ok(None),
            Err(e) => Err(fault(file, &e)),
        }
    }
}

fn fault(file: &str, e: &csv::Error) -> Error {
    let row = e.position().map_or(1, csv::Position::line);
    let message = match e.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields where the header has {expected_len}")
        }
        csv::ErrorKind::Io(e) => {
            let inner = e.get_ref();
            if let Some(large) = inner.and_then(|e| e.downcast_ref::<TooLarge>()) {
                return large.error(file);
            }
            if inner.is_some_and(|e| e.is::<Endless>()) {
                return Error::of(ErrorKind::Limit, format!("a row of more than {} MB", LONGEST_ROW >> 20))
                    .at(Place::File(file.to_string()))
                    .help("is it a table? is a quotation mark missing?");
            }
            let error = Error::of(ErrorKind::File, format!("can't be read to its end: {e}"));
            return error.at(Place::File(file.to_string())).help("is the file whole?");
        }
        _ => e.to_string(),
    };
    Error::of(ErrorKind::Data, message).at(Place::Row { file: file.to_string(), row, column: None })
}
