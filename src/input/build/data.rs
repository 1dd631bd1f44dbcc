//! Observations from the model file or from a data file.

use std::ops::Range;

use toml::Spanned;

use super::super::arms::{SeveralArms, place_of};
use super::super::model_file::{ArmEntry, CountsEntry, DataSection, EstimateEntry, Kind, ModelFile, Rows};
use super::super::nearest::nearest;
use super::super::number::Count;
use super::super::patients::Measured;
use super::super::source::{Source, sha256};
use super::super::{matrix, table};
use super::{factors, weighting};
use crate::error::{Error, ErrorKind, Result};
use crate::study::estimates::Printed;
use crate::study::{
    ALL_PATIENTS, ArmCounts, ArmLevels, DrawsFile, LevelScale, PatientFile, Read, Scale, StudyBuilder,
    SubgroupCounts, SubgroupLevels,
};

/// The builder with its observations, and what a file of them tells besides.
pub struct Observed {
    pub builder: StudyBuilder,
    pub sha256: Option<String>,
    pub patients: Option<PatientFile>,
    pub measured: Option<Measured>,
    /// Whether there are no subgroups.
    pub undivided: bool,
    pub draws: Option<DrawsFile>,
}

/// Adds the observations.
pub fn observed(
    source: &Source,
    file: &ModelFile,
    mut builder: StudyBuilder,
    (scale, levels, several): (Scale, Option<&LevelScale>, Option<&SeveralArms>),
) -> Result<Observed> {
    let section = file.data.get_ref();
    let span = given(source, file)?;
    let undivided = undivided(section);
    if let Some(stated) = factors::stated(source, section)? {
        builder = builder.crossed(stated);
    }
    if let Some(entries) = &section.counts {
        for (row, entry) in entries.get_ref().iter().enumerate() {
            builder = match levels {
                Some(scale) => builder.levels(by_level(source, scale, (row, entry, undivided))?),
                None => builder.counts(counts(source, several, (row, entry, undivided))?),
            };
        }
    } else if let Some(entries) = &section.estimates {
        for (row, entry) in entries.get_ref().iter().enumerate() {
            builder = builder.printed(printed(source, (row, entry, undivided))?);
        }
        let names: Vec<&str> = entries.get_ref().iter().map(|e| named(&e.get_ref().subgroup)).collect();
        columns_of_subgroups(source, section, &names)?;
        let (builder, sha256) = of_one_fit(source, section, builder, &names)?;
        return Ok(Observed { builder, sha256, patients: None, measured: None, undivided, draws: None });
    } else {
        rows_named(source, file, span)?;
        draws_alone(source, section)?;
        let adjust = weighting::entries(source, file)?;
        let found = table::read(source, section, &adjust, (scale, levels, several))?;
        let names = match &found.data {
            Read::Estimates(rows) => rows.iter().map(|row| row.name.clone()).collect(),
            _ => Vec::new(),
        };
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (mut builder, of_matrix) = of_one_fit(source, section, builder, &names)?;
        if let Some(stated) = found.factors {
            builder = builder.crossed(stated);
        }
        let draws = found.draws.map(|(together, account)| {
            builder = builder.clone().together(together);
            account
        });
        return Ok(Observed {
            builder: builder.read(found.data, found.notices),
            sha256: Some(match of_matrix {
                Some(matrix) => sha256(format!("{}{matrix}", found.sha256).as_bytes()),
                None => found.sha256,
            }),
            patients: found.patients,
            measured: found.measured,
            undivided,
            draws,
        });
    }
    Ok(Observed { builder, sha256: None, patients: None, measured: None, undivided, draws: None })
}

/// What belongs to draws alone, and what has no place beside them.
fn draws_alone(source: &Source, section: &DataSection) -> Result<()> {
    let of_draws = section.rows == Some(Rows::Draws);
    let of_others = [
        section.fitted_under.as_ref().map(|f| ("fitted_under", f.span())),
        section.chain.as_ref().map(|c| ("chain", c.span())),
    ];
    if let (false, Some((key, span))) = (of_draws, of_others.into_iter().flatten().next()) {
        return Err(
            Error::of(ErrorKind::Rule, format!("`{key}` is for rows = \"draws\"")).at(source.place(span))
        );
    }
    match section.covariance.as_ref().or(section.correlation.as_ref()) {
        Some(entry) if of_draws => Err(Error::of(ErrorKind::Rule, "a matrix of errors beside draws")
            .at(source.place(entry.span()))
            .help("leave it out: draws have a covariance of their own")),
        _ => Ok(()),
    }
}

/// Whether no subgroup is named anywhere.
fn undivided(section: &DataSection) -> bool {
    if !section.factors.is_empty() {
        return false;
    }
    if let Some(entries) = &section.counts {
        return matches!(entries.get_ref().as_slice(), [one] if one.get_ref().subgroup.is_none());
    }
    if let Some(entries) = &section.estimates {
        return matches!(entries.get_ref().as_slice(), [one] if one.get_ref().subgroup.is_none());
    }
    section.rows != Some(Rows::Draws) && !section.columns.keys().any(|key| key.get_ref() == "subgroup")
}

/// A row's subgroup; all patients, where it has no name.
fn named(subgroup: &Option<Spanned<String>>) -> &str {
    subgroup.as_ref().map_or(ALL_PATIENTS, |name| name.get_ref())
}

/// A row among several has a name, or levels that are its name.
fn name_needed(
    source: &Source,
    (subgroup, levels): (&Option<Spanned<String>>, &factors::ByFactor),
    (row, span, alone): (usize, Range<usize>, bool),
) -> Result<String> {
    if !levels.is_empty() && subgroup.is_none() {
        return Ok(factors::name(levels));
    }
    if subgroup.is_none() && !alone {
        return Err(Error::of(ErrorKind::Missing, format!("`subgroup` is missing in entry {}", row + 1))
            .at(source.place(span))
            .help("write subgroup = \"men\"")
            .help("only a study without subgroups, which has one row, leaves it out"));
    }
    Ok(named(subgroup).to_string())
}

/// Adds how the errors belong together, with the checksum of its file.
fn of_one_fit(
    source: &Source,
    section: &DataSection,
    builder: StudyBuilder,
    names: &[&str],
) -> Result<(StudyBuilder, Option<String>)> {
    Ok(match matrix::together(source, section, names)? {
        Some((together, sha256)) => (builder.together(together), sha256),
        None => (builder, None),
    })
}

/// Beside estimates, `columns` names the columns of their subgroups in the file of the covariance.
fn columns_of_subgroups(source: &Source, section: &DataSection, names: &[&str]) -> Result<()> {
    let Some((key, _)) = section.columns.iter().find(|(key, _)| !names.contains(&key.get_ref().as_str()))
    else {
        return Ok(());
    };
    let error = Error::of(ErrorKind::Unknown, format!("there is no subgroup `{}`", key.get_ref()))
        .at(source.place(key.span()))
        .help("beside `estimates`, columns = { … } names each subgroup's column in the file of `covariance`");
    Err(match nearest(key.get_ref(), names.iter().copied()) {
        Some(near) => error.label(format!("did you mean `{near}`?")),
        None => error,
    })
}

/// Where the observations stand: in one place, of the kind that the outcome has.
fn given(source: &Source, file: &ModelFile) -> Result<Range<usize>> {
    let (data, section, kind) = (&file.data, file.data.get_ref(), file.outcome.kind);
    let given = [
        section.counts.as_ref().map(|c| ("counts", c.span())),
        section.estimates.as_ref().map(|e| ("estimates", e.span())),
        section.file.as_ref().map(|f| ("file", f.span())),
    ];
    let mut given = given.into_iter().flatten();
    let Some((what, span)) = given.next() else {
        let expected = expected(kind);
        return Err(Error::of(ErrorKind::Missing, "[data] holds no data").at(source.place(data.span())).help(format!(
            "give `{expected} = [ … ]`, or `file = \"data.csv\"` with rows = \"{expected}\" and its columns"
        )));
    };
    if let Some((other, span)) = given.next() {
        return Err(Error::of(ErrorKind::Rule, format!("[data] has both `{what}` and `{other}`"))
            .at(source.place(span))
            .help("give one of them"));
    }
    if let ("counts", Some(entry)) = (what, section.covariance.as_ref().or(section.correlation.as_ref())) {
        return Err(Error::of(ErrorKind::Rule, "a matrix of errors beside `counts`")
            .at(source.place(entry.span()))
            .help("it goes with `estimates`: counts have no errors to be correlated"));
    }
    if what != "file"
        && let Some((key, span)) = of_files(data)
    {
        let message = format!("`{key}` is for a data file, and the data stand in `{what}`");
        return Err(Error::of(ErrorKind::Rule, message).at(source.place(span)));
    }
    match kind {
        Kind::Estimate if section.counts.is_some() => Err(wrong_kind(source, kind, "counts", span)),
        Kind::Binary | Kind::Ordinal if section.estimates.is_some() => {
            Err(wrong_kind(source, kind, "estimates", span))
        }
        _ => Ok(span),
    }
}

/// The first key that only a data file has a use for.
fn of_files(data: &Spanned<DataSection>) -> Option<(&'static str, Range<usize>)> {
    let section = data.get_ref();
    let keys = [
        section.columns.keys().next().filter(|_| !section.has_matrix_file()).map(|k| ("columns", k.span())),
        section.levels.as_ref().map(|l| ("levels", l.span())),
        section.keep.keys().next().map(|k| ("where", k.span())),
        section.rows.map(|_| ("rows", data.span())),
        section.missing.map(|_| ("missing", data.span())),
        section.sheet.as_ref().map(|sheet| ("sheet", sheet.span())),
        section.decimal.map(|_| ("decimal", data.span())),
        section.cut.keys().next().map(|k| ("cut", k.span())),
        section.fitted_under.as_ref().map(|f| ("fitted_under", f.span())),
        section.chain.as_ref().map(|c| ("chain", c.span())),
    ];
    keys.into_iter().flatten().next()
}

fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Binary | Kind::Ordinal => "counts",
        Kind::Estimate => "estimates",
    }
}

fn wrong_kind(source: &Source, kind: Kind, found: &str, span: Range<usize>) -> Error {
    let expected = expected(kind);
    let kind = match kind {
        Kind::Binary => "binary",
        Kind::Ordinal => "ordinal",
        Kind::Estimate => "estimate",
    };
    Error::of(ErrorKind::Rule, format!("the data are {found}, but kind = \"{kind}\""))
        .at(source.place(span))
        .help(format!(
            "kind = \"binary\" and kind = \"ordinal\" go with counts, kind = \"estimate\" with estimates; expected {expected}"
        ))
}

/// What a row of a data file is has to be said, and to go with the outcome.
fn rows_named(source: &Source, file: &ModelFile, span: Range<usize>) -> Result<()> {
    let kind = file.outcome.kind;
    match (file.data.get_ref().rows, kind) {
        (None, _) => Err(Error::of(ErrorKind::Missing, "`rows` is missing: what is a row of the file?")
            .at(source.place(span))
            .help(format!("write rows = \"{}\"", expected(kind)))),
        (Some(Rows::Counts | Rows::Patients), Kind::Binary | Kind::Ordinal)
        | (Some(Rows::Estimates | Rows::Draws), Kind::Estimate) => Ok(()),
        _ => Err(wrong_kind(source, kind, "of the other kind", span)),
    }
}

fn counts(
    source: &Source,
    several: Option<&SeveralArms>,
    (place, entry, alone): (usize, &Spanned<CountsEntry>, bool),
) -> Result<SubgroupCounts> {
    let row = entry.get_ref();
    let name = name_needed(source, (&row.subgroup, &row.levels), (place, entry.span(), alone))?;
    let arm = |arm: &Option<Spanned<ArmEntry>>, which: &str| -> Result<ArmCounts> {
        let Some(spanned) = arm else {
            return Err(Error::of(ErrorKind::Missing, format!("subgroup `{name}` has no `{which}` arm"))
                .at(source.place(entry.span()))
                .help(format!("an arm without patients is written {which} = {{ events = 0, total = 0 }}")));
        };
        let arm = spanned.get_ref();
        if let Some(levels) = &arm.levels {
            return Err(Error::of(ErrorKind::Rule, "patients by level, and kind = \"binary\"")
                .at(source.place(levels.span()))
                .help("for ordered levels: kind = \"ordinal\" with levels = [\"…\", …] and above = \"…\" in [outcome]")
                .help("for an event: events = … and total = … here"));
        }
        let needed = |count: &Option<Spanned<Count>>, key: &str, example: u64| match count {
            Some(n) => Ok(n.get_ref().0),
            None => Err(Error::of(ErrorKind::Missing, format!("`{key}` is missing"))
                .at(source.place(spanned.span()))
                .help(format!("write {key} = {example}"))),
        };
        Ok(ArmCounts {
            events: needed(&arm.events, "events", 30)?,
            total: needed(&arm.total, "total", 120)?,
            missing: arm.missing.as_ref().map_or(0, |m| m.get_ref().0),
            source: arm.source.clone(),
        })
    };
    let mut arms = vec![arm(&row.control, "control")?];
    match several {
        None => {
            if let Some((name, _)) = row.arms.iter().next() {
                return Err(Error::of(ErrorKind::Rule, "`arms` of counts, and there is one active arm")
                    .at(source.place(name.span()))
                    .help("write active = { events = …, total = … }")
                    .help("for several active arms: arms = [\"…\", \"…\"] in [treatment]"));
            }
            arms.push(arm(&row.active, "active")?);
        }
        Some(several) => {
            if let Some(active) = &row.active {
                return Err(Error::of(ErrorKind::Rule, "`active`, and there are several active arms")
                    .at(source.place(active.span()))
                    .help("write the counts of each by its name: arms = { balloon = { events = …, total = … }, … }"));
            }
            for key in row.arms.keys() {
                place_of(source, &several.names, key)?;
            }
            for name in several.names.iter().skip(1) {
                let found = row.arms.iter().find(|(key, _)| key.get_ref() == name);
                arms.push(arm(&found.map(|(_, counts)| counts.clone()), name)?);
            }
        }
    }
    Ok(SubgroupCounts { name: name.to_string(), arms, citation: row.citation.clone() })
}

/// Patients by level of both arms.
fn by_level(
    source: &Source,
    scale: &LevelScale,
    (place, entry, alone): (usize, &Spanned<CountsEntry>, bool),
) -> Result<SubgroupLevels> {
    let row = entry.get_ref();
    let name = name_needed(source, (&row.subgroup, &row.levels), (place, entry.span(), alone))?;
    let zeros = vec!["0"; scale.levels()].join(", ");
    let arm = |arm: &Option<Spanned<ArmEntry>>, which: &str| -> Result<ArmLevels> {
        let Some(spanned) = arm else {
            return Err(Error::of(ErrorKind::Missing, format!("subgroup `{name}` has no `{which}` arm"))
                .at(source.place(entry.span()))
                .help(format!("an arm without patients is written {which} = {{ levels = [{zeros}] }}")));
        };
        let arm = spanned.get_ref();
        let Some(levels) = &arm.levels else {
            return Err(Error::of(ErrorKind::Missing, "`levels` is missing: patients at each level")
                .at(source.place(spanned.span()))
                .help(format!("kind = \"ordinal\" has one count a level: levels = [{zeros}]"))
                .help("events and totals alone go with kind = \"binary\""));
        };
        let beside = [("events", &arm.events), ("total", &arm.total)];
        if let Some((key, other)) = beside.into_iter().find_map(|(key, n)| Some((key, n.as_ref()?))) {
            return Err(Error::of(ErrorKind::Rule, format!("`{key}` beside `levels`"))
                .at(source.place(other.span()))
                .help("leave it out: it follows from the levels, and from `above` in [outcome]"));
        }
        Ok(ArmLevels {
            levels: levels.get_ref().iter().map(|n| n.0).collect(),
            missing: arm.missing.as_ref().map_or(0, |m| m.get_ref().0),
            source: arm.source.clone(),
        })
    };
    Ok(SubgroupLevels {
        name: name.to_string(),
        arms: vec![arm(&row.control, "control")?, arm(&row.active, "active")?],
        citation: row.citation.clone(),
    })
}

fn printed(
    source: &Source,
    (place, entry, alone): (usize, &Spanned<EstimateEntry>, bool),
) -> Result<Printed> {
    let row = entry.get_ref();
    let name = name_needed(source, (&row.subgroup, &row.levels), (place, entry.span(), alone))?;
    let ci = match &row.ci {
        None => None,
        Some(ends) => match ends.get_ref().as_slice() {
            [low, high] => Some((low.0, high.0)),
            found => {
                return Err(Error::of(ErrorKind::Value, format!("`ci` has {} numbers", found.len()))
                    .at(source.place(ends.span()))
                    .help("an interval is written ci = [lower, upper]"));
            }
        },
    };
    Ok(Printed {
        subgroup: name.to_string(),
        ratio: row.ratio.as_ref().map(|x| x.get_ref().0),
        estimate: row.estimate.as_ref().map(|x| x.get_ref().0),
        ci,
        se: row.se.as_ref().map(|x| x.get_ref().0),
        source: row.source.clone(),
        citation: row.citation.clone(),
        adjusted_for: row.adjusted_for.clone(),
    })
}
