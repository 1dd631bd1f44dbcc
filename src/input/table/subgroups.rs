//! Subgroups of a table, as their rows come.

use std::collections::HashMap;

use super::super::reader::Row;
use crate::error::{Error, ErrorKind, Result};
use crate::study::{ALL_PATIENTS, MOST_SUBGROUPS, names};

/// Subgroups by name, in the order of their first rows.
pub struct Subgroups {
    /// Where a row has its subgroup's name; none where there are no subgroups.
    pub column: Option<usize>,
    known: HashMap<String, Known>,
}

#[derive(Clone, Copy)]
struct Known {
    place: usize,
    first_row: u64,
}

/// A row's subgroup.
pub struct Of<'r> {
    pub name: &'r str,
    /// Its place among the subgroups.
    pub place: usize,
    /// The row in which it was met first, if that is not this one.
    pub first_row: Option<u64>,
}

impl Subgroups {
    pub fn of_column(column: Option<usize>) -> Subgroups {
        Subgroups { column, known: HashMap::new() }
    }

    /// The subgroup of a row: one that is known, or the next.
    pub fn of<'r>(&mut self, row: Row<'r>) -> Result<Of<'r>> {
        let name = match self.column {
            Some(column) => row.text(column)?,
            None => ALL_PATIENTS,
        };
        if let Some(Known { place, first_row }) = self.known.get(name).copied() {
            return Ok(Of { name, place, first_row: Some(first_row) });
        }
        let error = |kind, message: String| Error::of(kind, message).at(row.place(self.column.unwrap_or(0)));
        if name.is_empty() {
            return Err(
                error(ErrorKind::Data, "the subgroup is missing".to_string()).help("name it in every row")
            );
        }
        names::name(name).map_err(|unfit| {
            error(ErrorKind::Data, format!("the name of the subgroup {}", unfit.in_words()))
                .help(unfit.help())
        })?;
        let place = self.known.len();
        if place == MOST_SUBGROUPS {
            return Err(error(ErrorKind::Limit, format!("more than {MOST_SUBGROUPS} subgroups"))
                .help(format!("the program takes at most {MOST_SUBGROUPS}: is it the right column?")));
        }
        self.known.insert(name.to_string(), Known { place, first_row: row.number });
        Ok(Of { name, place, first_row: None })
    }

    /// Of a row whose subgroup was met in another, where each has one.
    pub fn twice(&self, row: Row<'_>, of: &Of<'_>, first_row: u64) -> Error {
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
