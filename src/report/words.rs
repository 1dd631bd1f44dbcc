//! Sentences from claims.

use crate::compare::PriorSet;
use crate::posterior::{Claim, Lean, Measure};
use crate::study::{Assignment, Data, Study};

use super::numbers::{interval_known_to, probability, sampled_probability, value};

/// One sentence about one subgroup: what it leans to, how probable that is, how large.
pub fn sentence(study: &Study, claim: &Claim) -> String {
    if claim.probability == 0.5 {
        return format!("{}: a better and a worse outcome are equally probable.", claim.subgroup);
    }
    let active = &study.treatment.active;
    let outcome = match claim.lean {
        Lean::Benefit => "better",
        Lean::Harm => "worse",
    };
    let verb = match (study.assignment, claim.lean) {
        (Assignment::Observational, _) => format!("is associated with a {outcome} outcome"),
        (Assignment::Randomised, Lean::Benefit) => "helps".to_string(),
        (Assignment::Randomised, Lean::Harm) => "harms".to_string(),
    };
    let sampled =
        claim.sampled.map(|(p, mcse)| format!("sampled {}", sampled_probability(Some(p), Some(mcse))));
    let prior = claim.prior.map(|p| format!("prior {}", probability(Some(p))));
    let beside: Vec<String> = [sampled, prior].into_iter().flatten().collect();
    let beside = if beside.is_empty() { String::new() } else { format!(" ({})", beside.join("; ")) };
    let size = match &study.data {
        Data::Counts(_) => {
            format!(
                "risk difference {} points",
                interval_known_to(Measure::RiskDifference, &claim.effect, claim.effect_errors)
            )
        }
        Data::Estimates(_) => {
            let measure = Measure::of(study.outcome.scale);
            format!(
                "{} {}",
                measure.in_words(),
                interval_known_to(measure, &claim.effect, claim.effect_errors)
            )
        }
    };
    let nnt = claim.nnt.as_ref().map_or_else(String::new, |n| format!("; {n}"));
    format!(
        "{}: {active} {verb} with probability {}{beside}; {size}{nnt}.",
        claim.subgroup,
        sampled_probability(Some(claim.probability), claim.resolution),
    )
}

/// What an effect prior says before any data, in one sentence.
pub fn prior_statement(study: &Study, set: &PriorSet) -> String {
    let says = &set.says;
    let (Some(benefit), Some(q)) = (says.benefit, says.effect) else {
        return "flat: a reference, no belief; it has no probabilities".to_string();
    };
    let measure = Measure::of(study.outcome.scale);
    let mut text = format!(
        "P(better) {}; {} between {} and {} with probability 0.95",
        probability(Some(benefit)),
        measure.in_words(),
        value(measure, q.q2_5),
        value(measure, q.q97_5)
    );
    if says.reference_only {
        text += "; nearly flat: reference only";
    }
    text
}

/// With a capital first letter.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The plural of a subgroup's name: "cohorts", "etiologies".
pub fn plural(noun: &str) -> String {
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        _ if noun.ends_with(['s', 'x']) => format!("{noun}es"),
        _ => format!("{noun}s"),
    }
}
