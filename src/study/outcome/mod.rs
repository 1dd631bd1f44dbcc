//! What was measured: the outcome and its direction, the scale of its effect, and the observations.
//!
//! This folder is the only one right of `input` that distinguishes the kinds of observations. Everything else asks what it
//! needs to know: whether there are risks, whether there are patients, what a subgroup's own data show.

mod counts;
mod covariance;
mod data;
mod estimates;
mod levels;

pub use counts::{ArmCounts, SubgroupCounts};
pub use covariance::{Covariance, MOST_CORRELATED, Together};
pub use data::Data;
pub use estimates::{Estimates, SubgroupEstimate};
pub use levels::{ArmLevels, LevelData, LevelScale, MOST_LEVELS, SubgroupLevels, Utilities};

use super::Measure;

/// Which way is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum HigherIs {
    /// More events, or higher values, are better.
    Better,
    /// More events, or higher values, are worse.
    Worse,
}

impl HigherIs {
    /// The sign s of every formula, +1 or −1: benefit is s · effect > 0.
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
    /// The logarithm of an odds ratio.
    LogOddsRatio,
    /// The logarithm of a risk ratio.
    LogRiskRatio,
    /// The logarithm of a hazard ratio.
    LogHazardRatio,
    /// A difference of means or of risks, not a logarithm.
    Difference,
}

impl Scale {
    /// The measure in words, such as "odds ratio".
    pub fn measure_in_words(self) -> &'static str {
        Measure::of(self).in_words()
    }

    /// The key that names the measure in priors, thresholds and results, such as "odds_ratio".
    pub fn key(self) -> &'static str {
        Measure::of(self).key()
    }

    /// Whether the scale is the logarithm of a ratio.
    pub fn is_ratio(self) -> bool {
        self != Scale::Difference
    }
}

/// The outcome that was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Its name with its time, such as "mRS 0–3 at 90 days".
    pub name: String,
    /// Whether more events, or higher values, are better or worse.
    pub higher_is: HigherIs,
    /// The scale of the effect θ on it.
    pub scale: Scale,
    /// What events are called, in the plural; "events" unless the model file says otherwise.
    pub event: String,
    /// The levels of an ordinal outcome; none for others.
    pub levels: Option<LevelScale>,
}
