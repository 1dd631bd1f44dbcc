//! Names beside a plot, each with its line.

use super::svg::{Anchor, Canvas, Ink, Stroke, TEXT, lines_within};

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
