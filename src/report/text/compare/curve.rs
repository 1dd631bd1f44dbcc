//! The conclusion over the scale of the heterogeneity prior: a plot, its table, and what it means.

use super::super::super::numbers::plain;
use super::super::super::sentences::sentence;
use super::super::columns::Columns;
use super::super::layout::push;
use super::super::plot::{Plot, letter};
use super::{shown, title};
use crate::compare::{Comparison, HeterogeneityRow, STATED};
use crate::posterior::{Quantiles, Statement, Topic};
use crate::study::Study;

/// Columns of the plot between two scales.
const COLUMNS: usize = 2;

/// The section on the scale of the prior of τ; empty where there is no τ to vary.
pub fn section(study: &Study, c: &Comparison) -> String {
    let Some(stated) = study.priors.heterogeneity.as_ref().map(|h| h.distribution.scale()) else {
        return String::new();
    };
    let curves: Vec<Vec<(f64, Option<f64>)>> = study
        .data
        .names()
        .iter()
        .map(|name| {
            let of = c
                .tau_curve
                .iter()
                .filter(|p| p.prior == STATED && p.subgroup == *name && p.statement == Statement::Benefit);
            of.map(|p| (p.scale, p.probability)).collect()
        })
        .collect();
    if curves.iter().any(Vec::is_empty) {
        return String::new();
    }
    let mut out = String::new();
    let words = study.priors.heterogeneity.as_ref().map_or("", |h| h.words.as_str());
    title(&mut out, &format!("P(better) over the scale of the heterogeneity prior, stated {words}"));
    out.push_str(&plot(&curves, stated));
    let letters: Vec<String> =
        study.data.names().iter().enumerate().map(|(g, name)| format!("{} {name}", letter(g))).collect();
    push(&mut out, &format!("{}; * several; : the stated scale", letters.join("; ")), 2);
    out.push('\n');
    out.push_str(&numbers(study, c, &curves));
    out.push('\n');
    out.push_str(&before_and_after(study, &c.heterogeneity));
    for claim in c.claims.iter().filter(|c| c.estimand == Topic::Heterogeneity) {
        push(&mut out, &sentence(claim), 2);
    }
    out
}

fn plot(curves: &[Vec<(f64, Option<f64>)>], stated: f64) -> String {
    let scales: Vec<f64> = curves[0].iter().map(|p| p.0).collect();
    let apart = |k: &usize| (scales[*k] / stated).ln().abs();
    let marked = (0..scales.len()).min_by(|a, b| apart(a).total_cmp(&apart(b))).unwrap_or(0);
    // A tick every two doublings, below the stated scale's column and its like.
    let ticks: Vec<(usize, String)> = (0..scales.len())
        .filter(|k| (*k as i64 - marked as i64) % 8 == 0)
        .map(|k| (k, plain(scales[k])))
        .collect();
    let curves: Vec<Vec<Option<f64>>> = curves.iter().map(|c| c.iter().map(|p| p.1).collect()).collect();
    Plot { curves: &curves, columns: COLUMNS, marked, ticks: &ticks }.drawn()
}

/// The probabilities at five scales, each double the one before.
fn numbers(study: &Study, c: &Comparison, curves: &[Vec<(f64, Option<f64>)>]) -> String {
    // The curve begins five doublings below the stated scale; where it is coarse each is one step.
    let per_doubling = if c.is_coarse { 1 } else { 4 };
    let middle = 5 * per_doubling;
    let names = study.data.names();
    let mut columns: Columns<'_, usize> = Columns::new();
    columns.add("P(better) at scale", |g| names[*g].to_string());
    for k in (0..5).map(|k| middle + per_doubling * k - 2 * per_doubling) {
        columns.add(plain(curves[0][k].0), move |g| shown(c, curves[*g][k].1));
    }
    columns.table(0..names.len())
}

fn before_and_after(study: &Study, rows: &[HeterogeneityRow]) -> String {
    let of = |q: &Quantiles| format!("{} ({} to {})", plain(q.median), plain(q.q2_5), plain(q.q97_5));
    if rows.is_empty() {
        return String::new();
    }
    let label = format!("How {} differ", study.subgroups());
    let mut columns: Columns<'_, &HeterogeneityRow> = Columns::new();
    columns.add(label, |r| match (&r.subgroup, &r.subgroup_b) {
        (Some(a), Some(b)) => format!("|θ {a} − θ {b}|"),
        _ => "τ".to_string(),
    });
    columns.add("before the data", move |r| of(&r.prior));
    columns.add("after", move |r| of(&r.posterior));
    columns.table(rows)
}
