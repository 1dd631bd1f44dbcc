//! From the covariates of a file's rows to the columns of a design: terms, patterns, and what is wrong with them.

mod checks;
mod patterns;

use toml::Spanned;

use super::adjust_section::{AdjustEntry, PopulationEntry};
use super::model_file::{ModelSection, PriorSection};
use super::nearest::{listed, nearest};
use super::number::Count;
use super::patients::{Levels, Measured, Values};
use super::prior_words;
use super::source::Source;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::numeric::spline;
use crate::study::names;
use crate::study::{
    Adjustment, Centres, Covariate, Factors, Form, LocationPrior, Patterns, Population, PriorFor, Term,
    Written,
};
use patterns::Raw;

/// The sd of a coefficient's prior unless the model file says otherwise: for one standard deviation of a number (a tighter
/// one leaves part of strong confounding in the effect), for the whole step from 0 to 1 where that is all there is.
const DEFAULT_COEFFICIENT: f64 = 2.5;
/// The prior of σ among centres unless it says otherwise.
const DEFAULT_CENTRES: &str = "half-normal(1)";

/// The most characters of a covariate's name with its level, and of a centre's.
const LONGEST_TERM: usize = 2 * names::LONGEST_NAME;

/// Coefficients at most.
const MOST_TERMS: usize = 200;

/// A column of the design before it is standardised.
struct Column {
    name: String,
    /// The level that it tells from the reference.
    level: Option<String>,
    /// As stated, for one standard deviation.
    prior: Option<Written<LocationPrior>>,
    values: Vec<f64>,
}

/// Covariates as they enter a model, with the patients they were measured on.
pub struct Designed {
    pub covariates: Vec<Covariate>,
    pub terms: Vec<Term>,
    pub centres: Option<Centres>,
    pub patterns: Patterns,
    /// Weights that were computed elsewhere, by pattern; none without a column of them.
    pub weights: Option<Vec<f64>>,
    /// The first row of every pattern, as its place among those that are used.
    pub first_rows: Vec<u32>,
}

/// The whole of what a model adjusts for.
pub fn adjustment(
    source: &Source,
    (model, prior): (&ModelSection, &PriorSection),
    measured: Measured,
    (names, factors): (&[&str], Option<&Factors>),
    notices: &mut Vec<String>,
) -> Result<Adjustment> {
    let found = designed(source, (&model.adjust, prior), measured, names, false)?;
    let Designed { covariates, terms, centres, patterns, .. } = found;
    notices.extend(checks::separated(&terms, &patterns));
    let population = population(source, model.population.as_ref())?;
    checks::populated(source, (model.population.as_ref(), population), &patterns, (names, factors))?;
    Ok(Adjustment { covariates, terms, centres, population, patterns })
}

/// Terms and patterns of covariates. Where `weighted`, a last column of weights is measured besides, of which no entry tells.
pub fn designed(
    source: &Source,
    (entries, prior): (&[Spanned<AdjustEntry>], &PriorSection),
    mut measured: Measured,
    names: &[&str],
    weighted: bool,
) -> Result<Designed> {
    let centres = match measured.centres.take().map(Levels::sorted) {
        Some(levels) => Some((centres(source, prior, &levels)?, levels.codes)),
        None => None,
    };
    let weights = if weighted { measured.columns.pop() } else { None };
    let (mut covariates, mut columns, mut owners) = (Vec::new(), Vec::new(), Vec::new());
    for (i, (entry, values)) in entries.iter().zip(std::mem::take(&mut measured.columns)).enumerate() {
        checks::not_the_outcome(source, entry, &values, &measured)?;
        let (form, own) = columns_of(source, entry, values, &measured)?;
        let (per, unit) = checks::shown_as(source, entry.get_ref(), &form)?;
        covariates.push(Covariate { column: entry.get_ref().column.clone(), form, per, unit });
        owners.extend(own.iter().map(|_| i));
        columns.extend(own);
    }
    if columns.len() > MOST_TERMS {
        return Err(Error::of(ErrorKind::Limit, format!("{} coefficients", columns.len()))
            .at(source.place(entries[owners[MOST_TERMS]].span()))
            .help(format!("at most {MOST_TERMS} columns can be adjusted for")));
    }
    let (centres, codes) = centres.unzip();
    let of_centres = centres.iter().flat_map(|c: &Centres| c.names.iter());
    for name in columns.iter().map(|c| &c.name).chain(of_centres) {
        names::short(name, LONGEST_TERM).map_err(|unfit| {
            Error::of(
                unfit.kind(),
                format!("the name of a covariate's column or of a centre {}", unfit.in_words()),
            )
            .at(Place::File(source.file.clone()))
            .help("is it the right column? shorten its values in the data file")
        })?;
    }
    let (named, mut values): (Vec<_>, Vec<_>) =
        columns.into_iter().map(|c| ((c.name, c.level, c.prior), c.values)).unzip();
    if let Some(Values::Numbers(weights)) = weights {
        values.push(weights);
    }
    let raw = Raw {
        subgroup: &measured.subgroup,
        arm: &measured.arm,
        centre: codes.as_deref().unwrap_or_default(),
        events: &measured.events,
        totals: &measured.totals,
        level: &measured.level,
        columns: &values,
    };
    let (mut patterns, first_rows) = raw.merged();
    let weights = if weighted { patterns.columns.pop() } else { None };
    let mut terms = Vec::new();
    for (k, (name, level, prior)) in named.into_iter().enumerate() {
        let steps = values[k].iter().all(|x| *x == 0.0 || *x == 1.0);
        let (mean, sd) = patterns.standardise(k);
        let (prior, prior_for) = match prior {
            Some(stated) => (stated, PriorFor::StandardDeviation),
            None if steps => (default_coefficient(sd), PriorFor::Unit),
            None => (default_coefficient(1.0), PriorFor::StandardDeviation),
        };
        terms.push(Term { name, covariate: owners[k], level, mean, sd, prior, prior_for });
    }
    let spans: Vec<_> = owners.iter().map(|&i| entries[i].span()).collect();
    if let Some(centres) = &centres {
        checks::centres_differ(source, &centres.names, &patterns, names.len())?;
    }
    checks::varies(source, &terms, &spans, &patterns)?;
    checks::independent(source, &terms, &spans, &patterns, names.len())?;
    Ok(Designed { covariates, terms, centres, patterns, weights, first_rows })
}

fn population(source: &Source, entry: Option<&Spanned<PopulationEntry>>) -> Result<Population> {
    let Some(entry) = entry else { return Ok(Population::All) };
    match *entry.get_ref() {
        PopulationEntry::All => Ok(Population::All),
        PopulationEntry::Treated => Ok(Population::Treated),
        PopulationEntry::BaselineRisk(p) if p > 0.0 && p < 1.0 => Ok(Population::BaselineRisk(p)),
        PopulationEntry::BaselineRisk(p) => {
            Err(Error::of(ErrorKind::Value, format!("a baseline risk of {p}"))
                .at(source.place(entry.span()))
                .help("a risk lies between 0 and 1: 30 % is 0.3"))
        }
    }
}

fn centres(source: &Source, prior: &PriorSection, levels: &Levels) -> Result<Centres> {
    let (text, span) = match &prior.centre {
        Some(text) => (text.get_ref().as_str(), text.span()),
        None => (DEFAULT_CENTRES, 0..0),
    };
    let distribution = prior_words::heterogeneity_on(text, crate::study::Scale::LogOddsRatio)
        .map_err(|f| Error::of(f.kind, f.message).at(source.place(f.span.unwrap_or(span))).help(f.help))?;
    let sd = Written { distribution, words: text.trim().to_string() };
    Ok(Centres { column: levels.column.clone(), names: levels.names.clone(), sd })
}

/// One covariate's columns: itself, its spline, or one a level but the reference.
fn columns_of(
    source: &Source,
    entry: &Spanned<AdjustEntry>,
    values: Values,
    measured: &Measured,
) -> Result<(Form, Vec<Column>)> {
    let asked = entry.get_ref();
    let prior = coefficient_prior(source, asked)?;
    let column = |name: String, values: Vec<f64>| Column { name, level: None, prior: prior.clone(), values };
    let stem = &asked.column;
    match values {
        Values::Levels(levels) => {
            let levels = levels.sorted();
            let reference = reference(source, asked, &levels)?;
            let others = (0..levels.names.len()).filter(|&l| l != reference);
            let indicator = |l: usize| {
                let of = |&c: &u32| if c as usize == l { 1.0 } else { 0.0 };
                let level = Some(levels.names[l].clone());
                let name = format!("{stem}={}", levels.names[l]);
                Column { level, ..column(name, levels.codes.iter().map(of).collect()) }
            };
            let columns = others.map(indicator).collect();
            Ok((Form::Levels { reference: levels.names[reference].clone() }, columns))
        }
        Values::Numbers(numbers) => match &asked.spline {
            None => Ok((Form::Linear, vec![column(stem.clone(), numbers)])),
            Some(k) => {
                let knots = knots(source, k, stem, &numbers, measured)?;
                let bend = |j: usize| {
                    let values = numbers.iter().map(|&x| spline::column(x, &knots, j)).collect();
                    column(format!("{stem}{}", "′".repeat(j + 1)), values)
                };
                let mut columns: Vec<Column> = (0..knots.len() - 2).map(bend).collect();
                columns.insert(0, column(stem.clone(), numbers));
                Ok((Form::Spline { knots }, columns))
            }
        },
    }
}

/// The default for `unit` of a column's standard deviations.
fn default_coefficient(unit: f64) -> Written<LocationPrior> {
    Written {
        distribution: LocationPrior::normal(0.0, DEFAULT_COEFFICIENT * unit),
        words: format!("normal(0, {DEFAULT_COEFFICIENT})"),
    }
}

fn coefficient_prior(source: &Source, asked: &AdjustEntry) -> Result<Option<Written<LocationPrior>>> {
    let Some(text) = &asked.prior else { return Ok(None) };
    let (text, span) = (text.get_ref().as_str(), text.span());
    let fault = |f: prior_words::Fault| {
        Error::of(f.kind, f.message).at(source.place(f.span.unwrap_or(span.clone()))).help(f.help)
    };
    let distribution = prior_words::coefficient(text).map_err(fault)?;
    Ok(Some(Written { distribution, words: text.trim().to_string() }))
}

fn reference(source: &Source, asked: &AdjustEntry, levels: &Levels) -> Result<usize> {
    let Some(written) = &asked.reference else { return Ok(0) };
    let error = |kind, message: String| Error::of(kind, message).at(source.place(written.span()));
    let [reference] = written.get_ref().0.as_slice() else {
        return Err(
            error(ErrorKind::Value, "`reference` is a list".to_string()).help("one level is the reference")
        );
    };
    let names = || levels.names.iter().map(String::as_str);
    levels.names.iter().position(|n| n == reference).ok_or_else(|| {
        let message = format!("no row that is used has `{reference}` in column `{}`", asked.column);
        let error = error(ErrorKind::Unknown, message).help(format!("its levels are {}", listed(names())));
        match nearest(reference, names()) {
            Some(near) => error.label(format!("did you mean `{near}`?")),
            None => error,
        }
    })
}

/// At Harrell's quantiles of the patients.
fn knots(
    source: &Source,
    asked: &Spanned<Count>,
    column: &str,
    numbers: &[f64],
    measured: &Measured,
) -> Result<Vec<f64>> {
    let error = |kind, message: String| Error::of(kind, message).at(source.place(asked.span()));
    let Some(quantiles) = spline::knot_quantiles(asked.get_ref().0 as usize) else {
        return Err(error(ErrorKind::Value, format!("a spline with {} knots", asked.get_ref().0))
            .help("a restricted cubic spline has 3 to 7 knots here; 3 to 5 are usual"));
    };
    let mut sorted: Vec<(f64, u64)> = numbers
        .iter()
        .zip(&measured.totals)
        .map(|(&x, &n)| (x, u64::from(n)))
        .filter(|(_, n)| *n > 0)
        .collect();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    if sorted.is_empty() {
        return Err(error(ErrorKind::Data, format!("`{column}` has no values")));
    }
    let knots: Vec<f64> = quantiles.iter().map(|&p| spline::quantile(&sorted, p)).collect();
    if knots.windows(2).any(|w| w[0] >= w[1]) {
        return Err(error(
            ErrorKind::Data,
            format!("`{column}` has too few different values for these knots"),
        )
        .help("two knots fall on one value: take fewer knots, or the covariate as it is"));
    }
    Ok(knots)
}
