//! Traces and ranks: whether the chains tell the same story.

use super::super::records::{Records, record};
use super::Figure;
use super::axis::{Axis, plain_label};
use super::legend::{self, Mark};
use super::svg::{Anchor, Canvas, Ink, Stroke, TEXT};
use crate::figure::ChainTrace;
use crate::study::Study;

const WIDTH: f64 = 760.0;
const PANEL: f64 = 92.0;

/// More parameters are in the draws.
const MOST: usize = 10;

record! {
    /// A point of a trace (`draw`), or of a chain's ranks (`rank`).
    Row { parameter, chain, kind, at, value }
}

/// A row per parameter: its traces on the left, its ranks by chain on the right.
pub fn chains(study: &Study, all: &[ChainTrace]) -> Vec<Figure> {
    let told = &all[..all.len().min(MOST)];
    if told.is_empty() {
        return Vec::new();
    }
    let height = 34.0 + PANEL * told.len() as f64;
    let mut canvas = Canvas::new(WIDTH, height + 30.0);
    canvas.bold((40.0, 18.0), "Traces: value by draw", Anchor::Start, TEXT, Ink::Text);
    canvas.bold((470.0, 18.0), "Ranks: draws in each twentieth", Anchor::Start, TEXT, Ink::Text);
    let mut rows = Vec::new();
    for (k, t) in told.iter().enumerate() {
        let (top, bottom) = (40.0 + PANEL * k as f64, 40.0 + PANEL * (k as f64 + 1.0) - 26.0);
        canvas.text((40.0, top - 2.0), &t.parameter, Anchor::Start, TEXT - 1.0, Ink::Text);
        let values = t.traces.iter().flatten().copied();
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
        let y = Axis::linear((low, high.max(low + 1e-12)), (bottom, top + 4.0));
        let n = t.traces.first().map_or(1, Vec::len).max(2);
        let x = Axis::linear((0.0, (n - 1) as f64), (60.0, 430.0));
        let row = |chain: usize, kind: &str, at: usize, value: f64| Row {
            parameter: (&t.parameter).into(),
            chain: ((chain + 1) as f64).into(),
            kind: kind.into(),
            at: ((at + 1) as f64).into(),
            value: value.into(),
        };
        y.draw_left(&mut canvas, (60.0, 430.0), 2, plain_label);
        for (c, trace) in t.traces.iter().enumerate() {
            let points: Vec<(f64, f64)> =
                trace.iter().enumerate().map(|(i, v)| (x.at(i as f64), y.at(*v))).collect();
            canvas.curve(&points, Ink::of_curve(c), 0.7, Stroke::Solid);
            rows.extend(trace.iter().enumerate().map(|(i, v)| row(c, "draw", i * t.every, *v)));
        }
        ranks(&mut canvas, t, (top + 4.0, bottom));
        for (c, counts) in t.ranks.iter().enumerate() {
            rows.extend(counts.iter().enumerate().map(|(bin, n)| row(c, "rank", bin, *n as f64)));
        }
    }
    key(&mut canvas, told);
    let name = "chains";
    let title = format!("Traces and ranks of the sampler's chains, {}", study.outcome.name);
    let caption = "Left: draws of each chain in their order. Right: how many of a chain's draws fall into each twentieth of all draws by rank. Where chains agree the numbers are about the same (dashed).".to_string();
    vec![Figure::new(study, name, [title, caption], canvas, Records::of(rows))]
}

/// Chains by colour, of which only so many differ, and what their ranks are held against.
fn key(canvas: &mut Canvas, told: &[ChainTrace]) {
    const DIFFERENT: usize = 5;
    let count = told.first().map_or(0, |t| t.traces.len());
    let names: Vec<String> = (0..count.min(DIFFERENT))
        .map(|c| {
            let all: Vec<String> = (c..count).step_by(DIFFERENT).map(|k| (k + 1).to_string()).collect();
            format!("{} {}", if all.len() == 1 { "chain" } else { "chains" }, all.join(", "))
        })
        .collect();
    let marks: Vec<[Mark; 1]> =
        (0..names.len()).map(|c| [Mark::Line(Ink::of_curve(c), Stroke::Solid, 1.6)]).collect();
    let mut entries: Vec<(&[Mark], &str)> =
        marks.iter().zip(&names).map(|(mark, name)| (mark.as_slice(), name.as_str())).collect();
    entries.push((&[Mark::Line(Ink::Faint, Stroke::Dashed, 1.0)], "expected where chains agree"));
    legend::below(canvas, &entries);
}

/// Steps of each chain's counts.
fn ranks(canvas: &mut Canvas, t: &ChainTrace, (top, bottom): (f64, f64)) {
    let most = t.ranks.iter().flatten().copied().max().unwrap_or(1) as f64;
    let x = Axis::linear((0.0, 20.0), (470.0, 740.0));
    let y = Axis::linear((0.0, 1.05 * most), (bottom, top));
    let draws: usize = t.ranks.first().map_or(0, |r| r.iter().sum());
    let expected = y.at(draws as f64 / 20.0);
    canvas.line((470.0, bottom), (740.0, bottom), Ink::Grid, 1.0, Stroke::Solid);
    canvas.line((470.0, expected), (740.0, expected), Ink::Faint, 1.0, Stroke::Dashed);
    for (c, counts) in t.ranks.iter().enumerate() {
        let mut steps = Vec::new();
        for (bin, count) in counts.iter().enumerate() {
            let height = y.at(*count as f64);
            steps.push((x.at(bin as f64), height));
            steps.push((x.at(bin as f64 + 1.0), height));
        }
        canvas.curve(&steps, Ink::of_curve(c), 1.4, Stroke::of_curve(c));
    }
}
