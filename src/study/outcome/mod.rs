//! What was measured: the outcome and its direction, the scale of its effect, and the observations.
//!
//! This folder is the only one right of `input` that tells the kinds of observations apart. Everything else asks what it
//! needs to know: are there risks, are there patients, what does a subgroup's own data say.

mod counts;
mod data;
mod estimates;

pub use counts::{ArmCounts, SubgroupCounts};
pub use data::Data;
pub use estimates::SubgroupEstimate;

use super::Measure;

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
        Measure::of(self).in_words()
    }

    /// The key that names the measure in priors and thresholds.
    pub fn key(self) -> &'static str {
        Measure::of(self).key()
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
