//! Several subgroup factors in a data file: a column each, whose levels are crossed.

use std::collections::HashMap;

use toml::Spanned;

use super::columns::column_named;
use super::model_file::{DataSection, Levels};
use super::patients::{Column, Cut, Taken, Unlisted, is_nothing, levels_of};
use super::reader::{Header, Row};
use super::source::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::study::MOST_CROSSED;
use crate::study::rules::StatedFactors;

/// The columns of the factors, and the groups that were met.
#[derive(Debug)]
pub struct Crossing {
    factors: Vec<FactorColumn>,
    /// By group, the level of every factor.
    groups: Vec<Vec<usize>>,
    places: HashMap<Vec<usize>, usize>,
}

#[derive(Debug)]
struct FactorColumn {
    name: String,
    column: Column,
    cut: Option<Cut>,
    /// Whether its levels have an order: that of a list, or of numbers.
    ordered: bool,
}

/// What a row's levels are taken as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crossed {
    /// A group, as its place among those that were met.
    As(usize),
    /// The factor at this place has no level.
    Missing(usize),
}

/// What can't be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The value of the column at this place is not listed, or no number where numbers are cut.
    Unlisted(usize),
    /// There are more groups than the program takes.
    TooMany,
}

/// A factor's column: as `columns` names it, or as it is called itself.
fn column_of(
    source: &Source,
    data: &DataSection,
    header: &Header,
    factor: &Spanned<String>,
) -> Result<usize> {
    let named = data.columns.iter().find(|(key, _)| key.get_ref() == factor.get_ref());
    match named {
        Some((_, name)) => column_named(source, header, name),
        None => column_named(source, header, factor).map_err(|error| {
            error.help(format!(
                "a factor's column is that of its name, or named: columns = {{ \"{}\" = \"…\" }}",
                factor.get_ref()
            ))
        }),
    }
}

impl Crossing {
    /// None where there is one kind of subgroups.
    pub fn of(source: &Source, data: &DataSection, header: &Header) -> Result<Option<Crossing>> {
        if data.factors.is_empty() {
            return Ok(None);
        }
        let nothing = Levels::default();
        let levels = data.levels.as_ref().map_or(&nothing, Spanned::get_ref);
        if let Some(unknown) =
            levels.factors.keys().find(|key| !data.factors.iter().any(|f| f.get_ref() == key.get_ref()))
        {
            return Err(Error::of(ErrorKind::Unknown, format!("there is no factor `{}`", unknown.get_ref()))
                .at(source.place(unknown.span()))
                .help("[subgroup] factors names them"));
        }
        let mut factors: Vec<FactorColumn> = Vec::with_capacity(data.factors.len());
        for factor in &data.factors {
            let index = column_of(source, data, header, factor)?;
            if let Some(other) = factors.iter().find(|other| other.column.index == index) {
                let message = format!("`{}` and `{}` are the same column", other.name, factor.get_ref());
                return Err(Error::of(ErrorKind::Rule, message)
                    .at(source.place(factor.span()))
                    .help("leave one of them out, or name its own column in columns = { … }"));
            }
            let is_factor = |key: &str| data.factors.iter().any(|f| f.get_ref() == key);
            let others = data.columns.iter().filter(|(key, _)| !is_factor(key.get_ref()));
            if let Some((key, _)) = others.into_iter().find(|(_, name)| *name.get_ref() == header[index]) {
                let message =
                    format!("the factor `{}` is the column of `{}` too", factor.get_ref(), key.get_ref());
                return Err(Error::of(ErrorKind::Rule, message)
                    .at(source.place(factor.span()))
                    .help("levels are what patients were before they were treated: name another column"));
            }
            let cut = Cut::of(source, data, &header[index])?;
            let listed = levels.factors.iter().find(|(key, _)| key.get_ref() == factor.get_ref());
            let listed = listed.map(|(_, listed)| listed);
            if let (Some(cut), Some(listed)) = (&cut, listed)
                && let Some(unknown) = listed.keys().find(|l| !cut.labels.contains(l.get_ref()))
            {
                let message = format!("`{}` is no level of the cut column", unknown.get_ref());
                return Err(Error::of(ErrorKind::Unknown, message)
                    .at(source.place(unknown.span()))
                    .help(format!("they are `{}`", cut.labels.join("`, `"))));
            }
            let ordered = cut.is_some() || listed.is_some_and(|l| !l.is_empty());
            let empty = Default::default();
            let column = levels_of(listed.unwrap_or(&empty), index, cut.as_ref());
            factors.push(FactorColumn { name: factor.get_ref().clone(), column, cut, ordered });
        }
        Ok(Some(Crossing { factors, groups: Vec::new(), places: HashMap::new() }))
    }

    /// The group of a row.
    pub fn take(&mut self, row: Row<'_>) -> std::result::Result<Crossed, Refused> {
        let mut levels = Vec::with_capacity(self.factors.len());
        let mut missing = None;
        for (f, factor) in self.factors.iter_mut().enumerate() {
            match factor.take(row).map_err(|Unlisted| Refused::Unlisted(factor.column.index))? {
                Taken::As(level) => levels.push(level),
                Taken::Missing | Taken::Other => missing = missing.or(Some(f)),
            }
        }
        if let Some(f) = missing {
            return Ok(Crossed::Missing(f));
        }
        if let Some(&place) = self.places.get(&levels) {
            return Ok(Crossed::As(place));
        }
        let place = self.groups.len();
        if place == MOST_CROSSED {
            return Err(Refused::TooMany);
        }
        self.groups.push(levels.clone());
        self.places.insert(levels, place);
        Ok(Crossed::As(place))
    }

    /// The names of the groups: their levels, one after another.
    pub fn names(&self) -> Vec<String> {
        (0..self.groups.len()).map(|g| self.name(g)).collect()
    }

    /// The name of a group.
    pub fn name(&self, group: usize) -> String {
        self.levels(group).join(", ")
    }

    fn levels(&self, group: usize) -> Vec<String> {
        let own = self.groups[group].iter().zip(&self.factors);
        own.map(|(&level, factor)| factor.column.classes[level].clone()).collect()
    }

    /// Those of these groups that are kept, in the order of their levels.
    pub fn sorted(&self, mut groups: Vec<usize>) -> Vec<usize> {
        let ranks: Vec<Vec<usize>> = self.factors.iter().map(FactorColumn::ranks).collect();
        let key = |g: &usize| -> Vec<usize> {
            self.groups[*g].iter().zip(&ranks).map(|(&level, ranks)| ranks[level]).collect()
        };
        groups.sort_by_key(key);
        groups
    }

    /// The factors of these groups.
    pub fn stated(&self, groups: &[usize]) -> StatedFactors {
        let order = |factor: &FactorColumn| {
            let mut places: Vec<usize> = (0..factor.column.classes.len()).collect();
            let ranks = factor.ranks();
            places.sort_by_key(|&level| ranks[level]);
            places.into_iter().map(|level| factor.column.classes[level].clone()).collect()
        };
        StatedFactors {
            names: self.factors.iter().map(|factor| factor.name.clone()).collect(),
            of: groups.iter().map(|&g| self.levels(g)).collect(),
            order: self.factors.iter().map(order).collect(),
            patients: None,
        }
    }

    /// A factor and one of its levels that is listed, and that none of these groups has.
    pub fn unmet(&self, groups: &[usize]) -> Option<(&str, &str)> {
        self.factors.iter().enumerate().find_map(|(f, factor)| {
            let met = |level: usize| groups.iter().any(|&g| self.groups[g][f] == level);
            let level = (0..factor.column.classes.len()).find(|&level| !met(level))?;
            factor.ordered.then(|| (factor.name.as_str(), factor.column.classes[level].as_str()))
        })
    }

    /// The columns of the factors.
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        self.factors.iter().map(|factor| &factor.column)
    }

    /// The column of a factor, and its name.
    pub fn factor(&self, f: usize) -> (&str, usize) {
        (&self.factors[f].name, self.factors[f].column.index)
    }

    /// The factor whose column is at this place.
    pub fn factor_at(&self, index: usize) -> Option<&str> {
        self.factors.iter().find(|factor| factor.column.index == index).map(|factor| factor.name.as_str())
    }

    /// Whether the column at this place is one of numbers that are cut.
    pub fn is_cut(&self, index: usize) -> bool {
        self.factors.iter().any(|factor| factor.column.index == index && factor.cut.is_some())
    }
}

impl FactorColumn {
    fn take(&mut self, row: Row<'_>) -> std::result::Result<Taken, Unlisted> {
        let value = row.bytes(self.column.index);
        let Some(cut) = &self.cut else { return self.column.take(value) };
        let text = std::str::from_utf8(value).map_err(|_| Unlisted)?;
        match row.decimal.number(text) {
            Some(x) => self.column.take(cut.label(x).as_bytes()),
            None if is_nothing(text) => self.column.take(value),
            None => Err(Unlisted),
        }
    }

    /// The place of every level in the order in which they are shown: as listed, else by name.
    fn ranks(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.column.classes.len()).collect();
        if !self.ordered {
            order.sort_by(|&a, &b| self.column.classes[a].cmp(&self.column.classes[b]));
        }
        let mut ranks = vec![0; order.len()];
        order.into_iter().enumerate().for_each(|(rank, level)| ranks[level] = rank);
        ranks
    }
}
