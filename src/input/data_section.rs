//! `[data]` as it stands in TOML: the observations, or the file that they are in.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::level_words::Name;
use super::matrix_words::MatrixEntry;
#[cfg(test)]
use super::matrix_words::MatrixWords;
use super::model_file::LocationEntry;
#[cfg(test)]
use super::model_file::LocationWords;
use super::number::{Count, Real};
use super::reader::{Decimal, Form};
use super::values::Values;

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
    /// The factors that `[subgroup]` names; put here when the file is read.
    #[serde(skip)]
    pub factors: Vec<Spanned<String>>,
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
    /// The same of the columns of several factors, by factor.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, BTreeMap<String, String>>"))]
    pub factors: BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, Spanned<String>>>,
}

/// One subgroup's counts.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CountsEntry {
    /// Left out by the only row of a study without subgroups.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub subgroup: Option<Spanned<String>>,
    /// In place of `subgroup`, where there are several factors: the level of each, by its name.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, Name>"))]
    pub levels: BTreeMap<Spanned<String>, Spanned<Name>>,
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
    /// In place of `subgroup`, where there are several factors: the level of each, by its name.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, Name>"))]
    pub levels: BTreeMap<Spanned<String>, Spanned<Name>>,
    /// Beside `levels`: how many patients it is of, which is how it counts in averages over other factors. All have it, or
    /// none.
    #[cfg_attr(test, schemars(with = "Option<Count>"))]
    pub patients: Option<Spanned<Count>>,
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
