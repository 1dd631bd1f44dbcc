//! Rows of a Parquet file, a batch at a time: no more of it is held than a page of each column.

mod column;
mod footer;
mod page;
mod pages;
mod thrift;

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex};

use csv::ByteRecord;
use parquet::basic::{Compression, Repetition};
use parquet::column::reader::get_column_reader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetStatisticsPolicy, RowGroupMetaData};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::serialized_reader::ReadOptionsBuilder;
use parquet::schema::types::Type;

use super::super::Reading;
use super::bounds::{Growth, LONGEST_VALUE, TooLarge, too_long, too_many_columns};
use super::form::Form;
use super::kind::Head;
use super::typed::guarded;
use super::{Found, Records, unreadable};
use crate::error::{Error, ErrorKind, Place, Result};
use column::{Column, Kept};
use footer::Fault;
use page::Packed;
use pages::Pages;

/// Rows decoded at once, and values where there are many columns.
const BATCH: usize = 4096;
const VALUES: usize = 1 << 20;

struct Columnar {
    file: SerializedFileReader<File>,
    bytes: Arc<File>,
    length: u64,
    /// Of pages as they are unpacked, and of texts as they are given out: a text of a dictionary is given many times.
    unpacked: Arc<Mutex<Growth>>,
    texts: Growth,
    columns: Vec<Column>,
    /// The row group that is read next.
    group: usize,
    /// Rows of the present group that are not decoded yet.
    left: usize,
    /// Rows that are decoded, and how many of them were given out.
    batch: usize,
    given: usize,
    row: u64,
}

pub fn open(path: &Path, shown: &str, (_, reading, form): (&Head, Reading, &Form)) -> Result<Found> {
    if form.sheet.is_some() {
        return Err(Error::of(ErrorKind::Rule, "a Parquet file has no worksheets, and `sheet` names one")
            .at(Place::File(shown.to_string()))
            .help("leave `sheet` out, or name a workbook"));
    }
    let mut file = File::open(path).map_err(|e| unreadable(shown, &e))?;
    let length = file.metadata().map_err(|e| unreadable(shown, &e))?.len();
    let bytes = Arc::new(File::open(path).map_err(|e| unreadable(shown, &e))?);
    let growth = Growth::of(length, reading.large);
    footer::check(&mut file, length, &mut growth.clone()).map_err(|fault| refused(fault, shown))?;
    let options = ReadOptionsBuilder::new()
        .with_column_stats_policy(ParquetStatisticsPolicy::SkipAll)
        .with_size_stats_policy(ParquetStatisticsPolicy::SkipAll)
        .build();
    let file =
        library(|| SerializedFileReader::new_with_options(file, options)).map_err(|e| damaged(shown, &e))?;
    let columns = columns_of(&file).map_err(|e| e.at(Place::File(shown.to_string())))?;
    let header = columns.iter().map(|c| c.name.clone()).collect();
    let unpacked = Arc::new(Mutex::new(growth));
    let records = Columnar {
        file,
        bytes,
        length,
        unpacked,
        texts: growth,
        columns,
        group: 0,
        left: 0,
        batch: 0,
        given: 0,
        row: 0,
    };
    Ok(Found { file: shown.to_string(), header, header_row: None, sheets: None, records: Box::new(records) })
}

/// The columns, where each holds one value a row and its compression is read.
fn columns_of(file: &SerializedFileReader<File>) -> Result<Vec<Column>> {
    let about = file.metadata().file_metadata();
    let fields = about.schema().get_fields();
    if fields.is_empty() {
        return Err(Error::of(ErrorKind::Data, "the file has no columns"));
    }
    fields.iter().try_for_each(|field| check_is_flat(field))?;
    for group in file.metadata().row_groups() {
        group.columns().iter().try_for_each(check_compression)?;
    }
    about.schema_descr().columns().iter().map(|described| Column::of(described)).collect()
}

impl Records for Columnar {
    fn next(&mut self, file: &str, record: &mut ByteRecord) -> Result<Option<u64>> {
        while self.given == self.batch {
            if self.left > 0 {
                self.decode(file)?;
            } else if self.group < self.file.num_row_groups() {
                library(|| self.enter()).map_err(|e| damaged(file, &e))?;
            } else {
                return Ok(None);
            }
        }
        record.clear();
        for column in &self.columns {
            let text = column.texts.get(self.given);
            if text.len() > LONGEST_VALUE {
                let column = Some(column.name.clone());
                return Err(too_long(Place::Row { file: file.to_string(), row: self.row + 1, column }));
            }
            self.texts.add(text.len() as u64).map_err(|large| large.error(file))?;
            record.push_field(text);
        }
        self.given += 1;
        self.row += 1;
        Ok(Some(self.row))
    }
}

impl Columnar {
    /// Begins the next row group.
    fn enter(&mut self) -> Kept<()> {
        let group = self.file.get_row_group(self.group)?;
        let rows = rows_of(group.metadata(), self.length)?;
        for (k, column) in self.columns.iter_mut().enumerate() {
            let chunk = group.metadata().column(k);
            let described = chunk.column_descr_ptr();
            let (at, length) = chunk.byte_range();
            let packed = Packed {
                file: Arc::clone(&self.bytes),
                at,
                end: at + length,
                compression: chunk.compression(),
                growth: Arc::clone(&self.unpacked),
            };
            let physical = (described.physical_type(), described.type_length());
            let pages = Pages::of(packed, rows, (column.optional, physical));
            column.reader = Some(get_column_reader(described, Box::new(pages)));
        }
        self.left = rows;
        self.group += 1;
        Ok(())
    }

    /// The next batch of every column as texts.
    fn decode(&mut self, file: &str) -> Result<()> {
        let rows = self.left.min(BATCH).min((VALUES / self.columns.len()).max(1));
        for column in &mut self.columns {
            library(|| column.decode(rows)).map_err(|e| {
                if let Some(large) = too_large(&e) {
                    return large.error(file);
                }
                let column = Some(column.name.clone());
                Error::of(ErrorKind::Syntax, format!("the column can't be read from here on: {}", words(&e)))
                    .at(Place::Row { file: file.to_string(), row: self.row + 1, column })
                    .help("is the file whole? write it anew")
            })?;
        }
        (self.batch, self.given) = (rows, 0);
        self.left -= rows;
        Ok(())
    }
}

/// How many rows a group has, whose columns lie in the file.
fn rows_of(group: &RowGroupMetaData, length: u64) -> Kept<usize> {
    let fault = |what: &str| ParquetError::General(what.to_string());
    for chunk in group.columns() {
        let starts = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
        let end = starts.checked_add(chunk.compressed_size()).and_then(|end| u64::try_from(end).ok());
        if starts < 0 || chunk.compressed_size() < 0 || end.is_none_or(|end| end > length) {
            return Err(fault("a column lies outside of the file"));
        }
        if chunk.num_values() != group.num_rows() {
            return Err(fault("a column has another length than its row group"));
        }
    }
    usize::try_from(group.num_rows()).map_err(|_| fault("a row group has a negative length"))
}

fn check_is_flat(field: &Type) -> Result<()> {
    let repeated = field.get_basic_info().has_repetition()
        && field.get_basic_info().repetition() == Repetition::REPEATED;
    if field.is_primitive() && !repeated {
        return Ok(());
    }
    Err(Error::of(
        ErrorKind::Data,
        format!("column `{}` is nested: it holds lists or several fields", field.name()),
    )
    .help("every column has to hold one value a row: leave it out, or make columns of it"))
}

fn check_compression(chunk: &ColumnChunkMetaData) -> Result<()> {
    let named = match chunk.compression() {
        Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::GZIP(_) => return Ok(()),
        Compression::ZSTD(_) => "zstd",
        Compression::BROTLI(_) => "brotli",
        Compression::LZ4 | Compression::LZ4_RAW => "lz4",
        Compression::LZO => "lzo",
    };
    Err(Error::of(
        ErrorKind::Unavailable,
        format!("the file is written with {named} compression, which is not read"),
    )
    .help("write it with snappy or gzip, or uncompressed, e.g. df.to_parquet(f, compression='snappy')"))
}

fn library<T>(work: impl FnOnce() -> Kept<T>) -> Kept<T> {
    guarded(work).unwrap_or_else(|| Err(ParquetError::General("its bytes make no sense".to_string())))
}

/// Whether it is that more was unpacked than is read.
fn too_large(e: &ParquetError) -> Option<TooLarge> {
    match e {
        ParquetError::External(inner) => inner.downcast_ref::<TooLarge>().copied(),
        _ => None,
    }
}

/// What is wrong with a footer.
fn refused(fault: Fault, shown: &str) -> Error {
    match fault {
        Fault::Unreadable(e) => unreadable(shown, &e),
        Fault::Damaged(what) => damaged(shown, &ParquetError::General(what.to_string())),
        Fault::TooLarge(large) => large.error(shown),
        Fault::Columns(n) => too_many_columns(n).at(Place::File(shown.to_string())),
    }
}

fn damaged(shown: &str, e: &ParquetError) -> Error {
    Error::of(ErrorKind::Syntax, format!("this is a Parquet file that is cut short or damaged: {}", words(e)))
        .at(Place::File(shown.to_string()))
        .help("is the file whole? write it anew")
}

/// The library's words, without its own name.
fn words(e: &ParquetError) -> String {
    match e {
        ParquetError::General(what) | ParquetError::NYI(what) | ParquetError::EOF(what) => what.clone(),
        e => e.to_string(),
    }
}
