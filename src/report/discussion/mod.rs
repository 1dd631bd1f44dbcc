//! What is laid before a panel, in sections; how they are shown is for `text` and `page`.

mod choice;
mod credibility;
mod panel;
mod sizes;
mod together;

pub use choice::worth_in_words;

use super::numbers::sampled_probability;
use super::passage::Passage;
use super::sentences::sentence;
use super::words::{capitalised, listed, scope_in_words};
use crate::decide::{Discussion, EffectRow, Population};
use crate::posterior::{Claim, Says};
use crate::study::{Decision, DecisionOutcome};

/// How the numbers of risk were made.
pub const METHOD: &str = "Risk differences: active minus control, medians and central 95 % intervals, by numerical integration unless a model needs sampling.";

/// What it comes to, and a section for everything that bears on it.
pub fn sections(decision: &Decision, d: &Discussion) -> Vec<Passage> {
    named_sections(decision, d).into_iter().map(|(_, section)| section).collect()
}

/// The same sections with their names in a list; what it comes to has none.
pub fn named_sections(decision: &Decision, d: &Discussion) -> Vec<(&'static str, Passage)> {
    let all = [
        ("", in_short(d)),
        ("rules by criterion", rules(d)),
        ("how large for whom", sizes::effects(decision, d)),
        ("probabilities by size", sizes::listed(decision, d)),
        ("bands of size", sizes::bands(decision, d)),
        ("two outcomes at once", together::joint(d)),
        ("layers", together::layers(decision, d)),
        ("what would have happened otherwise", together::attribution(decision, d)),
        ("values", choice::actions(decision, d)),
        ("values at which the choice changes", choice::flips(decision, d)),
        ("other priors", choice::priors(decision, d)),
        ("the panel", panel::panel(decision, d)),
        ("credibility of subgroup differences", credibility::section(decision, d)),
    ];
    // Between several arms there is no one effect to be told of.
    let is_told = |name: &str| !decision.is_of_several_arms() || ["", "values"].contains(&name);
    all.into_iter().filter(|(name, section)| is_told(name) && !section.is_empty()).collect()
}

/// The actions, the studies, and which way of each outcome is good.
pub fn about(decision: &Decision) -> Passage {
    let mut out = Passage::default();
    out.say(format!("{}.", in_words_of_actions(decision)));
    let layers = decision.layers.iter().map(|l| ("outer layer ", &l.outer));
    let outcomes = decision.outcomes.iter().map(|o| ("", &o.study)).chain(layers);
    for (role, study) in outcomes {
        let design = study.assignment.in_words();
        out.item(format!("{role}{}: {}; {design}.", study.name, study.title));
    }
    for o in &decision.outcomes {
        out.say(format!("{}: {}.", capitalised(&o.study.outcome.name), o.study.direction()));
    }
    out
}

/// "Stent or no stent".
pub fn in_words_of_actions(decision: &Decision) -> String {
    let names: Vec<String> = decision.actions.iter().map(|a| a.name.clone()).collect();
    capitalised(&listed(&names, "or"))
}

/// Sentences of a kind, each a paragraph.
fn sentences(out: &mut Passage, d: &Discussion, kind: impl Fn(&Says) -> bool) {
    for claim in d.claims.iter().filter(|c| kind(&c.says)) {
        out.say(sentence(claim));
    }
}

fn has(d: &Discussion, kind: impl Fn(&Says) -> bool) -> bool {
    d.claims.iter().any(|c: &Claim| kind(&c.says))
}

/// A title and the sentences of a kind; empty without any.
fn of_claims(d: &Discussion, title: &str, kind: impl Fn(&Says) -> bool) -> Passage {
    let mut out = Passage::default();
    if has(d, &kind) {
        out.title(title);
        sentences(&mut out, d, kind);
    }
    out
}

/// What it comes to: the action, or where nothing has a value, the first outcome.
fn in_short(d: &Discussion) -> Passage {
    of_claims(d, "In short", |says| {
        matches!(
            says,
            Says::Action { .. } | Says::BestAction { .. } | Says::Leaning(_) | Says::BestArm { .. }
        )
    })
}

/// Verdicts: for whom, and by which criteria.
fn rules(d: &Discussion) -> Passage {
    of_claims(d, "Rules", |says| matches!(says, Says::Verdicts(_) | Says::Rule { .. }))
}

/// "a further similar cohort", or the subgroup.
pub fn name(decision: &Decision, population: &Population) -> String {
    match &population.subgroup {
        Some(name) => name.clone(),
        None => scope_in_words(population.scope, &decision.first().subgroup_name),
    }
}

fn find<'a>(decision: &'a Decision, outcome: &str) -> Option<&'a DecisionOutcome> {
    decision.outcomes.iter().find(|o| o.name == outcome)
}

/// The outcome in words.
pub fn in_words(decision: &Decision, outcome: &str) -> String {
    find(decision, outcome).map_or_else(String::new, |o| o.study.outcome.name.clone())
}

/// A probability with the digits that it deserves where this outcome's are sampled.
fn shown(d: &Discussion, p: Option<f64>, outcome: &str, population: &Population) -> String {
    let of = |e: &&EffectRow| e.outcome == outcome && e.population == *population;
    let sampled = d.effects.iter().find(of).is_some_and(|e| e.sampled);
    sampled_probability(p, sampled.then_some(d.mcse))
}
