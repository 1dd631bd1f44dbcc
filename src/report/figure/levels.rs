//! Patients by level as stacked bars: control above active, observed beside the posterior mean, cuts joined from arm to arm.

use super::super::records::{Records, record};
use super::super::words::whose;
use super::Figure;
use super::axis::{Axis, plain_label};
use super::legend::{self, Mark};
use super::svg::{Anchor, Canvas, Ink, Stroke, TEXT, first_lines, width_of};
use crate::figure::LevelRow;
use crate::posterior::Whom;
use crate::study::{HigherIs, LevelScale, Study};

const PANEL: f64 = 290.0;
const GAP: f64 = 26.0;
const BAR: f64 = 22.0;
/// Between the bars of two arms, where lines join their cuts.
const JOIN: f64 = 14.0;
/// Above a block's bars stands its name.
const NAME: f64 = 22.0;
const BLOCK: f64 = 18.0;
const TOP: f64 = 26.0;
const SMALL: f64 = TEXT - 2.0;

/// Beyond this many subgroups only all patients together are drawn.
const SUBGROUPS_UP_TO: usize = 30;

record! {
    /// One level of one arm: its shares, of patients in the arm.
    Row { row, arm, level, patients, observed, posterior }
}

/// Shares of every level by subgroup and arm; none where outcomes have no levels.
pub fn levels(study: &Study, rows: &[LevelRow]) -> Option<Figure> {
    let scale = study.outcome.levels.as_ref().filter(|_| !rows.is_empty())?;
    let cut = scale.primary_in_words();
    let title = format!("Patients by level, {}", study.outcome.name);
    let worst = match study.outcome.higher_is {
        HigherIs::Better => &scale.names[0],
        HigherIs::Worse => &scale.names[scale.levels() - 1],
    };
    let modelled = rows.iter().any(|r| r.modelled.is_some());
    let beside = if modelled { ", as observed and as posterior means" } else { ", as observed" };
    let caption = format!(
        "Shares of patients at every level by {} and arm{beside}, in percent; the stronger the shade, the worse, up to {worst}. Lines join each cut from arm to arm, a thick one the primary cut, {cut}.",
        study.subgroup_name
    );
    Some(Figure::new(study, "levels", [title, caption], draw(study, scale, rows), data(study, scale, rows)))
}

/// What a level is filled with: the worst as dark as text, the others the darker the worse, so that grey print keeps their order.
fn fill(scale: &LevelScale, higher_is: HigherIs, level: usize) -> (Ink, f64) {
    let last = scale.levels() - 1;
    let from_best = match higher_is {
        HigherIs::Better => last - level,
        HigherIs::Worse => level,
    };
    if from_best == last {
        return (Ink::Text, 1.0);
    }
    (Ink::First, 0.06 + 0.49 * from_best as f64 / last.saturating_sub(1).max(1) as f64)
}

fn draw(study: &Study, scale: &LevelScale, rows: &[LevelRow]) -> Canvas {
    let arms = study.treatment.arms.len();
    let many = study.data.names().len() > SUBGROUPS_UP_TO;
    let shown: Vec<&[LevelRow]> =
        rows.chunks(arms).filter(|block| !many || block.iter().all(|r| r.whom == Whom::Overall)).collect();
    let label = |arm: usize| study.treatment.arms.get(arm).map_or("", String::as_str);
    let label_width = (0..arms).map(|arm| width_of(label(arm), TEXT)).fold(60.0, f64::max).min(170.0);
    let left = 14.0 + label_width + 14.0;
    let panels = if rows.iter().any(|r| r.modelled.is_some()) { 2 } else { 1 };
    let start = |panel: usize| left + (PANEL + GAP) * panel as f64;
    let width = start(panels) - GAP + 20.0;
    let height = NAME + BAR * arms as f64 + JOIN * (arms - 1) as f64 + BLOCK;
    let bottom = TOP + height * shown.len() as f64;
    let mut canvas = Canvas::new(width, bottom + 42.0);
    for (panel, heading) in ["Observed", "Posterior mean"].into_iter().enumerate().take(panels) {
        canvas.bold((start(panel), 16.0), &format!("{heading}, %"), Anchor::Start, TEXT - 1.0, Ink::Text);
        let axis = Axis::linear((0.0, 100.0), (start(panel), start(panel) + PANEL));
        axis.draw_below(&mut canvas, bottom - 4.0, 5, plain_label, "");
    }
    for (k, block) in shown.iter().enumerate() {
        let top = TOP + height * k as f64;
        let name = block.first().map_or_else(String::new, |r| whose(study, r.whom));
        canvas.bold((14.0, top + 14.0), &name, Anchor::Start, TEXT, Ink::Text);
        let at = |arm: usize| top + NAME + (BAR + JOIN) * arm as f64;
        for row in *block {
            let lines = first_lines(label(row.arm), label_width + 4.0, TEXT, 2);
            for (j, line) in lines.iter().enumerate() {
                let y = at(row.arm) + 15.0 + 13.0 * j as f64 - 6.0 * (lines.len() - 1) as f64;
                canvas.text((14.0, y), line, Anchor::Start, TEXT, Ink::Text);
            }
        }
        for panel in 0..panels {
            let shares: Vec<Option<&Vec<f64>>> = block
                .iter()
                .map(|r| if panel == 0 { r.observed.as_ref() } else { r.modelled.as_ref() })
                .collect();
            for (arm, shares) in shares.iter().enumerate() {
                match shares {
                    Some(shares) => bar(&mut canvas, (study, scale), shares, (start(panel), at(arm))),
                    None => {
                        let text = if block[arm].patients == 0 { "no patients" } else { "–" };
                        canvas.text((start(panel), at(arm) + 15.0), text, Anchor::Start, SMALL, Ink::Faint);
                    }
                }
            }
            for (arm, pair) in shares.windows(2).enumerate() {
                let [Some(above), Some(below)] = pair else { continue };
                join(&mut canvas, scale, [above, below], (start(panel), at(arm) + BAR));
            }
        }
    }
    key(&mut canvas, study, scale);
    canvas
}

/// Where the cuts lie along a bar.
fn cuts(shares: &[f64]) -> impl Iterator<Item = f64> {
    let mut sum = 0.0;
    shares.iter().take(shares.len() - 1).map(move |share| {
        sum += share;
        PANEL * sum
    })
}

fn bar(canvas: &mut Canvas, (study, scale): (&Study, &LevelScale), shares: &[f64], (x, y): (f64, f64)) {
    let mut from = x;
    for (level, share) in shares.iter().enumerate() {
        let wide = PANEL * share;
        let (ink, opacity) = fill(scale, study.outcome.higher_is, level);
        canvas.rect((from, y), (wide, BAR), ink, opacity);
        let text = format!("{:.0}", 100.0 * share);
        if wide >= width_of(&text, SMALL) + 5.0 {
            let on = if ink == Ink::Text { Ink::Paper } else { Ink::Text };
            canvas.text((from + 0.5 * wide, y + 15.0), &text, Anchor::Middle, SMALL, on);
        }
        from += wide;
    }
    for (k, at) in cuts(shares).enumerate() {
        let (ink, width) = if k == scale.primary { (Ink::Text, 2.5) } else { (Ink::Paper, 1.0) };
        canvas.line((x + at, y), (x + at, y + BAR), ink, width, Stroke::Solid);
    }
}

fn join(canvas: &mut Canvas, scale: &LevelScale, [above, below]: [&[f64]; 2], (x, y): (f64, f64)) {
    for (k, (a, b)) in cuts(above).zip(cuts(below)).enumerate() {
        let (ink, width) = if k == scale.primary { (Ink::Text, 2.5) } else { (Ink::Faint, 0.8) };
        canvas.line((x + a, y), (x + b, y + JOIN), ink, width, Stroke::Solid);
    }
}

fn key(canvas: &mut Canvas, study: &Study, scale: &LevelScale) {
    let areas: Vec<[Mark; 1]> = (0..scale.levels())
        .map(|level| {
            let (ink, opacity) = fill(scale, study.outcome.higher_is, level);
            [Mark::Area(ink, opacity)]
        })
        .collect();
    let line = [Mark::Line(Ink::Text, Stroke::Solid, 2.5)];
    let words = format!("primary cut: {}", scale.primary_in_words());
    let mut entries: Vec<(&[Mark], &str)> =
        areas.iter().zip(&scale.names).map(|(mark, name)| (&mark[..], name.as_str())).collect();
    entries.push((&line, &words));
    legend::below(canvas, &entries);
}

fn data(study: &Study, scale: &LevelScale, rows: &[LevelRow]) -> Records {
    let all = rows.iter().flat_map(|r| {
        scale.names.iter().enumerate().map(move |(level, name)| Row {
            row: whose(study, r.whom).into(),
            arm: study.treatment.arms.get(r.arm).into(),
            level: name.into(),
            patients: (r.patients as f64).into(),
            observed: r.observed.as_ref().map(|shares| shares[level]).into(),
            posterior: r.modelled.as_ref().map(|shares| shares[level]).into(),
        })
    });
    Records::of(all)
}
