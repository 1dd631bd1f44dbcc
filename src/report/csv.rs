//! Results as one long table.

use crate::posterior::{Report, Scope};
use crate::study::Study;

use super::cells::Rows;
use super::json::statements;
use super::numbers::full;
use super::wire;

/// The sampled numbers (or the exact ones where nothing was sampled), then the exact ones, as in `result.json`; `unadjusted`
/// is filled where the model allows for a bias.
const HEADER: [&str; 35] = [
    "row",
    "scope",
    "subgroup",
    "subgroup_b",
    "measure",
    "statement",
    "threshold",
    "probability",
    "mcse",
    "ess",
    "exact",
    "mean",
    "sd",
    "median",
    "q2_5",
    "q97_5",
    "mcse_mean",
    "ess_bulk",
    "ess_tail",
    "rhat",
    "exact_mean",
    "exact_sd",
    "exact_median",
    "exact_q2_5",
    "exact_q97_5",
    "prior",
    "prior_q2_5",
    "prior_q97_5",
    "prior_at_control_risk",
    "unadjusted",
    "unadjusted_q2_5",
    "unadjusted_q97_5",
    "unavailable",
    "exact_unavailable",
    "caveat",
];

/// Estimates and probabilities, the study's statements in every row.
pub fn fit_csv(study: &Study, report: &Report) -> String {
    write(study, report)
}

/// The same rows under the prior alone.
pub fn check_csv(study: &Study, prior: Option<&Report>) -> String {
    prior.map_or_else(|| HEADER.join(",") + "\n", |prior| write(study, prior))
}

fn write(study: &Study, report: &Report) -> String {
    let caveat = statements(study, report).join(" ");
    let mut rows = Rows::new();
    let text = |s: Option<&str>| s.unwrap_or_default().to_string();
    let head = |row: &str, scope: Scope, a: Option<&str>, b: Option<&str>| {
        vec![row.to_string(), scope.key().to_string(), text(a), text(b)]
    };
    let mut put = |record: Vec<String>| rows.put(record);
    let empty = |n: usize| std::iter::repeat_n(String::new(), n);
    put(HEADER.iter().map(|h| (*h).to_string()).collect());
    for e in wire::estimates(report) {
        let mut record = head("estimate", e.scope, e.subgroup, e.subgroup_b);
        record.push(e.measure.key().to_string());
        record.extend(empty(6));
        let r = &e.reported;
        record.extend([r.mean, r.sd, r.median, r.q2_5, r.q97_5].map(full));
        record.extend([r.mcse_mean, r.ess_bulk, r.ess_tail, r.rhat].map(full));
        let (exact, q) = (e.exact.as_ref(), e.exact.as_ref().map(|s| s.quantiles));
        record.extend([exact.and_then(|s| s.mean), exact.and_then(|s| s.sd)].map(full));
        record.extend([q.map(|q| q.median), q.map(|q| q.q2_5), q.map(|q| q.q97_5)].map(full));
        let prior = e.prior.as_ref();
        record.extend([prior.map(|p| p.median), prior.map(|p| p.q2_5), prior.map(|p| p.q97_5)].map(full));
        record.push(String::new());
        let without = e.unadjusted.as_ref();
        record
            .extend([without.map(|q| q.median), without.map(|q| q.q2_5), without.map(|q| q.q97_5)].map(full));
        record.extend([text(e.unavailable), text(e.exact_unavailable), caveat.clone()]);
        put(record);
    }
    for p in wire::probabilities(report) {
        let mut record = head("probability", p.scope, p.subgroup, p.subgroup_b);
        record.extend([p.measure.key().to_string(), p.statement.key().to_string(), full(Some(p.threshold))]);
        record.extend([p.probability, p.mcse, p.ess, p.exact].map(full));
        record.extend(empty(14));
        record.extend([full(p.prior), String::new(), String::new(), full(p.prior_at_control_risk)]);
        record.extend([full(p.unadjusted), String::new(), String::new()]);
        record.extend([text(p.unavailable), text(p.exact_unavailable), caveat.clone()]);
        put(record);
    }
    rows.text()
}
