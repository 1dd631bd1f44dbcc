//! Data files: tables of counts and of estimates here, patients in `patients`.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use toml::Spanned;

use super::adjust_section::AdjustEntry;
use super::model_file::{DataSection, Rows};
use super::nearest::nearest;
use super::patients::{self, Covariates, Measured};
use super::source::{Source, read_text, sha256};
use super::values::Values;
use crate::error::{Error, Place, Result};
use crate::study::estimates::{Figure, Printed, estimate};
use crate::study::{ArmCounts, Data, MOST_SUBGROUPS, PatientFile, Scale, SubgroupCounts};

/// As in model files.
const MOST_PATIENTS: u64 = 1_000_000_000;

/// A CSV file, its header matched to the model file's columns.
struct Table {
    file: String,
    header: Vec<String>,
    /// Line in the file (the header is 1) and fields.
    rows: Vec<(u64, Vec<String>)>,
}

/// What a data file holds.
pub struct Held {
    pub data: Data,
    pub notices: Vec<String>,
    pub sha256: String,
    /// Of a file of patients.
    pub patients: Option<PatientFile>,
    /// Covariates and centres, where the model has any.
    pub measured: Option<Measured>,
}

/// The data of a study from its file.
pub fn read(
    source: &Source,
    data: &DataSection,
    adjust: &[Spanned<AdjustEntry>],
    scale: Scale,
) -> Result<Held> {
    let Some(file) = &data.file else {
        return Err(Error::new("no data file is named"));
    };
    let path = match &source.folder {
        Some(folder) => folder.join(file.get_ref()),
        None => Path::new(file.get_ref()).to_path_buf(),
    };
    if !path.exists() {
        return Err(Error::new(format!("there is no data file `{}`", path.display()))
            .at(source.place(file.span()))
            .help("the path is relative to the model file"));
    }
    source.read.note(&path);
    if data.rows == Some(Rows::Patients) {
        let found = patients::read(source, (data, adjust), (&path, file.get_ref()))?;
        return Ok(Held {
            data: Data::Counts(found.cells),
            notices: Vec::new(),
            sha256: found.sha256,
            patients: Some(found.file),
            measured: found.measured,
        });
    }
    let shown = path.display().to_string();
    let text = read_text(&path, &shown)?;
    let sha256 = sha256(text.as_bytes());
    let table = Table::parse(shown, &text)?.keep(source, &data.keep)?;
    let mut notices = Vec::new();
    let (rows, measured) = match data.rows {
        Some(Rows::Counts) => {
            let mut covariates = Covariates::new(source, data, adjust, &table.header)?;
            let counts = table.counts(source, data, &mut covariates)?;
            let measured = covariates.any.then_some(covariates.measured);
            (Data::Counts(counts), measured)
        }
        _ => (Data::Estimates(table.estimates(source, data, scale, &mut notices)?), None),
    };
    Ok(Held { data: rows, notices, sha256, patients: None, measured })
}

/// Semicolons where commas are decimal marks; tabs from spreadsheets.
pub fn delimiter_of(first_line: &str) -> u8 {
    [b',', b';', b'\t']
        .into_iter()
        .max_by_key(|d| (first_line.bytes().filter(|b| b == d).count(), *d == b','))
        .unwrap_or(b',')
}

/// The place of a column in a file's header.
pub fn column_named(source: &Source, header: &[String], name: &Spanned<String>) -> Result<usize> {
    header.iter().position(|h| h == name.get_ref()).ok_or_else(|| {
        let error = Error::new(format!("the data file has no column `{}`", name.get_ref()))
            .at(source.place(name.span()))
            .help(format!("its columns are {}", header.join(", ")));
        match nearest(name.get_ref(), header.iter().map(String::as_str)) {
            Some(near) => error.label(format!("did you mean `{near}`?")),
            None => error,
        }
    })
}

/// The columns of one layout, or the first that is missing from `[data] columns`.
pub fn layout<const N: usize>(
    source: &Source,
    data: &DataSection,
    header: &[String],
    (keys, optional): ([&str; N], &[&str]),
) -> Result<[usize; N]> {
    let mut columns = [0; N];
    for (slot, key) in columns.iter_mut().zip(keys) {
        let (_, name) = data.columns.iter().find(|(k, _)| k.get_ref() == key).ok_or_else(|| {
            let misspelt = data.columns.keys().find(|k| {
                !keys.contains(&k.get_ref().as_str())
                    && nearest(k.get_ref(), keys.into_iter()).as_deref() == Some(key)
            });
            if let Some(misspelt) = misspelt {
                return Error::new(format!("unknown column key `{}`", misspelt.get_ref()))
                    .at(source.place(misspelt.span()))
                    .label(format!("did you mean `{key}`?"));
            }
            Error::new(format!("`{key}` is missing from the columns"))
                .at(source.place(data.file.as_ref().map_or(0..0, Spanned::span)))
                .help(format!("[data] columns needs {}", keys.join(", ")))
        })?;
        *slot = column_named(source, header, name)?;
    }
    for (i, column) in columns.iter().enumerate() {
        if let Some(j) = columns[..i].iter().position(|c| c == column) {
            return Err(Error::new(format!("`{}` and `{}` are the same column", keys[j], keys[i]))
                .at(source.place(data.file.as_ref().map_or(0..0, Spanned::span))));
        }
    }
    let known = |k: &str| keys.contains(&k) || optional.contains(&k);
    if let Some(unknown) = data.columns.keys().find(|k| !known(k.get_ref())) {
        return Err(Error::new(format!("`{}` is not a column that these rows have", unknown.get_ref()))
            .at(source.place(unknown.span()))
            .help(format!("the columns are {}", [&keys, optional].concat().join(", "))));
    }
    Ok(columns)
}

/// Counts by covariates, added up by subgroup.
#[derive(Default)]
struct Added {
    rows: Vec<SubgroupCounts>,
    places: HashMap<String, usize>,
}

impl Added {
    /// A subgroup's place in the order of their first rows; none where there are too many.
    fn place(&mut self, name: &str) -> Option<usize> {
        if let Some(place) = self.places.get(name) {
            return Some(*place);
        }
        let place = self.rows.len();
        if place == MOST_SUBGROUPS {
            return None;
        }
        let [control, active] = [ArmCounts::default(), ArmCounts::default()];
        self.rows.push(SubgroupCounts::of_pair(name, control, active));
        self.places.insert(name.to_string(), place);
        Some(place)
    }

    /// Adds the cells of one row, with the covariates that were looked at.
    fn add(&mut self, covariates: &mut Covariates, g: usize, arms: [Option<ArmCounts>; 2]) {
        let row = &mut self.rows[g];
        for (active, (all, own)) in row.arms.iter_mut().zip(arms).enumerate() {
            let Some(own) = own else { continue };
            all.events += own.events;
            all.total += own.total;
            all.missing += own.missing;
            covariates.keep(g, active == 1, (own.events as u32, own.total as u32));
        }
    }
}

impl Table {
    fn parse(file: String, text: &str) -> Result<Table> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let first_line = text.lines().next().unwrap_or_default();
        let delimiter = delimiter_of(first_line);
        let mut reader =
            csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(text.as_bytes());
        let fault = |e: &csv::Error| {
            let row = e.position().map_or(1, csv::Position::line);
            let message = match e.kind() {
                csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                    format!("{len} fields where the header has {expected_len}")
                }
                _ => e.to_string(),
            };
            Error::new(message).at(Place::Row { file: file.clone(), row, column: None })
        };
        let header: Vec<String> =
            reader.headers().map_err(|e| fault(&e))?.iter().map(str::to_string).collect();
        patients::check_header(&header, (&file, Some(1)))?;
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|e| fault(&e))?;
            let line = record.position().map_or(0, csv::Position::line);
            rows.push((line, record.iter().map(str::to_string).collect()));
        }
        if rows.is_empty() {
            return Err(Error::new("the file has a header and no rows").at(Place::File(file)));
        }
        Ok(Table { file, header, rows })
    }

    fn column(&self, source: &Source, name: &Spanned<String>) -> Result<usize> {
        column_named(source, &self.header, name)
    }

    fn keep(mut self, source: &Source, keep: &BTreeMap<Spanned<String>, Spanned<String>>) -> Result<Table> {
        for (column, value) in keep {
            let index = self.column(source, column)?;
            self.rows.retain(|(_, fields)| fields[index] == *value.get_ref());
            if self.rows.is_empty() {
                return Err(Error::new(format!(
                    "no row of the data file has `{}` in column `{}`",
                    value.get_ref(),
                    column.get_ref()
                ))
                .at(source.place(value.span())));
            }
        }
        Ok(self)
    }

    fn place(&self, row: u64, column: usize) -> Place {
        Place::Row { file: self.file.clone(), row, column: Some(self.header[column].clone()) }
    }

    fn too_many(&self, row: u64) -> Error {
        Error::new(format!("more than {MOST_SUBGROUPS} subgroups"))
            .at(Place::Row { file: self.file.clone(), row, column: None })
            .help(format!("the program takes at most {MOST_SUBGROUPS}: is it the right column?"))
    }

    fn count(&self, row: u64, fields: &[String], column: usize) -> Result<u64> {
        let text = &fields[column];
        let fault = |message: String| Error::new(message).at(self.place(row, column));
        if text.is_empty() || ["na", "nan", "."].contains(&text.to_lowercase().as_str()) {
            return Err(fault("the count is missing".to_string())
                .help("fill it in; an arm without patients has 0 events of a total of 0"));
        }
        if text.parse::<u64>().is_ok_and(|n| n > MOST_PATIENTS) {
            return Err(fault(format!("found {text}; a count is at most a thousand million")));
        }
        text.parse().map_err(|_| match text.parse::<f64>() {
            Ok(n) if n < 0.0 => fault(format!("found {text}, expected a count of 0 or more")),
            Ok(_) => fault(format!("found {text}, expected a whole number")),
            Err(_) => fault(format!("found `{text}`, expected a count: a whole number, 0 or more")),
        })
    }

    fn real(&self, row: u64, fields: &[String], column: usize) -> Result<f64> {
        let text = &fields[column];
        match text.parse::<f64>() {
            Ok(x) if x.is_finite() => Ok(x),
            _ if text.contains(',') => Err(Error::new(format!("found `{text}`"))
                .at(self.place(row, column))
                .help("write decimals with a point")),
            _ => Err(Error::new(format!("found `{text}`, expected a number")).at(self.place(row, column))),
        }
    }

    fn layout<const N: usize>(
        &self,
        source: &Source,
        data: &DataSection,
        keys: [&str; N],
        optional: &[&str],
    ) -> Result<[usize; N]> {
        layout(source, data, &self.header, (keys, optional))
    }

    /// A column that need not be there.
    fn optional(&self, source: &Source, data: &DataSection, key: &str) -> Result<Option<usize>> {
        let found = data.columns.iter().find(|(k, _)| k.get_ref() == key);
        found.map(|(_, name)| self.column(source, name)).transpose()
    }

    fn has(data: &DataSection, key: &str) -> bool {
        data.columns.keys().any(|k| k.get_ref() == key)
    }

    fn counts(
        &self,
        source: &Source,
        data: &DataSection,
        covariates: &mut Covariates,
    ) -> Result<Vec<SubgroupCounts>> {
        match (Self::has(data, "arm"), covariates.any) {
            (true, false) => self.counts_by_arm(source, data),
            (true, true) => self.cells_by_arm(source, data, covariates),
            (false, false) => self.counts_by_subgroup(source, data),
            (false, true) => {
                let rows = self.counts_by_subgroup(source, data)?;
                let mut added = Added::default();
                for ((line, fields), row) in self.rows.iter().zip(rows) {
                    self.look(covariates, *line, fields)?;
                    let g = added.place(&row.name).ok_or_else(|| self.too_many(*line))?;
                    added.add(covariates, g, [Some(row.control().clone()), Some(row.active().clone())]);
                }
                Ok(added.rows)
            }
        }
    }

    /// One row a cell of subgroup, arm and covariates.
    fn cells_by_arm(
        &self,
        source: &Source,
        data: &DataSection,
        covariates: &mut Covariates,
    ) -> Result<Vec<SubgroupCounts>> {
        let arms = self.arms(source, data)?;
        let mut added = Added::default();
        for ((line, fields), (name, active, counts)) in self.rows.iter().zip(arms) {
            self.look(covariates, *line, fields)?;
            let g = added.place(&name).ok_or_else(|| self.too_many(*line))?;
            added.add(covariates, g, if active { [None, Some(counts)] } else { [Some(counts), None] });
        }
        Ok(added.rows)
    }

    /// A row's covariates, all of which must be there.
    fn look(&self, covariates: &mut Covariates, line: u64, fields: &[String]) -> Result<()> {
        match covariates.look(|index| fields[index].as_bytes()) {
            Ok(None) => Ok(()),
            Ok(Some(place)) => Err(Error::new(format!("the {} is missing", covariates.name(place)))
                .at(self.place(line, covariates.index(place)))
                .help("fill it in: a row of counts is not left out")),
            Err((index, fault)) => Err(fault.error(covariates.role(index)).at(self.place(line, index))),
        }
    }

    fn counts_by_subgroup(&self, source: &Source, data: &DataSection) -> Result<Vec<SubgroupCounts>> {
        let keys = ["subgroup", "control_events", "control_total", "active_events", "active_total"];
        let missing = ["control_missing", "active_missing"];
        let [subgroup, y0, n0, y1, n1] =
            self.layout(source, data, keys, &[missing[0], missing[1], "centre"])?;
        let [m0, m1] = missing.map(|key| self.optional(source, data, key));
        let [m0, m1] = [m0?, m1?];
        self.rows
            .iter()
            .map(|(row, fields)| {
                let arm = |events: usize, total: usize, missing: Option<usize>| -> Result<ArmCounts> {
                    self.arm(*row, fields, (events, total, missing))
                };
                Ok(SubgroupCounts {
                    name: fields[subgroup].clone(),
                    arms: vec![arm(y0, n0, m0)?, arm(y1, n1, m1)?],
                    citation: None,
                })
            })
            .collect()
    }

    fn arm(
        &self,
        row: u64,
        fields: &[String],
        (events, total, missing): (usize, usize, Option<usize>),
    ) -> Result<ArmCounts> {
        let arm = ArmCounts {
            events: self.count(row, fields, events)?,
            total: self.count(row, fields, total)?,
            missing: missing.map_or(Ok(0), |column| self.count(row, fields, column))?,
            source: None,
        };
        if arm.events > arm.total {
            return Err(Error::new(format!("{} events among {} patients", arm.events, arm.total))
                .at(self.place(row, events))
                .help("events can't exceed the total; are the columns swapped?"));
        }
        Ok(arm)
    }

    /// Every row's subgroup, whether it is of the active arm, and its counts.
    fn arms(&self, source: &Source, data: &DataSection) -> Result<Vec<(String, bool, ArmCounts)>> {
        let [subgroup, arm, events, total] =
            self.layout(source, data, ["subgroup", "arm", "events", "total"], &["missing", "centre"])?;
        let missing = self.optional(source, data, "missing")?;
        let levels = data.levels.as_ref().map(Spanned::get_ref);
        let Some((Values(control), Values(active))) =
            levels.and_then(|l| Some((l.control.as_ref()?.get_ref(), l.active.as_ref()?.get_ref())))
        else {
            return Err(Error::new("`levels` is missing")
                .at(source.place(data.file.as_ref().map_or(0..0, Spanned::span)))
                .help("say what stands in the arm column: levels = { control = \"N\", active = \"Y\" }"));
        };
        let each = |(row, fields): &(u64, Vec<String>)| {
            let level = &fields[arm];
            if !control.contains(level) && !active.contains(level) {
                return Err(Error::new(format!("found `{level}` in the arm column"))
                    .at(self.place(*row, arm))
                    .help(format!(
                        "expected `{}` (control) or `{}` (active), from `levels`",
                        control.join("`, `"),
                        active.join("`, `")
                    )));
            }
            let counts = self.arm(*row, fields, (events, total, missing))?;
            Ok((fields[subgroup].clone(), active.contains(level), counts))
        };
        self.rows.iter().map(each).collect()
    }

    fn counts_by_arm(&self, source: &Source, data: &DataSection) -> Result<Vec<SubgroupCounts>> {
        let mut order: Vec<String> = Vec::new();
        let mut arms: BTreeMap<String, [Option<ArmCounts>; 2]> = BTreeMap::new();
        for ((row, _), (name, active, counts)) in self.rows.iter().zip(self.arms(source, data)?) {
            if !arms.contains_key(&name) {
                order.push(name.clone());
            }
            let slot = &mut arms.entry(name.clone()).or_default()[usize::from(active)];
            if slot.is_some() {
                let arm = if active { "active" } else { "control" };
                return Err(Error::new(format!("subgroup `{name}` has a second row for its {arm} arm"))
                    .at(Place::Row { file: self.file.clone(), row: *row, column: None })
                    .help("keep one row an arm; rows can be chosen with [data.where]")
                    .help("several rows an arm are for counts by covariates, which [model] adjust names"));
            }
            *slot = Some(counts);
        }
        order
            .into_iter()
            .map(|name| match arms.remove(&name) {
                Some([Some(control), Some(active)]) => Ok(SubgroupCounts::of_pair(name, control, active)),
                found => {
                    let missing = if matches!(found, Some([None, _])) { "control" } else { "active" };
                    Err(Error::new(format!("subgroup `{name}` has no row for its {missing} arm"))
                        .at(Place::File(self.file.clone()))
                        .help("an arm without patients has 0 events of a total of 0"))
                }
            })
            .collect()
    }

    fn estimates(
        &self,
        source: &Source,
        data: &DataSection,
        scale: Scale,
        notices: &mut Vec<String>,
    ) -> Result<Vec<crate::study::SubgroupEstimate>> {
        let value = if Self::has(data, "ratio") { "ratio" } else { "estimate" };
        let (name, point, spread) = if Self::has(data, "se") {
            let [a, b, c] = self.layout(source, data, ["subgroup", value, "se"], &[])?;
            (a, b, [c, c])
        } else {
            let [a, b, c, d] = self.layout(source, data, ["subgroup", value, "lower", "upper"], &[])?;
            (a, b, [c, d])
        };
        let mut rows = Vec::new();
        for (row, fields) in &self.rows {
            let point_value = self.real(*row, fields, point)?;
            let mut printed = Printed { subgroup: fields[name].clone(), ..Printed::default() };
            if value == "ratio" {
                printed.ratio = Some(point_value);
            } else {
                printed.estimate = Some(point_value);
            }
            if spread[0] == spread[1] {
                printed.se = Some(self.real(*row, fields, spread[0])?);
            } else {
                printed.ci = Some((self.real(*row, fields, spread[0])?, self.real(*row, fields, spread[1])?));
            }
            let (estimate, notice) = estimate(&printed, scale).map_err(|f| {
                let column = match f.figure {
                    Figure::Interval | Figure::StandardError => spread[0],
                    Figure::Whole | Figure::Ratio => point,
                };
                Error::new(f.message).at(self.place(*row, column)).help(f.help)
            })?;
            notices.extend(notice);
            rows.push(estimate);
        }
        Ok(rows)
    }
}
