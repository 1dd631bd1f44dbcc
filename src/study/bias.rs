//! What may stand between the effects that are asked for and the data: as data. Its mathematics is in `model`.

use super::LocationPrior;

/// A number that is known, or has a prior, on the log odds scale.
#[derive(Debug, Clone, PartialEq)]
pub enum Nuisance {
    Known(f64),
    Location(LocationPrior),
    /// The log odds of a share that has a beta prior.
    LogitBeta {
        a: f64,
        b: f64,
    },
}

/// A binary covariate that nobody adjusted for.
#[derive(Debug, Clone, PartialEq)]
pub struct Confounder {
    /// Log odds of its prevalence, control arm and active arm.
    pub prevalence: [Nuisance; 2],
    /// Its log odds ratio with the outcome, the same in both arms; with published estimates its log ratio on their scale.
    pub log_odds_ratio: Nuisance,
}

/// Outcomes of an arm that are not known.
#[derive(Debug, Clone, PartialEq)]
pub struct Missing {
    /// Of all the arm's patients, 0 < share < 1.
    pub share: f64,
    /// Log odds of an event among them minus those among the patients whose outcome is known.
    pub shift: Nuisance,
}

/// All that may stand between one subgroup's effect and its data.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SubgroupBias {
    pub confounder: Option<Confounder>,
    /// Added to the log odds ratio.
    pub shift: Option<Nuisance>,
    /// Control arm, active arm.
    pub missing: [Option<Missing>; 2],
}

/// Which of two subgroups a patient belongs to was judged, and may be wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Misclassification {
    /// The subgroup that sensitivity is about: 0 or 1.
    pub positive: usize,
    /// Log odds of P(label positive | truly positive) and of P(label other | truly other), control arm and active arm.
    pub sensitivity: [Nuisance; 2],
    pub specificity: [Nuisance; 2],
    /// The same unknown number in both arms, not two with the same prior.
    pub sensitivity_shared: bool,
    pub specificity_shared: bool,
    /// Log odds of the true share of the positive subgroup, control arm and active arm.
    pub share: [Nuisance; 2],
}

/// A study's `[bias]`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bias {
    /// In the order of the data.
    pub subgroups: Vec<SubgroupBias>,
    pub misclassification: Option<Misclassification>,
    /// What is assumed, part by part, in words.
    pub assumptions: Vec<Assumption>,
    /// For E-values of published odds and hazard ratios: whether the outcome is rare, if that was said.
    pub rare_outcome: Option<bool>,
}

/// One part of what is assumed about a bias.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Assumption {
    pub kind: BiasKind,
    /// None where it holds for all subgroups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subgroup: Option<String>,
    /// What is biased or unknown: "log odds ratio", the confounder's name.
    pub what: String,
    /// The numbers and priors as written.
    pub words: String,
}

/// How data may mislead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BiasKind {
    /// Added to the log ratio.
    Shift,
    Confounder,
    MissingOutcomes,
    Misclassification,
}

impl Nuisance {
    /// The value, where it is known.
    pub fn known(&self) -> Option<f64> {
        match self {
            Nuisance::Known(x) => Some(*x),
            _ => None,
        }
    }

    /// The mirror image about zero.
    #[must_use]
    pub fn mirrored(&self) -> Nuisance {
        match self {
            Nuisance::Known(x) => Nuisance::Known(-x),
            Nuisance::Location(prior) => Nuisance::Location(prior.mirrored()),
            Nuisance::LogitBeta { a, b } => Nuisance::LogitBeta { a: *b, b: *a },
        }
    }
}

impl SubgroupBias {
    /// The same assumptions about the outcome coded the other way.
    #[must_use]
    pub fn mirrored(&self) -> SubgroupBias {
        let missing = |m: &Missing| Missing { share: m.share, shift: m.shift.mirrored() };
        SubgroupBias {
            confounder: self.confounder.as_ref().map(|c| Confounder {
                prevalence: c.prevalence.clone(),
                log_odds_ratio: c.log_odds_ratio.mirrored(),
            }),
            shift: self.shift.as_ref().map(Nuisance::mirrored),
            missing: self.missing.each_ref().map(|m| m.as_ref().map(missing)),
        }
    }
}

impl Bias {
    /// Whether anything may stand between effects and data; `rare_outcome` alone does not.
    pub fn assumes_anything(&self) -> bool {
        let through = |s: &SubgroupBias| *s != SubgroupBias::default();
        !self.assumptions.is_empty() || self.misclassification.is_some() || self.subgroups.iter().any(through)
    }

    /// What is assumed, in one line without numbers.
    pub fn in_short(&self) -> String {
        let mut parts: Vec<&str> = Vec::new();
        for a in &self.assumptions {
            if !parts.contains(&a.what.as_str()) {
                parts.push(&a.what);
            }
        }
        parts.join("; ")
    }
}
