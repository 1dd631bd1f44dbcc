//! The encoding of a Parquet file's footer and page headers, walked through without being held.
//!
//! Thrift's compact protocol: integers of seven bits a byte, a structure as fields that each begin with a byte of type and
//! number, a list with a byte of type and length.

/// Structures in structures, beyond which nothing is read.
const DEEPEST: usize = 32;

/// Bytes that are walked through.
pub struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Truth(bool),
    Integer(i64),
    /// A list of so many values of a type.
    List(u8, usize),
    Structure,
    /// Something that matters to nobody here.
    Other(u8),
}

pub const STRUCTURE: u8 = 12;

impl<'a> Walk<'a> {
    pub fn of(bytes: &'a [u8]) -> Walk<'a> {
        Walk { bytes, at: 0 }
    }

    /// How many bytes were walked through.
    pub fn walked(&self) -> usize {
        self.at
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn pass(&mut self, bytes: usize) -> Option<()> {
        self.at = self.at.checked_add(bytes).filter(|at| *at <= self.bytes.len())?;
        Some(())
    }

    /// An integer of seven bits a byte, the lowest first.
    pub fn unsigned(&mut self) -> Option<u64> {
        let mut whole = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            whole |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(whole);
            }
        }
        None
    }

    /// The next field of a structure: its number and what it holds; `Some(None)` where the structure ends.
    ///
    /// Integers and truths are read by this; lists, structures and all else begin here, and have to be walked through or
    /// passed with [`Walk::pass_field`].
    pub fn field(&mut self, last: &mut i64) -> Option<Option<(i64, Field)>> {
        let head = self.byte()?;
        if head == 0 {
            return Some(None);
        }
        *last = match head >> 4 {
            0 => self.signed()?,
            further => last.checked_add(i64::from(further))?,
        };
        let field = match head & 0x0f {
            1 => Field::Truth(true),
            2 => Field::Truth(false),
            4..=6 => Field::Integer(self.signed()?),
            9 | 10 => {
                let (of, length) = self.list()?;
                Field::List(of, length)
            }
            STRUCTURE => Field::Structure,
            other => Field::Other(other),
        };
        Some(Some((*last, field)))
    }

    fn signed(&mut self) -> Option<i64> {
        let whole = self.unsigned()?;
        Some((whole >> 1).cast_signed() ^ -((whole & 1).cast_signed()))
    }

    /// A list's type and length, which is no more than the bytes that are left: an element takes one at least.
    fn list(&mut self) -> Option<(u8, usize)> {
        let head = self.byte()?;
        let length = match head >> 4 {
            15 => usize::try_from(self.unsigned()?).ok()?,
            few => usize::from(few),
        };
        (length <= self.bytes.len() - self.at).then_some((head & 0x0f, length))
    }

    /// Passes what a field holds beyond its beginning.
    pub fn pass_field(&mut self, field: Field) -> Option<()> {
        self.pass_to_depth(field, DEEPEST)
    }

    fn pass_to_depth(&mut self, field: Field, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match field {
            Field::Truth(_) | Field::Integer(_) => Some(()),
            Field::List(of, length) => (0..length).try_for_each(|_| {
                let element = match of {
                    1 | 2 => Field::Other(3),
                    4..=6 => return self.unsigned().map(|_| ()),
                    9 | 10 => {
                        let (of, length) = self.list()?;
                        Field::List(of, length)
                    }
                    STRUCTURE => Field::Structure,
                    other => Field::Other(other),
                };
                self.pass_to_depth(element, depth)
            }),
            Field::Structure => {
                let mut last = 0;
                while let Some((_, field)) = self.field(&mut last)? {
                    self.pass_to_depth(field, depth)?;
                }
                Some(())
            }
            Field::Other(3) => self.pass(1),
            Field::Other(7) => self.pass(8),
            Field::Other(8) => {
                let length = self.unsigned()?;
                self.pass(usize::try_from(length).ok()?)
            }
            Field::Other(13) => self.pass(16),
            Field::Other(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Field, Walk};

    #[test]
    fn a_structure_is_walked_to_its_end_and_no_further() {
        // 1: 150; 2: true; 4: [1, 2]; 5: "ab"; 6: { 1: -1 }.
        let bytes = [0x15, 0xac, 0x02, 0x11, 0x29, 0x25, 2, 4, 0x18, 2, b'a', b'b', 0x1c, 0x15, 1, 0, 0, 99];
        let (mut walk, mut last, mut seen) = (Walk::of(&bytes), 0, Vec::new());
        while let Some((number, field)) = walk.field(&mut last).expect("whole") {
            walk.pass_field(field).expect("whole");
            seen.push((number, field));
        }
        let wanted = [
            (1, Field::Integer(150)),
            (2, Field::Truth(true)),
            (4, Field::List(5, 2)),
            (5, Field::Other(8)),
            (6, Field::Structure),
        ];
        assert_eq!((seen.as_slice(), walk.walked()), (&wanted[..], 17));
        for end in 0..17 {
            assert_eq!(Walk::of(&bytes[..end]).pass_field(Field::Structure), None);
        }
    }

    #[test]
    fn lists_longer_than_what_is_left_and_endless_nests_are_not_walked() {
        assert_eq!(
            Walk::of(&[0x19, 0xf5, 0xff, 0xff, 0xff, 0xff, 0x07, 0]).pass_field(Field::Structure),
            None
        );
        assert_eq!(Walk::of(&[0x1c; 100_000]).pass_field(Field::Structure), None);
        let nested: Vec<u8> = std::iter::once(0x19).chain([0x19; 100_000]).collect();
        assert_eq!(Walk::of(&nested).pass_field(Field::Structure), None);
    }
}
