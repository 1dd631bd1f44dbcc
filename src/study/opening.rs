//! From a name or a path to a study, with the studies that its named priors come from.

use std::path::{Path, PathBuf};

use super::model_file::ModelFile;
use super::source::Source;
use super::{Study, build, named};
use crate::error::Result;

/// Reads a study from a path, or by the name of a shipped model.
pub fn open(model: &str) -> Result<Study> {
    let source = Source::find(model)?;
    let file = source.parse()?;
    study_of(&source, file)
}

/// The same of a copy that lies elsewhere: data files and other models are looked for in the folder of the original.
pub fn open_copy(path: &Path, folder: PathBuf) -> Result<Study> {
    let source = Source { folder: Some(folder), ..Source::find(&path.to_string_lossy())? };
    let file = source.parse()?;
    study_of(&source, file)
}

/// The study of a model file that has been read.
pub fn study_of(source: &Source, mut file: ModelFile) -> Result<Study> {
    let sections = std::mem::take(&mut file.priors);
    let outcome = file.outcome.clone();
    let mut study = build::study(source, file)?;
    study.named = named::priors(source, sections, (&study, &outcome))?;
    Ok(study)
}
