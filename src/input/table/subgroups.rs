//! Subgroups of a table, as their rows come.

use std::borrow::Cow;
use std::collections::HashMap;

use super::super::crossing::{Crossed, Crossing, Refused};
use super::super::model_file::DataSection;
use super::super::reader::{Header, Row};
use super::super::source::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::study::rules::StatedFactors;
use crate::study::{ALL_PATIENTS, MOST_CROSSED, MOST_SUBGROUPS, names};

/// Subgroups by name, in the order of their first rows.
pub struct Subgroups {
    /// Where a row has its subgroup's name; none where there are no subgroups.
    pub column: Option<usize>,
    /// In place of it, the columns of several factors.
    crossing: Option<Crossing>,
    known: HashMap<String, Known>,
}

#[derive(Clone, Copy)]
struct Known {
    place: usize,
    first_row: u64,
}

/// A row's subgroup.
pub struct Of<'r> {
    pub name: Cow<'r, str>,
    /// Its place among the subgroups.
    pub place: usize,
    /// The row in which it was met first, if that is not this one.
    pub first_row: Option<u64>,
}

impl Subgroups {
    pub fn of_column(column: Option<usize>) -> Subgroups {
        Subgroups { column, crossing: None, known: HashMap::new() }
    }

    /// Of this column, or of the factors' where there are several.
    pub fn in_file(
        source: &Source,
        data: &DataSection,
        header: &Header,
        column: Option<usize>,
    ) -> Result<Subgroups> {
        let crossing = Crossing::of(source, data, header)?;
        Ok(Subgroups { crossing, ..Subgroups::of_column(column) })
    }

    /// The levels of every group, in the order of their first rows; none where there are not several factors.
    pub fn factors(&self) -> Option<StatedFactors> {
        let crossing = self.crossing.as_ref()?;
        Some(crossing.stated(&(0..crossing.names().len()).collect::<Vec<_>>()))
    }

    /// The name of a row's subgroup, and what it is known by.
    fn name<'r>(&mut self, row: Row<'r>) -> Result<(Cow<'r, str>, String)> {
        let Some(crossing) = &mut self.crossing else {
            let name = match self.column {
                Some(column) => row.text(column)?,
                None => ALL_PATIENTS,
            };
            return Ok((Cow::Borrowed(name), name.to_string()));
        };
        match crossing.take(row) {
            // Names of levels may be such that two combinations read alike.
            Ok(Crossed::As(group)) => Ok((Cow::Owned(crossing.name(group)), group.to_string())),
            Ok(Crossed::Missing(factor)) => {
                let (name, index) = crossing.factor(factor);
                Err(Error::of(ErrorKind::Data, format!("the level of `{name}` is missing"))
                    .at(row.place(index))
                    .help("every row has a level of every factor"))
            }
            Err(Refused::Unlisted(index)) => {
                let found = row.text(index)?;
                Err(Error::of(ErrorKind::Data, format!("found `{found}`, which [data.levels] does not list"))
                    .at(row.place(index))
                    .help("list it under `factors` there, or choose rows with [data.where]"))
            }
            Err(Refused::TooMany) => {
                let message = format!("more than {MOST_CROSSED} combinations of levels");
                Err(Error::of(ErrorKind::Limit, message)
                    .at(row.place(0))
                    .help("leave a factor out, or put levels together"))
            }
        }
    }

    /// The subgroup of a row: one that is known, or the next.
    pub fn of<'r>(&mut self, row: Row<'r>) -> Result<Of<'r>> {
        let (name, key) = self.name(row)?;
        if let Some(Known { place, first_row }) = self.known.get(&key).copied() {
            return Ok(Of { name, place, first_row: Some(first_row) });
        }
        let error = |kind, message: String| Error::of(kind, message).at(row.place(self.column.unwrap_or(0)));
        if name.is_empty() {
            return Err(
                error(ErrorKind::Data, "the subgroup is missing".to_string()).help("name it in every row")
            );
        }
        if self.crossing.is_some() {
            // Names of levels are looked at one by one, when they are all known.
            let place = self.known.len();
            self.known.insert(key, Known { place, first_row: row.number });
            return Ok(Of { name, place, first_row: None });
        }
        names::name(&name).map_err(|unfit| {
            error(ErrorKind::Data, format!("the name of the subgroup {}", unfit.in_words()))
                .help(unfit.help())
        })?;
        let place = self.known.len();
        if place == MOST_SUBGROUPS {
            return Err(error(ErrorKind::Limit, format!("more than {MOST_SUBGROUPS} subgroups"))
                .help(format!("the program takes at most {MOST_SUBGROUPS}: is it the right column?")));
        }
        self.known.insert(key, Known { place, first_row: row.number });
        Ok(Of { name, place, first_row: None })
    }

    /// Of a row whose subgroup was met in another, where each has one.
    pub fn twice(&self, row: Row<'_>, of: &Of<'_>, first_row: u64) -> Error {
        if let Some(crossing) = &self.crossing {
            let message = format!("`{}` stands twice, in rows {first_row} and {}", of.name, row.number);
            return Error::of(ErrorKind::Data, message)
                .at(row.place(crossing.factor(0).1))
                .help("each combination of levels has one row; rows can be chosen with [data.where]");
        }
        let Some(column) = self.column else {
            return Error::of(
                ErrorKind::Data,
                format!("rows {first_row} and {}, and no column of subgroups", row.number),
            )
            .at(row.place(0))
            .help("name it: columns = { subgroup = \"…\", … }; without subgroups there is one row")
            .help("rows can be chosen with [data.where]");
        };
        Error::of(
            ErrorKind::Data,
            format!("subgroup `{}` stands twice, in rows {first_row} and {}", of.name, row.number),
        )
        .at(row.place(column))
        .help("each subgroup has one row; if they are two, give them two names")
        .help("rows can be chosen with [data.where]")
    }
}
