//! What makes a covariate useless or misleading: found before anything is fitted.

use std::ops::Range;

use toml::Spanned;

use crate::error::{Error, ErrorKind, Place, Result};
use crate::input::adjust_section::{AdjustEntry, PopulationEntry};
use crate::input::patients::{Measured, Values};
use crate::input::source::Source;
use crate::study::{Factors, Form, Patterns, Population, Term, names};

/// The part of a column's variance that others must leave for it to say anything of its own.
const LEAST_OWN: f64 = 1e-9;

/// Levels that separate are told of up to this many.
const MOST_TOLD: usize = 5;

/// Two values, one for all events and one for all others: the outcome by another name.
pub fn not_the_outcome(
    source: &Source,
    entry: &Spanned<AdjustEntry>,
    values: &Values,
    measured: &Measured,
) -> Result<()> {
    let value = |i: usize| match values {
        Values::Numbers(numbers) => numbers[i].to_bits(),
        Values::Levels(levels) => u64::from(levels.codes[i]),
    };
    let mut seen: [Option<u64>; 2] = [None; 2];
    for (i, (&events, &total)) in measured.events.iter().zip(&measured.totals).enumerate() {
        let sides = [(0, total > events), (1, events > 0)];
        for (side, _) in sides.into_iter().filter(|(_, there)| *there) {
            let first = *seen[side].get_or_insert(value(i));
            if first != value(i) {
                return Ok(());
            }
        }
    }
    match seen {
        [Some(others), Some(events)] if others != events => Err(Error::of(
            ErrorKind::Rule,
            format!("`{}` is the outcome by another name", entry.get_ref().column),
        )
        .at(source.place(entry.span()))
        .help(
            "one value goes with every event and another with every other patient: it can't be adjusted for",
        )),
        _ => Ok(()),
    }
}

/// The step and the unit that a number is shown with; levels and splines have neither.
pub fn shown_as(source: &Source, entry: &AdjustEntry, form: &Form) -> Result<(Option<f64>, Option<String>)> {
    let keys =
        [("per", entry.per.as_ref().map(Spanned::span)), ("unit", entry.unit.as_ref().map(Spanned::span))];
    let wrong = |kind, what: String, span: Range<usize>| Error::of(kind, what).at(source.place(span));
    for (key, span) in keys {
        if let (Some(span), Form::Levels { .. } | Form::Spline { .. }) = (span, form) {
            return Err(wrong(
                ErrorKind::Rule,
                format!("`{key}` is for a number that enters as it is"),
                span,
            )
            .help(
                "levels are compared with the reference, and a spline has no one odds ratio: leave it out",
            ));
        }
    }
    let per = match &entry.per {
        Some(per) if !(per.get_ref().0.is_finite() && per.get_ref().0 > 0.0) => {
            let what = format!("a step of {}", per.get_ref().0);
            return Err(wrong(ErrorKind::Value, what, per.span()).help("a step is above 0: per = 10"));
        }
        per => per.as_ref().map(|per| per.get_ref().0),
    };
    let Some(unit) = &entry.unit else { return Ok((per, None)) };
    names::name(unit.get_ref())
        .map_err(|unfit| wrong(unfit.kind(), format!("`unit` {}", unfit.in_words()), unit.span()))?;
    match unit.get_ref().trim() {
        "" => Err(wrong(ErrorKind::Missing, "`unit` is empty".to_string(), unit.span())
            .help("write it as it is shown after a number: unit = \"years\"")),
        unit => Ok((per, Some(unit.to_string()))),
    }
}

/// Every column varies, and not only between the arms.
pub fn varies(source: &Source, terms: &[Term], spans: &[Range<usize>], patterns: &Patterns) -> Result<()> {
    for (k, term) in terms.iter().enumerate() {
        let error = |message: String| Error::of(ErrorKind::Data, message).at(source.place(spans[k].clone()));
        let differs = patterns.columns[k].windows(2).any(|w| w[0] != w[1]);
        if !term.mean.is_finite() || !term.sd.is_finite() || differs && term.sd <= 0.0 {
            return Err(error(format!("the values of `{}` are beyond the range of numbers", term.name))
                .help("give them in another unit"));
        }
        if term.sd <= 0.0 {
            return Err(error(format!("`{}` is the same in every row that is used", term.name))
                .help("there is nothing to adjust for: leave it out"));
        }
        let column = &patterns.columns[k];
        let same_cell = |i: usize| {
            let cell = |i: usize| (patterns.subgroup[i], patterns.arm[i]);
            cell(i) == cell(i - 1)
        };
        if (1..column.len()).all(|i| !same_cell(i) || column[i] == column[i - 1]) {
            return Err(error(format!("`{}` does not vary within the arms of any subgroup", term.name))
                .help("it can't be told from the subgroups' own risks and effects: leave it out"));
        }
    }
    Ok(())
}

/// Centres are more than one, and not the subgroups by another name.
pub fn centres_differ(
    source: &Source,
    names: &[String],
    patterns: &Patterns,
    subgroups: usize,
) -> Result<()> {
    let error = |message: &str| {
        Err(Error::of(ErrorKind::Rule, message.to_string()).at(Place::File(source.file.clone())).help(
            "centres need intercepts of their own beside the subgroups': leave `centre` out of the columns",
        ))
    };
    if names.len() < 2 {
        return error("there is only one centre");
    }
    let mut centre_of = vec![None; subgroups];
    let alone = patterns
        .subgroup
        .iter()
        .zip(&patterns.centre)
        .all(|(&g, &c)| *centre_of[g as usize].get_or_insert(c) == c);
    if alone {
        return error("every subgroup lies in one centre: they can't be told apart");
    }
    Ok(())
}

/// No column follows from the subgroups and the columns before it: Gram–Schmidt, subgroup means taken out first.
pub fn independent(
    source: &Source,
    terms: &[Term],
    spans: &[Range<usize>],
    patterns: &Patterns,
    subgroups: usize,
) -> Result<()> {
    let dot = |a: &[f64], b: &[f64]| -> f64 {
        a.iter().zip(b).zip(&patterns.totals).map(|((a, b), n)| n * a * b).sum()
    };
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for (k, term) in terms.iter().enumerate() {
        let error = |message: String| Error::of(ErrorKind::Data, message).at(source.place(spans[k].clone()));
        let whole = dot(&patterns.columns[k], &patterns.columns[k]);
        let mut rest = within_subgroups(&patterns.columns[k], patterns, subgroups);
        if dot(&rest, &rest) < LEAST_OWN * whole {
            return Err(error(format!("`{}` does not vary within any subgroup", term.name))
                .help("it can't be told from the subgroups' own risks: leave it out"));
        }
        let mut parts = vec![0.0; k];
        // Twice is enough (Kahan).
        for _ in 0..2 {
            for (part, direction) in parts.iter_mut().zip(&basis) {
                let along = dot(&rest, direction);
                *part += along;
                rest.iter_mut().zip(direction).for_each(|(r, d)| *r -= along * d);
            }
        }
        let own = dot(&rest, &rest);
        if own < LEAST_OWN * whole {
            let others = terms.iter().zip(&parts).filter(|(_, p)| **p * **p > LEAST_OWN * whole);
            let others: Vec<String> = others.map(|(t, _)| format!("`{}`", t.name)).collect();
            return Err(error(format!(
                "`{}` is collinear: it follows from {}",
                term.name,
                others.join(", ")
            ))
            .help("its coefficient can't be told from theirs: leave one of them out"));
        }
        let unit = own.sqrt();
        rest.iter_mut().for_each(|r| *r /= unit);
        basis.push(rest);
    }
    Ok(())
}

fn within_subgroups(column: &[f64], patterns: &Patterns, subgroups: usize) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0); subgroups];
    for ((x, n), &g) in column.iter().zip(&patterns.totals).zip(&patterns.subgroup) {
        let sum = &mut sums[g as usize];
        *sum = (sum.0 + n * x, sum.1 + n);
    }
    let mean = |g: u32| sums[g as usize].0 / sums[g as usize].1;
    column.iter().zip(&patterns.subgroup).map(|(x, &g)| x - mean(g)).collect()
}

/// Covariates that tell events from others without fail: the data set no bound to their coefficients.
pub fn separated(terms: &[Term], patterns: &Patterns) -> Vec<String> {
    let mut notices = Vec::new();
    for (term, column) in terms.iter().zip(&patterns.columns) {
        let mut sides = [(f64::INFINITY, f64::NEG_INFINITY); 2];
        let least = column.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = column.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let two_values = column.iter().all(|&x| x == least || x == largest);
        // Events and others above the column's mean: the one level of an indicator.
        let mut above = (0.0, 0.0);
        for (i, &x) in column.iter().enumerate() {
            let (events, others) = (patterns.events[i], patterns.totals[i] - patterns.events[i]);
            for (side, n) in [others, events].into_iter().enumerate() {
                if n > 0.0 {
                    sides[side] = (sides[side].0.min(x), sides[side].1.max(x));
                }
            }
            if x > 0.0 {
                above = (above.0 + events, above.1 + others);
            }
        }
        const REST: &str = "the data set no bound to its coefficient, which rests on its prior";
        let [others, events] = sides;
        if others.1 < events.0 || events.1 < others.0 {
            notices.push(format!("{} separates patients with the event from the others: {REST}.", term.name));
        } else if two_values && (above.0 == 0.0 || above.1 == 0.0) {
            let (all, what) = if above.0 == 0.0 { (above.1, "none has") } else { (above.0, "all have") };
            notices.push(format!("{}: of {all} patients {what} the event; {REST}.", term.name));
        }
    }
    let more = notices.len().saturating_sub(MOST_TOLD);
    notices.truncate(MOST_TOLD);
    if more > 0 {
        notices.push(format!("The same holds of {more} more columns."));
    }
    notices
}

/// Every subgroup has patients over whom risks can be averaged.
pub fn populated(
    source: &Source,
    (entry, population): (Option<&Spanned<PopulationEntry>>, Population),
    patterns: &Patterns,
    (names, factors): (&[&str], Option<&Factors>),
) -> Result<()> {
    let mut there = vec![false; names.len()];
    for (&g, &arm) in patterns.subgroup.iter().zip(&patterns.arm) {
        there[g as usize] |= arm > 0 || population != Population::Treated;
    }
    // Of several factors levels are told, and not their combinations.
    let absent = match factors {
        Some(factors) => factors
            .levels()
            .find(|level| !factors.groups(*level).any(|g| there[g]))
            .map(|(f, l)| format!("{} {}", factors.all[f].name, factors.level(f, l))),
        None => there.iter().position(|t| !t).map(|g| names[g].to_string()),
    };
    let Some(name) = absent else { return Ok(()) };
    let place = source.place(entry.map_or(0..0, Spanned::span));
    Err(match population {
        Population::Treated => {
            Error::of(ErrorKind::Data, format!("subgroup `{name}` has no treated patients"))
                .at(place)
                .help("risks can't be averaged over them: write population = \"all\"")
        }
        _ => Error::of(ErrorKind::Data, format!("subgroup `{name}` has no row that is used"))
            .at(Place::File(source.file.clone()))
            .help("its rows lack an outcome or a covariate: leave it out by [data.where], or the covariate"),
    })
}
