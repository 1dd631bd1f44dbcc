//! Columns of a data file as a model file names them, and the rows that it asks for.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;

use super::model_file::DataSection;
use super::nearest::{MOST_LISTED, listed, nearest};
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
                .help(format!("its columns are {}", listed(header.iter().map(String::as_str))));
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

/// Whether two figures may stand in one cell: events and total, an estimate and the ends of its interval.
fn share(one: &str, other: &str) -> bool {
    const TOGETHER: [&[&str]; 4] = [
        &["control_events", "control_total"],
        &["active_events", "active_total"],
        &["events", "total"],
        &["ratio", "estimate", "lower", "upper"],
    ];
    TOGETHER.iter().any(|keys| keys.contains(&one) && keys.contains(&other))
}

/// The columns of one layout, or the first that is missing from `[data] columns`.
pub fn layout<const N: usize>(
    source: &Source,
    data: &DataSection,
    header: &Header,
    (keys, optional): ([&str; N], &[&str]),
) -> Result<[usize; N]> {
    if let Some(error) = of_another_kind(source, data, keys) {
        return Err(error);
    }
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
        let same = columns[..i].iter().enumerate().position(|(j, c)| c == column && !share(keys[j], keys[i]));
        if let Some(j) = same {
            return Err(Error::of(
                ErrorKind::Rule,
                format!("`{}` and `{}` are the same column", keys[j], keys[i]),
            )
            .at(source.place(data.file.as_ref().map_or(0..0, Spanned::span))));
        }
    }
    let is_factor = |k: &str| data.factors.iter().any(|f| f.get_ref() == k);
    let known = |k: &str| keys.contains(&k) || optional.contains(&k) || is_factor(k);
    if let Some(factor) = data.factors.iter().find(|f| keys.contains(&f.get_ref().as_str())) {
        let message =
            format!("a factor is called `{}`, which is what another column is named for", factor.get_ref());
        return Err(Error::of(ErrorKind::Rule, message)
            .at(source.place(factor.span()))
            .help("give it another name, and its column in columns = { … }"));
    }
    if let (Some((key, _)), false) =
        (data.columns.iter().find(|(key, _)| key.get_ref() == "subgroup"), data.factors.is_empty())
    {
        return Err(Error::of(ErrorKind::Rule, "a column of subgroups, and there are several factors")
            .at(source.place(key.span()))
            .help("leave it out: each factor has a column of its own"));
    }
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

/// The columns of rows that may be of subgroups: that of their names, where there is one, and those of one layout.
pub fn layout_by_subgroup<const N: usize>(
    source: &Source,
    data: &DataSection,
    header: &Header,
    (keys, optional): ([&str; N], &[&str]),
) -> Result<(Option<usize>, [usize; N])> {
    let columns = layout(source, data, header, (keys, &[&["subgroup"], optional].concat()))?;
    let Some((_, name)) = data.columns.iter().find(|(key, _)| key.get_ref() == "subgroup") else {
        return Ok((None, columns));
    };
    let subgroup = column_named(source, header, name)?;
    if let Some(same) = columns.iter().position(|column| *column == subgroup) {
        return Err(Error::of(
            ErrorKind::Rule,
            format!("`subgroup` and `{}` are the same column", keys[same]),
        )
        .at(source.place(data.file.as_ref().map_or(0..0, Spanned::span))));
    }
    Ok((Some(subgroup), columns))
}

/// Keys of patients where rows are counts or estimates, and the other way round.
fn of_another_kind<const N: usize>(source: &Source, data: &DataSection, keys: [&str; N]) -> Option<Error> {
    const PATIENTS: [&str; 2] = ["outcome", "treatment"];
    const COUNTS: [&str; 11] = [
        "control_events",
        "control_total",
        "control_no_events",
        "active_events",
        "active_total",
        "active_no_events",
        "events",
        "total",
        "no_events",
        "level",
        "patients",
    ];
    const ESTIMATES: [&str; 5] = ["ratio", "estimate", "se", "lower", "upper"];
    let kinds: [(&str, &str, &[&str], &str); 3] = [
        (
            "patients",
            "a patient",
            &PATIENTS,
            "columns = { outcome = \"…\", treatment = \"…\", subgroup = \"…\" }",
        ),
        (
            "counts",
            "the counts of a subgroup or of an arm",
            &COUNTS,
            "columns = { subgroup = \"…\", control_events = \"…\", control_total = \"…\", active_events = \"…\", active_total = \"…\" }",
        ),
        (
            "estimates",
            "a published estimate",
            &ESTIMATES,
            "columns = { subgroup = \"…\", ratio = \"…\", lower = \"…\", upper = \"…\" }",
        ),
    ];
    let own = kinds.iter().find(|(_, _, of, _)| keys.iter().any(|key| of.contains(key)))?;
    let own_keys = |key: &str| own.2.contains(&key);
    if data.columns.keys().any(|key| own_keys(key.get_ref())) {
        return None;
    }
    let (odd, other) = data.columns.keys().find_map(|key| {
        kinds.iter().find(|(_, _, of, _)| of.contains(&key.get_ref().as_str())).map(|kind| (key, kind))
    })?;
    let message =
        format!("rows = \"{}\", and `{}` is a column of rows = \"{}\"", own.0, odd.get_ref(), other.0);
    Some(
        Error::of(ErrorKind::Rule, message)
            .at(source.place(odd.span()))
            .help(format!("if each row is {}: rows = \"{}\"", other.1, other.0))
            .help(format!("if each row is {}: {}", own.1, own.3)),
    )
}

/// Only rows that have one of these values in each of these columns: `[data.where]`.
pub struct Kept<'m> {
    conditions: Vec<Condition<'m>>,
}

/// As many values of a column are kept for what is told of one that no row has.
const MOST_REMEMBERED: usize = 200;

struct Condition<'m> {
    index: usize,
    column: &'m str,
    values: &'m [String],
    /// Where the model file lists the values.
    span: Range<usize>,
    /// Whether a row had the value and met all conditions before.
    met: Vec<bool>,
    /// Other values that rows had, as far as they are few.
    others: BTreeSet<String>,
}

impl<'m> Condition<'m> {
    fn new((index, column): (usize, &'m str), values: &'m [String], span: Range<usize>) -> Condition<'m> {
        Condition { index, column, values, span, met: vec![false; values.len()], others: BTreeSet::new() }
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
                let names = || header.iter().map(String::as_str);
                let error = Error::of(ErrorKind::Unknown, format!("the file has no column `{column}`"));
                let error = match nearest(column, names()) {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => error,
                };
                error.help(format!("--where chooses rows by it; the columns are {}", listed(names())))
            })?;
            Ok(Condition::new((index, column), values, 0..0))
        };
        Ok(Kept { conditions: asked.iter().map(condition).collect::<Result<_>>()? })
    }

    pub fn keeps(&mut self, row: Row<'_>) -> bool {
        self.conditions.iter_mut().all(|condition| {
            let Ok(text) = row.text(condition.index) else { return false };
            let place = condition.values.iter().position(|value| value == text);
            match place {
                Some(place) => condition.met[place] = true,
                None if condition.others.len() < MOST_REMEMBERED && !condition.others.contains(text) => {
                    condition.others.insert(text.to_string());
                }
                None => {}
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
        self.conditions.iter().enumerate().find_map(|(place, condition)| {
            let Condition { column, values, span, met, others, .. } = condition;
            let (value, _) = values.iter().zip(met).find(|(_, met)| !**met)?;
            let before = &self.conditions[..place];
            // A row that a condition before leaves out is looked at no further.
            let rows = match before {
                [] => "no row of the data file",
                [_] => "no row that the condition before it keeps",
                _ => "no row that the conditions before it keep",
            };
            let error = Error::of(ErrorKind::Data, format!("{rows} has `{value}` in column `{column}`"));
            let error = match before {
                [] => error,
                _ => error.help(format!(
                    "rows were chosen before that by {}",
                    listed(before.iter().map(|c| c.column))
                )),
            };
            let met = values.iter().zip(met).filter(|(_, met)| **met).map(|(value, _)| value);
            let there = || met.clone().chain(others).map(String::as_str).filter(|text| !text.is_empty());
            let error = match nearest(value, there()) {
                Some(near) => error.label(format!("did you mean `{near}`?")),
                None => error,
            };
            let error = match there().next() {
                // How many there are beyond those that are remembered is not known.
                Some(_) if others.len() == MOST_REMEMBERED => {
                    error.help(format!("its values are {} and many more", listed(there().take(MOST_LISTED))))
                }
                Some(_) => error.help(format!("its values are {}", listed(there()))),
                None => error,
            };
            Some((error, span.clone()))
        })
    }
}
