//! Counts by subgroup, by arm, and by covariates.

use toml::Spanned;

use super::super::columns::{Kept, column_named, layout};
use super::super::model_file::DataSection;
use super::super::patients::{Covariates, is_nothing};
use super::super::reader::{Reader, Row};
use super::super::source::Source;
use super::super::values::Values;
use super::cells::count;
use super::subgroups::Subgroups;
use crate::error::{Error, ErrorKind, Result};
use crate::study::{ArmCounts, SubgroupCounts};

/// The arms' counts of a row; none of an arm that it is not of.
type Arms = [Option<ArmCounts>; 2];

/// What a row holds.
enum Layout<'m> {
    /// Both arms of a subgroup.
    Subgroup { arms: [Counts; 2] },
    /// One arm, and what its column holds for either.
    Arm { column: usize, levels: [&'m [String]; 2], counts: Counts },
}

/// The columns of an arm's counts.
struct Counts {
    events: usize,
    total: usize,
    missing: Option<usize>,
}

/// The counts of every subgroup. Without covariates an arm has one row; with them rows are added up.
pub fn read(
    source: &Source,
    data: &DataSection,
    (reader, covariates): (&mut Reader, &mut Covariates),
) -> Result<Vec<SubgroupCounts>> {
    let (subgroup, layout) = Layout::of(source, data, &reader.header)?;
    let mut kept = Kept::new(source, data, &reader.header)?;
    let mut subgroups = Subgroups::of_column(subgroup);
    let mut found: Vec<(String, Arms)> = Vec::new();
    while let Some(row) = reader.next()? {
        if !kept.keeps(row) {
            continue;
        }
        let arms = layout.arms(row)?;
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
                covariates.keep(of.place, active == 1, (own.events as u32, own.total as u32));
                add(all.get_or_insert_default(), &own);
            } else if let (Some(_), Some(first_row)) = (&all, of.first_row) {
                return Err(match layout {
                    Layout::Subgroup { .. } => subgroups.twice(row, &of, first_row).help(BY_COVARIATES),
                    Layout::Arm { column, .. } => second_row(row, column, (of.name, active == 1)),
                });
            } else {
                *all = Some(own);
            }
        }
    }
    kept.check(source)?;
    found.into_iter().map(|found| whole(found, reader, covariates.any)).collect()
}

const BY_COVARIATES: &str = "several rows an arm are for counts by covariates, which [model] adjust names";

fn second_row(row: Row<'_>, column: usize, (name, active): (&str, bool)) -> Error {
    let arm = if active { "active" } else { "control" };
    Error::of(ErrorKind::Data, format!("subgroup `{name}` has a second row for its {arm} arm"))
        .at(row.place(column))
        .help("keep one row an arm; rows can be chosen with [data.where]")
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
    fn of(source: &Source, data: &'m DataSection, header: &[String]) -> Result<(usize, Layout<'m>)> {
        let optional = |key: &str| {
            let found = data.columns.iter().find(|(k, _)| k.get_ref() == key);
            found.map(|(_, name)| column_named(source, header, name)).transpose()
        };
        if data.columns.keys().any(|k| k.get_ref() == "arm") {
            let keys = (["subgroup", "arm", "events", "total"], &["missing", "centre"][..]);
            let [subgroup, column, events, total] = layout(source, data, header, keys)?;
            let counts = Counts { events, total, missing: optional("missing")? };
            return Ok((subgroup, Layout::Arm { column, levels: levels(source, data)?, counts }));
        }
        let keys = ["subgroup", "control_events", "control_total", "active_events", "active_total"];
        let missing = ["control_missing", "active_missing", "centre"];
        let [subgroup, y0, n0, y1, n1] = layout(source, data, header, (keys, &missing))?;
        let control = Counts { events: y0, total: n0, missing: optional("control_missing")? };
        let active = Counts { events: y1, total: n1, missing: optional("active_missing")? };
        Ok((subgroup, Layout::Subgroup { arms: [control, active] }))
    }

    fn arms(&self, row: Row<'_>) -> Result<Arms> {
        match self {
            Layout::Subgroup { arms: [control, active] } => {
                Ok([Some(control.of(row)?), Some(active.of(row)?)])
            }
            Layout::Arm { column, levels: [control, active], counts } => {
                let level = row.text(*column)?;
                let is = |levels: &[String]| levels.iter().any(|l| l == level);
                if is(active) {
                    Ok([None, Some(counts.of(row)?)])
                } else if is(control) {
                    Ok([Some(counts.of(row)?), None])
                } else {
                    Err(unlisted(level, [control, active]).at(row.place(*column)))
                }
            }
        }
    }
}

fn levels<'m>(source: &Source, data: &'m DataSection) -> Result<[&'m [String]; 2]> {
    let levels = data.levels.as_ref().map(Spanned::get_ref);
    let both = levels.and_then(|l| Some((l.control.as_ref()?.get_ref(), l.active.as_ref()?.get_ref())));
    let Some((Values(control), Values(active))) = both else {
        return Err(Error::of(ErrorKind::Missing, "`levels` is missing")
            .at(source.place(data.file.as_ref().map_or(0..0, Spanned::span)))
            .help("say what stands in the arm column: levels = { control = \"N\", active = \"Y\" }"));
    };
    Ok([control, active])
}

fn unlisted(level: &str, [control, active]: [&[String]; 2]) -> Error {
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
    fn of(&self, row: Row<'_>) -> Result<ArmCounts> {
        let arm = ArmCounts {
            events: count(row, self.events)?,
            total: count(row, self.total)?,
            missing: self.missing.map_or(Ok(0), |column| count(row, column))?,
            source: None,
        };
        if arm.events > arm.total {
            return Err(Error::of(
                ErrorKind::Data,
                format!("{} events among {} patients", arm.events, arm.total),
            )
            .at(row.place(self.events))
            .help("events can't exceed the total; are the columns swapped?"));
        }
        Ok(arm)
    }
}
