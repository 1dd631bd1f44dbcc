//! What several sections of a decision file check alike: values, sizes, names.

use std::ops::Range;

use toml::Spanned;

use super::super::build::utility_set;
use super::super::level_words::WordOrNumbers;
use super::super::nearest::{listed, nearest};
use super::super::number::Real;
use super::super::source::Source;
use super::file::UtilityEntry;
use crate::error::{Error, ErrorKind, Result};
use crate::study::rules::utilities as utilities_fit;
use crate::study::{HigherIs, Study, Utilities, Values, Worth};

/// An error at a place, with what to do.
pub fn fault(
    source: &Source,
    kind: ErrorKind,
    span: Range<usize>,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Error {
    Error::of(kind, message).at(source.place(span)).help(help)
}

/// The known name nearest to an unknown one, or all known names.
pub fn known<'a>(name: &str, what: &str, all: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(name, all.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("{what} {}", listed(all)),
    }
}

/// What an outcome is worth as written: an event and its absence, or every level.
pub struct Written<'a> {
    pub utility: Option<&'a Spanned<UtilityEntry>>,
    pub disutility: Option<&'a Spanned<Real>>,
    pub utilities: Option<&'a Spanned<WordOrNumbers>>,
}

/// What an outcome is worth; none where nothing is written.
pub fn worth(source: &Source, written: &Written<'_>, study: &Study) -> Result<Option<Worth>> {
    let Written { utility, disutility, utilities } = written;
    let Some(entry) = utilities else {
        return Ok(values(source, *utility, *disutility, study)?.map(Worth::Event));
    };
    let fail = |kind, message: String, help: String| fault(source, kind, entry.span(), message, help);
    let other = utility.map(|_| "utility").or(disutility.map(|_| "disutility"));
    if let Some(other) = other {
        return Err(fail(
            ErrorKind::Rule,
            format!("both `utilities` and `{other}`"),
            "give one: `utilities` are of every level, the other of an event at the primary cut".to_string(),
        ));
    }
    let Some(scale) = &study.outcome.levels else {
        return Err(fail(
            ErrorKind::Rule,
            format!("utilities of levels, and {} has none", study.outcome.name),
            "write utility = { event = …, no_event = … }; levels are those of a model with kind = \"ordinal\""
                .to_string(),
        ));
    };
    let found = match entry.get_ref() {
        WordOrNumbers::Numbers(values) => Utilities { values: values.clone(), set: None },
        WordOrNumbers::Word(name) => utility_set(source, name, entry.span())?.utilities(),
    };
    utilities_fit(scale, study.outcome.higher_is, &found)
        .map_err(|problem| fail(problem.kind, problem.message, problem.help.join("; ")))?;
    if let Some(u) = found.values.iter().find(|u| !(-1.0..=1.0).contains(*u)) {
        return Err(fail(
            ErrorKind::Value,
            format!("a utility of {u}"),
            format!("utilities lie between −1 and 1: 1 is full health, 0 as good as dead{}", as_percent(*u)),
        ));
    }
    Ok(Some(Worth::Levels(found)))
}

/// What an event is worth: at most as much as its absence where events are bad, and the other way round.
fn values(
    source: &Source,
    utility: Option<&Spanned<UtilityEntry>>,
    disutility: Option<&Spanned<Real>>,
    study: &Study,
) -> Result<Option<Values>> {
    let better = study.outcome.higher_is == HigherIs::Better;
    let values = match (utility, disutility) {
        (None, None) => return Ok(None),
        (Some(utility), Some(_)) => {
            return Err(fault(
                source,
                ErrorKind::Rule,
                utility.span(),
                "both `utility` and `disutility`",
                "give one: disutility = 0.3 is utility = { event = -0.3, no_event = 0 }",
            ));
        }
        (Some(utility), None) => {
            let UtilityEntry { event, no_event } = utility.get_ref();
            for value in [event, no_event] {
                let u = value.get_ref().0;
                if !(-1.0..=1.0).contains(&u) {
                    return Err(fault(
                        source,
                        ErrorKind::Value,
                        value.span(),
                        format!("a utility of {u}"),
                        format!(
                            "utilities lie between −1 and 1: 1 is full health, 0 as good as dead{}",
                            as_percent(u)
                        ),
                    ));
                }
            }
            Values { event: event.get_ref().0, no_event: no_event.get_ref().0 }
        }
        (None, Some(disutility)) => {
            let d = disutility.get_ref().0;
            if !(0.0..=1.0).contains(&d) {
                return Err(fault(
                    source,
                    ErrorKind::Value,
                    disutility.span(),
                    format!("a disutility of {d}"),
                    format!("it is what an event takes away, between 0 and 1{}", as_percent(d)),
                ));
            }
            if better {
                return Err(fault(
                    source,
                    ErrorKind::Rule,
                    disutility.span(),
                    format!("a disutility of {}, of which more is better", study.outcome.event),
                    "write utility = { event = …, no_event = … }",
                ));
            }
            Values { event: -d, no_event: 0.0 }
        }
    };
    if better && values.gap() < 0.0 || !better && values.gap() > 0.0 {
        let (more, found) = if better { ("better", "less") } else { ("worse", "more") };
        return Err(fault(
            source,
            ErrorKind::Rule,
            utility.map_or(0..0, Spanned::span),
            format!("in this model more events are {more}, and here an event is worth {found} than none"),
            "exchange `event` and `no_event`, or correct `higher_is` in the model",
        ));
    }
    Ok(Some(values))
}

/// A slip by a factor of 100, where it may be one.
pub fn as_percent(x: f64) -> String {
    if x > 1.0 && x <= 100.0 { format!("; {x} % is {}", x / 100.0) } else { String::new() }
}

/// A risk difference as a magnitude, below 1.
pub fn difference(source: &Source, value: &Spanned<Real>, or_zero: bool) -> Result<f64> {
    let t = value.get_ref().0;
    if (0.0..1.0).contains(&t) && (or_zero || t > 0.0) {
        return Ok(t);
    }
    let help = if t >= 1.0 {
        format!("risk differences are proportions: {t} percentage points are {}", t / 100.0)
    } else if t < 0.0 {
        format!("sizes are magnitudes, asked in either direction: write {}", -t)
    } else {
        "sizes are above 0".to_string()
    };
    Err(fault(source, ErrorKind::Value, value.span(), format!("a risk difference of {t}"), help))
}
