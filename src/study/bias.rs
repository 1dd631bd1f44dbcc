//! Biases as data: what may make the data differ from the effects that are asked about. Their mathematics is in
//! `model`.

use super::LocationPrior;

/// A number that is known or has a prior: log odds, or a log ratio or difference.
#[derive(Debug, Clone, PartialEq)]
pub enum Nuisance {
    /// A known value.
    Known(f64),
    /// An unknown value with this prior.
    Location(LocationPrior),
    /// The log odds of a proportion that has the prior beta(a, b).
    LogitBeta {
        /// The first parameter of the beta distribution, above 0.
        a: f64,
        /// The second parameter of the beta distribution, above 0.
        b: f64,
    },
}

/// An unmeasured binary confounder.
#[derive(Debug, Clone, PartialEq)]
pub struct Confounder {
    /// The log odds of its prevalence in the control arm and in the active arm.
    pub prevalence: [Nuisance; 2],
    /// Its log odds ratio with the outcome, the same in both arms; for published estimates, its log ratio on their
    /// scale.
    pub log_odds_ratio: Nuisance,
}

/// The patients of one arm whose outcomes are missing.
#[derive(Debug, Clone, PartialEq)]
pub struct Missing {
    /// Their share of all the arm's patients, 0 < share < 1.
    pub share: f64,
    /// Log odds of an event among them minus those among patients with a known outcome.
    pub shift: Nuisance,
}

/// The biases that are allowed for in one subgroup.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SubgroupBias {
    /// An unmeasured confounder, if one is assumed.
    pub confounder: Option<Confounder>,
    /// A bias that is added to the log odds ratio or the published estimate, if one is assumed.
    pub shift: Option<Nuisance>,
    /// How missing outcomes differ, in the control arm and in the active arm; none where they are taken as missing at
    /// random.
    pub missing: [Option<Missing>; 2],
}

/// The assumption that patients' labels, which of two subgroups they belong to, may be wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Misclassification {
    /// The subgroup that sensitivity refers to, as its place in the study: 0 or 1.
    pub positive: usize,
    /// Log odds of P(labelled positive | truly positive), in the control arm and in the active arm.
    pub sensitivity: [Nuisance; 2],
    /// Log odds of P(labelled as the other | truly the other), in the control arm and in the active arm.
    pub specificity: [Nuisance; 2],
    /// Whether sensitivity is one unknown number for both arms, rather than two with the same prior.
    pub sensitivity_shared: bool,
    /// Whether specificity is one unknown number for both arms, rather than two with the same prior.
    pub specificity_shared: bool,
    /// Log odds of the true share of the positive subgroup, in the control arm and in the active arm.
    pub share: [Nuisance; 2],
}

/// All biases that a study allows for: the `[bias]` section of its model file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bias {
    /// One entry per subgroup, in the order of the data.
    pub subgroups: Vec<SubgroupBias>,
    /// How the labels of two subgroups may be wrong, if that is assumed.
    pub misclassification: Option<Misclassification>,
    /// Every assumption in words, one part each.
    pub assumptions: Vec<Assumption>,
    /// Whether the outcome is rare, for E-values of published odds and hazard ratios; none where the model file
    /// leaves it out.
    pub rare_outcome: Option<bool>,
}

/// One assumption about a bias, in words.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Assumption {
    /// Which kind of bias it is about.
    pub kind: BiasKind,
    /// The subgroup that it is about; none where it holds for all subgroups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subgroup: Option<String>,
    /// What is biased or unknown, such as "log odds ratio" or the name of a confounder.
    pub what: String,
    /// Its numbers and priors, as written in the model file.
    pub words: String,
}

/// The kinds of bias that can be allowed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BiasKind {
    /// A bias that is added to the log ratio or difference.
    Shift,
    /// An unmeasured binary confounder.
    Confounder,
    /// Missing outcomes that differ from the known ones.
    MissingOutcomes,
    /// Labels of subgroups that may be wrong.
    Misclassification,
}

impl Nuisance {
    /// The value, where it is known; none where it has a prior.
    pub fn known(&self) -> Option<f64> {
        match self {
            Nuisance::Known(x) => Some(*x),
            _ => None,
        }
    }

    /// The mirror image about zero: the distribution of minus the value.
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
    /// The same assumptions with the outcome coded the other way.
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
    /// Whether any bias is assumed; `rare_outcome` alone is none.
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
