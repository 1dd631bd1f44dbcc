//! Weighting in files.

use serde::Serialize;

use super::population;
use crate::posterior::Report;
use crate::study::{Covariate, Study, Weighting};
use crate::weighting::{
    Balance, ESTIMATORS, Estimand, Estimator, Imbalance, Method, Replayed, SubgroupDesign, Weighted,
};

/// How effects were adjusted for who was treated.
#[derive(Serialize)]
pub struct Head<'a> {
    method: Method,
    estimand: Estimand,
    covariates: &'a [Covariate],
    /// Names of the covariates' columns.
    columns: Vec<&'a str>,
    /// The column of weights that were computed elsewhere; null where they follow from the propensity.
    weights: Option<&'a str>,
    by_subgroup: bool,
    prior: String,
    truncate: Option<f64>,
    replicates: usize,
    replays: usize,
    seed: u64,
    design: DesignHead<'a>,
    /// Null at the design stage, and where the numbers are withheld.
    estimators: Option<Vec<EstimatorHead>>,
    /// Null without a replay.
    replay: Option<ReplayHead>,
}

#[derive(Serialize)]
struct DesignHead<'a> {
    /// Whether an outcome was read.
    outcome_read: bool,
    coefficients: usize,
    subgroups: Vec<Of<&'a SubgroupDesign>>,
    balance: Vec<BalanceHead<'a>>,
    /// Subgroups in which normal(0, 2.5) took a flat prior's place.
    separated: Vec<String>,
    one_sided: Vec<OneSidedHead<'a>>,
    extremes: Vec<ExtremeHead<'a>>,
}

/// A subgroup by name, null for all patients, with what is told of it.
#[derive(Serialize)]
struct Of<T> {
    subgroup: Option<String>,
    #[serde(flatten)]
    of: T,
}

#[derive(Serialize)]
struct BalanceHead<'a> {
    subgroup: Option<String>,
    column: &'a str,
    before: Imbalance,
    after: Imbalance,
}

#[derive(Serialize)]
struct OneSidedHead<'a> {
    subgroup: String,
    level: String,
    arm: &'a str,
    patients: u64,
}

#[derive(Serialize)]
struct ExtremeHead<'a> {
    row: u64,
    subgroup: String,
    arm: &'a str,
    patients: f64,
    relative_weight: f64,
    share_of_arm: f64,
    /// The weight itself where it was computed elsewhere.
    propensity: f64,
}

#[derive(Serialize)]
struct EstimatorHead {
    estimator: Estimator,
    /// Whether the results are from it.
    stated: bool,
    rows: Vec<EstimatorRow>,
}

#[derive(Serialize)]
struct EstimatorRow {
    /// Null for all patients.
    subgroup: Option<String>,
    risk_control: f64,
    risk_active: f64,
    log_odds_ratio: f64,
    /// Of the log odds ratio, from the bootstrap.
    bootstrap_se: f64,
    /// With the replay's factor.
    se: f64,
    /// Of the risk difference, from the bootstrap.
    risk_difference_bootstrap_se: f64,
    /// Of the bootstrap's log odds ratios; null for all patients.
    skewness: Option<f64>,
    excess_kurtosis: Option<f64>,
    /// P(benefit) in the pooled model; null for all patients, and where the exact engine does not cover it.
    benefit: Option<f64>,
    /// Null without a replay.
    replay: Option<Replayed>,
}

#[derive(Serialize)]
struct ReplayHead {
    studies: usize,
    drawn_again: usize,
}

/// None of studies without weighting.
pub fn head<'a>(study: &'a Study, report: Option<&Report>) -> Option<Head<'a>> {
    let weighting = study.weighting.as_deref()?;
    let plan = &weighting.plan;
    let found = weighting.weighted.as_ref().filter(|_| report.is_some_and(|r| !r.withheld));
    let name = |g: usize| population(study, Some(g));
    let arm = |arm: usize| study.treatment.arms.get(arm).map_or("", String::as_str);
    let design = &weighting.design;
    let subgroup = |(g, of)| Of { subgroup: Some(name(g)), of };
    let balance = |b: &Balance| BalanceHead {
        subgroup: b.subgroup.map(name),
        column: &weighting.terms[b.term].name,
        before: b.before,
        after: b.after,
    };
    let one_sided = design.one_sided.iter().map(|s| OneSidedHead {
        subgroup: name(s.subgroup),
        level: weighting.level_in_words(s.factor, s.term),
        arm: arm(s.arm),
        patients: s.patients,
    });
    let extremes = design.extremes.iter().zip(&weighting.extreme_rows).map(|(x, row)| ExtremeHead {
        row: *row,
        subgroup: name(x.subgroup),
        arm: arm(x.arm),
        patients: x.patients,
        relative_weight: x.relative,
        share_of_arm: x.share,
        propensity: x.propensity,
    });
    Some(Head {
        method: plan.method,
        estimand: plan.estimand,
        covariates: &weighting.covariates,
        columns: weighting.terms.iter().map(|t| t.name.as_str()).collect(),
        weights: weighting.given.as_deref(),
        by_subgroup: plan.by_subgroup,
        prior: plan.prior.in_words(),
        truncate: plan.truncate,
        replicates: plan.replicates,
        replays: plan.replays,
        seed: plan.seed,
        design: DesignHead {
            outcome_read: weighting.weighted.is_some(),
            coefficients: design.coefficients,
            subgroups: design.subgroups.iter().enumerate().map(subgroup).collect(),
            balance: design.balance.iter().map(balance).collect(),
            separated: design.separated.iter().map(|&g| name(g)).collect(),
            one_sided: one_sided.collect(),
            extremes: extremes.collect(),
        },
        estimators: found.map(|found| estimators(study, (weighting, found), report)),
        replay: found
            .and_then(|f| f.replay.as_ref())
            .map(|r| ReplayHead { studies: r.studies, drawn_again: r.drawn_again }),
    })
}

fn estimators(
    study: &Study,
    (_, found): (&Weighting, &Weighted),
    report: Option<&Report>,
) -> Vec<EstimatorHead> {
    let n = found.subgroups();
    let of = |k: usize| {
        let (spread, factors) = (&found.spread[k], found.factors(k));
        let row = |g: usize| {
            let (risks, is_subgroup) = (found.risks[k][g], g < n);
            let bootstrap_se =
                if is_subgroup { libm::sqrt(spread.covariance[g * n + g]) } else { spread.overall };
            let replay = found.replay.as_ref().and_then(|r| r.estimators[k].get(g)).copied();
            let factor = factors.get(g).copied().or_else(|| replay.map(|r| r.factor)).unwrap_or(1.0);
            EstimatorRow {
                subgroup: is_subgroup.then(|| population(study, Some(g))),
                risk_control: risks.control,
                risk_active: risks.active,
                log_odds_ratio: risks.log_odds_ratio(),
                bootstrap_se,
                se: bootstrap_se * factor,
                risk_difference_bootstrap_se: spread.risk_difference[g],
                skewness: spread.skewness.get(g).copied(),
                excess_kurtosis: spread.excess_kurtosis.get(g).copied(),
                benefit: report.and_then(|r| r.side_by_side(study).get(k)?.benefit.get(g).copied().flatten()),
                replay,
            }
        };
        EstimatorHead { estimator: ESTIMATORS[k], stated: k == found.own(), rows: (0..=n).map(row).collect() }
    };
    (0..ESTIMATORS.len()).map(of).collect()
}
