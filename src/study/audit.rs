//! What was read: cells, how each figure was obtained, direction, assignment.

use serde::Serialize;

use super::{Assignment, Data, HigherIs, PatientFile, Study};

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

impl Study {
    /// The account of what was read.
    pub fn audit(&self) -> Audit {
        let stated = |text: &Option<String>| text.clone().unwrap_or_else(|| "not stated".to_string());
        let rows: Vec<AuditRow> = match &self.data {
            Data::Counts(rows) => rows
                .iter()
                .map(|r| AuditRow {
                    subgroup: r.name.clone(),
                    control: Some(AuditCell {
                        events: r.control.events,
                        total: r.control.total,
                        missing: r.control.missing,
                        source: r.control.source.clone(),
                    }),
                    active: Some(AuditCell {
                        events: r.active.events,
                        total: r.active.total,
                        missing: r.active.missing,
                        source: r.active.source.clone(),
                    }),
                    estimate: None,
                    se: None,
                    source: None,
                    citation: r.citation.clone(),
                })
                .collect(),
            Data::Estimates(rows) => rows
                .iter()
                .map(|r| AuditRow {
                    subgroup: r.name.clone(),
                    control: None,
                    active: None,
                    estimate: Some(r.estimate),
                    se: Some(r.se),
                    source: r.source.clone(),
                    citation: r.citation.clone(),
                })
                .collect(),
        };
        let cells = || rows.iter().flat_map(|r| [&r.control, &r.active]).flatten();
        let zero_or_full =
            cells().filter(|c| c.total > 0 && (c.events == 0 || c.events == c.total)).count() as u64;
        let patients = matches!(self.data, Data::Counts(_)).then(|| cells().map(|c| c.total).sum());
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
        match &self.data {
            Data::Estimates(_) if self.adjustment.is_some() => format!(
                "more {} count as {more}: an odds ratio {side} 1 favours {}",
                self.outcome.event, self.treatment.active
            ),
            Data::Counts(_) => format!(
                "more {} count as {more}: an odds ratio {side} 1, or a risk difference {side} 0, favours {}",
                self.outcome.event, self.treatment.active
            ),
            Data::Estimates(_) => format!(
                "higher counts as {more}: {} {side} {null} favours {}",
                with_article(self.outcome.scale.measure_in_words()),
                self.treatment.active
            ),
        }
    }
}

fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}
