//! A data file where a model file was expected: what it is, and the command that makes a model of it.

use std::path::{Path, PathBuf};

use super::Reading;
use super::draft::{Draft, draft};
use super::patients::surveyed;
use super::reader::{Form, is_packed};
use super::recognised::{ASKED_OF, LOOKED_FOR, METAFOR, listed, recognised};
use crate::error::{Error, ErrorKind, Place};
use crate::study::{Assignment, HigherIs};

/// Endings of data files' names.
const ENDINGS: [&str; 10] = ["csv", "tsv", "tab", "txt", "dat", "xlsx", "xlsm", "xls", "parquet", "ods"];

/// The error of a data file that was given as a model; none where a file is no data file.
pub fn data_file(path: &Path, shown: &str) -> Option<Error> {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    if !path.is_file() || ending == "toml" {
        return None;
    }
    if !ENDINGS.contains(&ending.as_str()) && !is_packed(path) {
        return None;
    }
    // A model by an unusual name.
    if std::fs::read_to_string(path).is_ok_and(|text| text.parse::<toml::Table>().is_ok()) {
        return None;
    }
    let survey = match surveyed(path, (Reading::default(), &Form::default()), &[]) {
        Ok(survey) => survey,
        Err(e) => {
            return Some(e.help("a model file is expected here; `equipoise new` drafts one for a data file"));
        }
    };
    // Either word: what is asked for and found is the same.
    let said = Draft::of(Assignment::Randomised, HigherIs::Worse);
    let rows = survey.rows;
    let found = recognised(&survey, &said);
    let what = match &found {
        Ok(Some(table)) => table.in_words(rows),
        Ok(None) => format!(
            "taken for a file of patients: {rows} rows, and no columns whose names tell events and totals of two arms, or estimates with their errors"
        ),
        Err(_) => format!("a table of {rows} rows"),
    };
    let model = beside(path);
    let (data, out) = (in_a_shell(path), in_a_shell(&model));
    let mut error = Error::of(ErrorKind::Usage, format!("this is {what}; a model file is expected"))
        .at(Place::File(shown.to_string()))
        .help(format!(
            "draft a model file for it: equipoise new {data} --assignment randomised --higher-is worse -o {out}"
        ))
        .help(
            "say --assignment observational where treatment was not given by chance, and --higher-is better where more events, or a larger estimate, are good",
        );
    if let Ok(None) = found {
        error = error.help(format!(
            "if its rows hold counts, name the columns: equipoise new {data} --rows counts --columns subgroup=…,control_events=…,control_total=…,active_events=…,active_total=… (the file has {}; names such as these need no word: {LOOKED_FOR}; of {ASKED_OF}, only --control says which group is the control: {METAFOR})",
            listed(&survey)
        ));
    }
    if let Err(open) = draft(path, &path.to_string_lossy(), &said) {
        let verb = if open.message().ends_with('?') { "ask" } else { "say" };
        error = error.help(format!("`new` will {verb}: {}", open.message()));
    }
    Some(error.help(format!("then: equipoise check {out}, equipoise fit {out}")))
}

/// A model file that is not there yet, named after the data and beside them.
fn beside(path: &Path) -> PathBuf {
    let mut stem = PathBuf::from(path.file_name().unwrap_or_default());
    if stem.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz")) {
        stem.set_extension("");
    }
    stem.set_extension("");
    let stem = stem.to_string_lossy().into_owned();
    let first = path.with_file_name(format!("{stem}.toml"));
    if first.exists() { path.with_file_name(format!("{stem}-model.toml")) } else { first }
}

/// A path as a shell takes it for one word.
fn in_a_shell(path: &Path) -> String {
    let path = path.to_string_lossy();
    let is_plain = |c: char| c.is_alphanumeric() || "._/-+,:\\".contains(c);
    if path.chars().all(is_plain) { path.into_owned() } else { format!("'{}'", path.replace('\'', "'\\''")) }
}
