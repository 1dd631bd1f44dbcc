//! Conclusions over biases: a plot over a known bias, and tables over two things at once.

use super::super::super::numbers::{parameter, plain, probability, ratio};
use super::super::super::words::capitalised;
use super::super::columns::Columns;
use super::super::layout::push;
use super::super::plot::{Plot, letter};
use super::{above_makes_look, title};
use crate::compare::bias::{BiasComparison, ConfounderPoint, LabelPoint, ShiftPoint};
use crate::posterior::{Measure, Statement};
use crate::study::Study;

/// A mean of the bias as it is printed.
fn shown_mean(p: &ShiftPoint) -> String {
    p.bias_ratio.map_or_else(|| plain(p.bias_mean), ratio)
}

fn of_subgroup<'a>(c: &'a BiasComparison, name: &'a str) -> impl Iterator<Item = &'a ShiftPoint> {
    c.shifts
        .iter()
        .filter(move |p| p.subgroup == name && p.subgroup_b.is_none() && p.statement == Statement::Benefit)
}

/// P(better) over a bias that is known.
pub fn plot(study: &Study, c: &BiasComparison) -> String {
    let names = study.data.names();
    let points: Vec<Vec<&ShiftPoint>> =
        names.iter().map(|name| of_subgroup(c, name).filter(|p| p.bias_sd == 0.0).collect()).collect();
    let Some(first) = points.first().filter(|p| !p.is_empty()) else { return String::new() };
    let curves: Vec<Vec<Option<f64>>> =
        points.iter().map(|points| points.iter().map(|p| p.probability).collect()).collect();
    let middle = first.len() / 2;
    let ticks: Vec<(usize, String)> =
        first.iter().enumerate().step_by(2).map(|(k, p)| (k, shown_mean(p))).collect();
    let mut out = String::new();
    let what = study.outcome.scale.measure_in_words();
    title(&mut out, &format!("P(better) over a known bias of the {what}, the same in all"));
    out.push_str(&Plot { curves: &curves, columns: 4, marked: middle, ticks: &ticks }.drawn());
    let letters: Vec<String> =
        names.iter().enumerate().map(|(g, name)| format!("{} {name}", letter(g))).collect();
    push(
        &mut out,
        &format!(
            "{}; * several; : no bias. To the right the data make {} look {} than it is.",
            letters.join("; "),
            study.treatment.active(),
            above_makes_look(study)
        ),
        2,
    );
    out
}

/// A table a subgroup, and one a pair: the bias's mean down, its sd across.
pub fn shifts(study: &Study, c: &BiasComparison) -> Vec<String> {
    let mut all = Vec::new();
    let what = study.outcome.scale.measure_in_words();
    for name in study.data.names() {
        let points: Vec<&ShiftPoint> = of_subgroup(c, name).collect();
        let heading = format!("{}: P(better) over the bias of the {what}, mean by sd", capitalised(name));
        all.push(surface(&points, &heading));
    }
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for p in &c.shifts {
        if let Some(b) = &p.subgroup_b {
            let (a, b) = (p.subgroup.as_str(), b.as_str());
            if !pairs.contains(&(a, b)) && !pairs.contains(&(b, a)) {
                pairs.push((a, b));
            }
        }
    }
    for (a, b) in pairs {
        let points: Vec<&ShiftPoint> =
            c.shifts.iter().filter(|p| p.subgroup == a && p.subgroup_b.as_deref() == Some(b)).collect();
        let heading = format!("P(better in {a} than in {b}) over the bias of the ratio between them");
        all.push(surface(&points, &heading));
    }
    all
}

fn surface(points: &[&ShiftPoint], heading: &str) -> String {
    if points.is_empty() {
        return String::new();
    }
    let mut out = String::new();
    title(&mut out, heading);
    let mut sds: Vec<f64> = Vec::new();
    let mut means: Vec<f64> = Vec::new();
    for p in points {
        if !sds.contains(&p.bias_sd) {
            sds.push(p.bias_sd);
        }
        if !means.contains(&p.bias_mean) {
            means.push(p.bias_mean);
        }
    }
    let of_mean = |mean: f64| points.iter().filter(move |p| p.bias_mean == mean);
    let mut columns: Columns<'_, f64> = Columns::new();
    columns.add("Mean bias", |mean| {
        of_mean(*mean).next().map_or_else(String::new, |p| {
            if p.bias_mean == 0.0 { format!("{} (none)", shown_mean(p)) } else { shown_mean(p) }
        })
    });
    for sd in sds {
        let heading = if sd == 0.0 { "known".to_string() } else { format!("sd {}", parameter(sd)) };
        columns.add(heading, move |mean| {
            let found = of_mean(*mean).find(|p| p.bias_sd == sd);
            found.map_or_else(|| "–".to_string(), |p| probability(p.probability))
        });
    }
    out.push_str(&columns.table(means));
    out
}

/// A table a subgroup: difference in prevalence down, strength across.
pub fn confounders(study: &Study, c: &BiasComparison) -> Vec<String> {
    let mut all = Vec::new();
    for name in study.data.names() {
        let points: Vec<_> = c
            .confounders
            .iter()
            .filter(|p| p.subgroup == name && p.statement == Statement::Benefit)
            .collect();
        let Some(first) = points.first() else { continue };
        let mut out = String::new();
        title(&mut out, &format!("{}: P(better) had a confounder been at work", capitalised(name)));
        let strengths: Vec<f64> = points
            .iter()
            .take_while(|p| p.prevalence_difference == first.prevalence_difference)
            .map(|p| p.strength)
            .collect();
        let short = match Measure::of(study.outcome.scale) {
            Measure::RiskRatio => "RR",
            Measure::HazardRatio => "HR",
            _ => "OR",
        };
        let percent = |p: f64| format!("{:.0} %", 100.0 * p);
        let mut columns: Columns<'_, &[&ConfounderPoint]> = Columns::new();
        columns.add("Prevalence, control → active", |row| {
            format!("{} → {}", percent(row[0].prevalence_control), percent(row[0].prevalence_active))
        });
        for (k, strength) in strengths.iter().enumerate() {
            columns.add(format!("{short} {}", parameter(*strength)), move |row| {
                row.get(k).map_or_else(String::new, |p| probability(p.probability))
            });
        }
        out.push_str(&columns.table(points.chunks(strengths.len())));
        if all.is_empty() {
            push(
                &mut out,
                &format!(
                    "{short}: of the confounder with more {}, in both arms. With one below 1, read the arms the other way round.",
                    if short == "OR" { study.outcome.event.as_str() } else { "of the outcome" }
                ),
                2,
            );
        }
        all.push(out);
    }
    all
}

/// The contrast under wrong labels.
pub fn labels(c: &BiasComparison) -> String {
    let Some(first) = c.labels.first() else { return String::new() };
    let mut out = String::new();
    if let Some(why) = c.labels.iter().find_map(|l| l.unavailable.as_ref()) {
        title(&mut out, "Had patients been assigned to the wrong subgroup");
        push(&mut out, &format!("No numbers: {why}."), 2);
        return out;
    }
    title(&mut out, &format!("Had patients been labelled {} or {} wrongly", first.positive, first.other));
    let mut specificities: Vec<f64> = Vec::new();
    for l in &c.labels {
        if !specificities.contains(&l.specificity) {
            specificities.push(l.specificity);
        }
    }
    let mut grid = |what: &str, cell: &dyn Fn(&LabelPoint) -> String| {
        let mut columns: Columns<'_, &[LabelPoint]> = Columns::new();
        columns.add(what, |row| format!("sensitivity {}", parameter(row[0].sensitivity)));
        for (k, specificity) in specificities.iter().enumerate() {
            columns.add(format!("spec. {}", parameter(*specificity)), move |row| {
                row.get(k).map_or_else(String::new, cell)
            });
        }
        out.push_str(&columns.table(c.labels.chunks(specificities.len())));
    };
    grid("Ratio of ratios, median", &|l| l.contrast.map_or_else(|| "–".to_string(), |q| ratio(q.median)));
    grid("P(better in the first)", &|l| probability(l.greater_in_positive));
    push(
        &mut out,
        &format!(
            "Of {} over {}. Sensitivity: the chance that a truly {} patient is labelled so; specificity: that another is not. The same in both arms.",
            first.positive, first.other, first.positive
        ),
        2,
    );
    out
}
