//! The comparison of biases, in sections.

mod stated;
mod surfaces;
mod tipping;

pub use stated::implied as implied_table;

use super::answer::{Length, answer, push_rest};
use super::layout::{heading, push, push_failures_and_notices, push_title as title};
use crate::compare::bias::BiasComparison;
use crate::study::{HigherIs, Study};

/// Subgroups of which surfaces are printed; beyond, tipping points and E-values speak.
const TOLD_UP_TO: usize = 5;

/// A comparison of biases as text for a terminal: the answer, and at full length everything that it rests on.
pub fn bias_text(study: &Study, c: &BiasComparison, length: Length) -> String {
    let mut out = heading(study);
    let failed = (!c.ok).then_some("The fit as stated did not pass its checks; it has no numbers.");
    push_failures_and_notices(&mut out, failed, &c.reasons, &c.notices);
    let note = study.outcome.scale.is_ratio().then(|| {
        format!(
            "How to read a bias: one that is 2-fold makes the {} that the data show twice the true one, and {} look {} than it is; one below 1-fold is the other way.",
            study.outcome.scale.measure_in_words(),
            study.treatment.active(),
            above_makes_look(study)
        )
    });
    if !c.claims.is_empty() {
        out.push_str(&answer(&c.claims, length, note));
        out.push('\n');
    }
    let sections = sections(study, c).into_iter().filter(|s| !s.1.is_empty());
    if length == Length::Short {
        let rest: Vec<String> = sections.map(|s| s.0.to_string()).collect();
        push_rest(&mut out, &rest);
        return out;
    }
    for (_, section) in sections {
        out.push_str(&section);
        out.push('\n');
    }
    push(
        &mut out,
        "Every number is a fit of its own under the stated priors. Biases of different subgroups are independent of each other unless they are said to be the same.",
        2,
    );
    push(&mut out, "`--format json` has every number in full, `--format csv` every list.", 2);
    out
}

/// Everything that the answer rests on, with its name.
fn sections(study: &Study, c: &BiasComparison) -> Vec<(&'static str, String)> {
    let few = study.data.names().len() <= TOLD_UP_TO;
    let if_few = |section: &dyn Fn() -> String| if few { section() } else { String::new() };
    vec![
        ("what [bias] assumes", stated::assumed(study, c)),
        ("every number with and without it", stated::with_and_without(study, c)),
        ("a plot over a known bias", if_few(&|| surfaces::plot(study, c))),
        ("tables over a bias's mean and sd", if_few(&|| surfaces::shifts(study, c).join("\n"))),
        ("confounders by prevalence and strength", if_few(&|| surfaces::confounders(study, c).join("\n"))),
        ("the bias at every line", tipping::section(study, c)),
        ("E-values", tipping::e_values(study, c)),
        ("missing outcomes", tipping::missing(study, c)),
        ("wrong labels", if_few(&|| surfaces::labels(c))),
    ]
}

/// What a bias above no effect does to the active arm, in the data's eyes.
fn above_makes_look(study: &Study) -> &'static str {
    match study.outcome.higher_is {
        HigherIs::Better => "better",
        HigherIs::Worse => "worse",
    }
}
