//! Records of a delimited text, plain or gzipped.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use csv::ByteRecord;
use flate2::read::MultiGzDecoder;

use super::super::super::table::delimiter_of;
use super::kind::Head;
use super::{Found, unreadable};
use crate::error::{Error, Place, Result};

const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// How much is read at once.
const BUFFER: usize = 1 << 20;

pub struct Delimited(csv::Reader<Box<dyn Read>>);

pub fn open(path: &Path, shown: &str, head: &Head) -> Result<Found<Delimited>> {
    let file = BufReader::with_capacity(BUFFER, File::open(path).map_err(|e| unreadable(shown, &e))?);
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
    let delimiter = delimiter_of(&String::from_utf8_lossy(first_line));
    let mut records = csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(bytes);
    let header = records.byte_headers().map_err(|e| fault(shown, &e))?;
    let header = header.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    Ok(Found { file: shown.to_string(), header, header_row: Some(1), records: Delimited(records) })
}

impl Delimited {
    pub fn next(&mut self, file: &str, record: &mut ByteRecord) -> Result<Option<u64>> {
        match self.0.read_byte_record(record) {
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
            let error = Error::new(format!("can't be read to its end: {e}"));
            return error.at(Place::File(file.to_string())).help("is the file whole?");
        }
        _ => e.to_string(),
    };
    Error::new(message).at(Place::Row { file: file.to_string(), row, column: None })
}
