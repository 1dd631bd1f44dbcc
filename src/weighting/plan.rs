//! What is asked of weighting.

use serde::{Deserialize, Serialize};

use super::estimators::Estimator;

/// How effects are adjusted for who was treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Method {
    /// Each patient by the probability of having been in the other arm; of several arms by h/e, h = 1/Σ 1/eⱼ. The population is
    /// the one in equipoise.
    #[serde(rename = "overlap")]
    Overlap,
    /// Each patient by one over the probability of the arm that the patient was in.
    #[serde(rename = "inverse probability")]
    InverseProbability,
    /// Both: a regression of the outcome fitted with those weights, and averaged over the population (doubly robust).
    #[serde(rename = "augmented")]
    Augmented,
    /// A regression of the outcome, averaged over the population (g-computation).
    #[serde(rename = "regression")]
    Regression,
}

impl Method {
    /// As model files have it.
    pub fn in_words(self) -> &'static str {
        match self {
            Method::Overlap => "overlap",
            Method::InverseProbability => "inverse probability",
            Method::Augmented => "augmented",
            Method::Regression => "regression",
        }
    }

    pub(super) fn estimator(self) -> Estimator {
        match self {
            Method::Overlap | Method::InverseProbability => Estimator::Weighted,
            Method::Augmented => Estimator::DoublyRobust,
            Method::Regression => Estimator::Regression,
        }
    }
}

/// For whom effects are estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Estimand {
    /// All patients of a subgroup (average treatment effect, ATE).
    All,
    /// Those of them who were treated (ATT); of several active arms, with any.
    Treated,
    /// Those who might have been in either arm, each as far as that was open (ATO).
    Overlap,
}

impl Estimand {
    /// The population in words, after "in": "all patients".
    pub fn in_words(self) -> &'static str {
        match self {
            Estimand::All => "all patients",
            Estimand::Treated => "the treated patients",
            Estimand::Overlap => "patients who might have been in either arm (the overlap population)",
        }
    }

    /// The population in a few words: "overlap population".
    pub fn label(self) -> &'static str {
        match self {
            Estimand::All => "all patients",
            Estimand::Treated => "treated patients",
            Estimand::Overlap => "overlap population",
        }
    }

    /// As it is called where estimators are compared.
    pub fn short(self) -> &'static str {
        match self {
            Estimand::All => "ATE",
            Estimand::Treated => "ATT",
            Estimand::Overlap => "ATO",
        }
    }

    /// How much a patient with these probabilities of the arms counts in the population: 1, that of any active arm, or
    /// 1/Σ 1/eⱼ, which of two arms is their product.
    pub(super) fn tilt(self, e: &[f64]) -> f64 {
        match (self, e) {
            (Estimand::All, _) => 1.0,
            (Estimand::Treated, [_, active]) => *active,
            (Estimand::Treated, _) => 1.0 - e[0],
            (Estimand::Overlap, [control, active]) => active * control,
            (Estimand::Overlap, _) => 1.0 / e.iter().map(|e| 1.0 / e).sum::<f64>(),
        }
    }

    /// The weight of a patient of an arm (0 control): the tilt over the probability of that arm.
    pub(super) fn weight(self, e: &[f64], arm: usize) -> f64 {
        match (self, e) {
            (Estimand::All, _) => 1.0 / e[arm],
            (Estimand::Treated, [control, active]) if arm == 0 => active / control,
            (Estimand::Treated, [_, _]) => 1.0,
            (Estimand::Overlap, [_, _]) => e[1 - arm],
            _ => self.tilt(e) / e[arm],
        }
    }
}

/// The prior of the propensity's coefficients, on the log odds for one standard deviation of a column.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SlopePrior {
    /// Maximum likelihood; where that has no maximum, normal(0, 2.5).
    Flat,
    /// Normal around 0.
    Normal {
        /// Its standard deviation.
        sd: f64,
    },
}

/// The precision of normal(0, 2.5), the prior that takes a flat one's place where the data set no bound to a coefficient.
pub const FALLBACK_PRECISION: f64 = 1.0 / (2.5 * 2.5);

impl SlopePrior {
    /// As model files have it.
    pub fn in_words(self) -> String {
        match self {
            SlopePrior::Flat => "flat".to_string(),
            SlopePrior::Normal { sd } => format!("normal(0, {sd})"),
        }
    }

    /// The precision of each coefficient.
    pub(super) fn precision(self) -> f64 {
        match self {
            SlopePrior::Flat => 0.0,
            SlopePrior::Normal { sd } => 1.0 / (sd * sd),
        }
    }
}

/// All that is asked of weighting.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// How effects are adjusted.
    pub method: Method,
    /// For whom they are.
    pub estimand: Estimand,
    /// Whether every covariate has coefficients of its own in every subgroup.
    pub by_subgroup: bool,
    /// The prior of the propensity's coefficients.
    pub prior: SlopePrior,
    /// Propensities are kept within this and 1 less this; none where they are taken as they are.
    pub truncate: Option<f64>,
    /// Draws of the Bayesian bootstrap.
    pub replicates: usize,
    /// Replays of the study; 0 for none.
    pub replays: usize,
    /// Of all its randomness.
    pub seed: u64,
}
