//! Operating characteristics as JSON, schema `equipoise/simulate/1`, and as one long table.

use serde_json::json;

use crate::decide::Discussion;
use crate::report::decide_json::decide_statements;
use crate::report::json::{model_head, pretty};
use crate::report::records::{Cell, Records, record};
use crate::study::Decision;
use crate::trial::Mean;
use crate::trial::simulate::Simulation;

const SIMULATE_SCHEMA: &str = "equipoise/simulate/1";

/// Operating characteristics as JSON, numbers in full.
pub fn simulate_json(decision: &Decision, found: &Simulation, seed: u64) -> String {
    let models: Vec<_> = decision.outcomes.iter().map(|o| model_head(&o.study)).collect();
    let analysis: Vec<_> = decision
        .outcomes
        .iter()
        .map(|o| {
            let priors = &o.study.priors;
            json!({
                "outcome": o.name,
                "effect": priors.effect.words,
                "heterogeneity": priors.heterogeneity.as_ref().map(|h| &h.words),
                "baseline": priors.baseline.as_ref().map(|b| &b.words),
            })
        })
        .collect();
    pretty(&json!({
        "schema": SIMULATE_SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "decision": {
            "name": decision.name,
            "question": decision.question,
            "sha256": decision.sha256,
            "illustrative": decision.illustrative(),
        },
        "models": models,
        "statements": decide_statements(decision, &Discussion::default()),
        "analysis_priors": analysis,
        "seed": seed,
        "replications": found.replications,
        "unsettled": found.unsettled,
        "notices": found.notices,
        "truths": found.truths,
        "claims": found.claims,
        "family": found.family,
        "estimates": found.estimates,
        "calibration": found.calibration,
    }))
}

record! {
    /// A row of any list; `row` says of which. Columns that a list does not have are empty.
    Row {
        row, truth, rule, outcome, subgroup, right, bound, value, mcse, caveat,
    }
}

/// Operating characteristics as CSV, what must stand beside the numbers in every row.
pub fn simulate_csv(decision: &Decision, found: &Simulation) -> String {
    let caveat = Cell::from(decide_statements(decision, &Discussion::default()).join(" "));
    let mut all: Vec<Row> = Vec::new();
    let mut put = |kind: &str, mean: Option<Mean>, row: Row| {
        all.push(Row {
            row: kind.into(),
            value: mean.map(|m| m.value).into(),
            mcse: mean.map(|m| m.mcse).into(),
            caveat: caveat.clone(),
            ..row
        });
    };
    for c in &found.claims {
        let of = || Row {
            truth: (&c.truth).into(),
            rule: (&c.rule).into(),
            subgroup: c.subgroup.as_ref().into(),
            right: c.right.into(),
            ..Row::default()
        };
        put("yes", Some(c.yes), of());
        put("right_of_yes", c.right_of_yes, of());
    }
    for f in &found.family {
        let of = || Row { truth: (&f.truth).into(), rule: f.rule.as_ref().into(), ..Row::default() };
        let kinds =
            [("any_yes", f.any), ("any_wrong_yes", f.any_wrong), ("wrong_reversal", f.wrong_reversal)];
        for (kind, mean) in kinds.into_iter().filter(|(_, mean)| mean.is_some()) {
            put(kind, mean, of());
        }
    }
    for e in &found.estimates {
        let of = || Row {
            truth: (&e.truth).into(),
            outcome: (&e.outcome).into(),
            subgroup: (&e.subgroup).into(),
            ..Row::default()
        };
        put("bias_difference", Some(e.bias_difference), of());
        put("bias_effect", Some(e.bias_effect), of());
        put("coverage", Some(e.coverage), of());
        put("width", Some(e.width), of());
    }
    for c in &found.calibration {
        let at = |bound: Option<f64>| Row { rule: (&c.rule).into(), bound: bound.into(), ..Row::default() };
        put("error_declared", c.declared_error, at(Some(c.declared)));
        put("error_calibrated", c.error, at(c.bound));
        put("error_calibrated_fresh", c.fresh_error, at(c.bound));
    }
    Records::of(all).csv()
}
