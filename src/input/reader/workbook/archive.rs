//! A look through a workbook's archive before it is read: how much it holds unpacked, and whether its parts hold what they
//! claim.
//!
//! The look errs on the side of refusing: what stands in a comment counts as if it stood in the text.

use std::fs::File;
use std::io::{BufReader, Read};

use zip::ZipArchive;

use super::super::super::Reading;
use super::super::bounds::{Growth, TooLarge};

/// Why a workbook is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The archive, or a part of it, can't be unpacked.
    Unpacked,
    TooLarge(TooLarge),
    /// A part claims what it does not hold.
    False(&'static str),
}

impl From<TooLarge> for Claim {
    fn from(large: TooLarge) -> Claim {
        Claim::TooLarge(large)
    }
}

/// Memory that a shared string takes beside its text.
const STRING: u64 = 24;

/// Strings that may be missing: careless writers count wrongly, and room for so many costs little.
const BELIEVED: u64 = 1 << 20;

/// Memory that the format of a cell takes beside the names in it.
const FORMAT: u64 = 512;

/// Bytes of a tag that are looked at; no attribute that matters stands behind.
const LONGEST_TAG: usize = 64 << 10;

/// Unpacks every part, in pieces, and counts.
pub fn check_claims(file: File, reading: Reading) -> Result<(), Claim> {
    let length = file.metadata().map_err(|_| Claim::Unpacked)?.len();
    let mut growth = Growth::of(length, reading.large);
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|_| Claim::Unpacked)?;
    for k in 0..archive.len() {
        let Ok(mut part) = archive.by_index(k) else { continue };
        let mut tags = Tags::default();
        let mut piece = vec![0; 64 << 10];
        // What can't be unpacked further is not read further either.
        while let Ok(read) = part.read(&mut piece) {
            if read == 0 {
                break;
            }
            growth.add(read as u64)?;
            tags.look(&piece[..read], &mut growth)?;
        }
        tags.end(&mut growth)?;
    }
    Ok(())
}

/// The tags of a part, as they pass.
#[derive(Default)]
struct Tags {
    /// The tag that has begun, after its `<`.
    tag: Option<Vec<u8>>,
    /// Bytes of the tag.
    length: usize,
    longest: u64,
    /// How many strings and how many formats the part has, and how many strings it claims.
    strings: u64,
    claimed: u64,
    formats: u64,
}

impl Tags {
    fn look(&mut self, mut bytes: &[u8], growth: &mut Growth) -> Result<(), Claim> {
        loop {
            if let Some(tag) = &mut self.tag {
                let end = bytes.iter().position(|b| *b == b'>');
                let own = &bytes[..end.unwrap_or(bytes.len())];
                let room = LONGEST_TAG.saturating_sub(tag.len());
                tag.extend_from_slice(&own[..own.len().min(room)]);
                self.length += own.len();
                let Some(end) = end else { return Ok(()) };
                bytes = &bytes[end + 1..];
                self.close(growth)?;
            }
            let Some(start) = bytes.iter().position(|b| *b == b'<') else { return Ok(()) };
            self.tag = Some(Vec::new());
            self.length = 0;
            bytes = &bytes[start + 1..];
        }
    }

    fn close(&mut self, growth: &mut Growth) -> Result<(), Claim> {
        let Some(tag) = self.tag.take() else { return Ok(()) };
        let name = tag.split(|b| b" \t\r\n/".contains(b)).next().unwrap_or_default();
        let local = name.rsplit(|b| *b == b':').next().unwrap_or_default();
        match local {
            b"si" => {
                self.strings += 1;
                growth.add(STRING)?;
            }
            b"sst" => self.claimed = self.claimed.max(number(&tag, b"uniqueCount").unwrap_or(0)),
            b"xf" => self.formats += 1,
            // Sheets hold nothing that is copied.
            b"c" | b"row" | b"v" | b"t" | b"f" | b"is" => return Ok(()),
            _ => {}
        }
        self.longest = self.longest.max(self.length as u64);
        Ok(())
    }

    /// Every format has its own copy of the names of its font and number format.
    fn end(mut self, growth: &mut Growth) -> Result<(), Claim> {
        self.close(growth)?;
        if self.claimed > self.strings.saturating_add(BELIEVED) {
            return Err(Claim::False("it claims more shared strings than it holds"));
        }
        growth.add(self.formats.saturating_mul(FORMAT + self.longest))?;
        Ok(())
    }
}

/// The value of an attribute that is a whole number; the largest number where it has more digits than that.
fn number(tag: &[u8], attribute: &[u8]) -> Option<u64> {
    let place = tag.windows(attribute.len()).position(|w| w == attribute)?;
    let rest = tag[place + attribute.len()..].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let digits: Vec<u8> = rest.get(1..)?.iter().copied().take_while(u8::is_ascii_digit).collect();
    (!digits.is_empty()).then(|| String::from_utf8_lossy(&digits).parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::{Claim, Growth, Tags, number};

    fn looked(text: &[u8], pieces: usize) -> Result<(), Claim> {
        let (mut tags, mut growth) = (Tags::default(), Growth::of(0, false));
        text.chunks(pieces).try_for_each(|piece| tags.look(piece, &mut growth))?;
        tags.end(&mut growth)
    }

    #[test]
    fn strings_are_counted_wherever_the_pieces_end() {
        for pieces in 1..40 {
            let two = br#"<x:sst count="9" uniqueCount = "2"><x:si><t>a</t></x:si><si/></x:sst>"#;
            assert_eq!(looked(two, pieces), Ok(()));
            let many = br#"<sst uniqueCount="1048579"><si><t>a</t></si><si/></sst>"#;
            assert!(matches!(looked(many, pieces), Err(Claim::False(_))));
        }
    }

    #[test]
    fn attributes_are_found_in_either_quotes_and_of_any_size() {
        assert_eq!(number(b"sst uniqueCount='12'", b"uniqueCount"), Some(12));
        assert_eq!(number(b"sst uniqueCount=\"99999999999999999999999\"", b"uniqueCount"), Some(u64::MAX));
        assert_eq!(number(b"sst uniqueCount=\"\"", b"uniqueCount"), None);
        assert_eq!(number(b"sst", b"uniqueCount"), None);
    }
}
