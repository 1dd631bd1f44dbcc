//! Covariates and centres that effects are adjusted for, with the patients they were measured on.

use serde::{Serialize, Serializer};

use super::{HeterogeneityPrior, LocationPrior, Written};

/// What a model adjusts for. Rows of one pattern stand together as one binomial cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Adjustment {
    pub covariates: Vec<Covariate>,
    /// Every covariate's columns of the design, one after another.
    pub terms: Vec<Term>,
    pub centres: Option<Centres>,
    /// Whose risks are averaged.
    pub population: Population,
    pub patterns: Patterns,
}

/// A covariate as it is named and used.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Covariate {
    pub column: String,
    #[serde(flatten)]
    pub form: Form,
}

/// How a covariate enters.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "form", rename_all = "lowercase")]
pub enum Form {
    /// A number, linear on the log odds.
    Linear,
    /// A restricted cubic spline: linear beyond the outer knots (Harrell, *Regression Modeling Strategies*).
    Spline { knots: Vec<f64> },
    /// Levels, each against the reference.
    Levels { reference: String },
}

/// One column of the design, centred by its mean over the patients and divided by their standard deviation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Term {
    /// "AGE", "RCONSC=D", "AGE′" for a spline's further columns.
    pub name: String,
    pub mean: f64,
    pub sd: f64,
    /// Of γ, on the log odds for one standard deviation; in words for what `prior_for` says.
    #[serde(serialize_with = "in_words")]
    pub prior: Written<LocationPrior>,
    pub prior_for: PriorFor,
}

/// What the words of a coefficient's prior are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PriorFor {
    /// One standard deviation of the column.
    StandardDeviation,
    /// The step from 0 to 1: a level against the reference, a column of nothing but 0 and 1.
    Unit,
}

fn in_words<S: Serializer>(prior: &Written<LocationPrior>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&prior.words)
}

/// Centres with intercepts of their own, u ~ N(0, σ).
#[derive(Debug, Clone, PartialEq)]
pub struct Centres {
    pub column: String,
    pub names: Vec<String>,
    /// Of σ.
    pub sd: Written<HeterogeneityPrior>,
}

/// Whose risks are averaged: standardisation over declared patients.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Population {
    /// All patients of a subgroup.
    All,
    /// Those of them who had the active treatment.
    Treated,
    /// A patient whose risk without the treatment is known.
    BaselineRisk(f64),
}

/// Patients who are alike in subgroup, arm, centre and covariates, in an order that does not depend on the rows'. All columns
/// of one length.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Patterns {
    pub subgroup: Vec<u32>,
    pub active: Vec<bool>,
    /// Places among the centres' names; empty where there are none.
    pub centre: Vec<u32>,
    pub events: Vec<f64>,
    pub totals: Vec<f64>,
    /// One a term, standardised.
    pub columns: Vec<Vec<f64>>,
}

impl Patterns {
    pub fn len(&self) -> usize {
        self.totals.len()
    }

    pub fn is_empty(&self) -> bool {
        self.totals.is_empty()
    }
}

impl Adjustment {
    /// "AGE, RSBP (spline), RCONSC and 466 centres (HOSPNUM)".
    pub fn in_words(&self) -> String {
        let covariate = |c: &Covariate| match &c.form {
            Form::Spline { knots } => format!("{} (spline, {} knots)", c.column, knots.len()),
            _ => c.column.clone(),
        };
        let mut all: Vec<String> = self.covariates.iter().map(covariate).collect();
        all.extend(self.centres.as_ref().map(|c| format!("{} centres ({})", c.names.len(), c.column)));
        match all.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            _ => all.concat(),
        }
    }
}

impl Population {
    /// "all patients of a subgroup".
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
