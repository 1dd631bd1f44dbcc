//! Observations by subgroup, and what may be asked of them whatever their kind.

use super::{SubgroupCounts, SubgroupEstimate};
use crate::study::{AuditRow, Scale};

/// Observations by subgroup.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Events and patients by arm.
    Counts(Vec<SubgroupCounts>),
    /// Published estimates with standard errors.
    Estimates(Vec<SubgroupEstimate>),
}

impl Data {
    /// The subgroups' names, in the data's order.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Data::Counts(rows) => rows.iter().map(|r| r.name.as_str()).collect(),
            Data::Estimates(rows) => rows.iter().map(|r| r.name.as_str()).collect(),
        }
    }

    /// Whether each arm has a risk, so that there are risk differences, risk ratios and numbers needed to treat.
    pub fn has_risks(&self) -> bool {
        self.counts().is_some()
    }

    /// Patients and events by arm, where they are known.
    pub fn counts(&self) -> Option<&[SubgroupCounts]> {
        match self {
            Data::Counts(rows) => Some(rows),
            Data::Estimates(_) => None,
        }
    }

    /// Effects as they were published.
    pub fn published(&self) -> Option<&[SubgroupEstimate]> {
        match self {
            Data::Counts(_) => None,
            Data::Estimates(rows) => Some(rows),
        }
    }

    /// Patients with a known outcome; none where nobody says how many there were.
    pub fn patients(&self) -> Option<u64> {
        self.counts().map(|rows| rows.iter().map(SubgroupCounts::patients).sum())
    }

    /// What one unit of the data is.
    pub fn unit(&self) -> &'static str {
        match self {
            Data::Counts(_) => "patient",
            Data::Estimates(_) => "estimate",
        }
    }

    /// Every subgroup's own estimate of the effect and its variance, nothing borrowed: as published, or the log odds ratio of
    /// its counts; none with an empty cell.
    pub fn own_effects(&self) -> Vec<Option<(f64, f64)>> {
        match self {
            Data::Counts(rows) => rows.iter().map(SubgroupCounts::log_odds_ratio).collect(),
            Data::Estimates(rows) => rows.iter().map(|r| Some((r.estimate, r.se * r.se))).collect(),
        }
    }

    /// The variance of subgroup `g`'s own estimate of the effect; infinite where it has none.
    pub fn own_variance(&self, g: usize) -> f64 {
        match self {
            Data::Counts(rows) => rows[g].arms.iter().map(|arm| arm.variance_of_log_odds()).sum(),
            Data::Estimates(rows) => rows[g].se * rows[g].se,
        }
    }

    /// The estimates' standard errors where effects are on a scale of its own unit, not a logarithm; none on log scales.
    pub fn errors_of_differences(&self, scale: Scale) -> Option<Vec<f64>> {
        match self {
            Data::Estimates(rows) if !scale.is_ratio() => Some(rows.iter().map(|r| r.se).collect()),
            _ => None,
        }
    }

    /// The first `n` subgroups.
    #[must_use]
    pub fn first(&self, n: usize) -> Data {
        match self {
            Data::Counts(rows) => Data::Counts(rows.iter().take(n).cloned().collect()),
            Data::Estimates(rows) => Data::Estimates(rows.iter().take(n).cloned().collect()),
        }
    }

    /// Whether both hold the same figures, whatever they call the subgroups and in whichever order.
    pub(in crate::study) fn same_figures(&self, other: &Data) -> bool {
        let figures = |data: &Data| -> Vec<Vec<u64>> {
            let mut rows: Vec<Vec<u64>> = match data {
                Data::Counts(rows) => {
                    rows.iter().map(|r| r.arms.iter().flat_map(|a| [a.events, a.total]).collect()).collect()
                }
                Data::Estimates(rows) => {
                    rows.iter().map(|r| vec![r.estimate.to_bits(), r.se.to_bits(), 0, 0]).collect()
                }
            };
            rows.sort_unstable();
            rows
        };
        figures(self) == figures(other)
    }

    /// The account of each subgroup.
    pub(in crate::study) fn audit_rows(&self) -> Vec<AuditRow> {
        match self {
            Data::Counts(rows) => rows.iter().map(AuditRow::of_counts).collect(),
            Data::Estimates(rows) => rows.iter().map(AuditRow::of_estimate).collect(),
        }
    }
}
