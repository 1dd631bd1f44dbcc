//! A study: its data, its priors, what may stand between effects and data, and what is decided on it. It knows nothing of
//! files; [`input`](crate::input) makes it from them, and [`Study::builder`] from values, both under the same rules.

mod adjusted_for;
mod adjustment;
mod arm_priors;
mod audit;
mod bias;
mod builder;
mod changed;
pub(crate) mod checksum;
mod decision;
mod design;
pub mod distributions;
pub(crate) mod draws;
pub(crate) mod estimates;
mod external;
mod factors;
mod level_priors;
mod measure;

pub(crate) mod names;
mod outcome;
mod patients;
mod patterns;
mod prior;
pub(crate) mod problem;
pub(crate) mod rules;
mod spread;
mod thresholds;
mod utility_sets;
mod weighting;
pub(crate) mod written;

pub use adjustment::{Adjustment, Centres, Covariate, Form, Population, PriorFor, Term};
pub use arm_priors::{ArmPriors, RelatedArms};
pub use audit::{Audit, AuditCell, AuditRow};
pub use bias::{Assumption, Bias, BiasKind, Confounder, Misclassification, Missing, Nuisance, SubgroupBias};
pub(crate) use builder::Read;
pub use builder::{Endpoint, PooledPriors, PriorChanges, StudyBuilder};
pub use changed::Changed;

pub use decision::{
    Action, Bound, Costs, CredibilitySection, Criterion, Decision, DecisionOutcome, Layers, MOST_MEMBERS,
    MOST_OUTCOMES, Member, Rule, Values, View, Worth, active_risk, needs_baseline,
};
pub use design::{Design, StatedTruth};
pub use draws::{DrawsFile, FittedUnder};
pub use estimates::Figure;
pub use external::about_sources;
pub use factors::{Factor, FactorPriors, Factors, Interactions, MOST_CROSSED, MOST_FACTOR_LEVELS, Slab};
pub use level_priors::{Cutpoints, Departure, LevelPriors, Shape};
pub use measure::{Axis, Measure};
pub use outcome::{
    ArmCounts, ArmLevels, Covariance, Data, Estimates, HigherIs, LevelData, LevelScale, MOST_CORRELATED,
    MOST_LEVELS, Outcome, Scale, SubgroupCounts, SubgroupEstimate, SubgroupLevels, Together, Utilities,
};
pub use patients::{ColumnAccount, Dropped, LevelAccount, Numbers, PatientFile};
pub use patterns::Patterns;
pub use prior::{
    BaselineOf, HeterogeneityPrior, LibraryPrior, LocationPrior, NormalComponent, four_decimals,
    library_names, library_priors,
};
pub use problem::{Part, PriorPart, Problem};
pub use spread::{Spread, StandAlone};
pub use thresholds::Thresholds;
pub use utility_sets::{UTILITY_SETS, UtilitySet};
pub use weighting::{ArmLogOdds, LinkedBaseline, Weighting};

use std::path::PathBuf;
use std::sync::Arc;

/// What the group is called where there are no subgroups.
pub(crate) const ALL_PATIENTS: &str = "all patients";

/// The most subgroups that a study may have.
pub const MOST_SUBGROUPS: usize = 500;

pub use crate::weighting::MOST_ARMS;

/// A study with its priors, ready to be modelled.
#[derive(Debug, Clone)]
pub struct Study {
    /// The shipped model's name, or the file's without its extension; of a study built in code, what it was given.
    pub name: String,
    /// In one line; heads every output.
    pub title: String,
    /// Where the study is published.
    pub citation: Vec<String>,
    /// Made-up numbers: every output carries a banner.
    pub illustrative: bool,
    /// A remark on the data, shown in the audit.
    pub note: Option<String>,
    /// How patients came to be treated.
    pub assignment: Assignment,
    /// Who could take part, in words; none where it is not stated.
    pub eligibility: Option<String>,
    /// When follow-up began, in words; none where it is not stated.
    pub time_zero: Option<String>,
    /// What was measured, and which way is good.
    pub outcome: Outcome,
    /// What was compared with what.
    pub treatment: Treatment,
    /// What the subgroups are, such as "cohort".
    pub subgroup_name: String,
    /// What several of them are called, such as "cohorts"; none where it is not stated.
    pub subgroup_plural: Option<String>,
    /// Whether there are no further subgroups of the kind, so that nothing is reported of a further one.
    pub exhaustive: bool,
    /// Whether there are no subgroups: one group, which stands for all patients.
    pub undivided: bool,
    /// Several factors whose crossed levels are the subgroups; none where these are of one kind.
    pub factors: Option<Arc<Factors>>,
    /// The observations by subgroup.
    pub data: Data,
    /// How the subgroups borrow from each other.
    pub pooling: Pooling,
    /// The priors that the study is fitted under.
    pub priors: Priors,
    /// Further priors by name, as they stand in the model file.
    pub named: Vec<NamedPriors>,
    /// The magnitude for the reanalysis library's optimistic and pessimistic priors, above 1.
    pub expected_odds_ratio: Option<f64>,
    /// Sizes of effect whose probabilities are reported.
    pub thresholds: Thresholds,
    /// What may stand between effects and data.
    pub bias: Option<Bias>,
    /// The account of a file of patients, where the data are one.
    pub patients: Option<PatientFile>,
    /// The account of a file of posterior draws, where the estimates are their summary.
    pub draws: Option<Arc<DrawsFile>>,
    /// Covariates and centres that the effects are adjusted for.
    pub adjustment: Option<Arc<Adjustment>>,
    /// Weights for treatment that was not randomised, where effects are adjusted by them; the data are then the weighted effects.
    pub weighting: Option<Arc<Weighting>>,
    /// What is taken to be true when studies are simulated.
    pub design: Design,
    /// What a reader should know that is not an error.
    pub notices: Vec<String>,
    /// What was changed of the model file for this run.
    pub changed: Changed,
    /// The files that it was read from, all of them: the model file, its data file, and those of the models that it names.
    pub files: Vec<PathBuf>,
    /// The model file as read; of a study built in code, one that says the same.
    pub text: String,
    /// SHA-256 of the model file, in hexadecimal.
    pub model_sha256: String,
    /// Of the data file; of the model file where the data stand in it.
    pub data_sha256: String,
}

/// How patients came to be treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Assignment {
    /// By chance: a difference in outcome is the treatment's doing.
    Randomised,
    /// By judgement or circumstance: a difference is an association.
    Observational,
}

impl Assignment {
    /// As model files and sentences have it.
    pub fn in_words(self) -> &'static str {
        match self {
            Assignment::Randomised => "randomised",
            Assignment::Observational => "observational",
        }
    }
}

/// What was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Treatment {
    /// What is done, such as "rescue stenting".
    pub name: String,
    /// What each arm had: the control arm first, then those that are compared with it.
    pub arms: Vec<String>,
}

impl Treatment {
    /// Two arms.
    pub fn of_pair(
        name: impl Into<String>,
        control: impl Into<String>,
        active: impl Into<String>,
    ) -> Treatment {
        Treatment { name: name.into(), arms: vec![control.into(), active.into()] }
    }

    /// Whether several arms are compared with the control arm.
    pub fn has_several_arms(&self) -> bool {
        self.arms.len() > 2
    }

    /// What the control arm had.
    pub fn control(&self) -> &str {
        &self.arms[0]
    }

    /// What the active arms had, in words: "balloon, stent or both".
    pub fn all_active(&self) -> String {
        match &self.arms[1..] {
            [one] => one.clone(),
            [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
            [] => String::new(),
        }
    }

    /// What the arm had that is compared with it; of several the first.
    pub fn active(&self) -> &str {
        &self.arms[1]
    }
}

/// How the subgroups borrow from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// Each effect from a common normal distribution whose mean and spread are estimated.
    Partial,
    /// Each subgroup alone, under the same marginal prior.
    None,
    /// One effect for all.
    Complete,
    /// Each effect from a common normal distribution as under partial pooling, or from a normal prior of its own.
    #[serde(rename = "exchangeable or not")]
    ExchangeableOrNot,
    /// As partial pooling, but the common distribution is a Student t; a model file says it by `effects`.
    #[serde(rename = "student-t", skip_deserializing)]
    StudentT,
}

impl Pooling {
    /// As results have it.
    pub fn in_words(self) -> &'static str {
        match self {
            Pooling::Partial => "partial",
            Pooling::None => "none",
            Pooling::Complete => "complete",
            Pooling::ExchangeableOrNot => "exchangeable or not",
            Pooling::StudentT => "student-t",
        }
    }

    /// Whether effects come from a common distribution that is not normal, which is integrated and never sampled.
    pub fn is_integrated_alone(self) -> bool {
        matches!(self, Pooling::ExchangeableOrNot | Pooling::StudentT)
    }
}

/// A prior in the user's words and as a distribution.
#[derive(Debug, Clone, PartialEq)]
pub struct Written<T> {
    /// What is computed with.
    pub distribution: T,
    /// As it was written.
    pub words: String,
}

/// All priors of a study.
#[derive(Debug, Clone, PartialEq)]
pub struct Priors {
    /// Of the mean effect μ, on the scale of θ.
    pub effect: Written<LocationPrior>,
    /// None under complete pooling.
    pub heterogeneity: Option<Written<HeterogeneityPrior>>,
    /// None for estimates.
    pub baseline: Option<Written<BaselinePrior>>,
    /// Where a baseline lies between the arms' log odds.
    pub baseline_of: BaselineOf,
    /// What is assumed of the levels of an ordinal outcome; none for others.
    pub levels: Option<LevelPriors>,
    /// What is assumed of several active arms; none where there is one.
    pub arms: Option<ArmPriors>,
    /// What is assumed of several factors; none where there is one.
    pub factors: Option<FactorPriors>,
    /// The degrees of freedom of Student t effects; none for normal ones.
    pub degrees: Option<f64>,
    /// What is assumed of subgroups that may stand alone; none for other poolings, and where nothing is said.
    pub alone: Option<StandAlone>,
}

/// What the priors of a study are, whatever words they are written in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distributions<'a> {
    effect: &'a LocationPrior,
    heterogeneity: Option<&'a HeterogeneityPrior>,
    baseline: Option<&'a BaselinePrior>,
    baseline_of: BaselineOf,
    levels: Option<&'a LevelPriors>,
    arms: Option<arm_priors::ArmDistributions<'a>>,
    factors: Option<(Interactions, Option<&'a LocationPrior>)>,
    degrees: Option<f64>,
    alone: Option<(f64, Option<&'a LocationPrior>)>,
}

impl Priors {
    /// The priors without their words, to tell whether two sets are the same.
    pub fn distributions(&self) -> Distributions<'_> {
        Distributions {
            effect: &self.effect.distribution,
            heterogeneity: self.heterogeneity.as_ref().map(|h| &h.distribution),
            baseline: self.baseline.as_ref().map(|b| &b.distribution),
            baseline_of: self.baseline_of,
            levels: self.levels.as_ref(),
            arms: self.arms.as_ref().map(ArmPriors::distributions),
            factors: self.factors.as_ref().map(FactorPriors::distributions),
            degrees: self.degrees,
            alone: self.alone.as_ref().map(|a| (a.exchangeable, a.prior.as_ref().map(|p| &p.distribution))),
        }
    }
}

impl<'a> Distributions<'a> {
    /// The baseline's prior, and where the baseline lies between the arms' log odds.
    pub fn baseline(&self) -> (Option<&'a BaselinePrior>, BaselineOf) {
        (self.baseline, self.baseline_of)
    }
}

/// A further set of priors.
#[derive(Debug, Clone)]
pub struct NamedPriors {
    /// What it is asked for by.
    pub name: String,
    /// With what it leaves out filled in from the model's own.
    pub priors: Priors,
    /// Where part of the effect prior comes from, if it comes from elsewhere.
    pub external: Option<External>,
}

/// Other studies from which an effect prior is made.
#[derive(Debug, Clone)]
pub struct External {
    /// Each is fitted by itself; its further similar subgroup is the prior.
    pub sources: Vec<Study>,
    /// How much of the prior they make up, 0 to 1.
    pub weight: f64,
}

/// The prior of the baselines' log odds.
#[derive(Debug, Clone, PartialEq)]
pub enum BaselinePrior {
    /// Each subgroup's own, under the same prior.
    Independent(LocationPrior),
    /// From a common normal distribution whose mean and sd are estimated.
    Exchangeable {
        /// Of their mean.
        mean: LocationPrior,
        /// Of their sd.
        sd: HeterogeneityPrior,
    },
}

impl Study {
    /// The statement that an observational study carries wherever a number stands, with what it is adjusted for; and what the
    /// numbers allow for, if anything.
    pub fn assignment_statement(&self) -> Option<String> {
        let assignment = (self.assignment == Assignment::Observational).then(|| {
            format!("Treatment was not randomised: these are associations, {}.", self.adjusted_in_words())
        });
        let both: Vec<String> = assignment.into_iter().chain(self.bias_statement()).collect();
        (!both.is_empty()).then(|| both.join(" "))
    }

    /// Which bias the numbers allow for.
    pub fn bias_statement(&self) -> Option<String> {
        let bias = self.bias.as_ref().filter(|b| !b.assumptions.is_empty())?;
        Some(format!(
            "The numbers allow for what [bias] assumes ({}); those without it stand beside them.",
            bias.in_short()
        ))
    }

    /// Whether the other's fit is this one's: the same data under the same priors, asked about in the same way.
    pub fn fits_as(&self, other: &Study) -> bool {
        self.data == other.data
            && self.adjustment == other.adjustment
            && self.weighting == other.weighting
            && self.bias == other.bias
            && self.pooling == other.pooling
            && self.priors.distributions() == other.priors.distributions()
            && self.thresholds == other.thresholds
            && self.outcome == other.outcome
            && self.treatment == other.treatment
            && self.subgroup_name == other.subgroup_name
            && self.subgroup_plural == other.subgroup_plural
            && self.exhaustive == other.exhaustive
            && self.undivided == other.undivided
            && self.factors == other.factors
            && self.assignment == other.assignment
    }

    /// What the model has several of, which are sampled and not integrated: "several active arms", "several subgroup factors".
    /// None where two arms are compared by subgroups of one kind.
    pub fn has_several(&self) -> Option<&'static str> {
        match (&self.factors, self.treatment.has_several_arms()) {
            (Some(_), _) => Some("several subgroup factors"),
            (None, true) => Some("several active arms"),
            (None, false) => None,
        }
    }

    /// What several subgroups are called: as the model file says, or "subgroups".
    pub fn subgroups(&self) -> &str {
        self.subgroup_plural.as_deref().unwrap_or("subgroups")
    }

    /// The same study without `[bias]`; none where that assumes nothing.
    pub fn without_bias(&self) -> Option<Study> {
        self.bias.as_ref().filter(|b| b.assumes_anything())?;
        Some(Study { bias: None, ..self.clone() })
    }

    /// The banner of made-up numbers.
    pub fn illustrative_statement(&self) -> Option<&'static str> {
        self.illustrative
            .then_some("ILLUSTRATIVE: the numbers in this model are made up. Do not cite or act on them.")
    }

    /// The banner and the statement of an observational study, where they apply.
    pub fn caveats(&self) -> Vec<String> {
        let banner = self.illustrative_statement().map(str::to_string);
        banner.into_iter().chain(self.assignment_statement()).collect()
    }

    /// What must stand wherever a number stands: the caveats, and what was changed of the model.
    pub fn statements(&self) -> Vec<String> {
        self.caveats().into_iter().chain(self.changed.statements()).collect()
    }
}
