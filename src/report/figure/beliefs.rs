//! Prior, likelihood and posterior of each subgroup: one panel each, and under every prior.

use super::super::records::{Records, record};
use super::super::words::{capitalised, is_of_fit, named};
use super::axis::{Axis, plain_label};
use super::legend::{self, Mark};
use super::svg::{Anchor, Canvas, Ink, Stroke, TEXT, first_lines};
use super::{Figure, draw_sides};
use crate::figure::{Belief, PriorBeliefs};
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
    let mut canvas = Canvas::new(WIDTH, height + 62.0);
    let x = axis(told.iter().copied(), ratio, (LEFT, RIGHT));
    heading(&mut canvas);
    let null = measure.null();
    if x.holds(null) {
        canvas.line((x.at(null), TOP - 8.0), (x.at(null), height), Ink::Faint, 1.0, Stroke::Dashed);
    }
    for (k, b) in told.iter().enumerate() {
        let base = TOP + PANEL * (k as f64 + 1.0) - 10.0;
        curves(&mut canvas, b, &x, (base, PANEL - 22.0));
        canvas.line((LEFT, base), (RIGHT, base), Ink::Grid, 1.0, Stroke::Solid);
        for (j, line) in first_lines(&b.subgroup, LEFT - 30.0, TEXT, 3).iter().enumerate() {
            canvas.text((14.0, base - 24.0 + 16.0 * j as f64), line, Anchor::Start, TEXT, Ink::Text);
        }
    }
    x.draw_below(&mut canvas, height, 8, plain_label, &capitalised(measure.in_words()));
    draw_sides(&mut canvas, study, (LEFT, RIGHT), height + 54.0);
    key(&mut canvas, x.holds(null));
    let name = "beliefs";
    let title = format!("Prior, likelihood and posterior, {}", study.outcome.name);
    let caption = format!(
        "Prior (dashed), likelihood (dotted) and posterior (solid, filled) of the {} by {}, each drawn to the same height.{}",
        measure.in_words(),
        study.subgroup_name,
        match study.undivided {
            true => String::new(),
            false => format!(" The posterior draws on the other {} too.", study.subgroups()),
        }
    );
    let rows = told.iter().flat_map(|b| {
        let row = |(kind, x, height): (&str, f64, f64)| Row {
            subgroup: (&b.subgroup).into(),
            kind: kind.into(),
            x: x.into(),
            height: height.into(),
        };
        points(b).map(row)
    });
    let data = Records::of(rows);
    vec![Figure::new(study, name, [title, caption], canvas, data)]
}

/// All of the posteriors and the likelihoods' bulk; priors as far as that reaches.
fn axis<'a>(told: impl Iterator<Item = &'a Belief>, ratio: bool, ends: (f64, f64)) -> Axis {
    let bulk = |points: &[(f64, f64)], least: f64| {
        let mut inside = points.iter().filter(|p| p.1 > least).map(|p| p.0);
        let first = inside.next();
        first.map(|f| (f, inside.next_back().unwrap_or(f)))
    };
    let spans = told.flat_map(|b| [bulk(&b.posterior, 0.005), bulk(&b.likelihood, 0.1)]).flatten();
    let span = spans.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), (x, y)| (a.min(x), b.max(y)));
    if ratio { Axis::logarithmic(span, ends) } else { Axis::linear(span, ends) }
}

const KINDS: [(&str, Ink, Stroke); 3] = [
    ("prior", Ink::Third, Stroke::Dashed),
    ("likelihood", Ink::Raw, Stroke::Dotted),
    ("posterior", Ink::First, Stroke::Solid),
];

/// What the curves' heights are.
fn heading(canvas: &mut Canvas) {
    canvas.text((14.0, 22.0), "Density, each to the same height", Anchor::Start, TEXT - 1.0, Ink::Faint);
}

/// Below the panels.
fn key(canvas: &mut Canvas, with_null: bool) {
    let line = |k: usize| Mark::Line(KINDS[k].1, KINDS[k].2, 2.0);
    let [prior, likelihood, posterior] =
        [vec![line(0)], vec![line(1)], vec![Mark::Area(Ink::First, 0.2), line(2)]];
    let mut entries: Vec<(&[Mark], &str)> =
        vec![(&prior, KINDS[0].0), (&likelihood, KINDS[1].0), (&posterior, KINDS[2].0)];
    if with_null {
        entries.push(legend::NULL);
    }
    legend::below(canvas, &entries);
}

/// The three curves on a base line, so high.
fn curves(canvas: &mut Canvas, b: &Belief, x: &Axis, (base, height): (f64, f64)) {
    let on_page = |points: &[(f64, f64)]| -> Vec<(f64, f64)> {
        let inside = points.iter().filter(|p| x.holds(p.0));
        inside.map(|&(v, y)| (x.at(v), base - height * y)).collect()
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
}

record! {
    /// A point of a curve.
    Row { subgroup, kind, x, height }
}

record! {
    /// A point of a curve under one of several priors.
    PriorRow { prior, subgroup, kind, x, height }
}

/// The points of all three curves: which curve, where, and how high.
fn points(b: &Belief) -> impl Iterator<Item = (&'static str, f64, f64)> {
    let three = [("prior", &b.prior), ("likelihood", &b.likelihood), ("posterior", &b.posterior)];
    three.into_iter().flat_map(|(kind, points)| points.iter().map(move |&(x, height)| (kind, x, height)))
}

/// More columns are no picture.
const MOST_COLUMNS: usize = 5;

/// A row per prior and a column per subgroup, all on one axis.
pub fn beliefs_by_prior(study: &Study, all: &[PriorBeliefs]) -> Vec<Figure> {
    const ROW: f64 = 46.0;
    let all: Vec<&PriorBeliefs> = all.iter().filter(|p| !is_of_fit(study, &p.prior)).collect();
    let columns = all.first().map_or(0, |p| p.beliefs.len());
    let drawn = all.iter().all(|p| p.beliefs.iter().all(|b| !b.posterior.is_empty()));
    if all.len() < 2 || columns == 0 || columns > MOST_COLUMNS || !drawn {
        return Vec::new();
    }
    let measure = Measure::of(study.outcome.scale);
    let ratio = measure.axis() == Kind::Ratio;
    let bottom = TOP + 20.0 + ROW * all.len() as f64;
    let mut canvas = Canvas::new(WIDTH, bottom + 60.0);
    heading(&mut canvas);
    let width = (RIGHT - LEFT) / columns as f64;
    for g in 0..columns {
        let ends = (LEFT + width * g as f64 + 6.0, LEFT + width * (g as f64 + 1.0) - 10.0);
        let x = axis(all.iter().flat_map(|p| &p.beliefs), ratio, ends);
        let name = first_lines(&all[0].beliefs[g].subgroup, (width - 16.0) / 1.1, TEXT - 1.0, 2);
        for (j, line) in name.iter().enumerate() {
            canvas.bold((ends.0, TOP - 2.0 + 14.0 * j as f64), line, Anchor::Start, TEXT - 1.0, Ink::Text);
        }
        if x.holds(measure.null()) {
            let at = x.at(measure.null());
            canvas.line((at, TOP + 18.0), (at, bottom), Ink::Faint, 1.0, Stroke::Dashed);
        }
        for (k, p) in all.iter().enumerate() {
            let base = TOP + 20.0 + ROW * (k as f64 + 1.0) - 4.0;
            curves(&mut canvas, &p.beliefs[g], &x, (base, ROW - 12.0));
            canvas.line((ends.0, base), (ends.1, base), Ink::Grid, 1.0, Stroke::Solid);
        }
        let ticks = match columns {
            0..=2 => 6,
            3 => 3,
            _ => 1,
        };
        x.draw_below(&mut canvas, bottom, ticks, plain_label, "");
    }
    for (k, p) in all.iter().enumerate() {
        let base = TOP + 20.0 + ROW * (k as f64 + 1.0) - 4.0;
        for (j, line) in first_lines(named(study, &p.prior), LEFT - 30.0, TEXT - 1.0, 2).iter().enumerate() {
            canvas.text((14.0, base - 12.0 + 14.0 * j as f64), line, Anchor::Start, TEXT - 1.0, Ink::Text);
        }
    }
    let middle = 0.5 * (LEFT + RIGHT);
    canvas.text((middle, bottom + 40.0), &capitalised(measure.in_words()), Anchor::Middle, TEXT, Ink::Text);
    key(&mut canvas, true);
    let title = format!("Prior, likelihood and posterior under every prior, {}", study.outcome.name);
    let caption = format!(
        "Prior (dashed), likelihood (dotted) and posterior (solid, filled) of the {} by {} (across), under each of the priors that are compared (down), each drawn to the same height.",
        measure.in_words(),
        study.subgroup_name
    );
    let beliefs = all.iter().flat_map(|p| p.beliefs.iter().map(move |b| (p, b)));
    let rows = beliefs.flat_map(|(p, b)| {
        points(b).map(move |(kind, x, height)| PriorRow {
            prior: named(study, &p.prior).into(),
            subgroup: (&b.subgroup).into(),
            kind: kind.into(),
            x: x.into(),
            height: height.into(),
        })
    });
    let data = Records::of(rows);
    vec![Figure::new(study, "beliefs-by-prior", [title, caption], canvas, data)]
}
