//! Probabilities over a size of effect, and over the scale of the heterogeneity prior.

use super::super::records::{Records, record};
use super::super::words::{capitalised, named};
use super::Figure;
use super::axis::{Axis, plain_label};
use super::legend::{self, Entry, Mark};
use super::svg::{Anchor, Canvas, Ink, Stroke, TEXT};
use crate::compare::{Glance, STATED};
use crate::figure::ThresholdCurves;
use crate::posterior::{Axis as Kind, Measure, Statement};
use crate::study::Study;

pub(super) const WIDTH: f64 = 760.0;
pub(super) const HEIGHT: f64 = 378.0;
pub(super) const LEFT: f64 = 56.0;
pub(super) const RIGHT: f64 = 540.0;
pub(super) const TOP: f64 = 38.0;
pub(super) const BOTTOM: f64 = 318.0;

/// Subgroups of which both directions are drawn, and the most that are drawn at all.
const FEW: usize = 5;
const MOST: usize = 15;

pub(super) struct Curve {
    pub label: String,
    pub points: Vec<(f64, f64)>,
    pub ink: Ink,
    pub stroke: Stroke,
    pub width: f64,
    /// Whether each of its points is marked, what lies between them being drawn and not known.
    pub dotted: bool,
}

pub(super) const THICK: f64 = 2.4;
pub(super) const THIN: f64 = 1.0;

pub(super) fn legend_height(curves: &[Curve]) -> f64 {
    20.0 + legend::height(curves.iter().map(|c| c.label.as_str()), [RIGHT, WIDTH])
}

/// Curves of probabilities with their labels at the right, and above the axis what it measures.
pub(super) fn plot(canvas: &mut Canvas, (x, y): (&Axis, &Axis), curves: &[Curve], of: &str) {
    canvas.text((14.0, 20.0), of, Anchor::Start, TEXT, Ink::Text);
    y.draw_left(canvas, (LEFT, RIGHT), 5, plain_label);
    for c in curves {
        let points: Vec<(f64, f64)> = c.points.iter().map(|&(a, p)| (x.at(a), y.at(p))).collect();
        canvas.curve(&points, c.ink, c.width, c.stroke);
        for at in points.into_iter().filter(|(_, y)| c.dotted && y.is_finite()) {
            canvas.dot(at, 3.0, c.ink, true);
        }
    }
    // In the curves' order; a second curve of the same thing has no label.
    let named = curves.iter().filter(|c| !c.label.is_empty());
    let mut entries = Vec::new();
    for c in named {
        let label = c.label.as_str();
        entries.push(Entry { label, ink: c.ink, stroke: c.stroke, width: c.width, dotted: c.dotted });
    }
    legend::draw(canvas, [RIGHT, WIDTH], TOP + 8.0, &entries);
}

/// One subgroup's probabilities over sizes of effect.
#[derive(Debug, Clone)]
pub struct SizeCurve {
    pub name: String,
    /// Size, P(better by at least it), P(worse by at least it).
    pub points: Vec<[f64; 3]>,
}

/// Those that a page's sliders move over.
pub fn size_curves(t: &ThresholdCurves) -> Vec<SizeCurve> {
    let told = t.curves.iter().filter(|c| !c.benefit.is_empty());
    told.map(|c| {
        let both = c.benefit.iter().zip(&c.harm);
        let points = t.sizes.iter().zip(both).map(|(size, (b, h))| [*size, *b, *h]).collect();
        SizeCurve { name: c.subgroup.clone(), points }
    })
    .collect()
}

record! {
    /// Both probabilities at one size.
    SizeRow { subgroup, size, better, worse }
}

/// P(better by at least a size) and P(worse by at least a size).
pub fn thresholds(study: &Study, name: &str, measure: Measure, told: &[SizeCurve]) -> Vec<Figure> {
    /// However soon nothing is left to see.
    const LEAST: usize = 20;
    let percent = measure == Measure::RiskDifference;
    let sizes = || told.iter().flat_map(|c| &c.points);
    let Some(first) = sizes().map(|p| p[0]).reduce(f64::min).filter(|_| told.len() <= MOST) else {
        return Vec::new();
    };
    let least =
        told.iter().filter_map(|c| c.points.get(LEAST.min(c.points.len().saturating_sub(1)))).map(|p| p[0]);
    let seen = sizes().filter(|p| p[1].max(p[2]) > 0.01).map(|p| p[0]);
    let last = seen.chain(least).fold(first, f64::max);
    // Of few subgroups both directions; of many, better alone, told apart by line too.
    let few = told.len() <= FEW;
    let mut curves = Vec::new();
    for (k, c) in told.iter().enumerate() {
        let points = |which: usize| {
            let shown = c.points.iter().filter(|p| p[0] <= last);
            shown.map(|p| (p[0], p[which])).collect()
        };
        let ink = Ink::of_curve(k);
        let stroke = if few { Stroke::of_curve(k) } else { Stroke::of_curve(k / FEW) };
        let label = c.name.clone();
        curves.push(Curve { label, points: points(1), ink, stroke, width: THICK, dotted: false });
        if few {
            let label = String::new();
            curves.push(Curve { label, points: points(2), ink, stroke, width: THIN, dotted: false });
        }
    }
    let mut canvas = Canvas::new(WIDTH, HEIGHT.max(TOP + legend_height(&curves)));
    let ends = (first, last);
    let x = match measure.axis() {
        Kind::Ratio => Axis::logarithmic(ends, (LEFT, RIGHT)),
        Kind::Additive | Kind::Chance => Axis::linear(ends, (LEFT, RIGHT)),
    };
    let y = Axis::linear((0.0, 1.0), (BOTTOM, TOP));
    let of = if few {
        "P(better) and P(worse) by at least the size below"
    } else {
        "P(better) by at least the size below"
    };
    plot(&mut canvas, (&x, &y), &curves, of);
    let what = if percent {
        "Size of the risk difference, percentage points".to_string()
    } else if measure.axis() == Kind::Ratio {
        format!("{}, or its reciprocal", measure.in_words())
    } else {
        format!("size of the {}", measure.in_words())
    };
    let label = |v: f64| if percent { plain_label(100.0 * v) } else { plain_label(v) };
    x.draw_below(&mut canvas, BOTTOM, 7, label, &capitalised(&what));
    if few {
        let line = |width| [Mark::Line(Ink::Text, Stroke::Solid, width)];
        legend::below(&mut canvas, &[(&line(THICK), "P(better)"), (&line(THIN), "P(worse)")]);
    }
    let shown = if few { "P(better) and P(worse)" } else { "P(better)" };
    let title = format!("{shown} by size of effect, {}", study.outcome.name);
    let directions = if few { "better (thick lines) or worse (thin lines)" } else { "better" };
    let caption = format!(
        "Posterior probability that the outcome is {directions} with {} by at least the size below, by {}.",
        study.treatment.active(),
        study.subgroup_name
    );
    let rows = told.iter().flat_map(|c| {
        c.points.iter().map(|&[size, better, worse]| SizeRow {
            subgroup: (&c.name).into(),
            size: size.into(),
            better: better.into(),
            worse: worse.into(),
        })
    });
    vec![Figure::new(study, name, [title, caption], canvas, Records::of(rows))]
}

record! {
    /// P(better) at one scale.
    ScaleRow { subgroup, scale, better }
}

/// P(better) over the scale of τ's prior, with the crossings of the lines.
pub fn heterogeneity(study: &Study, c: &Glance) -> Vec<Figure> {
    let Some(stated) = study.priors.heterogeneity.as_ref().map(|h| h.distribution.scale()) else {
        return Vec::new();
    };
    let of = |name: &str| -> Vec<(f64, f64)> {
        let mine = c
            .tau_curve
            .iter()
            .filter(|p| p.prior == STATED && p.subgroup == name && p.statement == Statement::Benefit);
        mine.map(|p| (p.scale, p.probability.unwrap_or(f64::NAN))).collect()
    };
    let names = study.data.names();
    let curves: Vec<Curve> = names
        .iter()
        .enumerate()
        .map(|(k, name)| Curve {
            label: (*name).to_string(),
            points: of(name),
            ink: Ink::of_curve(k),
            stroke: if names.len() <= FEW { Stroke::of_curve(k) } else { Stroke::of_curve(k / FEW) },
            width: THICK,
            dotted: false,
        })
        .collect();
    if curves.iter().any(|c| c.points.is_empty()) || curves.len() > MOST {
        return Vec::new();
    }
    let scales: Vec<f64> = curves[0].points.iter().map(|p| p.0).collect();
    let (Some(&low), Some(&high)) = (scales.first(), scales.last()) else { return Vec::new() };
    let mut canvas = Canvas::new(WIDTH, HEIGHT.max(TOP + legend_height(&curves)));
    let x = Axis::logarithmic((low, high), (LEFT, RIGHT));
    let y = Axis::linear((0.0, 1.0), (BOTTOM, TOP));
    plot(&mut canvas, (&x, &y), &curves, "P(better)");
    canvas.line((x.at(stated), TOP), (x.at(stated), BOTTOM), Ink::Faint, 1.0, Stroke::Dashed);
    let mut crossed = false;
    for cross in c.crossings.iter().filter(|r| r.prior == STATED && r.statement == Statement::Benefit) {
        if let Some(k) = names.iter().position(|n| *n == cross.subgroup) {
            canvas.dot((x.at(cross.scale), y.at(cross.line)), 4.0, Ink::of_curve(k), false);
            crossed = true;
        }
    }
    let words = study.priors.heterogeneity.as_ref().map_or("", |h| h.words.as_str());
    x.draw_below(&mut canvas, BOTTOM, 6, plain_label, "Scale of the heterogeneity prior");
    let is_stated = named(study, STATED) == STATED;
    let scale_of_fit = if is_stated { "the stated scale" } else { "the scale of this fit" };
    let mut entries: Vec<(&[Mark], &str)> =
        vec![(&[Mark::Upright(Ink::Faint, Stroke::Dashed)], scale_of_fit)];
    if crossed {
        entries.push((&[Mark::Ring(Ink::First)], "P(better) crosses 0.5, 0.8, 0.9 or 0.95"));
    }
    legend::below(&mut canvas, &entries);
    let title = format!("P(better) over the scale of the heterogeneity prior, {}", study.outcome.name);
    let caption = format!(
        "Posterior probability that the outcome is better with {} over the scale of the heterogeneity prior ({}: {words}). Rings: where it crosses 0.5, 0.8, 0.9 or 0.95.",
        study.treatment.active(),
        if is_stated { "stated" } else { "this fit's" }
    );
    let name = "heterogeneity";
    let rows = names.iter().zip(&curves).flat_map(|(name, c)| {
        c.points.iter().map(|&(scale, better)| ScaleRow {
            subgroup: (*name).into(),
            scale: scale.into(),
            better: better.into(),
        })
    });
    vec![Figure::new(study, name, [title, caption], canvas, Records::of(rows))]
}
