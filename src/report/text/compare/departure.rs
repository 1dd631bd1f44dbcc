//! Conclusions over the scale of the prior of departures from proportional odds.

use super::super::super::levels::departure;
use super::super::super::numbers::{interval_known_to, plain, sampled_probability};
use super::super::super::sentences::sentence;
use super::super::columns::Columns;
use super::super::layout::{push, scope_label};
use super::{TOLD_UP_TO, title};
use crate::compare::{Comparison, DepartureCurve, DeparturePoint};
use crate::posterior::{Measure, Quantiles, Says, Scope};
use crate::study::Study;

/// The section on proportional odds; empty where outcomes have no levels.
pub fn section(study: &Study, c: &Comparison) -> String {
    let Some(found) = &c.departures else { return String::new() };
    let mut out = String::new();
    title(&mut out, "P(better) over the scale of departures from proportional odds");
    let curve = match found {
        Ok(curve) => curve,
        Err(why) => {
            push(&mut out, &format!("Not varied: {why}."), 2);
            return out;
        }
    };
    let mut scales: Vec<f64> = curve.points.iter().map(|p| p.scale).collect();
    scales.dedup();
    let at = |scale: f64| curve.points.iter().filter(move |p| p.scale == scale);
    let rows: Vec<&DeparturePoint> = at(0.0).filter(|p| is_told(study, p)).collect();
    let mut columns: Columns<'_, &DeparturePoint> = Columns::new();
    columns.add("Scale of δ", |p| label(study, p));
    for &scale in &scales {
        let here: Vec<&DeparturePoint> = at(scale).collect();
        let heading = if scale == 0.0 { "0, propor-\ntional".to_string() } else { plain(scale) };
        columns.add(heading, move |p| {
            let same = here.iter().find(|q| is_same(q, p));
            same.map_or_else(|| "–".to_string(), |q| sampled_probability(q.benefit, q.mcse))
        });
    }
    out.push_str(&columns.table(rows));
    out.push_str(&by_cut(study, curve));
    push(&mut out, &format!("{} Every number is of a sampled fit.", departure(curve)), 2);
    for claim in c.claims.iter().filter(|c| matches!(c.says, Says::WithoutProportionalOdds(_))) {
        push(&mut out, &sentence(claim), 2);
    }
    out
}

/// Of few subgroups the primary cut of each; of all patients that and the win probability; the mean.
fn is_told(study: &Study, p: &DeparturePoint) -> bool {
    match p.scope {
        Scope::Subgroup => p.primary && study.data.names().len() <= TOLD_UP_TO,
        Scope::Overall => p.primary || p.measure == Measure::WinProbability,
        _ => true,
    }
}

fn is_same(a: &DeparturePoint, b: &DeparturePoint) -> bool {
    (a.scope, &a.subgroup, a.measure, &a.above) == (b.scope, &b.subgroup, b.measure, &b.above)
}

fn label(study: &Study, p: &DeparturePoint) -> String {
    let whom = p.subgroup.clone().unwrap_or_else(|| scope_label(study, p.scope));
    match &p.above {
        Some(level) => format!("{whom}, above {level}"),
        None if p.measure == Measure::WinProbability => format!("{whom}, all levels"),
        None => whom,
    }
}

/// The odds ratio of all patients at every cut, under proportional odds and at the scale that is told.
fn by_cut(study: &Study, curve: &DepartureCurve) -> String {
    let of = |scale: f64| -> Vec<&DeparturePoint> {
        let all = curve.points.iter();
        all.filter(|p| p.scale == scale && p.scope == Scope::Overall && p.above.is_some()).collect()
    };
    let (with, without) = (of(0.0), of(curve.scale));
    if with.len() != without.len() {
        return String::new();
    }
    let interval = |p: &DeparturePoint| {
        let q = p.median.zip(p.q2_5).zip(p.q97_5);
        let q = q.map(|((median, q2_5), q97_5)| Quantiles { median, q2_5, q97_5 });
        q.map_or_else(|| "–".to_string(), |q| interval_known_to(p.measure, &q, None))
    };
    let mut columns: Columns<'_, usize> = Columns::new();
    let whom = scope_label(study, Scope::Overall);
    columns.add(format!("Odds ratio, {whom}"), |k| {
        format!(
            "above {}{}",
            with[*k].above.as_deref().unwrap_or(""),
            if with[*k].primary { " (primary)" } else { "" }
        )
    });
    columns.add("proportional (95 %)", |k| interval(with[*k]));
    columns.add(format!("scale {} (95 %)", plain(curve.scale)), |k| interval(without[*k]));
    columns.add("P(better)", |k| sampled_probability(without[*k].benefit, without[*k].mcse));
    String::from("\n") + &columns.table(0..with.len())
}
