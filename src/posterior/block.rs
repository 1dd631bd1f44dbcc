//! Rows of the result in the making: a distribution becomes an estimate and its statements.

use super::claim::Claim;
use super::estimand::{Axis, Measure, Scope, Statement};
use super::result::{Estimate, Parameter, Probability, Quantiles, Reported, Summary};
use crate::exact::Distribution;

/// What one subgroup, one pair or what is shared contributes.
#[derive(Debug, Clone, Default)]
pub struct Block {
    pub parameters: Vec<Parameter>,
    pub estimates: Vec<Estimate>,
    pub probabilities: Vec<Probability>,
    pub claim: Option<Claim>,
}

/// Whose row it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    pub scope: Scope,
    pub subgroup: Option<String>,
    pub subgroup_b: Option<String>,
}

impl Subject {
    pub fn shared(scope: Scope) -> Subject {
        Subject { scope, subgroup: None, subgroup_b: None }
    }

    pub fn subgroup(name: &str) -> Subject {
        Subject { scope: Scope::Subgroup, subgroup: Some(name.to_string()), subgroup_b: None }
    }

    pub fn pair(a: &str, b: &str) -> Subject {
        Subject { scope: Scope::Pair, subgroup: Some(a.to_string()), subgroup_b: Some(b.to_string()) }
    }
}

/// A distribution with the scale it is reported on.
#[derive(Clone, Copy)]
pub struct Reporting<'a> {
    pub measure: Measure,
    pub distribution: &'a dyn Distribution,
    /// The distribution is of the logarithm of what is reported.
    pub logarithm: bool,
}

impl Reporting<'_> {
    pub fn summary(&self) -> Summary {
        let out = |x: f64| if self.logarithm { libm::exp(x) } else { x };
        let q = |p: f64| out(self.distribution.quantile(p));
        let ratio = self.measure.axis() == Axis::Ratio;
        Summary {
            // The mean of a ratio need not exist; its median and interval do.
            mean: if ratio { None } else { self.distribution.mean() },
            sd: if ratio { None } else { self.distribution.sd() },
            quantiles: Quantiles { median: q(0.5), q2_5: q(0.025), q97_5: q(0.975) },
        }
    }

    /// The probability below a value on the reported scale.
    pub fn below(&self, value: f64) -> f64 {
        self.distribution.cdf(if self.logarithm { libm::log(value) } else { value })
    }
}

/// P(statement) from "the probability below": the one place where direction enters. `sign` is +1 where higher is better,
/// −1 where it is worse; `threshold` is a magnitude.
pub fn probability_of(
    statement: Statement,
    threshold: f64,
    axis: Axis,
    sign: f64,
    below: &dyn Fn(f64) -> f64,
) -> f64 {
    let (null, other) = match axis {
        Axis::Additive => (0.0, -threshold),
        Axis::Ratio => (1.0, 1.0 / threshold),
    };
    let higher_is_better = sign > 0.0;
    let above = |x: f64| 1.0 - below(x);
    match statement {
        Statement::Benefit | Statement::GreaterBenefit if higher_is_better => above(null),
        Statement::Benefit | Statement::GreaterBenefit => below(null),
        Statement::Harm if higher_is_better => below(null),
        Statement::Harm => above(null),
        Statement::BenefitAtLeast if higher_is_better => above(threshold),
        Statement::BenefitAtLeast => below(other),
        Statement::HarmAtLeast if higher_is_better => below(other),
        Statement::HarmAtLeast => above(threshold),
        Statement::Equivalent => (below(threshold) - below(other)).max(0.0),
        // Of two effects at once: never asked of one distribution.
        Statement::BenefitAndHarm => f64::NAN,
    }
}

/// A parameter's row.
pub fn parameter(name: String, distribution: &dyn Distribution) -> Parameter {
    let q = |p: f64| distribution.quantile(p);
    let exact = Summary {
        mean: distribution.mean(),
        sd: distribution.sd(),
        quantiles: Quantiles { median: q(0.5), q2_5: q(0.025), q97_5: q(0.975) },
    };
    Parameter { name, reported: Reported::exactly(&exact), exact: Some(exact), prior: None }
}

/// An estimate's row; without a summary, the reason why.
pub fn estimate(
    subject: &Subject,
    measure: Measure,
    exact: Option<Summary>,
    reason: Option<&str>,
) -> Estimate {
    Estimate {
        scope: subject.scope,
        subgroup: subject.subgroup.clone(),
        subgroup_b: subject.subgroup_b.clone(),
        measure,
        reported: exact.as_ref().map_or_else(Reported::default, Reported::exactly),
        prior: None,
        nnt: None,
        unavailable: if exact.is_none() { reason.map(str::to_string) } else { None },
        exact,
    }
}

/// A statement's row; without a number, the reason why.
pub fn probability(
    subject: &Subject,
    (statement, measure, threshold): (Statement, Measure, f64),
    exact: Option<f64>,
    reason: Option<&str>,
) -> Probability {
    Probability {
        scope: subject.scope,
        subgroup: subject.subgroup.clone(),
        subgroup_b: subject.subgroup_b.clone(),
        statement,
        measure,
        threshold,
        probability: exact,
        mcse: None,
        prior: None,
        prior_at_control_risk: None,
        unavailable: if exact.is_none() { reason.map(str::to_string) } else { None },
        exact,
    }
}

/// All statements that are asked of a measure: benefit and harm, and three for every threshold.
pub fn statements(null: f64, thresholds: &[f64]) -> Vec<(Statement, f64)> {
    let mut wanted = vec![(Statement::Benefit, null), (Statement::Harm, null)];
    for &t in thresholds {
        wanted.extend([
            (Statement::BenefitAtLeast, t),
            (Statement::HarmAtLeast, t),
            (Statement::Equivalent, t),
        ]);
    }
    wanted
}

impl Block {
    /// Puts beside every row what the same row is under the prior alone. Every subgroup's prior is the same, and every
    /// pair's, so rows are matched by what they say, not of whom.
    pub fn beside(&mut self, prior: &Block) {
        let stem = |name: &str| name.split('[').next().unwrap_or_default().to_string();
        for row in &mut self.parameters {
            let same = prior.parameters.iter().find(|p| stem(&p.name) == stem(&row.name));
            row.prior = same.and_then(|p| p.exact).map(|s| s.quantiles);
        }
        for row in &mut self.estimates {
            let same = prior.estimates.iter().find(|p| p.scope == row.scope && p.measure == row.measure);
            row.prior = same.and_then(|p| p.exact).map(|s| s.quantiles);
        }
        for row in &mut self.probabilities {
            let same = prior.probabilities.iter().find(|p| {
                p.scope == row.scope
                    && p.statement == row.statement
                    && p.measure == row.measure
                    && p.threshold == row.threshold
            });
            row.prior = same.and_then(|p| p.exact);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direction_is_one_switch_and_thresholds_are_magnitudes() {
        // A uniform distribution on −1 … 3.
        let below = |x: f64| ((x + 1.0) / 4.0).clamp(0.0, 1.0);
        let p = |statement, t, sign| probability_of(statement, t, Axis::Additive, sign, &below);
        assert_eq!(p(Statement::Benefit, 0.0, 1.0), 0.75);
        assert_eq!(p(Statement::Benefit, 0.0, -1.0), 0.25);
        assert_eq!(p(Statement::BenefitAtLeast, 1.0, 1.0), 0.5);
        assert_eq!(p(Statement::HarmAtLeast, 0.5, 1.0), 0.125);
        assert_eq!(p(Statement::HarmAtLeast, 1.0, -1.0), 0.5);
        assert_eq!(p(Statement::Equivalent, 0.5, -1.0), 0.25);
        // On ratios the same size the other way is the reciprocal.
        let q = probability_of(Statement::HarmAtLeast, 2.0, Axis::Ratio, 1.0, &|x| x / 4.0);
        assert_eq!(q, 0.125);
    }
}
