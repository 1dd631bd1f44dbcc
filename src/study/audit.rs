//! What was read: cells, how each figure was obtained, direction, assignment.

use serde::Serialize;

use super::{ArmCounts, Assignment, HigherIs, PatientFile, Study, SubgroupCounts, SubgroupEstimate};

/// The account of a study's data, as shown by `check` and kept in `result.json`.
#[derive(Debug, Clone, Serialize)]
pub struct Audit {
    pub assignment: Assignment,
    pub eligibility: String,
    pub time_zero: String,
    pub outcome: String,
    pub higher_is: HigherIs,
    /// The direction in words, derived from `higher_is`.
    pub direction: String,
    pub rows: Vec<AuditRow>,
    pub patients: Option<u64>,
    /// Cells with no events, or with nothing but events.
    pub zero_or_full_cells: u64,
    pub note: Option<String>,
    pub notices: Vec<String>,
    /// How a file of patients was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PatientFile>,
}

/// One subgroup's figures.
#[derive(Debug, Clone, Serialize)]
pub struct AuditRow {
    pub subgroup: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control: Option<AuditCell>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<AuditCell>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimate: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub se: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    pub citation: Option<String>,
}

/// One arm's counts.
#[derive(Debug, Clone, Serialize)]
pub struct AuditCell {
    pub events: u64,
    /// Patients whose outcome is known.
    pub total: u64,
    /// Further patients whose outcome is not.
    #[serde(skip_serializing_if = "is_zero")]
    pub missing: u64,
    pub source: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl AuditCell {
    fn of(arm: &ArmCounts) -> AuditCell {
        AuditCell { events: arm.events, total: arm.total, missing: arm.missing, source: arm.source.clone() }
    }
}

impl AuditRow {
    pub(super) fn of_counts(row: &SubgroupCounts) -> AuditRow {
        AuditRow {
            subgroup: row.name.clone(),
            control: Some(AuditCell::of(row.control())),
            active: Some(AuditCell::of(row.active())),
            estimate: None,
            se: None,
            source: None,
            citation: row.citation.clone(),
        }
    }

    pub(super) fn of_estimate(row: &SubgroupEstimate) -> AuditRow {
        AuditRow {
            subgroup: row.name.clone(),
            control: None,
            active: None,
            estimate: Some(row.estimate),
            se: Some(row.se),
            source: row.source.clone(),
            citation: row.citation.clone(),
        }
    }
}

impl Study {
    /// The account of what was read.
    pub fn audit(&self) -> Audit {
        let stated = |text: &Option<String>| text.clone().unwrap_or_else(|| "not stated".to_string());
        let rows = self.data.audit_rows();
        let cells = || rows.iter().flat_map(|r| [&r.control, &r.active]).flatten();
        let zero_or_full =
            cells().filter(|c| c.total > 0 && (c.events == 0 || c.events == c.total)).count() as u64;
        let patients = self.data.patients();
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
            rows,
        }
    }

    /// Which way benefit lies, in a sentence.
    pub fn direction(&self) -> String {
        let (more, side) = match self.outcome.higher_is {
            HigherIs::Better => ("better", "above"),
            HigherIs::Worse => ("worse", "below"),
        };
        let null = if self.outcome.scale.is_ratio() { "1" } else { "0" };
        if self.data.has_risks() {
            format!(
                "more {} count as {more}: an odds ratio {side} 1, or a risk difference {side} 0, favours {}",
                self.outcome.event,
                self.treatment.active()
            )
        } else if self.adjustment.is_some() {
            format!(
                "more {} count as {more}: an odds ratio {side} 1 favours {}",
                self.outcome.event,
                self.treatment.active()
            )
        } else {
            format!(
                "higher counts as {more}: {} {side} {null} favours {}",
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
