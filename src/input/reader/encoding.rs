//! Texts that are not UTF-8, as those of Windows in Western Europe and America: Windows-1252.
//!
//! Each column is of one encoding, the first that shows. A value that does not go with it is left as it is, which is an
//! error where it is used.

use csv::ByteRecord;

/// What the bytes 0x80 to 0x9f stand for; none where they stand for nothing.
const SPECIAL: [Option<char>; 32] = [
    Some('€'),
    None,
    Some('‚'),
    Some('ƒ'),
    Some('„'),
    Some('…'),
    Some('†'),
    Some('‡'),
    Some('ˆ'),
    Some('‰'),
    Some('Š'),
    Some('‹'),
    Some('Œ'),
    None,
    Some('Ž'),
    None,
    None,
    Some('‘'),
    Some('’'),
    Some('“'),
    Some('”'),
    Some('•'),
    Some('–'),
    Some('—'),
    Some('˜'),
    Some('™'),
    Some('š'),
    Some('›'),
    Some('œ'),
    None,
    Some('ž'),
    Some('Ÿ'),
];

/// The encodings of a file's columns, as they show.
#[derive(Debug, Default)]
pub struct Encodings {
    columns: Vec<Encoding>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Encoding {
    /// Nothing but ASCII so far, which is both.
    #[default]
    Either,
    Utf8,
    Windows1252,
}

/// A value that is UTF-8 in a column that is not.
pub struct Mixed {
    pub column: usize,
}

impl Encodings {
    /// Makes a record UTF-8 where it can be.
    pub fn decode(&mut self, record: &mut ByteRecord) -> Result<(), Mixed> {
        if record.as_slice().is_ascii() {
            return Ok(());
        }
        self.columns.resize(self.columns.len().max(record.len()), Encoding::Either);
        let mut decoded = None;
        for (column, (value, seen)) in record.iter().zip(&mut self.columns).enumerate() {
            if value.is_ascii() {
                continue;
            }
            match (std::str::from_utf8(value).is_ok(), *seen) {
                (true, Encoding::Windows1252) => return Err(Mixed { column }),
                (true, _) => *seen = Encoding::Utf8,
                (false, Encoding::Utf8) => {}
                (false, _) => {
                    if let Some(text) = windows_1252(value) {
                        *seen = Encoding::Windows1252;
                        decoded.get_or_insert_with(|| vec![None; record.len()])[column] = Some(text);
                    }
                }
            }
        }
        if let Some(decoded) = decoded {
            let fields = record.iter().zip(&decoded);
            let fields =
                fields.map(|(value, text)| text.as_ref().map_or(value, |text: &String| text.as_bytes()));
            let whole: ByteRecord = fields.collect();
            *record = whole;
        }
        Ok(())
    }

    /// Columns that were read as Windows-1252.
    pub fn not_utf8(&self) -> impl Iterator<Item = usize> {
        self.columns.iter().enumerate().filter(|(_, e)| **e == Encoding::Windows1252).map(|(k, _)| k)
    }
}

/// None where a byte stands for nothing.
fn windows_1252(bytes: &[u8]) -> Option<String> {
    let character = |&byte: &u8| match byte {
        0x80..=0x9f => SPECIAL[usize::from(byte - 0x80)],
        _ => Some(char::from(byte)),
    };
    bytes.iter().map(character).collect()
}

#[cfg(test)]
mod tests {
    use csv::ByteRecord;

    use super::Encodings;

    #[test]
    fn a_column_has_one_encoding_and_what_does_not_go_with_it_stays_as_it_is() {
        let mut encodings = Encodings::default();
        let mut read = |fields: [&[u8]; 2]| {
            let mut record = ByteRecord::from(fields.to_vec());
            encodings.decode(&mut record).map(|()| record)
        };
        let texts = |a: &str, b: &str| ByteRecord::from(vec![a.as_bytes(), b.as_bytes()]);
        assert_eq!(read([b"M\xe4nner", b"\x80\x96"]).ok(), Some(texts("Männer", "€–")));
        assert_eq!(read([b"M\xe4nner", b"plain"]).ok(), Some(texts("Männer", "plain")));
        assert_eq!(read(["Männer".as_bytes(), b""]).err().map(|m| m.column), Some(0));
        let mut encodings = Encodings::default();
        for (fields, is_left) in
            [(["ä".as_bytes(), b""], true), ([b"\xe4", b""], true), ([b"", b"\x81"], true)]
        {
            let mut record = ByteRecord::from(fields.to_vec());
            assert!(encodings.decode(&mut record).is_ok());
            assert_eq!(record == fields.to_vec(), is_left);
        }
        assert_eq!(encodings.not_utf8().count(), 0);
    }
}
