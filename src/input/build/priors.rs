//! Priors where they stand.

use std::ops::Range;

use toml::Spanned;

use super::super::model_file::{LocationEntry, ModelFile};
use super::super::prior_words;
use super::super::source::Source;
use crate::error::{Error, Result};
use crate::study::{
    BaselinePrior, HeterogeneityPrior, LocationPrior, PooledPriors, Pooling, Scale, StudyBuilder, Written,
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
    builder = builder.priors(PooledPriors {
        pooling: match &file.model.pooling {
            Some(pooling) => *pooling.get_ref(),
            None if undivided => Pooling::Complete,
            None => Pooling::Partial,
        },
        effect: effect_prior(source, &section.effect, scale)?,
        heterogeneity: heterogeneity.map(|text| heterogeneity_prior(source, text, scale)).transpose()?,
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
