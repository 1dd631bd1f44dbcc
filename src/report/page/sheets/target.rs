//! TARGET, for observational studies.

use super::{Item, NOT_STATED, Sheet, item};
use crate::report::observations;
use crate::study::Study;

/// What TARGET asks of a study that emulates a trial, in our words and by its sections (Cashin et al., JAMA 2025,
/// doi:10.1001/jama.2025.13350). Published tables are not such studies: most of it is open, and it says so.
pub fn target(study: &Study, has_numbers: bool) -> Sheet {
    let audit = study.audit();
    let (active, control) = (study.treatment.active(), study.treatment.control());
    let contrast =
        format!("{} by {}, {active} against {control}", observations::measures(study), study.subgroup_name);
    let sources = if study.citation.is_empty() { NOT_STATED.to_string() } else { study.citation.join("; ") };
    let assumed: Vec<String> = study
        .bias
        .iter()
        .flat_map(|b| &b.assumptions)
        .map(|a| match &a.subgroup {
            Some(name) => format!("{} in {name}: {}", a.what, a.words),
            None => format!("{}: {}", a.what, a.words),
        })
        .collect();
    let assumptions = if assumed.is_empty() {
        "no causal assumption is made: the results are associations".to_string()
    } else {
        assumed.join("; ")
    };
    let participants = match audit.patients {
        Some(n) => format!("{n} patients; by {} and arm in The data", study.subgroup_name),
        None => "published estimates; see The data".to_string(),
    };
    let missing: u64 =
        audit.rows.iter().flat_map(|r| [&r.control, &r.active]).flatten().map(|c| c.missing).sum();
    let missing =
        if missing > 0 { format!("unknown in {missing} further patients") } else { NOT_STATED.to_string() };
    let numbers =
        |told: &str| if has_numbers { told } else { "none: the run did not pass its checks" }.to_string();
    let items: Vec<Item> = vec![
        item("Introduction: the causal question, and why a trial is emulated", NOT_STATED),
        item("Methods: data sources", sources),
        item("Target trial: eligibility", audit.eligibility.as_str()),
        item("Target trial: treatment strategies", format!("{active}; {control}")),
        item(
            "Target trial: assignment, and how it is emulated",
            format!("not randomised, {}", study.adjusted_in_words()),
        ),
        item("Target trial: start of follow-up (time zero)", audit.time_zero.as_str()),
        item("Target trial: outcome", format!("{}; {}", study.outcome.name, study.direction())),
        item("Target trial: causal contrasts", contrast),
        item("Target trial: identifying assumptions", assumptions),
        item("Target trial: analysis plan", "see Methods"),
        item("Results: participants", participants),
        item("Results: baseline characteristics", NOT_STATED),
        item("Results: missing outcomes", missing),
        item("Results: effects with their uncertainty", numbers("medians and 95 % intervals; see The table")),
        item(
            "Results: further analyses",
            numbers("other priors, and biases where the figure stands; see Figures"),
        ),
        item("Discussion: limitations", study.caveats().join(" ")),
        item("Other information: ethics, registration, funding, conflicts", NOT_STATED),
        item(
            "Other information: data and code",
            "the model file holds the data or names their file; see Provenance",
        ),
    ];
    Sheet::new(
        "TARGET",
        "observational studies emulating a target trial (JAMA 2025, doi:10.1001/jama.2025.13350); topics in our words",
        items,
    )
}
