//! Rows of a Parquet file, a batch at a time: no more of it is held than a page of each column.

use std::fs::File;
use std::path::Path;

use csv::ByteRecord;
use parquet::basic::{Compression, Repetition};
use parquet::column::reader::get_column_reader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetStatisticsPolicy, RowGroupMetaData};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::serialized_reader::ReadOptionsBuilder;
use parquet::schema::types::Type;

use super::column::{Column, Kept};
use super::pages::Pages;
use super::{Found, guarded, unreadable};
use crate::error::{Error, Place, Result};

/// Rows decoded at once.
const BATCH: usize = 4096;

pub struct Columnar {
    file: SerializedFileReader<File>,
    length: u64,
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

pub fn open(path: &Path, shown: &str) -> Result<Found<Columnar>> {
    let file = File::open(path).map_err(|e| unreadable(shown, &e))?;
    let length = file.metadata().map_err(|e| unreadable(shown, &e))?.len();
    let options = ReadOptionsBuilder::new()
        .with_column_stats_policy(ParquetStatisticsPolicy::SkipAll)
        .with_size_stats_policy(ParquetStatisticsPolicy::SkipAll)
        .build();
    let file =
        library(|| SerializedFileReader::new_with_options(file, options)).map_err(|e| damaged(shown, &e))?;
    let columns = columns_of(&file).map_err(|e| e.at(Place::File(shown.to_string())))?;
    let header = columns.iter().map(|c| c.name.clone()).collect();
    let records = Columnar { file, length, columns, group: 0, left: 0, batch: 0, given: 0, row: 0 };
    Ok(Found { file: shown.to_string(), header, header_row: None, records })
}

/// The columns, where each holds one value a row and its compression is read.
fn columns_of(file: &SerializedFileReader<File>) -> Result<Vec<Column>> {
    let about = file.metadata().file_metadata();
    let fields = about.schema().get_fields();
    if fields.is_empty() {
        return Err(Error::new("the file has no columns"));
    }
    fields.iter().try_for_each(|field| check_is_flat(field))?;
    for group in file.metadata().row_groups() {
        group.columns().iter().try_for_each(check_compression)?;
    }
    about.schema_descr().columns().iter().map(|described| Column::of(described)).collect()
}

impl Columnar {
    pub fn next(&mut self, file: &str, record: &mut ByteRecord) -> Result<Option<u64>> {
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
            record.push_field(column.texts.get(self.given));
        }
        self.given += 1;
        self.row += 1;
        Ok(Some(self.row))
    }

    /// Begins the next row group.
    fn enter(&mut self) -> Kept<()> {
        let group = self.file.get_row_group(self.group)?;
        let rows = rows_of(group.metadata(), self.length)?;
        for (k, column) in self.columns.iter_mut().enumerate() {
            let described = group.metadata().column(k).column_descr_ptr();
            let pages = Pages::of(group.get_column_page_reader(k)?, rows, column.optional);
            column.reader = Some(get_column_reader(described, Box::new(pages)));
        }
        self.left = rows;
        self.group += 1;
        Ok(())
    }

    /// The next batch of every column as texts.
    fn decode(&mut self, file: &str) -> Result<()> {
        let rows = self.left.min(BATCH);
        for column in &mut self.columns {
            library(|| column.decode(rows)).map_err(|e| {
                let column = Some(column.name.clone());
                Error::new(format!("the column can't be read from here on: {}", words(&e)))
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
    Err(Error::new(format!("column `{}` is nested: it holds lists or several fields", field.name()))
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
    Err(Error::new(format!("the file is written with {named} compression, which is not read"))
        .help("write it with snappy or gzip, or uncompressed, e.g. df.to_parquet(f, compression='snappy')"))
}

fn library<T>(work: impl FnOnce() -> Kept<T>) -> Kept<T> {
    guarded(work).unwrap_or_else(|| Err(ParquetError::General("its bytes make no sense".to_string())))
}

fn damaged(shown: &str, e: &ParquetError) -> Error {
    Error::new(format!("this is a Parquet file that is cut short or damaged: {}", words(e)))
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
