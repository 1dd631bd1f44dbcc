//! Rows of numbers.

use serde::Serialize;

use crate::posterior::{self, Arms, Measure, Names, Quantiles, Report, Scope, Statement};

/// The sampled numbers, or the exact ones where nothing was sampled.
#[derive(Serialize)]
pub struct Reported {
    pub mean: Option<f64>,
    pub sd: Option<f64>,
    pub median: Option<f64>,
    pub q2_5: Option<f64>,
    pub q97_5: Option<f64>,
    pub mcse_mean: Option<f64>,
    pub ess_bulk: Option<f64>,
    pub ess_tail: Option<f64>,
    pub rhat: Option<f64>,
}

impl Reported {
    fn of(r: &posterior::Reported) -> Reported {
        Reported {
            mean: r.mean,
            sd: r.sd,
            median: r.median,
            q2_5: r.q2_5,
            q97_5: r.q97_5,
            mcse_mean: r.mcse_mean,
            ess_bulk: r.ess_bulk,
            ess_tail: r.ess_tail,
            rhat: r.rhat,
        }
    }
}

/// The exact numbers.
#[derive(Serialize)]
pub struct Summary {
    pub mean: Option<f64>,
    pub sd: Option<f64>,
    #[serde(flatten)]
    pub quantiles: Quantiles,
}

impl Summary {
    fn of(s: &posterior::Summary) -> Summary {
        Summary { mean: s.mean, sd: s.sd, quantiles: s.quantiles }
    }
}

/// What the data alone say: crude, from the counts, or as published.
#[derive(Serialize)]
pub struct Observed {
    pub estimate: f64,
    pub low: f64,
    pub high: f64,
}

impl Observed {
    fn of(o: &posterior::Observed) -> Observed {
        Observed { estimate: o.estimate, low: o.low, high: o.high }
    }
}

/// A number needed to treat.
#[derive(Serialize)]
pub struct Nnt<'a> {
    median: Option<f64>,
    from: Option<f64>,
    to: Option<f64>,
    text: &'a str,
}

impl<'a> Nnt<'a> {
    fn of(nnt: &'a posterior::Nnt) -> Nnt<'a> {
        Nnt { median: nnt.median, from: nnt.from, to: nnt.to, text: &nnt.text }
    }
}

/// A parameter's row.
#[derive(Serialize)]
pub struct Parameter {
    pub name: String,
    #[serde(flatten)]
    pub reported: Reported,
    pub exact: Option<Summary>,
    pub prior: Option<Quantiles>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unadjusted: Option<Quantiles>,
}

/// Every parameter's row.
pub fn parameters(report: &Report) -> Vec<Parameter> {
    let row = |p: &posterior::ParameterRow| Parameter {
        name: p.parameter.name(&report.names),
        reported: Reported::of(&p.reported),
        exact: p.exact.as_ref().map(Summary::of),
        prior: p.prior,
        unadjusted: p.unadjusted,
    };
    report.parameters.iter().map(row).collect()
}

/// An estimate's row.
#[derive(Serialize)]
pub struct Estimate<'a> {
    pub scope: Scope,
    pub subgroup: Option<&'a str>,
    pub subgroup_b: Option<&'a str>,
    /// The factor whose levels `subgroup` and `subgroup_b` are, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<&'a str>,
    pub measure: Measure,
    /// The level above which the cut lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<&'a str>,
    /// The arm, or the first of two, where there are several active ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arm: Option<&'a str>,
    /// The arm that it is compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<&'a str>,
    #[serde(flatten)]
    pub reported: Reported,
    pub exact: Option<Summary>,
    pub prior: Option<Quantiles>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unadjusted: Option<Quantiles>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed: Option<Observed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nnt: Option<Nnt<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact_unavailable: Option<&'a str>,
}

impl<'a> Estimate<'a> {
    fn of(e: &'a posterior::Estimate, names: &'a Names) -> Estimate<'a> {
        let whom = e.estimand.whom;
        Estimate {
            scope: whom.scope(),
            subgroup: whom.first_name(names),
            subgroup_b: whom.second_name(names),
            factor: whom.factor().map(|f| names.factor(f)),
            measure: e.estimand.measure,
            cut: cut(e.estimand, names),
            arm: e.estimand.arms.map(|arms| names.arm(arms.first())),
            against: e.estimand.arms.and_then(Arms::against).map(|a| names.arm(a)),
            reported: Reported::of(&e.reported),
            exact: e.exact.as_ref().map(Summary::of),
            prior: e.prior,
            unadjusted: e.unadjusted,
            observed: e.observed.as_ref().map(Observed::of),
            nnt: e.nnt.as_ref().map(Nnt::of),
            unavailable: e.unavailable.as_deref(),
            exact_unavailable: e.exact_unavailable.as_deref(),
        }
    }
}

fn cut(estimand: posterior::Estimand, names: &Names) -> Option<&str> {
    estimand.cut.and_then(|k| names.levels.get(k)).map(String::as_str)
}

/// Every estimate's row.
pub fn estimates(report: &Report) -> Vec<Estimate<'_>> {
    report.estimates.iter().map(|e| Estimate::of(e, &report.names)).collect()
}

/// A probability's row.
#[derive(Serialize)]
pub struct Probability<'a> {
    pub scope: Scope,
    pub subgroup: Option<&'a str>,
    pub subgroup_b: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<&'a str>,
    pub statement: Statement,
    pub measure: Measure,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arm: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<&'a str>,
    pub threshold: f64,
    pub probability: Option<f64>,
    pub sampled: Option<f64>,
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

impl<'a> Probability<'a> {
    fn of(p: &'a posterior::Probability, names: &'a Names) -> Probability<'a> {
        let whom = p.estimand.whom;
        Probability {
            scope: whom.scope(),
            subgroup: whom.first_name(names),
            subgroup_b: whom.second_name(names),
            factor: whom.factor().map(|f| names.factor(f)),
            statement: p.statement,
            measure: p.estimand.measure,
            cut: cut(p.estimand, names),
            arm: p.estimand.arms.map(|arms| names.arm(arms.first())),
            against: p.estimand.arms.and_then(Arms::against).map(|a| names.arm(a)),
            threshold: p.threshold,
            probability: p.probability,
            sampled: p.sampled,
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
}

/// Every probability's row.
pub fn probabilities(report: &Report) -> Vec<Probability<'_>> {
    report.probabilities.iter().map(|p| Probability::of(p, &report.names)).collect()
}
