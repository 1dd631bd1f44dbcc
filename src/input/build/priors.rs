//! Priors where they stand.

use std::ops::Range;

use toml::Spanned;

use super::super::model_file::{InteractionsEntry, LocationEntry, ModelFile};
use super::super::prior_words;
use super::super::source::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::study::{
    BaselinePrior, HeterogeneityPrior, LocationPrior, PooledPriors, Pooling, Scale, StandAlone, StudyBuilder,
    Written,
};

/// Adds the study's own.
pub fn stated(
    source: &Source,
    file: &ModelFile,
    mut builder: StudyBuilder,
    (scale, undivided): (Scale, bool),
) -> Result<StudyBuilder> {
    let section = &file.prior;
    let heterogeneity = section.heterogeneity.as_ref();
    let stated = match &file.model.pooling {
        Some(pooling) => *pooling.get_ref(),
        None if undivided => Pooling::Complete,
        None => Pooling::Partial,
    };
    let degrees = degrees(source, file, stated)?;
    builder = builder.priors(PooledPriors {
        pooling: if degrees.is_some() { Pooling::StudentT } else { stated },
        degrees,
        alone: stand_alone(source, file, (stated, scale))?,
        effect: effect_prior(source, &section.effect, scale)?,
        heterogeneity: match heterogeneity {
            Some(text) => Some(heterogeneity_prior(source, text, scale)?),
            None => default_global(source, file)?,
        },
    });
    if let Some(related) = &file.model.arms {
        builder = builder.related_arms(*related.get_ref());
    }
    if let Some(text) = &section.arms {
        builder = builder.between_arms(heterogeneity_prior(source, text, scale)?);
    }
    if let Some(text) = &section.interaction {
        builder = builder.interaction(heterogeneity_prior(source, text, scale)?);
    }
    if let Some(entry) = &section.baseline {
        builder = builder.baseline(baseline_prior(source, entry)?);
    }
    if let Some(of) = &section.baseline_of {
        builder = builder.baseline_of(*of.get_ref());
    }
    Ok(builder)
}

/// The prior of a horseshoe's global scale where none is stated: of the scale of the effect that was planned for. None without a
/// horseshoe.
pub fn default_global(source: &Source, file: &ModelFile) -> Result<Option<Written<HeterogeneityPrior>>> {
    let horseshoe = file.model.interactions.as_ref().filter(|e| *e.get_ref() == InteractionsEntry::Horseshoe);
    let (Some(entry), None) = (horseshoe, &file.prior.heterogeneity) else { return Ok(None) };
    let planned = file.library.as_ref().map(|library| library.expected_odds_ratio.get_ref().0);
    let Some(planned) = planned.filter(|ratio| *ratio > 1.0 && ratio.is_finite()) else {
        return Err(Error::of(ErrorKind::Missing, "the prior of the horseshoe's global scale is missing")
            .at(source.place(entry.span()))
            .help("write heterogeneity = \"half-cauchy(0.4)\" in [prior], of the size of the effect that was planned for")
            .help("or expected_odds_ratio = 1.5 in [library], whose logarithm is its scale then"));
    };
    let scale = (1e4 * libm::log(planned)).round().max(10.0) / 1e4;
    Ok(Some(HeterogeneityPrior::HalfStudentT { df: 1.0, scale }.into()))
}

/// The degrees of freedom of Student t effects; none for normal ones.
fn degrees(source: &Source, file: &ModelFile, pooling: Pooling) -> Result<Option<f64>> {
    let Some(text) = &file.model.effects else { return Ok(None) };
    let degrees =
        prior_words::effects(text.get_ref()).map_err(|fault| at_fault(source, text.span(), fault))?;
    if degrees.is_some() && pooling != Pooling::Partial {
        let message = format!("`effects` beside pooling = \"{}\"", pooling.in_words());
        return Err(Error::of(ErrorKind::Rule, message).at(source.place(text.span())).help(
            "it says how effects are spread under partial pooling: leave it out, or set pooling = \"partial\"",
        ));
    }
    Ok(degrees)
}

/// What is said of subgroups that may stand alone.
fn stand_alone(
    source: &Source,
    file: &ModelFile,
    (pooling, scale): (Pooling, Scale),
) -> Result<Option<StandAlone>> {
    let (weight, prior) = (&file.prior.exchangeable, &file.prior.stand_alone);
    if weight.is_none() && prior.is_none() && pooling != Pooling::ExchangeableOrNot {
        return Ok(None);
    }
    let usual = StandAlone::default();
    Ok(Some(StandAlone {
        exchangeable: weight.as_ref().map_or(usual.exchangeable, |w| w.get_ref().0),
        prior: prior.as_ref().map(|entry| effect_prior(source, entry, scale)).transpose()?,
    }))
}

/// A fault of a prior where it stands.
pub fn at_fault(source: &Source, span: Range<usize>, f: prior_words::Fault) -> Error {
    Error::of(f.kind, f.message).at(source.place(f.span.unwrap_or(span))).help(f.help)
}

/// An effect prior where it stands.
pub fn effect_prior(
    source: &Source,
    entry: &Spanned<LocationEntry>,
    scale: Scale,
) -> Result<Written<LocationPrior>> {
    prior_words::effect(entry.get_ref(), scale).map_err(|f| at_fault(source, entry.span(), f))
}

/// A heterogeneity prior where it stands.
pub fn heterogeneity_prior(
    source: &Source,
    text: &Spanned<String>,
    scale: Scale,
) -> Result<Written<HeterogeneityPrior>> {
    Ok(Written {
        distribution: prior_words::heterogeneity_on(text.get_ref(), scale)
            .map_err(|f| at_fault(source, text.span(), f))?,
        words: text.get_ref().trim().to_string(),
    })
}

/// A baseline prior where it stands.
pub fn baseline_prior(source: &Source, entry: &Spanned<LocationEntry>) -> Result<Written<BaselinePrior>> {
    prior_words::baseline(entry.get_ref()).map_err(|f| at_fault(source, entry.span(), f))
}
