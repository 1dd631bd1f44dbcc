//! Rows of the result in the making: a distribution becomes an estimate and its statements.

use super::claim::Claim;
use super::estimand::{Estimand, Measure, Statement};
use super::observed::observed;
use super::parameter::Parameter;
use super::quantity::{Chance, Found};
use super::result::{Estimate, ParameterRow, Probability, Quantiles, Reported};
use crate::study::Study;

/// What one subgroup, one pair or what is shared contributes.
#[derive(Debug, Clone, Default)]
pub struct Block {
    pub parameters: Vec<ParameterRow>,
    pub estimates: Vec<Estimate>,
    pub probabilities: Vec<Probability>,
    pub claim: Option<Claim>,
}

/// A parameter's row.
pub fn parameter(parameter: Parameter, found: Found) -> ParameterRow {
    ParameterRow { parameter, reported: found.reported, exact: found.exact, prior: None, unadjusted: None }
}

/// An estimate's row; without numbers, the reason why.
pub fn estimate(estimand: Estimand, found: Found, reason: Option<&str>) -> Estimate {
    Estimate {
        estimand,
        prior: None,
        unadjusted: None,
        observed: None,
        nnt: None,
        unavailable: if found.is_nothing() { reason.map(str::to_string) } else { None },
        exact_unavailable: None,
        reported: found.reported,
        exact: found.exact,
    }
}

/// A statement's row; without a number, the reason why.
pub fn probability(
    estimand: Estimand,
    (statement, threshold): (Statement, f64),
    chance: Chance,
    reason: Option<&str>,
) -> Probability {
    let sampled = chance.sampled;
    let nothing = sampled.is_none() && chance.exact.is_none();
    Probability {
        estimand,
        statement,
        threshold,
        probability: chance.exact.or(sampled.map(|s| s.probability)),
        sampled: sampled.map(|s| s.probability),
        mcse: sampled.and_then(|s| s.mcse),
        ess: sampled.and_then(|s| s.ess),
        exact: chance.exact,
        resolution: None,
        prior: None,
        prior_at_control_risk: None,
        unadjusted: None,
        unavailable: if nothing { reason.map(str::to_string) } else { None },
        exact_unavailable: None,
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
    /// The row of a measure, in a block that is of one subgroup or one pair.
    pub fn estimate(&self, measure: Measure) -> Option<&Estimate> {
        self.estimates.iter().find(|e| e.estimand.measure == measure)
    }

    /// Adds the exact engine's numbers to rows that were sampled: the same rows in the same order, but for parameters that
    /// only one of the two has.
    pub fn put_exact(&mut self, exact: &Block) {
        for other in &exact.parameters {
            match self.parameters.iter_mut().find(|p| p.parameter == other.parameter) {
                Some(row) => row.exact = other.exact,
                None => self.parameters.push(other.clone()),
            }
        }
        for (row, other) in self.estimates.iter_mut().zip(&exact.estimates) {
            row.exact = other.exact;
            row.exact_unavailable.clone_from(&other.unavailable);
        }
        for (row, other) in self.probabilities.iter_mut().zip(&exact.probabilities) {
            (row.exact, row.probability) = (other.exact, other.exact.or(row.sampled));
            row.exact_unavailable.clone_from(&other.unavailable);
        }
    }

    /// The smallest effective sample size among its rows.
    pub fn least_ess(&self) -> Option<f64> {
        let parameters = self.parameters.iter().map(|p| &p.reported);
        let rows = parameters.chain(self.estimates.iter().map(|e| &e.reported));
        rows.flat_map(|r| [r.ess_bulk, r.ess_tail]).flatten().reduce(f64::min)
    }

    /// How well every sampled probability without an exact one is known: its Monte Carlo error, and where it is rare or all
    /// draws agree, at least so much that twice the error is the 3/ESS within which such a probability lies.
    pub fn put_resolution(&mut self, least_ess: f64) {
        self.probabilities.iter_mut().for_each(|row| row.resolve(least_ess));
    }

    /// Where nothing was sampled the exact numbers are what is reported.
    pub fn report_exact(&mut self) {
        let parameters = self.parameters.iter_mut().map(|p| (&mut p.reported, &p.exact));
        let estimates = self.estimates.iter_mut().map(|e| (&mut e.reported, &e.exact));
        for (reported, exact) in parameters.chain(estimates) {
            if let (None, Some(summary)) = (reported.median, exact) {
                *reported = Reported::exactly(summary);
            }
        }
        for row in &mut self.estimates {
            if row.exact.is_some() {
                row.unavailable = None;
            }
        }
        for row in &mut self.probabilities {
            if row.exact.is_some() {
                row.unavailable = None;
            }
        }
    }

    /// Puts beside every estimate what the data alone say of it.
    pub fn beside_observed(&mut self, study: &Study) {
        for row in &mut self.estimates {
            row.observed = observed(study, row.estimand);
        }
    }

    /// Puts beside every row what the same row is under the prior alone. Every subgroup's prior is the same, and every
    /// pair's, so rows are matched by what they say, not of whom.
    pub fn beside(&mut self, prior: &Block) {
        for row in &mut self.parameters {
            let own = prior.parameters.iter().find(|p| p.parameter == row.parameter);
            let like = || prior.parameters.iter().find(|p| p.parameter.is_like(row.parameter));
            row.prior = own.or_else(like).and_then(ParameterRow::best);
        }
        for row in &mut self.estimates {
            let same = prior.estimates.iter().find(|p| p.estimand.is_like(row.estimand));
            row.prior = same.and_then(Estimate::best);
        }
        for row in &mut self.probabilities {
            let same = prior.probabilities.iter().find(|p| {
                p.estimand.is_like(row.estimand)
                    && p.statement == row.statement
                    && p.threshold == row.threshold
            });
            row.prior = same.and_then(Probability::best);
        }
    }
}

impl Block {
    /// The prior's risks of these very patients, where each subgroup has its own.
    pub fn beside_own_risks(&mut self, prior: &Block) {
        let is_risk = |m: Measure| {
            matches!(
                m,
                Measure::RiskControl
                    | Measure::RiskActive
                    | Measure::RiskDifference
                    | Measure::RiskRatio
                    | Measure::DifferenceOfRiskDifferences
            )
        };
        for (row, own) in
            self.estimates.iter_mut().zip(&prior.estimates).filter(|(r, _)| is_risk(r.estimand.measure))
        {
            row.prior = own.best();
        }
        let rows = self.probabilities.iter_mut().zip(&prior.probabilities);
        for (row, own) in rows.filter(|(r, _)| is_risk(r.estimand.measure)) {
            row.prior = own.best();
        }
    }
}

impl Reported {
    fn quantiles(&self) -> Option<Quantiles> {
        Some(Quantiles { median: self.median?, q2_5: self.q2_5?, q97_5: self.q97_5? })
    }
}

impl ParameterRow {
    /// The median and interval: exact where there are exact ones, otherwise sampled; none where there are neither.
    pub fn best(&self) -> Option<Quantiles> {
        self.exact.map(|s| s.quantiles).or(self.reported.quantiles())
    }
}

impl Estimate {
    /// The median and interval: exact where there are exact ones, otherwise sampled; none where there are neither.
    pub fn best(&self) -> Option<Quantiles> {
        self.exact.map(|s| s.quantiles).or(self.reported.quantiles())
    }
}

impl Probability {
    /// How well it is known, as [`Block::put_resolution`] says.
    pub(super) fn resolve(&mut self, least_ess: f64) {
        let sampled = self.exact.is_none() && self.sampled.is_some();
        let floor = 1.5 / self.ess.unwrap_or(least_ess);
        self.resolution = sampled.then(|| self.mcse.map_or(floor, |mcse| mcse.max(floor)));
    }

    /// The probability: exact where there is an exact one, otherwise sampled; none where there is neither.
    pub fn best(&self) -> Option<f64> {
        self.probability
    }
}
