//! What is said where arms lie far out under the priors.

use crate::posterior::{BaselineConflict, baseline_conflicts};
use crate::study::Study;

use super::numbers::probability;
use super::text::grouped;

/// Arms that are named; of more there is the number.
const NAMED: usize = 3;

/// A line on arms whose number of events lies beyond the central 95 % of what their baseline prior predicts; none
/// where all lie within.
pub fn baseline_conflict_line(study: &Study) -> Option<String> {
    conflict_line(study, &baseline_conflicts(study))
}

/// The line on arms that contradict their baseline prior, given what is known of each arm.
pub fn conflict_line(study: &Study, arms: &[BaselineConflict]) -> Option<String> {
    let mut beyond: Vec<&BaselineConflict> = arms.iter().filter(|a| a.is_beyond()).collect();
    if beyond.is_empty() {
        return None;
    }
    beyond.sort_by(|a, b| a.tail_probability.total_cmp(&b.tail_probability));
    let of = |a: &&BaselineConflict| {
        format!(
            "{} in {}, {} of {} with the event, {}",
            a.arm,
            a.subgroup,
            grouped(a.events),
            grouped(a.total),
            probability(Some(a.tail_probability))
        )
    };
    let named: Vec<String> = beyond.iter().take(NAMED).map(of).collect();
    let effect = if study.priors.baseline_of.control_share() > 0.0
        || beyond.iter().any(|a| a.arm == study.treatment.active())
    {
        " and effect"
    } else {
        ""
    };
    let stated = if study.changed.has_other_prior() { "" } else { "stated " };
    Some(format!(
        "Baseline prior against the data: {} of {} arms lie{} beyond the central 95 % of what the {stated}priors of baseline{effect} predict: {}{} (two-sided tail probabilities).",
        beyond.len(),
        arms.len(),
        if beyond.len() == 1 { "s" } else { "" },
        named.join("; "),
        if beyond.len() > NAMED { " and others" } else { "" },
    ))
}
