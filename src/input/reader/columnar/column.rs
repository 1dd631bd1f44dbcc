//! Values of a Parquet column as texts.

use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int96};
use parquet::errors::ParquetError;
use parquet::schema::types::ColumnDescriptor;

use super::super::typed::texts::{self, put};
use crate::error::{Error, ErrorKind, Result};

/// A result of the library's.
pub type Kept<T> = parquet::errors::Result<T>;

/// What the numbers or bytes of a column stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// Themselves: truths, numbers, texts.
    Plain,
    Unsigned,
    Decimal {
        scale: usize,
    },
    Date,
    Time {
        a_second: i64,
    },
    Instant {
        a_second: i64,
        universal: bool,
    },
    Half,
    Uuid,
}

pub struct Column {
    pub name: String,
    /// Of the present row group.
    pub reader: Option<ColumnReader>,
    /// Of the present batch.
    pub texts: Texts,
    /// Whether values may be missing.
    pub optional: bool,
    meaning: Meaning,
}

/// Texts, one after the other.
#[derive(Default)]
pub struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Instead of these, texts that stay in their page, however many rows have the same.
    shared: Vec<ByteArray>,
}

impl Texts {
    /// Trimmed, as those of a CSV file are.
    pub fn get(&self, at: usize) -> &[u8] {
        if let Some(text) = self.shared.get(at) {
            return text.data().trim_ascii();
        }
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        self.bytes[start..self.ends[at]].trim_ascii()
    }

    /// The next `rows` of a column; what is missing is empty.
    fn fill<T: DataType>(
        &mut self,
        reader: &mut ColumnReaderImpl<T>,
        (rows, optional): (usize, bool),
        write: impl Fn(&T::T, &mut Vec<u8>) -> Kept<()>,
    ) -> Kept<()> {
        let (present, values) = read::<T>(reader, (rows, optional))?;
        self.bytes.clear();
        self.ends.clear();
        self.shared.clear();
        let mut values = values.iter();
        for is_present in present {
            if is_present > 0
                && let Some(value) = values.next()
            {
                write(value, &mut self.bytes)?;
            }
            self.ends.push(self.bytes.len());
        }
        Ok(())
    }

    /// The same of texts that are told as they are.
    fn share(
        &mut self,
        reader: &mut ColumnReaderImpl<ByteArrayType>,
        (rows, optional): (usize, bool),
    ) -> Kept<()> {
        let (present, values) = read::<ByteArrayType>(reader, (rows, optional))?;
        let mut values = values.into_iter();
        let nothing = || ByteArray::from("");
        self.shared.clear();
        self.shared.extend(present.into_iter().map(|is_present| {
            if is_present > 0 { values.next().unwrap_or_else(nothing) } else { nothing() }
        }));
        Ok(())
    }
}

/// The next `rows`: which are there, and their values.
fn read<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    (rows, optional): (usize, bool),
) -> Kept<(Vec<i16>, Vec<T::T>)> {
    let (mut present, mut values) = (Vec::new(), Vec::with_capacity(rows));
    let (read, _, _) = reader.read_records(rows, optional.then_some(&mut present), None, &mut values)?;
    present.resize(if optional { present.len() } else { rows }, 1);
    if read != rows || present.len() != rows || values.len() != present.iter().filter(|p| **p > 0).count() {
        return Err(ParquetError::General("it ends before its row group does".to_string()));
    }
    Ok((present, values))
}

impl Column {
    pub fn of(described: &ColumnDescriptor) -> Result<Column> {
        let name = described.name().trim_ascii().to_string();
        let meaning = Meaning::of(described);
        if let Meaning::Decimal { scale } = meaning
            && digits(described).max(scale) > texts::MOST_DIGITS
        {
            return Err(Error::of(
                ErrorKind::Limit,
                format!("column `{name}` holds decimals of {} digits", digits(described)),
            )
            .help(format!("up to {} are read: write it as text or as floats", texts::MOST_DIGITS)));
        }
        let optional = described.max_def_level() > 0;
        Ok(Column { name, reader: None, texts: Texts::default(), meaning, optional })
    }

    /// The next `rows` as texts.
    pub fn decode(&mut self, rows: usize) -> Kept<()> {
        let (meaning, what, texts) = (self.meaning, (rows, self.optional), &mut self.texts);
        match &mut self.reader {
            None => Err(ParquetError::General("it is not open".to_string())),
            Some(ColumnReader::BoolColumnReader(r)) => texts.fill(r, what, |v, out| {
                put(out, format_args!("{v}"));
                Ok(())
            }),
            Some(ColumnReader::Int32ColumnReader(r)) => texts.fill(r, what, |v, out| {
                let unsigned = meaning == Meaning::Unsigned;
                meaning.tell(if unsigned { i64::from(v.cast_unsigned()) } else { i64::from(*v) }, out);
                Ok(())
            }),
            Some(ColumnReader::Int64ColumnReader(r)) => texts.fill(r, what, |v, out| {
                meaning.tell(*v, out);
                Ok(())
            }),
            Some(ColumnReader::Int96ColumnReader(r)) => texts.fill(r, what, |v, out| {
                tell_old_instant(v, out);
                Ok(())
            }),
            Some(ColumnReader::FloatColumnReader(r)) => texts.fill(r, what, |v, out| {
                texts::single(*v, out);
                Ok(())
            }),
            Some(ColumnReader::DoubleColumnReader(r)) => texts.fill(r, what, |v, out| {
                texts::double(*v, out);
                Ok(())
            }),
            Some(ColumnReader::ByteArrayColumnReader(r)) if meaning == Meaning::Plain => texts.share(r, what),
            Some(ColumnReader::ByteArrayColumnReader(r)) => {
                texts.fill(r, what, |v, out| meaning.tell_bytes(v.data(), out))
            }
            Some(ColumnReader::FixedLenByteArrayColumnReader(r)) => {
                texts.fill(r, what, |v, out| meaning.tell_bytes(v.data(), out))
            }
        }
    }
}

impl Meaning {
    fn of(described: &ColumnDescriptor) -> Meaning {
        match described.logical_type_ref() {
            Some(logical) => Meaning::of_logical(logical, described.physical_type()),
            None => Meaning::of_converted(described),
        }
    }

    fn of_logical(logical: &LogicalType, physical: Type) -> Meaning {
        let parts = |unit: &TimeUnit| match unit {
            TimeUnit::MILLIS => 1_000,
            TimeUnit::MICROS => 1_000_000,
            TimeUnit::NANOS => 1_000_000_000,
        };
        match logical {
            LogicalType::Integer(int) if !int.is_signed => Meaning::Unsigned,
            LogicalType::Decimal(decimal) => Meaning::Decimal { scale: decimal.scale.max(0) as usize },
            LogicalType::Date => Meaning::Date,
            LogicalType::Time(time) => Meaning::Time { a_second: parts(&time.unit) },
            LogicalType::Timestamp(time) => {
                Meaning::Instant { a_second: parts(&time.unit), universal: time.is_adjusted_to_u_t_c }
            }
            LogicalType::Float16 if physical == Type::FIXED_LEN_BYTE_ARRAY => Meaning::Half,
            LogicalType::Uuid => Meaning::Uuid,
            _ => Meaning::Plain,
        }
    }

    /// As files from before logical types say it.
    fn of_converted(described: &ColumnDescriptor) -> Meaning {
        match described.converted_type() {
            ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64 => Meaning::Unsigned,
            ConvertedType::DECIMAL => Meaning::Decimal { scale: described.type_scale().max(0) as usize },
            ConvertedType::DATE => Meaning::Date,
            ConvertedType::TIME_MILLIS => Meaning::Time { a_second: 1_000 },
            ConvertedType::TIME_MICROS => Meaning::Time { a_second: 1_000_000 },
            ConvertedType::TIMESTAMP_MILLIS => Meaning::Instant { a_second: 1_000, universal: true },
            ConvertedType::TIMESTAMP_MICROS => Meaning::Instant { a_second: 1_000_000, universal: true },
            _ => Meaning::Plain,
        }
    }

    /// A day or an instant outside of the calendar stays the number that it is kept as.
    fn tell(self, value: i64, out: &mut Vec<u8>) {
        match self {
            Meaning::Decimal { scale } => texts::decimal(i128::from(value), scale, out),
            Meaning::Time { a_second } => texts::time(value, a_second, out),
            Meaning::Unsigned => put(out, format_args!("{}", value.cast_unsigned())),
            Meaning::Date if texts::day(value, out) => {}
            Meaning::Instant { a_second, universal } if texts::instant(value, a_second, universal, out) => {}
            _ => put(out, format_args!("{value}")),
        }
    }

    fn tell_bytes(self, bytes: &[u8], out: &mut Vec<u8>) -> Kept<()> {
        match (self, bytes) {
            (Meaning::Decimal { scale }, _) => {
                let unscaled = texts::integer_of(bytes)
                    .ok_or_else(|| ParquetError::General("a decimal has too many digits".to_string()))?;
                texts::decimal(unscaled, scale, out);
            }
            (Meaning::Half, [low, high]) => texts::half(u16::from_le_bytes([*low, *high]), out),
            (Meaning::Uuid, _) => texts::uuid(bytes, out),
            _ => out.extend_from_slice(bytes),
        }
        Ok(())
    }
}

/// A Julian day after eight bytes of nanoseconds in it.
fn tell_old_instant(value: &Int96, out: &mut Vec<u8>) {
    if let [low, high, day] = value.data() {
        let nanoseconds = (u64::from(*high) << 32 | u64::from(*low)).cast_signed();
        if !texts::julian(*day, nanoseconds, out) {
            put(out, format_args!("{day}"));
        }
    }
}

fn digits(described: &ColumnDescriptor) -> usize {
    let precision = match described.logical_type_ref() {
        Some(LogicalType::Decimal(decimal)) => decimal.precision,
        _ => described.type_precision(),
    };
    usize::try_from(precision).unwrap_or(usize::MAX)
}
