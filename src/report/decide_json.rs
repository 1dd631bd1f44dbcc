//! The decision discussion as JSON, schema `equipoise/decide/1`.

use serde_json::{Value, json};

use super::json::{model_head, pretty};
use super::sentences::{claims_json, rates};
use super::words::prior_statement;
use crate::decide::{Discussion, JointRow};
use crate::study::Decision;

const DECIDE_SCHEMA: &str = "equipoise/decide/1";

/// What must stand beside a discussion's numbers, in sentences.
pub fn decide_statements(decision: &Decision, d: &Discussion) -> Vec<String> {
    decision.statements().into_iter().chain(d.about_sources.iter().cloned()).collect()
}

/// A decision discussion as JSON, numbers in full.
pub fn decide_json(decision: &Decision, d: &Discussion) -> String {
    let outcomes: Vec<Value> = decision
        .outcomes
        .iter()
        .map(|o| {
            json!({
                "name": o.name,
                "model": model_head(&o.study),
                "values": o.values,
                "bands": o.bands,
                "baseline_risk": o.baseline_risk,
            })
        })
        .collect();
    pretty(&json!({
        "schema": DECIDE_SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "decision": {
            "name": decision.name,
            "question": decision.question,
            "sha256": decision.sha256,
            "illustrative": decision.illustrative(),
            "actions": decision.actions.iter().map(|a| &a.name).collect::<Vec<_>>(),
        },
        "statements": decide_statements(decision, d),
        "outcomes": outcomes,
        "checks": { "ok": d.ok, "reasons": d.reasons, "notices": d.notices },
        "effects": d.effects,
        "curve": d.curve,
        "thresholds": d.thresholds,
        "bands": d.bands,
        "rules": d.rules,
        "joint": joint(decision, d),
        "layers": d.layers,
        "attribution": d.attribution,
        "actions": d.actions,
        "evpi": d.evpi,
        "value_map": d.value_map,
        "flips": d.flips,
        "by_prior": d.by_prior,
        "panel": panel(decision, d),
        "credibility": d.credibility,
        "claims": claims_json(&d.claims),
    }))
}

/// What two outcomes do at once, in words of rates.
pub fn joint_statement(decision: &Decision, j: &JointRow) -> String {
    let name = |outcome: &str| {
        let found = decision.outcomes.iter().find(|o| o.name == outcome);
        found.map_or("", |o| o.study.outcome.name.as_str())
    };
    let active = decision.first().treatment.active();
    rates(decision.assignment(), active, [name(&j.outcome), name(&j.outcome_b)], j.rates)
}

fn joint(decision: &Decision, d: &Discussion) -> Vec<Value> {
    let with_statement = |j: &JointRow| {
        let mut row = json!(j);
        row["statement"] = Value::from(joint_statement(decision, j));
        row
    };
    d.joint.iter().map(with_statement).collect()
}

fn panel(decision: &Decision, d: &Discussion) -> Option<Value> {
    let panel = d.panel.as_ref()?;
    let beliefs = panel.beliefs.iter().map(|b| {
        let outcome = &decision.outcomes[b.outcome];
        json!({
            "member": b.member,
            "outcome": outcome.name,
            "effect": b.prior.as_ref().map(|set| &set.priors.effect.words),
            "heterogeneity": b.prior.as_ref().and_then(|set| set.priors.heterogeneity.as_ref()).map(|h| &h.words),
            "statement": b.prior.as_ref().map(|set| prior_statement(&outcome.study, set)),
            "values": b.values,
            "own_values": b.own_values,
        })
    });
    Some(json!({
        "beliefs": beliefs.collect::<Vec<Value>>(),
        "members": panel.members,
        "pools": panel.pools,
    }))
}
