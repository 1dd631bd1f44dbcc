//! The priors, and what each says before the data.

use super::super::super::baseline_conflict::baseline_conflict_line;
use super::super::super::numbers::{parameter, plain, probability, value};
use super::super::super::sentences::sentence;
use super::super::super::words::{baseline_as_written, priors_as_written};
use super::super::columns::Columns;
use super::super::layout::{grouped, push};
use super::title;
use crate::compare::{Comparison, PriorSet};
use crate::posterior::{Measure, Quantiles, Says};
use crate::study::Study;

/// A table of effect priors; then what it has no room for.
pub fn section(study: &Study, c: &Comparison) -> String {
    let measure = Measure::of(study.outcome.scale);
    let mut out = String::new();
    title(&mut out, "Priors of the mean effect, before the data");
    let in_patients = c.priors.iter().any(|p| p.says.patients.is_some());
    let mut columns: Columns<'_, &PriorSet> = Columns::new();
    columns.add("Prior", |p| if p.says.reference_only { format!("{}*", p.name) } else { p.name.clone() });
    columns.add("P(better)", |p| probability(p.says.benefit));
    columns.add(format!("{}, 95 %", measure.in_words()), |p| {
        let interval = |q: Quantiles| format!("{} to {}", value(measure, q.q2_5), value(measure, q.q97_5));
        p.says.effect.map_or_else(|| "flat".to_string(), interval)
    });
    if in_patients {
        let shown = |n: f64| if n < 9.95 { format!("{n:.1}") } else { grouped(n.round() as u64) };
        columns
            .add("equivalent\nsample size", move |p| p.says.patients.map_or_else(|| "–".to_string(), shown));
    } else {
        columns.add("equivalent SE", |p| p.says.standard_error.map_or_else(|| "–".to_string(), parameter));
    }
    columns.add("surprise", |p| probability(p.says.conflict.map(|c| c.tail_probability)));
    out.push_str(&columns.table(&c.priors));
    for p in &c.priors {
        let words = &p.priors.effect.words;
        let from = p.says.external.as_ref().filter(|e| e.weight > 0.0);
        if let Some(e) = from {
            let share = if e.weight < 1.0 {
                format!("{} % of it", parameter(100.0 * e.weight))
            } else {
                "wholly".to_string()
            };
            let error = plain((e.distance * 1000.0).ceil().max(1.0) / 1000.0);
            let text = format!(
                "{}: {share} from {}: {words}. The mixture is off by less than {error} in any probability.",
                p.name,
                e.sources.join(", ")
            );
            push(&mut out, &text, 2);
        }
        if let Some(text) = own_parts(study, c, p) {
            push(&mut out, &text, 2);
        }
    }
    if c.priors.iter().any(|p| p.says.reference_only) {
        push(&mut out, "* nearly flat: reference only, no belief.", 2);
    }
    let worth = if in_patients {
        "Equivalent sample size: the patients of one homogeneous study, at this study's risks and division into arms, that tell as much. Where effects differ, more are needed, or no number suffices."
    } else {
        "Equivalent SE: the standard error of an estimate that tells as much."
    };
    push(&mut out, worth, 2);
    push(
        &mut out,
        "Surprise: Box's prior predictive check, the probability under the prior of a mean effect no more likely than the one seen.",
        2,
    );
    let left_out = c.priors.iter().filter_map(|p| p.says.conflict).map(|x| x.left_out).max().unwrap_or(0);
    if left_out > 0 {
        let text = format!(
            "Of the mean {left_out} of the {} are left out, having an empty cell.",
            study.subgroups()
        );
        push(&mut out, &text, 2);
    }
    for claim in c.claims.iter().filter(|c| matches!(c.says, Says::PriorAtOdds { .. })) {
        push(&mut out, &sentence(claim), 2);
    }
    if let Some(line) = baseline_conflict_line(study) {
        push(&mut out, &line, 2);
    }
    let stated = &c.priors[0].priors;
    let text = format!("Stated: {}", priors_as_written(stated));
    push(&mut out, &format!("{text}. What another prior leaves out is as stated."), 2);
    out
}

/// What a named prior sets, but for what is made from other studies.
fn own_parts(study: &Study, c: &Comparison, p: &PriorSet) -> Option<String> {
    let stated = &c.priors[0].priors;
    let mut parts = Vec::new();
    let named = study.named.iter().any(|n| n.name == p.name);
    if named && p.says.external.is_none() && p.priors.effect != stated.effect {
        parts.push(format!("effect {}", p.priors.effect.words));
    }
    if p.priors.heterogeneity != stated.heterogeneity
        && let Some(h) = &p.priors.heterogeneity
    {
        parts.push(format!("heterogeneity {}", h.words));
    }
    if (&p.priors.baseline, p.priors.baseline_of) != (&stated.baseline, stated.baseline_of) {
        parts.extend(baseline_as_written(&p.priors));
    }
    (!parts.is_empty()).then(|| format!("{}: {}.", p.name, parts.join("; ")))
}
