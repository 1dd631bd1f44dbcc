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
use super::encoding::Encodings;
use super::form::Form;
use super::kind::Head;
use super::lines::Lines;
use super::{Found, Records, not_text, unreadable};
use crate::error::{Error, ErrorKind, Place, Result};

const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// How much is read at once.
const BUFFER: usize = 1 << 20;

struct Delimited {
    records: csv::Reader<Lines<Counted>>,
    /// Bytes read since the last record.
    since: Rc<Cell<u64>>,
    header: Vec<String>,
    /// Lines above what is read as records.
    above: u64,
    encodings: Encodings,
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

pub fn open(path: &Path, shown: &str, (head, reading, form): (&Head, Reading, &Form)) -> Result<Found> {
    if form.sheet.is_some() {
        return Err(Error::of(ErrorKind::Rule, "a text has no worksheets, and `sheet` names one")
            .at(Place::File(shown.to_string()))
            .help("leave `sheet` out, or name a workbook"));
    }
    let file = File::open(path).map_err(|e| unreadable(shown, &e))?;
    let length = file.metadata().map_err(|e| unreadable(shown, &e))?.len();
    let file = BufReader::with_capacity(BUFFER, file);
    let mut bytes: Box<dyn Read> = if head.gzipped {
        Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(file)))
    } else {
        Box::new(file)
    };
    let text = head.bytes.strip_prefix(BYTE_ORDER_MARK);
    let (mark, text) = text.map_or((0, &head.bytes[..]), |text| (BYTE_ORDER_MARK.len(), text));
    let (delimiter, above) = match named_delimiter(text) {
        Some((delimiter, length)) => (delimiter, length),
        None => (delimiter_of(first_line(text)), 0),
    };
    let mut skipped = vec![0; mark + above];
    bytes.read_exact(&mut skipped).map_err(|e| unreadable(shown, &e))?;
    // What is not packed can't grow.
    let growth = Growth::of(length, reading.large || !head.gzipped);
    let since = Rc::new(Cell::new(0));
    let bytes = Lines::of(Counted { bytes, growth, since: Rc::clone(&since) });
    // How many fields a record has is looked at here, where its row is known.
    let mut reader = csv::ReaderBuilder::new();
    reader.delimiter(delimiter).has_headers(false).flexible(true);
    let mut records = Delimited {
        records: reader.from_reader(bytes),
        since,
        header: Vec::new(),
        above: u64::from(above > 0),
        encodings: Encodings::default(),
    };
    let mut names = ByteRecord::new();
    let row = records.read(shown, &mut names)?;
    let mut of_names = Encodings::default();
    if of_names.decode(&mut names).is_err() {
        return Err(not_text().at(Place::File(shown.to_string())));
    }
    let header: Vec<String> = names.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    records.header.clone_from(&header);
    let file = shown.to_string();
    Ok(Found { file, header, header_row: row.or(Some(1)), sheets: None, records: Box::new(records) })
}

fn first_line(text: &[u8]) -> &[u8] {
    text.split(|b| matches!(b, b'\n' | b'\r')).find(|line| !line.is_empty()).unwrap_or_default()
}

/// What Excel writes into a first line for itself, such as `sep=;`: the delimiter, and the length with the line's end.
fn named_delimiter(text: &[u8]) -> Option<(u8, usize)> {
    let line = first_line(text);
    let (name, delimiter) = line.split_at_checked(4)?;
    let [delimiter] = *delimiter else { return None };
    let end = match text.get(line.len()..)? {
        [b'\r', b'\n', ..] => 2,
        [_, ..] => 1,
        [] => 0,
    };
    let is_one = text.starts_with(line) && name.eq_ignore_ascii_case(b"sep=") && delimiter.is_ascii();
    is_one.then_some((delimiter, line.len() + end))
}

/// Semicolons where commas are decimal marks; tabs from spreadsheets.
fn delimiter_of(first_line: &[u8]) -> u8 {
    [b',', b';', b'\t']
        .into_iter()
        .max_by_key(|d| (first_line.iter().filter(|b| *b == d).count(), *d == b','))
        .unwrap_or(b',')
}

impl Delimited {
    /// The next record as its bytes are, and the line in which it begins.
    fn read(&mut self, file: &str, record: &mut ByteRecord) -> Result<Option<u64>> {
        let read = self.records.read_byte_record(record);
        self.since.set(0);
        if !read.map_err(|e| fault(file, &e, self.above))? {
            return Ok(None);
        }
        // Where the library begins a record there may be empty lines; it ends with its own line's end.
        let within = record.as_slice().iter().filter(|b| **b == b'\n').count() as u64;
        let begun = record.position().map_or(1, csv::Position::line);
        let row = self.records.position().line().saturating_sub(1 + within).max(begun) + self.above;
        record.trim();
        Ok(Some(row))
    }
}

impl Records for Delimited {
    fn next(&mut self, file: &str, record: &mut ByteRecord) -> Result<Option<u64>> {
        let Some(row) = self.read(file, record)? else { return Ok(None) };
        let place = |column: Option<usize>| Place::Row {
            file: file.to_string(),
            row,
            column: column.map(|column| self.header[column].clone()),
        };
        if record.len() != self.header.len() {
            let (found, expected) = (record.len(), self.header.len());
            let fields = if found == 1 { "field" } else { "fields" };
            let message = format!("{found} {fields} where the header has {expected}");
            return Err(Error::of(ErrorKind::Data, message).at(place(None)).help(
                "every row has a field for every column, empty ones too; a text that holds the delimiter stands in quotes",
            ));
        }
        match self.encodings.decode(record) {
            Ok(()) => Ok(Some(row)),
            Err(mixed) => Err(Error::of(
                ErrorKind::Syntax,
                "this is UTF-8 text, and other values of the column are not",
            )
            .at(place(Some(mixed.column)))
            .help("save the file as UTF-8")),
        }
    }

    fn notices(&self, file: &str) -> Vec<String> {
        let columns: Vec<&str> = self.encodings.not_utf8().map(|k| self.header[k].as_str()).collect();
        if columns.is_empty() {
            return Vec::new();
        }
        vec![format!("{file} is not UTF-8 text: {} was read as Windows-1252.", columns.join(", "))]
    }
}

fn fault(file: &str, e: &csv::Error, above: u64) -> Error {
    let row = e.position().map_or(1, csv::Position::line) + above;
    let message = match e.kind() {
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
