//! Weighting in files.

use serde::Serialize;

use super::population;
use crate::posterior::Report;
use crate::study::{Covariate, Study, Weighting};
use crate::weighting::{
    ArmOverlap, Balance, ESTIMATORS, Estimand, Estimator, Imbalance, Method, Replayed, SubgroupDesign,
    Weighted,
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
    subgroups: Vec<Of<Overlaps<'a>>>,
    balance: Vec<BalanceHead<'a>>,
    /// Subgroups in which normal(0, 2.5) took a flat prior's place.
    separated: Vec<String>,
    one_sided: Vec<OneSidedHead<'a>>,
    extremes: Vec<ExtremeHead<'a>>,
}

/// The arms of one subgroup.
#[derive(Serialize)]
#[serde(untagged)]
enum Overlaps<'a> {
    Two { control: &'a ArmOverlap, active: &'a ArmOverlap },
    Several { arms: Vec<NamedOverlap<'a>> },
}

/// An arm by name, with what is told of it.
#[derive(Serialize)]
struct NamedOverlap<'a> {
    arm: &'a str,
    #[serde(flatten)]
    of: &'a ArmOverlap,
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
    /// Where there are several active arms, which two arms it is of, the later against the earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    arms: Option<[&'a str; 2]>,
    before: Imbalance,
    after: Imbalance,
}

#[derive(Serialize)]
struct OneSidedHead<'a> {
    subgroup: String,
    level: String,
    /// The arm that all of them were in; null where there are several others.
    arm: Option<&'a str>,
    /// The arm that none of them was in.
    absent: &'a str,
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
    /// The active arm, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    arm: Option<String>,
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
    let several = weighting.has_several_arms();
    let overlaps = |of: &'a SubgroupDesign| match of.arms.as_slice() {
        [control, active] => Overlaps::Two { control, active },
        all => Overlaps::Several {
            arms: all.iter().enumerate().map(|(a, of)| NamedOverlap { arm: arm(a), of }).collect(),
        },
    };
    let subgroup = |(g, of)| Of { subgroup: Some(name(g)), of: overlaps(of) };
    let balance = |b: &Balance| BalanceHead {
        subgroup: b.subgroup.map(name),
        column: &weighting.terms[b.term].name,
        arms: several.then(|| [arm(b.arms.0), arm(b.arms.1)]),
        before: b.before,
        after: b.after,
    };
    let one_sided = design.one_sided.iter().map(|s| OneSidedHead {
        subgroup: name(s.subgroup),
        level: weighting.level_in_words(s.factor, s.term),
        arm: (!several).then(|| arm(1 - s.absent)),
        absent: arm(s.absent),
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
    let (n, active) = (found.subgroups(), found.active_arms());
    let of = |k: usize| {
        let (spread, factors) = (&found.spread[k], found.factors(k));
        let row = |place: usize| {
            let (g, arm) = (place / active, place % active + 1);
            let (risks, is_subgroup) = (&found.risks[k][g], g < n);
            let bootstrap_se = if is_subgroup {
                libm::sqrt(spread.covariance[place * n * active + place])
            } else {
                spread.overall[arm - 1]
            };
            let replay = found.replay.as_ref().and_then(|r| r.estimators[k].get(place)).copied();
            let factor = factors.get(place).copied().or_else(|| replay.map(|r| r.factor)).unwrap_or(1.0);
            let side = report.and_then(|r| r.side_by_side(study).get(k));
            EstimatorRow {
                subgroup: is_subgroup.then(|| population(study, Some(g))),
                arm: (active > 1).then(|| study.treatment.arms[arm].clone()),
                risk_control: risks.by_arm[0],
                risk_active: risks.by_arm[arm],
                log_odds_ratio: risks.log_odds_ratio(arm),
                bootstrap_se,
                se: bootstrap_se * factor,
                risk_difference_bootstrap_se: spread.risk_difference[place],
                skewness: spread.skewness.get(place).copied(),
                excess_kurtosis: spread.excess_kurtosis.get(place).copied(),
                benefit: side.and_then(|side| side.benefit.get(place).copied().flatten()),
                replay,
            }
        };
        let rows = (0..(n + 1) * active).map(row).collect();
        EstimatorHead { estimator: ESTIMATORS[k], stated: k == found.own(), rows }
    };
    (0..ESTIMATORS.len()).map(of).collect()
}
