//! The model file as it stands in TOML. Its meaning is checked in `build`.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use toml::Spanned;

use super::adjust_section::{AdjustEntry, PopulationEntry};
#[cfg(test)]
use super::adjust_section::{AdjustWords, PopulationWords};
use super::bias_section::BiasSection;
use super::decision::ModelDecision;
use super::level_words::{DepartureEntry, Name, UtilityEntry};
#[cfg(test)]
use super::level_words::{DepartureWords, UtilityWords};
use super::matrix_words::MatrixEntry;
#[cfg(test)]
use super::matrix_words::MatrixWords;
use super::number::{Count, Real};
use super::reader::{Decimal, Form};
use super::values::Values;
use crate::study::{Assignment, BaselineOf, Cutpoints, HigherIs, Pooling, RelatedArms, Scale};

/// A study, its data, the model and its priors.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, schemars(title = "equipoise model file"))]
pub struct ModelFile {
    /// The question in one line; heads every output.
    pub title: String,
    /// Where the figures come from: PubMed numbers, DOIs, references.
    #[serde(default)]
    pub citation: Vec<String>,
    /// True for made-up numbers: every output then carries a banner.
    #[serde(default)]
    pub illustrative: bool,
    /// A remark on the data, shown in the audit.
    pub note: Option<String>,
    /// How patients came to be treated, and what the design was.
    pub study: StudySection,
    /// What was measured, and which way is good.
    pub outcome: OutcomeSection,
    /// What was compared with what.
    #[cfg_attr(test, schemars(with = "TreatmentSection"))]
    pub treatment: Spanned<TreatmentSection>,
    /// What the subgroups are. A study without subgroups has none.
    #[cfg_attr(test, schemars(with = "Option<SubgroupSection>"))]
    pub subgroup: Option<Spanned<SubgroupSection>>,
    /// The observations by subgroup, here or in a data file.
    #[cfg_attr(test, schemars(with = "DataSection"))]
    pub data: Spanned<DataSection>,
    /// How the subgroups borrow from each other, and what effects are adjusted for.
    #[serde(default)]
    pub model: ModelSection,
    /// The priors that the study is fitted under.
    pub prior: PriorSection,
    /// Further priors by name, for `equipoise compare`. What one leaves out is taken from `prior`.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, NamedPriorSection>"))]
    pub priors: BTreeMap<Spanned<String>, Spanned<NamedPriorSection>>,
    /// What the priors of the reanalysis library are made for.
    pub library: Option<LibrarySection>,
    /// Sizes of effect worth asking about.
    pub thresholds: Option<ThresholdsSection>,
    /// What may stand between effects and data.
    #[cfg_attr(test, schemars(with = "Option<BiasSection>"))]
    pub bias: Option<Spanned<BiasSection>>,
    /// For `equipoise decide`.
    #[cfg_attr(test, schemars(with = "Option<ModelDecision>"))]
    pub decision: Option<Spanned<ModelDecision>>,
}

/// How the study was done.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StudySection {
    /// Whether treatment was given by chance or otherwise. Decides the wording of every sentence.
    pub assignment: Assignment,
    /// Who was eligible, in words.
    pub eligibility: Option<String>,
    /// When follow-up starts, in words.
    pub time_zero: Option<String>,
}

/// What was measured.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OutcomeSection {
    /// In words, with its time: "mRS 0–3 at 90 days".
    pub name: String,
    pub kind: Kind,
    /// Which way is good. Declared once; every sign, label and sentence derives from it.
    pub higher_is: HigherIs,
    /// For kind = "estimate": the scale of the estimates.
    #[cfg_attr(test, schemars(with = "Option<Scale>"))]
    pub scale: Option<Spanned<Scale>>,
    /// For kind = "binary" and "ordinal": what the events are called, in the plural ("deaths").
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub event: Option<Spanned<String>>,
    /// For kind = "ordinal": all levels, lowest first: ["0", "1", "2", "3", "4", "5", "6"].
    #[cfg_attr(test, schemars(with = "Option<Vec<Name>>"))]
    pub levels: Option<Spanned<Vec<Name>>>,
    /// For kind = "ordinal": the level above which the primary cut lies. Risks are of the levels above it.
    #[cfg_attr(test, schemars(with = "Option<Name>"))]
    pub above: Option<Spanned<Name>>,
    /// For kind = "ordinal": what each level is worth, one number a level; or a published set by name (`equipoise list`).
    #[cfg_attr(test, schemars(with = "Option<UtilityWords>"))]
    pub utilities: Option<Spanned<UtilityEntry>>,
}

/// What the data are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Events and patients by arm.
    Binary,
    /// Patients by ordered level and arm.
    Ordinal,
    /// Published estimates with their standard errors or intervals.
    Estimate,
}

/// What was compared.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TreatmentSection {
    pub name: String,
    /// What the control arm had.
    pub control: String,
    /// What the active arm had.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub active: Option<Spanned<String>>,
    /// In place of `active`: what each of several active arms had.
    #[cfg_attr(test, schemars(with = "Option<Vec<String>>"))]
    pub arms: Option<Spanned<Vec<Spanned<String>>>>,
}

/// What the subgroups are.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SubgroupSection {
    /// Such as "cohort", "etiology", "trial".
    pub name: String,
    /// What several are called: "cohorts", "etiologies". Default "subgroups".
    pub plural: Option<String>,
    /// True where there are no further ones of the kind, as with the two sexes: nothing is then reported of a further one.
    #[serde(default)]
    pub exhaustive: bool,
}

/// The observations: one of `counts`, `estimates` or `file`.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DataSection {
    /// Events and totals by subgroup and arm.
    #[cfg_attr(test, schemars(with = "Option<Vec<CountsEntry>>"))]
    pub counts: Option<Spanned<Vec<Spanned<CountsEntry>>>>,
    /// Published estimates by subgroup.
    #[cfg_attr(test, schemars(with = "Option<Vec<EstimateEntry>>"))]
    pub estimates: Option<Spanned<Vec<Spanned<EstimateEntry>>>>,
    /// For estimates from one fit: the covariance of their errors, in the order of the estimates, on the scale of the model
    /// squared. Rows of a matrix, whole or up to the diagonal; or a CSV file of it, relative to the model file. The estimates
    /// need no `se` then; where they have one, both must agree.
    #[cfg_attr(test, schemars(with = "Option<MatrixWords>"))]
    pub covariance: Option<Spanned<MatrixEntry>>,
    /// In place of `covariance`: the correlation of their errors, beside each estimate's `se` or `ci`.
    #[cfg_attr(test, schemars(with = "Option<MatrixWords>"))]
    pub correlation: Option<Spanned<MatrixEntry>>,
    /// What the published estimates are adjusted for, as published: "age, sex", or "nothing" for crude ones. Without it
    /// the program says that it does not know.
    pub adjusted_for: Option<String>,
    /// A data file, relative to the model file: CSV (plain or gzipped), Parquet, or an Excel workbook.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub file: Option<Spanned<String>>,
    /// The worksheet of an Excel workbook. Without it the first that has a table is read.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub sheet: Option<Spanned<String>>,
    /// What stands before the decimals of the file's numbers: "." (the default) or ",".
    pub decimal: Option<DecimalMark>,
    /// What a row of the file is.
    pub rows: Option<Rows>,
    /// The file's columns. Of draws, and beside `estimates` of the file of `covariance`, each subgroup's. For counts: `subgroup`, `control_events`, `control_total`, `active_events`, `active_total`
    /// (and `control_missing`, `active_missing`); or, with one row an arm, `subgroup`, `arm`, `events`, `total` (and
    /// `missing`) and `levels`. By ordered level, one row each: `subgroup`, `arm`, `level`, `patients`. In place of totals, patients without the event: `control_no_events`, `active_no_events`,
    /// `no_events`. For estimates: `subgroup`, and `estimate` or `ratio`, and `se` or `lower` and `upper`. A column whose
    /// cells hold several of these is named for each: events and total, "41/310"; an estimate with its interval,
    /// "0.66 (0.40 to 1.10)", or an interval alone. For patients: `outcome`, `treatment`, `subgroup` (and `centre`); without
    /// `subgroup` all patients are one.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, String>"))]
    pub columns: BTreeMap<Spanned<String>, Spanned<String>>,
    /// What stands in the file for arms, and in a file of patients for events and subgroups.
    #[cfg_attr(test, schemars(with = "Option<Levels>"))]
    pub levels: Option<Spanned<Levels>>,
    /// For rows = "draws": the prior on each subgroup's effect that they were fitted under, which is divided out: "flat", or a
    /// normal one such as "normal(0, 1)".
    #[cfg_attr(test, schemars(with = "Option<LocationWords>"))]
    pub fitted_under: Option<Spanned<LocationEntry>>,
    /// For rows = "draws": the column of the chains; without it all rows are one chain.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub chain: Option<Spanned<String>>,
    /// For rows = "patients": what is done with rows that lack a value.
    pub missing: Option<MissingRows>,
    /// Keep only rows that have these values in these columns; one of them, where a list is given.
    #[serde(default, rename = "where")]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, Values>"))]
    pub keep: BTreeMap<Spanned<String>, Spanned<Values>>,
    /// For rows = "patients": where the numbers of a column are cut into levels. [65, 80] makes "<65", "65–79" and "≥80":
    /// subgroups, or levels of a covariate.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, Vec<Real>>"))]
    pub cut: BTreeMap<Spanned<String>, Spanned<Vec<Real>>>,
}

impl DataSection {
    /// Whether the matrix of the estimates' errors stands in a file.
    pub fn has_matrix_file(&self) -> bool {
        let matrix = self.covariance.as_ref().or(self.correlation.as_ref());
        self.estimates.is_some() && matrix.is_some_and(|m| matches!(m.get_ref(), MatrixEntry::File(_)))
    }

    /// What is said of the file's form.
    pub fn form(&self) -> Form {
        let decimal = match self.decimal {
            Some(DecimalMark::Comma) => Decimal::Comma,
            _ => Decimal::Point,
        };
        Form { sheet: self.sheet.as_ref().map(|sheet| sheet.get_ref().clone()), decimal }
    }
}

/// What stands before decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum DecimalMark {
    #[serde(rename = ".")]
    Point,
    #[serde(rename = ",")]
    Comma,
}

/// What a row of a data file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Rows {
    /// Events and totals of a subgroup, or of one arm of it.
    Counts,
    /// A published estimate of a subgroup.
    Estimates,
    /// One patient.
    Patients,
    /// One posterior draw of every subgroup's effect, from a fit elsewhere.
    Draws,
}

/// What is done with rows of patients that lack a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum MissingRows {
    /// They are left out and counted; of those without an outcome, arm and subgroup are kept, so that `[bias.missing]` can
    /// speak of them.
    Drop,
    /// The first of them is an error.
    Error,
}

/// What stands in a file's columns. Events and arms may be left out of a file of patients that has 1 and 0.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Levels {
    /// Of the arm or treatment column.
    #[cfg_attr(test, schemars(with = "Option<Values>"))]
    pub control: Option<Spanned<Values>>,
    #[cfg_attr(test, schemars(with = "Option<Values>"))]
    pub active: Option<Spanned<Values>>,
    /// In place of `active`, for several arms: what stands for each, by its name. Without `control` and these the arms' names do.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, Values>"))]
    pub arms: BTreeMap<Spanned<String>, Spanned<Values>>,
    /// For patients, of the outcome column: an event, none, and codes that say that nothing is known.
    #[cfg_attr(test, schemars(with = "Option<Values>"))]
    pub event: Option<Spanned<Values>>,
    #[cfg_attr(test, schemars(with = "Option<Values>"))]
    pub no_event: Option<Spanned<Values>>,
    #[cfg_attr(test, schemars(with = "Option<Values>"))]
    pub unknown: Option<Spanned<Values>>,
    /// For patients and counts by ordered level: the level that each value of the outcome column stands for. Without it the
    /// values are the levels' names.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, Name>"))]
    pub outcome: BTreeMap<Spanned<String>, Spanned<Name>>,
    /// For patients, of the subgroup column: the name of each value's subgroup, in the order in which they are shown.
    /// Without it every value is a subgroup, by name.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, String>"))]
    pub subgroup: BTreeMap<Spanned<String>, Spanned<String>>,
}

/// One subgroup's counts.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CountsEntry {
    /// Left out by the only row of a study without subgroups.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub subgroup: Option<Spanned<String>>,
    /// The control arm. An arm without patients is written { events = 0, total = 0 }.
    #[cfg_attr(test, schemars(required))]
    #[cfg_attr(test, schemars(with = "Option<ArmEntry>"))]
    pub control: Option<Spanned<ArmEntry>>,
    #[cfg_attr(test, schemars(with = "Option<ArmEntry>"))]
    pub active: Option<Spanned<ArmEntry>>,
    /// In place of `active`, where [treatment] has several `arms`: the counts of each by its name.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, ArmEntry>"))]
    pub arms: BTreeMap<Spanned<String>, Spanned<ArmEntry>>,
    pub citation: Option<String>,
}

/// One arm.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ArmEntry {
    /// For kind = "binary", with `total`.
    #[cfg_attr(test, schemars(with = "Option<Count>"))]
    pub events: Option<Spanned<Count>>,
    /// Patients whose outcome is known.
    #[cfg_attr(test, schemars(with = "Option<Count>"))]
    pub total: Option<Spanned<Count>>,
    /// For kind = "ordinal": patients at each level, lowest first.
    #[cfg_attr(test, schemars(with = "Option<Vec<Count>>"))]
    pub levels: Option<Spanned<Vec<Count>>>,
    /// Further patients whose outcome is not known. Default 0.
    #[cfg_attr(test, schemars(with = "Option<Count>"))]
    pub missing: Option<Spanned<Count>>,
    /// How the figures were obtained: "printed", "derived from a percentage", "solved from a printed p value".
    pub source: Option<String>,
}

/// One published estimate: `ratio` (with `ci`) on ratio scales, or `estimate` on the scale of the model; and `ci` or `se`.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EstimateEntry {
    /// Left out by the only row of a study without subgroups.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub subgroup: Option<Spanned<String>>,
    /// An odds, risk or hazard ratio as printed.
    #[cfg_attr(test, schemars(with = "Option<Real>"))]
    pub ratio: Option<Spanned<Real>>,
    /// On the scale of the model: the log of a ratio, or a difference.
    #[cfg_attr(test, schemars(with = "Option<Real>"))]
    pub estimate: Option<Spanned<Real>>,
    /// The 95 % interval, in the same units as the estimate beside it.
    #[cfg_attr(test, schemars(with = "Option<[Real; 2]>"))]
    pub ci: Option<Spanned<Vec<Real>>>,
    /// Standard error, on the scale of the model (of the log, for ratios).
    #[cfg_attr(test, schemars(with = "Option<Real>"))]
    pub se: Option<Spanned<Real>>,
    /// How the figures were obtained.
    pub source: Option<String>,
    pub citation: Option<String>,
    /// What this estimate is adjusted for, where that differs from `adjusted_for` of all.
    pub adjusted_for: Option<String>,
}

/// How the subgroups are related.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ModelSection {
    /// "partial" unless this is said; a study without subgroups has nothing to pool.
    #[cfg_attr(test, schemars(with = "Option<Pooling>"))]
    pub pooling: Option<Spanned<Pooling>>,
    /// For several active arms: "exchangeable" (the default), with effects from a common distribution; or "separate", each arm
    /// around a mean of its own.
    #[cfg_attr(test, schemars(with = "Option<RelatedArms>"))]
    pub arms: Option<Spanned<RelatedArms>>,
    /// The distribution of the effects around their mean under partial pooling: "normal" (the default), or
    /// "student-t(4)", of these degrees of freedom and of scale τ.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub effects: Option<Spanned<String>>,
    /// Covariates of a data file, beside subgroup and arm. A column by its name is a number, linear on the log odds; a table
    /// says more.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<AdjustWords>"))]
    pub adjust: Vec<Spanned<AdjustEntry>>,
    /// For kind = "ordinal": whose cut points are whose. "shared" (the default): one set, which every subgroup shifts; "by
    /// subgroup": each its own.
    #[cfg_attr(test, schemars(with = "Option<Cutpoints>"))]
    pub cutpoints: Option<Spanned<Cutpoints>>,
    /// For kind = "ordinal": how far odds may depart from proportional ones. "death" (the last cut), "linear", one number a
    /// cut, or "unconstrained". Without it odds are proportional.
    #[cfg_attr(test, schemars(with = "Option<DepartureWords>"))]
    pub departure: Option<Spanned<DepartureEntry>>,
    /// Whose risks are averaged where there are covariates or centres: "all" (the default), "treated", or { baseline_risk = 0.3 }.
    #[cfg_attr(test, schemars(with = "Option<PopulationWords>"))]
    pub population: Option<Spanned<PopulationEntry>>,
}

/// Priors. Each binds to the quantity it names.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PriorSection {
    /// For the mean effect μ, on the log odds ratio (or the scale of the estimates): "normal(0, 0.355)",
    /// "student-t(4, 0, 0.5)", "0.8 * normal(-0.3, 0.2) + 0.2 * normal(0, 1)", "flat"; or in clinical words.
    #[cfg_attr(test, schemars(with = "LocationWords"))]
    pub effect: Spanned<LocationEntry>,
    /// For τ, the standard deviation of the subgroup effects: "half-normal(0.5)", "half-student-t(4, 0.5)",
    /// "half-cauchy(0.5)", "exponential(0.5)" (its mean), "log-normal(-1, 0.7)", "uniform(0, 2)", "fixed(0.3)".
    /// Required unless pooling is complete.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub heterogeneity: Option<Spanned<String>>,
    /// For pooling = "exchangeable or not": the probability that a subgroup is exchangeable with the others, 0 to 1. Default
    /// 0.5.
    #[cfg_attr(test, schemars(with = "Option<Real>"))]
    pub exchangeable: Option<Spanned<Real>>,
    /// For pooling = "exchangeable or not": for the effect of a subgroup that is not, a normal prior as `effect` has it.
    /// Default: the normal with the mean and the variance of a single effect under partial pooling.
    #[cfg_attr(test, schemars(with = "Option<LocationWords>"))]
    pub stand_alone: Option<Spanned<LocationEntry>>,
    /// For a subgroup's baseline, which `baseline_of` says what it is: a distribution of its log odds, "beta(a, b)" of the
    /// risk, a risk in clinical words, or { mean, sd } for exchangeable baselines. Default "normal(0, 2.5)".
    #[cfg_attr(test, schemars(with = "Option<BaselineWords>"))]
    pub baseline: Option<Spanned<LocationEntry>>,
    /// What a baseline is: "arms", the mean of the arms' log odds, whose prior takes neither arm's side; or "control", the
    /// control arm's log odds, for knowledge of the control risk. Default "arms".
    #[cfg_attr(test, schemars(with = "Option<BaselineOf>"))]
    pub baseline_of: Option<Spanned<BaselineOf>>,
    /// For kind = "ordinal": of the control arm's probabilities of levels, "dirichlet(1)" for all levels alike or one number a
    /// level, or "rmsb", that package's. Default "dirichlet(1)".
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub levels: Option<Spanned<String>>,
    /// For shared cut points: of the standard deviation of the subgroups' shifts, on the log odds. Default "half-normal(1)".
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub shift: Option<Spanned<String>>,
    /// For `departure` in [model]: of δ, on the log odds ratio. Default "normal(0, 0.3)".
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub departure: Option<Spanned<String>>,
    /// For several active arms that are exchangeable: of the standard deviation of their mean effects. Default `heterogeneity`.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub arms: Option<Spanned<String>>,
    /// For several active arms: of the standard deviation of what is left of an effect after its arm's and its subgroup's share.
    /// Default `heterogeneity`.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub interaction: Option<Spanned<String>>,
    /// For the standard deviation of the centres' intercepts, on the log odds. Default "half-normal(1)".
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub centre: Option<Spanned<String>>,
}

/// A further set of priors, `[priors.NAME]`: what it leaves out is taken from `[prior]`.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NamedPriorSection {
    /// As in `[prior]`; with `from`, the part that is not taken from other models.
    #[cfg_attr(test, schemars(with = "Option<LocationWords>"))]
    pub effect: Option<Spanned<LocationEntry>>,
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub heterogeneity: Option<Spanned<String>>,
    #[cfg_attr(test, schemars(with = "Option<BaselineWords>"))]
    pub baseline: Option<Spanned<LocationEntry>>,
    /// What `baseline` beside it is of; without it, what `[prior]` says.
    #[cfg_attr(test, schemars(with = "Option<BaselineOf>"))]
    pub baseline_of: Option<Spanned<BaselineOf>>,
    /// Other models, shipped ones by name or files by path: the effect prior is then what their fits predict for a further
    /// subgroup, several in equal parts. Same outcome, scale and direction.
    #[cfg_attr(test, schemars(with = "Option<Vec<String>>"))]
    pub from: Option<Spanned<Vec<Spanned<String>>>>,
    /// How far the other models are believed to speak of this one, 0 to 1: the rest of the prior is `effect`.
    #[cfg_attr(test, schemars(with = "Option<Real>"))]
    pub weight: Option<Spanned<Real>>,
}

/// For the reanalysis library of priors.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LibrarySection {
    /// A magnitude, above 1 and toward benefit; the program derives the sign.
    #[cfg_attr(test, schemars(with = "Real"))]
    pub expected_odds_ratio: Spanned<Real>,
}

/// Sizes of effect to ask about, as magnitudes: risk differences and differences above 0, ratios above 1.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ThresholdsSection {
    #[cfg_attr(test, schemars(with = "Option<Vec<Real>>"))]
    pub risk_difference: Option<Vec<Spanned<Real>>>,
    #[cfg_attr(test, schemars(with = "Option<Vec<Real>>"))]
    pub odds_ratio: Option<Vec<Spanned<Real>>>,
    #[cfg_attr(test, schemars(with = "Option<Vec<Real>>"))]
    pub risk_ratio: Option<Vec<Spanned<Real>>>,
    #[cfg_attr(test, schemars(with = "Option<Vec<Real>>"))]
    pub hazard_ratio: Option<Vec<Spanned<Real>>>,
    #[cfg_attr(test, schemars(with = "Option<Vec<Real>>"))]
    pub difference: Option<Vec<Spanned<Real>>>,
    /// For kind = "ordinal" with utilities.
    #[cfg_attr(test, schemars(with = "Option<Vec<Real>>"))]
    pub utility_difference: Option<Vec<Spanned<Real>>>,
    /// For kind = "ordinal": probabilities from 0.5 to 1.
    #[cfg_attr(test, schemars(with = "Option<Vec<Real>>"))]
    pub win_probability: Option<Vec<Spanned<Real>>>,
    #[cfg_attr(test, schemars(with = "Option<Vec<Real>>"))]
    pub win_odds: Option<Vec<Spanned<Real>>>,
    #[cfg_attr(test, schemars(with = "Option<Vec<Real>>"))]
    pub win_ratio: Option<Vec<Spanned<Real>>>,
    #[cfg_attr(test, schemars(with = "Option<Vec<Real>>"))]
    pub net_benefit: Option<Vec<Spanned<Real>>>,
    #[cfg_attr(test, schemars(with = "Option<Vec<Real>>"))]
    pub level_difference: Option<Vec<Spanned<Real>>>,
    /// The one that matters most: { risk_difference = 0.05 }.
    #[cfg_attr(test, schemars(with = "Option<BTreeMap<String, Real>>"))]
    pub primary: Option<Spanned<BTreeMap<String, Spanned<Real>>>>,
}

/// A prior as written: a string, or a table of words.
#[derive(Debug, Clone)]
pub enum LocationEntry {
    Text(String),
    Words(BTreeMap<String, Spanned<toml::Value>>),
}

impl<'de> Deserialize<'de> for LocationEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<LocationEntry, D::Error> {
        struct EntryVisitor;
        impl<'de> Visitor<'de> for EntryVisitor {
            type Value = LocationEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a prior such as \"normal(0, 0.355)\" or { odds_ratio = [0.5, 2.0], mass = 0.95 }",
                )
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<LocationEntry, E> {
                Ok(LocationEntry::Text(value.to_string()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LocationEntry, A::Error> {
                let mut words = BTreeMap::new();
                while let Some((key, value)) = map.next_entry()? {
                    words.insert(key, value);
                }
                Ok(LocationEntry::Words(words))
            }
        }
        deserializer.deserialize_any(EntryVisitor)
    }
}

/// A prior for an effect, as a distribution or in clinical words.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "describes LocationEntry to editors")]
pub enum LocationWords {
    /// A distribution, such as "normal(0, 0.355)".
    Distribution(String),
    /// The normal with this mass between two odds ratios.
    OddsRatio { odds_ratio: [f64; 2], mass: f64 },
    /// The normal with this mass between two risk ratios.
    RiskRatio { risk_ratio: [f64; 2], mass: f64 },
    /// The normal with this mass between two hazard ratios.
    HazardRatio { hazard_ratio: [f64; 2], mass: f64 },
    /// The normal with this mass between two differences.
    Difference { difference: [f64; 2], mass: f64 },
    /// The normal centred on this ratio (or difference), with this probability on the other side of no effect.
    Expected { expected: f64, beyond_null: f64 },
}

/// A prior for a baseline.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "describes LocationEntry to editors")]
pub enum BaselineWords {
    /// A distribution of the log odds, such as "normal(0, 2.5)", or of the risk: "beta(4, 36)".
    Distribution(String),
    /// The normal on the log odds with this mass between two risks.
    Risk { risk: [f64; 2], mass: f64 },
    /// Exchangeable baselines: priors on the mean of the log odds and on their standard deviation.
    Exchangeable { mean: String, sd: String },
}
