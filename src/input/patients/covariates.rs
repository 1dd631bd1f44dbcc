//! Covariates and centres of a file's rows, as they are read.

use std::collections::HashMap;

use toml::Spanned;

use super::super::adjust_section::{AdjustEntry, WhenMeasured};
use super::super::columns::column_named;
use super::super::model_file::DataSection;
use super::super::nearest::listed as listed_names;
use super::super::reader::{Decimal, Header, not_text};
use super::super::source::Source;
use super::coding::is_nothing;
use super::cut::{Cut, check_cuts, is_cut_subgroup};
use crate::error::{Error, ErrorKind, Result};
use crate::study::{ColumnAccount, LevelAccount, Numbers};

/// Levels of a covariate at most: each but one is a coefficient.
const MOST_LEVELS: usize = 50;

/// Centres at most: each is a parameter.
const MOST_CENTRES: usize = 20_000;

/// Rows that are used: what stands in them beside subgroup, arm and outcome.
#[derive(Debug, Default)]
pub struct Measured {
    /// Places among the study's subgroups.
    pub subgroup: Vec<u32>,
    /// Places among the arms, 0 the control arm.
    pub arm: Vec<u8>,
    /// Of a row of patients 0 or 1, of 1.
    pub events: Vec<u32>,
    pub totals: Vec<u32>,
    /// Places of ordered levels; empty for outcomes without.
    pub level: Vec<u32>,
    /// The file's rows of patients, from 1; empty for rows of counts.
    pub rows: Vec<u64>,
    /// One a covariate, in the model file's order.
    pub columns: Vec<Values>,
    pub centres: Option<Levels>,
}

/// A covariate's values.
#[derive(Debug)]
pub enum Values {
    Numbers(Vec<f64>),
    Levels(Levels),
}

/// Levels by name, and each row's place among them.
#[derive(Debug, Default)]
pub struct Levels {
    pub column: String,
    pub names: Vec<String>,
    pub codes: Vec<u32>,
    found: HashMap<Vec<u8>, u32>,
}

/// A reader of covariates: looks at a row, and keeps it if the row is used.
pub struct Covariates {
    read: Vec<Column>,
    decimal: Decimal,
    pub measured: Measured,
    /// Whether there is anything to adjust for.
    pub any: bool,
}

struct Column {
    name: String,
    index: usize,
    role: &'static str,
    form: Form,
    /// Of numbers that are levels.
    cut: Option<Cut>,
    missing: u64,
    /// What the row that is looked at holds.
    at_hand: f64,
}

enum Form {
    Number,
    /// `listed` where the model file lists all levels.
    Levels {
        listed: bool,
        most: usize,
    },
}

/// What is wrong with a value.
pub enum Fault {
    NotUtf8,
    /// Found where a number is expected, and what to do where its marks tell.
    Text(String, Option<String>),
    NotListed {
        found: String,
        expected: String,
    },
    TooMany(usize),
}

impl Covariates {
    /// The columns that the model file names.
    pub fn new(
        source: &Source,
        (data, decimal): (&DataSection, Decimal),
        adjust: &[Spanned<AdjustEntry>],
        header: &Header,
    ) -> Result<Covariates> {
        let mut read: Vec<Column> = Vec::new();
        let mut measured = Measured::default();
        for entry in adjust {
            let named_at = entry.span();
            let named = Spanned::new(entry.span(), entry.get_ref().column.clone());
            check(source, data, entry, &read)?;
            let index = column_named(source, header, &named)?;
            let (name, entry) = (named.into_inner(), entry.get_ref());
            // Cut as the subgroup, it is the number itself here.
            let cut = if is_cut_subgroup(data, &name) { None } else { Cut::of(source, data, &name)? };
            if let (Some(cut), None) = (&cut, &entry.reference) {
                return Err(Error::of(ErrorKind::Missing, format!("`{name}` is cut into levels, and has no reference"))
                    .at(source.place(named_at))
                    .help(format!("say which level the others are compared with: {{ column = \"{name}\", reference = \"{}\" }}", cut.labels[0])));
            }
            let form = if entry.reference.is_some() {
                let listed = entry.levels.as_ref().map(|l| l.get_ref().0.clone());
                let mut levels = Levels { column: name.clone(), ..Levels::default() };
                for value in listed.iter().flatten() {
                    levels.place(value.as_bytes());
                }
                measured.columns.push(Values::Levels(levels));
                Form::Levels { listed: listed.is_some(), most: MOST_LEVELS }
            } else {
                measured.columns.push(Values::Numbers(Vec::new()));
                Form::Number
            };
            read.push(Column {
                name,
                index,
                role: if entry.is_weight { "weight" } else { "covariate" },
                form,
                cut,
                missing: 0,
                at_hand: 0.0,
            });
        }
        if let Some((_, named)) = data.columns.iter().find(|(key, _)| key.get_ref() == "centre") {
            let twice = |(key, name): &(&Spanned<String>, &Spanned<String>)| {
                key.get_ref() != "centre" && name.get_ref() == named.get_ref()
            };
            if let Some((role, _)) = data.columns.iter().find(twice) {
                let message = format!("`centre` and `{}` are the same column", role.get_ref());
                return Err(Error::of(ErrorKind::Rule, message).at(source.place(named.span())));
            }
            let (index, name) = (column_named(source, header, named)?, named.get_ref().clone());
            measured.centres = Some(Levels { column: name.clone(), ..Levels::default() });
            let form = Form::Levels { listed: false, most: MOST_CENTRES };
            read.push(Column { name, index, role: "centre", form, cut: None, missing: 0, at_hand: 0.0 });
        }
        let covariates: Vec<String> = read.iter().map(|column| column.name.clone()).collect();
        check_cuts(source, data, &covariates)?;
        Ok(Covariates { any: !read.is_empty(), read, decimal, measured })
    }

    /// Looks at a row's values; the first column that lacks one, by name and index, if any does.
    pub fn look<'r>(
        &mut self,
        field: impl Fn(usize) -> &'r [u8],
    ) -> std::result::Result<Option<usize>, (usize, Fault)> {
        let mut lacks = None;
        let decimal = self.decimal;
        let Measured { columns, centres, .. } = &mut self.measured;
        let levels = columns.iter_mut().map(|values| match values {
            Values::Levels(levels) => Some(levels),
            Values::Numbers(_) => None,
        });
        for (i, (column, levels)) in self.read.iter_mut().zip(levels.chain([centres.as_mut()])).enumerate() {
            let fault = |fault| (column.index, fault);
            let bytes = field(column.index);
            let text = std::str::from_utf8(bytes).map_err(|_| fault(Fault::NotUtf8))?.trim();
            let is_level = levels.as_ref().is_some_and(|l| l.found.contains_key(text.as_bytes()));
            if is_nothing(text) && !is_level {
                column.missing += 1;
                lacks.get_or_insert(i);
                continue;
            }
            let number = || {
                let no_number = || Fault::Text(text.to_string(), decimal.help(text));
                decimal.number(text).ok_or_else(|| fault(no_number()))
            };
            let text = match &column.cut {
                Some(cut) => cut.label(number()?),
                None => text,
            };
            column.at_hand = match (&column.form, levels) {
                (Form::Levels { listed, most }, Some(levels)) => {
                    let known = levels.found.len();
                    let place = levels.place(text.as_bytes());
                    if *listed && levels.found.len() > known {
                        levels.names.pop();
                        let expected = listed_names(levels.names.iter().map(String::as_str));
                        let found = text.to_string();
                        return Err(fault(Fault::NotListed { found, expected }));
                    }
                    if levels.found.len() > *most {
                        return Err(fault(Fault::TooMany(*most)));
                    }
                    f64::from(place)
                }
                _ => number()?,
            };
        }
        Ok(lacks)
    }

    /// The name of a column that lacks a value, from its place.
    pub fn name(&self, place: usize) -> &str {
        &self.read[place].name
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.read.iter().map(|c| c.name.as_str())
    }

    pub fn index(&self, place: usize) -> usize {
        self.read[place].index
    }

    pub fn role(&self, index: usize) -> &'static str {
        self.read.iter().find(|c| c.index == index).map_or("covariate", |c| c.role)
    }

    /// Keeps the row that was looked at.
    pub fn keep(&mut self, subgroup: usize, arm: usize, (events, total): (u32, u32)) {
        let measured = &mut self.measured;
        measured.subgroup.push(subgroup as u32);
        measured.arm.push(arm as u8);
        measured.events.push(events);
        measured.totals.push(total);
        for (column, values) in self.read.iter().zip(&mut measured.columns) {
            match values {
                Values::Numbers(numbers) => numbers.push(column.at_hand),
                Values::Levels(levels) => levels.codes.push(column.at_hand as u32),
            }
        }
        if let (Some(centres), Some(column)) = (&mut measured.centres, self.read.last()) {
            centres.codes.push(column.at_hand as u32);
        }
    }

    /// What was read, column by column, over the rows that are used.
    pub fn accounts(&self) -> Vec<ColumnAccount> {
        let Measured { columns, centres, totals, .. } = &self.measured;
        let values = columns.iter().map(Some).chain([None]);
        let account = |(column, values): (&Column, Option<&Values>)| {
            let (numbers, levels) = match values {
                Some(Values::Numbers(numbers)) => (Numbers::of(numbers, totals), Vec::new()),
                Some(Values::Levels(levels)) => (None, levels.accounts(totals)),
                None => (None, centres.as_ref().map(|c| c.accounts(totals)).unwrap_or_default()),
            };
            let (column, role, missing) = (column.name.clone(), column.role, column.missing);
            ColumnAccount { column, role, missing, levels, numbers }
        };
        self.read.iter().zip(values).map(account).collect()
    }
}

/// What can be said of an entry before its column is read.
fn check(source: &Source, data: &DataSection, entry: &Spanned<AdjustEntry>, before: &[Column]) -> Result<()> {
    let asked = entry.get_ref();
    let error = |message: String| Error::of(ErrorKind::Rule, message).at(source.place(entry.span()));
    if let Some(when) = asked.measured.as_ref().filter(|m| *m.get_ref() == WhenMeasured::After) {
        let message = format!("`{}` was measured after treatment", asked.column);
        return Err(Error::of(ErrorKind::Rule, message)
            .at(source.place(when.span()))
            .help("what came after may be the treatment's doing: adjusting for it takes part of the effect away, or makes up one")
            .help("leave it out, or adjust for what was known before"));
    }
    let role = data.columns.iter().find(|(_, name)| *name.get_ref() == asked.column);
    match role.map(|(role, _)| role.get_ref().as_str()) {
        None => {}
        // The number says more than the levels that it is cut into.
        Some("subgroup") if is_cut_subgroup(data, &asked.column) && asked.reference.is_none() => {}
        Some("subgroup") => {
            return Err(error(format!("`{}` is the column of the subgroup", asked.column))
                .help("every subgroup has a risk of its own: its levels are in the model already")
                .help("of numbers that are cut into subgroups, the number itself can be adjusted for: [data] cut"));
        }
        Some(role) => {
            return Err(error(format!("`{}` is the column of the {role}", asked.column))
                .help("a covariate is something that was known before treatment"));
        }
    }
    if before.iter().any(|c| c.name == asked.column) {
        return Err(error(format!("`{}` is listed twice", asked.column)).help("name it once"));
    }
    match (&asked.reference, &asked.levels, &asked.spline) {
        (Some(_), _, Some(spline)) => Err(Error::of(ErrorKind::Rule, "a covariate of levels has no spline")
            .at(source.place(spline.span()))
            .help("leave out `spline`, or `reference`")),
        (None, Some(levels), _) => Err(Error::of(ErrorKind::Missing, "`levels` without `reference`")
            .at(source.place(levels.span()))
            .help("say which level the others are compared with: reference = \"…\"")),
        _ => Ok(()),
    }
}

impl Levels {
    fn place(&mut self, value: &[u8]) -> u32 {
        if let Some(&place) = self.found.get(value) {
            return place;
        }
        let place = self.names.len() as u32;
        self.names.push(String::from_utf8_lossy(value).into_owned());
        self.found.insert(value.to_vec(), place);
        place
    }

    /// Levels that were met, by name: nothing depends on the order of rows.
    pub fn sorted(self) -> Levels {
        let mut met = vec![false; self.names.len()];
        self.codes.iter().for_each(|&c| met[c as usize] = true);
        let mut order: Vec<usize> = (0..self.names.len()).filter(|&i| met[i]).collect();
        order.sort_by(|&a, &b| self.names[a].cmp(&self.names[b]));
        let mut place = vec![0; self.names.len()];
        order.iter().enumerate().for_each(|(new, &old)| place[old] = new as u32);
        Levels {
            column: self.column,
            names: order.iter().map(|&i| self.names[i].clone()).collect(),
            codes: self.codes.iter().map(|&c| place[c as usize]).collect(),
            found: HashMap::new(),
        }
    }

    fn accounts(&self, totals: &[u32]) -> Vec<LevelAccount> {
        let mut rows = vec![0; self.names.len()];
        self.codes.iter().zip(totals).for_each(|(&c, &n)| rows[c as usize] += u64::from(n));
        let each = self.names.iter().zip(rows).filter(|(_, rows)| *rows > 0);
        let mut levels: Vec<LevelAccount> = each
            .map(|(value, rows)| LevelAccount { value: value.clone(), taken_as: value.clone(), rows })
            .collect();
        in_order(&mut levels);
        levels
    }
}

/// By value: where every level begins with a number, as those of a cut do, by that number, else as texts.
pub fn in_order(levels: &mut [LevelAccount]) {
    levels.sort_by(|a, b| a.value.cmp(&b.value));
    let begins = |level: &LevelAccount| {
        let below = level.value.starts_with('<');
        let text = level.value.trim_start_matches(['<', '≥']);
        let end = text.find(|c: char| !(c.is_ascii_digit() || ".-".contains(c))).unwrap_or(text.len());
        text[..end].parse::<f64>().ok().map(|x| (x, !below))
    };
    if levels.iter().all(|level| begins(level).is_some()) {
        let key = |level: &LevelAccount| begins(level).unwrap_or_default();
        levels.sort_by(|a, b| {
            let (a, b) = (key(a), key(b));
            a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))
        });
    }
}

impl Fault {
    /// The error at its place.
    pub fn error(self, role: &str) -> Error {
        match self {
            Fault::NotUtf8 => not_text(),
            Fault::Text(found, Some(help)) => {
                Error::of(ErrorKind::Data, format!("found `{found}`, expected a number")).help(help)
            }
            Fault::Text(found, None) => Error::of(ErrorKind::Data, format!("found `{found}`, expected a number"))
                .help("a covariate of levels names the one that the others are compared with: { column = \"…\", reference = \"…\" }")
                .help("decimals are written with a point, and what was not measured is left empty"),
            Fault::NotListed { found, expected } => {
                Error::of(ErrorKind::Data, format!("found `{found}`, which `levels` does not list"))
                    .help(format!("expected {expected}"))
            }
            Fault::TooMany(most) => {
                let error = Error::of(ErrorKind::Limit, format!("the column has more than {most} levels"));
                if role == "centre" {
                    error.help("is it the right column? each centre is a parameter of the model")
                } else {
                    error.help("is it a number? leave out `reference`")
                }
            }
        }
    }
}
