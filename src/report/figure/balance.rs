//! How far the arms differ in every covariate, as patients were treated and with their weights (Love's plot).

use super::super::records::{Records, record};
use super::Figure;
use super::axis::{Axis, plain_label};
use super::legend::{self, Mark};
use super::svg::{Anchor, Canvas, Ink, Stroke, TEXT, first_lines, width_of};
use crate::study::{Study, Weighting};
use crate::weighting::Balance;

const ROW: f64 = 20.0;
const HEAD: f64 = 26.0;
const TOP: f64 = 12.0;
const PLOT: f64 = 420.0;

/// Beyond this many subgroups only all patients together are drawn.
const SUBGROUPS_UP_TO: usize = 8;

/// What is usually taken as balanced.
const BALANCED: f64 = 0.1;

record! {
    /// One covariate's column in one population.
    Row { row, column, difference_before, difference_after, variance_ratio_before, variance_ratio_after }
}

/// None of studies without weighting, and without covariates.
pub fn balance(study: &Study) -> Option<Figure> {
    let weighting = study.weighting.as_deref().filter(|w| !w.design.balance.is_empty())?;
    let title = "Balance of the arms".to_string();
    let [before, after] = weighting.design.largest_difference();
    let which = which(weighting);
    let where_balanced = match weighting.has_several_arms() {
        false => "Between the broken lines, at 0.1,",
        true => "Below the broken line, at 0.1,",
    };
    let caption = format!(
        "Standardised mean difference of each covariate, {which}: hollow, as patients were treated (at most {before:.2}); filled, with their weights (at most {after:.2}). {where_balanced} arms are usually taken as balanced. No outcome is in it."
    );
    Some(Figure::new(study, "balance", [title, caption], draw(study, weighting), data(study, weighting)))
}

fn which(weighting: &Weighting) -> &'static str {
    match weighting.has_several_arms() {
        false => "active less control arm",
        true => "the largest between any two arms",
    }
}

fn name(study: &Study, subgroup: Option<usize>) -> String {
    let names = study.data.names();
    subgroup.and_then(|g| names.get(g)).map_or_else(|| "all patients".to_string(), |n| (*n).to_string())
}

fn populations(study: &Study) -> Vec<Option<usize>> {
    let n = study.data.names().len();
    let subgroups = if study.undivided || n > SUBGROUPS_UP_TO { 0 } else { n };
    std::iter::once(None).chain((0..subgroups).map(Some)).collect()
}

fn draw(study: &Study, weighting: &Weighting) -> Canvas {
    let terms = &weighting.terms;
    let label_width = terms.iter().map(|t| width_of(&t.name, TEXT)).fold(90.0, f64::max).min(220.0);
    let left = 14.0 + label_width + 16.0;
    let right = left + PLOT;
    let populations = populations(study);
    let height = populations.len() as f64 * (HEAD + ROW * terms.len() as f64);
    let bottom = TOP + height;
    let mut canvas = Canvas::new(right + 24.0, bottom + 50.0);
    let balance = weighting.design.largest_balance();
    let sizes = balance.iter().flat_map(|b| [b.before.mean_difference, b.after.mean_difference]);
    let most = sizes.flatten().map(f64::abs).fold(2.0 * BALANCED, f64::max) * 1.05;
    // The largest of several differences has no sign.
    let (least, lines): (f64, &[f64]) =
        if weighting.has_several_arms() { (0.0, &[BALANCED]) } else { (-most, &[-BALANCED, BALANCED]) };
    let axis = Axis::linear((least, most), (left, right));
    let mut top = TOP;
    for population in populations {
        canvas.bold((14.0, top + 16.0), &name(study, population), Anchor::Start, TEXT, Ink::Text);
        top += HEAD;
        let end = top + ROW * terms.len() as f64 - 4.0;
        canvas.line((axis.at(0.0), top), (axis.at(0.0), end), Ink::Faint, 1.0, Stroke::Solid);
        for side in lines {
            canvas.line((axis.at(*side), top), (axis.at(*side), end), Ink::Faint, 1.0, Stroke::Dashed);
        }
        for (k, b) in balance.iter().filter(|b| b.subgroup == population).enumerate() {
            let y = top + ROW * (k as f64 + 0.5) - 2.0;
            draw_row(&mut canvas, (&axis, label_width), &terms[b.term].name, b, y);
        }
        top += ROW * terms.len() as f64;
    }
    axis.draw_below(
        &mut canvas,
        bottom + 2.0,
        7,
        plain_label,
        &format!("Standardised mean difference, {}", which(weighting)),
    );
    let before = [Mark::Ring(Ink::Second)];
    let after = [Mark::Dot(Ink::First)];
    let upright = [Mark::Upright(Ink::Faint, Stroke::Dashed)];
    let at = if lines.len() == 1 { "0.1" } else { "±0.1" };
    legend::below(&mut canvas, &[(&before, "as treated"), (&after, "with weights"), (&upright, at)]);
    canvas
}

fn draw_row(canvas: &mut Canvas, (axis, label): (&Axis, f64), name: &str, b: &Balance, y: f64) {
    let line = first_lines(name, label + 4.0, TEXT, 1);
    canvas.text((14.0, y + 4.0), line.first().map_or("", String::as_str), Anchor::Start, TEXT, Ink::Text);
    let at = |d: Option<f64>| d.map(|d| (axis.within(d), y));
    let (before, after) = (at(b.before.mean_difference), at(b.after.mean_difference));
    if let (Some(before), Some(after)) = (before, after) {
        canvas.line(before, after, Ink::Faint, 1.0, Stroke::Solid);
    }
    if let Some(before) = before {
        canvas.dot(before, 4.0, Ink::Second, false);
    }
    if let Some(after) = after {
        canvas.dot(after, 4.0, Ink::First, true);
    }
}

fn data(study: &Study, weighting: &Weighting) -> Records {
    let row = |b: &Balance| Row {
        row: name(study, b.subgroup).into(),
        column: weighting.terms[b.term].name.clone().into(),
        difference_before: b.before.mean_difference.into(),
        difference_after: b.after.mean_difference.into(),
        variance_ratio_before: b.before.variance_ratio.into(),
        variance_ratio_after: b.after.variance_ratio.into(),
    };
    Records::of(weighting.design.largest_balance().iter().map(row))
}
