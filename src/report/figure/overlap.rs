//! How probable the active treatment was for the patients of either arm, by subgroup.

use super::super::records::{Records, record};
use super::Figure;
use super::axis::{Axis, plain_label};
use super::legend::{self, Mark};
use super::svg::{Anchor, Canvas, Ink, Stroke, TEXT};
use crate::study::{Study, Weighting};
use crate::weighting::{ArmOverlap, SubgroupDesign};

const LEFT: f64 = 40.0;
const PLOT: f64 = 520.0;
const PANEL: f64 = 120.0;
const HEAD: f64 = 26.0;

/// Beyond this many subgroups their patients are drawn together.
const SUBGROUPS_UP_TO: usize = 8;

record! {
    /// Patients of one arm of a subgroup whose propensity lies within one bar.
    Row { row, arm, from, to, patients, share }
}

/// None of studies without weighting, and of weights that were computed elsewhere.
pub fn overlap(study: &Study) -> Option<Figure> {
    let weighting = study.weighting.as_deref().filter(|w| w.given.is_none())?;
    let end = "Where one side is empty the other has nobody to be compared with. No outcome is in it.";
    let [title, caption] = match weighting.has_several_arms() {
        false => [
            format!("Probability of {}, by who had it", study.treatment.active()),
            format!(
                "Propensity: how probable {} was for each patient, given the covariates. Upwards, patients who had it; downwards, those who had {}; each as a share of its arm. {end}",
                study.treatment.active(),
                study.treatment.control()
            ),
        ],
        true => [
            "Probability of each arm, by who had it".to_string(),
            format!(
                "Propensity: how probable an arm was for each patient, given the covariates. Upwards, patients who had it; downwards, those who had another; each as a share of its side. {end}"
            ),
        ],
    };
    let panels = panels(study, weighting);
    Some(Figure::new(study, "overlap", [title, caption], draw(study, &panels), data(study, weighting)))
}

struct Panel {
    name: String,
    /// Upwards last: those who had the arm.
    sides: [Vec<f64>; 2],
}

/// One a subgroup, or one for every arm of it where there are several active ones.
fn panels(study: &Study, weighting: &Weighting) -> Vec<Panel> {
    let names = study.data.names();
    let all = weighting.design.subgroups.iter().zip(&names);
    let own: Vec<Vec<Panel>> = all.map(|(s, name)| of_subgroup(study, s, name)).collect();
    if own.len() <= SUBGROUPS_UP_TO {
        return own.into_iter().flatten().collect();
    }
    let together = |place: usize| {
        let sum = |side: usize| {
            let bars = own[0][place].sides[side].len();
            (0..bars).map(|k| own.iter().map(|p| p[place].sides[side][k]).sum()).collect()
        };
        let name = match weighting.has_several_arms() {
            false => "all patients".to_string(),
            true => format!("all patients: {}", study.treatment.arms[place]),
        };
        Panel { name, sides: [sum(0), sum(1)] }
    };
    (0..own[0].len()).map(together).collect()
}

fn of_subgroup(study: &Study, design: &SubgroupDesign, name: &str) -> Vec<Panel> {
    if let [control, active] = design.arms.as_slice() {
        let sides = [control.histogram.clone(), active.histogram.clone()];
        return vec![Panel { name: name.to_string(), sides }];
    }
    let arms = design.arms.iter().zip(&study.treatment.arms);
    let panel = |(of, arm): (&ArmOverlap, &String)| Panel {
        name: format!("{name}: {arm}"),
        sides: [of.others.clone(), of.histogram.clone()],
    };
    arms.map(panel).collect()
}

fn shares(bars: &[f64]) -> Vec<f64> {
    let all: f64 = bars.iter().sum();
    bars.iter().map(|n| if all > 0.0 { n / all } else { 0.0 }).collect()
}

fn draw(study: &Study, panels: &[Panel]) -> Canvas {
    let right = LEFT + PLOT;
    let bottom = panels.len() as f64 * (HEAD + PANEL);
    let mut canvas = Canvas::new(right + 24.0, bottom + 50.0);
    let axis = Axis::linear((0.0, 1.0), (LEFT, right));
    for (k, panel) in panels.iter().enumerate() {
        let top = k as f64 * (HEAD + PANEL) + HEAD;
        let middle = top + 0.5 * PANEL;
        canvas.bold((LEFT, top - 8.0), &panel.name, Anchor::Start, TEXT, Ink::Text);
        let each = panel.sides.each_ref().map(|bars| shares(bars));
        let most = each.iter().flatten().copied().fold(0.0, f64::max).max(1e-9);
        let wide = PLOT / each[0].len().max(1) as f64;
        for (arm, bars) in each.iter().enumerate() {
            for (j, share) in bars.iter().enumerate() {
                let height = (0.5 * PANEL - 6.0) * share / most;
                let y = if arm == 1 { middle - height } else { middle };
                let ink = if arm == 1 { Ink::First } else { Ink::Second };
                canvas.rect((LEFT + wide * j as f64 + 1.0, y), (wide - 2.0, height), ink, 0.75);
            }
        }
        canvas.line((LEFT, middle), (right, middle), Ink::Faint, 1.0, Stroke::Solid);
    }
    let (what, other) = match study.treatment.has_several_arms() {
        false => (study.treatment.active(), study.treatment.control()),
        true => ("the arm", "another"),
    };
    axis.draw_below(&mut canvas, bottom + 2.0, 6, plain_label, &format!("Probability of {what}"));
    let (up, down) = ([Mark::Area(Ink::First, 0.75)], [Mark::Area(Ink::Second, 0.75)]);
    let (had, had_not) = (format!("upwards: had {what}"), format!("downwards: had {other}"));
    legend::below(&mut canvas, &[(&up, &had), (&down, &had_not)]);
    canvas
}

fn data(study: &Study, weighting: &Weighting) -> Records {
    let names = study.data.names();
    let rows = weighting.design.subgroups.iter().zip(names).flat_map(|(s, name)| {
        let arms = s.arms.iter().zip(&study.treatment.arms);
        let of = |(arm, called): (&ArmOverlap, &String)| {
            let others = format!("others than {called}");
            let mut rows = bars(&arm.histogram, name, called);
            rows.extend(bars(&arm.others, name, &others));
            rows
        };
        arms.flat_map(of).collect::<Vec<Row>>()
    });
    Records::of(rows)
}

fn bars(histogram: &[f64], name: &str, called: &str) -> Vec<Row> {
    let n = histogram.len() as f64;
    let shares = shares(histogram);
    let bar = |(k, patients): (usize, &f64)| Row {
        row: name.to_string().into(),
        arm: called.to_string().into(),
        from: (k as f64 / n).into(),
        to: ((k as f64 + 1.0) / n).into(),
        patients: (*patients).into(),
        share: shares[k].into(),
    };
    histogram.iter().enumerate().map(bar).collect()
}
