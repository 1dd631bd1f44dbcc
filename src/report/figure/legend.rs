//! Names beside a plot, each with its line, and the key of every mark below a drawing.

use super::svg::{Anchor, Canvas, Ink, Stroke, TEXT, lines_within, width_of};

/// A mark of a drawing, as its key shows it.
#[derive(Debug, Clone, Copy)]
pub enum Mark {
    Line(Ink, Stroke, f64),
    /// A line down the drawing.
    Upright(Ink, Stroke),
    Dot(Ink),
    Ring(Ink),
    Area(Ink, f64),
}

/// The broken line at no effect.
pub const NULL: (&[Mark], &str) = (&[Mark::Upright(Ink::Faint, Stroke::Dashed)], "no effect");

/// The key of the marks below a drawing, in as many rows as it needs.
pub fn below(canvas: &mut Canvas, entries: &[(&[Mark], &str)]) {
    const MARGIN: f64 = 14.0;
    const WIDE: f64 = 28.0;
    const ROW: f64 = 18.0;
    let size = TEXT - 1.0;
    let right = canvas.width() - MARGIN;
    let mut y = canvas.grow(ROW + 8.0) + 12.0;
    let mut x = MARGIN;
    for (marks, label) in entries {
        // Words alone need no room for a mark.
        let mark = if marks.is_empty() { 0.0 } else { WIDE + 6.0 };
        let wide = mark + width_of(label, size);
        if x > MARGIN && x + wide > right {
            (x, y) = (MARGIN, canvas.grow(ROW) + 4.0);
        }
        let middle = x + 0.5 * WIDE;
        for drawn in *marks {
            match *drawn {
                Mark::Line(ink, stroke, width) => canvas.line((x, y), (x + WIDE, y), ink, width, stroke),
                Mark::Upright(ink, stroke) => {
                    canvas.line((middle, y - 8.0), (middle, y + 8.0), ink, 1.0, stroke);
                }
                Mark::Dot(ink) => canvas.dot((middle, y), 4.0, ink, true),
                Mark::Ring(ink) => canvas.dot((middle, y), 3.5, ink, false),
                Mark::Area(ink, opacity) => canvas.rect((x, y - 7.0), (WIDE, 14.0), ink, opacity),
            }
        }
        for (k, line) in lines_within(label, right - MARGIN - mark, size).iter().enumerate() {
            if k > 0 {
                y = canvas.grow(ROW) + 4.0;
            }
            canvas.text((x + mark, y + 4.0), line, Anchor::Start, size, Ink::Text);
        }
        x += wide + 18.0;
    }
    canvas.grow(6.0);
}

/// One line of a plot.
pub struct Entry<'a> {
    pub label: &'a str,
    pub ink: Ink,
    pub stroke: Stroke,
    pub width: f64,
    /// Whether the line has a dot on it.
    pub dotted: bool,
}

/// Between a plot's right edge, a sample of the line, and its name.
const SAMPLE: (f64, f64) = (16.0, 44.0);
const NAME: f64 = 50.0;

fn lines(label: &str, [left, right]: [f64; 2]) -> Vec<String> {
    lines_within(label, right - left - NAME - 10.0, TEXT - 1.0)
}

/// How high a legend is between a plot's right edge and the canvas's.
pub fn height<'a>(labels: impl Iterator<Item = &'a str>, within: [f64; 2]) -> f64 {
    labels.map(|label| 15.0 * lines(label, within).len() as f64 + 6.0).sum()
}

/// Draws the entries from `top` down, and returns the height at which they end.
pub fn draw(canvas: &mut Canvas, within: [f64; 2], top: f64, entries: &[Entry<'_>]) -> f64 {
    let left = within[0];
    let mut at = top;
    for e in entries {
        canvas.line((left + SAMPLE.0, at), (left + SAMPLE.1, at), e.ink, e.width, e.stroke);
        if e.dotted {
            canvas.dot((left + 0.5 * (SAMPLE.0 + SAMPLE.1), at), 4.0, e.ink, true);
        }
        for line in lines(e.label, within) {
            canvas.text((left + NAME, at + 4.0), &line, Anchor::Start, TEXT - 1.0, Ink::Text);
            at += 15.0;
        }
        at += 6.0;
    }
    at
}
