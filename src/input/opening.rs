//! From a name or a path to a study, with the studies that its named priors come from.

use std::path::{Path, PathBuf};

use super::changes::Changes;
use super::model_file::ModelFile;
use super::source::Source;
use super::{build, named, truths};
use crate::error::{Error, Result};
use crate::study::Study;

/// How data files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reading {
    /// Reads on where a data file, unpacked, holds more than 256 MB and more than 100 times what it takes on the
    /// disk, which otherwise is an error. Memory is then the caller's concern.
    pub large: bool,
    /// Of a study with `[adjustment]` reads its design alone: who was treated, with which covariates, and no outcome.
    pub design: bool,
}

/// Reads a study from a path, or by the name of a shipped model.
pub fn open(model: impl AsRef<Path>) -> Result<Study> {
    open_with(model, Reading::default())
}

/// The same, with a word on how data files are read.
pub fn open_with(model: impl AsRef<Path>, reading: Reading) -> Result<Study> {
    open_changed(model, reading, &Changes::default())
}

/// The same, with what is changed of the file.
pub fn open_changed(model: impl AsRef<Path>, reading: Reading, changes: &Changes) -> Result<Study> {
    let source = Source { reading, ..Source::find(model.as_ref())? }.changed(changes)?;
    let read = || study_of(&source, source.parse()?);
    read().map_err(|e| as_changed(e, changes))
}

/// An error of a file that was changed says so: its text is not the one that lies there.
pub(super) fn as_changed(e: Error, changes: &Changes) -> Error {
    if changes.is_empty() { e } else { e.help("the file is shown as --set and --prior have changed it") }
}

/// The same of a copy that lies elsewhere: data files and other models are looked for in the folder of the original.
pub fn open_copy(path: &Path, folder: PathBuf, reading: Reading) -> Result<Study> {
    let source = Source { folder: Some(folder), reading, ..Source::find(path)? };
    let file = source.parse()?;
    study_of(&source, file)
}

/// Reads a study from a text as if it were the file at `path`, which need not be there.
pub fn open_text(text: &str, path: &Path, reading: Reading) -> Result<Study> {
    let written = Source::written("model".to_string(), &path.to_string_lossy(), text.to_string(), path);
    let source = Source { reading, ..written };
    let file = source.parse()?;
    study_of(&source, file)
}

/// The study of a model file that has been read.
pub fn study_of(source: &Source, mut file: ModelFile) -> Result<Study> {
    let sections = std::mem::take(&mut file.priors);
    let design = file.design.take();
    let mut study = build::study(source, file)?;
    study.named = named::priors(source, sections, &study)?;
    if let Some(section) = &design {
        study.design = truths::design(source, section, &study)?;
    }
    study.files = source.read.so_far();
    study.changed = source.changed.clone();
    Ok(study)
}
