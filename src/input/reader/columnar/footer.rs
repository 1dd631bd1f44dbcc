//! A look through a Parquet file's footer before the library reads it: whether its lists hold what they claim, and how many
//! values the file claims.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use super::super::bounds::{Growth, MOST_COLUMNS, TooLarge};
use super::thrift::{Field, STRUCTURE, Walk};

/// Why a Parquet file is not read.
#[derive(Debug)]
pub enum Fault {
    Unreadable(std::io::Error),
    /// Cut short or damaged.
    Damaged(&'static str),
    /// More columns than are read.
    Columns(usize),
    TooLarge(TooLarge),
}

const CUT: Fault = Fault::Damaged("its footer is not whole");
const EMPTY: Fault = Fault::Damaged("its footer lists more than it holds");

/// The least bytes of a column's name and type, and of a group of rows.
const LEAST_ELEMENT: usize = 4;
const LEAST_GROUP: usize = 7;

/// The last bytes: the footer's length, and what kind of file it is.
const TAIL: u64 = 8;

/// Columns in groups in columns, beyond which the library would call itself too often.
const DEEPEST: usize = 64;

/// Looks at a file of this length. A file that is not Parquet at its end is left to the library, which has words for it.
pub fn check(file: &mut File, length: u64, growth: &mut Growth) -> Result<(), Fault> {
    let Some(end) = length.checked_sub(TAIL) else { return Ok(()) };
    file.seek(SeekFrom::Start(end)).map_err(Fault::Unreadable)?;
    let mut tail = [0; TAIL as usize];
    file.read_exact(&mut tail).map_err(Fault::Unreadable)?;
    let [a, b, c, d, kind @ ..] = tail;
    let footer = u64::from(u32::from_le_bytes([a, b, c, d]));
    if kind != *b"PAR1" || footer > end {
        return Ok(());
    }
    file.seek(SeekFrom::Start(end - footer)).map_err(Fault::Unreadable)?;
    let mut bytes = Vec::new();
    file.take(footer).read_to_end(&mut bytes).map_err(Fault::Unreadable)?;
    let claimed = values(&bytes)?;
    // A value takes a byte at least, once it is unpacked.
    growth.add(claimed).map_err(Fault::TooLarge)
}

/// How many values the footer claims: rows by columns.
fn values(bytes: &[u8]) -> Result<u64, Fault> {
    let (mut walk, mut last) = (Walk::of(bytes), 0);
    let (mut columns, mut rows) = (0_u64, 0_u64);
    while let Some((number, field)) = walk.field(&mut last).ok_or(CUT)? {
        match (number, field) {
            (2, Field::List(STRUCTURE, elements)) => {
                check_schema(&mut walk, elements)?;
                columns = elements.saturating_sub(1) as u64;
            }
            (4, Field::List(STRUCTURE, groups)) => {
                let start = walk.walked();
                for _ in 0..groups {
                    rows = rows.saturating_add(rows_of_group(&mut walk)?);
                }
                if (walk.walked() - start) / LEAST_GROUP < groups {
                    return Err(EMPTY);
                }
            }
            _ => walk.pass_field(field).ok_or(CUT)?,
        }
    }
    Ok(rows.saturating_mul(columns))
}

/// The elements of a schema stand one after the other, each before those in it.
fn check_schema(walk: &mut Walk<'_>, elements: usize) -> Result<(), Fault> {
    if elements > MOST_COLUMNS + 1 {
        return Err(Fault::Columns(elements - 1));
    }
    // How many of each group are still to come, from the outermost on.
    let mut open: Vec<usize> = Vec::new();
    for seen in 0..elements {
        let start = walk.walked();
        let (mut last, mut children) = (0, 0);
        while let Some((number, field)) = walk.field(&mut last).ok_or(CUT)? {
            match (number, field) {
                (5, Field::Integer(n)) => children = n,
                _ => walk.pass_field(field).ok_or(CUT)?,
            }
        }
        if walk.walked() - start < LEAST_ELEMENT {
            return Err(EMPTY);
        }
        while open.last() == Some(&0) {
            open.pop();
        }
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        let children = usize::try_from(children).map_err(|_| EMPTY)?;
        if children > elements - seen - 1 {
            return Err(EMPTY);
        }
        if children > 0 {
            open.push(children);
        }
        if open.len() > DEEPEST {
            return Err(Fault::Damaged("its columns are nested too deeply"));
        }
    }
    Ok(())
}

fn rows_of_group(walk: &mut Walk<'_>) -> Result<u64, Fault> {
    let (mut last, mut rows) = (0, 0);
    while let Some((number, field)) = walk.field(&mut last).ok_or(CUT)? {
        match (number, field) {
            (3, Field::Integer(n)) => rows = n,
            _ => walk.pass_field(field).ok_or(CUT)?,
        }
    }
    u64::try_from(rows).map_err(|_| Fault::Damaged("a row group has a negative length"))
}
