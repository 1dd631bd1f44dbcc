//! Probabilities over something else, drawn with letters: it survives a pipe, and every colour-blindness.

/// Rows between 0 and 1.
const ROWS: usize = 10;

/// A plot of several curves over the same even places, a letter each.
pub struct Plot<'a> {
    pub curves: &'a [Vec<Option<f64>>],
    /// Columns between two places.
    pub columns: usize,
    /// The place that is marked with colons.
    pub marked: usize,
    /// What stands below places.
    pub ticks: &'a [(usize, String)],
}

/// The letter of a curve.
pub fn letter(g: usize) -> char {
    char::from(b'A' + g as u8)
}

impl Plot<'_> {
    pub fn drawn(&self) -> String {
        let places = self.curves.first().map_or(0, Vec::len);
        let width = places.saturating_sub(1) * self.columns + 1;
        let mut cells = vec![vec![' '; width]; ROWS + 1];
        for row in &mut cells {
            row[self.marked * self.columns] = ':';
        }
        for (g, curve) in self.curves.iter().enumerate() {
            for (k, p) in curve.iter().enumerate() {
                let Some(p) = p else { continue };
                let row = ROWS - (p * ROWS as f64).round().clamp(0.0, ROWS as f64) as usize;
                let cell = &mut cells[row][k * self.columns];
                *cell = if cell.is_ascii_alphabetic() || *cell == '*' { '*' } else { letter(g) };
            }
        }
        let mut out = String::new();
        for (k, row) in cells.iter().enumerate() {
            let label = 1.0 - k as f64 / ROWS as f64;
            let line: String = row.iter().collect();
            out.push_str(format!("{label:>5.1} |{line}").trim_end());
            out.push('\n');
        }
        out.push_str(&format!("      +{}\n", "-".repeat(width)));
        let mut below = vec![' '; width + 12];
        for (place, text) in self.ticks {
            for (i, ch) in text.chars().enumerate() {
                below[place * self.columns + i] = ch;
            }
        }
        let line: String = below.iter().collect();
        out.push_str(&format!("       {}\n", line.trim_end()));
        out
    }
}
