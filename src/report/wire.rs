//! Rows of a result as files have them: names and order of the fields of schema `equipoise/result/1`.

use serde::Serialize;

use crate::posterior::{ParameterRow, PriorSummary, Quantiles, Report, Reported, Summary};

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
