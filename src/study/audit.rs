//! The account of a study's data: counts, how each figure was obtained, direction, assignment.

use serde::Serialize;

use super::{
    ArmCounts, Assignment, DrawsFile, HigherIs, PatientFile, Study, SubgroupCounts, SubgroupEstimate,
};

/// The account of a study's data, as shown by `check` and kept in `result.json`.
#[derive(Debug, Clone, Serialize)]
pub struct Audit {
    /// How patients came to be treated.
    pub assignment: Assignment,
    /// Who was eligible, in the model file's words; "not stated" where it has none.
    pub eligibility: String,
    /// When follow-up starts, in the model file's words; "not stated" where it has none.
    pub time_zero: String,
    /// The outcome's name.
    pub outcome: String,
    /// Whether more of the outcome is better or worse.
    pub higher_is: HigherIs,
    /// The direction of benefit in a sentence, derived from `higher_is`.
    pub direction: String,
    /// One row per subgroup, in the order of the data.
    pub rows: Vec<AuditRow>,
    /// The covariance of the published estimates' errors, by row; none where they are independent, and for counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub covariance: Option<Vec<Vec<f64>>>,
    /// Patients with a known outcome; none for published estimates.
    pub patients: Option<u64>,
    /// How many arms of subgroups have no events, or nothing but events.
    pub zero_or_full_cells: u64,
    /// The model file's remark on the data, if it has one.
    pub note: Option<String>,
    /// What a reader should know although it is not an error.
    pub notices: Vec<String>,
    /// How the data file was read, where the data are a file with one row per patient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PatientFile>,
    /// The account of the file of draws, where the estimates are their summary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draws: Option<DrawsFile>,
}

/// One subgroup's figures: counts by arm, or a published estimate.
#[derive(Debug, Clone, Serialize)]
pub struct AuditRow {
    /// The subgroup's name.
    pub subgroup: String,
    /// The control arm's counts; none for a published estimate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control: Option<AuditCell>,
    /// The active arm's counts; none for a published estimate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<AuditCell>,
    /// Where there are several active arms, the counts of each, in place of `active`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub arms: Vec<AuditCell>,
    /// The published estimate, on the scale of the effect: a log ratio or a difference. None for counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimate: Option<f64>,
    /// The standard error of the estimate, on the same scale; none for counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub se: Option<f64>,
    /// How the estimate was obtained, such as "printed"; none for counts, or where this is not stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Where the figures are published; none where this is not stated.
    pub citation: Option<String>,
    /// What the published estimate is adjusted for; none for counts, or where this is not stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adjusted_for: Option<String>,
}

/// The counts of one arm of a subgroup.
#[derive(Debug, Clone, Serialize)]
pub struct AuditCell {
    /// Patients with the event.
    pub events: u64,
    /// Patients whose outcome is known.
    pub total: u64,
    /// Further patients, whose outcome is not known.
    #[serde(skip_serializing_if = "is_zero")]
    pub missing: u64,
    /// Patients by level, lowest first; none for an outcome without levels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub levels: Option<Vec<u64>>,
    /// How the counts were obtained, such as "printed"; none where this is not stated.
    pub source: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl AuditCell {
    pub(crate) fn of(arm: &ArmCounts) -> AuditCell {
        AuditCell {
            events: arm.events,
            total: arm.total,
            missing: arm.missing,
            levels: None,
            source: arm.source.clone(),
        }
    }
}

impl AuditRow {
    pub(super) fn of_counts(row: &SubgroupCounts) -> AuditRow {
        let several = row.arms.len() > 2;
        AuditRow {
            subgroup: row.name.clone(),
            control: Some(AuditCell::of(row.control())),
            active: if several { None } else { Some(AuditCell::of(row.active())) },
            arms: row.arms.iter().skip(1).filter(|_| several).map(AuditCell::of).collect(),
            estimate: None,
            se: None,
            source: None,
            citation: row.citation.clone(),
            adjusted_for: None,
        }
    }

    /// The counts of every arm, control first; none of a published estimate.
    pub fn cells(&self) -> impl Iterator<Item = &AuditCell> {
        self.control.iter().chain(&self.active).chain(&self.arms)
    }

    pub(super) fn of_levels(row: &SubgroupCounts, levels: [&[u64]; 2]) -> AuditRow {
        let mut found = AuditRow::of_counts(row);
        for (cell, levels) in [&mut found.control, &mut found.active].into_iter().zip(levels) {
            if let Some(cell) = cell {
                cell.levels = Some(levels.to_vec());
            }
        }
        found
    }

    pub(super) fn of_estimate(row: &SubgroupEstimate) -> AuditRow {
        AuditRow {
            subgroup: row.name.clone(),
            control: None,
            active: None,
            arms: Vec::new(),
            estimate: Some(row.estimate),
            se: Some(row.se),
            source: row.source.clone(),
            citation: row.citation.clone(),
            adjusted_for: row.adjusted_for.clone(),
        }
    }
}

impl Study {
    /// The account of the study's data.
    pub fn audit(&self) -> Audit {
        let stated = |text: &Option<String>| text.clone().unwrap_or_else(|| "not stated".to_string());
        let mut rows = self.data.audit_rows();
        match self.weighting.as_ref() {
            // Of the design alone events are not known.
            Some(_) if self.is_design_alone() => rows.clear(),
            Some(weighting) => rows.iter_mut().zip(&weighting.counts).for_each(|(row, counts)| {
                let counted = AuditRow::of_counts(counts);
                (row.control, row.active) = (counted.control, counted.active);
            }),
            None => {}
        }
        let cells = || rows.iter().flat_map(AuditRow::cells);
        let zero_or_full =
            cells().filter(|c| c.total > 0 && (c.events == 0 || c.events == c.total)).count() as u64;
        let patients = self.patients_counted();
        Audit {
            assignment: self.assignment,
            eligibility: stated(&self.eligibility),
            time_zero: stated(&self.time_zero),
            outcome: self.outcome.name.clone(),
            higher_is: self.outcome.higher_is,
            direction: self.direction(),
            zero_or_full_cells: zero_or_full,
            patients,
            note: self.note.clone(),
            notices: self.notices.clone(),
            file: self.patients.clone(),
            draws: self.draws.as_deref().cloned(),
            rows,
            covariance: self
                .data
                .covariance()
                .map(|c| c.matrix().chunks(c.size()).map(<[f64]>::to_vec).collect()),
        }
    }

    /// The direction of benefit in a sentence, which names the active arm.
    pub fn direction(&self) -> String {
        let (more, side) = match self.outcome.higher_is {
            HigherIs::Better => ("better", "above"),
            HigherIs::Worse => ("worse", "below"),
        };
        // Only a randomised treatment favours.
        let verb = match self.assignment {
            Assignment::Randomised => "favours",
            Assignment::Observational => "means a better outcome with",
        };
        let active = match self.treatment.has_several_arms() {
            true => "the arm that is named first",
            false => self.treatment.active(),
        };
        let null = if self.outcome.scale.is_ratio() { "1" } else { "0" };
        if self.outcome.levels.is_some() {
            format!(
                "higher levels count as {more}: an odds ratio {side} 1, or a risk difference {side} 0, {verb} {}",
                self.treatment.active()
            )
        } else if self.data.has_risks() || self.weighting.is_some() {
            format!(
                "more {} count as {more}: an odds ratio {side} 1, or a risk difference {side} 0, {verb} {active}",
                self.outcome.event
            )
        } else if self.adjustment.is_some() {
            format!(
                "more {} count as {more}: an odds ratio {side} 1 {verb} {}",
                self.outcome.event,
                self.treatment.active()
            )
        } else {
            format!(
                "higher counts as {more}: {} {side} {null} {verb} {}",
                with_article(self.outcome.scale.measure_in_words()),
                self.treatment.active()
            )
        }
    }
}

fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}
