//! Whether a data file is a table of counts or of estimates, by the names of its columns and by its rows.

use super::draft::Draft;
use super::draft_levels::Ordered;
use super::joint::{estimate_with_interval, interval};
use super::model_file::Rows;
use super::patients::{Survey, Surveyed};
use super::roles::{SUBGROUPS, TREATMENTS, arms, column};
use crate::error::{Error, ErrorKind, Result};
use crate::study::Scale;

mod arm_columns;
mod by_level;
/// Names of columns in their parts, in lower case.
mod column_names;
mod told;
mod unreadable;

use arm_columns::{ArmColumns, are_like_patients, arms_by_name, sides, whole};
pub use column_names::{ASKED_OF, LOOKED_FOR, METAFOR};
use column_names::{Figure, Published, is_lower, is_standard_error, is_upper, published};

/// A table with one row a subgroup, or one row an arm of it.
pub struct Table {
    /// Counts or estimates.
    pub rows: Rows,
    /// The model file's key of a column, and the file's name for it.
    pub columns: Vec<(String, String)>,
    /// What stands in the arms' column, where there is one: control, active.
    pub levels: Option<[Vec<String>; 2]>,
    /// What the arms are called, as far as the file tells.
    pub arms: [String; 2],
    /// Of estimates.
    pub scale: Option<Scale>,
    /// Of counts by ordered level.
    pub ordered: Option<Ordered>,
    /// How many subgroups there are.
    pub subgroups: usize,
}

/// The table that a file is, or that it is said to be; none where its rows are patients.
pub fn recognised(survey: &Survey, said: &Draft) -> Result<Option<Table>> {
    let of_patients =
        said.outcome.is_some() || !(said.event.is_empty() && said.adjust.is_empty() && said.cut.is_empty());
    match said.rows {
        Some(Rows::Patients) => return Ok(None),
        // Of ordered levels, the outcome's column is that of a table too.
        None if said.columns.is_empty() && said.outcome.is_some() && said.above.is_some() => {
            return by_level::by_level(survey, said);
        }
        None if said.columns.is_empty() && of_patients => return Ok(None),
        _ => {}
    }
    if !said.columns.is_empty() {
        return named(survey, said).map(Some);
    }
    let wanted = |rows: Rows| said.rows.is_none_or(|said| said == rows);
    let mut found = None;
    if wanted(Rows::Counts) {
        found = match by_subgroup(survey, said)? {
            Some(table) => Some(table),
            None => match by_arm(survey, said)? {
                Some(table) => Some(table),
                None => by_level::by_level(survey, said)?,
            },
        };
    }
    if found.is_none() && wanted(Rows::Estimates) {
        found = estimates(survey, said)?;
    }
    if found.is_none()
        && let Some(error) = unreadable::unreadable(survey, said.rows)
    {
        return Err(error);
    }
    match (found, said.rows) {
        (None, Some(rows)) => Err(not_found(survey, rows)),
        (found, _) => Ok(found),
    }
}

/// The names of a file's columns.
pub fn listed(survey: &Survey) -> String {
    super::nearest::listed(survey.columns.iter().map(|c| c.name.as_str()))
}

fn not_found(survey: &Survey, rows: Rows) -> Error {
    let (what, form) = match rows {
        Rows::Estimates => {
            ("the estimates", "--columns subgroup=…,ratio=…,lower=…,upper=… (or estimate=… and se=…)")
        }
        _ => (
            "the counts",
            "--columns subgroup=…,control_events=…,control_total=…,active_events=…,active_total=… (or subgroup=…,arm=…,events=…,total=…)",
        ),
    };
    Error::of(ErrorKind::Missing, format!("which columns hold {what}?"))
        .help(format!("name them: {form}"))
        .help(format!("the file's columns are: {}", listed(survey)))
}

/// The table whose columns are named by the user.
fn named(survey: &Survey, said: &Draft) -> Result<Table> {
    let mut columns = said.columns.clone();
    for (key, name) in &columns {
        column(&survey.columns, key, Some(name), &[])?;
    }
    let has = |key: &str| said.columns.iter().any(|(k, _)| k == key);
    let of_estimates = has("ratio") || has("estimate");
    let rows = said.rows.unwrap_or(if of_estimates { Rows::Estimates } else { Rows::Counts });
    if !has("subgroup") {
        add_subgroup(survey, said, &mut columns)?;
    }
    let value = |key: &str| said.columns.iter().find(|(k, _)| k == key).map(|(_, name)| name.as_str());
    let mut arms = ["control", "active"].map(str::to_string);
    let mut levels = None;
    if let Some(name) = value("arm") {
        let found = arms_of(column(&survey.columns, "arm", Some(name), &[])?, said)?;
        arms = [&found[0], &found[1]].map(|values| values.join(" or "));
        levels = Some(found);
    }
    let point = value("ratio").or(value("estimate"));
    let scale = match rows {
        Rows::Estimates => Some(scale_of(point.unwrap_or_default(), said)?),
        _ => None,
    };
    let subgroups = distinct(survey, &columns);
    let ordered = match (value("level"), value("patients")) {
        (Some(level), Some(patients)) => by_level::levels_of(survey, said, (level, patients))?,
        _ => None,
    };
    Ok(Table { rows, columns, levels, arms, scale, ordered, subgroups })
}

/// Subgroups by their names.
fn distinct(survey: &Survey, columns: &[(String, String)]) -> usize {
    let name = columns.iter().find(|(key, _)| key == "subgroup").map(|(_, name)| name);
    if name.is_none() {
        return 1;
    }
    let place = survey.columns.iter().position(|c| Some(&c.name) == name);
    let Some((place, rows)) = place.zip(survey.table.as_ref()) else { return survey.rows as usize };
    let mut names: Vec<&str> = rows.iter().filter_map(|row| row.get(place)).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names.len()
}

/// Puts the column of subgroups before the others, where there are subgroups.
fn add_subgroup(survey: &Survey, said: &Draft, columns: &mut Vec<(String, String)>) -> Result<()> {
    if !said.no_subgroup {
        let taken: Vec<&str> = columns.iter().map(|(_, name)| name.as_str()).collect();
        let of_names = subgroup(survey, said, &taken)?.name.clone();
        columns.insert(0, ("subgroup".to_string(), of_names));
    }
    Ok(())
}

/// The column of subgroups: as said, by a usual name, or the only one left that holds names.
fn subgroup<'s>(survey: &'s Survey, said: &Draft, taken: &[&str]) -> Result<&'s Surveyed> {
    if said.subgroup.is_none() {
        let free: Vec<&Surveyed> =
            survey.columns.iter().filter(|c| !taken.contains(&c.name.as_str())).collect();
        let usual: Vec<&&Surveyed> =
            free.iter().filter(|c| SUBGROUPS.contains(&c.name.to_lowercase().as_str())).collect();
        let of_names: Vec<&&Surveyed> = free.iter().filter(|c| !c.numeric).collect();
        match (usual.as_slice(), of_names.as_slice(), free.as_slice()) {
            ([one], _, _) | ([], [one], _) => return Ok(one),
            ([], [], [one]) => return Ok(one),
            _ => {}
        }
    }
    column(&survey.columns, "subgroup", said.subgroup.as_deref(), &[])
}

/// The column of subgroups in a table of arms whose other columns are these. None where nothing says that the file is such a
/// table: patients may have such columns too. Nothing of a table that has no subgroups.
fn subgroup_beside<'s>(
    survey: &'s Survey,
    said: &Draft,
    columns: &[(String, String)],
) -> Result<Option<Option<&'s Surveyed>>> {
    if said.no_subgroup {
        return Ok(Some(None));
    }
    let taken: Vec<&str> = columns.iter().map(|(_, name)| name.as_str()).collect();
    match subgroup(survey, said, &taken) {
        Err(_) if said.rows.is_none() && said.subgroup.is_none() => Ok(None),
        found => found.map(|found| Some(Some(found))),
    }
}

/// The column of arms: as said, or by a usual name.
fn arm_column<'s>(survey: &'s Survey, said: &Draft) -> Result<Option<&'s Surveyed>> {
    match &said.treatment {
        Some(name) => column(&survey.columns, "treatment", Some(name), &[]).map(Some),
        None => Ok(called(survey, &TREATMENTS)),
    }
}

/// The first column that has one of these names, which are in lower case.
fn called<'s>(survey: &'s Survey, names: &[&str]) -> Option<&'s Surveyed> {
    survey.columns.iter().find(|c| names.contains(&c.name.to_lowercase().as_str()))
}

/// Whether no two rows have the same values in all of these columns.
fn tells_rows_apart<'s>(
    survey: &Survey,
    rows: &[Vec<String>],
    columns: impl Iterator<Item = &'s Surveyed>,
) -> bool {
    let place = |c: &Surveyed| survey.columns.iter().position(|other| other.name == c.name).unwrap_or(0);
    let places: Vec<usize> = columns.map(place).collect();
    let key = |row: &Vec<String>| places.iter().map(|p| row.get(*p).cloned()).collect::<Vec<_>>();
    let mut keys: Vec<_> = rows.iter().map(key).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.len() == rows.len()
}

/// Whether every value of a column, and there are some, is of a form.
fn hold(survey: &Survey, column: &Surveyed, of_form: impl Fn(&str) -> bool) -> bool {
    let place = survey.columns.iter().position(|other| other.name == column.name);
    let (Some(place), Some(rows)) = (place, &survey.table) else { return false };
    let mut cells = rows.iter().filter_map(|row| row.get(place)).filter(|text| !text.is_empty()).peekable();
    !column.numeric && cells.peek().is_some() && cells.all(|text| of_form(text))
}

/// Both arms of a subgroup in one row: two arms' events and totals, by their columns' names.
fn by_subgroup(survey: &Survey, said: &Draft) -> Result<Option<Table>> {
    let arms = arms_by_name(survey, said, |arms| whole(arms).len() > 1);
    let whole = whole(&arms);
    if survey.table.is_none() || whole.len() < 2 {
        return Ok(None);
    }
    let arms = match sides(&whole, said) {
        // Of patients, texts such as "1/2" are grades or stages.
        Err(e) if said.rows.is_none() && whole.iter().any(|arm| arm.is_joint()) => {
            if are_like_patients(survey, said) {
                return Ok(None);
            }
            return Err(e.help("if rows are patients, --rows patients says so"));
        }
        found => found?,
    };
    let mut columns = Vec::new();
    for (side, arm) in ["control", "active"].iter().zip(arms) {
        let figures = [Some(Figure::Events), arm.rest(), Some(Figure::Missing)];
        for figure in figures.into_iter().flatten() {
            if let Some(name) = arm.of(figure) {
                columns.push((format!("{side}_{}", figure.key()), name.clone()));
            }
        }
    }
    add_subgroup(survey, said, &mut columns)?;
    let names = ["control", "active"].map(str::to_string);
    let arms = [0, 1].map(|i| column_names::arm_in_words(&arms[i].name).unwrap_or(names[i].clone()));
    let subgroups = distinct(survey, &columns);
    Ok(Some(Table { rows: Rows::Counts, columns, levels: None, arms, scale: None, ordered: None, subgroups }))
}

/// What stands in the arms' column for control and active.
fn arms_of(arm: &Surveyed, said: &Draft) -> Result<[Vec<String>; 2]> {
    let levels = arm.levels().unwrap_or_default();
    let is_usual = |l: &&str| column_names::USUAL_CONTROLS.contains(&l.to_lowercase().as_str());
    if said.control.is_empty() && said.active.is_empty() && levels.len() == 2 {
        let controls: Vec<String> = levels.iter().filter(|l| is_usual(l)).map(|l| l.to_string()).collect();
        let others: Vec<String> = levels.iter().filter(|l| !is_usual(l)).map(|l| l.to_string()).collect();
        if controls.len() == 1 {
            return Ok([controls, others]);
        }
    }
    arms(arm, &levels, said, &[])
}

/// One row an arm: a column of arms, one of events and one of totals, and no arm of a subgroup twice.
fn by_arm(survey: &Survey, said: &Draft) -> Result<Option<Table>> {
    let of_no_arm = |a: &&ArmColumns| a.name.is_empty() && a.is_whole();
    let all = arms_by_name(survey, said, |arms| arms.iter().any(|a| of_no_arm(&a)));
    let figures = all.iter().find(of_no_arm);
    let Some((figures, rows)) = figures.zip(survey.table.as_ref()) else { return Ok(None) };
    let Some(arm) = arm_column(survey, said)? else { return Ok(None) };
    let mut columns = vec![("arm".to_string(), arm.name.clone())];
    for figure in [Some(Figure::Events), figures.rest(), Some(Figure::Missing)].into_iter().flatten() {
        if let Some(name) = figures.of(figure) {
            columns.push((figure.key().to_string(), name.clone()));
        }
    }
    let Some(of_names) = subgroup_beside(survey, said, &columns)? else { return Ok(None) };
    let key = of_names.into_iter().chain([arm]);
    if said.rows.is_none() && !tells_rows_apart(survey, rows, key) {
        return Ok(None);
    }
    let levels = arms_of(arm, said)?;
    if let Some(of_names) = of_names {
        columns.insert(0, ("subgroup".to_string(), of_names.name.clone()));
    }
    let arms = [0, 1].map(|i| levels[i].join(" or "));
    let subgroups = distinct(survey, &columns);
    Ok(Some(Table {
        rows: Rows::Counts,
        columns,
        levels: Some(levels),
        arms,
        scale: None,
        ordered: None,
        subgroups,
    }))
}

/// The scale of a point estimate: as said, or as its column is called.
fn scale_of(point: &str, said: &Draft) -> Result<Scale> {
    said.scale.or(published(point).and_then(|(_, scale)| scale)).ok_or_else(|| {
        Error::of(ErrorKind::Missing, format!("on which scale are the estimates in `{point}`?"))
            .help("say so with --scale: log-odds-ratio, log-risk-ratio, log-hazard-ratio or difference")
    })
}

/// Published estimates with their intervals or standard errors.
fn estimates(survey: &Survey, said: &Draft) -> Result<Option<Table>> {
    let decimal = survey.decimal;
    let numeric = || survey.columns.iter().filter(|c| c.numeric).map(|c| c.name.as_str());
    let one = |is: fn(&str) -> bool| numeric().find(|name| is(name));
    let whole = |c: &&Surveyed| hold(survey, c, |text| estimate_with_interval(text, decimal).is_some());
    let whole = || survey.columns.iter().filter(whole).map(|c| c.name.as_str());
    let Some((point, (kind, _))) =
        whole().chain(numeric()).find_map(|name| published(name).map(|found| (name, found)))
    else {
        return Ok(None);
    };
    let ends = |c: &&Surveyed| {
        column_names::is_interval(&c.name) && hold(survey, c, |text| interval(text, decimal).is_some())
    };
    let in_one = whole().find(|name| *name == point);
    let in_one = in_one.or(survey.columns.iter().find(ends).map(|c| c.name.as_str()));
    let interval = in_one.map(|name| (name, name)).or(one(is_lower).zip(one(is_upper)));
    let se = one(is_standard_error);
    let spread = match (interval, se) {
        (Some((lower, upper)), None) => vec![("lower", lower), ("upper", upper)],
        // A cell that holds the estimate with its interval is read as a whole.
        (Some((lower, upper)), Some(_)) if kind == Published::Ratio || lower == point => {
            vec![("lower", lower), ("upper", upper)]
        }
        (_, Some(se)) => vec![("se", se)],
        (None, None) => return Ok(None),
    };
    if survey.table.is_none() {
        return Ok(None);
    }
    let key = if kind == Published::Ratio { "ratio" } else { "estimate" };
    let mut columns: Vec<(String, String)> = std::iter::once((key, point))
        .chain(spread)
        .map(|(key, name)| (key.to_string(), name.to_string()))
        .collect();
    add_subgroup(survey, said, &mut columns)?;
    let scale = Some(scale_of(point, said)?);
    let arms = ["control", "active"].map(str::to_string);
    let subgroups = distinct(survey, &columns);
    Ok(Some(Table { rows: Rows::Estimates, columns, levels: None, arms, scale, ordered: None, subgroups }))
}

impl Table {
    /// The file's name for a column of the model file.
    pub fn column(&self, key: &str) -> &str {
        self.columns.iter().find(|(k, _)| k == key).map_or("", |(_, name)| name.as_str())
    }
}
