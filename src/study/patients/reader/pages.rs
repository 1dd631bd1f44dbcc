//! Pages of a Parquet column that hold what their headers promise: memory for that is asked for before it is read.

use parquet::basic::Encoding;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};

pub struct Pages {
    pages: Box<dyn PageReader>,
    /// Values that the column still has, missing ones included.
    left: usize,
    has_dictionary: bool,
}

impl Pages {
    pub fn of(pages: Box<dyn PageReader>, rows: usize) -> Pages {
        Pages { pages, left: rows, has_dictionary: false }
    }

    #[expect(deprecated, reason = "old files have levels packed by bits")]
    fn check(&mut self, page: &Page) -> std::result::Result<(), &'static str> {
        let (values, held) = (page.num_values() as usize, page.buffer().len());
        let needed = match page {
            // A byte for each value at least.
            Page::DictionaryPage { .. } => values,
            Page::DataPage { def_level_encoding: Encoding::BIT_PACKED, .. } => values.div_ceil(8),
            Page::DataPage { .. } => 0,
            Page::DataPageV2 { def_levels_byte_len, rep_levels_byte_len, .. } => {
                *def_levels_byte_len as usize + *rep_levels_byte_len as usize
            }
        };
        if needed > held {
            return Err("a page promises more than it holds");
        }
        if page.is_dictionary_page() {
            self.has_dictionary = true;
            return Ok(());
        }
        let refers = matches!(page.encoding(), Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY);
        if refers && !self.has_dictionary {
            return Err("a page refers to a dictionary that is not there");
        }
        self.left = self.left.checked_sub(values).ok_or("it has more values than its row group has rows")?;
        Ok(())
    }
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
            self.check(&page).map_err(|what| ParquetError::General(what.to_string()))?;
            // A page of no values would be taken for the end.
            if page.is_dictionary_page() || page.num_values() > 0 {
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
