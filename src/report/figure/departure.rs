//! Probabilities over the scale of the prior of departures from proportional odds.

use super::super::levels::departure as what_departs;
use super::super::records::{Records, record};
use super::super::words::{named, scope_in_words};
use super::Figure;
use super::axis::{Axis, plain_label};
use super::curves::{BOTTOM, Curve, HEIGHT, LEFT, RIGHT, THICK, TOP, WIDTH, legend_height, plot};
use super::legend::{self, Mark};
use super::svg::{Canvas, Ink, Stroke};
use crate::compare::{DepartureCurve, DeparturePoint, STATED};
use crate::posterior::{Measure, Scope};
use crate::study::{LevelScale, Study};

record! {
    /// One effect at one scale.
    Row { row, measure, cut, primary, scale, better, mcse, median, q2_5, q97_5 }
}

/// One line of a figure with all its points, by scale.
struct Line<'a> {
    label: String,
    ink: Ink,
    stroke: Stroke,
    points: Vec<&'a DeparturePoint>,
}

/// P(better) over the scale: of every subgroup at the primary cut, and of all patients at every cut. None where there is no curve.
pub fn departure(study: &Study, curve: Option<&DepartureCurve>) -> Vec<Figure> {
    let Some((curve, scale)) = curve.zip(study.outcome.levels.as_ref()) else { return Vec::new() };
    let cut = scale.primary_in_words();
    let active = study.treatment.active();
    let over = "over the scale of departures from proportional odds";
    let mean = scope_in_words(Scope::Mean, &study.subgroup_name);
    let subgroups = by_subgroup(study, curve);
    let has_mean = subgroups.iter().any(|l| l.points.iter().any(|p| p.scope == Scope::Mean));
    let of_mean = if has_mean { format!("; of {mean} by the common odds ratio") } else { String::new() };
    let primary = [
        format!("P(better) {over}, {}", study.outcome.name),
        format!(
            "Posterior probability that the outcome is better with {active} at the primary cut, {cut}, by {}{of_mean}; over the scale of the prior of δ.",
            study.subgroup_name
        ),
    ];
    let everyone = scope_in_words(Scope::Overall, &study.subgroup_name);
    let every = [
        format!("P(better) at every cut {over}, {}", study.outcome.name),
        format!(
            "Posterior probability that the outcome of {everyone} is better with {active} at each cut, and that a patient with it fares better than one without (win probability above 0.5), over the scale of the prior of δ."
        ),
    ];
    let heading = format!("P(better) at the primary cut, {cut}");
    [
        figure(study, curve, "departure", primary, (&heading, &subgroups)),
        figure(study, curve, "departure-cuts", every, ("P(better) at every cut", &by_cut(scale, curve))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn points(curve: &DepartureCurve, is: impl Fn(&DeparturePoint) -> bool) -> Vec<&DeparturePoint> {
    curve.points.iter().filter(|p| is(p)).collect()
}

/// Where there are several subgroups all patients, and the mean, beneath the others' dashes; every subgroup.
fn by_subgroup<'a>(study: &Study, curve: &'a DepartureCurve) -> Vec<Line<'a>> {
    let names = study.data.names();
    let one = |(k, name): (usize, &&str)| Line {
        label: (*name).to_string(),
        ink: Ink::of_curve(k),
        stroke: Stroke::of_curve(k),
        points: points(curve, |p| p.primary && p.subgroup.as_deref() == Some(*name)),
    };
    let mut lines: Vec<Line<'_>> = Vec::new();
    if names.len() > 1 {
        let shared = |scope: Scope, stroke: Stroke| Line {
            label: scope_in_words(scope, &study.subgroup_name),
            ink: Ink::Text,
            stroke,
            points: points(curve, |p| p.scope == scope && (p.primary || scope == Scope::Mean)),
        };
        lines.extend([shared(Scope::Overall, Stroke::Solid), shared(Scope::Mean, Stroke::Dotted)]);
    }
    lines.extend(names.iter().enumerate().map(one));
    lines.retain(|line| !line.points.is_empty());
    lines
}

/// All patients at every cut, the primary one first and so beneath the others' dashes, and by the win probability.
fn by_cut<'a>(scale: &LevelScale, curve: &'a DepartureCurve) -> Vec<Line<'a>> {
    let cut = |k: usize| {
        let is_primary = k == scale.primary;
        let label = scale.cut_in_words(k) + if is_primary { " (primary)" } else { "" };
        let (ink, stroke) =
            if is_primary { (Ink::Text, Stroke::Solid) } else { (Ink::of_curve(k), Stroke::of_curve(k)) };
        let own = scale.names.get(k);
        Line {
            label,
            ink,
            stroke,
            points: points(curve, |p| {
                p.scope == Scope::Overall && p.above.is_some() && p.above.as_ref() == own
            }),
        }
    };
    let all_levels = Line {
        label: "all levels, win probability".to_string(),
        ink: Ink::Raw,
        stroke: Stroke::Dotted,
        points: points(curve, |p| p.scope == Scope::Overall && p.measure == Measure::WinProbability),
    };
    let others = (0..scale.cuts()).filter(|k| *k != scale.primary);
    let mut lines: Vec<Line<'_>> = std::iter::once(scale.primary).chain(others).map(cut).collect();
    lines.push(all_levels);
    lines.retain(|line| !line.points.is_empty());
    lines
}

/// None where no fit has a number.
fn figure(
    study: &Study,
    curve: &DepartureCurve,
    name: &str,
    [title, mut caption]: [String; 2],
    (heading, lines): (&str, &[Line<'_>]),
) -> Option<Figure> {
    let all = || lines.iter().flat_map(|line| &line.points);
    let highest = all().filter(|p| p.benefit.is_some()).map(|p| p.scale).reduce(f64::max)?;
    caption += &format!(" {} Each dot is a sampled fit", what_departs(curve));
    if let Some(error) = all().filter_map(|p| p.mcse).reduce(f64::max) {
        // Rounded up: an error is never told as smaller than it is.
        caption +=
            &format!(", its Monte Carlo error at most {}", plain_label((1000.0 * error).ceil() / 1000.0));
    }
    caption.push('.');
    if all().any(|p| p.unavailable.is_some()) {
        caption += " Where a dot is missing the fit did not pass its checks.";
    }
    let curves: Vec<Curve> = lines
        .iter()
        .map(|line| Curve {
            label: line.label.clone(),
            points: line.points.iter().map(|p| (p.scale, p.benefit.unwrap_or(f64::NAN))).collect(),
            ink: line.ink,
            stroke: line.stroke,
            width: THICK,
            dotted: true,
        })
        .collect();
    let mut canvas = Canvas::new(WIDTH, HEIGHT.max(TOP + legend_height(&curves)));
    let x = Axis::linear((0.0, highest), (LEFT, RIGHT));
    let y = Axis::linear((0.0, 1.0), (BOTTOM, TOP));
    plot(&mut canvas, (&x, &y), &curves, heading);
    x.draw_below(&mut canvas, BOTTOM, 5, plain_label, "Scale of the prior of δ; at 0 odds are proportional");
    if let Some(own) = curve.own.filter(|own| x.holds(*own)) {
        canvas.line((x.at(own), TOP), (x.at(own), BOTTOM), Ink::Faint, 1.0, Stroke::Dashed);
        let is_stated = named(study, STATED) == STATED;
        let label = if is_stated { "the stated scale" } else { "the scale of this fit" };
        legend::below(&mut canvas, &[(&[Mark::Upright(Ink::Faint, Stroke::Dashed)], label)]);
    }
    let row = |p: &DeparturePoint| Row {
        row: p.subgroup.clone().unwrap_or_else(|| scope_in_words(p.scope, &study.subgroup_name)).into(),
        measure: p.measure.into(),
        cut: p.above.as_ref().into(),
        primary: p.above.is_some().then_some(p.primary).into(),
        scale: p.scale.into(),
        better: p.benefit.into(),
        mcse: p.mcse.into(),
        median: p.median.into(),
        q2_5: p.q2_5.into(),
        q97_5: p.q97_5.into(),
    };
    let rows = lines.iter().flat_map(|line| line.points.iter().map(|p| row(p)));
    Some(Figure::new(study, name, [title, caption], canvas, Records::of(rows)))
}
