//! What is said of ordered levels, in words.

use super::numbers::parameter;
use super::words::listed;
use crate::compare::DepartureCurve;
use crate::study::{Cutpoints, LevelPriors, LevelScale, Shape, Study, UtilitySet};

/// What a reader must know of an ordinal outcome's numbers: the primary cut, what is assumed of odds, what wins and worth are.
/// Empty for other outcomes.
pub fn about(study: &Study) -> Vec<String> {
    let Some((scale, priors)) = study.outcome.levels.as_ref().zip(study.priors.levels.as_ref()) else {
        return Vec::new();
    };
    vec![primary_cut(scale), odds(scale, priors), wins(study), utilities(scale)]
}

fn primary_cut(scale: &LevelScale) -> String {
    let cut = scale.cut_in_words(scale.primary);
    if scale.cuts() == 1 {
        return format!("Two levels, one cut: counts, risks and risk differences are of patients {cut}.");
    }
    format!(
        "The primary cut of {} levels ({}) is {cut}: where no other cut is named, counts, risks, risk differences and P(better) are of patients {cut}.",
        scale.levels(),
        scale.names.join(", ")
    )
}

/// What is assumed of the odds ratios at different cuts.
fn odds(scale: &LevelScale, priors: &LevelPriors) -> String {
    let Some(d) = &priors.departure else {
        return "Odds are taken as proportional: one odds ratio at all cuts.".to_string();
    };
    let last = scale.cuts() - 1;
    let (first, last) = (scale.cut_in_words(0), scale.cut_in_words(last));
    let how = match &d.shape {
        Shape::Death => {
            format!("the log odds ratio of the last cut, {last}, is δ more than the common one of all others")
        }
        Shape::Linear => format!(
            "from cut to cut the log odds ratio changes evenly, from δ less than the common one at the first, {first}, to δ more at the last, {last}"
        ),
        Shape::Numbers(f) => {
            let each: Vec<String> = f
                .iter()
                .enumerate()
                .map(|(k, x)| format!("{} {}", parameter(*x), scale.cut_in_words(k)))
                .collect();
            format!("the log odds ratio of a cut is the common one and δ times {}", listed(&each, "and"))
        }
        Shape::Unconstrained => {
            "the log odds ratio of every cut but the primary one is its own δ more than the common one"
                .to_string()
        }
    };
    format!(
        "Odds are not taken as proportional: {how}; δ ~ {}, as far as it leaves the levels in order.",
        d.prior.words
    )
}

fn wins(study: &Study) -> String {
    format!(
        "Win probability: that a patient with {} fares better than one with {}, ties counted half.",
        study.treatment.active(),
        study.treatment.control()
    )
}

/// Which utilities were used, number by number.
fn utilities(scale: &LevelScale) -> String {
    let Some(u) = &scale.utilities else {
        return "No utilities are stated, and so no utility difference.".to_string();
    };
    let each: Vec<String> =
        scale.names.iter().zip(&u.values).map(|(name, x)| format!("{name} = {}", parameter(*x))).collect();
    let of = match &u.set {
        None => "the model file's own".to_string(),
        Some(name) => match UtilitySet::find(name) {
            Some(set) => format!("{name}, {} ({})", set.title, set.citation),
            None => name.clone(),
        },
    };
    format!("Utilities: {of}: {}.", each.join(", "))
}

/// Priors of levels, of shifts of cut points and of departures, as they are written.
pub fn priors(levels: &LevelPriors) -> String {
    let of = &levels.concentrations.words;
    let mut text = match (levels.cutpoints, &levels.shift) {
        (Cutpoints::BySubgroup, _) => format!("levels in each subgroup's control arm {of}"),
        (Cutpoints::Shared, None) => format!("levels in the control arm {of}"),
        (Cutpoints::Shared, Some(shift)) => {
            format!("levels in a typical control arm {of}; sd of subgroups' shifts of them {}", shift.words)
        }
    };
    if let Some(d) = &levels.departure {
        text += &format!("; departure δ {}", d.prior.words);
    }
    text
}

/// What departs over a departure curve, and whose it is.
pub fn departure(curve: &DepartureCurve) -> String {
    let shape = match curve.shape.as_str() {
        "unconstrained" => "each cut but the primary one has a δ of its own".to_string(),
        "death" => "δ is added at the last cut".to_string(),
        shape => format!("δ is added at the cuts by {shape}"),
    };
    let stated = match &curve.stated {
        Some(words) => format!("the model states {words}"),
        None => "the model states none, and takes odds as proportional".to_string(),
    };
    format!("Departure of the active arm's log odds ratio: {shape}, δ normal(0, scale); {stated}.")
}
