//! Covariates and the population of standardisation as they stand in the model file.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use toml::Spanned;

use super::number::{Count, Real};
use super::values::Values;

/// "AGE", or { column = "RCONSC", reference = "F" }.
#[derive(Debug, Clone)]
pub struct AdjustEntry {
    pub column: String,
    /// Makes it a covariate of levels.
    pub reference: Option<Spanned<Values>>,
    pub levels: Option<Spanned<Values>>,
    /// Knots of a restricted cubic spline.
    pub spline: Option<Spanned<Count>>,
    pub prior: Option<Spanned<String>>,
    /// The step of a number that tables tell its odds ratio for.
    pub per: Option<Spanned<Real>>,
    pub unit: Option<Spanned<String>>,
    /// Whether it was known before treatment.
    pub measured: Option<Spanned<WhenMeasured>>,
    /// Whether it is a column of weights, which nothing is adjusted for.
    pub is_weight: bool,
}

/// When a covariate was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum WhenMeasured {
    /// Before treatment began.
    Before,
    /// After treatment began: what it is may be the treatment's doing.
    After,
}

impl AdjustEntry {
    /// A number, by the name of its column.
    pub fn of_column(column: &str) -> AdjustEntry {
        AdjustEntry {
            column: column.to_string(),
            reference: None,
            levels: None,
            spline: None,
            prior: None,
            per: None,
            unit: None,
            measured: None,
            is_weight: false,
        }
    }
}

/// The long form.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AdjustTable {
    column: String,
    /// For a covariate of levels: the level that the others are compared with.
    #[cfg_attr(test, schemars(with = "Option<Values>"))]
    reference: Option<Spanned<Values>>,
    /// All levels that the column may have; another is then an error.
    #[cfg_attr(test, schemars(with = "Option<Values>"))]
    levels: Option<Spanned<Values>>,
    /// For a number: a restricted cubic spline with this many knots, 3 to 7, at Harrell's quantiles.
    #[cfg_attr(test, schemars(with = "Option<u64>"))]
    spline: Option<Spanned<Count>>,
    /// Of every coefficient of this covariate, on the log odds for one standard deviation of its column. Default
    /// "normal(0, 2.5)" for one standard deviation of a number; for levels, and for a column of nothing but 0 and 1,
    /// "normal(0, 2.5)" for the whole step from the reference, or from 0, to 1.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    prior: Option<Spanned<String>>,
    /// For a number: the step that tables tell its odds ratio for, such as 10. It changes nothing but what is shown: `prior`
    /// stays for one standard deviation. Default 1, or a power of ten near the standard deviation.
    #[cfg_attr(test, schemars(with = "Option<Real>"))]
    per: Option<Spanned<Real>>,
    /// For a number: its unit, as it is shown after the step: "years".
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    unit: Option<Spanned<String>>,
    /// When it was measured: "before" treatment (the default), or "after" it, which is refused: what came after may be the
    /// treatment's doing.
    #[cfg_attr(test, schemars(with = "Option<WhenMeasured>"))]
    measured: Option<Spanned<WhenMeasured>>,
}

/// A covariate by its column's name, or with more said of it.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "describes AdjustEntry to editors")]
pub enum AdjustWords {
    Column(String),
    Table(Box<AdjustTable>),
}

impl<'de> Deserialize<'de> for AdjustEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<AdjustEntry, D::Error> {
        struct EntryVisitor;
        impl<'de> Visitor<'de> for EntryVisitor {
            type Value = AdjustEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a column's name, or a table such as { column = \"SEX\", reference = \"F\" }")
            }

            fn visit_str<E: Error>(self, column: &str) -> Result<AdjustEntry, E> {
                Ok(AdjustEntry::of_column(column))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AdjustEntry, A::Error> {
                let table = AdjustTable::deserialize(MapAccessDeserializer::new(map))?;
                let AdjustTable { column, reference, levels, spline, prior, per, unit, measured } = table;
                let is_weight = false;
                Ok(AdjustEntry { column, reference, levels, spline, prior, per, unit, measured, is_weight })
            }
        }
        deserializer.deserialize_any(EntryVisitor)
    }
}

/// "all", "treated", or { baseline_risk = 0.3 }.
#[derive(Debug, Clone, Copy)]
pub enum PopulationEntry {
    All,
    Treated,
    BaselineRisk(f64),
}

/// The patients over whom risks are averaged.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "describes PopulationEntry to editors")]
pub enum PopulationWords {
    Patients(Patients),
    External(External),
}

/// Patients of the file.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code, reason = "describes PopulationEntry to editors")]
pub enum Patients {
    /// All patients of a subgroup.
    All,
    /// Those who had the active treatment.
    Treated,
}

/// Patients elsewhere, of whom the risk without the treatment is known.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct External {
    /// Between 0 and 1.
    baseline_risk: Real,
}

impl<'de> Deserialize<'de> for PopulationEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PopulationEntry, D::Error> {
        struct EntryVisitor;
        impl<'de> Visitor<'de> for EntryVisitor {
            type Value = PopulationEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"all\", \"treated\" or { baseline_risk = 0.3 }")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<PopulationEntry, E> {
                match word {
                    "all" => Ok(PopulationEntry::All),
                    "treated" => Ok(PopulationEntry::Treated),
                    other => Err(E::custom(format!(
                        "found \"{other}\", expected \"all\", \"treated\" or {{ baseline_risk = 0.3 }}"
                    ))),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PopulationEntry, A::Error> {
                let external = External::deserialize(MapAccessDeserializer::new(map))?;
                Ok(PopulationEntry::BaselineRisk(external.baseline_risk.0))
            }
        }
        deserializer.deserialize_any(EntryVisitor)
    }
}
