//! Line ends of every system as one, so that rows are counted alike.

use std::io::{self, Read};

/// Bytes in which every line ends with a line feed, the last one too.
pub struct Lines<R> {
    bytes: R,
    /// Whether a carriage return came last: a line feed after it belongs to it.
    after_return: bool,
    /// Whether a line has begun and not ended.
    open: bool,
}

impl<R> Lines<R> {
    pub fn of(bytes: R) -> Lines<R> {
        Lines { bytes, after_return: false, open: false }
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.bytes.read(buffer)?;
            let Some(held) = buffer.get_mut(..read).filter(|held| !held.is_empty()) else {
                let Some(end) = buffer.first_mut().filter(|_| std::mem::take(&mut self.open)) else {
                    return Ok(0);
                };
                *end = b'\n';
                return Ok(1);
            };
            let left = if self.after_return || held.contains(&b'\r') { self.join(held) } else { read };
            if left > 0 {
                self.open = buffer[left - 1] != b'\n';
                return Ok(left);
            }
        }
    }
}

impl<R> Lines<R> {
    /// Line feeds in place of returns and of pairs; how many bytes are left.
    fn join(&mut self, held: &mut [u8]) -> usize {
        let mut left = 0;
        for k in 0..held.len() {
            let byte = held[k];
            let is_second = byte == b'\n' && self.after_return;
            self.after_return = byte == b'\r';
            if !is_second {
                held[left] = if byte == b'\r' { b'\n' } else { byte };
                left += 1;
            }
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use super::Lines;

    #[test]
    fn lines_of_every_system_end_alike_however_they_are_cut_into_pieces() {
        for (text, expected) in [
            ("a\r\nb\r\n", "a\nb\n"),
            ("a\rb\r", "a\nb\n"),
            ("a\n\r\n\r\rb", "a\n\n\n\nb\n"),
            ("a\nb\n", "a\nb\n"),
            ("", ""),
        ] {
            for size in 1..4 {
                let mut found = String::new();
                let mut lines = Lines::of(BufReader::with_capacity(size, text.as_bytes()));
                lines.read_to_string(&mut found).expect("read");
                assert_eq!(found, expected, "{text:?}, {size}");
            }
        }
    }
}
