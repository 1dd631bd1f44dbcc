//! What is measured of an effect, and on which axis.

use serde::{Serialize, Serializer};

use super::{Scale, Study};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Measure {
    OddsRatio,
    RiskControl,
    RiskActive,
    RiskDifference,
    RiskRatio,
    HazardRatio,
    Difference,
    RatioOfOddsRatios,
    RatioOfRiskRatios,
    RatioOfHazardRatios,
    DifferenceOfDifferences,
    DifferenceOfRiskDifferences,
    /// How far a subgroup's own estimate is drawn to the mean: v/(v + τ²), v its squared standard error.
    Shrinkage,
}

/// Where no effect lies, and whether magnitudes multiply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// No effect is 0.
    Additive,
    /// No effect is 1.
    Ratio,
}

impl Measure {
    /// The measure of an effect on this scale.
    pub fn of(scale: Scale) -> Measure {
        match scale {
            Scale::LogOddsRatio => Measure::OddsRatio,
            Scale::LogRiskRatio => Measure::RiskRatio,
            Scale::LogHazardRatio => Measure::HazardRatio,
            Scale::Difference => Measure::Difference,
        }
    }

    /// The measure in which a subgroup's effect is usually told: the risk difference where there are risks.
    pub fn usual(study: &Study) -> Measure {
        if study.data.has_risks() { Measure::RiskDifference } else { Measure::of(study.outcome.scale) }
    }

    /// The contrast of two such effects.
    pub fn contrast_of(scale: Scale) -> Measure {
        match scale {
            Scale::LogOddsRatio => Measure::RatioOfOddsRatios,
            Scale::LogRiskRatio => Measure::RatioOfRiskRatios,
            Scale::LogHazardRatio => Measure::RatioOfHazardRatios,
            Scale::Difference => Measure::DifferenceOfDifferences,
        }
    }

    pub fn axis(self) -> Axis {
        match self {
            Measure::OddsRatio
            | Measure::RiskRatio
            | Measure::HazardRatio
            | Measure::RatioOfOddsRatios
            | Measure::RatioOfRiskRatios
            | Measure::RatioOfHazardRatios => Axis::Ratio,
            _ => Axis::Additive,
        }
    }

    /// The value of no effect.
    pub fn null(self) -> f64 {
        match self.axis() {
            Axis::Additive => 0.0,
            Axis::Ratio => 1.0,
        }
    }

    /// The measure's name in JSON and CSV.
    pub fn key(self) -> &'static str {
        match self {
            Measure::OddsRatio => "odds_ratio",
            Measure::RiskControl => "risk_control",
            Measure::RiskActive => "risk_active",
            Measure::RiskDifference => "risk_difference",
            Measure::RiskRatio => "risk_ratio",
            Measure::HazardRatio => "hazard_ratio",
            Measure::Difference => "difference",
            Measure::RatioOfOddsRatios => "ratio_of_odds_ratios",
            Measure::RatioOfRiskRatios => "ratio_of_risk_ratios",
            Measure::RatioOfHazardRatios => "ratio_of_hazard_ratios",
            Measure::DifferenceOfDifferences => "difference_of_differences",
            Measure::DifferenceOfRiskDifferences => "difference_of_risk_differences",
            Measure::Shrinkage => "shrinkage",
        }
    }

    /// In words, for tables.
    pub fn in_words(self) -> &'static str {
        match self {
            Measure::OddsRatio => "odds ratio",
            Measure::RiskControl => "risk, control",
            Measure::RiskActive => "risk, active",
            Measure::RiskDifference => "risk difference",
            Measure::RiskRatio => "risk ratio",
            Measure::HazardRatio => "hazard ratio",
            Measure::Difference => "difference",
            Measure::RatioOfOddsRatios => "ratio of odds ratios",
            Measure::RatioOfRiskRatios => "ratio of risk ratios",
            Measure::RatioOfHazardRatios => "ratio of hazard ratios",
            Measure::DifferenceOfDifferences => "difference of differences",
            Measure::DifferenceOfRiskDifferences => "difference of risk differences",
            Measure::Shrinkage => "shrinkage",
        }
    }
}

impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}
