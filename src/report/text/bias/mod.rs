//! The comparison of biases, in sections.

mod stated;
mod surfaces;
mod tipping;

pub use stated::implied as implied_table;

use super::layout::{heading, push, push_failures_and_notices, push_title as title};
use crate::compare::bias::BiasComparison;
use crate::study::{HigherIs, Study};

/// Subgroups of which surfaces are printed; beyond, tipping points and E-values speak.
const TOLD_UP_TO: usize = 5;

/// A comparison of biases as text for a terminal.
pub fn bias_text(study: &Study, c: &BiasComparison) -> String {
    let mut out = heading(study);
    let failed = (!c.ok).then_some("The fit as stated did not pass its checks; it has no numbers.");
    push_failures_and_notices(&mut out, failed, &c.reasons, &c.notices);
    let few = study.data.names().len() <= TOLD_UP_TO;
    let mut sections = vec![stated::assumed(study, c), stated::with_and_without(study, c)];
    if few {
        sections.push(surfaces::plot(study, c));
        sections.extend(surfaces::shifts(study, c));
        sections.extend(surfaces::confounders(study, c));
    }
    sections.push(tipping::section(study, c));
    sections.push(tipping::e_values(study, c));
    sections.push(tipping::missing(study, c));
    if few {
        sections.push(surfaces::labels(c));
    }
    for section in sections.into_iter().filter(|s| !s.is_empty()) {
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

/// What a bias above no effect does to the active arm, in the data's eyes.
fn above_makes_look(study: &Study) -> &'static str {
    match study.outcome.higher_is {
        HigherIs::Better => "better",
        HigherIs::Worse => "worse",
    }
}
