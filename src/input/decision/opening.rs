//! From a name or a path to a decision, with the studies of its outcomes.

use std::path::Path;

use super::super::changes::Changes;
use super::super::keys::Keys;
use super::super::model_file::ModelFile;
use super::super::opening::{Reading, as_changed, study_of};
use super::super::shipped_decisions;
use super::super::source::Source;
use super::build;
use super::file::{DecisionFile, QuestionSection};
use crate::error::Result;
use crate::study::{Decision, Study};

/// Reads a decision: a shipped one by name, a decision file, a model with a section `[decision]`, or a plain model, whose
/// question is then which of its arms is better.
pub fn open_decision(decision: impl AsRef<Path>) -> Result<Decision> {
    open_decision_with(decision, Reading::default())
}

/// The same, with a word on how data files are read.
pub fn open_decision_with(decision: impl AsRef<Path>, reading: Reading) -> Result<Decision> {
    open_decision_changed(decision, reading, &Changes::default())
}

/// The same, with what is changed of the file. The models of a decision file are fitted under the prior that is named.
pub fn open_decision_changed(
    decision: impl AsRef<Path>,
    reading: Reading,
    changes: &Changes,
) -> Result<Decision> {
    let decision = decision.as_ref();
    let source = match shipped_decisions().iter().find(|s| decision == Path::new(s.name)) {
        Some(shipped) => shipped.source(),
        None => Source { reading, ..Source::find(decision)? },
    };
    let source = source.changed(changes)?;
    of(&source).map_err(|e| as_changed(e, changes))
}

fn of(source: &Source) -> Result<Decision> {
    if source.is_decision() {
        let file: DecisionFile = source.parse_as(Keys::Decision)?;
        return build::decision(source, file, None);
    }
    let mut model: ModelFile = source.parse()?;
    let section = model.decision.take();
    let study = study_of(source, model)?;
    let file = match section {
        Some(section) => section.into_inner().into(),
        None => plain(&study),
    };
    build::decision(source, file, Some(study))
}

/// Whether a name or path stands for a decision: a shipped one, a decision file, or a model with a section `[decision]`.
pub fn is_decision(name: &Path) -> Result<bool> {
    if shipped_decisions().iter().any(|s| name == Path::new(s.name)) {
        return Ok(true);
    }
    let source = Source::find(name)?;
    Ok(source.is_decision() || source.parse()?.decision.is_some())
}

/// What a model without a decision asks.
fn plain(study: &Study) -> DecisionFile {
    let mut letters = study.treatment.active().chars();
    let active: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    let question = match study.treatment.has_several_arms() {
        false => format!("{active} or {}?", study.treatment.control()),
        true => {
            let others = study.treatment.arms[2..].join(", ");
            format!("{active}, {others} or {}?", study.treatment.control())
        }
    };
    DecisionFile {
        decision: toml::Spanned::new(0..0, QuestionSection { question, actions: None, illustrative: false }),
        outcome: Vec::new(),
        rule: Vec::new(),
        panel: Vec::new(),
        layers: None,
        costs: None,
        credibility: None,
    }
}
