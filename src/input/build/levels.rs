//! What the model file says of an ordinal outcome's levels.

use std::ops::Range;

use toml::Spanned;

use super::super::level_words::WordOrNumbers;
use super::super::model_file::{Kind, ModelFile, OutcomeSection};
use super::super::nearest::nearest;
use super::super::prior_words;
use super::super::source::Source;
use super::priors::{at_fault, heterogeneity_prior};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::study::{
    Endpoint, LocationPrior, Scale, Shape, StudyBuilder, UTILITY_SETS, Utilities, UtilitySet, Written,
};

/// The prior of departures where none is written; it is always told.
const DEPARTURE: (&str, f64) = ("normal(0, 0.3)", 0.3);

/// An ordinal outcome with its levels.
pub fn endpoint(source: &Source, outcome: &OutcomeSection) -> Result<Endpoint> {
    let Some(levels) = &outcome.levels else {
        return Err(Error::of(ErrorKind::Missing, "`levels` is missing from [outcome]")
            .at(Place::File(source.file.clone()))
            .help(
                "give all levels, lowest first: levels = [\"0\", \"1\", \"2\", \"3\", \"4\", \"5\", \"6\"]",
            ));
    };
    let names = levels.get_ref().iter().map(|name| name.0.clone());
    let mut endpoint = Endpoint::ordinal(outcome.name.clone(), outcome.higher_is, names);
    if let Some(above) = &outcome.above {
        endpoint = endpoint.above(&above.get_ref().0);
    }
    if let Some(utilities) = &outcome.utilities {
        endpoint = endpoint.utilities(match utilities.get_ref() {
            WordOrNumbers::Numbers(values) => Utilities { values: values.clone(), set: None },
            WordOrNumbers::Word(name) => set(source, name, utilities.span())?.utilities(),
        });
    }
    if let Some(event) = &outcome.event {
        endpoint = endpoint.called(event.get_ref());
    }
    Ok(endpoint)
}

/// The published set of this name.
pub fn set(source: &Source, name: &str, span: Range<usize>) -> Result<&'static UtilitySet> {
    UtilitySet::find(name).ok_or_else(|| {
        let names: Vec<&str> = UTILITY_SETS.iter().map(|set| set.name).collect();
        let error = Error::of(ErrorKind::Unknown, format!("there is no set of utilities `{name}`"))
            .at(source.place(span))
            .help(format!("published sets are {}; or give one number a level", names.join(", ")));
        match nearest(name, names.into_iter()) {
            Some(near) => error.label(format!("did you mean `{near}`?")),
            None => error,
        }
    })
}

/// What only an ordinal outcome has, found elsewhere.
pub fn check_absent(source: &Source, file: &ModelFile) -> Result<()> {
    let (outcome, prior, data) = (&file.outcome, &file.prior, file.data.get_ref());
    if outcome.kind == Kind::Ordinal {
        return Ok(());
    }
    let keys = [
        outcome.levels.as_ref().map(|l| ("levels", l.span())),
        outcome.above.as_ref().map(|l| ("above", l.span())),
        outcome.utilities.as_ref().map(|l| ("utilities", l.span())),
        file.model.cutpoints.as_ref().map(|l| ("cutpoints", l.span())),
        file.model.departure.as_ref().map(|l| ("departure", l.span())),
        prior.levels.as_ref().map(|l| ("levels", l.span())),
        prior.shift.as_ref().map(|l| ("shift", l.span())),
        prior.departure.as_ref().map(|l| ("departure", l.span())),
    ];
    let columns = ["level", "patients"]
        .into_iter()
        // Of several factors an estimate says how many patients it is of.
        .filter(|key| *key == "level" || data.factors.is_empty())
        .find_map(|key| Some((key, data.columns.keys().find(|k| k.get_ref() == key)?.span())));
    let codes = data.levels.as_ref().and_then(|l| l.get_ref().outcome.keys().next());
    let codes = codes.map(|code| ("outcome", code.span()));
    let whole = "kind = \"ordinal\" with levels = [\"…\", …] and above = \"…\" in [outcome]";
    let (key, place, instead) = match (keys.into_iter().flatten().next(), columns, codes) {
        (Some((key, span)), ..) => (key, span, "leave it out"),
        (None, Some((key, span)), _) => (key, span, "name columns of `events` and `total`"),
        (None, None, Some((key, span))) => {
            (key, span, "say which codes are the event: event = … and no_event = …")
        }
        (None, None, None) => return Ok(()),
    };
    let found = match outcome.kind {
        Kind::Estimate => "estimate",
        _ => "binary",
    };
    let message = format!("`{key}` is for kind = \"ordinal\", and the outcome has kind = \"{found}\"");
    Err(Error::of(ErrorKind::Rule, message)
        .at(source.place(place))
        .help(format!("for ordered levels: {whole}"))
        .help(format!("or {instead}")))
}

/// Adds what is assumed of levels.
pub fn assumed(source: &Source, file: &ModelFile, mut builder: StudyBuilder) -> Result<StudyBuilder> {
    let (model, prior) = (&file.model, &file.prior);
    if let Some(cutpoints) = &model.cutpoints {
        builder = builder.cutpoints(*cutpoints.get_ref());
    }
    if let Some(text) = &prior.levels {
        let levels = file.outcome.levels.as_ref().map_or(0, |levels| levels.get_ref().len());
        let found = prior_words::dirichlet(text.get_ref(), levels);
        builder = builder.concentrations(found.map_err(|fault| at_fault(source, text.span(), fault))?);
    }
    if let Some(text) = &prior.shift {
        builder = builder.shift(heterogeneity_prior(source, text, Scale::LogOddsRatio)?);
    }
    match (&model.departure, &prior.departure) {
        (None, Some(text)) => {
            Err(Error::of(ErrorKind::Rule, "a prior of a departure, and odds are proportional")
                .at(source.place(text.span()))
                .help("say which cuts depart: departure = \"death\" in [model], or leave the prior out"))
        }
        (None, None) => Ok(builder),
        (Some(shape), text) => {
            let prior = match text {
                Some(text) => departure_prior(source, text)?,
                None => Written {
                    distribution: LocationPrior::normal(0.0, DEPARTURE.1),
                    words: DEPARTURE.0.to_string(),
                },
            };
            Ok(builder.departure(shape_of(source, shape)?, prior))
        }
    }
}

fn departure_prior(source: &Source, text: &Spanned<String>) -> Result<Written<LocationPrior>> {
    let distribution = prior_words::location(text.get_ref());
    let distribution = distribution.map_err(|fault| at_fault(source, text.span(), fault))?;
    Ok(Written { distribution, words: text.get_ref().trim().to_string() })
}

fn shape_of(source: &Source, entry: &Spanned<WordOrNumbers>) -> Result<Shape> {
    const SHAPES: [&str; 3] = ["death", "linear", "unconstrained"];
    match entry.get_ref() {
        WordOrNumbers::Numbers(f) => Ok(Shape::Numbers(f.clone())),
        WordOrNumbers::Word(word) => {
            match word.as_str() {
                "death" => Ok(Shape::Death),
                "linear" => Ok(Shape::Linear),
                "unconstrained" => Ok(Shape::Unconstrained),
                other => {
                    let error = Error::of(ErrorKind::Unknown, format!("there is no departure `{other}`"))
                    .at(source.place(entry.span()))
                    .help("\"death\", \"linear\", \"unconstrained\", or one number a cut: [0, 0, 0, 0, 0, 1]");
                    Err(match nearest(other, SHAPES.into_iter()) {
                        Some(near) => error.label(format!("did you mean `{near}`?")),
                        None => error,
                    })
                }
            }
        }
    }
}
