//! What the user wrote, read and validated: the model file, its data, its priors as written.

mod adjust_section;
mod adjustment;
mod audit;
mod bias;
mod bias_section;
mod bias_values;
mod bias_words;
mod build;
mod decision;
mod design;
mod draft;
mod estimates;
mod model_file;
mod named;
mod nearest;
mod number;
mod opening;
mod patients;
mod prior;
mod prior_words;
mod schema;
mod shipped;
mod source;
mod table;
mod values;
mod words;

pub use adjustment::{Adjustment, Centres, Covariate, Form, Patterns, Population, PriorFor, Term};
pub use audit::{Audit, AuditRow};
pub use bias::{Assumption, Bias, BiasKind, Confounder, Misclassification, Missing, Nuisance, SubgroupBias};
pub use decision::{
    Action, Bound, Costs, CredibilitySection, Criterion, Decision, DecisionFile, DecisionOutcome, Layers,
    Member, Rule, Values, View, active_risk, is_decision, open_decision, open_decision_with,
};
pub use draft::{Draft, draft};
pub use model_file::ModelFile;
pub use named::about_sources;
pub use opening::{Reading, open, open_copy, open_text, open_with};
pub use patients::{ColumnAccount, Dropped, LevelAccount, Numbers, PatientFile, Surveyed, rows_read, survey};
pub use prior::{
    BaselineOf, HeterogeneityPrior, LibraryPrior, LocationPrior, NormalComponent, four_decimals,
    library_names, library_priors,
};
pub use schema::{decision_schema, json_schema};
pub use shipped::{Shipped, shipped, shipped_decisions};
pub use source::{Source, read_at_most};

use std::path::PathBuf;
use std::sync::Arc;

/// The most subgroups that a study may have.
pub const MOST_SUBGROUPS: usize = 500;

/// A study with its priors, ready to be modelled.
#[derive(Debug, Clone)]
pub struct Study {
    /// The shipped model's name, or the file's without its extension.
    pub name: String,
    pub title: String,
    pub citation: Vec<String>,
    /// Made-up numbers: every output carries a banner.
    pub illustrative: bool,
    /// A remark on the data, shown in the audit.
    pub note: Option<String>,
    pub assignment: Assignment,
    pub eligibility: Option<String>,
    pub time_zero: Option<String>,
    pub outcome: Outcome,
    pub treatment: Treatment,
    /// What the subgroups are, such as "cohort".
    pub subgroup_name: String,
    pub data: Data,
    pub pooling: Pooling,
    pub priors: Priors,
    /// Further priors by name, as they stand in the model file.
    pub named: Vec<NamedPriors>,
    /// The magnitude for the reanalysis library's optimistic and pessimistic priors, above 1.
    pub expected_odds_ratio: Option<f64>,
    pub thresholds: Thresholds,
    /// What may stand between effects and data.
    pub bias: Option<Bias>,
    /// The account of a file of patients, where the data are one.
    pub patients: Option<PatientFile>,
    /// Covariates and centres that the effects are adjusted for.
    pub adjustment: Option<Arc<Adjustment>>,
    /// What a reader should know that is not an error.
    pub notices: Vec<String>,
    /// The files that it was read from, all of them: the model file, its data file, and those of the models that it names.
    pub files: Vec<PathBuf>,
    /// The model file as read.
    pub text: String,
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

/// Which way is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum HigherIs {
    Better,
    Worse,
}

impl HigherIs {
    /// s of every formula: benefit is s · effect > 0.
    pub fn sign(self) -> f64 {
        match self {
            HigherIs::Better => 1.0,
            HigherIs::Worse => -1.0,
        }
    }
}

/// The scale of the effect θ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    LogOddsRatio,
    LogRiskRatio,
    LogHazardRatio,
    /// A difference of means or of risks, not a logarithm.
    Difference,
}

impl Scale {
    /// "odds ratio" and its like.
    pub fn measure_in_words(self) -> &'static str {
        match self {
            Scale::LogOddsRatio => "odds ratio",
            Scale::LogRiskRatio => "risk ratio",
            Scale::LogHazardRatio => "hazard ratio",
            Scale::Difference => "difference",
        }
    }

    /// The key that names the measure in priors and thresholds.
    pub fn key(self) -> &'static str {
        match self {
            Scale::LogOddsRatio => "odds_ratio",
            Scale::LogRiskRatio => "risk_ratio",
            Scale::LogHazardRatio => "hazard_ratio",
            Scale::Difference => "difference",
        }
    }

    pub fn is_ratio(self) -> bool {
        self != Scale::Difference
    }
}

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub name: String,
    pub higher_is: HigherIs,
    pub scale: Scale,
    /// What one event is called; "events" unless the model file says otherwise.
    pub event: String,
}

/// What was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Treatment {
    pub name: String,
    pub control: String,
    pub active: String,
}

/// Observations by subgroup.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    Counts(Vec<SubgroupCounts>),
    Estimates(Vec<SubgroupEstimate>),
}

impl Data {
    pub fn names(&self) -> Vec<&str> {
        match self {
            Data::Counts(rows) => rows.iter().map(|r| r.name.as_str()).collect(),
            Data::Estimates(rows) => rows.iter().map(|r| r.name.as_str()).collect(),
        }
    }
}

/// Events and patients of one arm.
#[derive(Default, Debug, Clone, PartialEq, Eq)]
pub struct ArmCounts {
    pub events: u64,
    /// Patients whose outcome is known.
    pub total: u64,
    /// Further patients whose outcome is not.
    pub missing: u64,
    /// How the figures were obtained, such as "printed" or "derived from a percentage".
    pub source: Option<String>,
}

/// Both arms of one subgroup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubgroupCounts {
    pub name: String,
    pub control: ArmCounts,
    pub active: ArmCounts,
    pub citation: Option<String>,
}

/// One published estimate, on the scale of θ.
#[derive(Debug, Clone, PartialEq)]
pub struct SubgroupEstimate {
    pub name: String,
    pub estimate: f64,
    pub se: f64,
    pub source: Option<String>,
    pub citation: Option<String>,
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
}

/// A prior in the user's words and as a distribution.
#[derive(Debug, Clone, PartialEq)]
pub struct Written<T> {
    pub distribution: T,
    pub words: String,
}

/// All priors of a study.
#[derive(Debug, Clone, PartialEq)]
pub struct Priors {
    pub effect: Written<LocationPrior>,
    /// None under complete pooling.
    pub heterogeneity: Option<Written<HeterogeneityPrior>>,
    /// None for estimates.
    pub baseline: Option<Written<BaselinePrior>>,
    /// Where a baseline lies between the arms' log odds.
    pub baseline_of: BaselineOf,
}

/// What priors are, whatever words they are written in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distributions<'a> {
    effect: &'a LocationPrior,
    heterogeneity: Option<&'a HeterogeneityPrior>,
    baseline: Option<&'a BaselinePrior>,
    baseline_of: BaselineOf,
}

impl Priors {
    pub fn distributions(&self) -> Distributions<'_> {
        Distributions {
            effect: &self.effect.distribution,
            heterogeneity: self.heterogeneity.as_ref().map(|h| &h.distribution),
            baseline: self.baseline.as_ref().map(|b| &b.distribution),
            baseline_of: self.baseline_of,
        }
    }
}

impl<'a> Distributions<'a> {
    /// The baseline's, and where it lies.
    pub fn baseline(&self) -> (Option<&'a BaselinePrior>, BaselineOf) {
        (self.baseline, self.baseline_of)
    }
}

/// A further set of priors.
#[derive(Debug, Clone)]
pub struct NamedPriors {
    pub name: String,
    /// With what it leaves out filled in from the model's own.
    pub priors: Priors,
    /// Where part of the effect prior comes from, if it comes from elsewhere.
    pub external: Option<External>,
}

/// Other studies from which an effect prior is made.
#[derive(Debug, Clone)]
pub struct External {
    pub sources: Vec<Study>,
    /// How much of the prior they make up, 0 to 1.
    pub weight: f64,
}

/// The prior of the baselines' log odds.
#[derive(Debug, Clone, PartialEq)]
pub enum BaselinePrior {
    Independent(LocationPrior),
    Exchangeable { mean: LocationPrior, sd: HeterogeneityPrior },
}

/// Sizes of effect worth asking about: magnitudes, in either direction.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Thresholds {
    /// As differences of proportions, 0 < t < 1.
    pub risk_difference: Vec<f64>,
    /// Above 1.
    pub odds_ratio: Vec<f64>,
    pub risk_ratio: Vec<f64>,
    pub hazard_ratio: Vec<f64>,
    /// Above 0, in the outcome's units.
    pub difference: Vec<f64>,
    /// The measure's key and the value.
    pub primary: Option<(&'static str, f64)>,
}

impl Study {
    /// The statement that an observational study carries wherever a number stands, with what it is adjusted for; and what the
    /// numbers allow for, if anything.
    pub fn assignment_statement(&self) -> Option<String> {
        let adjusted = self.adjustment.as_ref().map(|a| a.in_words());
        let assignment = match (self.assignment, &adjusted) {
            (Assignment::Randomised, _) => None,
            (Assignment::Observational, None) => Some(
                "Treatment was not randomised: these are associations, not adjusted for who received it."
                    .to_string(),
            ),
            (Assignment::Observational, Some(what)) => Some(format!(
                "Treatment was not randomised: these are associations, adjusted for {what} and for nothing else."
            )),
        };
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
            && self.bias == other.bias
            && self.pooling == other.pooling
            && self.priors.distributions() == other.priors.distributions()
            && self.thresholds == other.thresholds
            && self.outcome == other.outcome
            && self.treatment == other.treatment
            && self.subgroup_name == other.subgroup_name
            && self.assignment == other.assignment
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

    /// Both statements, where they apply.
    pub fn statements(&self) -> Vec<String> {
        let banner = self.illustrative_statement().map(str::to_string);
        banner.into_iter().chain(self.assignment_statement()).collect()
    }
}
