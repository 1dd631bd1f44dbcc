//! A first model file for a data file: what its columns hold, and what was said of them. Files of patients here, tables in
//! `draft_table`.

use std::fmt::Write;
use std::path::Path;

use super::Reading;
use super::model_file::Rows;
use super::nearest::nearest;
use super::patients::{Surveyed, surveyed};
use super::ranges::{values_of, without_rows};
use super::reader::{Decimal, Form};
use super::recognised::recognised;
use super::{draft_table, suggested};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::study::written::quoted;
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
            unknown: Vec::new(),
            control: Vec::new(),
            active: Vec::new(),
            adjust: Vec::new(),
            centre: None,
            assignment,
            higher_is,
            no_subgroup: false,
            form: Form::default(),
            reading: Reading::default(),
        }
    }
}

/// Column names that are usual for what they hold, in lower case.
const OUTCOMES: [&str; 8] = ["outcome", "event", "death", "dead", "died", "status", "response", "mrs03"];
pub(super) const TREATMENTS: [&str; 8] =
    ["treatment", "treat", "arm", "arms", "trt", "rx", "group", "randomised"];
pub(super) const SUBGROUPS: [&str; 6] = ["subgroup", "etiology", "aetiology", "subtype", "stratum", "cohort"];

/// Values that are usual for the one of two.
const YES: [&str; 6] = ["1", "y", "yes", "true", "dead", "event"];
const NO: [&str; 9] = ["0", "n", "no", "false", "alive", "control", "placebo", "none", "c"];

/// The text of a model file beside the data; `named` is the data file as the model file is to call it.
pub fn draft(path: &Path, named: &str, said: &Draft) -> Result<String> {
    let survey = surveyed(path, (said.reading, &said.form))?;
    if let Some(table) = recognised(&survey, said)? {
        return Ok(draft_table::written(said, &table, &survey, named));
    }
    let (columns, rows, sheets) = (survey.columns, survey.rows, survey.sheets);
    let with_sheets = |e: Error| match &sheets {
        Some(sheets) => e.help(sheets.clone()),
        None => e,
    };
    let outcome = column(&columns, "outcome", said.outcome.as_deref(), &OUTCOMES).map_err(with_sheets)?;
    let treatment =
        column(&columns, "treatment", said.treatment.as_deref(), &TREATMENTS).map_err(with_sheets)?;
    let subgroup = match said.no_subgroup {
        true => None,
        false => {
            Some(column(&columns, "subgroup", said.subgroup.as_deref(), &SUBGROUPS).map_err(with_sheets)?)
        }
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
    let said = &Draft {
        event: values_of(outcome, &said.event, true)?,
        unknown: values_of(outcome, &said.unknown, false)?,
        control: values_of(treatment, &said.control, true)?,
        active: values_of(treatment, &said.active, true)?,
        ..said.clone()
    };
    let known = |v: &&str| !said.unknown.iter().any(|u| u == v);
    let levels = |c: &Surveyed, what: &str| -> Result<Vec<String>> {
        let found = c.levels().ok_or_else(|| {
            let error =
                Error::of(ErrorKind::Data, format!("column `{}` has too many values to be {what}", c.name))
                    .help("name another column");
            match what == "subgroups" && c.numeric {
                true => {
                    error.help("or cut its numbers into levels, in the model file: [data.cut] and [65, 80]")
                }
                false => error,
            }
        })?;
        Ok(found.into_iter().map(str::to_string).collect())
    };
    let of_outcome = levels(outcome, "an outcome")?;
    let of_outcome: Vec<&str> = of_outcome.iter().map(String::as_str).filter(known).collect();
    let of_treatment = levels(treatment, "a treatment")?;
    let of_treatment: Vec<&str> = of_treatment.iter().map(String::as_str).collect();
    let [event, no_event] = two(outcome, &of_outcome, (&said.event, "--event"), (&[], "--unknown"), &YES)?;
    let [control, active] =
        two(treatment, &of_treatment, (&said.control, "--control"), (&said.active, "--active"), &NO)?;
    let groups = subgroup.map(|column| levels(column, "subgroups")).transpose()?.unwrap_or_default();
    let adjust = said.adjust.iter().map(|name| covariate(&columns, name)).collect::<Result<_>>()?;
    let centre =
        said.centre.as_deref().map(|name| column(&columns, "centre", Some(name), &[])).transpose()?;
    let roles = [("outcome", outcome), ("treatment", treatment)].into_iter();
    let taken: Vec<(&str, &Surveyed)> =
        roles.chain(subgroup.map(|c| ("subgroup", c))).chain(centre.map(|c| ("centre", c))).collect();
    for (i, name) in said.adjust.iter().enumerate() {
        if let Some((role, _)) = taken.iter().find(|(_, c)| c.name == *name) {
            return Err(Error::of(ErrorKind::Rule, format!("`{name}` is the column of the {role}"))
                .help("a covariate is something that was known before treatment"));
        }
        if said.adjust[..i].contains(name) {
            return Err(Error::of(ErrorKind::Rule, format!("`{name}` is listed twice")).help("name it once"));
        }
    }
    let parts =
        Parts { outcome, treatment, subgroup, event, no_event, control, active, groups, adjust, centre };
    Ok(written(said, &parts, (&columns, rows), named))
}

/// The column that is named, or the only one with a usual name.
pub(super) fn column<'a>(
    columns: &'a [Surveyed],
    what: &str,
    said: Option<&str>,
    usual: &[&str],
) -> Result<&'a Surveyed> {
    let listed = || columns_in_words(columns);
    if let Some(name) = said {
        return columns.iter().find(|c| c.name == name).ok_or_else(|| {
            let error = Error::of(ErrorKind::Unknown, format!("the file has no column `{name}`"));
            match nearest(name, columns.iter().map(|c| c.name.as_str())) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error,
            }
            .help(format!("its columns are: {}", listed()))
        });
    }
    let found: Vec<&Surveyed> =
        columns.iter().filter(|c| usual.contains(&c.name.to_lowercase().as_str())).collect();
    match found.as_slice() {
        [one] => Ok(one),
        _ => Err(Error::of(ErrorKind::Missing, format!("which column is the {what}?"))
            .help(match what {
                "subgroup" => {
                    "name it: --subgroup COLUMN; or --no-subgroup, and all patients are one".to_string()
                }
                _ => format!("name it: --{what} COLUMN"),
            })
            .help(format!("the columns are: {}", listed()))
            .help("that is for rows of patients or of arms; if each row is a subgroup, --rows counts or --rows estimates says so")),
    }
}

/// The first columns with what they hold, and how many more there are.
fn columns_in_words(columns: &[Surveyed]) -> String {
    const TOLD: usize = 10;
    let first: Vec<String> =
        columns.iter().take(TOLD).map(|c| format!("{} ({})", c.name, c.in_short())).collect();
    match columns.len().saturating_sub(TOLD) {
        0 => first.join("; "),
        more => format!("{}; and {more} more", first.join("; ")),
    }
}

/// A column's values in two lists: as said, or by usual names where there are two.
pub(super) fn two(
    column: &Surveyed,
    levels: &[&str],
    (first, flag): (&[String], &str),
    (second, other_flag): (&[String], &str),
    usual: &[&str],
) -> Result<[Vec<String>; 2]> {
    for said in [first, second] {
        if !said.is_empty() && !said.iter().any(|value| levels.contains(&value.as_str())) {
            return Err(Error::of(
                ErrorKind::Unknown,
                format!("column `{}` has no value `{}`", column.name, said[0]),
            )
            .help(format!("its values are {}", column.in_short())));
        }
    }
    let rest = |taken: &[String]| -> Vec<String> {
        levels.iter().filter(|l| !taken.iter().any(|t| t == *l)).map(|l| (*l).to_string()).collect()
    };
    let lists = match (first, second) {
        ([], []) => {
            let is_usual = |l: &&&str| usual.contains(&l.to_lowercase().as_str());
            let found: Vec<String> = levels.iter().filter(is_usual).map(|l| (*l).to_string()).collect();
            if levels.len() != 2 || found.len() != 1 {
                return Err(Error::of(
                    ErrorKind::Missing,
                    format!("which values of column `{}` are which?", column.name),
                )
                .help(format!("say so with {flag} or {other_flag}: its values are {}", column.in_short())));
            }
            let rest = rest(&found);
            [found, rest]
        }
        (first, []) => [first.to_vec(), rest(first)],
        ([], second) => [rest(second), second.to_vec()],
        (first, second) => [first.to_vec(), second.to_vec()],
    };
    match lists.iter().any(Vec::is_empty) {
        true => Err(Error::of(ErrorKind::Rule, format!("one side of column `{}` has no value", column.name))
            .at(Place::File(column.name.clone()))
            .help(format!("its values are {}", column.in_short()))),
        false => Ok(lists),
    }
}

/// A covariate as the model file has it: a number by its name, levels against the most frequent one.
fn covariate(columns: &[Surveyed], name: &str) -> Result<String> {
    let c = column(columns, "covariate", Some(name), &[])?;
    if c.numeric {
        return Ok(quoted(name));
    }
    if let Some(error) = c.nearly_numbers() {
        return Err(error);
    }
    let most = c.values.iter().flatten().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)));
    match most {
        Some((reference, _)) => {
            Ok(format!("{{ column = {}, reference = {} }}", quoted(name), quoted(reference)))
        }
        None => Err(Error::of(
            ErrorKind::Data,
            format!("column `{name}` is neither a number nor has it few levels"),
        )
        .help(match &c.odd {
            Some((row, value)) => format!("it holds {}; row {row} has `{value}`", c.in_words()),
            None => format!("it holds {}", c.in_words()),
        })),
    }
}

/// From so many subgroups on, exchangeable baselines are proposed.
const EXCHANGEABLE_FROM: usize = 3;

struct Parts<'a> {
    outcome: &'a Surveyed,
    treatment: &'a Surveyed,
    subgroup: Option<&'a Surveyed>,
    event: Vec<String>,
    no_event: Vec<String>,
    control: Vec<String>,
    active: Vec<String>,
    groups: Vec<String>,
    adjust: Vec<String>,
    centre: Option<&'a Surveyed>,
}

/// What is said in a comment, which ends with its line and holds no control character.
pub(super) fn remark(text: &str) -> String {
    format!("# {}", text.replace(|c: char| c.is_control(), " "))
}

pub(super) fn list(values: &[String]) -> String {
    let each: Vec<String> = values.iter().map(|v| quoted(v)).collect();
    if let [one] = each.as_slice() { one.clone() } else { format!("[{}]", each.join(", ")) }
}

/// How patients came to be treated and which way is good, as a model file says it.
pub(super) fn words_of(said: &Draft) -> (&'static str, &'static str) {
    let higher_is = match said.higher_is {
        HigherIs::Better => "better",
        HigherIs::Worse => "worse",
    };
    (said.assignment.in_words(), higher_is)
}

/// The share of patients with an event, by the values of the outcome's column.
fn risk(p: &Parts<'_>) -> Option<f64> {
    let rows = |values: &[String]| -> u64 {
        let held = p.outcome.values.iter().flatten();
        held.filter(|(value, _)| values.contains(value)).map(|(_, rows)| rows).sum()
    };
    let (events, others) = (rows(&p.event), rows(&p.no_event));
    (events + others > 0).then(|| events as f64 / (events + others) as f64)
}

fn written(said: &Draft, p: &Parts<'_>, (columns, rows): (&[Surveyed], u64), named: &str) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        // Writing to memory does not fail.
        let _ = writeln!(out, "{text}");
    };
    let (assignment, higher_is) = words_of(said);
    let (control, active) = (p.control.join(" or "), p.active.join(" or "));
    line(remark(&format!(
        "A first model of {named}, {rows} rows: put it into words, then run `equipoise check` on it."
    )));
    line(format!(
        "title = {}",
        quoted(&match p.subgroup {
            Some(subgroup) => format!("{}: {} by {}", p.outcome.name, p.treatment.name, subgroup.name),
            None => format!("{}: {}", p.outcome.name, p.treatment.name),
        })
    ));
    line("# citation = [\"doi:…\"]".to_string());
    line("\n[study]".to_string());
    line(format!("assignment = {}", quoted(assignment)));
    line("# eligibility = \"who was eligible\"\n# time_zero = \"when follow-up starts\"".to_string());
    line("\n[outcome]".to_string());
    line(format!("name = {}   # in words, with its time", quoted(&p.outcome.name)));
    line("kind = \"binary\"".to_string());
    line(format!(
        "higher_is = {}   # more events count as {higher_is}: every sign derives from it",
        quoted(higher_is)
    ));
    line("# event = \"deaths\"   # what events are called, in the plural".to_string());
    line("\n[treatment]".to_string());
    line(format!("name = {}", quoted(&p.treatment.name)));
    line(format!("control = {}   # in words", quoted(&control)));
    line(format!("active = {}", quoted(&active)));
    line("\n[subgroup]".to_string());
    line(format!("name = {}", quoted(p.subgroup.map_or("population", |column| &column.name))));
    line("\n[data]".to_string());
    line(format!("file = {}", quoted(named)));
    form_lines(&said.form).into_iter().for_each(&mut line);
    line("rows = \"patients\"".to_string());
    line("missing = \"drop\"   # rows that lack a value are left out and counted; or \"error\"".to_string());
    line(format!(
        "columns = {{ outcome = {}, treatment = {}{}{} }}",
        quoted(&p.outcome.name),
        quoted(&p.treatment.name),
        p.subgroup.map_or_else(String::new, |c| format!(", subgroup = {}", quoted(&c.name))),
        p.centre.map_or_else(String::new, |c| format!(", centre = {}", quoted(&c.name)))
    ));
    line("# where = { COLUMN = [\"value\", \"other\"] }   # only such rows".to_string());
    line("\n[data.levels]".to_string());
    let coded = |key: &str, values: &[String], column: &Surveyed| {
        let remark = without_rows(column, values).map_or_else(String::new, |words| format!("   # {words}"));
        format!("{key} = {}{remark}", list(values))
    };
    line(coded("event", &p.event, p.outcome));
    line(coded("no_event", &p.no_event, p.outcome));
    if !said.unknown.is_empty() {
        line(coded("unknown", &said.unknown, p.outcome));
    }
    line(coded("control", &p.control, p.treatment));
    line(coded("active", &p.active, p.treatment));
    if !p.groups.is_empty() {
        line("\n[data.levels.subgroup]   # a value, and its subgroup's name; one name for several puts them together".to_string());
    }
    for value in &p.groups {
        line(format!("{} = {}", quoted(value), quoted(value)));
    }
    line("\n[model]\npooling = \"partial\"".to_string());
    if p.adjust.is_empty() {
        line("# adjust = [\"AGE\", { column = \"SEX\", reference = \"F\" }]   # covariates known before treatment".to_string());
    } else {
        line(format!("adjust = [{}]", p.adjust.join(", ")));
        line(
            "# population = \"all\"   # whose risks are averaged; or \"treated\", or { baseline_risk = 0.3 }"
                .to_string(),
        );
    }
    line("\n[prior]".to_string());
    line("effect = \"normal(0, 0.355)\"          # odds ratio between 0.5 and 2 with probability 0.95: neutral; state yours".to_string());
    line("heterogeneity = \"half-normal(0.5)\"   # how much subgroups may differ: it decides; see `equipoise compare`".to_string());
    // Three baselines and more say something of each other.
    if p.groups.len() >= EXCHANGEABLE_FROM {
        line("# The mean of the arms' log odds; subgroups' risks inform each other. Or independent: \"normal(0, 2.5)\"".to_string());
        line("baseline = { mean = \"normal(0, 2.5)\", sd = \"half-normal(1)\" }".to_string());
    } else {
        line("baseline = \"normal(0, 2.5)\"             # the mean of the arms' log odds: risks from 0.7 % to 99.3 % with probability 0.95".to_string());
    }
    line("# baseline_of = \"control\"             # where `baseline` is what you know of the control arm's risk".to_string());
    line(suggested::questions(risk(p), None));
    line("\n# The file's columns:".to_string());
    for c in columns {
        line(remark(&format!("{}: {}", c.name, c.in_words())));
    }
    out
}

/// The lines of `[data]` that say how the file is written.
pub(super) fn form_lines(form: &Form) -> Vec<String> {
    let sheet = form.sheet.as_ref().map(|sheet| format!("sheet = {}", quoted(sheet)));
    let decimal = (form.decimal == Decimal::Comma).then(|| "decimal = \",\"".to_string());
    sheet.into_iter().chain(decimal).collect()
}
