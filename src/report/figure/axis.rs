//! Axes: where a value lies on the page, and at which round values ticks stand.

use super::svg::{Anchor, Canvas, Ink, Stroke, TEXT};

/// Values on a line of the page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    /// Values at the two ends; of a logarithmic axis above 0.
    pub from: f64,
    pub to: f64,
    pub logarithmic: bool,
    /// Pixels at the two ends.
    pub start: f64,
    pub end: f64,
}

impl Axis {
    pub fn linear((from, to): (f64, f64), (start, end): (f64, f64)) -> Axis {
        Axis { from, to, logarithmic: false, start, end }
    }

    pub fn logarithmic((from, to): (f64, f64), (start, end): (f64, f64)) -> Axis {
        Axis { from, to, logarithmic: true, start, end }
    }

    fn share(&self, x: f64) -> f64 {
        if self.logarithmic {
            (x / self.from).ln() / (self.to / self.from).ln()
        } else {
            (x - self.from) / (self.to - self.from)
        }
    }

    /// The pixel of a value.
    pub fn at(&self, x: f64) -> f64 {
        self.start + (self.end - self.start) * self.share(x)
    }

    /// The pixel of a value, no farther than the ends.
    pub fn within(&self, x: f64) -> f64 {
        self.start + (self.end - self.start) * self.share(x).clamp(0.0, 1.0)
    }

    pub fn holds(&self, x: f64) -> bool {
        (-1e-9..=1.0 + 1e-9).contains(&self.share(x))
    }

    /// Round values: steps of 1, 2 or 5 times a power of ten; on a logarithmic axis 1, 2, 5 and their like, thinned where
    /// they would crowd, and as on a line where fewer than three lie within.
    pub fn ticks(&self, about: usize) -> Vec<f64> {
        if self.logarithmic { self.logarithmic_ticks(about) } else { self.linear_ticks(about) }
    }

    fn linear_ticks(&self, about: usize) -> Vec<f64> {
        let raw = (self.to - self.from) / about.max(1) as f64;
        let power = 10.0_f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= raw).unwrap_or(raw);
        let first = (self.from / step - 1e-9).ceil() as i64;
        let last = (self.to / step + 1e-9).floor() as i64;
        (first..=last).map(|k| k as f64 * step).collect()
    }

    fn logarithmic_ticks(&self, about: usize) -> Vec<f64> {
        let within = |mantissas: &[f64]| -> Vec<f64> {
            let decades = self.from.log10().floor() as i32..=self.to.log10().ceil() as i32;
            let all = decades.flat_map(|d| mantissas.iter().map(move |m| m * 10.0_f64.powi(d)));
            all.filter(|x| self.holds(*x)).collect()
        };
        for mantissas in [&[1.0, 1.5, 2.0, 3.0, 5.0, 7.0][..], &[1.0, 2.0, 5.0], &[1.0, 3.0], &[1.0]] {
            let found = within(mantissas);
            if found.len() <= about + 2 {
                // Within less than a decade hardly any may lie: steps as on a line, then.
                return if found.len() < 3 { self.linear_ticks(about) } else { found };
            }
        }
        let all = within(&[1.0]);
        let every = all.len().div_ceil(about.max(1));
        all.into_iter().step_by(every).collect()
    }

    /// The axis below a plot: its line, ticks, their labels and a title, `y` being the line's pixel.
    pub fn draw_below(
        &self,
        canvas: &mut Canvas,
        y: f64,
        about: usize,
        label: impl Fn(f64) -> String,
        title: &str,
    ) {
        canvas.line((self.start, y), (self.end, y), Ink::Text, 1.0, Stroke::Solid);
        for tick in self.ticks(about) {
            let x = self.at(tick);
            canvas.line((x, y), (x, y + 4.0), Ink::Text, 1.0, Stroke::Solid);
            canvas.text((x, y + 18.0), &label(tick), Anchor::Middle, TEXT - 1.0, Ink::Text);
        }
        canvas.text((0.5 * (self.start + self.end), y + 36.0), title, Anchor::Middle, TEXT, Ink::Text);
    }

    /// The axis left of a plot, with faint lines across it from `x` to `across`.
    pub fn draw_left(
        &self,
        canvas: &mut Canvas,
        (x, across): (f64, f64),
        about: usize,
        label: impl Fn(f64) -> String,
    ) {
        for tick in self.ticks(about) {
            let y = self.at(tick);
            canvas.line((x, y), (across, y), Ink::Grid, 1.0, Stroke::Solid);
            canvas.text((x - 6.0, y + 4.0), &label(tick), Anchor::End, TEXT - 1.0, Ink::Text);
        }
    }
}

/// A tick's label: no more digits than it needs.
pub fn plain_label(x: f64) -> String {
    let text = format!("{x:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_string() } else { text.replace('-', "−") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        let axis = Axis::linear((-0.13, 0.42), (0.0, 100.0));
        let ticks: Vec<String> = axis.ticks(5).into_iter().map(plain_label).collect();
        assert_eq!(ticks, ["0", "0.2", "0.4"].map(String::from));
        let axis = Axis::logarithmic((0.2, 12.0), (0.0, 100.0));
        assert_eq!(axis.ticks(5), vec![0.2, 0.5, 1.0, 2.0, 5.0, 10.0]);
        assert!((axis.at(0.2) - 0.0).abs() < 1e-12 && (axis.at(12.0) - 100.0).abs() < 1e-12);
        assert_eq!(axis.within(1e9), 100.0);
        let narrow = Axis::logarithmic((0.7703, 1.0131), (0.0, 100.0)).ticks(7);
        let labels: Vec<String> = narrow.into_iter().map(plain_label).collect();
        assert_eq!(labels, ["0.8", "0.85", "0.9", "0.95", "1"].map(String::from));
    }
}
