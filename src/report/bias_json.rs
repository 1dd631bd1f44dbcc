//! The comparison of biases as JSON, schema `equipoise/bias/1`.

use serde_json::json;

use super::json::{data_head, model_head, pretty};
use super::sentences::claims_json;
use super::wire;
use crate::compare::bias::BiasComparison;
use crate::study::Study;

const BIAS_SCHEMA: &str = "equipoise/bias/1";

/// A comparison of biases as JSON, numbers in full.
pub fn bias_json(study: &Study, c: &BiasComparison) -> String {
    pretty(&json!({
        "schema": BIAS_SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "model": model_head(study),
        "statements": study.statements(),
        "data": data_head(study),
        "checks": { "ok": c.ok, "reasons": c.reasons, "notices": c.notices },
        "assumptions": c.assumptions,
        "implied": c.implied,
        "estimates": wire::estimates(&c.stated),
        "probabilities": wire::probabilities(&c.stated),
        "shift_surface": c.shifts,
        "confounder_surface": c.confounders,
        "tipping": c.tipping,
        "e_values": c.e_values,
        "missing": c.missing,
        "labels": c.labels,
        "claims": claims_json(&c.claims),
    }))
}
