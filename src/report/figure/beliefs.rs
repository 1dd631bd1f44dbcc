//! Prior, likelihood and posterior of each subgroup, one panel each.

use super::super::words::capitalised;
use super::axis::{Axis, plain_label};
use super::svg::{Anchor, Canvas, Ink, Stroke, TEXT};
use super::{Cell, Data, Figure, sides};
use crate::figure::Belief;
use crate::posterior::{Axis as Kind, Measure};
use crate::study::Study;

const WIDTH: f64 = 760.0;
const PANEL: f64 = 84.0;
const TOP: f64 = 44.0;
const LEFT: f64 = 170.0;
const RIGHT: f64 = 740.0;

/// More panels are no picture.
const MOST: usize = 12;

/// The three curves by subgroup on one axis.
pub fn beliefs(study: &Study, all: &[Belief]) -> Vec<Figure> {
    let told: Vec<&Belief> = all.iter().filter(|b| !b.posterior.is_empty()).collect();
    if told.is_empty() || told.len() > MOST {
        return Vec::new();
    }
    let measure = Measure::of(study.outcome.scale);
    let ratio = measure.axis() == Kind::Ratio;
    let height = TOP + PANEL * told.len() as f64;
    let mut canvas = Canvas::new(WIDTH, height + 60.0);
    // All of the posteriors and the likelihoods' bulk; priors as far as that reaches.
    let bulk = |points: &[(f64, f64)], least: f64| {
        let mut inside = points.iter().filter(|p| p.1 > least).map(|p| p.0);
        let first = inside.next();
        first.map(|f| (f, inside.next_back().unwrap_or(f)))
    };
    let spans = told.iter().flat_map(|b| [bulk(&b.posterior, 0.005), bulk(&b.likelihood, 0.1)]).flatten();
    let (low, high) = spans.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), (x, y)| (a.min(x), b.max(y)));
    let x = if ratio {
        Axis::logarithmic((low, high), (LEFT, RIGHT))
    } else {
        Axis::linear((low, high), (LEFT, RIGHT))
    };
    // A legend above.
    let kinds = [
        ("prior", Ink::Third, Stroke::Dashed),
        ("likelihood", Ink::Raw, Stroke::Dotted),
        ("posterior", Ink::First, Stroke::Solid),
    ];
    for (k, (word, ink, stroke)) in kinds.into_iter().enumerate() {
        let at = LEFT + 130.0 * k as f64;
        canvas.line((at, 18.0), (at + 30.0, 18.0), ink, 2.0, stroke);
        canvas.text((at + 36.0, 22.0), word, Anchor::Start, TEXT, Ink::Text);
    }
    let null = measure.null();
    if x.holds(null) {
        canvas.line((x.at(null), TOP - 8.0), (x.at(null), height), Ink::Faint, 1.0, Stroke::Dashed);
    }
    for (k, b) in told.iter().enumerate() {
        let base = TOP + PANEL * (k as f64 + 1.0) - 10.0;
        let on_page = |points: &[(f64, f64)]| -> Vec<(f64, f64)> {
            points
                .iter()
                .filter(|p| x.holds(p.0))
                .map(|&(v, y)| (x.at(v), base - (PANEL - 22.0) * y))
                .collect()
        };
        let posterior = on_page(&b.posterior);
        if let (Some(first), Some(last)) = (posterior.first(), posterior.last()) {
            let mut shape = vec![(first.0, base)];
            shape.extend(&posterior);
            shape.push((last.0, base));
            canvas.area(&shape, Ink::First, 0.2);
        }
        canvas.curve(&on_page(&b.prior), Ink::Third, 2.0, Stroke::Dashed);
        canvas.curve(&on_page(&b.likelihood), Ink::Raw, 2.0, Stroke::Dotted);
        canvas.curve(&posterior, Ink::First, 2.0, Stroke::Solid);
        canvas.line((LEFT, base), (RIGHT, base), Ink::Grid, 1.0, Stroke::Solid);
        let lines = super::svg::lines_within(&b.subgroup, LEFT - 30.0, TEXT);
        for (j, line) in lines.iter().take(3).enumerate() {
            canvas.text((14.0, base - 24.0 + 16.0 * j as f64), line, Anchor::Start, TEXT, Ink::Text);
        }
    }
    x.draw_below(&mut canvas, height, 8, plain_label, &capitalised(measure.in_words()));
    let [left, right] = sides(study);
    canvas.text((LEFT, height + 36.0), &left, Anchor::Start, TEXT - 1.0, Ink::Faint);
    canvas.text((RIGHT, height + 36.0), &right, Anchor::End, TEXT - 1.0, Ink::Faint);
    let name = "beliefs";
    let title = format!("What was believed, what the data say, what follows: {}", study.outcome.name);
    let caption = format!(
        "Prior (dashed), likelihood (dotted) and posterior (solid, filled) of the {} by {}, each drawn to the same height. The posterior also knows what the other {} say.",
        measure.in_words(),
        study.subgroup_name,
        super::super::words::plural(&study.subgroup_name)
    );
    let rows = told.iter().flat_map(|b| {
        [("prior", &b.prior), ("likelihood", &b.likelihood), ("posterior", &b.posterior)]
            .into_iter()
            .flat_map(move |(kind, points)| {
                points.iter().map(move |&(x, y)| {
                    vec![Cell::from(b.subgroup.as_str()), kind.into(), x.into(), y.into()]
                })
            })
    });
    let data = Data { header: vec!["subgroup", "kind", "x", "height"], rows: rows.collect() };
    vec![Figure::new(study, name, [title, caption], canvas, data)]
}
