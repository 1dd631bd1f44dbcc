//! Results as one long table.

use super::json::statements;
use super::records::{Cell, Records, record};
use super::wire::{self, Estimate, Probability};
use crate::posterior::Report;
use crate::study::Study;

record! {
    /// An estimate or a probability, as in `result.json`: `probability` is exact where `exact` is filled, and sampled
    /// elsewhere; an estimate's numbers are sampled (or exact where nothing was), and the exact ones follow. `cut` is
    /// the level above which a cut of ordered levels lies; `unadjusted` is filled where the model allows for a bias. Of several
    /// factors `subgroup` and `subgroup_b` are levels of `factor`; of several arms it is `arm`, or `arm` against `against`.
    Row {
        row, scope, factor, subgroup, subgroup_b, arm, against, measure, cut, statement, threshold, probability, sampled,
        mcse, ess, exact, mean, sd, median, q2_5, q97_5, mcse_mean, ess_bulk, ess_tail, rhat, exact_mean,
        exact_sd, exact_median, exact_q2_5, exact_q97_5, prior, prior_q2_5, prior_q97_5,
        prior_at_control_risk, observed, observed_low, observed_high, unadjusted, unadjusted_q2_5, unadjusted_q97_5, unavailable,
        exact_unavailable, caveat,
    }
}

/// Columns of exact numbers and of two arms that are compared otherwise, which several arms and several factors have not.
const OF_TWO_ENGINES: [&str; 13] = [
    "cut",
    "sampled",
    "exact",
    "exact_mean",
    "exact_sd",
    "exact_median",
    "exact_q2_5",
    "exact_q97_5",
    "prior_at_control_risk",
    "unadjusted",
    "unadjusted_q2_5",
    "unadjusted_q97_5",
    "exact_unavailable",
];

/// Estimates and probabilities of a fit as one CSV table, the study's statements in every row.
pub fn fit_csv(study: &Study, report: &Report) -> String {
    table(study, Some(report))
}

/// Estimates and probabilities under the prior alone as one CSV table; it has no rows where `prior` is none.
pub fn check_csv(study: &Study, prior: Option<&Report>) -> String {
    table(study, prior)
}

fn table(study: &Study, report: Option<&Report>) -> String {
    let rows = report.into_iter().flat_map(|report| {
        let caveat = Cell::from(statements(study, report).join(" "));
        let estimates = wire::estimates(report).into_iter().map(estimate);
        let rows = estimates.chain(wire::probabilities(report).into_iter().map(probability));
        rows.map(move |row| Row { caveat: caveat.clone(), ..row })
    });
    let records = Records::of(rows);
    if study.factors.is_some() {
        records.without(&["arm", "against"]).without(&OF_TWO_ENGINES).csv()
    } else if study.treatment.has_several_arms() {
        records.without(&["factor", "subgroup_b"]).without(&OF_TWO_ENGINES).csv()
    } else {
        records.without(&["factor", "arm", "against"]).csv()
    }
}

fn estimate(e: Estimate<'_>) -> Row {
    let (reported, exact) = (e.reported, e.exact.as_ref());
    let (q, prior, without) = (exact.map(|s| s.quantiles), e.prior, e.unadjusted);
    Row {
        row: "estimate".into(),
        scope: e.scope.into(),
        factor: e.factor.into(),
        arm: e.arm.into(),
        against: e.against.into(),
        subgroup: e.subgroup.into(),
        subgroup_b: e.subgroup_b.into(),
        measure: e.measure.into(),
        cut: e.cut.into(),
        mean: reported.mean.into(),
        sd: reported.sd.into(),
        median: reported.median.into(),
        q2_5: reported.q2_5.into(),
        q97_5: reported.q97_5.into(),
        mcse_mean: reported.mcse_mean.into(),
        ess_bulk: reported.ess_bulk.into(),
        ess_tail: reported.ess_tail.into(),
        rhat: reported.rhat.into(),
        exact_mean: exact.and_then(|s| s.mean).into(),
        exact_sd: exact.and_then(|s| s.sd).into(),
        exact_median: q.map(|q| q.median).into(),
        exact_q2_5: q.map(|q| q.q2_5).into(),
        exact_q97_5: q.map(|q| q.q97_5).into(),
        prior: prior.map(|q| q.median).into(),
        prior_q2_5: prior.map(|q| q.q2_5).into(),
        prior_q97_5: prior.map(|q| q.q97_5).into(),
        unadjusted: without.map(|q| q.median).into(),
        unadjusted_q2_5: without.map(|q| q.q2_5).into(),
        unadjusted_q97_5: without.map(|q| q.q97_5).into(),
        observed: e.observed.as_ref().map(|o| o.estimate).into(),
        observed_low: e.observed.as_ref().map(|o| o.low).into(),
        observed_high: e.observed.as_ref().map(|o| o.high).into(),
        unavailable: e.unavailable.into(),
        exact_unavailable: e.exact_unavailable.into(),
        ..Row::default()
    }
}

fn probability(p: Probability<'_>) -> Row {
    Row {
        row: "probability".into(),
        scope: p.scope.into(),
        factor: p.factor.into(),
        arm: p.arm.into(),
        against: p.against.into(),
        subgroup: p.subgroup.into(),
        subgroup_b: p.subgroup_b.into(),
        measure: p.measure.into(),
        cut: p.cut.into(),
        statement: p.statement.into(),
        threshold: p.threshold.into(),
        probability: p.probability.into(),
        sampled: p.sampled.into(),
        mcse: p.mcse.into(),
        ess: p.ess.into(),
        exact: p.exact.into(),
        prior: p.prior.into(),
        prior_at_control_risk: p.prior_at_control_risk.into(),
        unadjusted: p.unadjusted.into(),
        unavailable: p.unavailable.into(),
        exact_unavailable: p.exact_unavailable.into(),
        ..Row::default()
    }
}
