//! The comparison of priors, in sections.

mod curve;
mod dependence;
mod priors;
mod tables;

use super::super::numbers::sampled_probability;
use super::layout::{heading, push, push_failures_and_notices, push_title as title, push_warning};
use crate::compare::Comparison;
use crate::posterior::{Engine, Statement};
use crate::study::Study;

/// Subgroups of which everything is told; beyond, a line each.
const TOLD_UP_TO: usize = 5;

/// A comparison of priors as text for a terminal.
pub fn compare_text(study: &Study, c: &Comparison) -> String {
    let mut out = heading(study);
    if !c.about_sources.is_empty() {
        out.pop();
        for text in &c.about_sources {
            push_warning(&mut out, text);
        }
        out.push('\n');
    }
    let failed = (!c.ok).then_some("Some fits did not pass their checks; they have no numbers.");
    push_failures_and_notices(&mut out, failed, &c.reasons, &c.notices);
    let few = study.data.names().len() <= TOLD_UP_TO;
    let mut sections = vec![priors::section(study, c)];
    sections.extend(if few { tables::by_subgroup(study, c) } else { vec![tables::ranges(study, c)] });
    sections.push(tables::shared(study, c));
    if few {
        sections.push(tables::without_bias(study, c));
        sections.push(curve::section(study, c));
    }
    if let Some(grid) = &c.grid {
        sections.push(tables::grid(study, c, grid));
    }
    if few {
        sections.push(tables::baselines(study, c));
    }
    sections.extend([
        tables::coefficients(study, c),
        dependence::envelope(study, c),
        dependence::tipping(study, c),
    ]);
    if few {
        sections.extend([dependence::who_decided(study, c), dependence::power_scaling(study, c)]);
    }
    sections.push(dependence::poolings(study, c));
    for section in sections.into_iter().filter(|s| !s.is_empty()) {
        out.push_str(&section);
        out.push('\n');
    }
    let engine = match c.engine {
        Engine::Sampler => format!(
            "Fits are sampled until probabilities have a Monte Carlo error of at most {}. Scales, SDs and centres between two fits are interpolated.",
            c.mcse
        ),
        _ => "Every fit is by numerical integration, but for what a note above says.".to_string(),
    };
    push(&mut out, &engine, 2);
    push(&mut out, "`--format json` has every number in full, `--format csv` every list.", 2);
    out
}

/// "better", "worse", and of which size.
fn statement_word(statement: Statement) -> &'static str {
    match statement {
        Statement::Benefit | Statement::BenefitAtLeast => "better",
        _ => "worse",
    }
}

/// A probability with the digits that it deserves.
fn shown(c: &Comparison, p: Option<f64>) -> String {
    sampled_probability(p, c.resolution())
}
