//! What was observed beside what is predicted of it.

use super::super::records::{Records, record};
use super::super::words::capitalised;
use super::Figure;
use super::axis::{Axis, plain_label};
use super::legend::{self, Mark};
use super::svg::{Anchor, Canvas, Ink, Stroke, TEXT, first_lines, lines_within, width_of};
use crate::figure::{PredictiveCell, PredictivePanel, PredictivePanels};
use crate::posterior::{Axis as Kind, Compared, Measure, Predictive, Told};
use crate::study::Study;

const ROW: f64 = 34.0;
const HEAD: f64 = 16.0;
const HEAD_LINE: f64 = 15.0;
const FOOT: f64 = 30.0;
const MARGIN: f64 = 14.0;
/// Between panels.
const GAP: f64 = 26.0;
/// The widths of one panel alone, and of each of several.
const ALONE: f64 = 460.0;
const ONE_OF_SEVERAL: f64 = 205.0;

/// A figure a group of panels: of cells, and of effects.
pub fn predictive(study: &Study, groups: &[PredictivePanels]) -> Vec<Figure> {
    groups.iter().filter(|g| !g.rows.is_empty()).map(|group| one(study, group)).collect()
}

fn one(study: &Study, group: &PredictivePanels) -> Figure {
    let name = if group.of_cells { "predictive-cells" } else { "predictive-estimates" };
    let title = format!("Observed and predicted, {}", study.outcome.name);
    let has = |of: &dyn Fn(&PredictiveCell) -> bool| {
        group.panels.iter().flat_map(|p| p.cells.iter().flatten()).any(of)
    };
    let left_out = has(&|c| c.left_out.is_some());
    let by_totals = group.panels.iter().any(|p| p.compared == Compared::RiskDifference);
    let mut caption = format!(
        "What was observed in each {}, upright line, beside central 95 % intervals of what the model predicts of a study of the same size: under the prior (thin, grey), under the posterior (solid)",
        study.subgroup_name
    );
    if left_out {
        caption += &format!(" and without that {}'s own data (broken)", study.subgroup_name);
    }
    caption += ".";
    if by_totals {
        caption += " Risk differences are predicted given the patients of both arms and their events in all.";
    }
    if has(&|c| c.check.is_beyond_others() == Some(true)) {
        caption += &format!(
            " A dot marks what lies beyond the central 95 % of what is predicted without the {}'s own data, as one in twenty does by chance.",
            study.subgroup_name
        );
    }
    Figure::new(study, name, [title, caption], draw(study, group, left_out), data(study, group))
}

/// What stands above a panel.
fn heading(study: &Study, panel: &PredictivePanel) -> String {
    let arm = |arm: usize| study.treatment.arms.get(arm).map_or("", String::as_str);
    match panel.compared {
        Compared::Events(of) if study.treatment.arms.len() > 1 => {
            format!("{}: patients with the event", capitalised(arm(of)))
        }
        Compared::Events(_) => "Patients with the event".to_string(),
        Compared::Level(of, _) => format!("{}: patients at the level", capitalised(arm(of))),
        Compared::RiskDifference => "Risk difference".to_string(),
        Compared::Estimate => capitalised(Measure::of(study.outcome.scale).in_words()),
    }
}

fn is_ratio(study: &Study, panel: &PredictivePanel) -> bool {
    panel.compared == Compared::Estimate && Measure::of(study.outcome.scale).axis() == Kind::Ratio
}

/// All that was observed and the posterior's intervals; of effects those without the own data too. Wider intervals end in
/// arrowheads.
fn axis(study: &Study, panel: &PredictivePanel, ends: (f64, f64)) -> Axis {
    let proportion = matches!(panel.compared, Compared::Events(_) | Compared::Level(..));
    let mut shown: Vec<f64> = Vec::new();
    for cell in panel.cells.iter().flatten() {
        shown.push(cell.observed);
        shown.extend(cell.posterior.into_iter().flatten());
        if !proportion {
            shown.extend(cell.left_out.into_iter().flatten());
        }
    }
    let ratio = is_ratio(study, panel);
    shown.retain(|x| x.is_finite() && (!ratio || *x > 0.0));
    let low = shown.iter().copied().fold(f64::INFINITY, f64::min);
    let high = shown.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
    if ratio {
        let margin = (high / low).powf(0.06).max(1.05);
        return Axis::logarithmic((low / margin, high * margin), ends);
    }
    let margin = 0.06 * (high - low).max(1e-3);
    let (low, high) = (low - margin, high + margin);
    if proportion {
        Axis::linear((low.max(0.0), high.min(1.0)), ends)
    } else {
        Axis::linear((low, high), ends)
    }
}

fn row_label(study: &Study, (g, level): (usize, Option<usize>)) -> String {
    let names = study.data.names();
    let subgroup = names.get(g).copied().unwrap_or("");
    let levels = study.outcome.levels.as_ref();
    match level.and_then(|k| levels.and_then(|scale| scale.names.get(k))) {
        Some(level) => format!("{subgroup}, {level}"),
        None => subgroup.to_string(),
    }
}

fn draw(study: &Study, group: &PredictivePanels, left_out: bool) -> Canvas {
    let labels: Vec<String> = group.rows.iter().map(|row| row_label(study, *row)).collect();
    let label_width = labels.iter().map(|l| width_of(l, TEXT)).fold(60.0, f64::max).min(190.0) + 16.0;
    let panels = group.panels.len();
    let wide = if panels == 1 { ALONE } else { ONE_OF_SEVERAL };
    let width = MARGIN + label_width + panels as f64 * (wide + GAP) - GAP + 2.0 * MARGIN;
    let heads: Vec<Vec<String>> =
        group.panels.iter().map(|p| lines_within(&heading(study, p), wide, TEXT - 1.0)).collect();
    let most = heads.iter().map(Vec::len).max().unwrap_or(1);
    let top = HEAD + HEAD_LINE * most as f64;
    let bottom = top + ROW * group.rows.len() as f64;
    let mut canvas = Canvas::new(width, bottom + FOOT);
    for (k, label) in labels.iter().enumerate() {
        let y = top + ROW * (k as f64 + 0.5);
        let lines = first_lines(label, label_width - 10.0, TEXT, 2);
        for (j, line) in lines.iter().enumerate() {
            let y = y + 4.0 + 14.0 * j as f64 - 7.0 * (lines.len() - 1) as f64;
            canvas.text((MARGIN, y), line, Anchor::Start, TEXT, Ink::Text);
        }
    }
    let (mut clipped, mut beyond) = (false, false);
    for (i, (panel, lines)) in group.panels.iter().zip(&heads).enumerate() {
        let left = MARGIN + label_width + i as f64 * (wide + GAP);
        let axis = axis(study, panel, (left, left + wide));
        for (k, line) in lines.iter().enumerate() {
            let y = top - 8.0 - HEAD_LINE * (lines.len() - 1 - k) as f64;
            canvas.bold((left, y), line, Anchor::Start, TEXT - 1.0, Ink::Text);
        }
        let null = match panel.compared {
            Compared::RiskDifference => Some(0.0),
            Compared::Estimate => Some(Measure::of(study.outcome.scale).null()),
            _ => None,
        };
        if let Some(null) = null.filter(|x| axis.holds(*x)) {
            canvas.line((axis.at(null), top), (axis.at(null), bottom), Ink::Faint, 1.0, Stroke::Dashed);
        }
        for (k, cell) in panel.cells.iter().enumerate() {
            let Some(cell) = cell else { continue };
            let y = top + ROW * (k as f64 + 0.5);
            clipped |= draw_cell(&mut canvas, cell, &axis, y);
            beyond |= cell.check.is_beyond_others() == Some(true);
        }
        let percent = !matches!(panel.compared, Compared::Estimate);
        let tick = |x: f64| if percent { format!("{} %", plain_label(100.0 * x)) } else { plain_label(x) };
        axis.draw_below(&mut canvas, bottom + 2.0, if panels == 1 { 7 } else { 4 }, tick, "");
    }
    let without = format!("95 % without the {}'s own data", study.subgroup_name);
    let mut entries: Vec<(&[Mark], &str)> = vec![
        (&[Mark::Upright(Ink::Text, Stroke::Solid)], "observed"),
        (&[Mark::Line(Ink::Raw, Stroke::Solid, 1.2)], "95 % under the prior"),
        (&[Mark::Line(Ink::First, Stroke::Solid, 3.0)], "95 % under the posterior"),
    ];
    if left_out {
        entries.push((&[Mark::Line(Ink::Fourth, Stroke::Dashed, 3.0)], &without));
    }
    if beyond {
        entries.push((&[Mark::Dot(Ink::Second)], "observed beyond the latter"));
    }
    if clipped {
        entries.push((&[], "arrowheads: the interval goes on"));
    }
    legend::below(&mut canvas, &entries);
    canvas
}

/// Three intervals one above the other and what was observed across them; whether one of them goes on beyond the axis.
fn draw_cell(canvas: &mut Canvas, cell: &PredictiveCell, axis: &Axis, y: f64) -> bool {
    let lines = [
        (cell.prior, -9.0, Ink::Raw, 1.2, Stroke::Solid),
        (cell.left_out, 0.0, Ink::Fourth, 3.0, Stroke::Dashed),
        (cell.posterior, 9.0, Ink::First, 3.0, Stroke::Solid),
    ];
    let mut clipped = false;
    for (ends, down, ink, width, stroke) in lines {
        let Some([low, high]) = ends else { continue };
        let y = y + down;
        let (from, to) = (axis.within(low), axis.within(high));
        canvas.line((from, y), (to, y), ink, width, stroke);
        let head = |tip: f64, back: f64| [(tip, y), (tip + back, y - 3.5), (tip + back, y + 3.5)];
        if !axis.holds(low) {
            canvas.area(&head(axis.start - 5.0, 6.0), ink, 1.0);
            clipped = true;
        }
        if !axis.holds(high) {
            canvas.area(&head(axis.end + 5.0, -6.0), ink, 1.0);
            clipped = true;
        }
    }
    let x = axis.within(cell.observed);
    canvas.line((x, y - 13.0), (x, y + 13.0), Ink::Text, 1.6, Stroke::Solid);
    if cell.check.is_beyond_others() == Some(true) {
        canvas.dot((x, y), 4.5, Ink::Second, true);
    }
    clipped
}

record! {
    /// One number that was observed with its predictions, as in results: counts, differences of proportions, and estimates on the
    /// model's scale.
    Row {
        subgroup, compared, arm, level, patients, observed,
        prior_q2_5, prior_q97_5, prior_tail_probability,
        posterior_q2_5, posterior_q97_5, posterior_tail_probability,
        leave_one_out_q2_5, leave_one_out_q97_5, leave_one_out_tail_probability,
    }
}

fn data(study: &Study, group: &PredictivePanels) -> Records {
    let names = study.data.names();
    let rows = group.panels.iter().flat_map(|p| p.cells.iter().flatten()).map(|cell| {
        let check = &cell.check;
        let arm = |arm: usize| study.treatment.arms.get(arm).cloned();
        let level = |k: usize| study.outcome.levels.as_ref().and_then(|scale| scale.names.get(k)).cloned();
        let (compared, arm, level) = match check.compared {
            Compared::Events(a) => ("events", arm(a), None),
            Compared::Level(a, k) => ("level", arm(a), level(k)),
            Compared::RiskDifference => ("risk_difference", None, None),
            Compared::Estimate => ("estimate", None, None),
        };
        let ends = |told: &Told<Predictive>| told.as_ref().ok().map(|p| p.interval);
        let tail = |told: &Told<Predictive>| told.as_ref().ok().map(|p| p.tail_probability);
        let (prior, posterior, left_out) = (&check.prior, &check.posterior, &check.left_out);
        Row {
            subgroup: names.get(check.subgroup).copied().into(),
            compared: compared.into(),
            arm: arm.into(),
            level: level.into(),
            patients: check.patients.map(|n| n as f64).into(),
            observed: check.observed.into(),
            prior_q2_5: ends(prior).map(|e| e[0]).into(),
            prior_q97_5: ends(prior).map(|e| e[1]).into(),
            prior_tail_probability: tail(prior).into(),
            posterior_q2_5: ends(posterior).map(|e| e[0]).into(),
            posterior_q97_5: ends(posterior).map(|e| e[1]).into(),
            posterior_tail_probability: tail(posterior).into(),
            leave_one_out_q2_5: ends(left_out).map(|e| e[0]).into(),
            leave_one_out_q97_5: ends(left_out).map(|e| e[1]).into(),
            leave_one_out_tail_probability: tail(left_out).into(),
        }
    });
    Records::of(rows)
}
