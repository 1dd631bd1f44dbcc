//! Odds ratios at every cut of ordered levels, before the common one.

use super::super::numbers::interval_known_to;
use super::super::records::{Records, record};
use super::super::words::{capitalised, whose};
use super::axis::{Axis, plain_label};
use super::legend::{self, Mark};
use super::svg::{Anchor, Canvas, Ink, Stroke, TEXT, first_lines, width_of};
use super::{Figure, draw_sides};
use crate::figure::{CutRow, CutRows};
use crate::posterior::{Measure, Whom};
use crate::study::{LevelScale, Study};

const ROW: f64 = 30.0;
const HEAD: f64 = 24.0;
const TOP: f64 = 24.0;
const PLOT: f64 = 340.0;
const NUMBERS: f64 = 180.0;

/// Beyond this many subgroups only all patients together are drawn.
const SUBGROUPS_UP_TO: usize = 12;

record! {
    /// An odds ratio at a cut, or the common one of a row.
    Row { row, kind, cut, primary, median, q2_5, q97_5 }
}

/// Every cut's odds ratio by subgroup, and of all patients; none where there are no cuts, or no numbers.
pub fn cuts(study: &Study, all: &[CutRows]) -> Option<Figure> {
    let scale = study.outcome.levels.as_ref().filter(|_| !all.is_empty())?;
    let many = study.data.names().len() > SUBGROUPS_UP_TO;
    let shown: Vec<&CutRows> = all.iter().filter(|c| !many || c.whom == Whom::Overall).collect();
    let title = format!("Odds ratio at every cut, {}", study.outcome.name);
    let adjusted = study.adjustment.is_some();
    let mut caption = format!(
        "Odds ratio of lying above each cut. Filled dot and line: posterior median and 95 % interval; hollow dot and dotted line: the patients' own at that cut{}, with 95 % limits by Woolf's method.",
        if adjusted { ", not adjusted" } else { "" }
    );
    if shown.iter().any(|c| c.common.is_some()) {
        caption += &format!(
            " Band: the common odds ratio of the {}{}, median and 95 % interval.",
            study.subgroup_name,
            if adjusted {
                ", of patients alike, while those at cuts are of averages over patients"
            } else {
                ""
            }
        );
    }
    if shown.iter().any(|c| c.whom == Whom::Overall) {
        caption += &format!(
            " Of {} odds ratios are those of average risks, and have no common one.",
            whose(study, Whom::Overall)
        );
    }
    Some(Figure::new(study, "cuts", [title, caption], draw(study, scale, &shown), data(study, scale, all)))
}

/// All posterior intervals, and as much of the patients' own as does not crowd the rest.
fn range(shown: &[&CutRows]) -> (f64, f64) {
    let rows = || shown.iter().flat_map(|c| &c.cuts);
    let ends = |[low, high]: [f64; 2], (a, b): (f64, f64)| (a.min(low.ln()), b.max(high.ln()));
    let own = rows().map(|r| [r.odds_ratio.quantiles.q2_5, r.odds_ratio.quantiles.q97_5]);
    let common = shown.iter().filter_map(|c| c.common).map(|q| [q.q2_5, q.q97_5]);
    let (low, high) = own.chain(common).fold((0.0, 0.0), |all, q| ends(q, all));
    let more = 0.4 * (high - low);
    let observed = rows().filter_map(|r| r.observed);
    let (a, b) = observed.fold((low, high), |all, o| ends([o.low, o.high], all));
    let (a, b) = (a.max(low - more), b.min(high + more));
    let margin = 0.04 * (b - a).max(0.1);
    ((a - margin).exp(), (b + margin).exp())
}

fn cut_name(scale: &LevelScale, row: &CutRow) -> String {
    let name = capitalised(&scale.cut_in_words(row.cut));
    if row.primary { format!("{name} (primary)") } else { name }
}

fn draw(study: &Study, scale: &LevelScale, shown: &[&CutRows]) -> Canvas {
    let names = shown.iter().flat_map(|c| &c.cuts).map(|r| width_of(&cut_name(scale, r), TEXT));
    let label_width = names.fold(90.0, f64::max).min(230.0);
    let left = 14.0 + label_width + 16.0;
    let right = left + PLOT;
    let width = right + NUMBERS;
    let heights: f64 = shown.iter().map(|c| HEAD + ROW * c.cuts.len() as f64).sum();
    let bottom = TOP + heights;
    let mut canvas = Canvas::new(width, bottom + 62.0);
    let axis = Axis::logarithmic(range(shown), (left, right));
    let numbers = "Odds ratio (95 %)";
    canvas.bold((width - 14.0, 16.0), numbers, Anchor::End, TEXT - 1.0, Ink::Text);
    let null = axis.at(1.0);
    let mut top = TOP;
    for c in shown {
        canvas.bold((14.0, top + 15.0), &whose(study, c.whom), Anchor::Start, TEXT, Ink::Text);
        top += HEAD;
        let end = top + ROW * c.cuts.len() as f64;
        if let Some(q) = &c.common {
            let (from, to) = (axis.within(q.q2_5), axis.within(q.q97_5));
            canvas.rect((from, top), (to - from, end - top - 4.0), Ink::Third, 0.2);
            let x = axis.within(q.median);
            canvas.line((x, top), (x, end - 4.0), Ink::Third, 1.5, Stroke::DashDotted);
        }
        canvas.line((null, top), (null, end - 4.0), Ink::Faint, 1.0, Stroke::Dashed);
        let mut in_order: Vec<&CutRow> = c.cuts.iter().collect();
        in_order.sort_by_key(|r| r.cut);
        for (k, row) in in_order.into_iter().enumerate() {
            draw_row(&mut canvas, scale, row, &axis, (label_width, top + ROW * k as f64 + 11.0));
        }
        top = end;
    }
    axis.draw_below(&mut canvas, bottom + 2.0, 7, plain_label, "");
    draw_sides(&mut canvas, study, (left, right), bottom + 40.0);
    key(&mut canvas, shown);
    canvas
}

fn draw_row(canvas: &mut Canvas, scale: &LevelScale, row: &CutRow, axis: &Axis, (label, y): (f64, f64)) {
    let name = cut_name(scale, row);
    for (j, line) in first_lines(&name, label + 4.0, TEXT, 2).iter().enumerate() {
        canvas.text((14.0, y + 4.0 + 13.0 * j as f64), line, Anchor::Start, TEXT, Ink::Text);
    }
    let q = &row.odds_ratio.quantiles;
    canvas.line((axis.within(q.q2_5), y), (axis.within(q.q97_5), y), Ink::First, 2.5, Stroke::Solid);
    canvas.dot((axis.within(q.median), y), 4.5, Ink::First, true);
    if let Some(o) = &row.observed {
        let y = y + 9.0;
        canvas.line((axis.within(o.low), y), (axis.within(o.high), y), Ink::Raw, 1.2, Stroke::Dotted);
        if axis.holds(o.estimate) {
            canvas.dot((axis.at(o.estimate), y), 3.0, Ink::Raw, false);
        }
        for (end, is_out, head) in [(axis.start, o.low < axis.from, -5.0), (axis.end, o.high > axis.to, 5.0)]
        {
            if is_out {
                let tip = end + head;
                canvas.area(&[(tip, y), (end, y - 3.5), (end, y + 3.5)], Ink::Raw, 1.0);
            }
        }
    }
    let numbers = interval_known_to(Measure::CutOddsRatio, q, row.odds_ratio.errors);
    canvas.text((canvas.width() - 14.0, y + 4.0), &numbers, Anchor::End, TEXT, Ink::Text);
}

fn key(canvas: &mut Canvas, shown: &[&CutRows]) {
    let posterior = [Mark::Line(Ink::First, Stroke::Solid, 2.5), Mark::Dot(Ink::First)];
    let common = [Mark::Area(Ink::Third, 0.2), Mark::Upright(Ink::Third, Stroke::DashDotted)];
    let observed = [Mark::Line(Ink::Raw, Stroke::Dotted, 1.2), Mark::Ring(Ink::Raw)];
    let mut entries: Vec<(&[Mark], &str)> = vec![(&posterior, "posterior: median, 95 % interval")];
    if shown.iter().any(|c| c.common.is_some()) {
        entries.push((&common, "common odds ratio: median, 95 % interval"));
    }
    if shown.iter().any(|c| c.cuts.iter().any(|r| r.observed.is_some())) {
        entries.push((&observed, "observed at this cut, with 95 % limits; an arrowhead where they go on"));
    }
    entries.push(legend::NULL);
    legend::below(canvas, &entries);
}

fn data(study: &Study, scale: &LevelScale, all: &[CutRows]) -> Records {
    let rows = all.iter().flat_map(|c| {
        let row = |kind: &str| Row { row: whose(study, c.whom).into(), kind: kind.into(), ..Row::default() };
        let common = c.common.map(|q| Row {
            median: q.median.into(),
            q2_5: q.q2_5.into(),
            q97_5: q.q97_5.into(),
            ..row("common")
        });
        let at_cuts: Vec<Row> = c
            .cuts
            .iter()
            .flat_map(|r| {
                let at = |kind: &str, [median, low, high]: [f64; 3]| Row {
                    cut: (&scale.names[r.cut]).into(),
                    primary: r.primary.into(),
                    median: median.into(),
                    q2_5: low.into(),
                    q97_5: high.into(),
                    ..row(kind)
                };
                let q = &r.odds_ratio.quantiles;
                let posterior = at("posterior", [q.median, q.q2_5, q.q97_5]);
                let observed = r.observed.map(|o| at("observed", [o.estimate, o.low, o.high]));
                std::iter::once(posterior).chain(observed).collect::<Vec<_>>()
            })
            .collect();
        common.into_iter().chain(at_cuts).collect::<Vec<_>>()
    });
    Records::of(rows)
}
