//! Pages of a Parquet column that hold what their headers promise: the library asks for memory for that before it reads.

use std::sync::{Arc, Mutex};

use parquet::basic::{Encoding, Type};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};

use super::super::bounds::Growth;
use super::page::{self, Packed};

pub struct Pages {
    pages: Packed,
    /// Values that the column still has, missing ones included.
    left: usize,
    /// Whether values may be missing: pages then begin with which are there.
    optional: bool,
    /// What a value is kept as, and its length where all have the same.
    physical: (Type, i32),
    has_dictionary: bool,
    growth: Arc<Mutex<Growth>>,
}

impl Pages {
    pub fn of(pages: Packed, rows: usize, (optional, physical): (bool, (Type, i32))) -> Pages {
        let growth = Arc::clone(&pages.growth);
        Pages { pages, left: rows, optional, physical, has_dictionary: false, growth }
    }

    /// Every value of a dictionary is held as one, whose text stays in the page.
    fn check_dictionary(&mut self, page: &Page) -> Result<()> {
        /// A text's place and owner.
        const HELD: u64 = 40;
        self.has_dictionary = true;
        let (physical, length) = self.physical;
        let takes = match physical {
            Type::BOOLEAN => 1,
            Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 4,
            Type::INT64 | Type::DOUBLE => 8,
            Type::INT96 => 12,
            Type::FIXED_LEN_BYTE_ARRAY => u64::try_from(length).unwrap_or(0).max(1),
        };
        let count = u64::from(page.num_values());
        if count * takes > page.buffer().len() as u64 {
            return Err(ParquetError::General(SHORT.to_string()));
        }
        page::count(&self.growth, count * HELD)
    }

    fn check(&mut self, page: &Page) -> std::result::Result<(), &'static str> {
        let (count, buffer) = (page.num_values() as usize, page.buffer());
        self.left = self.left.checked_sub(count).ok_or("it has more values than its row group has rows")?;
        let values = buffer.get(self.levels(page).ok_or(SHORT)?..).ok_or(SHORT)?;
        let most = u64::from(page.num_values());
        let whole = match page.encoding() {
            Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY if !self.has_dictionary => {
                return Err("a page refers to a dictionary that is not there");
            }
            _ if values.is_empty() => Some(0),
            Encoding::DELTA_BINARY_PACKED | Encoding::DELTA_LENGTH_BYTE_ARRAY => deltas(values, most),
            Encoding::DELTA_BYTE_ARRAY => deltas(values, most).and_then(|end| deltas(&values[end..], most)),
            _ => Some(0),
        };
        whole.map(|_| ()).ok_or(SHORT)
    }

    /// How many bytes of a page say which values are there.
    fn levels(&self, page: &Page) -> Option<usize> {
        match page {
            Page::DataPageV2 { def_levels_byte_len, rep_levels_byte_len, .. } => {
                (*def_levels_byte_len as usize).checked_add(*rep_levels_byte_len as usize)
            }
            #[expect(deprecated, reason = "old files have levels packed by bits")]
            Page::DataPage { def_level_encoding: Encoding::BIT_PACKED, num_values, .. } if self.optional => {
                Some((*num_values as usize).div_ceil(8))
            }
            Page::DataPage { buf, .. } if self.optional => {
                let length = u32::from_le_bytes(*buf.first_chunk()?);
                (length as usize).checked_add(size_of::<u32>())
            }
            _ => Some(0),
        }
    }
}

const SHORT: &str = "a page promises more than it holds";

/// Where integers that are packed as differences end, which are at most so many.
///
/// They begin with how many a block has, how many parts a block has, how many there are, and the first; a block with its
/// least difference, and by how many bits each of its parts holds another.
fn deltas(bytes: &[u8], most: u64) -> Option<usize> {
    let mut at = 0;
    let [block, parts, count, _] = [(); 4].map(|()| integer(bytes, &mut at));
    let (parts, count) = (parts?, count?);
    let each = block?.checked_div(parts)?;
    if count > most || each == 0 {
        return None;
    }
    let mut left = count.saturating_sub(1);
    while left > 0 {
        integer(bytes, &mut at)?;
        let bits = bytes.get(at..at.checked_add(usize::try_from(parts).ok()?)?)?;
        at += bits.len();
        for bits in bits {
            if left > 0 {
                let held = u64::from(*bits).checked_mul(each)? / 8;
                at = at.checked_add(usize::try_from(held).ok()?)?;
            }
            left = left.saturating_sub(each);
        }
    }
    (at <= bytes.len()).then_some(at)
}

/// An integer of seven bits a byte, the lowest first.
fn integer(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut whole = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        whole |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(whole);
        }
    }
    None
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Result<Page>> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        while let Some(page) = self.pages.get_next_page()? {
            if page.is_dictionary_page() {
                self.check_dictionary(&page)?;
                return Ok(Some(page));
            }
            self.check(&page).map_err(|what| ParquetError::General(what.to_string()))?;
            // A page of no values would be taken for the end.
            if page.num_values() > 0 {
                return Ok(Some(page));
            }
        }
        Ok(None)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }
}

#[cfg(test)]
mod tests {
    use super::{deltas, integer};

    #[test]
    fn integers_packed_as_differences_end_where_they_end() {
        let mut at = 0;
        assert_eq!((integer(&[0x80, 0x01, 7], &mut at), at), (Some(128), 2));
        assert_eq!(integer(&[0x80; 11], &mut 0), None);
        // A block of 128 in four parts; one value, and so no block; forty, of two bits and of none.
        assert_eq!(deltas(&[0x80, 0x01, 4, 1, 2, 9], 1), Some(5));
        let forty = [&[0x80, 0x01, 4, 40, 2, 1, 2, 0, 99, 99][..], &[0; 8], &[9; 3]].concat();
        assert_eq!(deltas(&forty, 40), Some(18));
        assert_eq!(deltas(&forty, 39), None);
        assert_eq!(deltas(&forty[..17], 40), None);
        for bad in [&[][..], &[0, 4, 1, 0], &[0x80, 0x01, 0, 1, 0], &[0x80, 0x01, 4, 2, 0]] {
            assert_eq!(deltas(bad, 9), None);
        }
    }
}
