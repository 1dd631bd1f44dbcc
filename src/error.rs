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
    message: String,
    place: Option<Place>,
    /// A word or two at the place itself.
    label: Option<String>,
    help: Vec<String>,
}

/// Where an error is.
#[derive(Debug, Clone)]
pub enum Place {
    /// A file as a whole.
    File(String),
    /// Bytes of a text.
    Text { file: String, text: Arc<str>, span: Range<usize> },
    /// A row of a data file (counted from 1, the header first where it is a row), and the column's name.
    Row { file: String, row: u64, column: Option<String> },
}

impl Error {
    /// An error without a place, such as a wrong call.
    pub fn new(message: impl Into<String>) -> Error {
        Error(Box::new(Report { message: message.into(), place: None, label: None, help: Vec::new() }))
    }

    #[must_use]
    pub fn at(mut self, place: Place) -> Error {
        self.0.place = Some(place);
        self
    }

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
