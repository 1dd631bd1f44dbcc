//! Which worksheet of a workbook is read.

use std::io::{Read, Seek};

use calamine::{Reader, SheetType, SheetVisible, Xlsx};

use super::super::super::nearest::nearest;
use super::super::form::Form;
use crate::error::{Error, ErrorKind, Place, Result};

/// A workbook's worksheets by name, in its order.
pub struct Sheets {
    all: Vec<String>,
    /// Those that are shown; all where none is.
    shown: Vec<String>,
}

impl Sheets {
    pub fn of<R: Read + Seek>(book: &Xlsx<R>) -> Sheets {
        let sheets = || book.sheets_metadata().iter().filter(|s| s.typ == SheetType::WorkSheet);
        let all: Vec<String> = sheets().map(|s| s.name.clone()).collect();
        let mut shown: Vec<String> =
            sheets().filter(|s| s.visible == SheetVisible::Visible).map(|s| s.name.clone()).collect();
        if shown.is_empty() {
            shown.clone_from(&all);
        }
        Sheets { all, shown }
    }

    /// The one that is asked for, or those among which the first that has a table is read.
    pub fn chosen(&self, form: &Form, shown: &str) -> Result<Vec<&str>> {
        let error = |kind, message: String| Error::of(kind, message).at(Place::File(shown.to_string()));
        if self.all.is_empty() {
            let message = "this is an Office file without a worksheet".to_string();
            return Err(error(ErrorKind::Data, message).help("name an Excel workbook (.xlsx) or a CSV file"));
        }
        let Some(asked) = &form.sheet else { return Ok(self.shown.iter().map(String::as_str).collect()) };
        match self.all.iter().find(|name| *name == asked) {
            Some(name) => Ok(vec![name]),
            None => {
                let error = error(ErrorKind::Unknown, format!("the workbook has no sheet `{asked}`"))
                    .help(format!("its sheets are {}", list(&self.all)));
                Err(match nearest(asked, self.all.iter().map(String::as_str)) {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => error,
                })
            }
        }
    }

    /// The file's name in errors: with the sheet's where there are several.
    pub fn file(&self, name: &str, shown: &str) -> String {
        if self.are_several() { format!("{shown}, sheet `{name}`") } else { shown.to_string() }
    }

    pub fn are_several(&self) -> bool {
        self.all.len() > 1
    }

    pub fn first(&self) -> Option<&str> {
        self.shown.first().map(String::as_str)
    }

    /// Where no sheet has a table.
    pub fn no_table(&self, shown: &str) -> Error {
        Error::of(ErrorKind::Data, "no sheet of the workbook has a table")
            .at(Place::File(shown.to_string()))
            .help("the names of the columns are expected first, and rows below")
            .help(format!("its sheets are {}", list(&self.all)))
    }

    /// Which sheet was read of several, and how another is named.
    pub fn in_words(&self, read: &str) -> Option<String> {
        let others: Vec<&String> = self.all.iter().filter(|name| *name != read).collect();
        let [first, ..] = others.as_slice() else { return None };
        Some(format!(
            "sheet `{read}` was read; the others are {}: name the one that is meant: sheet = \"{first}\", or --sheet",
            list(&others)
        ))
    }

    /// An error of one sheet, with the others.
    pub fn others(&self, error: Error, read: &str) -> Error {
        match self.in_words(read) {
            Some(words) => error.help(words),
            None => error,
        }
    }
}

fn list(names: &[impl AsRef<str>]) -> String {
    names.iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}
