//! What a file is, by its first bytes rather than by its name.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::error::{Error, ErrorKind, Result};

/// How much of a file is looked at before it is read.
const HEAD: usize = 64 << 10;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZIP: &[u8] = b"PK\x03\x04";
const PARQUET: &[u8] = b"PAR1";

/// A file's first bytes, unpacked where they are gzipped.
pub struct Head {
    pub bytes: Vec<u8>,
    pub gzipped: bool,
}

/// What reads a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Parquet,
    /// A workbook, or some other archive.
    Zip,
}

impl Kind {
    /// Of a kind of file that this build leaves out.
    pub fn left_out(self) -> Error {
        let (what, feature) = match self {
            Kind::Zip => ("an Excel workbook", "excel"),
            _ => ("a Parquet file", "parquet"),
        };
        Error::of(ErrorKind::Unavailable, format!("this is {what}, which this build does not read"))
            .help(format!("save it as CSV, or build equipoise with the feature `{feature}`"))
    }
}

impl Head {
    pub fn of(path: &Path) -> std::io::Result<Head> {
        let mut bytes = Vec::new();
        File::open(path)?.take(HEAD as u64).read_to_end(&mut bytes)?;
        let gzipped = bytes.starts_with(GZIP);
        if gzipped {
            bytes.clear();
            MultiGzDecoder::new(File::open(path)?).take(HEAD as u64).read_to_end(&mut bytes)?;
        }
        Ok(Head { bytes, gzipped })
    }

    /// What reads the file, or what it is that nothing here reads, and what to do.
    pub fn kind(&self) -> Result<Kind> {
        let starts = |with: &[u8]| self.bytes.starts_with(with);
        let kind = if starts(PARQUET) {
            Kind::Parquet
        } else if starts(ZIP) {
            Kind::Zip
        } else {
            Kind::Text
        };
        match (self.unread(), kind) {
            (Some((refused, what, help)), _) => Err(Error::of(refused, format!("this is {what}")).help(help)),
            (None, Kind::Text) => Ok(kind),
            (None, _) if self.gzipped => {
                let what =
                    if kind == Kind::Parquet { "Parquet file" } else { "Excel workbook or zip archive" };
                Err(Error::of(ErrorKind::Syntax, format!("this is a gzipped {what}"))
                    .help("unpack it with gunzip, and name the file that comes out"))
            }
            (None, _) => Ok(kind),
        }
    }

    fn unread(&self) -> Option<(ErrorKind, &'static str, &'static str)> {
        let bytes = &self.bytes;
        let starts = |with: &[u8]| bytes.starts_with(with);
        if starts(&[0xd0, 0xcf, 0x11, 0xe0]) {
            Some((
                ErrorKind::Unavailable,
                "an old Excel workbook (.xls), or one that is locked",
                "save it as .xlsx without a password, or as CSV",
            ))
        } else if starts(b"PARE") {
            Some((ErrorKind::Unavailable, "an encrypted Parquet file", "write it without encryption"))
        } else if starts(ZIP)
            && bytes.get(30..).is_some_and(|rest| rest.starts_with(b"mimetypeapplication/vnd.oasis"))
        {
            Some((ErrorKind::Unavailable, "an OpenDocument file", "save it as .xlsx, or as CSV"))
        } else if starts(ZIP) || starts(PARQUET) {
            None
        } else if starts(&[0xff, 0xfe]) || starts(&[0xfe, 0xff]) {
            Some((ErrorKind::Syntax, "UTF-16 text", "save it as UTF-8"))
        } else if self.gzipped && starts(GZIP) {
            Some((ErrorKind::Syntax, "a file gzipped twice", "unpack it once"))
        } else if bytes.contains(&0) {
            Some((
                ErrorKind::Syntax,
                "a binary file, not a table",
                "CSV, gzipped CSV, Parquet and Excel workbooks (.xlsx) are read",
            ))
        } else {
            None
        }
    }
}
