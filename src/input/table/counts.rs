//! Counts by subgroup, by arm, and by covariates.

use std::collections::BTreeMap;

use toml::Spanned;

use super::super::columns::{Kept, column_named, layout_by_subgroup};
use super::super::model_file::DataSection;
use super::super::patients::{Covariates, is_nothing};
use super::super::reader::{Header, Reader, Row};
use super::super::source::Source;
use super::super::values::Values;
use super::Aside;
use super::cells::{both_counts, count};
use super::subgroups::Subgroups;
use crate::error::{Error, ErrorKind, Result};
use crate::study::{ArmCounts, SubgroupCounts};

/// The arms' counts of a row; none of an arm that it is not of.
type Arms = [Option<ArmCounts>; 2];

/// What was found in a row.
enum Found<'r> {
    Arms(Arms),
    /// Counts of an arm that is neither of the two, which is called so.
    OtherArm(&'r str),
}

/// What a row holds.
enum Layout<'m> {
    /// Both arms of a subgroup.
    Subgroup { arms: [Counts; 2] },
    /// One arm, and what its column holds for either.
    Arm { column: usize, levels: [&'m [String]; 2], counts: Counts },
}

/// The columns of an arm's counts.
pub(super) struct Counts {
    pub events: usize,
    /// Of all patients, or of those without the event.
    pub others: Others,
    pub missing: Option<usize>,
}

pub(super) enum Others {
    Total(usize),
    NoEvents(usize),
}

/// The counts of every subgroup. Without covariates an arm has one row; with them rows are added up.
pub fn read(
    source: &Source,
    data: &DataSection,
    (reader, covariates): (&mut Reader, &mut Covariates),
    aside: &mut Aside,
) -> Result<Vec<SubgroupCounts>> {
    let (subgroup, layout) = Layout::of(source, data, &reader.header)?;
    let mut kept = Kept::new(source, data, &reader.header)?;
    let mut subgroups = Subgroups::in_file(source, data, &reader.header, subgroup)?;
    let mut found: Vec<(String, Arms)> = Vec::new();
    let mut left_out: BTreeMap<String, u64> = BTreeMap::new();
    while let Some(row) = reader.next()? {
        if row.is_blank() || !kept.keeps(row) {
            continue;
        }
        let arms = match layout.arms(row)? {
            Found::Arms(arms) => arms,
            Found::OtherArm(level) => {
                *left_out.entry(level.to_string()).or_default() += 1;
                continue;
            }
        };
        if covariates.any {
            look(covariates, row)?;
        }
        let of = subgroups.of(row)?;
        if of.first_row.is_none() {
            found.push((of.name.to_string(), [None, None]));
        }
        let (_, all) = &mut found[of.place];
        for (active, (all, own)) in all.iter_mut().zip(arms).enumerate() {
            let Some(own) = own else { continue };
            if covariates.any {
                covariates.keep(of.place, active, (own.events as u32, own.total as u32));
                add(all.get_or_insert_default(), &own);
            } else if let (Some(_), Some(first_row)) = (&all, of.first_row) {
                return Err(match layout {
                    Layout::Subgroup { .. } => {
                        subgroups.twice(row, &of, first_row).help(PATIENTS).help(BY_COVARIATES)
                    }
                    Layout::Arm { column, .. } => second_row(row, column, (&of.name, active == 1)),
                });
            } else {
                *all = Some(own);
            }
        }
    }
    kept.check(source)?;
    aside.factors = subgroups.factors();
    if !left_out.is_empty() {
        let each: Vec<String> = left_out.iter().map(|(level, rows)| format!("{rows} of `{level}`")).collect();
        aside.notices.push(format!("Rows of other arms are left out: {}.", each.join(", ")));
    }
    let whole = |found| {
        whole(found, reader, covariates.any).map_err(|error| match left_out.is_empty() {
            true => error,
            false => error.help(
                "rows of other arms are left out; a list in [data.where] keeps the subgroups that have both",
            ),
        })
    };
    found.into_iter().map(whole).collect()
}

const PATIENTS: &str = "if each row is a patient: rows = \"patients\", columns = { outcome = \"…\", treatment = \"…\", subgroup = \"…\" }";

const BY_COVARIATES: &str = "several rows an arm are for counts by covariates, which [model] adjust names";

fn second_row(row: Row<'_>, column: usize, (name, active): (&str, bool)) -> Error {
    let arm = if active { "active" } else { "control" };
    Error::of(ErrorKind::Data, format!("subgroup `{name}` has a second row for its {arm} arm"))
        .at(row.place(column))
        .help("keep one row an arm; rows can be chosen with [data.where]")
        .help(PATIENTS)
        .help(BY_COVARIATES)
}

fn add(all: &mut ArmCounts, own: &ArmCounts) {
    all.events += own.events;
    all.total += own.total;
    all.missing += own.missing;
}

/// A subgroup has both arms, unless its counts are by covariates.
fn whole((name, arms): (String, Arms), reader: &Reader, by_covariates: bool) -> Result<SubgroupCounts> {
    let (control, active) = match arms {
        [Some(control), Some(active)] => (control, active),
        [control, active] if by_covariates => (control.unwrap_or_default(), active.unwrap_or_default()),
        [control, _] => {
            let missing = if control.is_none() { "control" } else { "active" };
            return Err(Error::of(
                ErrorKind::Data,
                format!("subgroup `{name}` has no row for its {missing} arm"),
            )
            .at(reader.file())
            .help("an arm without patients has 0 events of a total of 0"));
        }
    };
    Ok(SubgroupCounts::of_pair(name, control, active))
}

/// A row's covariates, all of which must be there.
fn look(covariates: &mut Covariates, row: Row<'_>) -> Result<()> {
    match covariates.look(|index| row.bytes(index)) {
        Ok(None) => Ok(()),
        Ok(Some(place)) => {
            Err(Error::of(ErrorKind::Data, format!("the {} is missing", covariates.name(place)))
                .at(row.place(covariates.index(place)))
                .help("fill it in: a row of counts is not left out"))
        }
        Err((index, fault)) => Err(fault.error(covariates.role(index)).at(row.place(index))),
    }
}

impl<'m> Layout<'m> {
    /// The column of subgroups, and what else a row holds.
    fn of(source: &Source, data: &'m DataSection, header: &Header) -> Result<(Option<usize>, Layout<'m>)> {
        let has = |key: &str| data.columns.keys().any(|k| k.get_ref() == key);
        let optional = |key: &str| {
            let found = data.columns.iter().find(|(k, _)| k.get_ref() == key);
            found.map(|(_, name)| column_named(source, header, name)).transpose()
        };
        if has("arm") {
            let others = if has("no_events") { "no_events" } else { "total" };
            let keys = (["arm", "events", others], &["missing", "centre"][..]);
            let (subgroup, [column, events, others]) = layout_by_subgroup(source, data, header, keys)?;
            let others = if has("no_events") { Others::NoEvents(others) } else { Others::Total(others) };
            let counts = Counts { events, others, missing: optional("missing")? };
            return Ok((subgroup, Layout::Arm { column, levels: arm_levels(source, data)?, counts }));
        }
        let without_event = ["control_no_events", "active_no_events"].map(has);
        let key = |arm, total, no_events| if without_event[arm] { no_events } else { total };
        let control = key(0, "control_total", "control_no_events");
        let active = key(1, "active_total", "active_no_events");
        let keys = ["control_events", control, "active_events", active];
        let missing = ["control_missing", "active_missing", "centre"];
        let (subgroup, [y0, n0, y1, n1]) = layout_by_subgroup(source, data, header, (keys, &missing))?;
        let others = |arm: usize, column| match without_event[arm] {
            true => Others::NoEvents(column),
            false => Others::Total(column),
        };
        let control = Counts { events: y0, others: others(0, n0), missing: optional("control_missing")? };
        let active = Counts { events: y1, others: others(1, n1), missing: optional("active_missing")? };
        Ok((subgroup, Layout::Subgroup { arms: [control, active] }))
    }

    fn arms<'r>(&self, row: Row<'r>) -> Result<Found<'r>> {
        match self {
            Layout::Subgroup { arms: [control, active] } => {
                Ok(Found::Arms([Some(control.of(row)?), Some(active.of(row)?)]))
            }
            Layout::Arm { column, levels: [control, active], counts } => {
                let level = row.text(*column)?;
                let is = |levels: &[String]| levels.iter().any(|l| l == level);
                if is(active) {
                    Ok(Found::Arms([None, Some(counts.of(row)?)]))
                } else if is(control) {
                    Ok(Found::Arms([Some(counts.of(row)?), None]))
                } else if is_nothing(level) || nearly(level, [control, active]) {
                    Err(unlisted(level, [control, active]).at(row.place(*column)))
                } else {
                    Ok(Found::OtherArm(level))
                }
            }
        }
    }
}

/// Whether a level differs from a listed one in nothing but capitals.
fn nearly(level: &str, listed: [&[String]; 2]) -> bool {
    listed.into_iter().flatten().any(|l| l.to_lowercase() == level.to_lowercase())
}

/// What the arm column holds for either arm.
pub fn arm_levels<'m>(source: &Source, data: &'m DataSection) -> Result<[&'m [String]; 2]> {
    let levels = data.levels.as_ref().map(Spanned::get_ref);
    let both = levels.and_then(|l| Some((l.control.as_ref()?.get_ref(), l.active.as_ref()?.get_ref())));
    let Some((Values(control), Values(active))) = both else {
        return Err(Error::of(ErrorKind::Missing, "`levels` is missing")
            .at(source.place(data.file.as_ref().map_or(0..0, Spanned::span)))
            .help("say what stands in the arm column: levels = { control = \"N\", active = \"Y\" }"));
    };
    Ok([control, active])
}

/// Of what is no arm.
pub fn unlisted(level: &str, [control, active]: [&[String]; 2]) -> Error {
    let error = match is_nothing(level) {
        true => Error::of(ErrorKind::Data, "the arm is missing"),
        false => Error::of(ErrorKind::Data, format!("found `{level}` in the arm column")),
    };
    error.help(format!(
        "expected `{}` (control) or `{}` (active), from `levels`",
        control.join("`, `"),
        active.join("`, `")
    ))
}

impl Counts {
    pub fn of(&self, row: Row<'_>) -> Result<ArmCounts> {
        let (events, total) = match self.others {
            Others::Total(column) if column == self.events => both_counts(row, column)?,
            Others::Total(column) => (count(row, self.events)?, count(row, column)?),
            Others::NoEvents(column) => {
                let events = count(row, self.events)?;
                (events, events + count(row, column)?)
            }
        };
        let missing = self.missing.map_or(Ok(0), |column| count(row, column))?;
        if events > total {
            return Err(Error::of(ErrorKind::Data, format!("{events} events among {total} patients"))
                .at(row.place(self.events))
                .help("events can't exceed the total; are the columns swapped?"));
        }
        Ok(ArmCounts { events, total, missing, source: None })
    }
}
