//! The measures of effect, and the axis on which each is shown.

use serde::{Serialize, Serializer};

use super::{Scale, Study};

/// What is measured of an effect: a risk, or a comparison of two arms or of two subgroups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Measure {
    /// The odds ratio, active over control.
    OddsRatio,
    /// The risk in the control arm, a probability.
    RiskControl,
    /// The risk in the active arm, a probability.
    RiskActive,
    /// The risk in one arm of several, a probability.
    Risk,
    /// The rank of one arm among several, 1 being the best.
    Rank,
    /// The risk difference, active minus control, as a proportion.
    RiskDifference,
    /// The risk ratio, active over control.
    RiskRatio,
    /// The hazard ratio, active over control.
    HazardRatio,
    /// A published difference, active minus control, in the outcome's units.
    Difference,
    /// Two subgroups' odds ratios, the first divided by the second.
    RatioOfOddsRatios,
    /// Two subgroups' risk ratios, the first divided by the second.
    RatioOfRiskRatios,
    /// Two subgroups' hazard ratios, the first divided by the second.
    RatioOfHazardRatios,
    /// Two subgroups' differences, the first minus the second, in the outcome's units.
    DifferenceOfDifferences,
    /// Two subgroups' risk differences, the first minus the second.
    DifferenceOfRiskDifferences,
    /// The difference in expected utility, active minus control, in the units of the utilities.
    UtilityDifference,
    /// The probability that a patient of the active arm fares better than one of the control arm, ties counted half.
    WinProbability,
    /// The odds of the win probability.
    WinOdds,
    /// The probability that a patient of the active arm fares better than one of the control arm, over that of the reverse.
    WinRatio,
    /// The probability that a patient of the active arm fares better than one of the control arm, minus that of the reverse.
    NetBenefit,
    /// The difference of mean levels, active minus control, levels counted from 0.
    LevelDifference,
    /// The probability of lying above one cut of ordered levels in the control arm.
    CutRiskControl,
    /// The probability of lying above one cut of ordered levels in the active arm.
    CutRiskActive,
    /// The difference of both arms' probabilities of lying above one cut, active minus control, as a proportion.
    CutRiskDifference,
    /// The odds ratio of lying above one cut, active over control.
    CutOddsRatio,
    /// How far a subgroup's own estimate is drawn to the mean: v/(v + τ²), where v is its squared standard error.
    /// From 0 to 1.
    Shrinkage,
}

/// The kind of axis on which a measure is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// No effect is 0, and magnitudes add.
    Additive,
    /// No effect is 1, and magnitudes multiply.
    Ratio,
    /// A probability of which no effect is one half; the same magnitude the other way is its complement.
    Chance,
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

    /// The measure in which a subgroup's effect is usually stated: the risk difference where there are risks,
    /// otherwise the measure of the effect's scale.
    pub fn usual(study: &Study) -> Measure {
        if study.data.has_risks() { Measure::RiskDifference } else { Measure::of(study.outcome.scale) }
    }

    /// The measure that compares the effects of two subgroups on this scale.
    pub fn contrast_of(scale: Scale) -> Measure {
        match scale {
            Scale::LogOddsRatio => Measure::RatioOfOddsRatios,
            Scale::LogRiskRatio => Measure::RatioOfRiskRatios,
            Scale::LogHazardRatio => Measure::RatioOfHazardRatios,
            Scale::Difference => Measure::DifferenceOfDifferences,
        }
    }

    /// The axis on which the measure is shown.
    pub fn axis(self) -> Axis {
        match self {
            Measure::OddsRatio
            | Measure::RiskRatio
            | Measure::HazardRatio
            | Measure::RatioOfOddsRatios
            | Measure::RatioOfRiskRatios
            | Measure::RatioOfHazardRatios
            | Measure::WinOdds
            | Measure::WinRatio
            | Measure::CutOddsRatio => Axis::Ratio,
            Measure::WinProbability => Axis::Chance,
            _ => Axis::Additive,
        }
    }

    /// Whether it counts what is better whichever way the outcome is coded: above no effect is then benefit, always.
    pub fn counts_what_is_better(self) -> bool {
        matches!(
            self,
            Measure::UtilityDifference
                | Measure::WinProbability
                | Measure::WinOdds
                | Measure::WinRatio
                | Measure::NetBenefit
        )
    }

    /// The value of no effect: 0, 1, or of a chance one half.
    pub fn null(self) -> f64 {
        match self.axis() {
            Axis::Additive => 0.0,
            Axis::Ratio => 1.0,
            Axis::Chance => 0.5,
        }
    }

    /// The measure's name in JSON and CSV.
    pub fn key(self) -> &'static str {
        match self {
            Measure::OddsRatio => "odds_ratio",
            Measure::RiskControl => "risk_control",
            Measure::RiskActive => "risk_active",
            Measure::Risk => "risk",
            Measure::Rank => "rank",
            Measure::RiskDifference => "risk_difference",
            Measure::RiskRatio => "risk_ratio",
            Measure::HazardRatio => "hazard_ratio",
            Measure::Difference => "difference",
            Measure::RatioOfOddsRatios => "ratio_of_odds_ratios",
            Measure::RatioOfRiskRatios => "ratio_of_risk_ratios",
            Measure::RatioOfHazardRatios => "ratio_of_hazard_ratios",
            Measure::DifferenceOfDifferences => "difference_of_differences",
            Measure::DifferenceOfRiskDifferences => "difference_of_risk_differences",
            Measure::UtilityDifference => "utility_difference",
            Measure::WinProbability => "win_probability",
            Measure::WinOdds => "win_odds",
            Measure::WinRatio => "win_ratio",
            Measure::NetBenefit => "net_benefit",
            Measure::LevelDifference => "level_difference",
            Measure::CutRiskControl => "risk_control_at_cut",
            Measure::CutRiskActive => "risk_active_at_cut",
            Measure::CutRiskDifference => "risk_difference_at_cut",
            Measure::CutOddsRatio => "odds_ratio_at_cut",
            Measure::Shrinkage => "shrinkage",
        }
    }

    /// The measure in words, for tables.
    pub fn in_words(self) -> &'static str {
        match self {
            Measure::OddsRatio => "odds ratio",
            Measure::RiskControl => "risk, control",
            Measure::RiskActive => "risk, active",
            Measure::Risk => "risk",
            Measure::Rank => "rank",
            Measure::RiskDifference => "risk difference",
            Measure::RiskRatio => "risk ratio",
            Measure::HazardRatio => "hazard ratio",
            Measure::Difference => "difference",
            Measure::RatioOfOddsRatios => "ratio of odds ratios",
            Measure::RatioOfRiskRatios => "ratio of risk ratios",
            Measure::RatioOfHazardRatios => "ratio of hazard ratios",
            Measure::DifferenceOfDifferences => "difference of differences",
            Measure::DifferenceOfRiskDifferences => "difference of risk differences",
            Measure::UtilityDifference => "utility difference",
            Measure::WinProbability => "win probability",
            Measure::WinOdds => "win odds",
            Measure::WinRatio => "win ratio",
            Measure::NetBenefit => "net benefit",
            Measure::LevelDifference => "difference of mean levels",
            Measure::CutRiskControl => "risk above a cut, control",
            Measure::CutRiskActive => "risk above a cut, active",
            Measure::CutRiskDifference => "risk difference above a cut",
            Measure::CutOddsRatio => "odds ratio above a cut",
            Measure::Shrinkage => "shrinkage",
        }
    }
}

impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}
