//! Observations by subgroup, and what may be asked of them whatever their kind.

use super::{Covariance, Estimates, LevelData, SubgroupCounts, SubgroupEstimate};
use crate::study::{AuditRow, Scale};

/// The observations of all subgroups.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Events and patients by arm.
    Counts(Vec<SubgroupCounts>),
    /// Patients by ordered level and arm; their events are the levels above the primary cut.
    Levels(LevelData),
    /// Published estimates with standard errors.
    Estimates(Estimates),
}

impl Data {
    /// The subgroups' names, in the order of the data.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Data::Counts(rows) => rows.iter().map(|r| r.name.as_str()).collect(),
            Data::Levels(levels) => levels.counts().iter().map(|r| r.name.as_str()).collect(),
            Data::Estimates(rows) => rows.iter().map(|r| r.name.as_str()).collect(),
        }
    }

    /// Gives every subgroup another name, in order.
    pub(in crate::study) fn rename(&mut self, names: Vec<String>) {
        let each: Vec<&mut String> = match self {
            Data::Counts(rows) => rows.iter_mut().map(|r| &mut r.name).collect(),
            Data::Estimates(rows) => rows.rows_mut().iter_mut().map(|r| &mut r.name).collect(),
            // Levels have no factors.
            Data::Levels(_) => Vec::new(),
        };
        each.into_iter().zip(names).for_each(|(name, new)| *name = new);
    }

    /// Whether each arm has a risk, so that risk differences, risk ratios and numbers needed to treat exist.
    pub fn has_risks(&self) -> bool {
        match self {
            Data::Counts(_) | Data::Levels(_) => true,
            Data::Estimates(estimates) => estimates.baselines.is_some(),
        }
    }

    /// Whether they are estimates from weighted patients, with baselines beside them.
    pub fn is_weighted(&self) -> bool {
        matches!(self, Data::Estimates(estimates) if estimates.baselines.is_some())
    }

    /// Events and patients by arm, of ordered levels those above the primary cut; none for published estimates.
    pub fn counts(&self) -> Option<&[SubgroupCounts]> {
        match self {
            Data::Counts(rows) => Some(rows),
            Data::Levels(levels) => Some(levels.counts()),
            Data::Estimates(_) => None,
        }
    }

    /// Patients by level; none where outcomes have no levels.
    pub fn levels(&self) -> Option<&LevelData> {
        match self {
            Data::Levels(levels) => Some(levels),
            Data::Counts(_) | Data::Estimates(_) => None,
        }
    }

    /// The published estimates; none for counts.
    pub fn published(&self) -> Option<&[SubgroupEstimate]> {
        match self {
            Data::Counts(_) | Data::Levels(_) => None,
            Data::Estimates(rows) => Some(rows),
        }
    }

    /// How the errors of the published estimates belong together; none where they are independent, and for counts.
    pub fn covariance(&self) -> Option<&Covariance> {
        match self {
            Data::Counts(_) | Data::Levels(_) => None,
            Data::Estimates(estimates) => estimates.covariance.as_deref(),
        }
    }

    /// Patients with a known outcome; none for published estimates, whose patients are not known.
    pub fn patients(&self) -> Option<u64> {
        self.counts().map(|rows| rows.iter().map(SubgroupCounts::patients).sum())
    }

    /// What one unit of the data is called: "patient" or "estimate".
    pub fn unit(&self) -> &'static str {
        match self {
            Data::Counts(_) | Data::Levels(_) => "patient",
            Data::Estimates(_) => "estimate",
        }
    }

    /// Each subgroup's own estimate of its effect with its variance, without borrowing from other subgroups: the
    /// published one, or the log odds ratio of its counts or levels. None where that is not finite.
    pub fn own_effects(&self) -> Vec<Option<(f64, f64)>> {
        match self {
            Data::Counts(rows) => rows.iter().map(SubgroupCounts::log_odds_ratio).collect(),
            Data::Levels(levels) => levels.own_effects().to_vec(),
            Data::Estimates(rows) => rows.iter().map(|r| Some((r.estimate, r.se * r.se))).collect(),
        }
    }

    /// The variance of subgroup `g`'s own estimate of its effect; infinite where it has none.
    pub fn own_variance(&self, g: usize) -> f64 {
        match self {
            Data::Counts(rows) => rows[g].arms.iter().map(|arm| arm.variance_of_log_odds()).sum(),
            Data::Levels(levels) => levels.own_effects()[g].map_or(f64::INFINITY, |(_, variance)| variance),
            Data::Estimates(rows) => rows[g].se * rows[g].se,
        }
    }

    /// The estimates' standard errors where the scale is a difference in the outcome's units; none on log scales and
    /// for counts.
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
            Data::Levels(levels) => Data::Levels(levels.first(n)),
            Data::Estimates(rows) => Data::Estimates(rows.first(n)),
        }
    }

    /// Whether both hold the same figures, whatever they call the subgroups and in whichever order.
    pub(in crate::study) fn same_figures(&self, other: &Data) -> bool {
        let figures = |data: &Data| -> Vec<Vec<u64>> {
            let mut rows: Vec<Vec<u64>> = match data {
                Data::Counts(rows) => {
                    rows.iter().map(|r| r.arms.iter().flat_map(|a| [a.events, a.total]).collect()).collect()
                }
                Data::Levels(levels) => {
                    let arms = |g| (0..2).flat_map(move |arm| levels.patients(g, arm).iter().copied());
                    (0..levels.counts().len()).map(|g| arms(g).collect()).collect()
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

    /// Subgroups that both hold with the same name and the same figures, rows without patients aside.
    pub(in crate::study) fn shared<'d>(&'d self, other: &Data) -> Vec<&'d str> {
        fn rows(data: &Data) -> Vec<(&str, [u64; 4])> {
            match (data, data.counts()) {
                (_, Some(rows)) => rows
                    .iter()
                    .filter(|row| row.patients() > 0)
                    .map(|row| {
                        let (control, active) = (row.control(), row.active());
                        (row.name.as_str(), [control.events, control.total, active.events, active.total])
                    })
                    .collect(),
                (Data::Estimates(rows), _) => rows
                    .iter()
                    .map(|row| (row.name.as_str(), [row.estimate.to_bits(), row.se.to_bits(), 0, 0]))
                    .collect(),
                _ => Vec::new(),
            }
        }
        let same = |a: &str, b: &str| a.trim().to_lowercase() == b.trim().to_lowercase();
        let theirs = rows(other);
        let is_shared = |(name, figures): &(&str, [u64; 4])| {
            theirs.iter().any(|(other, of)| of == figures && same(name, other))
        };
        rows(self).into_iter().filter(is_shared).map(|(name, _)| name).collect()
    }

    /// The account of each subgroup.
    pub(in crate::study) fn audit_rows(&self) -> Vec<AuditRow> {
        match self {
            Data::Counts(rows) => rows.iter().map(AuditRow::of_counts).collect(),
            Data::Levels(levels) => {
                let row =
                    |(g, counts)| AuditRow::of_levels(counts, [levels.patients(g, 0), levels.patients(g, 1)]);
                levels.counts().iter().enumerate().map(row).collect()
            }
            Data::Estimates(rows) => rows.iter().map(AuditRow::of_estimate).collect(),
        }
    }
}
