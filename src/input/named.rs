//! Priors with names of their own, `[priors.NAME]`: read, filled in from the model's, and their sources opened.

use std::collections::BTreeMap;

use toml::Spanned;

use super::build::{baseline_prior, effect_prior, error, heterogeneity_prior, study};
use super::model_file::NamedPriorSection;
use super::source::Source;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::study::rules::{NamedChanges, named};
use crate::study::{External, NamedPriors, Part, PriorPart, Problem, Study};

/// In the order in which they are written.
pub fn priors(
    source: &Source,
    sections: BTreeMap<Spanned<String>, Spanned<NamedPriorSection>>,
    study: &Study,
) -> Result<Vec<NamedPriors>> {
    let mut sections: Vec<_> = sections.into_iter().collect();
    sections.sort_by_key(|(name, _)| name.span().start);
    sections
        .iter()
        .map(|(name, section)| {
            let changes = changes(source, section.get_ref(), study)?;
            let told = |problem| {
                let place = place(source, (name, section), &problem);
                error(problem, place)
            };
            named(study, name.get_ref(), changes).map_err(told)
        })
        .collect()
}

fn changes(source: &Source, section: &NamedPriorSection, study: &Study) -> Result<NamedChanges> {
    let scale = study.outcome.scale;
    let NamedPriorSection { effect, heterogeneity, baseline, baseline_of, .. } = section;
    let stated = [baseline.as_ref().map(Spanned::span), baseline_of.as_ref().map(Spanned::span)];
    let two = study.weighting.as_ref().filter(|w| !w.has_several_arms());
    if let (Some(_), Some(span)) = (two, stated.into_iter().flatten().next()) {
        return Err(super::build::no_baseline_beside_weights(source, span));
    }
    Ok(NamedChanges {
        effect: effect.as_ref().map(|entry| effect_prior(source, entry, scale)).transpose()?,
        heterogeneity: heterogeneity
            .as_ref()
            .map(|text| heterogeneity_prior(source, text, scale))
            .transpose()?,
        baseline: baseline.as_ref().map(|entry| baseline_prior(source, entry)).transpose()?,
        baseline_of: baseline_of.as_ref().map(|of| *of.get_ref()),
        external: external(source, section)?,
    })
}

/// Where the part of a section stands that a problem is in.
fn place(
    source: &Source,
    (name, section): (&Spanned<String>, &Spanned<NamedPriorSection>),
    problem: &Problem,
) -> Place {
    let Part::Named { part, .. } = problem.part else { return source.place(section.span()) };
    let s = section.get_ref();
    let span = match part {
        PriorPart::Name => Some(name.span()),
        PriorPart::Whole => None,
        PriorPart::Effect => s.effect.as_ref().map(Spanned::span),
        PriorPart::Heterogeneity => s.heterogeneity.as_ref().map(Spanned::span),
        PriorPart::Baseline => s.baseline.as_ref().map(Spanned::span),
        PriorPart::BaselineOf => s.baseline_of.as_ref().map(Spanned::span),
        PriorPart::Levels
        | PriorPart::Shift
        | PriorPart::Departure
        | PriorPart::Arms
        | PriorPart::Interaction
        | PriorPart::Interactions
        | PriorPart::MainEffects
        | PriorPart::Pooling
        | PriorPart::Effects
        | PriorPart::Exchangeable
        | PriorPart::StandAlone => None,
        PriorPart::Weight => s.weight.as_ref().map(Spanned::span),
        PriorPart::Source(i) => {
            let from = s.from.as_ref();
            from.map(|from| from.get_ref().get(i).map_or_else(|| from.span(), Spanned::span))
        }
    };
    source.place(span.unwrap_or_else(|| section.span()))
}

/// The studies that a prior is made from, read.
fn external(source: &Source, section: &NamedPriorSection) -> Result<Option<External>> {
    let (from, weight) = match (&section.from, &section.weight) {
        (None, None) => return Ok(None),
        (None, Some(weight)) => {
            return Err(Error::of(ErrorKind::Missing, "`weight` without `from`")
                .at(source.place(weight.span()))
                .help("a weight says how far other models are believed: name them, from = [\"MODEL\"]"));
        }
        (Some(from), None) => {
            return Err(Error::of(ErrorKind::Missing, "`from` without `weight`").at(source.place(from.span())).help(
                "say how far the other models are believed to speak of this one: weight = 0.5 (0 not at all, 1 wholly)",
            ));
        }
        (Some(from), Some(weight)) => (from.get_ref(), weight.get_ref().0),
    };
    let open = |model: &Spanned<String>| {
        let beside = source.beside(model)?;
        study(&beside, beside.parse()?)
    };
    let sources = from.iter().map(open).collect::<Result<_>>()?;
    Ok(Some(External { sources, weight }))
}
