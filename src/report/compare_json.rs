//! The comparison as JSON, schema `equipoise/compare/1`.

use serde::Serialize;
use serde_json::{Value, json};

use super::json::{data_head, model_head, pretty};
use super::sentences::claims_json;
use super::wire::EffectConflict;
use super::words::prior_statement;
use crate::compare::{
    BaselineRow, CoefficientRow, Comparison, Crossing, CurvePoint, DepartureCurve, Envelope, EstimateRow,
    GridRow, HeterogeneityRow, PoolingRow, PowerRow, PriorBox, PriorSet, TableRow, Tipping, WhoDecided,
    has_baseline_player,
};
use crate::study::Study;

const COMPARE_SCHEMA: &str = "equipoise/compare/1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    version: &'static str,
    model: Value,
    statements: Vec<String>,
    data: Value,
    checks: Value,
    engine: &'static str,
    pooling: crate::study::Pooling,
    priors: Vec<Value>,
    table: &'a [TableRow],
    estimates: &'a [EstimateRow],
    /// Null where there are none, with the reason.
    baselines: Option<&'a [BaselineRow]>,
    baselines_unavailable: Option<&'a str>,
    coefficients: Option<&'a [CoefficientRow]>,
    coefficients_unavailable: Option<&'a str>,
    tau_curve: &'a [CurvePoint],
    tau_crossings: &'a [Crossing],
    /// Of ordinal outcomes alone: null where there are no numbers, with the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    departure_curve: Option<Value>,
    heterogeneity: &'a [HeterogeneityRow],
    grid: Option<&'a [GridRow]>,
    prior_box: &'a PriorBox,
    /// `optimised`, or `corners`: the best of a few priors at the box's corners and middle.
    envelope_method: &'static str,
    envelope: &'a [Envelope],
    tipping: &'a [Tipping],
    reference: Value,
    who_decided: &'a [WhoDecided],
    power_scaling: &'a [PowerRow],
    poolings: &'a [PoolingRow],
    claims: Vec<Value>,
}

/// What must stand beside a comparison's numbers, in sentences.
pub fn compare_statements(study: &Study, comparison: &Comparison) -> Vec<String> {
    let own = study.statements().into_iter();
    own.chain(comparison.about_sources.iter().cloned()).collect()
}

/// A comparison of priors as JSON, numbers in full.
pub fn compare_json(study: &Study, c: &Comparison) -> String {
    pretty(&Document {
        schema: COMPARE_SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        model: json!(model_head(study)),
        statements: compare_statements(study, c),
        data: json!(data_head(study)),
        checks: json!({ "ok": c.ok, "reasons": c.reasons, "notices": c.notices }),
        engine: c.engine.key(),
        pooling: study.pooling,
        priors: c.priors.iter().map(|p| prior(study, p)).collect(),
        table: &c.table,
        estimates: &c.estimates,
        baselines: c.baselines.as_deref().ok(),
        baselines_unavailable: c.baselines.as_ref().err().map(String::as_str),
        coefficients: c.coefficients.as_deref().ok(),
        coefficients_unavailable: c.coefficients.as_ref().err().map(String::as_str),
        tau_curve: &c.tau_curve,
        tau_crossings: &c.crossings,
        departure_curve: c.departures.as_ref().map(departures),
        heterogeneity: &c.heterogeneity,
        grid: c.grid.as_deref(),
        prior_box: &c.prior_box,
        envelope_method: if c.resolution().is_some() || c.is_coarse { "corners" } else { "optimised" },
        envelope: &c.envelope,
        tipping: &c.tipping,
        reference: json!({
            "effect": format!("normal(0, {})", c.reference.sd),
            "heterogeneity": format!("half-normal({})", c.reference.tau),
            "baseline": has_baseline_player(study).then(|| format!("normal(0, {})", c.reference.baseline)),
            "baseline_of": has_baseline_player(study).then(|| c.reference.baseline().1),
        }),
        who_decided: &c.who_decided,
        power_scaling: &c.power_scaling,
        poolings: &c.poolings,
        claims: claims_json(&c.claims),
    })
}

fn departures(found: &Result<DepartureCurve, String>) -> Value {
    match found {
        Ok(curve) => json!({
            "shape": curve.shape,
            "stated": curve.stated,
            "scale": curve.scale,
            "points": curve.points,
        }),
        Err(why) => json!({ "points": null, "unavailable": why }),
    }
}

fn prior(study: &Study, set: &PriorSet) -> Value {
    let (priors, says) = (&set.priors, &set.says);
    json!({
        "name": set.name,
        "effect": priors.effect.words,
        "heterogeneity": priors.heterogeneity.as_ref().map(|p| &p.words),
        "baseline": priors.baseline.as_ref().map(|p| &p.words),
        "baseline_of": priors.baseline.as_ref().map(|_| priors.baseline_of),
        "statement": prior_statement(study, set),
        "benefit": says.benefit,
        "harm": says.harm,
        "mean_effect": says.effect,
        "reference_only": says.reference_only,
        "standard_error": says.standard_error,
        "patients": says.patients,
        "conflict": says.conflict.as_ref().map(EffectConflict::of),
        "external": says.external.as_ref().map(|e| json!({
            "from": e.sources,
            "weight": e.weight,
            "largest_error_of_mixture": e.distance,
        })),
    })
}
