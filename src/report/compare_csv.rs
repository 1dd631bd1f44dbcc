//! The comparison as one long table.

use serde_json::{Value, json};

use super::compare_json::compare_statements;
use super::long_table::{LongTable, spread, values};
use super::words::prior_statement;
use crate::compare::{Comparison, PriorSet};
use crate::study::Study;

/// As in the JSON; `row` says which of its lists a row is from. Columns that a list does not have are empty.
const HEADER: [&str; 60] = [
    "row",
    "prior",
    "heterogeneity",
    "pooling",
    "scope",
    "subgroup",
    "subgroup_b",
    "statement",
    "measure",
    "threshold",
    "quantity",
    "scale",
    "line",
    "rising",
    "probability",
    "mcse",
    "exact",
    "prior_probability",
    "unadjusted",
    "median",
    "q2_5",
    "q97_5",
    "unadjusted_median",
    "unadjusted_q2_5",
    "unadjusted_q97_5",
    "widest",
    "sceptical_sd",
    "as_patients",
    "prior_centre",
    "prior_centre_ratio",
    "baseline",
    "data",
    "effect_prior",
    "heterogeneity_prior",
    "baseline_part",
    "low",
    "high",
    "prior_sensitivity",
    "baseline_sensitivity",
    "likelihood_sensitivity",
    "diagnosis",
    "log_marginal_likelihood",
    "elpd",
    "elpd_se",
    "difference",
    "difference_se",
    "unit",
    "units",
    "method",
    "max_k",
    "trusted_k",
    "effect",
    "baseline_prior",
    "baseline_of",
    "variant",
    "scale_factor",
    "patients",
    "note",
    "unavailable",
    "caveat",
];

/// All lists, the study's statements in every row.
pub fn compare_csv(study: &Study, c: &Comparison) -> String {
    let mut table = LongTable::new(HEADER, compare_statements(study, c).join(" "));
    table.put("prior", c.priors.iter().map(|p| prior(study, p)).collect());
    table.put("table", values(&c.table));
    table.put(
        "estimate",
        values(&c.estimates).into_iter().map(|row| spread(row, "unadjusted", "unadjusted_")).collect(),
    );
    table.put("baseline", c.baselines.as_ref().map(|rows| values(rows)).unwrap_or_default());
    table.put("coefficient", c.coefficients.as_ref().map(|rows| values(rows)).unwrap_or_default());
    table.put("tau_curve", values(&c.tau_curve));
    table.put("tau_crossing", values(&c.crossings));
    let halves = values(&c.heterogeneity).into_iter().flat_map(|row| {
        // Quantiles before and after the data, a row each.
        ["prior", "posterior"].map(|when| {
            let mut half = row.clone();
            for key in ["median", "q2_5", "q97_5"] {
                half[key] = row[when][key].clone();
            }
            half["quantity"] =
                Value::from(format!("{} {when}", row["quantity"].as_str().unwrap_or_default()));
            half["prior"] = Value::Null;
            half
        })
    });
    table.put("heterogeneity", halves.collect());
    table.put("grid", c.grid.as_ref().map(|g| values(g)).unwrap_or_default());
    table.put("envelope", values(&c.envelope));
    table.put("tipping", values(&c.tipping));
    let parts = values(&c.who_decided).into_iter().map(|mut row| {
        row["baseline_part"] = row["baseline_prior"].take();
        row
    });
    table.put("who_decided", parts.collect());
    let sensitivities = values(&c.power_scaling).into_iter().map(|mut row| {
        row["prior_sensitivity"] = row["prior"].take();
        row["likelihood_sensitivity"] = row["likelihood"].take();
        row["baseline_sensitivity"] = row["baseline_prior"].take();
        row
    });
    table.put("power_scaling", sensitivities.collect());
    table.put("pooling", values(&c.poolings));
    table.text()
}

/// A set of priors: what it says stands in `note`.
fn prior(study: &Study, set: &PriorSet) -> Value {
    json!({
        "prior": set.name,
        "effect": set.priors.effect.words,
        "heterogeneity": set.priors.heterogeneity.as_ref().map(|h| &h.words),
        "baseline_prior": set.priors.baseline.as_ref().map(|b| &b.words),
        "baseline_of": set.priors.baseline.as_ref().map(|_| set.priors.baseline_of),
        "patients": set.says.patients,
        "prior_probability": set.says.benefit,
        "note": prior_statement(study, set),
    })
}
