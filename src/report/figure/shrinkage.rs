//! How far pooling draws each subgroup.

use super::super::records::{Records, record};
use super::super::words::capitalised;
use super::Figure;
use super::axis::{Axis, plain_label};
use super::legend::{self, Mark};
use super::svg::{Anchor, Canvas, Ink, Stroke, TEXT, first_lines};
use crate::posterior::{Axis as Kind, Measure, ShrinkageRow};
use crate::study::Study;

const WIDTH: f64 = 760.0;
const ROW: f64 = 34.0;
const LEFT: f64 = 200.0;
const RIGHT: f64 = 740.0;

record! {
    /// One subgroup's medians.
    Row { subgroup, alone, modelled }
}

/// A line a subgroup from its own median to the modelled one; `mean` is the average subgroup's.
pub fn shrinkage(study: &Study, rows: &[ShrinkageRow], mean: Option<f64>) -> Vec<Figure> {
    if rows.len() < 2 {
        return Vec::new();
    }
    let measure = Measure::of(study.outcome.scale);
    let values = rows.iter().flat_map(|r| [r.alone, r.modelled]).chain(mean);
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
    let x = if measure.axis() == Kind::Ratio {
        let margin = (high / low).powf(0.06).max(1.02);
        Axis::logarithmic((low / margin, high * margin), (LEFT, RIGHT))
    } else {
        let margin = 0.06 * (high - low).max(1e-9);
        Axis::linear((low - margin, high + margin), (LEFT, RIGHT))
    };
    let bottom = 30.0 + ROW * rows.len() as f64;
    let mut canvas = Canvas::new(WIDTH, bottom + 50.0);
    if let Some(mean) = mean {
        canvas.line((x.at(mean), 22.0), (x.at(mean), bottom), Ink::Fourth, 1.5, Stroke::Dashed);
    }
    canvas.bold((14.0, 16.0), &capitalised(&study.subgroup_name), Anchor::Start, TEXT - 1.0, Ink::Text);
    for (k, r) in rows.iter().enumerate() {
        let y = 30.0 + ROW * (k as f64 + 0.5);
        canvas.line((x.at(r.alone), y), (x.at(r.modelled), y), Ink::First, 2.0, Stroke::Solid);
        canvas.dot((x.at(r.alone), y), 4.0, Ink::Raw, false);
        canvas.dot((x.at(r.modelled), y), 4.5, Ink::First, true);
        for (j, line) in first_lines(&r.subgroup, LEFT - 34.0, TEXT, 2).iter().enumerate() {
            canvas.text((14.0, y + 4.0 + 14.0 * j as f64), line, Anchor::Start, TEXT, Ink::Text);
        }
    }
    x.draw_below(&mut canvas, bottom + 2.0, 7, plain_label, &capitalised(measure.in_words()));
    let average = format!("posterior median of the average {}", study.subgroup_name);
    let mut entries: Vec<(&[Mark], &str)> = vec![
        (&[Mark::Ring(Ink::Raw)], "posterior median without pooling"),
        (&[Mark::Dot(Ink::First)], "posterior median with pooling"),
    ];
    if mean.is_some() {
        entries.push((&[Mark::Upright(Ink::Fourth, Stroke::Dashed)], &average));
    }
    legend::below(&mut canvas, &entries);
    let name = "shrinkage";
    let title = format!("What pooling does, {}", study.outcome.name);
    let caption = format!(
        "Posterior median of the {} of each {} without pooling (ring) and with pooling (dot), under the same priors.",
        measure.in_words(),
        study.subgroup_name
    );
    let rows = rows.iter().map(|r| Row {
        subgroup: (&r.subgroup).into(),
        alone: r.alone.into(),
        modelled: r.modelled.into(),
    });
    vec![Figure::new(study, name, [title, caption], canvas, Records::of(rows))]
}
