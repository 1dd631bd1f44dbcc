//! True values of what is ranked, from parameters that were drawn.

use super::quantity::Quantity;
use super::typical::with_typical_bias;
use crate::model::{Drawn, Levels, LocationPrior, Model, NormalEstimate, Rows, Side};
use crate::numeric::{logistic, logit};
use crate::posterior::Parameter;

/// Parameters that were drawn, with data drawn from them.
pub struct Truth<'a> {
    observed: &'a Model,
    drawn: &'a Drawn,
    /// By subgroup; empty for estimates.
    risk_differences: Vec<f64>,
    log_likelihood: f64,
}

impl<'a> Truth<'a> {
    /// With the log likelihood, which is not needed where integrals are asked.
    pub fn of(observed: &'a Model, drawn: &'a Drawn, with_likelihood: bool) -> Truth<'a> {
        let risk_differences = risk_differences(observed, drawn);
        let log_likelihood = if with_likelihood { log_likelihood(observed, drawn) } else { f64::NAN };
        Truth { observed, drawn, risk_differences, log_likelihood }
    }

    /// The true value; none of what the model has not.
    pub fn value(&self, quantity: Quantity) -> Option<f64> {
        let drawn = self.drawn;
        match quantity {
            Quantity::Parameter(parameter) => self.parameter(parameter),
            Quantity::NewEffect => drawn.theta_new,
            Quantity::TowardsData(g) => Some(towards(self.observed, g) * drawn.theta.get(g)?),
            Quantity::RiskDifference(g) => self.risk_differences.get(g).copied(),
            Quantity::OverallRiskDifference => self.overall(),
            Quantity::LastLevel => self.last_level(),
            Quantity::LogLikelihood => Some(self.log_likelihood),
        }
    }

    fn parameter(&self, parameter: Parameter) -> Option<f64> {
        let drawn = self.drawn;
        let by_arm = |of: [f64; 2], side: Option<Side>| match side {
            Some(Side::Active) => of[1],
            _ => of[0],
        };
        let labels = drawn.labels.as_ref();
        match parameter {
            Parameter::Mu => drawn.mu,
            Parameter::Tau => drawn.tau,
            Parameter::BaselineMean => drawn.baseline.map(|(mean, _)| mean),
            Parameter::BaselineSd => drawn.baseline.map(|(_, sd)| sd),
            Parameter::Theta(g) => drawn.theta.get(g).copied(),
            Parameter::Alpha(g) => drawn.alpha.get(g).copied(),
            // Where all departures are known multiples of one number, one may be known to be none.
            Parameter::Departure(k) => {
                drawn.levels.as_ref()?.departures.get(k).copied().filter(|departure| *departure != 0.0)
            }
            Parameter::Gamma(j) => drawn.gamma.get(j).copied(),
            Parameter::CentreSd => drawn.centre_sd,
            Parameter::Sensitivity(side) => Some(by_arm(labels?.sensitivity, side)),
            Parameter::Specificity(side) => Some(by_arm(labels?.specificity, side)),
            Parameter::Prevalence(side) => Some(by_arm(labels?.share, side)),
            _ => None,
        }
    }

    /// The difference between the risks, averaged over all patients, with everybody active and nobody.
    fn overall(&self) -> Option<f64> {
        let cells = self.observed.observation.cells()?;
        let both = |pair: &crate::model::BinomialPair| [pair.control.total, pair.active.total];
        let sizes: Vec<f64> = match (cells.rows(), cells.misclassification(), &self.drawn.labels) {
            (Some(rows), ..) => rows.population_sizes.clone(),
            (None, Some(m), Some(labels)) => {
                let by_arm = |arm: usize| cells.pairs().iter().map(|pair| both(pair)[arm]).sum::<f64>();
                let all: [f64; 2] = [by_arm(0), by_arm(1)];
                let positive = all[0] * labels.share[0] + all[1] * labels.share[1];
                let rest = all[0] + all[1] - positive;
                (0..2).map(|g| if g == m.positive { positive } else { rest }).collect()
            }
            _ => cells.pairs().iter().map(|pair| both(pair).iter().sum()).collect(),
        };
        let patients: f64 = sizes.iter().sum();
        let sum: f64 = sizes.iter().zip(&self.risk_differences).map(|(n, difference)| n * difference).sum();
        (patients > 0.0).then(|| sum / patients)
    }

    fn last_level(&self) -> Option<f64> {
        let (levels, drawn) = (levels_of(self.observed)?, self.drawn.levels.as_ref()?);
        if self.observed.observation.rows().is_some() {
            return None;
        }
        let [control, _] = arms(self.observed, self.drawn);
        levels.log_odds(0, 0, *control.first()?, drawn).last().map(|x| logistic(*x))
    }
}

/// In which direction subgroup `g`'s own data lie from the middle of the prior of its effect: 1 or −1. Any function of the data
/// would do; this one speaks of whether they were heard.
pub fn towards(observed: &Model, g: usize) -> f64 {
    let middle = match &observed.effect {
        LocationPrior::Normals(normals) => normals.iter().map(|n| n.weight * n.mean).sum(),
        LocationPrior::StudentT { location, .. } => *location,
        LocationPrior::LogitBeta { a, b } => libm::log(a / b),
        LocationPrior::Flat => 0.0,
    };
    let observation = &observed.observation;
    let estimate = |of: &[NormalEstimate]| of.get(g).map(|e| e.estimate);
    let own = if let Some(cells) = observation.cells() {
        let log_odds = |events: f64, total: f64| logit((events + 0.5) / (total + 1.0));
        cells.pairs().get(g).map(|pair| {
            log_odds(pair.active.events, pair.active.total)
                - log_odds(pair.control.events, pair.control.total)
        })
    } else if let Some(correlated) = observation.correlated() {
        correlated.estimates().get(g).copied()
    } else {
        observation.estimates().and_then(estimate)
    };
    if own.is_some_and(|own| own < middle) { -1.0 } else { 1.0 }
}

pub fn levels_of(model: &Model) -> Option<&Levels> {
    model.observation.cells().and_then(|cells| cells.levels())
}

/// True log odds of the control arms and of the active arms; none for estimates.
fn arms(observed: &Model, drawn: &Drawn) -> [Vec<f64>; 2] {
    drawn.arms(observed.observation.cells().map(|cells| cells.baselines().of).unwrap_or_default())
}

/// Every subgroup's true risk difference; of rows averaged over them. None for estimates.
fn risk_differences(observed: &Model, drawn: &Drawn) -> Vec<f64> {
    let [control, active] = arms(observed, drawn);
    let departure = primary_departure(observed, drawn);
    if let Some(rows) = observed.observation.rows() {
        let mut risks = vec![[0.0; 2]; drawn.theta.len()];
        let theta: Vec<f64> = drawn.theta.iter().map(|t| t + departure).collect();
        rows.standardised((&control, &theta), (&drawn.gamma, &drawn.centres), &mut risks);
        return risks.iter().map(|[p0, p1]| p1 - p0).collect();
    }
    active.iter().zip(&control).map(|(x1, x0)| logistic(x1 + departure) - logistic(*x0)).collect()
}

/// By how much the active arms' log odds at the primary cut depart from the baseline plus the effect.
fn primary_departure(observed: &Model, drawn: &Drawn) -> f64 {
    let primary = levels_of(observed).map(|levels| levels.primary);
    let departures = drawn.levels.as_ref().map(|levels| &levels.departures);
    primary.zip(departures).and_then(|(p, d)| d.get(p).copied()).unwrap_or(0.0)
}

fn log_likelihood(observed: &Model, drawn: &Drawn) -> f64 {
    if let (Some(levels), Some(of_levels)) = (levels_of(observed), &drawn.levels) {
        return of_levels_alone(
            levels,
            &arms(observed, drawn),
            (&of_levels.offsets.concat(), &of_levels.departures),
        );
    }
    if let Some(rows) = observed.observation.rows() {
        return of_rows(rows, &arms(observed, drawn), (&drawn.gamma, &drawn.centres));
    }
    let typical = with_typical_bias(observed);
    typical.observation.log_likelihood(&drawn.theta, &drawn.alpha, drawn.labels.as_ref())
}

/// The log likelihood of patients by level, covariates aside: any function of data and parameters may be ranked.
pub fn of_levels_alone(
    levels: &Levels,
    arms: &[Vec<f64>; 2],
    (offsets, departures): (&[f64], &[f64]),
) -> f64 {
    let cuts = levels.cuts();
    let mut sum = 0.0;
    for (arm, log_odds) in arms.iter().enumerate() {
        for (g, x) in log_odds.iter().enumerate() {
            let departure = |k: usize| if arm == 1 { departures.get(k).copied().unwrap_or(0.0) } else { 0.0 };
            let at = |k: usize| x + offsets[levels.set_of(g) * cuts + k] + departure(k);
            sum += levels.log_likelihood(g, arm, &(0..cuts).map(at).collect::<Vec<f64>>());
        }
    }
    sum
}

/// The log likelihood of rows with covariates and centres.
pub fn of_rows(rows: &Rows, arms: &[Vec<f64>; 2], terms: (&[f64], &[f64])) -> f64 {
    let cells = arms.concat();
    let (mut a, mut b, mut c) = (vec![0.0; cells.len()], vec![0.0; terms.0.len()], vec![0.0; terms.1.len()]);
    rows.log_likelihood(&cells, terms, (&mut a, &mut b, &mut c), &mut rows.sums())
}
