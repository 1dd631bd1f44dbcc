//! How a study's effects were adjusted for who was treated, and what is told of it.

use super::{Covariate, Form, Term};
use crate::weighting::{Design, ESTIMATORS, Estimand, Method, Plan, SlopePrior, Weighted};

/// A baseline α (the mean of both arms' log odds) beside the estimate of its subgroup's effect θ: given θ it is normal, around
/// `mean` + `slope` · (θ − the estimate).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinkedBaseline {
    /// Where θ is as it was estimated, in log odds.
    pub mean: f64,
    /// In log odds for one unit of θ.
    pub slope: f64,
    /// Its standard deviation given θ, in log odds.
    pub sd: f64,
    /// The subgroup's share of the estimand's population.
    pub share: f64,
}

/// Weighting for treatment that was not randomised.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighting {
    /// How it is done.
    pub plan: Plan,
    /// What the propensity has, and a regression of the outcome; beside weights computed elsewhere, what balance is told of.
    pub covariates: Vec<Covariate>,
    /// Their columns.
    pub terms: Vec<Term>,
    /// The column of weights that were computed elsewhere; none where they follow from the propensity.
    pub given: Option<String>,
    /// Who was treated, without any outcome.
    pub design: Design,
    /// The row of the data file of each of the design's extreme patients.
    pub extreme_rows: Vec<u64>,
    /// Effects; none where the design alone was read.
    pub weighted: Option<Weighted>,
}

impl Weighting {
    /// The covariates, such as "AGE, RSBP (spline, 4 knots) and RCONSC".
    pub fn covariates_in_words(&self) -> String {
        let covariate = |c: &Covariate| match &c.form {
            Form::Spline { knots } => format!("{} (spline, {} knots)", c.column, knots.len()),
            _ => c.column.clone(),
        };
        let all: Vec<String> = self.covariates.iter().map(covariate).collect();
        match all.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            _ => all.concat(),
        }
    }

    /// What is done, such as "overlap weights from a propensity on AGE and SEX in each subgroup".
    pub fn in_words(&self) -> String {
        let weights = match self.plan.estimand {
            Estimand::Overlap => "overlap weights",
            Estimand::All => "inverse probability weights",
            Estimand::Treated => "inverse probability weights of the treated",
        };
        let of = match &self.given {
            Some(column) => format!("the weights of the column {column}"),
            None => {
                let own = if self.plan.by_subgroup { ", coefficients by subgroup" } else { "" };
                format!("{weights} from a propensity on {}{own}", self.covariates_in_words())
            }
        };
        match self.plan.method {
            Method::Overlap | Method::InverseProbability => of,
            Method::Augmented => {
                format!("{of}, and a regression of the outcome on the same covariates (doubly robust)")
            }
            Method::Regression => {
                format!("a regression of the outcome on {}", self.covariates_in_words())
            }
        }
    }

    /// What the effects are adjusted for, as the end of a sentence.
    pub(super) fn adjusted_for(&self) -> String {
        let by = match (self.plan.method, &self.given) {
            (Method::Regression, _) => "by a regression of the outcome",
            (_, Some(_)) => "by weights that were computed elsewhere",
            (Method::Augmented, None) => "by weights and a regression of the outcome",
            _ => "by weights",
        };
        match self.covariates.is_empty() {
            true => format!("adjusted {by}, and the program does not know for what"),
            false => format!("adjusted for {} and for nothing else, {by}", self.covariates_in_words()),
        }
    }

    /// For whom the effects are, as the end of a sentence: "in all patients".
    pub fn population_in_words(&self) -> &'static str {
        self.plan.estimand.in_words()
    }

    /// The prior of the propensity's coefficients in words.
    pub fn prior_in_words(&self) -> String {
        match self.plan.prior {
            SlopePrior::Flat => "flat (maximum likelihood)".to_string(),
            normal => normal.in_words(),
        }
    }

    /// The name of the covariate of levels at a place among those that have levels, with the level: "RCONSC=D".
    pub fn level_in_words(&self, factor: usize, term: Option<usize>) -> String {
        if let Some(term) = term.and_then(|k| self.terms.get(k)) {
            return term.name.clone();
        }
        let mut factors = self.covariates.iter().filter_map(|c| match &c.form {
            Form::Levels { reference } => Some(format!("{}={reference}", c.column)),
            _ => None,
        });
        factors.nth(factor).unwrap_or_default()
    }

    /// Baselines beside the effects of the plan's own estimator, with the replay's factors.
    pub(crate) fn baselines(&self) -> Vec<LinkedBaseline> {
        let Some(found) = &self.weighted else { return Vec::new() };
        let own = found.own();
        let (spread, factors) = (&found.spread[own], found.factors(own));
        let n = found.subgroups();
        let of = |g: usize| {
            let replayed = found.replay.as_ref().and_then(|r| r.estimators[own].get(g));
            let by = replayed.map_or(1.0, |r| r.baseline_factor);
            let variance = spread.covariance[g * n + g] * factors[g] * factors[g];
            let covariance = spread.baseline_covariance[g] * factors[g] * by;
            let slope = covariance / variance;
            let rest = (spread.baseline_variance[g] * by * by - slope * covariance).max(0.0);
            LinkedBaseline {
                mean: found.risks[own][g].baseline(),
                slope,
                sd: libm::sqrt(rest),
                share: found.shares[g],
            }
        };
        (0..n).map(of).collect()
    }

    /// The name of an estimator, with the plan's own marked.
    pub fn estimator_in_words(&self, estimator: usize) -> &'static str {
        ESTIMATORS[estimator].in_words()
    }
}
