//! Finding and reading model files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::model_file::ModelFile;
use super::nearest::nearest;
use super::shipped::{Shipped, shipped};
use crate::error::{Error, Place, Result};

/// Larger model files are taken for something else.
const LARGEST_MODEL_FILE: u64 = 16 << 20;

/// A model file's text and where it came from.
#[derive(Debug, Clone)]
pub struct Source {
    /// The shipped model's name, or the file's without its extension.
    pub name: String,
    /// As shown in errors.
    pub file: String,
    pub text: Arc<str>,
    /// Where data files are looked for.
    pub folder: Option<PathBuf>,
}

impl Source {
    /// The text of a shipped model, or of the file at a path.
    pub fn find(model: &str) -> Result<Source> {
        if let Ok(found) = Source::shipped(model) {
            return Ok(found);
        }
        let path = Path::new(model);
        if !path.exists() {
            return Err(not_found(model));
        }
        let text = read_text(path, model)?;
        let name = path.file_stem().map_or_else(|| "model".into(), |s| s.to_string_lossy().into_owned());
        Ok(Source {
            name,
            file: model.to_string(),
            text: text.into(),
            folder: Some(path.parent().map_or_else(PathBuf::new, Path::to_path_buf)),
        })
    }

    /// The text of a shipped model alone.
    pub fn shipped(name: &str) -> Result<Source> {
        shipped().iter().find(|s| s.name == name).map(Shipped::source).ok_or_else(|| not_found(name))
    }

    /// The model file's structure; errors point at the line.
    pub fn parse(&self) -> Result<ModelFile> {
        let text = self.text.strip_prefix('\u{feff}').unwrap_or(&self.text);
        if let Ok(table) = text.parse::<toml::Table>() {
            check_shapes(&table).map_err(|e| e.at(Place::File(self.file.clone())))?;
        }
        toml::from_str(text).map_err(|e| {
            let span = e.span().unwrap_or(0..0);
            let (message, label, help) = in_plain_words(e.message());
            let mut error = Error::new(message).at(self.place(span));
            if let Some(label) = label {
                error = error.label(label);
            }
            match help {
                Some(help) => error.help(help),
                None => error,
            }
        })
    }

    /// A place in this text, for a span counted without a byte-order mark.
    pub fn place(&self, span: std::ops::Range<usize>) -> Place {
        let text: Arc<str> = self.text.strip_prefix('\u{feff}').unwrap_or(&self.text).into();
        Place::Text { file: self.file.clone(), text, span }
    }
}

/// Sections and rows are tables: the reader would also take lists, by position, and nobody means that.
fn check_shapes(file: &toml::Table) -> Result<()> {
    let wrong = |what: String| {
        Err(Error::new(what).help("the shipped models show the form: equipoise list --show blocker"))
    };
    for (name, value) in file {
        let scalar = ["title", "citation", "illustrative", "note"].contains(&name.as_str());
        if !scalar && value.is_array() {
            return wrong(format!("`{name}` is a list; it is a section, [{name}]"));
        }
    }
    let data = file.get("data").and_then(toml::Value::as_table);
    for key in ["counts", "estimates"] {
        let rows = data.and_then(|d| d.get(key)).and_then(toml::Value::as_array);
        for (i, row) in rows.into_iter().flatten().enumerate() {
            let Some(row) = row.as_table() else {
                return wrong(format!("row {} of `{key}` is not a table: {{ subgroup = …, … }}", i + 1));
            };
            for arm in ["control", "active"] {
                if row.get(arm).is_some_and(|a| !a.is_table()) {
                    let form = "{ events = …, total = … }";
                    return wrong(format!("row {} of `{key}`: `{arm}` is not of the form {form}", i + 1));
                }
            }
        }
    }
    Ok(())
}

/// Turns the parser's message into one for people: unknown keys get the nearest known one.
fn in_plain_words(message: &str) -> (String, Option<String>, Option<String>) {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    for (start, what) in [("unknown field", "key"), ("unknown variant", "value")] {
        if message.starts_with(start) && !quoted.is_empty() {
            let known: Vec<String> = quoted[1..].iter().map(|k| format!("`{k}`")).collect();
            let expected = match known.as_slice() {
                [] => "nothing".to_string(),
                [one] => one.clone(),
                [most @ .., last] => format!("{} or {last}", most.join(", ")),
            };
            let near = nearest(quoted[0], quoted[1..].iter().copied());
            let label = near.as_ref().map(|n| format!("did you mean `{n}`?"));
            return (format!("unknown {what} `{}`", quoted[0]), label, Some(format!("expected {expected}")));
        }
    }
    if message.starts_with("missing field") && !quoted.is_empty() {
        let help = match quoted[0] {
            "assignment" => "write assignment = \"randomised\" or assignment = \"observational\"",
            "higher_is" => {
                "write higher_is = \"better\" or higher_is = \"worse\": every sign derives from it"
            }
            "effect" => {
                "write effect = { odds_ratio = [0.5, 2.0], mass = 0.95 } or effect = \"normal(0, 0.355)\""
            }
            "study" => "add a section [study] with assignment = \"randomised\" or \"observational\"",
            "prior" => "add a section [prior] with effect = … and heterogeneity = …",
            _ => "the shipped models show a whole file: equipoise list",
        };
        return (format!("`{}` is missing", quoted[0]), None, Some(help.to_string()));
    }
    let message = message.trim().replace('\n', "; ");
    (message, None, None)
}

fn not_found(model: &str) -> Error {
    let error = Error::new(format!("no model named `{model}`, and no file at that path"));
    match nearest(model, shipped().iter().map(|s| s.name)) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error.help("`equipoise list` shows the models shipped inside the program"),
    }
}

/// The whole of a text file in UTF-8.
pub(super) fn read_text(path: &Path, shown: &str) -> Result<String> {
    let here = || Place::File(shown.to_string());
    let metadata = std::fs::metadata(path).map_err(|e| unreadable(&e).at(here()))?;
    if metadata.is_dir() {
        return Err(Error::new("this is a folder, not a file").at(here()).help("name a file in it"));
    }
    if metadata.len() > LARGEST_MODEL_FILE {
        return Err(
            Error::new(format!("{} MB is too large for this kind of file", metadata.len() >> 20)).at(here())
        );
    }
    let bytes = std::fs::read(path).map_err(|e| unreadable(&e).at(here()))?;
    String::from_utf8(bytes).map_err(|e| {
        let offset = e.utf8_error().valid_up_to();
        let line = e.as_bytes()[..offset].iter().filter(|&&b| b == b'\n').count() + 1;
        let error = Error::new(format!("line {line} is not UTF-8 text")).at(here());
        if e.as_bytes().starts_with(&[0xff, 0xfe]) || e.as_bytes().starts_with(&[0xfe, 0xff]) {
            error.help("the file is UTF-16; save it as UTF-8")
        } else {
            error.help("save the file as UTF-8")
        }
    })
}

fn unreadable(e: &std::io::Error) -> Error {
    match e.kind() {
        std::io::ErrorKind::NotFound => Error::new("there is no such file"),
        std::io::ErrorKind::PermissionDenied => Error::new("this file may not be read"),
        _ => Error::new(format!("can't be read: {e}")),
    }
}

/// In hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

impl Shipped {
    fn source(&self) -> Source {
        Source {
            name: self.name.to_string(),
            file: format!("{}.toml (shipped)", self.name),
            text: self.text.into(),
            folder: None,
        }
    }
}
