//! Rows of a result as files have them: names and order of the fields of schema `equipoise/result/1`.

use serde::Serialize;

use crate::posterior::{
    Estimate, Measure, Names, Nnt, ParameterRow, PriorSummary, Probability, Quantiles, Report, Reported,
    Scope, Statement, Summary,
};

/// A parameter's row.
#[derive(Serialize)]
pub struct WireParameter {
    pub name: String,
    #[serde(flatten)]
    pub reported: Reported,
    pub exact: Option<Summary>,
    pub prior: Option<PriorSummary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unadjusted: Option<Quantiles>,
}

/// Every parameter's row.
pub fn parameters(report: &Report) -> Vec<WireParameter> {
    let row = |p: &ParameterRow| WireParameter {
        name: p.parameter.name(&report.names),
        reported: p.reported,
        exact: p.exact,
        prior: p.prior,
        unadjusted: p.unadjusted,
    };
    report.parameters.iter().map(row).collect()
}

/// An estimate's row.
#[derive(Serialize)]
pub struct WireEstimate<'a> {
    pub scope: Scope,
    pub subgroup: Option<&'a str>,
    pub subgroup_b: Option<&'a str>,
    pub measure: Measure,
    #[serde(flatten)]
    pub reported: Reported,
    pub exact: Option<Summary>,
    pub prior: Option<PriorSummary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unadjusted: Option<Quantiles>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nnt: Option<&'a Nnt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact_unavailable: Option<&'a str>,
}

/// Every estimate's row.
pub fn estimates(report: &Report) -> Vec<WireEstimate<'_>> {
    report.estimates.iter().map(|e| estimate(e, &report.names)).collect()
}

fn estimate<'a>(e: &'a Estimate, names: &'a Names) -> WireEstimate<'a> {
    WireEstimate {
        scope: e.estimand.whom.scope(),
        subgroup: e.estimand.whom.subgroup().map(|g| names.subgroup(g)),
        subgroup_b: e.estimand.whom.second().map(|g| names.subgroup(g)),
        measure: e.estimand.measure,
        reported: e.reported,
        exact: e.exact,
        prior: e.prior,
        unadjusted: e.unadjusted,
        nnt: e.nnt.as_ref(),
        unavailable: e.unavailable.as_deref(),
        exact_unavailable: e.exact_unavailable.as_deref(),
    }
}

/// A probability's row.
#[derive(Serialize)]
pub struct WireProbability<'a> {
    pub scope: Scope,
    pub subgroup: Option<&'a str>,
    pub subgroup_b: Option<&'a str>,
    pub statement: Statement,
    pub measure: Measure,
    pub threshold: f64,
    pub probability: Option<f64>,
    pub mcse: Option<f64>,
    pub ess: Option<f64>,
    pub exact: Option<f64>,
    pub prior: Option<f64>,
    pub prior_at_control_risk: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unadjusted: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact_unavailable: Option<&'a str>,
}

/// Every probability's row.
pub fn probabilities(report: &Report) -> Vec<WireProbability<'_>> {
    report.probabilities.iter().map(|p| probability(p, &report.names)).collect()
}

fn probability<'a>(p: &'a Probability, names: &'a Names) -> WireProbability<'a> {
    WireProbability {
        scope: p.estimand.whom.scope(),
        subgroup: p.estimand.whom.subgroup().map(|g| names.subgroup(g)),
        subgroup_b: p.estimand.whom.second().map(|g| names.subgroup(g)),
        statement: p.statement,
        measure: p.estimand.measure,
        threshold: p.threshold,
        probability: p.probability,
        mcse: p.mcse,
        ess: p.ess,
        exact: p.exact,
        prior: p.prior,
        prior_at_control_risk: p.prior_at_control_risk,
        unadjusted: p.unadjusted,
        unavailable: p.unavailable.as_deref(),
        exact_unavailable: p.exact_unavailable.as_deref(),
    }
}
