//! The next trial as JSON, schema `equipoise/next/1`.

use serde_json::json;

use crate::decide::Discussion;
use crate::report::decide_json::decide_statements;
use crate::report::json::{model_head, pretty};
use crate::study::Decision;
use crate::trial::next::{Next, Plan};

const NEXT_SCHEMA: &str = "equipoise/next/1";

/// The next trial as JSON, numbers in full.
pub fn next_json(decision: &Decision, next: &Next, plan: &Plan) -> String {
    let models: Vec<_> = decision.outcomes.iter().map(|o| model_head(&o.study)).collect();
    let shares: Vec<_> = next
        .populations
        .iter()
        .zip(&next.shares)
        .zip(&next.gains)
        .map(|((p, share), gain)| json!({ "subgroup": p.subgroup, "share": share, "expected_gain": gain }))
        .collect();
    pretty(&json!({
        "schema": NEXT_SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "decision": {
            "name": decision.name,
            "question": decision.question,
            "sha256": decision.sha256,
            "illustrative": decision.illustrative(),
        },
        "models": models,
        "statements": decide_statements(decision, &Discussion::default()),
        "settings": {
            "draws": plan.draws,
            "seed": plan.seed,
            "reach": plan.reach,
            "assurance": plan.assurance,
        },
        "checks": { "ok": next.ok, "reasons": next.reasons, "notices": next.notices, "lattice": next.checked },
        "populations": shares,
        "evpi": next.evpi,
        "evpi_all": next.evpi_all,
        "evppi": next.evppi,
        "evsi": next.sizes,
        "assurance": next.assurance,
        "size_for_assurance": next.for_assurance,
        "agreement": next.agreement,
        "allocation": next.allocation,
    }))
}
