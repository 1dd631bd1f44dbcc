//! Records of a delimited file, read one at a time, with its checksum.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use csv::ByteRecord;
use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::super::source::in_hexadecimal;
use super::super::table::delimiter_of;
use crate::error::{Error, Place, Result};

/// How much of a file is looked at before it is read.
const HEAD: usize = 64 << 10;

/// A file whose header has been read.
pub struct Reader {
    file: String,
    pub header: Vec<String>,
    records: csv::Reader<Box<dyn Read>>,
    record: ByteRecord,
}

impl Reader {
    /// Opens a file, and looks at its first bytes rather than at its name.
    pub fn open(path: &Path, shown: &str) -> Result<Reader> {
        let here = || Place::File(shown.to_string());
        let unreadable = |e: std::io::Error| Error::new(format!("can't be read: {e}")).at(here());
        if path.is_dir() {
            return Err(Error::new("this is a folder, not a file").at(here()).help("name a file in it"));
        }
        let (head, gzipped) = head(path).map_err(unreadable)?;
        if let Some((what, help)) = no_text(&head) {
            return Err(Error::new(format!("this is {what}, not a table of text")).at(here()).help(help));
        }
        let file = BufReader::with_capacity(1 << 20, File::open(path).map_err(unreadable)?);
        let mut bytes: Box<dyn Read> = if gzipped {
            Box::new(BufReader::with_capacity(1 << 20, MultiGzDecoder::new(file)))
        } else {
            Box::new(file)
        };
        if head.starts_with(BYTE_ORDER_MARK) {
            let mut mark = [0; BYTE_ORDER_MARK.len()];
            bytes.read_exact(&mut mark).map_err(unreadable)?;
        }
        let first_line = head.split(|b| *b == b'\n').next().unwrap_or_default();
        let delimiter = delimiter_of(&String::from_utf8_lossy(first_line));
        let mut records =
            csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(bytes);
        let file = shown.to_string();
        let header = records.byte_headers().map_err(|e| fault(&file, &e))?;
        let header: Vec<String> =
            header.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        if header.iter().all(String::is_empty) {
            return Err(Error::new("the file is empty").at(here()).help("a header line is expected first"));
        }
        for (i, name) in header.iter().enumerate() {
            if header[..i].contains(name) {
                return Err(Error::new(format!("two columns are called `{name}`"))
                    .at(Place::Row { file, row: 1, column: None })
                    .help("rename one of them"));
            }
        }
        Ok(Reader { file, header, records, record: ByteRecord::new() })
    }

    /// The next record and its line in the file, the header's being 1.
    pub fn next(&mut self) -> Result<Option<(u64, &ByteRecord)>> {
        match self.records.read_byte_record(&mut self.record) {
            Ok(true) => {
                let line = self.record.position().map_or(0, csv::Position::line);
                Ok(Some((line, &self.record)))
            }
            Ok(false) => Ok(None),
            Err(e) => Err(fault(&self.file, &e)),
        }
    }

    /// Where a value stands.
    pub fn place(&self, row: u64, column: usize) -> Place {
        Place::Row { file: self.file.clone(), row, column: Some(self.header[column].clone()) }
    }
}

const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// The first bytes as they are read, and whether the file is gzipped.
fn head(path: &Path) -> std::io::Result<(Vec<u8>, bool)> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD as u64).read_to_end(&mut head)?;
    let gzipped = head.starts_with(&[0x1f, 0x8b]);
    if gzipped {
        let mut inside = Vec::new();
        MultiGzDecoder::new(File::open(path)?).take(HEAD as u64).read_to_end(&mut inside)?;
        head = inside;
    }
    Ok((head, gzipped))
}

/// What a file is that is no text, whatever its name says, and what to do.
fn no_text(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let save = "save it as CSV in UTF-8";
    if head.starts_with(b"PK\x03\x04") {
        Some(("a zip archive or an Excel workbook", save))
    } else if head.starts_with(b"PAR1") {
        Some(("a Parquet file", save))
    } else if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        Some(("UTF-16 text", "save it as UTF-8"))
    } else if head.contains(&0) {
        Some(("a binary file", save))
    } else {
        None
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
