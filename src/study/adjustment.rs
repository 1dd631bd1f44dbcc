//! Covariates and centres that effects are adjusted for, and the patients they were measured on.

use serde::{Serialize, Serializer};

use super::{HeterogeneityPrior, LocationPrior, Patterns, Written};

/// What a model adjusts for, and the patients it was measured on. Patients who are alike form one binomial cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Adjustment {
    /// The covariates, in the order of the model file.
    pub covariates: Vec<Covariate>,
    /// Every covariate's columns of the design, one after another.
    pub terms: Vec<Term>,
    /// Centres with intercepts of their own; none where the model has none.
    pub centres: Option<Centres>,
    /// The patients over whom risks are averaged.
    pub population: Population,
    /// All patients, counted by pattern.
    pub patterns: Patterns,
}

/// A covariate: where it is found and how it enters the model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Covariate {
    /// The name of its column in the data file.
    pub column: String,
    /// How it enters the model.
    #[serde(flatten)]
    pub form: Form,
    /// Of a number, the step that its odds ratio is shown for; none where that is left to the program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per: Option<f64>,
    /// Of a number, its unit in words: "years".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// How a covariate enters the log odds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "form", rename_all = "lowercase")]
pub enum Form {
    /// A number, linear on the log odds scale.
    Linear,
    /// A restricted cubic spline: linear beyond the outer knots (Harrell, *Regression Modeling Strategies*).
    Spline {
        /// Three to seven knots, increasing, in the covariate's own units.
        knots: Vec<f64>,
    },
    /// Levels, each compared with the reference.
    Levels {
        /// The level that the others are compared with.
        reference: String,
    },
}

/// One column of the design, centred by its mean over the patients and divided by their standard deviation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Term {
    /// Its name in results: "AGE", "RCONSC=D", or "AGE′" for the further columns of a spline.
    pub name: String,
    /// Which of the covariates it is a column of.
    #[serde(skip)]
    pub covariate: usize,
    /// The level that it tells from the reference; none where the covariate is a number.
    #[serde(skip)]
    pub level: Option<String>,
    /// Mean over the patients, in the column's own units.
    pub mean: f64,
    /// Standard deviation over the patients, in the column's own units.
    pub sd: f64,
    /// The prior of the coefficient γ, on the log odds scale for one standard deviation of the column. Its words are
    /// for the step that `prior_for` names.
    #[serde(serialize_with = "in_words")]
    pub prior: Written<LocationPrior>,
    /// The step in the column that the words of `prior` are about.
    pub prior_for: PriorFor,
}

/// The step in a column that the words of a coefficient's prior are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PriorFor {
    /// One standard deviation of the column.
    StandardDeviation,
    /// The step from 0 to 1: from the reference to a level, or across a column of nothing but 0 and 1.
    Unit,
}

fn in_words<S: Serializer>(prior: &Written<LocationPrior>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&prior.words)
}

/// Centres with intercepts of their own on the log odds scale, u ~ N(0, σ²).
#[derive(Debug, Clone, PartialEq)]
pub struct Centres {
    /// The name of the centres' column in the data file.
    pub column: String,
    /// The names of all centres, sorted.
    pub names: Vec<String>,
    /// The prior of σ.
    pub sd: Written<HeterogeneityPrior>,
}

/// Whose risks are averaged when the risks of a subgroup are standardised.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Population {
    /// All patients of a subgroup.
    All,
    /// The patients of a subgroup who had the active treatment.
    Treated,
    /// Patients elsewhere, whose risk without the treatment is known: a probability between 0 and 1.
    BaselineRisk(f64),
}

impl Adjustment {
    /// What is adjusted for, such as "AGE, RSBP (spline, 4 knots), RCONSC and 466 centres (HOSPNUM)".
    pub fn in_words(&self) -> String {
        let mut all: Vec<String> = self.covariates.iter().map(Covariate::in_words).collect();
        all.extend(self.centres.as_ref().map(|c| format!("{} centres ({})", c.names.len(), c.column)));
        and_listed(all)
    }
}

impl Covariate {
    /// Its column, with the form where that is a curve: "RSBP (spline, 4 knots)".
    pub fn in_words(&self) -> String {
        match &self.form {
            Form::Spline { knots } => format!("{} (spline, {} knots)", self.column, knots.len()),
            _ => self.column.clone(),
        }
    }
}

/// "AGE, RSBP and SEX".
pub(super) fn and_listed(all: Vec<String>) -> String {
    match all.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => all.concat(),
    }
}

impl Population {
    /// The population in words, such as "all patients of a subgroup".
    pub fn in_words(self) -> String {
        match self {
            Population::All => "all patients of a subgroup".to_string(),
            Population::Treated => "the treated patients of a subgroup".to_string(),
            Population::BaselineRisk(p) => {
                format!("patients whose risk without the treatment is {}\u{a0}%", round_percent(p))
            }
        }
    }
}

fn round_percent(p: f64) -> f64 {
    (p * 1e4).round() / 1e2
}
