//! A first model file for a data file: what its columns hold, and what was said of them. `draft_rows` writes it for rows of
//! patients, `draft_table` for tables.

use std::path::Path;

use super::Reading;
use super::draft_levels::{or_levels, ordered};
use super::draft_rows::{Parts, written};
use super::draft_table;
use super::model_file::Rows;
use super::patients::{Cut, Surveyed, surveyed};
use super::ranges::values_of;
use super::reader::Form;
use super::recognised::{Table, recognised};
use super::roles::{NO, OUTCOMES, SUBGROUPS, TREATMENTS, YES, arms, column, covariate, two};
use crate::error::{Error, ErrorKind, Result};
use crate::study::{Assignment, HigherIs, Scale};

/// What the user says of a file; what is left out is found where only one thing is possible.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What a row of the file is; seen in its columns' names where it is not said.
    pub rows: Option<Rows>,
    /// Of a table, the model file's key of a column and the file's name for it; found by their names where none is said.
    pub columns: Vec<(String, String)>,
    /// Of a table of estimates; as the column of estimates is called, where it is not said.
    pub scale: Option<Scale>,
    /// The outcome's column; guessed where none is named.
    pub outcome: Option<String>,
    /// The column of the arms; guessed where none is named.
    pub treatment: Option<String>,
    /// The column of the subgroups; guessed where none is named.
    pub subgroup: Option<String>,
    /// Values of the outcome column.
    pub event: Vec<String>,
    /// Ordered levels of the outcome, lowest first.
    pub levels: Vec<String>,
    /// Of ordered levels, the one above which the primary cut lies.
    pub above: Option<String>,
    /// Values of the outcome that stand for a patient whose outcome is not known.
    pub unknown: Vec<String>,
    /// Values of the treatment column.
    pub control: Vec<String>,
    /// Values of the treatment's column that are the active arm.
    pub active: Vec<String>,
    /// Columns of covariates, and of centres.
    pub adjust: Vec<String>,
    /// The column of the centres, if effects are to be adjusted for them.
    pub centre: Option<String>,
    /// Columns of numbers, and where each is cut into levels.
    pub cut: Vec<(String, Vec<f64>)>,
    /// Columns, and the values of each that a row has to have one of.
    pub keep: Vec<(String, Vec<String>)>,
    /// How patients came to be treated.
    pub assignment: Assignment,
    /// Which way more events are good.
    pub higher_is: HigherIs,
    /// Whether all patients are one subgroup, and no column is looked for.
    pub no_subgroup: bool,
    /// How the data file is written.
    pub form: Form,
    /// How the data file is read.
    pub reading: Reading,
}

impl Draft {
    /// Nothing said but what nobody else can say.
    pub fn of(assignment: Assignment, higher_is: HigherIs) -> Draft {
        Draft {
            rows: None,
            columns: Vec::new(),
            scale: None,
            outcome: None,
            treatment: None,
            subgroup: None,
            event: Vec::new(),
            levels: Vec::new(),
            above: None,
            unknown: Vec::new(),
            control: Vec::new(),
            active: Vec::new(),
            adjust: Vec::new(),
            centre: None,
            cut: Vec::new(),
            keep: Vec::new(),
            assignment,
            higher_is,
            no_subgroup: false,
            form: Form::default(),
            reading: Reading::default(),
        }
    }
}

/// The text of a model file beside the data; `named` is the data file as the model file is to call it.
pub fn draft(path: &Path, named: &str, said: &Draft) -> Result<String> {
    if let Some((name, _)) = twice(&said.keep) {
        return Err(Error::of(ErrorKind::Rule, format!("`{name}` is in two of --where"))
            .help(format!("list its values in one: --where '{name}=a,b'")));
    }
    let survey = surveyed(path, (said.reading, &said.form), &said.keep)?;
    if let Some(table) = recognised(&survey, said)? {
        let adjust = of_tables(said, &table, &survey.columns)?;
        return Ok(draft_table::written((said, &adjust), &table, &survey, named));
    }
    let columns = &survey.columns;
    let with_sheets = |e: Error| match &survey.sheets {
        Some(sheets) => e.help(sheets.clone()),
        None => e,
    };
    let role = |what, name: &Option<String>, usual: &[&str]| {
        column(columns, what, name.as_deref(), usual).map_err(with_sheets)
    };
    let outcome = role("outcome", &said.outcome, &OUTCOMES)?;
    let treatment = role("treatment", &said.treatment, &TREATMENTS)?;
    let subgroup = match said.no_subgroup {
        true => None,
        false => Some(role("subgroup", &said.subgroup, &SUBGROUPS)?),
    };
    for (a, b, what) in [
        (Some(outcome), Some(treatment), "outcome and treatment"),
        (Some(outcome), subgroup, "outcome and subgroup"),
        (Some(treatment), subgroup, "treatment and subgroup"),
    ] {
        if let (Some(a), Some(b)) = (a, b)
            && a.name == b.name
        {
            return Err(Error::of(ErrorKind::Rule, format!("{what} are the same column, `{}`", a.name)));
        }
    }
    let cuts = cuts(said, columns, subgroup)?;
    let cut_of = |c: &Surveyed| cuts.iter().find(|(name, _)| *name == c.name).map(|(_, cut)| cut);
    let said = &Draft {
        event: values_of(outcome, &said.event, true)?,
        unknown: values_of(outcome, &said.unknown, false)?,
        control: values_of(treatment, &said.control, true)?,
        active: values_of(treatment, &said.active, true)?,
        ..said.clone()
    };
    let of_outcome = levels(outcome, "an outcome")?;
    let known: Vec<&str> = of_outcome.into_iter().filter(|v| !said.unknown.iter().any(|u| u == v)).collect();
    let rows: Vec<(&str, f64)> =
        outcome.values.iter().flatten().map(|(value, rows)| (value.as_str(), *rows as f64)).collect();
    let ordered = ordered(outcome, &rows, said)?;
    let [event, no_event] = match &ordered {
        Some(_) => Default::default(),
        None => two(outcome, &known, [&said.event, &[]], &YES, "--event or --unknown")
            .map_err(|e| if said.event.is_empty() { or_levels(outcome, e) } else { e })?,
    };
    let [control, active] = arms(treatment, &levels(treatment, "a treatment")?, said, &NO)?;
    let groups = match subgroup.map(|c| (c, cut_of(c))) {
        None => Vec::new(),
        Some((_, Some(cut))) => cut.labels.clone(),
        Some((column, None)) => levels(column, "subgroups")?.into_iter().map(str::to_string).collect(),
    };
    let centre = said.centre.as_deref().map(|name| column(columns, "centre", Some(name), &[])).transpose()?;
    let is_cut_subgroup = |name: &str| subgroup.is_some_and(|c| c.name == name && cut_of(c).is_some());
    let covariate = |name: &String| {
        let cut = cuts.iter().find(|(cut, _)| cut == name && !is_cut_subgroup(name));
        covariate(columns, name, cut.map(|(_, cut)| cut))
    };
    let adjust = said.adjust.iter().map(covariate).collect::<Result<_>>()?;
    let roles = [("outcome", outcome), ("treatment", treatment)].into_iter();
    let taken: Vec<(&str, &Surveyed)> =
        roles.chain(subgroup.map(|c| ("subgroup", c))).chain(centre.map(|c| ("centre", c))).collect();
    for (i, name) in said.adjust.iter().enumerate() {
        if let Some((role, c)) = taken.iter().find(|(_, c)| c.name == *name && !is_cut_subgroup(name)) {
            let error = Error::of(ErrorKind::Rule, format!("`{name}` is the column of the {role}"))
                .help("a covariate is something that was known before treatment");
            return Err(match *role {
                "subgroup" if c.numeric => error.help(format!(
                    "numbers that are cut into subgroups can be adjusted for: --cut {name}=65,80"
                )),
                _ => error,
            });
        }
        if said.adjust[..i].contains(name) {
            return Err(Error::of(ErrorKind::Rule, format!("`{name}` is listed twice")).help("name it once"));
        }
    }
    let parts = Parts {
        outcome,
        treatment,
        subgroup,
        event,
        no_event,
        ordered,
        control,
        active,
        groups,
        adjust,
        centre,
    };
    Ok(written(said, &parts, &survey, named))
}

/// The first column that is named a second time.
fn twice<T>(each: &[(String, T)]) -> Option<&(String, T)> {
    each.iter()
        .enumerate()
        .find(|(i, (name, _))| each[..*i].iter().any(|(n, _)| n == name))
        .map(|(_, one)| one)
}

/// What is said of rows of patients is not for a table, where it would do nothing. Counts are adjusted for covariates as
/// patients are: these, as the model file has them.
fn of_tables(said: &Draft, table: &Table, columns: &[Surveyed]) -> Result<Vec<String>> {
    let of_counts = table.rows == Rows::Counts && table.ordered.is_none();
    let options = [
        ("--cut", !said.cut.is_empty()),
        ("--adjust", !said.adjust.is_empty() && !of_counts),
        ("--centre", said.centre.is_some()),
        ("--outcome", said.outcome.is_some() && table.ordered.is_none()),
        ("--event", !said.event.is_empty()),
        ("--unknown", !said.unknown.is_empty() && table.ordered.is_none()),
    ];
    if table.ordered.is_none()
        && let Some(option) = [("--levels", !said.levels.is_empty()), ("--above", said.above.is_some())]
            .into_iter()
            .find_map(|(option, given)| given.then_some(option))
    {
        return Err(Error::of(ErrorKind::Rule, format!("{option} is for ordered levels, and this table has none"))
            .help("a row of ordered levels is a subgroup, arm and level with its patients: --columns subgroup=…,arm=…,level=…,patients=…")
            .help(format!("or leave {option} out; if rows are patients, --rows patients says so")));
    }
    match options.iter().find(|(_, given)| *given) {
        None => said.adjust.iter().map(|name| covariate(columns, name, None)).collect(),
        Some((option, _)) => {
            let error =
                Error::of(ErrorKind::Rule, format!("{option} is for rows of patients, and this is a table"));
            Err(match said.rows {
                Some(_) => error.help(format!("leave {option} out")),
                None => error.help(format!("leave {option} out, or say --rows patients")),
            })
        }
    }
}

/// Where columns are cut: columns of numbers that are the subgroup's or a covariate's.
fn cuts(said: &Draft, columns: &[Surveyed], subgroup: Option<&Surveyed>) -> Result<Vec<(String, Cut)>> {
    if let Some((name, _)) = twice(&said.cut) {
        return Err(Error::of(ErrorKind::Rule, format!("`{name}` is cut twice")).help("cut it once"));
    }
    let cut = |(name, points): &(String, Vec<f64>)| {
        let c = column(columns, "cut column", Some(name), &[])?;
        if !said.adjust.contains(name) && subgroup.is_none_or(|s| s.name != *name) {
            let what = format!("`{name}` is cut, and is the column of neither subgroups nor a covariate");
            return Err(Error::of(ErrorKind::Rule, what)
                .help("--subgroup or --adjust names the columns that are used"));
        }
        if let Some((row, value)) = c.odd.as_ref() {
            let what =
                format!("column `{name}`, row {row}: found `{value}`, expected a number: the column is cut");
            return Err(c.nearly_numbers().unwrap_or_else(|| {
                Error::of(ErrorKind::Data, what).help(format!("it holds {}", c.in_words()))
            }));
        }
        let cut = Cut::checked(points.clone())
            .map_err(|e| e.help(format!("say where levels begin, from the lowest on: --cut {name}=65,80")))?;
        Ok((name.clone(), cut))
    };
    said.cut.iter().map(cut).collect()
}

/// A column's values, where they are few.
fn levels<'c>(c: &'c Surveyed, what: &str) -> Result<Vec<&'c str>> {
    c.levels().ok_or_else(|| {
        let error =
            Error::of(ErrorKind::Data, format!("column `{}` has too many values to be {what}", c.name))
                .help("name another column");
        match what == "subgroups" && c.numeric {
            true => error.help(format!("or cut its numbers into levels: --cut {}=65,80", c.name)),
            false => error,
        }
    })
}
