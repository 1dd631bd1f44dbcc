//! Pages of a Parquet column, unpacked: what a page's header claims is a bound, and never the size of what is asked for.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::Crc;
use flate2::read::MultiGzDecoder;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};

use super::super::bounds::Growth;
use super::thrift::{Field, Walk};

/// The first look at a header, and the last: statistics in it may be as long as two values.
const HEAD: u64 = 1 << 10;
const LONGEST_HEAD: u64 = 4 << 20;

/// A few bytes of snappy stand for so many at most: a copy of 64 in three.
const SNAPPY: u64 = 22;

/// The kinds of page.
const DATA: i64 = 0;
const INDEX: i64 = 1;
const DICTIONARY: i64 = 2;
const DATA_2: i64 = 3;

/// The pages of one column of one row group, in order.
pub struct Packed {
    pub file: Arc<File>,
    /// Of the next page, and where the last one ends.
    pub at: u64,
    pub end: u64,
    pub compression: Compression,
    pub growth: Arc<Mutex<Growth>>,
}

/// What stands before a page. The header of its kind has numbers that are named by their fields.
#[derive(Debug, Default)]
struct Head {
    kind: i64,
    unpacked: i64,
    packed: i64,
    checksum: Option<i64>,
    /// By kind: the fields of the header of data, of a dictionary, and of data in the second version.
    fields: [Option<[i64; FIELDS]>; 3],
}

/// Fields of a header that matter.
const FIELDS: usize = 8;

fn fault<T>(what: &str) -> Result<T> {
    Err(ParquetError::General(what.to_string()))
}

/// Counts bytes that are about to be held.
pub fn count(growth: &Mutex<Growth>, bytes: u64) -> Result<()> {
    let counted = growth.lock().unwrap_or_else(PoisonError::into_inner).add(bytes);
    counted.map_err(|large| ParquetError::External(Box::new(large)))
}

impl Head {
    /// The header at the beginning of these bytes, and its length; none where they end before it does.
    fn of(bytes: &[u8]) -> Option<(Head, usize)> {
        let (mut walk, mut last, mut head) = (Walk::of(bytes), 0, Head::default());
        while let Some((number, field)) = walk.field(&mut last)? {
            match (number, field) {
                (1, Field::Integer(n)) => head.kind = n,
                (2, Field::Integer(n)) => head.unpacked = n,
                (3, Field::Integer(n)) => head.packed = n,
                (4, Field::Integer(n)) => head.checksum = Some(n),
                (5, Field::Structure) => head.fields[0] = Some(fields(&mut walk)?),
                (7, Field::Structure) => head.fields[1] = Some(fields(&mut walk)?),
                (8, Field::Structure) => head.fields[2] = Some(fields(&mut walk)?),
                _ => walk.pass_field(field)?,
            }
        }
        Some((head, walk.walked()))
    }
}

/// Numbers of a structure by field; a truth is 1 or 0, and what is not there −1.
fn fields(walk: &mut Walk<'_>) -> Option<[i64; FIELDS]> {
    let (mut last, mut all) = (0, [-1; FIELDS]);
    while let Some((number, field)) = walk.field(&mut last)? {
        let value = match field {
            Field::Integer(n) => n,
            Field::Truth(is) => i64::from(is),
            other => {
                walk.pass_field(other)?;
                continue;
            }
        };
        if let Some(place) = usize::try_from(number).ok().and_then(|n| all.get_mut(n)) {
            *place = value;
        }
    }
    Some(all)
}

impl Packed {
    fn bytes(&self, at: u64, length: u64) -> Result<Vec<u8>> {
        let mut file = &*self.file;
        file.seek(SeekFrom::Start(at))?;
        let mut bytes = Vec::new();
        file.take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn head(&mut self) -> Result<Head> {
        let left = self.end - self.at;
        let mut length = HEAD;
        loop {
            if let Some((head, walked)) = Head::of(&self.bytes(self.at, length.min(left))?) {
                self.at += walked as u64;
                return Ok(head);
            }
            if length >= left.min(LONGEST_HEAD) {
                return fault("a page begins with bytes that make no sense");
            }
            length *= 16;
        }
    }

    fn next(&mut self) -> Result<Option<Page>> {
        while self.at < self.end {
            let head = self.head()?;
            let packed = u64::try_from(head.packed).ok().filter(|n| *n <= self.end - self.at);
            let (Some(packed), Ok(unpacked)) = (packed, u64::try_from(head.unpacked)) else {
                return fault("a page is longer than its column");
            };
            let at = self.at;
            self.at += packed;
            if head.kind != INDEX {
                return self.page(&head, (at, packed), unpacked).map(Some);
            }
        }
        Ok(None)
    }

    fn page(&self, head: &Head, (at, packed): (u64, u64), unpacked: u64) -> Result<Page> {
        let bytes = self.bytes(at, packed)?;
        if bytes.len() as u64 != packed {
            return fault("a page ends with the file");
        }
        if let Some(checksum) = head.checksum {
            let mut found = Crc::new();
            found.update(&bytes);
            if u32::try_from(checksum & 0xffff_ffff) != Ok(found.sum()) {
                return fault("the checksum of a page is not that of its bytes");
            }
        }
        let of =
            |kind: usize| head.fields[kind].ok_or(ParquetError::General("a page lacks its header".into()));
        let whole = |n: i64| u32::try_from(n).or_else(|_| fault("a page has a negative length"));
        match head.kind {
            DATA => {
                let of = of(0)?;
                Ok(Page::DataPage {
                    num_values: whole(of[1])?,
                    encoding: encoding(of[2])?,
                    def_level_encoding: encoding(of[3])?,
                    rep_level_encoding: encoding(of[4])?,
                    statistics: None,
                    buf: self.unpack(bytes, 0, unpacked)?.into(),
                })
            }
            DICTIONARY => {
                let of = of(1)?;
                Ok(Page::DictionaryPage {
                    num_values: whole(of[1])?,
                    encoding: encoding(of[2])?,
                    is_sorted: of[3] == 1,
                    buf: self.unpack(bytes, 0, unpacked)?.into(),
                })
            }
            DATA_2 => {
                let of = of(2)?;
                let (present, repeated) = (whole(of[5])?, whole(of[6])?);
                let levels = u64::from(present) + u64::from(repeated);
                let is_compressed = of[7] != 0;
                Ok(Page::DataPageV2 {
                    num_values: whole(of[1])?,
                    num_nulls: whole(of[2])?,
                    num_rows: whole(of[3])?,
                    encoding: encoding(of[4])?,
                    def_levels_byte_len: present,
                    rep_levels_byte_len: repeated,
                    is_compressed,
                    statistics: None,
                    buf: if is_compressed {
                        self.unpack(bytes, levels, unpacked)?.into()
                    } else {
                        bytes.into()
                    },
                })
            }
            _ => fault("a page is of a kind that is not known"),
        }
    }

    /// A page's bytes, of which the first so many are never packed.
    fn unpack(&self, bytes: Vec<u8>, plain: u64, unpacked: u64) -> Result<Vec<u8>> {
        const OTHER: &str = "a page holds another number of bytes than it promises";
        if self.compression == Compression::UNCOMPRESSED {
            return Ok(bytes);
        }
        let plain = usize::try_from(plain).unwrap_or(usize::MAX);
        let (Some(packed), Some(size)) =
            (bytes.get(plain..), usize::try_from(unpacked).ok().and_then(|n| n.checked_sub(plain)))
        else {
            return fault(OTHER);
        };
        let mut out = bytes[..plain].to_vec();
        if size == 0 {
            return Ok(out);
        }
        count(&self.growth, unpacked)?;
        if self.compression == Compression::SNAPPY {
            if size as u64 > (packed.len() as u64 + 1) * SNAPPY {
                return fault("a page promises more than it holds");
            }
            out.resize(plain + size, 0);
            let read = snap::raw::Decoder::new().decompress(packed, &mut out[plain..]);
            out.truncate(plain + read.map_err(|e| ParquetError::General(e.to_string()))?);
        } else {
            // One byte more would be too many.
            MultiGzDecoder::new(packed).take(size as u64 + 1).read_to_end(&mut out)?;
        }
        if out.len() as u64 == unpacked { Ok(out) } else { fault(OTHER) }
    }
}

fn encoding(code: i64) -> Result<Encoding> {
    #[expect(deprecated, reason = "old files have levels packed by bits")]
    Ok(match code {
        0 => Encoding::PLAIN,
        2 => Encoding::PLAIN_DICTIONARY,
        3 => Encoding::RLE,
        4 => Encoding::BIT_PACKED,
        5 => Encoding::DELTA_BINARY_PACKED,
        6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        7 => Encoding::DELTA_BYTE_ARRAY,
        8 => Encoding::RLE_DICTIONARY,
        9 => Encoding::BYTE_STREAM_SPLIT,
        _ => return fault("a page is written in a way that is not known"),
    })
}

impl Iterator for Packed {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Result<Page>> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Packed {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        Packed::next(self)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        Err(ParquetError::NYI("pages are read in order".to_string()))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        Err(ParquetError::NYI("pages are read in order".to_string()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn integer(whole: i64) -> Vec<u8> {
        let (mut left, mut out) = ((whole << 1).cast_unsigned(), Vec::new());
        while left >= 0x80 {
            out.push(left as u8 | 0x80);
            left >>= 7;
        }
        out.push(left as u8);
        out
    }

    /// The first page of a column that holds this one, whose header claims so many bytes unpacked.
    fn read(compression: Compression, packed: &[u8], unpacked: i64) -> Result<usize> {
        let head = [
            &[0x15, 4, 0x15][..],
            &integer(unpacked),
            &[0x15],
            &integer(packed.len() as i64),
            // A dictionary of one value, plain.
            &[0x4c, 0x15, 2, 0x15, 0, 0, 0],
        ]
        .concat();
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&[&head, packed].concat()).expect("written");
        let growth = Arc::new(Mutex::new(Growth::of(0, false)));
        let end = (head.len() + packed.len()) as u64;
        let mut pages = Packed { file: Arc::new(file), at: 0, end, compression, growth };
        pages.get_next_page().map(|page| page.map_or(0, |page| page.buffer().len()))
    }

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        out.write_all(bytes).expect("written");
        out.finish().expect("written")
    }

    #[test]
    fn a_page_unpacks_to_exactly_what_its_header_says_or_not_at_all() {
        let text = [b'x'; 100_000];
        let snappy = snap::raw::Encoder::new().compress_vec(&text).expect("packed");
        for (compression, packed) in
            [(Compression::SNAPPY, snappy), (Compression::GZIP(Default::default()), gzipped(&text))]
        {
            assert_eq!(read(compression, &packed, 100_000).expect("whole"), 100_000);
            for claim in [1, 99_999, 100_001, 1 << 28, i64::from(i32::MAX)] {
                assert!(read(compression, &packed, claim).is_err(), "{compression:?}, {claim}");
            }
            assert!(read(compression, &packed[..packed.len() / 2], 100_000).is_err());
        }
        assert_eq!(read(Compression::UNCOMPRESSED, &text, 7).expect("whole"), 100_000);
    }
}
