//! How a study's effects were adjusted for who was treated, and what is told of it.

use std::sync::Arc;

use super::adjustment::and_listed;
use super::problem::Problem;
use super::{
    Covariance, Covariate, Estimates, Form, MOST_CORRELATED, Study, SubgroupCounts, SubgroupEstimate, Term,
    Together,
};
use crate::numeric::linear::{cholesky, invert_lower};
use crate::numeric::logit;
use crate::weighting::{Design, Estimand, Method, Plan, SlopePrior, Weighted};

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
    /// Patients by subgroup and arm; where the design alone was read, their events are not known and stand at 0.
    pub counts: Vec<SubgroupCounts>,
    /// Who was treated, without any outcome.
    pub design: Design,
    /// The row of the data file of each of the design's extreme patients.
    pub extreme_rows: Vec<u64>,
    /// Effects; none where the design alone was read.
    pub weighted: Option<Weighted>,
    /// Of several active arms what the data say of the log odds of every arm; none of one, whose effects are estimates.
    pub arms: Option<ArmLogOdds>,
}

/// What weighted patients say of the log odds of every arm of every subgroup: subgroups one after another, control first.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmLogOdds {
    /// Of all arms.
    pub estimates: Vec<f64>,
    /// Inverse of the lower Cholesky factor of their covariance, by row: it makes their errors independent, with variance 1.
    pub whitening: Vec<f64>,
}

impl Weighting {
    /// Whether there are several active arms.
    pub fn has_several_arms(&self) -> bool {
        self.design.subgroups.first().is_some_and(|g| g.arms.len() > 2)
    }

    /// The population in words, after "in": "all patients".
    pub fn population_in_words(&self) -> &'static str {
        match (self.plan.estimand, self.has_several_arms()) {
            (Estimand::Overlap, true) => "patients who might have been in any arm (the overlap population)",
            (Estimand::Treated, true) => "the treated patients, who had any of the active arms",
            (estimand, _) => estimand.in_words(),
        }
    }

    /// The covariates, such as "AGE, RSBP (spline, 4 knots) and RCONSC".
    pub fn covariates_in_words(&self) -> String {
        and_listed(self.covariates.iter().map(Covariate::in_words).collect())
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
                let several = self.plan.by_subgroup && self.design.subgroups.len() > 1;
                let own = if several { ", coefficients by subgroup" } else { "" };
                let kept = self.plan.truncate.map_or_else(String::new, |least| {
                    if self.has_several_arms() {
                        return format!(", probabilities of arms raised to {least} at least");
                    }
                    let kept = format!(", propensities kept within {least} and {:.4}", 1.0 - least);
                    kept.trim_end_matches('0').to_string()
                });
                let prior = match self.plan.prior {
                    SlopePrior::Flat => String::new(),
                    normal => format!(", prior {}", normal.in_words()),
                };
                let model = if self.has_several_arms() { "multinomial propensity" } else { "propensity" };
                format!("{weights} from a {model} on {}{own}{prior}{kept}", self.covariates_in_words())
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
    pub(crate) fn adjusted_for(&self) -> String {
        let by = match (self.plan.method, &self.given) {
            (Method::Regression, _) => "by a regression of the outcome",
            (_, Some(_)) => "by weights that were computed elsewhere",
            (Method::Augmented, None) => "by weights and a regression of the outcome",
            _ => "by weights",
        };
        let whom = match (self.plan.estimand, self.has_several_arms()) {
            (Estimand::All, _) => "in all patients",
            (Estimand::Treated, false) => "in the treated patients",
            (Estimand::Treated, true) => "in the treated patients (who had any of the active arms)",
            (Estimand::Overlap, false) => {
                "in the overlap population (patients who might have been in either arm)"
            }
            (Estimand::Overlap, true) => {
                "in the overlap population (patients who might have been in any arm)"
            }
        };
        match self.given.is_some() {
            true => format!("adjusted {by}, and the program does not know for what, {whom}"),
            false => {
                format!("adjusted for {} and for nothing else, {by}, {whom}", self.covariates_in_words())
            }
        }
    }

    /// What the plan's own estimator is called where its effects stand: "Weighted".
    pub fn own_in_words(&self) -> &'static str {
        match self.plan.method {
            Method::Overlap | Method::InverseProbability => "Weighted",
            Method::Augmented => "Doubly robust",
            Method::Regression => "Regression",
        }
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

    /// An estimator's effects with their covariance, the replay's factors in it, and the baselines beside them; none where they are
    /// correlated and too many. The problem says which effects can't be told apart.
    pub fn estimates(&self, estimator: usize, names: &[&str]) -> Result<Option<Estimates>, Problem> {
        let Some(found) = &self.weighted else { return Ok(None) };
        let n = found.subgroups();
        let (effects, matrix) = (found.effects(estimator), found.covariance(estimator));
        let se = |g: usize| libm::sqrt(matrix[g * n + g]);
        let row = |g: usize| SubgroupEstimate::of(names[g], effects[g], se(g));
        let correlated = (0..n * n).any(|k| k / n != k % n && matrix[k] != 0.0);
        if correlated && n > MOST_CORRELATED {
            return Ok(None);
        }
        let together = Together::Covariance(matrix.chunks(n).map(<[f64]>::to_vec).collect());
        let errors: Vec<f64> = (0..n).map(se).collect();
        let covariance = if correlated { Covariance::of(&together, names, &errors)? } else { None };
        Ok(Some(Estimates {
            rows: (0..n).map(row).collect(),
            covariance: covariance.map(Arc::new),
            baselines: Some(Arc::new(self.baselines(estimator))),
        }))
    }

    /// What an estimator says of the log odds of every arm, with the replay's factors; none where the design alone was read, and
    /// where their errors can't be told apart.
    pub fn log_odds(&self, estimator: usize) -> Option<ArmLogOdds> {
        let found = self.weighted.as_ref()?;
        let spread = &found.spread[estimator];
        let (subgroups, active) = (found.subgroups(), found.active_arms());
        let (factors, baseline) = (found.factors(estimator), found.baseline_factors(estimator));
        let (arms, effects) = (active + 1, subgroups * active);
        let n = subgroups * arms;
        // In terms of baselines and effects, each with its factor; a place without a remainder is a baseline's.
        let covariance = |j: usize, k: usize| {
            let (g, h) = (j / arms, k / arms);
            match (j % arms, k % arms) {
                (0, 0) => spread.baseline_covariance[g * subgroups + h] * baseline[g] * baseline[h],
                (0, b) => {
                    let b = found.effect(h, b);
                    spread.mixed_covariance[g * effects + b] * baseline[g] * factors[b]
                }
                (a, 0) => {
                    let a = found.effect(g, a);
                    spread.mixed_covariance[h * effects + a] * baseline[h] * factors[a]
                }
                (a, b) => {
                    let (a, b) = (found.effect(g, a), found.effect(h, b));
                    spread.covariance[a * effects + b] * factors[a] * factors[b]
                }
            }
        };
        // Log odds of an arm: the baseline, its own effect, less the mean of all arms' effects.
        let parts = |k: usize| {
            let (g, arm) = (k / arms, k % arms);
            let effect = move |a: usize| f64::from(u8::from(a == arm)) - 1.0 / arms as f64;
            std::iter::once((g * arms, 1.0)).chain((1..arms).map(move |a| (g * arms + a, effect(a))))
        };
        let mut matrix = vec![0.0; n * n];
        for (k, entry) in matrix.iter_mut().enumerate() {
            for (i, by) in parts(k / n) {
                *entry += parts(k % n).map(|(j, of)| by * of * covariance(i, j)).sum::<f64>();
            }
        }
        let whitening = invert_lower(&cholesky(&matrix, n)?, n);
        let risks = found.risks[estimator][..subgroups].iter().flat_map(|r| &r.by_arm);
        Some(ArmLogOdds { estimates: risks.map(|p| logit(*p)).collect(), whitening })
    }

    /// Baselines beside an estimator's effects, with the replay's factors.
    fn baselines(&self, own: usize) -> Vec<LinkedBaseline> {
        let Some(found) = &self.weighted else { return Vec::new() };
        let (spread, factors, baseline) =
            (&found.spread[own], found.factors(own), found.baseline_factors(own));
        let n = found.subgroups();
        let of = |g: usize| {
            let by = baseline[g];
            let variance = spread.covariance[g * n + g] * factors[g] * factors[g];
            let covariance = spread.mixed_covariance[g * n + g] * factors[g] * by;
            let slope = covariance / variance;
            let rest = (spread.baseline_covariance[g * n + g] * by * by - slope * covariance).max(0.0);
            LinkedBaseline {
                mean: found.risks[own][g].baseline(),
                slope,
                sd: libm::sqrt(rest),
                share: found.shares[g],
            }
        };
        (0..n).map(of).collect()
    }
}

impl Study {
    /// Events and patients by subgroup and arm as they were counted: the data themselves, or the patients who were weighted. None
    /// of published estimates.
    pub fn counted(&self) -> Option<&[SubgroupCounts]> {
        let weighted = self.weighting.as_ref().map(|w| w.counts.as_slice());
        weighted.or_else(|| self.data.counts())
    }

    /// Whether the design alone was read, and no outcome.
    pub fn is_design_alone(&self) -> bool {
        self.weighting.as_ref().is_some_and(|w| w.weighted.is_none())
    }

    /// How many patients have a known outcome; none of published estimates, whose patients are not known.
    pub fn patients_counted(&self) -> Option<u64> {
        self.counted().map(|rows| rows.iter().map(SubgroupCounts::patients).sum())
    }

    /// For whom weighted effects are, in a few words: "overlap population". None of other effects.
    pub fn weighted_population(&self) -> Option<&'static str> {
        self.weighting.as_ref().map(|w| w.plan.estimand.label())
    }
}
