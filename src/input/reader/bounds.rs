//! How much a file may hold, measured by what it takes on the disk.
//!
//! A size that a file claims is never believed. What is unpacked is counted as it comes, and reading ends where it is both
//! large and out of proportion. Tables shrink by three to thirty times when they are packed, and one of few repeated values
//! by some fifty; a hundredfold is a column of one value or a file made to fill a memory, and of neither kind is there a
//! quarter of a thousand million bytes by chance. Whoever has such a file says so.

use std::fmt;

use crate::error::{Error, ErrorKind, Place};

/// Unpacked bytes below which any ratio is read.
const LARGE: u64 = 256 << 20;

/// How many times larger than the file any amount is read.
const RATIO: u64 = 100;

/// The most bytes of a value: thirty times what a cell of a workbook holds.
pub const LONGEST_VALUE: usize = 1 << 20;

/// The most bytes of a row of text.
pub const LONGEST_ROW: u64 = 64 << 20;

/// The most columns: six times those of a worksheet.
pub const MOST_COLUMNS: usize = 100_000;

/// Unpacked bytes as they are counted.
#[derive(Debug, Clone, Copy)]
pub struct Growth {
    left: u64,
}

/// More was unpacked than is read without being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

impl Growth {
    /// Of a file of this length in bytes; unbounded where large files are asked for.
    pub fn of(length: u64, large: bool) -> Growth {
        Growth { left: if large { u64::MAX } else { LARGE.max(length.saturating_mul(RATIO)) } }
    }

    /// Counts bytes that are about to be held or were just read.
    pub fn add(&mut self, bytes: u64) -> Result<(), TooLarge> {
        self.left = self.left.checked_sub(bytes).ok_or(TooLarge)?;
        Ok(())
    }
}

impl TooLarge {
    pub fn error(self, shown: &str) -> Error {
        Error::of(ErrorKind::Limit, format!(
            "unpacked, the file holds more than {} MB and more than {RATIO} times what it takes on the disk",
            LARGE >> 20
        ))
        .at(Place::File(shown.to_string()))
        .help("tables rarely shrink so much: is it the file that you mean?")
        .help("to read it all the same, add --large")
    }
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it holds too much")
    }
}

impl std::error::Error for TooLarge {}

/// More columns than are read.
pub fn too_many_columns(found: usize) -> Error {
    Error::of(ErrorKind::Limit, format!("the file has {found} columns, and at most {MOST_COLUMNS} are read"))
        .help(
            "a row per patient, subgroup or arm is expected; leave out columns that the model does not name",
        )
}

/// A value that is too long for one of a table.
pub fn too_long(place: Place) -> Error {
    Error::of(ErrorKind::Limit, format!("a value of more than {LONGEST_VALUE} bytes"))
        .at(place)
        .help("is a quotation mark missing? leave out columns of long texts")
}

#[cfg(test)]
mod tests {
    use super::{Growth, LARGE, TooLarge};

    #[test]
    fn what_is_either_small_or_in_proportion_is_read() {
        let read = |length: u64, unpacked: u64, large| Growth::of(length, large).add(unpacked);
        assert_eq!(read(1, LARGE, false), Ok(()));
        assert_eq!(read(1, LARGE + 1, false), Err(TooLarge));
        assert_eq!(read(1 << 30, 100 << 30, false), Ok(()));
        assert_eq!(read(1 << 30, (100 << 30) + 1, false), Err(TooLarge));
        assert_eq!(read(1, u64::MAX, true), Ok(()));
    }
}
