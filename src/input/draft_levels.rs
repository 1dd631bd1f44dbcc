//! Ordered levels in a first model file: as said, or the whole numbers that a column holds.

use super::draft::Draft;
use super::draft_lines::words_of;
use super::patients::Surveyed;
use super::ranges::{absent, range};
use crate::error::{Error, ErrorKind, Result};
use crate::study::written::quoted;
use crate::study::{HigherIs, MOST_LEVELS};

/// The levels of an outcome, lowest first, and the primary cut.
pub struct Ordered {
    pub names: Vec<String>,
    /// The place of the level above which the primary cut lies.
    primary: usize,
    /// The share of patients above it; none where nobody is known.
    pub risk: Option<f64>,
}

/// Levels as said, or as a column's numbers have them where only the cut is said; none where neither is. `patients` of each
/// value of the column.
pub fn ordered(column: &Surveyed, patients: &[(&str, f64)], said: &Draft) -> Result<Option<Ordered>> {
    if said.levels.is_empty() && said.above.is_none() {
        return Ok(None);
    }
    if !said.event.is_empty() {
        return Err(Error::of(
            ErrorKind::Rule,
            "an outcome has an event or ordered levels, and both are said",
        )
        .help("for an event leave out --levels and --above; for ordered levels leave out --event"));
    }
    let is_known = |value: &str| !said.unknown.iter().any(|u| u == value);
    let known: Vec<&str> = patients.iter().map(|(value, _)| *value).filter(|v| is_known(v)).collect();
    let names = match said.levels.as_slice() {
        [] => numbers(column, &known)?,
        levels => as_said(column, levels, &known)?,
    };
    if names.len() > MOST_LEVELS {
        return Err(Error::of(
            ErrorKind::Limit,
            format!("{} levels of column `{}`", names.len(), column.name),
        )
        .help(format!(
            "the program takes at most {MOST_LEVELS}; codes of what is not known are named by --unknown"
        )));
    }
    if let Some(odd) = known.iter().find(|v| !names.iter().any(|n| n == *v)) {
        let what = format!("column `{}` has the value `{odd}`, which is no level", column.name);
        return Err(Error::of(ErrorKind::Missing, what)
            .help(format!("if it stands for an outcome that is not known: --unknown {odd}"))
            .help(format!(
                "if it is a level, list it in its place, lowest first: --levels; the column holds {}",
                column.in_short()
            )));
    }
    let of = |level: &String| patients.iter().find(|(v, _)| v == level).map_or(0.0, |(_, n)| *n);
    let all: f64 = names.iter().map(of).sum();
    let above = |cut: usize| names[cut + 1..].iter().map(of).sum::<f64>() / all;
    let cuts = || {
        let cut = |k: usize| match all > 0.0 {
            true => format!("{} ({:.0} % of patients lie above it)", names[k], 100.0 * above(k)),
            false => names[k].clone(),
        };
        (0..names.len().saturating_sub(1)).map(cut).collect::<Vec<_>>().join(", ")
    };
    let primary = match &said.above {
        None if names.len() == 2 => 0,
        None => {
            let what = format!("which cut through the levels of `{}` is the primary one?", column.name);
            return Err(Error::of(ErrorKind::Missing, what)
                .help(format!("risks are of the levels above it: --above {}", names[names.len() / 2 - 1]))
                .help(format!("it may lie above {}", cuts())));
        }
        Some(level) => match names.iter().position(|n| n == level) {
            Some(place) if place + 1 < names.len() => place,
            found => {
                let what = match found {
                    Some(_) => format!("no level of `{}` lies above `{level}`, the last one", column.name),
                    None => format!("`{level}` is no level of `{}`", column.name),
                };
                return Err(
                    Error::of(ErrorKind::Unknown, what).help(format!("--above takes one of {}", cuts()))
                );
            }
        },
    };
    Ok(Some(Ordered { primary, risk: (all > 0.0).then(|| above(primary)), names }))
}

/// What a column without an event may be asked for besides.
pub fn or_levels(column: &Surveyed, error: Error) -> Error {
    match column.levels().map(|values| values.len()) {
        Some(3..=MOST_LEVELS) => error.help(
            "if they are ordered levels: --above LEVEL says where the primary cut lies, and --levels VALUE,… their order, lowest first, where they are no numbers",
        ),
        _ => error,
    }
}

/// Whole numbers from the lowest to the highest that is there, or numbers as they are written.
fn numbers(column: &Surveyed, known: &[&str]) -> Result<Vec<String>> {
    let whole: Option<Vec<u32>> =
        known.iter().map(|v| v.parse::<u32>().ok().filter(|n| n.to_string() == **v)).collect();
    if let Some(whole) = whole
        && let (Some(low), Some(high)) = (whole.iter().min(), whole.iter().max())
        && ((high - low) as usize) < MOST_LEVELS
    {
        return Ok((*low..=*high).map(|n| n.to_string()).collect());
    }
    let numbers: Option<Vec<(f64, &str)>> =
        known.iter().map(|v| Some((v.parse::<f64>().ok().filter(|x| x.is_finite())?, *v))).collect();
    let mut numbers = numbers.ok_or_else(|| {
        Error::of(ErrorKind::Missing, format!("in which order are the levels of column `{}`?", column.name))
            .help(format!("say so, lowest first: --levels VALUE,…; it holds {}", column.in_short()))
    })?;
    numbers.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(numbers.into_iter().map(|(_, v)| v.to_string()).collect())
}

/// Levels as they are listed; a range, 0-6, stands for its whole numbers, whether some row has them or not.
fn as_said(column: &Surveyed, said: &[String], known: &[&str]) -> Result<Vec<String>> {
    let mut all: Vec<String> = Vec::new();
    for value in said {
        match range(value).filter(|_| !known.contains(&value.as_str())) {
            Some((from, to)) if ((to - from) as usize) < 10 * MOST_LEVELS => {
                all.extend((from..=to).map(|n| n.to_string()));
            }
            _ => all.push(value.clone()),
        }
    }
    if let Some((i, twice)) = all.iter().enumerate().find(|(i, v)| all[..*i].contains(v)) {
        return Err(Error::of(
            ErrorKind::Rule,
            format!("--levels lists `{twice}` twice, last in place {}", i + 1),
        )
        .help("each level stands once, lowest first"));
    }
    match said.first() {
        Some(first) if !all.iter().any(|v| known.contains(&v.as_str())) => Err(absent(column, first)),
        _ => Ok(all),
    }
}

impl Ordered {
    /// The lines of [outcome] after its name.
    pub fn outcome_lines(&self, said: &Draft) -> String {
        let (_, higher_is) = words_of(said);
        let list = |values: &[String]| values.iter().map(|v| quoted(v)).collect::<Vec<_>>().join(", ");
        let above = &self.names[self.primary];
        let of_mrs = ["0", "1", "2", "3", "4", "5", "6"];
        let utilities = match said.higher_is {
            HigherIs::Worse if self.names == of_mrs => {
                "\"dawn\"   # what levels are worth: a published set of the modified Rankin scale, dawn, eq-5d or who-gbd; or one number a level".to_string()
            }
            direction => {
                let last = (self.names.len() - 1) as f64;
                let worth = |k: usize| match direction {
                    HigherIs::Better => k as f64 / last,
                    HigherIs::Worse => 1.0 - k as f64 / last,
                };
                let each: Vec<String> =
                    (0..self.names.len()).map(|k| format!("{:?}", libm::round(100.0 * worth(k)) / 100.0)).collect();
                format!("[{}]   # what levels are worth, one number a level: state yours", each.join(", "))
            }
        };
        format!(
            "kind = \"ordinal\"\nhigher_is = {}   # higher levels count as {higher_is}: every sign derives from it\nlevels = [{}]   # lowest first; is the order right?\nabove = {}   # the primary cut: risks are of the levels above it\n# utilities = {utilities}\n# event = \"patients above {}\"   # what patients above the cut are called, in the plural",
            quoted(higher_is),
            list(&self.names),
            quoted(above),
            above.replace(['"', '\\'], "'"),
        )
    }

    /// The lines of [data.levels.outcome].
    pub fn code_lines(&self) -> String {
        let each: Vec<String> = self.names.iter().map(|n| format!("{} = {}", quoted(n), quoted(n))).collect();
        format!(
            "\n[data.levels.outcome]   # a value, and the level that it stands for; other names than in [outcome] levels are errors\n{}",
            each.join("\n")
        )
    }

    /// The lines of [model] after those that all models share.
    pub fn model_lines(&self) -> String {
        let departure = "# departure = \"death\"     # may the last cut's odds ratio differ from the others'? or \"linear\", or \"unconstrained\"";
        let cutpoints = "cutpoints = \"shared\"     # one set, which every subgroup shifts; or \"by subgroup\": each its own";
        match self.names.len() {
            2 => cutpoints.to_string(),
            _ => format!("{cutpoints}\n{departure}"),
        }
    }

    /// The lines of [prior] after those of effects.
    pub fn prior_lines(&self) -> String {
        let levels =
            "levels = \"dirichlet(1)\"               # of the control arm's levels: all shares alike";
        let shift = "shift = \"half-normal(1)\"              # how much subgroups may shift the shared cut points, on the log odds";
        let departure = "# departure = \"normal(0, 0.3)\"        # with `departure` in [model]: how far the odds ratios may differ; it decides";
        match self.names.len() {
            2 => format!("{levels}\n{shift}"),
            _ => format!("{levels}\n{shift}\n{departure}"),
        }
    }
}
