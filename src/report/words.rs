//! Words: what a prior says, names.

use crate::compare::PriorSet;
use crate::decide::InteractionTest;
use crate::posterior::{Measure, STATED, Scope, Whom};
use crate::study::{
    Adjustment, BaselineOf, BaselinePrior, HeterogeneityPrior, Interactions, LocationPrior, PriorFor, Priors,
    Spread, Study, Term, Written,
};

use super::numbers::{probability, value};

/// What an effect prior says before any data, in one sentence.
pub fn prior_statement(study: &Study, set: &PriorSet) -> String {
    let says = &set.says;
    let own = (&set.priors.baseline, set.priors.baseline_of);
    let own = own != (&study.priors.baseline, study.priors.baseline_of);
    let baseline =
        baseline_as_written(&set.priors).filter(|_| own).map_or_else(String::new, |b| format!("; {b}"));
    let (Some(benefit), Some(q)) = (says.benefit, says.effect) else {
        return format!("flat: a reference, no belief; it has no probabilities{baseline}");
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
    text + &baseline
}

/// What a set of priors is called: the model's own are stated only where nothing was put in their place.
pub fn named<'a>(study: &'a Study, prior: &'a str) -> &'a str {
    if prior == STATED { study.changed.name_of_prior() } else { prior }
}

/// Whether a further prior is the one that was put in place of the stated one, and so stands first already.
pub fn is_of_fit(study: &Study, prior: &str) -> bool {
    study.changed.prior.as_deref() == Some(prior)
}

/// Priors as they are written, in one line: "effect normal(0, 0.355); heterogeneity half-normal(0.5)".
pub fn priors_as_written(priors: &Priors) -> String {
    let mut text = format!("effect {}", priors.effect.words);
    if let Some(h) = &priors.heterogeneity {
        text += &format!("; heterogeneity {}", h.words);
    }
    if let Some(arms) = &priors.arms {
        let of = |what: &str, prior: &Option<Written<HeterogeneityPrior>>| {
            prior.as_ref().map_or_else(String::new, |p| format!("; {what} {}", p.words))
        };
        text += &of("between arms", &arms.between);
        text += &of("interaction", &arms.interaction);
    }
    if let Some(factors) = &priors.factors {
        if let Interactions::Horseshoe(slab) = factors.interactions {
            text += &format!(
                " of the horseshoe's global scale, slab {} with {} degrees of freedom",
                slab.scale, slab.df
            );
        }
        text += &factors
            .main_effects
            .as_ref()
            .map_or_else(String::new, |p| format!("; main effects {}", p.words));
    }
    text + &baseline_as_written(priors).map_or_else(String::new, |b| format!("; {b}"))
}

/// "baseline, the mean of the arms' log odds, normal(0, 2.5)": what a baseline is, and its prior; of ordered levels the priors of
/// levels, shifts and departure. None for estimates.
pub fn baseline_as_written(priors: &Priors) -> Option<String> {
    if let Some(levels) = &priors.levels {
        return Some(super::levels::priors(levels));
    }
    let b = priors.baseline.as_ref()?;
    let of_a_risk = matches!(b.distribution, BaselinePrior::Independent(LocationPrior::LogitBeta { .. }));
    let what = match (priors.baseline_of, of_a_risk) {
        (BaselineOf::Arms, false) => "the mean of the arms' log odds",
        (BaselineOf::Arms, true) => "the risk at the mean of the arms' log odds",
        (BaselineOf::Control, false) => "the control arm's log odds",
        (BaselineOf::Control, true) => "the control arm's risk",
    };
    Some(format!("baseline, {what}, {}", b.words))
}

/// All priors of a study: those of coefficients and centres too.
pub fn all_priors(study: &Study) -> String {
    let own = study.adjustment.as_deref().map_or_else(String::new, adjustment_priors);
    priors_as_written(&study.priors) + &spread_in_words(study) + &own
}

/// "; exchangeable with probability 0.5, stands alone normal(0, 0.61)"; "; effects student-t(4) around their mean"; nothing
/// where effects are normal.
fn spread_in_words(study: &Study) -> String {
    match study.priors.spread(study.pooling) {
        None => String::new(),
        Some(Spread::StudentT { df }) => format!("; effects student-t({df}) around their mean"),
        Some(Spread::OrNot { exchangeable, mean, sd }) => {
            let stated = study.priors.alone.as_ref().and_then(|alone| alone.prior.as_ref());
            let alone = match stated {
                Some(written) => written.words.clone(),
                None => format!(
                    "{} (mean and variance of one effect under partial pooling)",
                    LocationPrior::normal(mean, sd).in_short()
                ),
            };
            format!("; exchangeable with probability {exchangeable}; stands alone {alone}")
        }
    }
}

/// "; coefficients normal(0, 2.5) for one standard deviation; sd among centres half-normal(1)".
fn adjustment_priors(adjustment: &Adjustment) -> String {
    let of = |t: &Term| match t.prior_for {
        PriorFor::StandardDeviation => format!("{} for one standard deviation", t.prior.words),
        PriorFor::Unit => format!("{} for the step from 0 to 1", t.prior.words),
    };
    let mut kinds: Vec<String> = Vec::new();
    for kind in adjustment.terms.iter().map(of) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let mut text = match kinds.as_slice() {
        [] => String::new(),
        [one] => format!("; coefficients {one}"),
        many => {
            let each = many.iter().map(|kind| {
                let of_kind = adjustment.terms.iter().filter(|t| of(t) == *kind);
                let names: Vec<&str> = of_kind.map(|t| t.name.as_str()).collect();
                format!("{}: {kind}", names.join(", "))
            });
            format!("; coefficients of {}", each.collect::<Vec<_>>().join("; of "))
        }
    };
    if let Some(centres) = &adjustment.centres {
        text += &format!("; standard deviation among centres {}", centres.sd.words);
    }
    text
}

/// What a test for interaction is called within a sentence.
pub fn test_name(test: &InteractionTest) -> &'static str {
    if test.test == "cochran_q" { "Cochran's Q" } else { "likelihood ratio" }
}

/// With a capital first letter, but for names such as mRS that have their capitals elsewhere.
pub fn capitalised(text: &str) -> String {
    let first_word = text.split([' ', ':', ',']).next().unwrap_or_default();
    if first_word.chars().skip(1).any(char::is_uppercase) {
        return text.to_string();
    }
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// "a, b or c".
pub fn listed(items: &[String], and: &str) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} {and} {last}", rest.join(", ")),
    }
}

/// A subgroup's name, or who else it is.
pub fn whose(study: &Study, whom: Whom) -> String {
    match whom {
        Whom::Subgroup(g) => study.data.names().get(g).map_or_else(String::new, |name| (*name).to_string()),
        shared => scope_in_words(shared.scope(), &study.subgroup_name),
    }
}

/// Whom a number is about that is about no single subgroup.
pub fn scope_in_words(scope: Scope, kind_of_subgroup: &str) -> String {
    match scope {
        Scope::Mean => format!("the average {kind_of_subgroup}"),
        Scope::New => format!("a further similar {kind_of_subgroup}"),
        Scope::Overall => "this study's patients".to_string(),
        Scope::Subgroup | Scope::Pair | Scope::Level => String::new(),
    }
}

/// How many subgroups and patients there are; of a study without subgroups its patients alone.
pub fn size_in_words(study: &Study, patients: Option<String>) -> String {
    let n = study.data.names().len();
    match (study.undivided, patients) {
        (true, Some(patients)) => patients,
        (true, None) => "one estimate".to_string(),
        (false, patients) => {
            let subgroups = if let Some(factors) = &study.factors {
                format!("{} factors, {n} combinations of levels", factors.all.len())
            } else if n == 1 {
                format!("1 {}", study.subgroup_name)
            } else {
                format!("{n} {}", study.subgroups())
            };
            patients.map_or_else(|| subgroups.clone(), |patients| format!("{subgroups}, {patients}"))
        }
    }
}
