//! The comparison of biases as JSON, schema `equipoise/bias/1`, and as one long table.

use serde_json::json;

use super::json::{data_head, model_head, pretty};
use super::long_table::{LongTable, spread, values};
use super::wire;
use crate::compare::bias::BiasComparison;
use crate::study::Study;

const BIAS_SCHEMA: &str = "equipoise/bias/1";

/// All of it, numbers in full.
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
    }))
}

/// As in the JSON; `row` says which of its lists a row is from.
const HEADER: [&str; 44] = [
    "row",
    "scope",
    "subgroup",
    "subgroup_b",
    "statement",
    "measure",
    "threshold",
    "varied",
    "case",
    "bias_mean",
    "bias_ratio",
    "bias_sd",
    "bias",
    "prevalence_control",
    "prevalence_active",
    "prevalence_difference",
    "strength",
    "sensitivity",
    "specificity",
    "line",
    "probability",
    "unadjusted",
    "median",
    "q2_5",
    "q97_5",
    "unadjusted_median",
    "unadjusted_q2_5",
    "unadjusted_q97_5",
    "positive",
    "other",
    "benefit_positive",
    "benefit_other",
    "greater_in_positive",
    "conversion",
    "interval_end",
    "risk_ratio",
    "e_value",
    "e_value_interval",
    "kind",
    "what",
    "words",
    "note",
    "unavailable",
    "caveat",
];

/// All lists, the study's statements in every row.
pub fn bias_csv(study: &Study, c: &BiasComparison) -> String {
    let mut table = LongTable::new(HEADER, study.statements().join(" "));
    table.put("assumption", values(&c.assumptions));
    table.put("implied", values(&c.implied).into_iter().map(|row| spread(row, "bias", "")).collect());
    table.put(
        "estimate",
        values(&wire::estimates(&c.stated))
            .into_iter()
            .map(|mut row| {
                // As in text, the exact numbers where there are any.
                let exact = row["exact"].take();
                if exact.is_object() {
                    row["exact"] = exact;
                    row = spread(row, "exact", "");
                }
                spread(row, "unadjusted", "unadjusted_")
            })
            .collect(),
    );
    let probabilities = values(&wire::probabilities(&c.stated)).into_iter().map(|mut row| {
        if row["exact"].is_number() {
            row["probability"] = row["exact"].clone();
        }
        row
    });
    table.put("probability", probabilities.collect());
    table.put("shift", values(&c.shifts));
    table.put("confounder", values(&c.confounders));
    table.put("tipping", values(&c.tipping));
    table.put("e_value", values(&c.e_values));
    table.put("missing", values(&c.missing));
    table.put("labels", values(&c.labels).into_iter().map(|row| spread(row, "contrast", "")).collect());
    table.text()
}
