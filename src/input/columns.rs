//! Columns of a data file as a model file names them, and the rows that it asks for.

use std::ops::Range;

use toml::Spanned;

use super::model_file::DataSection;
use super::nearest::nearest;
use super::reader::{Header, Row};
use super::source::Source;
use super::values::Values;
use crate::error::{Error, ErrorKind, Result};

/// The place of a column in a file's header.
pub fn column_named(source: &Source, header: &Header, name: &Spanned<String>) -> Result<usize> {
    header.iter().position(|h| h == name.get_ref()).ok_or_else(|| {
        let error =
            Error::of(ErrorKind::Unknown, format!("the data file has no column `{}`", name.get_ref()))
                .at(source.place(name.span()))
                .help(format!("its columns are {}", header.join(", ")));
        let error = match &header.sheets {
            Some(sheets) => error.help(sheets.clone()),
            None => error,
        };
        match nearest(name.get_ref(), header.iter().map(String::as_str)) {
            Some(near) => error.label(format!("did you mean `{near}`?")),
            None => error,
        }
    })
}

/// The columns of one layout, or the first that is missing from `[data] columns`.
pub fn layout<const N: usize>(
    source: &Source,
    data: &DataSection,
    header: &Header,
    (keys, optional): ([&str; N], &[&str]),
) -> Result<[usize; N]> {
    let mut columns = [0; N];
    for (slot, key) in columns.iter_mut().zip(keys) {
        let (_, name) = data.columns.iter().find(|(k, _)| k.get_ref() == key).ok_or_else(|| {
            let misspelt = data.columns.keys().find(|k| {
                !keys.contains(&k.get_ref().as_str())
                    && nearest(k.get_ref(), keys.into_iter()).as_deref() == Some(key)
            });
            if let Some(misspelt) = misspelt {
                return Error::of(ErrorKind::Unknown, format!("unknown column key `{}`", misspelt.get_ref()))
                    .at(source.place(misspelt.span()))
                    .label(format!("did you mean `{key}`?"));
            }
            Error::of(ErrorKind::Missing, format!("`{key}` is missing from the columns"))
                .at(source.place(data.file.as_ref().map_or(0..0, Spanned::span)))
                .help(format!("[data] columns needs {}", keys.join(", ")))
        })?;
        *slot = column_named(source, header, name)?;
    }
    for (i, column) in columns.iter().enumerate() {
        if let Some(j) = columns[..i].iter().position(|c| c == column) {
            return Err(Error::of(
                ErrorKind::Rule,
                format!("`{}` and `{}` are the same column", keys[j], keys[i]),
            )
            .at(source.place(data.file.as_ref().map_or(0..0, Spanned::span))));
        }
    }
    let known = |k: &str| keys.contains(&k) || optional.contains(&k);
    if let Some(unknown) = data.columns.keys().find(|k| !known(k.get_ref())) {
        return Err(Error::of(
            ErrorKind::Unknown,
            format!("`{}` is not a column that these rows have", unknown.get_ref()),
        )
        .at(source.place(unknown.span()))
        .help(format!("the columns are {}", [&keys, optional].concat().join(", "))));
    }
    Ok(columns)
}

/// Only rows that have one of these values in each of these columns: `[data.where]`.
pub struct Kept<'m> {
    conditions: Vec<Condition<'m>>,
}

struct Condition<'m> {
    index: usize,
    column: &'m str,
    values: &'m [String],
    /// Where the model file lists the values.
    span: Range<usize>,
    /// Whether a row had the value and met all conditions before.
    met: Vec<bool>,
}

impl<'m> Condition<'m> {
    fn new((index, column): (usize, &'m str), values: &'m [String], span: Range<usize>) -> Condition<'m> {
        Condition { index, column, values, span, met: vec![false; values.len()] }
    }
}

impl<'m> Kept<'m> {
    pub fn new(source: &Source, data: &'m DataSection, header: &Header) -> Result<Kept<'m>> {
        let condition = |(column, values): (&'m Spanned<String>, &'m Spanned<Values>)| {
            let index = column_named(source, header, column)?;
            Ok(Condition::new((index, column.get_ref()), &values.get_ref().0, values.span()))
        };
        Ok(Kept { conditions: data.keep.iter().map(condition).collect::<Result<_>>()? })
    }

    /// The same before there is a model file.
    pub fn asked(asked: &'m [(String, Vec<String>)], header: &Header) -> Result<Kept<'m>> {
        let condition = |(column, values): &'m (String, Vec<String>)| {
            let index = header.iter().position(|h| h == column).ok_or_else(|| {
                Error::of(ErrorKind::Unknown, format!("the file has no column `{column}`"))
                    .help(format!("--where chooses rows by it; the columns are {}", header.join(", ")))
            })?;
            Ok(Condition::new((index, column), values, 0..0))
        };
        Ok(Kept { conditions: asked.iter().map(condition).collect::<Result<_>>()? })
    }

    pub fn keeps(&mut self, row: Row<'_>) -> bool {
        self.conditions.iter_mut().all(|condition| {
            let Ok(text) = row.text(condition.index) else { return false };
            let place = condition.values.iter().position(|value| value == text);
            if let Some(place) = place {
                condition.met[place] = true;
            }
            place.is_some()
        })
    }

    /// That every value was met in some row, once all were read.
    pub fn check(&self, source: &Source) -> Result<()> {
        self.unmet().map_or(Ok(()), |(error, span)| Err(error.at(source.place(span))))
    }

    /// The first value that no row had, and where it is listed.
    pub fn unmet(&self) -> Option<(Error, Range<usize>)> {
        self.conditions.iter().find_map(|Condition { column, values, span, met, .. }| {
            let (value, _) = values.iter().zip(met).find(|(_, met)| !**met)?;
            let what = format!("no row of the data file has `{value}` in column `{column}`");
            Some((Error::of(ErrorKind::Data, what), span.clone()))
        })
    }
}
