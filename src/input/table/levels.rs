//! Patients by ordered level: a row for every subgroup, arm and level.

use toml::Spanned;

use super::super::columns::{Kept, layout_by_subgroup};
use super::super::level_words::Name;
use super::super::model_file::DataSection;
use super::super::nearest::listed;
use super::super::patients::is_nothing;
use super::super::reader::{Reader, Row};
use super::super::source::Source;
use super::cells::count;
use super::counts::{arm_levels, unlisted};
use super::subgroups::Subgroups;
use crate::error::{Error, ErrorKind, Result};
use crate::study::{ArmLevels, LevelScale, SubgroupLevels};

/// The patients of every subgroup. Levels without a row have none.
pub fn read(
    source: &Source,
    (data, scale): (&DataSection, &LevelScale),
    reader: &mut Reader,
    notices: &mut Vec<String>,
) -> Result<Vec<SubgroupLevels>> {
    let keys = ["subgroup", "arm", "level", "patients"];
    if let Some((key, _)) = data.columns.iter().find(|(k, _)| !keys.contains(&k.get_ref().as_str())) {
        return Err(Error::of(
            ErrorKind::Rule,
            format!("`{}` is not a column of patients by ordered level", key.get_ref()),
        )
        .at(source.place(key.span()))
        .help("one row a subgroup, arm and level: columns = { subgroup = \"…\", arm = \"…\", level = \"…\", patients = \"…\" }")
        .help("if each row is a patient: rows = \"patients\", columns = { outcome = \"…\", treatment = \"…\", subgroup = \"…\" }"));
    }
    let (subgroup, [arm, level, patients]) =
        layout_by_subgroup(source, data, &reader.header, (["arm", "level", "patients"], &[]))?;
    let [control, active] = arm_levels(source, data)?;
    let coded = coded(source, data, scale)?;
    let unknown = unknown(source, data, &coded)?;
    let mut kept = Kept::new(source, data, &reader.header)?;
    let mut subgroups = Subgroups::of_column(subgroup);
    let mut found: Vec<SubgroupLevels> = Vec::new();
    let mut seen: Vec<[Vec<Option<u64>>; 2]> = Vec::new();
    let mut missing: Vec<[u64; 2]> = Vec::new();
    let mut left_out = 0;
    while let Some(row) = reader.next()? {
        if row.is_blank() || !kept.keeps(row) {
            continue;
        }
        let named = row.text(arm)?;
        let is = |levels: &[String]| levels.iter().any(|l| l == named);
        let which = match (is(control), is(active)) {
            (true, _) => 0,
            (_, true) => 1,
            _ if is_nothing(named) => return Err(unlisted(named, [control, active]).at(row.place(arm))),
            _ => {
                left_out += 1;
                continue;
            }
        };
        let known = level_of(row, level, (&coded, scale, unknown))?;
        let n = count(row, patients)?;
        let of = subgroups.of(row)?;
        if of.first_row.is_none() {
            found.push(SubgroupLevels { name: of.name.to_string(), ..SubgroupLevels::default() });
            let none = vec![None; scale.levels()];
            seen.push([none.clone(), none]);
            missing.push([0; 2]);
        }
        let Some(place) = known else {
            missing[of.place][which] += n;
            continue;
        };
        let slot = &mut seen[of.place][which][place];
        if slot.replace(n).is_some() {
            let word = ["control", "active"][which];
            let message = format!(
                "subgroup `{}` has a second row for level `{}` of its {word} arm",
                of.name, scale.names[place]
            );
            return Err(Error::of(ErrorKind::Data, message)
                .at(row.place(level))
                .help("keep one row a level; rows can be chosen with [data.where]"));
        }
    }
    kept.check(source)?;
    if left_out > 0 {
        notices.push(format!("{left_out} rows of other arms are left out."));
    }
    for ((row, arms), missing) in found.iter_mut().zip(seen).zip(missing) {
        row.arms = arms
            .into_iter()
            .zip(missing)
            .map(|(levels, missing)| ArmLevels {
                levels: levels.into_iter().map(Option::unwrap_or_default).collect(),
                missing,
                ..ArmLevels::default()
            })
            .collect();
    }
    Ok(found)
}

/// What stands in the file for each level: its name, unless the model file says otherwise.
pub fn coded(source: &Source, data: &DataSection, scale: &LevelScale) -> Result<Vec<(String, usize)>> {
    let written = data.levels.as_ref().map(|levels| &levels.get_ref().outcome);
    let Some(written) = written.filter(|written| !written.is_empty()) else {
        return Ok(scale.names.iter().cloned().zip(0..).collect());
    };
    let place = |(value, name): (&Spanned<String>, &Spanned<Name>)| {
        let found = scale.names.iter().position(|n| *n == name.get_ref().0);
        let Some(place) = found else {
            return Err(Error::of(ErrorKind::Unknown, format!("there is no level `{}`", name.get_ref().0))
                .at(source.place(name.span()))
                .help(format!("the levels are {}", listed(scale.names.iter().map(String::as_str)))));
        };
        Ok((value.get_ref().clone(), place))
    };
    written.iter().map(place).collect()
}

/// Values of the level's column that say that a level is not known; what is said of events has no place here.
fn unknown<'m>(source: &Source, data: &'m DataSection, coded: &[(String, usize)]) -> Result<&'m [String]> {
    let Some(levels) = data.levels.as_ref().map(Spanned::get_ref) else { return Ok(&[]) };
    let of_events = [("event", &levels.event), ("no_event", &levels.no_event)];
    if let Some((key, values)) = of_events.into_iter().find_map(|(key, v)| Some((key, v.as_ref()?))) {
        return Err(Error::of(ErrorKind::Rule, format!("`{key}` is for kind = \"binary\""))
            .at(source.place(values.span()))
            .help("codes of ordered levels: levels = { outcome = { 1 = \"dead\", … } }"));
    }
    let Some(unknown) = &levels.unknown else { return Ok(&[]) };
    let values = &unknown.get_ref().0;
    match values.iter().find(|v| coded.iter().any(|(value, _)| value == *v)) {
        Some(twice) => {
            Err(Error::of(ErrorKind::Rule, format!("`{twice}` is listed as unknown, and is a level"))
                .at(source.place(unknown.span()))
                .help("a code of what is not known is none of the levels: leave it out of one of them"))
        }
        None => Ok(values),
    }
}

/// A row's level; none where it is not known.
fn level_of(
    row: Row<'_>,
    column: usize,
    (coded, scale, unknown): (&[(String, usize)], &LevelScale, &[String]),
) -> Result<Option<usize>> {
    let text = row.text(column)?;
    let found = coded.iter().find(|(value, _)| value == text);
    if found.is_none() && (is_nothing(text) || unknown.iter().any(|v| v == text)) {
        return Ok(None);
    }
    found.map(|(_, place)| Some(*place)).ok_or_else(|| {
        Error::of(ErrorKind::Data, format!("found `{text}`, which is not a level that is listed"))
            .at(row.place(column))
            .help(format!("the levels are {}", listed(scale.names.iter().map(String::as_str))))
            .help(format!("a code of what is not known: unknown = \"{text}\" in [data] levels; codes of levels: outcome = {{ {text} = \"…\" }} there; or choose rows with [data.where]"))
    })
}
