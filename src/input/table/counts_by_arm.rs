//! Counts of several active arms: one row an arm of a subgroup.

use std::collections::BTreeMap;

use super::super::arms::SeveralArms;
use super::super::columns::{Kept, column_named, layout_by_subgroup};
use super::super::model_file::DataSection;
use super::super::patients::is_nothing;
use super::super::reader::{Header, Reader, Row};
use super::super::source::Source;
use super::counts::{Counts, Others};
use super::subgroups::Subgroups;
use crate::error::{Error, ErrorKind, Result};
use crate::study::{ArmCounts, SubgroupCounts};

/// The counts of every subgroup and arm.
pub fn read(
    source: &Source,
    (data, arms): (&DataSection, &SeveralArms),
    reader: &mut Reader,
    notices: &mut Vec<String>,
) -> Result<Vec<SubgroupCounts>> {
    let (subgroup, column, counts) = layout(source, data, &reader.header)?;
    let mut kept = Kept::new(source, data, &reader.header)?;
    let mut subgroups = Subgroups::of_column(subgroup);
    let mut found: Vec<(String, Vec<Option<ArmCounts>>)> = Vec::new();
    let mut left_out: BTreeMap<String, u64> = BTreeMap::new();
    while let Some(row) = reader.next()? {
        if row.is_blank() || !kept.keeps(row) {
            continue;
        }
        let value = row.text(column)?;
        let Some(arm) = arms.arm(value) else {
            other(arms, (row, column, value), &mut left_out)?;
            continue;
        };
        let of = subgroups.of(row)?;
        if of.first_row.is_none() {
            found.push((of.name.to_string(), vec![None; arms.names.len()]));
        }
        let (name, all) = &mut found[of.place];
        if all[arm].replace(counts.of(row)?).is_some() {
            let message = format!("subgroup `{name}` has a second row for `{}`", arms.names[arm]);
            return Err(Error::of(ErrorKind::Data, message)
                .at(row.place(column))
                .help("keep one row an arm; rows can be chosen with [data.where]"));
        }
    }
    kept.check(source)?;
    if !left_out.is_empty() {
        let each: Vec<String> = left_out.iter().map(|(value, rows)| format!("{rows} of `{value}`")).collect();
        notices.push(format!("Rows of other arms are left out: {}.", each.join(", ")));
    }
    found.into_iter().map(|row| whole(row, arms, reader)).collect()
}

fn layout(source: &Source, data: &DataSection, header: &Header) -> Result<(Option<usize>, usize, Counts)> {
    let has = |key: &str| data.columns.keys().any(|k| k.get_ref() == key);
    let others = if has("no_events") { "no_events" } else { "total" };
    let keys = (["arm", "events", others], &["missing"][..]);
    let (subgroup, [column, events, rest]) = layout_by_subgroup(source, data, header, keys)?;
    let missing = data.columns.iter().find(|(key, _)| key.get_ref() == "missing");
    let missing = missing.map(|(_, name)| column_named(source, header, name)).transpose()?;
    let others = if has("no_events") { Others::NoEvents(rest) } else { Others::Total(rest) };
    Ok((subgroup, column, Counts { events, others, missing }))
}

/// Counts a row of another arm; an error where the value is missing, or nearly that of an arm.
fn other(
    arms: &SeveralArms,
    (row, column, value): (Row<'_>, usize, &str),
    left_out: &mut BTreeMap<String, u64>,
) -> Result<()> {
    let nearly = arms.values.iter().flatten().any(|v| v.to_lowercase() == value.to_lowercase());
    if is_nothing(value) || nearly {
        let message = match is_nothing(value) {
            true => "the arm is missing".to_string(),
            false => format!("found `{value}` in the arm column"),
        };
        return Err(Error::of(ErrorKind::Data, message)
            .at(row.place(column))
            .help(format!("expected {}", arms.expected())));
    }
    *left_out.entry(value.to_string()).or_default() += 1;
    Ok(())
}

fn whole(
    (name, counts): (String, Vec<Option<ArmCounts>>),
    arms: &SeveralArms,
    reader: &Reader,
) -> Result<SubgroupCounts> {
    let lacking = counts.iter().position(Option::is_none);
    if let Some(arm) = lacking {
        let message = format!("subgroup `{name}` has no row for `{}`", arms.names[arm]);
        return Err(Error::of(ErrorKind::Data, message)
            .at(reader.file())
            .help("an arm without patients has 0 events of a total of 0"));
    }
    Ok(SubgroupCounts { name, arms: counts.into_iter().flatten().collect(), citation: None })
}
