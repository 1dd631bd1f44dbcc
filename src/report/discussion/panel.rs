//! The members of the panel: what each holds, concludes and would choose.

use super::super::numbers::{probability, signed};
use super::super::passage::Passage;
use super::super::sentences::by;
use super::super::words::{listed, prior_statement};
use super::choice::{no_baseline_risk, worth_in_words};
use super::{name, sentences};
use crate::decide::{Discussion, PanelRow, Pool};
use crate::posterior::{Says, Scope};
use crate::study::Decision;

/// The section on the panel; empty where there is no panel.
pub fn panel(decision: &Decision, d: &Discussion) -> Passage {
    let Some(panel) = &d.panel else { return Passage::default() };
    let mut out = Passage::default();
    out.title("The panel");
    for b in &panel.beliefs {
        let outcome = &decision.outcomes[b.outcome];
        let mut parts = Vec::new();
        if let Some(set) = &b.prior {
            parts.push(prior_statement(&outcome.study, set));
            if let Some(h) = set.priors.heterogeneity.as_ref().filter(|h| {
                outcome.study.changed.has_other_prior()
                    || outcome.study.priors.heterogeneity.as_ref() != Some(h)
            }) {
                parts.push(format!("heterogeneity {}", h.words));
            }
        }
        if let Some(worth) = b.values.as_ref().filter(|_| b.own_values) {
            parts.push(worth_in_words(worth));
        }
        out.say(format!("{} on {}: {}.", b.member, outcome.study.outcome.name, parts.join("; ")));
    }
    let per_1000 = |g: Option<f64>| g.map_or_else(|| "–".to_string(), |g| signed(1000.0 * g, 0));
    let word = |a: &Option<String>| a.clone().unwrap_or_else(|| "–".to_string());
    let mut rows = Vec::new();
    let valued = panel.members.iter().any(|m| m.expected_gain.is_some());
    let is_told = |p: &crate::decide::Population| {
        let mut of = panel.members.iter().filter(|m| m.population == *p);
        if valued { of.any(|m| m.expected_gain.is_some()) } else { of.any(|m| m.benefit.is_some()) }
    };
    for population in d.populations.iter().filter(|p| is_told(p)) {
        rows.push(vec![format!("{}:", name(decision, population))]);
        rows.extend(panel.members.iter().filter(|m| m.population == *population).map(|m| {
            let differs = match (m.differs, m.by) {
                (Some(true), Some(why)) => by(why).to_string(),
                (Some(false), _) => "agrees".to_string(),
                _ => "–".to_string(),
            };
            vec![
                format!("- {}", m.member),
                probability(m.benefit),
                per_1000(m.expected_gain),
                word(&m.action),
                differs,
            ]
        }));
        rows.extend(panel.pools.iter().filter(|r| r.population == *population).map(|r| {
            let label = match r.pool {
                Pool::Linear => "linear pool",
                Pool::Logarithmic => "logarithmic pool",
            };
            vec![
                label.to_string(),
                probability(r.benefit),
                per_1000(r.expected_gain),
                word(&r.action),
                String::new(),
            ]
        }));
    }
    for row in &mut rows {
        row.resize(5, String::new());
    }
    let header = ["", "P(better)", "gain, per\u{a0}1,000", "choice", "differs by"];
    out.table(header.map(str::to_string).to_vec(), rows);
    for reason in without_choice(decision, d).into_iter().filter(|_| valued) {
        out.say(reason);
    }
    let mut why: Vec<&str> = Vec::new();
    let reasons = panel.members.iter().filter_map(|m| m.unavailable.as_deref());
    for reason in reasons.chain(panel.pools.iter().filter_map(|p| p.unavailable.as_deref())) {
        if !why.contains(&reason) {
            why.push(reason);
        }
    }
    for reason in why {
        out.say(format!("–: {reason}."));
    }
    out.say(format!(
            "P(better): {}. Gain: in expected utility by {}. Differs: from the choice of the analysis without the panel. Linear pool: the members' posteriors averaged; logarithmic: their priors multiplied, each to the power of its weight; values averaged in both.",
            decision.first().outcome.name,
            decision.action(true).name
        ));
    sentences(&mut out, d, |says| matches!(says, Says::Dissent { .. }));
    out
}

/// Where members have no choice because an outcome that they value is not reported, in sentences.
fn without_choice(decision: &Decision, d: &Discussion) -> Vec<String> {
    let Some(panel) = &d.panel else { return Vec::new() };
    let mut found: Vec<(Vec<&str>, Vec<String>)> = Vec::new();
    let mut further = None;
    for population in &d.populations {
        let is_missing = |k: usize| {
            let outcome = &decision.outcomes[k];
            !d.effects.iter().any(|e| e.population == *population && e.outcome == outcome.name)
        };
        let choiceless = |name: &str| {
            let of = |m: &&PanelRow| m.population == *population && m.member == name;
            panel
                .members
                .iter()
                .find(of)
                .is_some_and(|m| m.expected_gain.is_none() && m.unavailable.is_none())
        };
        let members: Vec<_> = decision.panel.iter().filter(|member| choiceless(&member.name)).collect();
        let is_valued = |k: usize| {
            let own = decision.outcomes[k].values.is_some();
            members.iter().any(|member| own || member.views[k].values.is_some())
        };
        let missing = (0..decision.outcomes.len()).filter(|k| is_valued(*k) && is_missing(*k));
        if population.scope == Scope::New {
            let outcomes: Vec<_> = missing.map(|k| &decision.outcomes[k]).collect();
            if !outcomes.is_empty() {
                let why = no_baseline_risk(outcomes.into_iter());
                further = Some(format!("No choice for {}: {why}.", name(decision, population)));
            }
            continue;
        }
        let missing: Vec<&str> = missing.map(|k| decision.outcomes[k].study.outcome.name.as_str()).collect();
        if missing.is_empty() {
            continue;
        }
        match found.iter_mut().find(|(of, _)| *of == missing) {
            Some((_, where_)) => where_.push(name(decision, population)),
            None => found.push((missing, vec![name(decision, population)])),
        }
    }
    let sentence = |(missing, populations): (Vec<&str>, Vec<String>)| {
        let missing: Vec<String> = missing.into_iter().map(str::to_string).collect();
        let verb = if missing.len() == 1 { "has a value and is" } else { "have values and are" };
        format!(
            "No choice in {}: {} {verb} not reported there.",
            listed(&populations, "and"),
            listed(&missing, "and")
        )
    };
    found.into_iter().map(sentence).chain(further).collect()
}
