//! How effects are adjusted for who was treated, as it stands in the model file.

use serde::Deserialize;
use toml::Spanned;

use super::adjust_section::AdjustEntry;
#[cfg(test)]
use super::adjust_section::AdjustWords;
use super::number::{Count, Real};
use crate::weighting::{Estimand, Method};

/// Weighting for treatment that was not randomised. Of rows = "patients" with a binary outcome.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AdjustmentSection {
    /// How effects are adjusted.
    #[cfg_attr(test, schemars(with = "Method"))]
    pub method: Spanned<Method>,
    /// For whom they are: "all" patients of a subgroup, the "treated" ones, or "overlap", those who might have been in any arm.
    /// Of several active arms the treated are those who had any of them. Default "overlap" for method = "overlap", else "all".
    #[cfg_attr(test, schemars(with = "Option<Estimand>"))]
    pub estimand: Option<Spanned<Estimand>>,
    /// Covariates known before treatment: numbers by the name of their column, { column = "NIHSS", spline = 4 } for a curve,
    /// { column = "SEX", reference = "F" } for levels. Beside `weights` they are what balance is told of, and what a regression
    /// of the outcome has.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<AdjustWords>"))]
    pub propensity: Vec<Spanned<AdjustEntry>>,
    /// In place of a propensity model: the column of weights that were computed elsewhere.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub weights: Option<Spanned<String>>,
    /// Whether covariates have coefficients of their own in every subgroup. Default true: overlap weights then balance them
    /// exactly within each.
    #[cfg_attr(test, schemars(with = "Option<bool>"))]
    pub by_subgroup: Option<Spanned<bool>>,
    /// Of the propensity's coefficients, on the log odds for one standard deviation: "flat" (the default), or a normal one around
    /// 0, "normal(0, 2.5)". Where a flat one has no maximum, normal(0, 2.5) takes its place, and it is said.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub prior: Option<Spanned<String>>,
    /// Keeps propensities within this and 1 less this: 0.02; of several active arms, raises the probability of every arm to this
    /// at least. Without it they are taken as they are.
    #[cfg_attr(test, schemars(with = "Option<Real>"))]
    pub truncate: Option<Spanned<Real>>,
    /// Draws of the bootstrap. Default 2000.
    #[cfg_attr(test, schemars(with = "Option<u64>"))]
    pub replicates: Option<Spanned<Count>>,
    /// Simulated studies of the replay that calibrates the spread; 0 for none. Default 1000, fewer of more than 10,000 patients.
    #[cfg_attr(test, schemars(with = "Option<u64>"))]
    pub replays: Option<Spanned<Count>>,
    /// Of the bootstrap and the replay. Default 1.
    #[cfg_attr(test, schemars(with = "Option<u64>"))]
    pub seed: Option<Spanned<Count>>,
}
