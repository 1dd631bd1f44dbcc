//! The forest: densities, intervals, the data alone, and aligned numbers.

use super::super::numbers::interval_known_to;
use super::super::records::{Records, record};
use super::super::words::{capitalised, listed, whose};
use super::axis::{Axis, plain_label};
use super::legend::{self, Mark};
use super::svg::{Anchor, Canvas, Ink, Stroke, TEXT, first_lines, lines_within, width_of};
use super::{Figure, draw_sides};
use crate::figure::{Forest, ForestRow};
use crate::posterior::{Axis as Kind, Measure, Quantiles, Whom};
use crate::study::Study;

const ROW: f64 = 46.0;
const PEAK: f64 = 26.0;
/// Above and below headings.
const HEAD: f64 = 26.0;
const HEAD_LINE: f64 = 15.0;
const FOOT: f64 = 62.0;
const PLOT: f64 = 330.0;

/// One measure's forest.
pub fn forest(study: &Study, f: &Forest) -> Figure {
    let measure = f.measure;
    let percent = measure == Measure::RiskDifference;
    let title = format!("{}, {}", capitalised(measure.in_words()), study.outcome.name);
    let mut caption = format!(
        "Forest of the {}{} by {}. Filled dot, line and density: posterior median, 95 % interval and shape.",
        measure.in_words(),
        if percent { ", in percentage points," } else { "" },
        study.subgroup_name,
    );
    if has_raw(&f.rows) {
        caption += &format!(" Hollow dot and dotted line: {}.", raw_in_words(study, "that"));
    }
    if let Some(scale) = &study.outcome.levels {
        caption += &format!(" Counts: patients {} of all.", scale.primary_in_words());
    }
    let name = format!("forest-{}", measure.key().replace('_', "-"));
    Figure::new(study, &name, [title, caption], draw(study, &f.rows, measure), data(study, &f.rows))
}

fn has_raw(rows: &[ForestRow]) -> bool {
    rows.iter().any(|row| row.raw.is_some())
}

/// What stands beside a posterior: the data alone, or the rows' estimate without pooling, whose coefficients are all subgroups'.
fn raw_in_words(study: &Study, of: &str) -> String {
    let named = &study.subgroup_name;
    match study.adjustment {
        Some(_) => {
            format!("the adjusted estimate of {of} {named} without pooling, with a 95 % confidence interval")
        }
        None => format!("data of {of} {named} alone, with a 95 % confidence interval"),
    }
}

fn label(study: &Study, row: &ForestRow) -> String {
    whose(study, row.whom)
}

fn is_shared(row: &ForestRow) -> bool {
    !matches!(row.whom, Whom::Subgroup(_))
}

/// The values that the axis holds: all intervals, and as much of the raw ones as does not crowd the rest.
fn range(rows: &[ForestRow], measure: Measure) -> (f64, f64) {
    let ratio = measure.axis() == Kind::Ratio;
    let put = |x: f64| if ratio { x.ln() } else { x };
    let ends = |q: &Quantiles| [put(q.q2_5), put(q.q97_5)];
    let null = put(measure.null());
    let all = rows.iter().flat_map(|r| ends(&r.posterior)).chain([null]);
    let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
    let span = high - low;
    let raw = rows.iter().filter_map(|r| r.raw.as_ref()).flat_map(ends);
    let (low, high) =
        raw.fold((low, high), |(a, b), x| (a.min(x.max(low - 0.4 * span)), b.max(x.min(high + 0.4 * span))));
    let margin = 0.04 * (high - low);
    let back = |x: f64| if ratio { x.exp() } else { x };
    (back(low - margin), back(high + margin))
}

fn draw(study: &Study, rows: &[ForestRow], measure: Measure) -> Canvas {
    let with_counts = rows.iter().any(|r| r.counts.is_some());
    let percent = measure == Measure::RiskDifference;
    let label_width = rows.iter().map(|r| width_of(&label(study, r), TEXT)).fold(70.0, f64::max).min(210.0);
    let arms = [study.treatment.control(), study.treatment.active()];
    let words = arms.iter().flat_map(|arm| arm.split(' ')).map(|word| 1.15 * width_of(word, TEXT) + 10.0);
    let counts_width = if with_counts { words.fold(78.0, f64::max).min(130.0) } else { 0.0 };
    let left = 14.0 + label_width + 2.0 * counts_width + 16.0;
    let right = left + PLOT;
    let width = right + 190.0;
    let of_measure =
        format!("{}{} (95 %)", capitalised(measure.in_words()), if percent { ", points" } else { "" });
    let mut heads = vec![(14.0, capitalised(&study.subgroup_name), Anchor::Start, label_width)];
    if with_counts {
        let x0 = 14.0 + label_width + counts_width;
        heads.extend(
            arms.into_iter()
                .enumerate()
                .map(|(k, arm)| (x0 + counts_width * k as f64, arm.to_string(), Anchor::End, counts_width)),
        );
    }
    heads.push((width - 14.0, of_measure, Anchor::End, 190.0));
    let heads = heads
        .into_iter()
        .map(|(x, text, anchor, width)| (x, lines_within(&text, (width - 6.0) / 1.1, TEXT - 1.0), anchor));
    let heads: Vec<_> = heads.collect();
    let most = heads.iter().map(|(_, lines, _)| lines.len()).max().unwrap_or(1);
    let top = HEAD + HEAD_LINE * most as f64;
    let bottom = top + ROW * rows.len() as f64;
    let mut canvas = Canvas::new(width, bottom + FOOT);
    let ends = range(rows, measure);
    let axis = match measure.axis() {
        Kind::Ratio => Axis::logarithmic(ends, (left, right)),
        Kind::Additive | Kind::Chance => Axis::linear(ends, (left, right)),
    };
    for (x, lines, anchor) in &heads {
        for (k, line) in lines.iter().enumerate() {
            let y = top - 12.0 - HEAD_LINE * (lines.len() - 1 - k) as f64;
            canvas.bold((*x, y), line, *anchor, TEXT - 1.0, Ink::Text);
        }
    }
    // No effect.
    let null = axis.at(measure.null());
    canvas.line((null, top - 4.0), (null, bottom), Ink::Faint, 1.0, Stroke::Dashed);
    let first_shared = rows.iter().position(is_shared);
    for (k, row) in rows.iter().enumerate() {
        let base = top + ROW * (k as f64 + 1.0) - 12.0;
        if first_shared == Some(k) {
            let y = top + ROW * k as f64 + 3.0;
            canvas.line((14.0, y), (width - 14.0, y), Ink::Grid, 1.0, Stroke::Solid);
        }
        draw_row(&mut canvas, row, &axis, base);
        let lines = first_lines(&label(study, row), label_width + 4.0, TEXT, 2);
        for (j, line) in lines.iter().enumerate() {
            let y = base + 4.0 + 14.0 * j as f64 - 11.0 * (lines.len() - 1) as f64;
            canvas.text((14.0, y), line, Anchor::Start, TEXT, Ink::Text);
        }
        if let Some([control, active]) = &row.counts {
            let x0 = 14.0 + label_width + counts_width;
            canvas.text((x0, base + 4.0), control, Anchor::End, TEXT, Ink::Text);
            canvas.text((x0 + counts_width, base + 4.0), active, Anchor::End, TEXT, Ink::Text);
        }
        let numbers = interval_known_to(measure, &row.posterior, row.errors);
        canvas.text((width - 14.0, base + 4.0), &numbers, Anchor::End, TEXT, Ink::Text);
    }
    let tick = |x: f64| if percent { plain_label(100.0 * x) } else { plain_label(x) };
    axis.draw_below(&mut canvas, bottom + 2.0, 7, tick, "");
    draw_sides(&mut canvas, study, (left, right), bottom + 40.0);
    key(&mut canvas, study, rows, &axis);
    canvas
}

/// The key of the marks that are there.
fn key(canvas: &mut Canvas, study: &Study, rows: &[ForestRow], axis: &Axis) {
    const fn posterior(ink: Ink) -> [Mark; 3] {
        [Mark::Area(ink, 0.25), Mark::Line(ink, Stroke::Solid, 2.5), Mark::Dot(ink)]
    }
    let (own, shared) = (posterior(Ink::First), posterior(Ink::Fourth));
    let raw = [Mark::Line(Ink::Raw, Stroke::Dotted, 1.2), Mark::Ring(Ink::Raw)];
    let named = &study.subgroup_name;
    let own_words = format!("posterior by {named}: median, 95 % interval, density");
    let raw_words = raw_in_words(study, "each");
    let mut entries: Vec<(&[Mark], &str)> = vec![(&own, &own_words)];
    let of_whom: Vec<String> =
        rows.iter().filter(|r| is_shared(r)).map(|r| format!("of {}", label(study, r))).collect();
    let shared_words = format!("posterior {}", listed(&of_whom, "and"));
    if !of_whom.is_empty() {
        entries.push((&shared, &shared_words));
    }
    if has_raw(rows) {
        entries.push((&raw, &raw_words));
    }
    entries.push(legend::NULL);
    let beyond = |q: &Quantiles| !axis.holds(q.q2_5) || !axis.holds(q.q97_5);
    if rows.iter().any(|r| beyond(&r.posterior) || r.raw.as_ref().is_some_and(beyond)) {
        entries.push((&[], "arrowheads: the interval goes on"));
    }
    legend::below(canvas, &entries);
}

fn draw_row(canvas: &mut Canvas, row: &ForestRow, axis: &Axis, base: f64) {
    let ink = if is_shared(row) { Ink::Fourth } else { Ink::First };
    let mut points: Vec<(f64, f64)> = row
        .outline
        .iter()
        .filter(|(x, _)| axis.holds(*x))
        .map(|&(x, y)| (axis.at(x), base - PEAK * y))
        .collect();
    if let (Some(first), Some(last)) = (points.first().copied(), points.last().copied()) {
        points.insert(0, (first.0, base));
        points.push((last.0, base));
        canvas.area(&points, ink, 0.25);
    }
    let q = &row.posterior;
    canvas.line((axis.within(q.q2_5), base), (axis.within(q.q97_5), base), ink, 2.5, Stroke::Solid);
    canvas.dot((axis.within(q.median), base), 4.5, ink, true);
    clipped(canvas, axis, (q.q2_5, q.q97_5), base, ink);
    if let Some(raw) = &row.raw {
        let y = base + 9.0;
        clipped(canvas, axis, (raw.q2_5, raw.q97_5), y, Ink::Raw);
        canvas.line((axis.within(raw.q2_5), y), (axis.within(raw.q97_5), y), Ink::Raw, 1.2, Stroke::Dotted);
        canvas.dot((axis.within(raw.median), y), 3.0, Ink::Raw, false);
    }
}

/// An arrowhead where an interval goes on beyond the axis.
fn clipped(canvas: &mut Canvas, axis: &Axis, (low, high): (f64, f64), y: f64, ink: Ink) {
    let head = |tip: f64, back: f64| [(tip, y), (tip + back, y - 3.5), (tip + back, y + 3.5)];
    if !axis.holds(low) && axis.within(low) == axis.start {
        canvas.area(&head(axis.start - 5.0, 6.0), ink, 1.0);
    }
    if !axis.holds(high) && axis.within(high) == axis.end {
        canvas.area(&head(axis.end + 5.0, -6.0), ink, 1.0);
    }
}

record! {
    /// The posterior's interval, that of the data alone, or a point of the posterior's outline.
    Row { row, kind, x, median, q2_5, q97_5, height }
}

fn data(study: &Study, rows: &[ForestRow]) -> Records {
    let rows = rows.iter().flat_map(|r| {
        let row = |kind: &str| Row { row: label(study, r).into(), kind: kind.into(), ..Row::default() };
        let three = |kind: &str, q: &Quantiles| Row {
            median: q.median.into(),
            q2_5: q.q2_5.into(),
            q97_5: q.q97_5.into(),
            ..row(kind)
        };
        let mut all = vec![three("posterior", &r.posterior)];
        all.extend(r.raw.as_ref().map(|q| three("data_alone", q)));
        let outline = r.outline.iter();
        all.extend(outline.map(|&(x, y)| Row { x: x.into(), height: y.into(), ..row("density") }));
        all
    });
    Records::of(rows)
}
