//! Values of arguments that a model file has words for.

use clap::ValueEnum;

use crate::input::{Decimal, Rows};
use crate::study::{Assignment, HigherIs, Scale};

/// What stands before decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DecimalArg {
    #[value(name = ".")]
    Point,
    #[value(name = ",")]
    Comma,
}

impl From<DecimalArg> for Decimal {
    fn from(said: DecimalArg) -> Decimal {
        match said {
            DecimalArg::Point => Decimal::Point,
            DecimalArg::Comma => Decimal::Comma,
        }
    }
}

/// What a row of a data file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RowsArg {
    /// Events and totals of a subgroup, or of one arm of it
    Counts,
    /// A published estimate of a subgroup
    Estimates,
    /// One patient
    Patients,
}

impl From<RowsArg> for Rows {
    fn from(said: RowsArg) -> Rows {
        match said {
            RowsArg::Counts => Rows::Counts,
            RowsArg::Estimates => Rows::Estimates,
            RowsArg::Patients => Rows::Patients,
        }
    }
}

/// Scales of estimates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScaleArg {
    /// Odds ratios, or their logarithms
    #[value(alias = "log_odds_ratio")]
    LogOddsRatio,
    /// Risk ratios, or their logarithms
    #[value(alias = "log_risk_ratio")]
    LogRiskRatio,
    /// Hazard ratios, or their logarithms
    #[value(alias = "log_hazard_ratio")]
    LogHazardRatio,
    /// Differences
    Difference,
}

impl From<ScaleArg> for Scale {
    fn from(said: ScaleArg) -> Scale {
        match said {
            ScaleArg::LogOddsRatio => Scale::LogOddsRatio,
            ScaleArg::LogRiskRatio => Scale::LogRiskRatio,
            ScaleArg::LogHazardRatio => Scale::LogHazardRatio,
            ScaleArg::Difference => Scale::Difference,
        }
    }
}

/// How patients came to be treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AssignmentArg {
    /// By chance
    Randomised,
    /// By judgement or circumstance
    Observational,
}

impl From<AssignmentArg> for Assignment {
    fn from(said: AssignmentArg) -> Assignment {
        match said {
            AssignmentArg::Randomised => Assignment::Randomised,
            AssignmentArg::Observational => Assignment::Observational,
        }
    }
}

/// Which way is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HigherArg {
    /// Such as recoveries
    Better,
    /// Such as deaths
    Worse,
}

impl From<HigherArg> for HigherIs {
    fn from(said: HigherArg) -> HigherIs {
        match said {
            HigherArg::Better => HigherIs::Better,
            HigherArg::Worse => HigherIs::Worse,
        }
    }
}
