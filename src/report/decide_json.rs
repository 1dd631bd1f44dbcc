//! The decision discussion as JSON, schema `equipoise/decide/1`, and as one long table.

use serde_json::{Value, json};

use super::json::{model_head, pretty};
use super::long_table::{LongTable, spread, values};
use super::sentences::{claims_json, rates};
use super::words::prior_statement;
use crate::decide::Discussion;
use crate::study::Decision;

const DECIDE_SCHEMA: &str = "equipoise/decide/1";

/// The statements that stand beside the discussion's numbers.
pub fn decide_statements(decision: &Decision, d: &Discussion) -> Vec<String> {
    decision.statements().into_iter().chain(d.about_sources.iter().cloned()).collect()
}

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

/// With the statement in words of rates.
fn joint(decision: &Decision, d: &Discussion) -> Vec<Value> {
    let name = |outcome: &str| {
        let found = decision.outcomes.iter().find(|o| o.name == outcome);
        found.map_or("", |o| o.study.outcome.name.as_str())
    };
    let active = &decision.first().treatment.active();
    let statements = d
        .joint
        .iter()
        .map(|j| rates(decision.assignment(), active, [name(&j.outcome), name(&j.outcome_b)], j.rates));
    let put = |(mut row, statement): (Value, String)| {
        row["statement"] = Value::from(statement);
        row
    };
    values(&d.joint).into_iter().zip(statements).map(put).collect()
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

/// As in the JSON; `row` says which of its lists a row is from. Columns that a list does not have are empty.
const HEADER: [&str; 73] = [
    "row",
    "outcome",
    "outcome_b",
    "scope",
    "subgroup",
    "subgroup_b",
    "direction",
    "direction_b",
    "threshold",
    "probability",
    "prior_probability",
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
    "benefit_low",
    "benefit_high",
    "sampled",
    "name",
    "required",
    "at_least",
    "verdict",
    "statement",
    "low",
    "high",
    "independent",
    "inner_harm",
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
    "value",
    "stated_value",
    "required_gain",
    "expected_gain",
    "below",
    "above",
    "prior",
    "flips",
    "member",
    "weight",
    "differs",
    "by",
    "pool",
    "measure",
    "alone",
    "modelled",
    "item",
    "question",
    "answer",
    "kind",
    "method",
    "unavailable",
    "caveat",
];

/// All lists, the statements in every row.
pub fn decide_csv(decision: &Decision, d: &Discussion) -> String {
    let mut table = LongTable::new(HEADER, decide_statements(decision, d).join(" "));
    let difference = |row: Value| spread(row, "risk_difference", "");
    table.put("effect", values(&d.effects).into_iter().map(difference).collect());
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
    table.put("joint", joint(decision, d));
    if let Some(layers) = &d.layers {
        table.put("layer", values(&layers.subgroups));
        let implied = values(layers.implied.as_slice());
        table.put("without_layer", implied.into_iter().map(difference).collect());
    }
    let bounds = values(&d.attribution).into_iter();
    table.put("attribution", bounds.map(|row| spread(spread(row, "low", "low_"), "high", "high_")).collect());
    table.put("action", values(&d.actions));
    table.put("evpi", values(&d.evpi));
    table.put("value", values(&d.value_map));
    table.put("flip", values(&d.flips));
    table.put("prior", values(&d.by_prior));
    if let Some(panel) = &d.panel {
        table.put("member", values(&panel.members));
        table.put("pool", values(&panel.pools));
    }
    if let Some(c) = &d.credibility {
        table.put("item", values(&c.items));
        let greater = values(&c.greater).into_iter().map(|mut row| {
            row["prior_probability"] = row["prior"].take();
            row
        });
        table.put("greater_benefit", greater.collect());
        table.put("shrinkage", values(&c.shrinkage));
    }
    let claims = claims_json(&d.claims).into_iter().map(|mut row| {
        row["statement"] = row["text"].take();
        row
    });
    table.put("claim", claims.collect());
    table.text()
}
