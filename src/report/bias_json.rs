//! The comparison of biases as JSON, schema `equipoise/bias/1`, and as one long table.

use serde::Serialize;
use serde_json::{Value, json};

use super::json::{data_head, model_head, pretty};
use super::numbers::full;
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
        "estimates": c.stated.estimates,
        "probabilities": c.stated.probabilities,
        "shift_surface": c.shifts,
        "confounder_surface": c.confounders,
        "tipping": c.tipping,
        "e_values": c.e_values,
        "missing": c.missing,
        "labels": c.labels,
    }))
}

/// `row` says which of the JSON's lists a row is from; columns that a list does not have are empty.
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
    let caveat = study.statements().join(" ");
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory does not fail.
    let _ = writer.write_record(HEADER);
    let mut put = |kind: &str, rows: Vec<Value>| {
        for mut row in rows {
            row["row"] = Value::from(kind);
            row["caveat"] = Value::from(caveat.clone());
            let _ = writer.write_record(HEADER.map(|key| cell(&row[key])));
        }
    };
    put("assumption", values(&c.assumptions));
    put("implied", values(&c.implied).into_iter().map(|row| spread(row, "bias", "")).collect());
    put(
        "estimate",
        values(&c.stated.estimates)
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
    let probabilities = values(&c.stated.probabilities).into_iter().map(|mut row| {
        if row["exact"].is_number() {
            row["probability"] = row["exact"].clone();
        }
        row
    });
    put("probability", probabilities.collect());
    put("shift", values(&c.shifts));
    put("confounder", values(&c.confounders));
    put("tipping", values(&c.tipping));
    put("e_value", values(&c.e_values));
    put("missing", values(&c.missing));
    put("labels", values(&c.labels).into_iter().map(|row| spread(row, "contrast", "")).collect());
    writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

/// A nested list of quantiles as columns of their own.
fn spread(mut row: Value, key: &str, prefix: &str) -> Value {
    let nested = row[key].take();
    for name in ["median", "q2_5", "q97_5"] {
        if nested.is_object() {
            row[format!("{prefix}{name}")] = nested[name].clone();
        }
    }
    row
}

fn values<T: Serialize>(rows: &[T]) -> Vec<Value> {
    rows.iter().filter_map(|row| serde_json::to_value(row).ok()).collect()
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(n) => full(n.as_f64()),
        Value::Bool(b) => b.to_string(),
    }
}
