//! Rows counted into cells of subgroup and arm.

use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;

use csv::ByteRecord;
use toml::Spanned;

use super::super::adjust_section::AdjustEntry;
use super::super::arms::SeveralArms;
use super::super::columns::{Kept, column_named, layout};
use super::super::crossing::{Crossed, Crossing, Refused};
use super::super::joint::events_of_total;
use super::super::model_file::{DataSection, MissingRows};
use super::super::reader::{DataFile, Header, Reader, Row, checksum};
use super::super::source::Source;
use super::coding::{Coding, Column, EVENT, Taken};
use super::covariates::{Covariates, Measured, in_order};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::study::rules::StatedFactors;
use crate::study::{
    ArmCounts, ArmLevels, ColumnAccount, Dropped, LevelAccount, LevelScale, MOST_CROSSED, MOST_SUBGROUPS,
    PatientFile, Read, SubgroupCounts, SubgroupLevels,
};

/// Levels of a column that the account lists.
const MOST_LEVELS: usize = 50;

/// What a file of patients holds: cells, its account, and its checksum.
pub struct Patients {
    pub cells: Read,
    pub file: PatientFile,
    pub sha256: String,
    pub notices: Vec<String>,
    /// Covariates and centres, where the model has any.
    pub measured: Option<Measured>,
    /// Where there are several factors, the levels of every cell.
    pub factors: Option<StatedFactors>,
}

/// Reads a file once, row by row.
pub fn read(
    source: &Source,
    (data, adjust, scale): (&DataSection, &[Spanned<AdjustEntry>], Option<&LevelScale>),
    several: Option<&SeveralArms>,
    (file, named): (&DataFile, &str),
) -> Result<Patients> {
    let Some(missing) = &data.missing else {
        let file = data.file.as_ref().map_or(0..0, Spanned::span);
        return Err(Error::of(
            ErrorKind::Missing,
            "`missing` is not stated: what is done with rows that lack a value?",
        )
        .at(source.place(file))
        .help("write missing = \"drop\" to leave them out and count them, or missing = \"error\""));
    };
    let mut reader = Reader::open(file, (source.reading, &data.form()))?;
    // At the design stage the outcome's column, which need not be there, is never looked at.
    let (indices, unread) = match source.reading.design {
        true => without_outcome(source, data, &reader.header)?,
        false => (columns(source, data, &reader.header)?, None),
    };
    let crossing = Crossing::of(source, data, &reader.header)?;
    let mut coding = Coding::new(source, data, indices, (scale, several), crossing)?;
    let mut covariates = Covariates::new(source, (data, reader.decimal), adjust, &reader.header)?;
    let mut kept = Kept::new(source, data, &reader.header)?;
    let event = scale.map_or(EVENT, |scale| scale.primary + 1);
    let arms = coding.treatment.classes.clone();
    let mut counted = Counted {
        arms: arms.len(),
        levels: scale.map_or(0, LevelScale::levels),
        event,
        ..Counted::default()
    };
    let mut columns = Columns::of(reader.header.len(), unread);
    while let Some(row) = reader.next()? {
        counted.read += 1;
        columns.see(row.fields);
        if !kept.keeps(row) {
            counted.elsewhere += 1;
            continue;
        }
        let (outcome, treatment) = (coding.outcome.index, coding.treatment.index);
        let Ok(treatment) = coding.treatment.take(row.bytes(treatment)) else {
            return Err(unlisted(&coding, (row, treatment)));
        };
        // What another arm's patients had is no concern of the two.
        if treatment == Taken::Other {
            counted.other_arms += 1;
            continue;
        }
        let outcome = match unread {
            Some(_) => Ok(Taken::As(0)),
            None => coding.outcome.take(row.bytes(outcome)),
        };
        let Ok(outcome) = outcome else {
            return Err(unlisted(&coding, (row, coding.outcome.index)));
        };
        let subgroup = match coding.take_subgroup(row) {
            Ok(taken) => taken,
            Err(Refused::Unlisted(index)) => return Err(unlisted(&coding, (row, index))),
            Err(Refused::TooMany) => return Err(too_many(row)),
        };
        let unmeasured = match covariates.look(|index| row.bytes(index)) {
            Ok(unmeasured) => unmeasured,
            Err((index, fault)) => {
                return Err(fault.error(covariates.role(index)).at(row.place(index)));
            }
        };
        let lacks = if treatment == Taken::Missing {
            Some((coding.treatment.role, coding.treatment.index))
        } else if let Crossed::Missing(factor) = subgroup {
            Some(coding.lacking(factor))
        } else if coding.is_unknown(outcome) {
            Some((coding.outcome.role, coding.outcome.index))
        } else {
            unmeasured.map(|place| (covariates.name(place), covariates.index(place)))
        };
        if let (Some((role, index)), MissingRows::Error) = (lacks, missing) {
            return Err(Error::of(ErrorKind::Data, format!("the {role} is missing"))
                .at(row.place(index))
                .help("fill it in, or write missing = \"drop\" to leave such rows out"));
        }
        let known = !coding.is_unknown(outcome);
        if let Some((g, arm, class)) = counted.count((known, outcome, treatment, subgroup), unmeasured)
            && covariates.any
        {
            covariates.keep(g, arm, (u32::from(class >= event), 1));
            covariates.measured.rows.push(row.number);
            if scale.is_some() {
                covariates.measured.level.push(class as u32);
            }
        }
    }
    kept.check(source)?;
    finish(source, data, (&reader, &coding, covariates), (counted, &columns), (file, named))
}

/// The columns of outcome and treatment, and that of subgroups where there is one.
fn columns(source: &Source, data: &DataSection, header: &Header) -> Result<Places> {
    if data.columns.keys().any(|key| key.get_ref() == "subgroup") {
        let keys = (["outcome", "treatment", "subgroup"], &["centre"][..]);
        let [outcome, treatment, subgroup] = layout(source, data, header, keys)?;
        return Ok(([outcome, treatment], Some(subgroup)));
    }
    let keys = (["outcome", "treatment"], &["subgroup", "centre"][..]);
    Ok((layout(source, data, header, keys)?, None))
}

/// Any place in a header.
const NOWHERE: usize = usize::MAX;

/// Where columns stand: outcome and treatment, and subgroups where there is a column of them.
type Places = ([usize; 2], Option<usize>);

/// The same without the outcome, and the place of its column, which is not read.
fn without_outcome(source: &Source, data: &DataSection, header: &Header) -> Result<(Places, Option<usize>)> {
    let optional = &["outcome", "subgroup", "centre"][..];
    let [treatment] = layout(source, data, header, (["treatment"], optional))?;
    let named = |key: &str| data.columns.iter().find(|(k, _)| k.get_ref() == key).map(|(_, name)| name);
    let subgroup = named("subgroup").map(|name| column_named(source, header, name)).transpose()?;
    let outcome = named("outcome").and_then(|name| header.iter().position(|h| h == name.get_ref()));
    let outcome = outcome.unwrap_or(NOWHERE);
    Ok((([outcome, treatment], subgroup), Some(outcome)))
}

fn finish(
    source: &Source,
    data: &DataSection,
    (reader, coding, mut covariates): (&Reader, &Coding, Covariates),
    (counted, columns): (Counted, &Columns),
    (file, named): (&DataFile, &str),
) -> Result<Patients> {
    let here = || Place::File(file.shown().to_string());
    let file_span = || data.file.as_ref().map_or(0..0, Spanned::span);
    let most = (0..counted.unmeasured.len()).max_by_key(|&place| counted.unmeasured[place]);
    if let (0, Some(place)) = (counted.used(), most.filter(|&place| counted.unmeasured[place] > 0)) {
        let (name, rows) = (covariates.name(place), counted.unmeasured[place]);
        return Err(Error::of(
            ErrorKind::Data,
            format!("no row is used: `{name}` is missing in {rows} of {}", counted.read),
        )
        .at(source.place(file_span()))
        .help("leave it out of [model] adjust, or of the columns"));
    }
    if counted.used() == 0 {
        return Err(Error::of(ErrorKind::Data, format!("none of {} rows is used", counted.read))
            .at(source.place(file_span()))
            .help("look at [data.where], and at the values that [data.levels] lists"));
    }
    for (arm, word) in coding.treatment.classes.iter().enumerate() {
        if counted.cells.iter().all(|c| c[arm].total + c[arm].missing == 0) {
            let named = if counted.arms > 2 { format!("arm `{word}`") } else { format!("{word} arm") };
            let error = Error::of(ErrorKind::Data, format!("no row is of the {named}")).at(here()).help(
                match counted.arms {
                    2 => format!("its values are {}", coding.treatment.expected()),
                    _ => "leave it out of `arms`, or write in [data.levels] arms which values stand for it"
                        .to_string(),
                },
            );
            return Err(match coding.treatment.others_in_words() {
                others if others.is_empty() => error,
                others => error.help(format!("found instead: {others}")),
            });
        }
    }
    let sha256 = checksum(file)?;
    let mut counted = counted;
    let names = &coding.names();
    counted.cells.resize_with(names.len(), || vec![ArmCounts::default(); counted.arms]);
    for (name, arms) in names.iter().zip(&counted.cells).filter(|_| coding.crossing.is_none()) {
        if arms.iter().all(|arm| arm.total + arm.missing == 0) {
            let list = if coding.cut.is_some() { "[data.cut]" } else { "[data.levels] subgroup" };
            return Err(Error::of(ErrorKind::Data, format!("no row is of the subgroup `{name}`"))
                .at(here())
                .help(format!("leave it out of {list}, or look at [data.where]")));
        }
    }
    let file = counted.account(named, (reader, coding, &covariates), columns);
    let mut order: Vec<usize> = (0..names.len()).collect();
    let mut factors = None;
    if let Some(crossing) = &coding.crossing {
        // Rows that lack something else may have had the only patients of a combination.
        order.retain(|&g| counted.cells[g].iter().any(|arm| arm.total + arm.missing > 0));
        order = crossing.sorted(order);
        if let Some((factor, level)) = crossing.unmet(&order) {
            let message = format!("no row is of the level `{level}` of `{factor}`");
            return Err(Error::of(ErrorKind::Data, message)
                .at(here())
                .help("leave it out of [data.levels] factors or [data.cut], or look at [data.where]"));
        }
        factors = Some(crossing.stated(&order));
        let mut place = vec![0; names.len()];
        order.iter().enumerate().for_each(|(new, &old)| place[old] = new as u32);
        covariates.measured.subgroup.iter_mut().for_each(|g| *g = place[*g as usize]);
    } else
    // Without a list the order is by name, whatever the order of rows.
    if coding.cut.is_none() && data.levels.as_ref().is_none_or(|l| l.get_ref().subgroup.is_empty()) {
        order.sort_by(|&a, &b| names[a].cmp(&names[b]));
        let mut place = vec![0; names.len()];
        order.iter().enumerate().for_each(|(new, &old)| place[old] = new as u32);
        covariates.measured.subgroup.iter_mut().for_each(|g| *g = place[*g as usize]);
    }
    let counted_in = Some(format!("counted in {named}"));
    let cells = if counted.levels == 0 {
        let cell = |&g: &usize| {
            let of = counted.cells[g].iter().cloned();
            let arms = of.map(|arm| ArmCounts { source: counted_in.clone(), ..arm }).collect();
            SubgroupCounts { name: names[g].clone(), arms, citation: None }
        };
        Read::Counts(order.iter().map(cell).collect())
    } else {
        let none = || vec![0; counted.levels];
        let row = |&g: &usize| {
            let arm = |arm: usize| ArmLevels {
                levels: counted.by_level.get(g).map_or_else(none, |arms| arms[arm].clone()),
                missing: counted.cells[g][arm].missing,
                source: counted_in.clone(),
            };
            SubgroupLevels { name: names[g].clone(), arms: vec![arm(0), arm(1)], citation: None }
        };
        Read::Levels(order.iter().map(row).collect())
    };
    let measured = covariates.any.then_some(covariates.measured);
    Ok(Patients { cells, file, sha256, notices: reader.notices(), measured, factors })
}

/// More combinations of levels than the program takes.
fn too_many(row: Row<'_>) -> Error {
    Error::of(ErrorKind::Limit, format!("more than {MOST_CROSSED} combinations of levels"))
        .at(row.place(0))
        .help("put levels together: [data.cut] for numbers, [data.levels] factors for values")
}

/// A value that the model file does not list.
fn unlisted(coding: &Coding, (row, index): (Row<'_>, usize)) -> Error {
    let Some(column) = coding.column(index) else {
        return Error::of(ErrorKind::Data, "a value is not listed").at(row.place(index));
    };
    let value = match row.text(index) {
        Ok(value) => value,
        Err(error) => return error,
    };
    if coding.is_cut(index) && row.decimal.number(value).is_none() {
        let error =
            Error::of(ErrorKind::Data, format!("found `{value}`, expected a number: the column is cut"))
                .at(row.place(index));
        let marks = row.decimal.help(value);
        return error.help(marks.unwrap_or_else(|| "correct it, or leave it empty".to_string()));
    }
    if let Some(listed) = column.nearly(value) {
        return Error::of(ErrorKind::Data, format!("found `{value}`, and [data.levels] lists `{listed}`"))
            .at(row.place(index))
            .help(format!("if they are the same, list both: [\"{listed}\", \"{value}\"]"));
    }
    if column.is_full() {
        return Error::of(ErrorKind::Limit, format!("the column has more than {MOST_SUBGROUPS} values"))
            .at(row.place(index))
            .help("is it the right one? [data.levels] puts several values together, [data.cut] numbers of patients");
    }
    if column.leaves_out_too_many() {
        return Error::of(ErrorKind::Limit, "the column has more values than arms can be")
            .at(row.place(index))
            .help(format!("is it the right one? expected {}", column.expected()));
    }
    if column.role == "outcome" && coding.is_ordered() {
        return Error::of(ErrorKind::Data, format!("found `{value}`, which is not a level that is listed"))
            .at(row.place(index))
            .help(format!("expected {}; a level of its own stands in [outcome] levels", column.expected()))
            .help(format!("a code of what is not known: unknown = \"{value}\" in [data.levels]; codes of levels: outcome = {{ {value} = \"…\" }} there; or choose rows with [data.where]"));
    }
    if let Some(factor) = coding.crossing.as_ref().and_then(|crossing| crossing.factor_at(index)) {
        let error = Error::of(ErrorKind::Data, format!("found `{value}`, which [data.levels] does not list"));
        return error.at(row.place(index)).help(format!(
            "expected {}; name its level in [data.levels.factors] \"{factor}\" = {{ \"{value}\" = \"…\" }}, or choose rows with [data.where]",
            column.expected()
        ));
    }
    let key = match column.role {
        "outcome" => "event, no_event or unknown",
        _ => "subgroup",
    };
    let error = Error::of(ErrorKind::Data, format!("found `{value}`, which [data.levels] does not list"))
        .at(row.place(index));
    if column.role == "treatment" {
        return error.help(format!("expected {}; name both arms, and rows of others are left out and counted: control = \"…\" and active = \"…\" in [data.levels]", column.expected()));
    }
    let error = error.help(format!(
        "expected {}; list it under {key}, or choose rows with [data.where]",
        column.expected()
    ));
    let is_count = value.parse::<u64>().is_ok_and(|n| n > 1) || events_of_total(value, row.decimal).is_some();
    let error = match column.role {
        "outcome" => error.help("if its values are ordered levels: kind = \"ordinal\" with levels = [\"…\", …] and above = \"…\" in [outcome]; if some of them are the event: event = [\"…\", …] and no_event = [\"…\", …] in [data.levels]"),
        _ => error,
    };
    if column.role == "outcome" && is_count {
        return error.help("if it is a count, and each row a subgroup or an arm: rows = \"counts\", columns = { subgroup = \"…\", control_events = \"…\", control_total = \"…\", active_events = \"…\", active_total = \"…\" }");
    }
    error
}

/// Cells as they fill.
#[derive(Default)]
struct Counted {
    read: u64,
    /// How many arms there are.
    arms: usize,
    /// Rows that `where` leaves out.
    elsewhere: u64,
    other_arms: u64,
    no_treatment: u64,
    /// Rows without a subgroup; of several factors, by the first that has no level.
    no_subgroup: Vec<u64>,
    no_outcome: u64,
    /// By place of the first covariate that lacks a value.
    unmeasured: Vec<u64>,
    /// By subgroup and arm, control first.
    cells: Vec<Vec<ArmCounts>>,
    /// Ordered levels of the outcome; 0 where it has none.
    levels: usize,
    /// The first class of the outcome that is an event.
    event: usize,
    /// By subgroup and arm, patients by level.
    by_level: Vec<[Vec<u64>; 2]>,
}

impl Counted {
    /// Counts a row; its subgroup, arm and class of outcome where it is used.
    fn count(
        &mut self,
        (known, outcome, treatment, subgroup): (bool, Taken, Taken, Crossed),
        unmeasured: Option<usize>,
    ) -> Option<(usize, usize, usize)> {
        let (arm, g) = match (treatment, subgroup) {
            (Taken::As(arm), Crossed::As(g)) => (arm, g),
            (Taken::Missing | Taken::Other, _) => {
                self.no_treatment += 1;
                return None;
            }
            (_, Crossed::Missing(factor)) => {
                self.no_subgroup.resize(self.no_subgroup.len().max(factor + 1), 0);
                self.no_subgroup[factor] += 1;
                return None;
            }
        };
        if self.cells.len() <= g {
            self.cells.resize_with(g + 1, || vec![ArmCounts::default(); self.arms]);
        }
        let cell = &mut self.cells[g][arm];
        let Taken::As(class) = outcome else {
            self.no_outcome += 1;
            cell.missing += 1;
            return None;
        };
        if !known {
            self.no_outcome += 1;
            cell.missing += 1;
            return None;
        }
        if let Some(place) = unmeasured {
            self.unmeasured.resize(self.unmeasured.len().max(place + 1), 0);
            self.unmeasured[place] += 1;
            return None;
        }
        cell.total += 1;
        cell.events += u64::from(class >= self.event);
        if self.levels > 0 {
            if self.by_level.len() <= g {
                let none = || vec![0; self.levels];
                self.by_level.resize_with(g + 1, || [none(), none()]);
            }
            self.by_level[g][arm][class] += 1;
        }
        Some((g, arm, class))
    }

    fn used(&self) -> u64 {
        let unmeasured: u64 = self.unmeasured.iter().sum();
        let lacking = self.no_treatment + self.no_subgroup.iter().sum::<u64>() + self.no_outcome + unmeasured;
        self.read - self.elsewhere - self.other_arms - lacking
    }

    fn account(
        &self,
        named: &str,
        (reader, coding, covariates): (&Reader, &Coding, &Covariates),
        columns: &Columns,
    ) -> PatientFile {
        let of_roles = [
            ("left out by [data.where]".to_string(), self.elsewhere),
            (format!("of other arms ({})", coding.treatment.others_in_words()), self.other_arms),
            ("treatment missing".to_string(), self.no_treatment),
        ];
        let of_subgroups = self.no_subgroup.iter().enumerate();
        let of_subgroups = of_subgroups.map(|(f, rows)| (format!("{} missing", coding.lacking(f).0), *rows));
        let unknown = [("outcome unknown".to_string(), self.no_outcome)];
        let of_roles = of_roles.into_iter().chain(of_subgroups).chain(unknown);
        let of_covariates = covariates.names().map(|name| format!("{name} missing")).zip(&self.unmeasured);
        let dropped = of_roles.chain(of_covariates.map(|(why, rows)| (why, *rows)));
        let name = |index: &usize| reader.header[*index].clone();
        PatientFile {
            file: named.to_string(),
            rows_read: self.read,
            rows_used: self.used(),
            dropped: dropped.filter(|(_, rows)| *rows > 0).map(|(why, rows)| Dropped { why, rows }).collect(),
            columns: coding
                .columns()
                .filter(|c| Some(c.index) != columns.unread)
                .map(|c| column_account(c, &reader.header[c.index]))
                .chain(covariates.accounts())
                .collect(),
            constant_columns: columns.constant().iter().map(name).collect(),
            duplicate_columns: columns.duplicates().iter().map(|pair| pair.each_ref().map(name)).collect(),
        }
    }
}

fn column_account(column: &Column, name: &str) -> ColumnAccount {
    let met: Vec<_> = column.levels().filter(|(_, _, rows)| *rows > 0).collect();
    let missing = met.iter().filter(|(_, taken, _)| taken.is_none()).map(|(_, _, rows)| rows).sum();
    let told = met.iter().filter_map(|(value, taken, rows)| {
        Some(LevelAccount { value: value.clone(), taken_as: (*taken)?.to_string(), rows: *rows })
    });
    let mut levels: Vec<LevelAccount> = told.collect();
    in_order(&mut levels);
    levels.truncate(MOST_LEVELS);
    ColumnAccount { column: name.to_string(), role: column.role, missing, levels, numbers: None }
}

/// Every column of the file: whether it varies, and what all its values hash to.
struct Columns {
    first: Vec<Vec<u8>>,
    varies: Vec<bool>,
    hashes: Vec<DefaultHasher>,
    /// A column that is not looked at.
    unread: Option<usize>,
}

impl Columns {
    fn of(n: usize, unread: Option<usize>) -> Columns {
        let hashes = vec![DefaultHasher::new(); n];
        Columns { first: Vec::new(), varies: vec![false; n], hashes, unread }
    }

    fn see(&mut self, record: &ByteRecord) {
        if self.first.is_empty() {
            self.first = record.iter().map(<[u8]>::to_vec).collect();
        }
        for (k, value) in record.iter().enumerate().filter(|(k, _)| Some(*k) != self.unread) {
            self.hashes[k].write(value);
            self.hashes[k].write_u8(0xff);
            self.varies[k] |= self.first[k] != value;
        }
    }

    fn constant(&self) -> Vec<usize> {
        let read = |k: &usize| Some(*k) != self.unread;
        (0..self.varies.len()).filter(read).filter(|k| !self.varies[*k]).collect()
    }

    /// Pairs of columns that vary and are the same in every row.
    fn duplicates(&self) -> Vec<[usize; 2]> {
        let sums: Vec<u64> = self.hashes.iter().map(Hasher::finish).collect();
        let varying = || (0..sums.len()).filter(|k| self.varies[*k]);
        let first_like = |k: usize| varying().find(|j| sums[*j] == sums[k]).filter(|j| *j < k);
        varying().filter_map(|k| Some([first_like(k)?, k])).collect()
    }
}
