//! Ranks of true values: a panel a quantity, each with its band.

use super::super::records::{Records, record};
use super::super::validation::{Validated, label};
use super::Figure;
use super::axis::{Axis, plain_label};
use super::legend::{self, Mark};
use super::svg::{Anchor, Canvas, Ink, Stroke, TEXT, first_lines};
use crate::figure::{RankPanel, RankPoint, rank_panels};

const COLUMNS: usize = 3;
const PANEL: (f64, f64) = (246.0, 168.0);
const LEFT: f64 = 58.0;
const GAP: f64 = 24.0;

record! {
    /// A point of a panel: `difference` and the band's edges are in shares of all ranks.
    Row { quantity, share, difference, band_low, band_high }
}

/// None without ranks.
pub fn ranks(told: &Validated<'_>) -> Option<Figure> {
    let panels = rank_panels(told.validation);
    if panels.is_empty() {
        return None;
    }
    let study = told.study;
    let title = format!("Ranks of true values in {} simulated studies: {}", told.replications(), study.name);
    let caption = format!(
        "By how much more of the ranks of true values lie below each share than of uniform ranks. Within the band all {} quantities' ranks stay with 99 % together where the fit is right. Above the line on the left and below it on the right true values lie in the tails too often; above it throughout posteriors lie too high.",
        panels.len()
    );
    let data = Records::of(panels.iter().flat_map(|panel| {
        let quantity = told.key(panel.quantity);
        panel.points.iter().map(move |p| Row {
            quantity: quantity.as_str().into(),
            share: p.at.into(),
            difference: p.difference.into(),
            band_low: p.band[0].into(),
            band_high: p.band[1].into(),
        })
    }));
    Some(Figure::new(study, &told.figure_name(), [title, caption], draw(told, &panels), data))
}

fn draw(told: &Validated<'_>, panels: &[RankPanel]) -> Canvas {
    let rows = panels.len().div_ceil(COLUMNS);
    let width = LEFT + PANEL.0 * COLUMNS as f64 + 8.0;
    let mut canvas = Canvas::new(width, PANEL.1 * rows as f64 + 4.0);
    let ends = |p: &RankPoint| [p.difference, p.band[0], p.band[1]];
    let all = panels.iter().flat_map(|panel| panel.points.iter().flat_map(ends));
    let most = 1.05 * all.map(f64::abs).fold(0.01, f64::max);
    for (k, panel) in panels.iter().enumerate() {
        let (column, row) = (k % COLUMNS, k / COLUMNS);
        let left = LEFT + PANEL.0 * column as f64;
        let top = PANEL.1 * row as f64 + 26.0;
        let (right, bottom) = (left + PANEL.0 - GAP, top + PANEL.1 - 64.0);
        let x = Axis::linear((0.0, 1.0), (left, right));
        let y = Axis::linear((-most, most), (bottom, top));
        let name = label(told.study, &told.names, panel.quantity);
        let name = first_lines(&name, right - left, TEXT - 1.0, 1);
        let ink = if panel.departs { Ink::Second } else { Ink::First };
        canvas.bold(
            (left, top - 8.0),
            name.first().map_or("", String::as_str),
            Anchor::Start,
            TEXT - 1.0,
            Ink::Text,
        );
        y.draw_left(
            &mut canvas,
            (left, right),
            4,
            |v| if column == 0 { plain_label(v) } else { String::new() },
        );
        draw_band(&mut canvas, (&x, &y), &panel.points);
        canvas.line((left, y.at(0.0)), (right, y.at(0.0)), Ink::Faint, 1.0, Stroke::Dashed);
        let ends = [(0.0, 0.0), (1.0, 0.0)].map(|(a, b)| (x.at(a), y.at(b)));
        let inner = panel.points.iter().map(|p| (x.at(p.at), y.at(p.difference)));
        let points: Vec<(f64, f64)> = std::iter::once(ends[0]).chain(inner).chain([ends[1]]).collect();
        canvas.curve(&points, ink, 1.6, Stroke::Solid);
        for share in [0.0, 0.5, 1.0] {
            canvas.text(
                (x.at(share), bottom + 16.0),
                &plain_label(share),
                Anchor::Middle,
                TEXT - 2.0,
                Ink::Faint,
            );
        }
    }
    let band = [Mark::Area(Ink::Third, 0.18)];
    let within = [Mark::Line(Ink::First, Stroke::Solid, 1.6)];
    let without = [Mark::Line(Ink::Second, Stroke::Solid, 1.6)];
    let straight = [Mark::Line(Ink::Faint, Stroke::Dashed, 1.0)];
    let mut entries: Vec<(&[Mark], &str)> = Vec::new();
    if panels.iter().any(|p| !p.departs) {
        entries.push((&within, "ranks within their band"));
    }
    if panels.iter().any(|p| p.departs) {
        entries.push((&without, "ranks that leave it"));
    }
    entries.extend([(&band[..], "band of uniform ranks, 99 %"), (&straight[..], "uniform")]);
    entries.push((
        &[],
        "across: rank as a share; up: how much more of all ranks lie below it than of uniform ones",
    ));
    legend::below(&mut canvas, &entries);
    canvas
}

/// From 0 to 1, where all ranks lie.
fn draw_band(canvas: &mut Canvas, (x, y): (&Axis, &Axis), points: &[RankPoint]) {
    let ends = [(x.at(0.0), y.at(0.0)), (x.at(1.0), y.at(0.0))];
    let edge = |k: usize| points.iter().map(move |p| (x.at(p.at), y.at(p.band[k])));
    let mut around: Vec<(f64, f64)> = vec![ends[0]];
    around.extend(edge(1));
    around.push(ends[1]);
    around.extend(edge(0).rev());
    canvas.area(&around, Ink::Third, 0.18);
}
