//! The comparison of priors, in sections.

mod curve;
mod departure;
mod dependence;
mod priors;
mod tables;

use super::super::numbers::sampled_probability;
use super::answer::{Length, answer, push_rest};
use super::layout::{heading, push, push_failures_and_notices, push_title as title, push_warning};
use crate::compare::Comparison;
use crate::posterior::{Engine, Statement};
use crate::study::Study;

/// Subgroups of which everything is told; beyond, a line each.
const TOLD_UP_TO: usize = 5;

/// A comparison of priors as text for a terminal: the answer, and at full length everything that it rests on.
pub fn compare_text(study: &Study, c: &Comparison, length: Length) -> String {
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
    let answer = answer(&c.claims, length, None);
    if !answer.is_empty() {
        out.push_str(&answer);
        out.push('\n');
    }
    let grid = c.grid.as_ref().map_or_else(String::new, |grid| tables::grid(study, c, grid));
    if length == Length::Short {
        // Asked for by an option of its own.
        if !grid.is_empty() {
            out.push_str(&grid);
            out.push('\n');
        }
        let told = sections(study, c, String::new()).into_iter();
        let rest: Vec<String> = told.filter(|s| !s.1.is_empty()).map(|s| s.0.to_string()).collect();
        push_rest(&mut out, &rest);
        return out;
    }
    for (_, section) in sections(study, c, grid).into_iter().filter(|s| !s.1.is_empty()) {
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

/// Everything that the answer rests on, with its name.
fn sections(study: &Study, c: &Comparison, grid: String) -> Vec<(&'static str, String)> {
    let few = study.data.names().len() <= TOLD_UP_TO;
    let if_few = |section: &dyn Fn() -> String| if few { section() } else { String::new() };
    let by_subgroup = if few { tables::by_subgroup(study, c).join("\n") } else { tables::ranges(study, c) };
    vec![
        ("each prior before the data", priors::section(study, c)),
        ("every subgroup under every prior", by_subgroup),
        ("the average and a further one", tables::shared(study, c)),
        ("results without the stated bias", if_few(&|| tables::without_bias(study, c))),
        ("the heterogeneity prior's scale", if_few(&|| curve::section(study, c))),
        ("proportional odds, and departures from them", departure::section(study, c)),
        ("the grid", grid),
        ("other baseline priors", if_few(&|| tables::baselines(study, c))),
        ("other priors of the coefficients", tables::coefficients(study, c)),
        ("extremes over a box of priors", dependence::envelope(study, c)),
        ("tipping points", dependence::tipping(study, c)),
        ("what drove each probability", if_few(&|| dependence::who_decided(study, c))),
        ("sensitivity to power-scaling", if_few(&|| dependence::power_scaling(study, c))),
        ("the poolings compared", dependence::poolings(study, c)),
    ]
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
