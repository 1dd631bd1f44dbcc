//! Finding and reading model files.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::DeTable;

use super::keys::Keys;
use super::model_file::ModelFile;
use super::nearest::{all_listed, nearest};
use super::not_a_model::data_file;
use super::opening::Reading;
use super::shipped::{Shipped, shipped, shipped_decisions};
use super::words;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::study::Changed;
pub(super) use crate::study::checksum::{in_hexadecimal, sha256};

/// Larger model files are taken for something else.
const LARGEST_MODEL_FILE: u64 = 16 << 20;

/// A model file's text and where it came from.
#[derive(Debug, Clone)]
pub struct Source {
    /// The shipped model's name, or the file's without its extension.
    pub name: String,
    /// As shown in errors.
    pub file: String,
    /// The file as read.
    pub text: Arc<str>,
    /// Where data files are looked for.
    pub folder: Option<PathBuf>,
    /// How they are read.
    pub reading: Reading,
    /// What was read so far, this file and those that it names.
    pub read: FilesRead,
    /// What was changed of the file as it lies there.
    pub changed: Changed,
    /// Of a decision file: the prior that its models are fitted under in place of their stated ones.
    pub prior: Option<String>,
}

/// Paths of the files that were read, shared by a model file and those that it names.
#[derive(Debug, Clone, Default)]
pub struct FilesRead(Arc<Mutex<Vec<PathBuf>>>);

impl FilesRead {
    pub(super) fn note(&self, path: &Path) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(path.to_path_buf());
    }

    /// In the order in which they were read.
    pub(super) fn so_far(&self) -> Vec<PathBuf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Source {
    /// The text of a shipped model, of the file at a path, or for `-` what comes through standard input.
    pub fn find(model: &Path) -> Result<Source> {
        let shown = model.to_string_lossy();
        if shown == "-" {
            return Source::standard_input();
        }
        if let Ok(found) = Source::shipped(&shown) {
            return Ok(found);
        }
        if !model.exists() {
            return Err(not_found(&shown));
        }
        if let Some(error) = data_file(model, &shown) {
            return Err(error);
        }
        let text = read_text(model, &shown)?;
        let name = model.file_stem().map_or_else(|| "model".into(), |s| s.to_string_lossy().into_owned());
        Ok(Source::written(name, &shown, text, model))
    }

    /// What comes through standard input, which is read once. Paths in it start from the working folder.
    fn standard_input() -> Result<Source> {
        static READ: OnceLock<Vec<u8>> = OnceLock::new();
        let shown = "standard input";
        let here = || Place::File(shown.to_string());
        let bytes = match READ.get() {
            Some(bytes) => bytes.clone(),
            None => {
                let mut bytes = Vec::new();
                let most = LARGEST_MODEL_FILE + 1;
                let read = std::io::stdin().lock().take(most).read_to_end(&mut bytes);
                read.map_err(|e| unreadable(&e).at(here()))?;
                READ.get_or_init(|| bytes).clone()
            }
        };
        if bytes.len() as u64 > LARGEST_MODEL_FILE {
            return Err(too_large().at(here()));
        }
        let text = in_utf8(bytes, shown)?;
        let read = FilesRead::default();
        Ok(Source {
            name: "model".to_string(),
            file: shown.to_string(),
            text: text.into(),
            folder: Some(PathBuf::new()),
            reading: Reading::default(),
            read,
            changed: Changed::default(),
            prior: None,
        })
    }

    /// A text that is, or is to be, the file at this path.
    pub(super) fn written(name: String, shown: &str, text: String, path: &Path) -> Source {
        let read = FilesRead::default();
        read.note(path);
        Source {
            name,
            file: shown.to_string(),
            text: text.into(),
            folder: Some(path.parent().map_or_else(PathBuf::new, Path::to_path_buf)),
            reading: Reading::default(),
            read,
            changed: Changed::default(),
            prior: None,
        }
    }

    /// The text of a shipped model alone.
    pub fn shipped(name: &str) -> Result<Source> {
        shipped().iter().find(|s| s.name == name).map(Shipped::source).ok_or_else(|| not_found(name))
    }

    /// A shipped model by name, or a file by its path from this one, as it is named there.
    pub fn beside(&self, model: &Spanned<String>) -> Result<Source> {
        let name = model.get_ref();
        if let Ok(found) = Source::shipped(name) {
            return Ok(found);
        }
        let path = self.folder.as_ref().map(|f| f.join(name)).filter(|p| p.exists());
        if let Some(path) = path {
            let found = Source { reading: self.reading, ..Source::find(&path)? };
            self.read.note(&path);
            return Ok(Source { read: self.read.clone(), ..found });
        }
        let error =
            Error::of(ErrorKind::Unknown, format!("no model named `{name}`, and no file at that path"))
                .at(self.place(model.span()));
        Err(match nearest(name, shipped().iter().map(|s| s.name)) {
            Some(near) => error.label(format!("did you mean `{near}`?")),
            None => error.help("`equipoise list` shows the shipped models; paths start from this file"),
        })
    }

    /// Without a byte-order mark.
    pub(super) fn toml(&self) -> &str {
        self.text.strip_prefix('\u{feff}').unwrap_or(&self.text)
    }

    /// Whether this is a decision file: a decision, and no data of its own.
    pub fn is_decision(&self) -> bool {
        let table = self.toml().parse::<toml::Table>().unwrap_or_default();
        let outcomes = table.get("outcome").is_some_and(toml::Value::is_array);
        !table.contains_key("data") && (table.contains_key("decision") || outcomes)
    }

    /// The model file's structure; errors point at the line.
    pub fn parse(&self) -> Result<ModelFile> {
        if self.is_decision() {
            return Err(Error::of(ErrorKind::Syntax, "this is a decision, not a model")
                .at(Place::File(self.file.clone()))
                .help(format!("run `equipoise decide {}`", self.file)));
        }
        self.parse_as(Keys::Model)
    }

    /// A file's structure, its keys first; errors point at the line.
    pub fn parse_as<T: DeserializeOwned>(&self, keys: Keys) -> Result<T> {
        words::check_file(self, self.toml())?;
        let table = DeTable::parse(self.toml()).ok();
        let table = table.as_ref().map(Spanned::get_ref);
        if let Some(table) = table {
            keys.check(table).map_err(|wrong| {
                let place = self.place(wrong.span.clone());
                wrong.error().at(place)
            })?;
        }
        toml::from_str(self.toml()).map_err(|e| {
            let span = e.span().unwrap_or(0..0);
            let error = in_plain_words(e.message(), (keys, table), &span);
            error.at(self.place(span))
        })
    }

    /// A place in this text, for a span counted without a byte-order mark.
    pub fn place(&self, span: std::ops::Range<usize>) -> Place {
        let text: Arc<str> = self.text.strip_prefix('\u{feff}').unwrap_or(&self.text).into();
        Place::Text { file: self.file.clone(), text, span }
    }
}

/// The parser's message as one for people; what kinds of values keys hold was checked before.
fn in_plain_words(
    message: &str,
    (keys, table): (Keys, Option<&DeTable<'_>>),
    span: &std::ops::Range<usize>,
) -> Error {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let Some(table) = table else {
        return Error::of(ErrorKind::Syntax, message.trim().replace('\n', "; ")).help(
            "KEY = VALUE on each line: texts in quotes, lists in [ ], sections in { } or below a [header]",
        );
    };
    if let ("unknown variant", [word, known @ ..]) =
        (message.get(..15).unwrap_or_default(), quoted.as_slice())
    {
        let error = Error::of(ErrorKind::Unknown, format!("unknown value `{word}`")).help(match known {
            [most @ .., last] if !most.is_empty() => {
                format!("expected {} or `{last}`", all_listed(most.iter().copied()))
            }
            _ => format!("expected {}", all_listed(known.iter().copied())),
        });
        return match nearest(word, known.iter().copied()) {
            Some(near) => error.label(format!("did you mean `{near}`?")),
            None => error,
        };
    }
    let error = Error::of(ErrorKind::Value, message.trim().replace('\n', "; "));
    match keys.example_at(table, span) {
        Some(example) => error.help(format!("write {example}")),
        None => error,
    }
}

fn not_found(model: &str) -> Error {
    let error = Error::of(ErrorKind::Unknown, format!("no model named `{model}`, and no file at that path"));
    if shipped_decisions().iter().any(|s| s.name == model) {
        return Error::of(ErrorKind::Unknown, format!("`{model}` is a decision, not a model"))
            .help(format!("run `equipoise decide {model}`"));
    }
    match nearest(model, shipped().iter().map(|s| s.name)) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error.help("`equipoise list` shows the models shipped inside the program"),
    }
}

/// The whole of a text file in UTF-8.
fn read_text(path: &Path, shown: &str) -> Result<String> {
    let here = || Place::File(shown.to_string());
    let metadata = std::fs::metadata(path).map_err(|e| unreadable(&e).at(here()))?;
    if metadata.is_dir() {
        return Err(Error::of(ErrorKind::File, "this is a folder, not a file")
            .at(here())
            .help("name a file in it"));
    }
    let bytes = read_at_most(LARGEST_MODEL_FILE, path).map_err(|e| unreadable(&e).at(here()))?;
    in_utf8(bytes.ok_or_else(|| too_large().at(here()))?, shown)
}

fn too_large() -> Error {
    Error::of(
        ErrorKind::Limit,
        format!("more than {} MB are too much for this kind of file", LARGEST_MODEL_FILE >> 20),
    )
    .help("is it the file that you mean? data stand in a file of their own, which [data] file names")
}

fn in_utf8(bytes: Vec<u8>, shown: &str) -> Result<String> {
    let here = || Place::File(shown.to_string());
    String::from_utf8(bytes).map_err(|e| {
        let offset = e.utf8_error().valid_up_to();
        let line = e.as_bytes()[..offset].iter().filter(|&&b| b == b'\n').count() + 1;
        let error = Error::of(ErrorKind::Syntax, format!("line {line} is not UTF-8 text")).at(here());
        if e.as_bytes().starts_with(&[0xff, 0xfe]) || e.as_bytes().starts_with(&[0xfe, 0xff]) {
            error.help("the file is UTF-16; save it as UTF-8")
        } else {
            error.help("save the file as UTF-8")
        }
    })
}

/// The bytes of a file, a device or a pipe; none where there are more than `most`, of which no more are held.
pub fn read_at_most(most: u64, path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

pub(super) fn unreadable(e: &std::io::Error) -> Error {
    match e.kind() {
        std::io::ErrorKind::NotFound => Error::of(ErrorKind::File, "there is no such file"),
        std::io::ErrorKind::PermissionDenied => Error::of(ErrorKind::File, "this file may not be read"),
        _ => Error::of(ErrorKind::File, format!("can't be read: {e}")),
    }
}

impl Shipped {
    pub(super) fn source(&self) -> Source {
        Source {
            name: self.name.to_string(),
            file: format!("{}.toml (shipped)", self.name),
            text: self.text.into(),
            folder: None,
            reading: Reading::default(),
            read: FilesRead::default(),
            changed: Changed::default(),
            prior: None,
        }
    }
}
