//! The decision discussion as JSON, schema `equipoise/decide/1`, and as one long table.

use serde_json::{Value, json};

use super::json::{model_head, pretty};
use super::long_table::{LongTable, values};
use crate::decide::Discussion;
use crate::study::Decision;

const DECIDE_SCHEMA: &str = "equipoise/decide/1";

/// All of it, numbers in full.
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
            "actions": decision.actions.each_ref().map(|a| &a.name),
        },
        "statements": decision.statements(),
        "outcomes": outcomes,
        "checks": { "ok": d.ok, "reasons": d.reasons, "notices": d.notices },
        "effects": d.effects,
        "curve": d.curve,
        "thresholds": d.thresholds,
        "bands": d.bands,
        "rules": d.rules,
        "joint": d.joint,
        "attribution": d.attribution,
        "actions": d.actions,
        "evpi": d.evpi,
    }))
}

/// As in the JSON; `row` says which of its lists a row is from. Columns that a list does not have are empty.
const HEADER: [&str; 46] = [
    "row",
    "outcome",
    "outcome_b",
    "scope",
    "subgroup",
    "direction",
    "direction_b",
    "threshold",
    "probability",
    "band",
    "from",
    "to",
    "mean_risk_control",
    "mean_risk_active",
    "mean_risk_difference",
    "median",
    "q2_5",
    "q97_5",
    "benefit",
    "harm",
    "sampled",
    "name",
    "required",
    "at_least",
    "verdict",
    "statement",
    "low",
    "high",
    "independent",
    "quantity",
    "low_median",
    "low_q2_5",
    "low_q97_5",
    "high_median",
    "high_q2_5",
    "high_q97_5",
    "action",
    "expected_utility",
    "chosen",
    "probability_best",
    "probability_best_low",
    "probability_best_high",
    "expected_loss",
    "evpi",
    "evpi_high",
    "caveat",
];

/// All lists, the statements in every row.
pub fn decide_csv(decision: &Decision, d: &Discussion) -> String {
    use super::long_table::spread;
    let mut table = LongTable::new(HEADER, decision.statements().join(" "));
    let effects = values(&d.effects).into_iter().map(|row| spread(row, "risk_difference", ""));
    table.put("effect", effects.collect());
    table.put("curve", values(&d.curve));
    table.put("threshold", values(&d.thresholds));
    table.put("band", values(&d.bands));
    let mut criteria = Vec::new();
    for rule in values(&d.rules) {
        for mut criterion in rule["criteria"].as_array().cloned().unwrap_or_default() {
            for key in ["name", "scope", "subgroup"] {
                criterion[key] = rule[key].clone();
            }
            criteria.push(criterion);
        }
    }
    table.put("rule", values(&d.rules));
    table.put("criterion", criteria);
    table.put("joint", values(&d.joint));
    let bounds = values(&d.attribution).into_iter();
    table.put("attribution", bounds.map(|row| spread(spread(row, "low", "low_"), "high", "high_")).collect());
    table.put("action", values(&d.actions));
    table.put("evpi", values(&d.evpi));
    table.text()
}
