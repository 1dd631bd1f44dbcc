//! One error type: what was found, where, what was expected, and what to do.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::terminal::shown;

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Something wrong with what the user gave.
#[derive(Debug, Clone)]
pub struct Error(Box<Report>);

#[derive(Debug, Clone)]
struct Report {
    kind: ErrorKind,
    message: String,
    place: Option<Place>,
    /// A word or two at the place itself.
    label: Option<String>,
    help: Vec<String>,
}

/// What sort of thing is wrong, for programs that act on it. What is wrong, where, and what to do, is in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file or folder is not there, or can't be read, written or replaced.
    File,
    /// What stands there is not of the form that it should have: TOML, UTF-8, the words of a prior, a workbook.
    Syntax,
    /// A key, a word, a column, a subgroup, a prior or a model that does not exist.
    Unknown,
    /// What has to be said is not said.
    Missing,
    /// A number or a text outside the range that it may have.
    Value,
    /// Parts that are right by themselves and do not go together.
    Rule,
    /// Rows or columns of a data file that can't be used as they are.
    Data,
    /// More than the program takes.
    Limit,
    /// A command with arguments that it can't have.
    Usage,
    /// What this build, this system or this computation can't give.
    Unavailable,
}

/// Where an error is.
#[derive(Debug, Clone)]
pub enum Place {
    /// A file as a whole.
    File(String),
    /// Bytes of a text.
    Text {
        /// As shown.
        file: String,
        /// The whole of it.
        text: Arc<str>,
        /// In bytes of the text.
        span: Range<usize>,
    },
    /// A row of a data file (counted from 1, the header first where it is a row), and the column's name.
    Row {
        /// As shown.
        file: String,
        /// Counted from 1.
        row: u64,
        /// Where it is one.
        column: Option<String>,
    },
}

impl Error {
    /// An error of a kind, without a place.
    pub fn of(kind: ErrorKind, message: impl Into<String>) -> Error {
        let message = message.into();
        Error(Box::new(Report { kind, message, place: None, label: None, help: Vec::new() }))
    }

    /// The same error at a place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Error {
        self.0.place = Some(place);
        self
    }

    /// The same error with a word or two at the place itself, which are shown where that is a text.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Error {
        self.0.label = Some(label.into());
        self
    }

    /// Adds a line that says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Error {
        self.0.help.push(help.into());
        self
    }

    /// What sort of thing is wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What is wrong, without its place and what to do.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The whole report; `styled` adds terminal colours.
    pub fn render(&self, styled: bool) -> String {
        let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
        let title = match &self.0.place {
            Some(Place::File(file)) => format!("{file}: {}", self.0.message),
            Some(Place::Row { file, row, column: None }) => {
                format!("{file}, row {row}: {}", self.0.message)
            }
            Some(Place::Row { file, row, column: Some(column) }) => {
                format!("{file}, row {row}, column `{column}`: {}", self.0.message)
            }
            _ => self.0.message.clone(),
        };
        // What is quoted from a file or a path is shown, not obeyed.
        let title = shown(&title);
        let label = self.0.label.as_deref().map(shown);
        let help: Vec<String> = self.0.help.iter().map(|line| shown(line)).collect();
        let mut group = Group::with_title(Level::ERROR.primary_title(title.as_str()));
        if let Some(Place::Text { file, text, span }) = &self.0.place {
            let mut annotation = AnnotationKind::Primary.span(visible(text, span));
            if let Some(label) = &label {
                annotation = annotation.label(label.as_str());
            }
            group = group.element(
                Snippet::source(without_eight_bit_controls(text)).path(shown(file)).annotation(annotation),
            );
        }
        for help in &help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        renderer.render(&[group])
    }
}

/// Each has become a dot of as many bytes, so that spans hold. The other controls of a source are the renderer's concern.
fn without_eight_bit_controls(text: &str) -> String {
    text.chars().map(|c| if matches!(c, '\u{80}'..='\u{9f}') { '·' } else { c }).collect()
}

/// A span inside the text and at least one character long, so that there is something to underline.
fn visible(text: &str, span: &Range<usize>) -> Range<usize> {
    let mut start = span.start.min(text.len());
    while start > 0 && (start == text.len() || !text.is_char_boundary(start)) {
        start -= 1;
    }
    let mut end = span.end.clamp(start, text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    if end == start {
        end = text[start..].chars().next().map_or(end, |c| start + c.len_utf8());
    }
    start..end
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Error {}
