//! From the model file as written to a study. What a study may be is said in [`rules`](crate::study::rules); here stand the
//! rules of the file alone, which keys go together, and where each part of a study is written.

mod data;
mod factors;
mod levels;
mod places;
mod priors;
mod thresholds;
mod weighting;

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;

use super::arms::{self, SeveralArms};
use super::model_file::{Kind, ModelFile, OutcomeSection, SubgroupSection};
use super::opening::Reading;
use super::patients::Measured;
use super::source::{Source, sha256};
use super::{bias_words, design};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::study::rules::{Reported, integrated_alone, left_out};
use crate::study::{Adjustment, Bias, Endpoint, Pooling, Study};
use data::Observed;
use places::Places;

pub use levels::set as utility_set;
pub use places::error;
pub use priors::{baseline_prior, effect_prior, heterogeneity_prior};
pub use weighting::no_baseline_beside_weights;

/// Checks everything and puts the study together, without its named priors.
pub fn study(source: &Source, mut file: ModelFile) -> Result<Study> {
    // A study without a design stage is read as a whole.
    let design = source.reading.design && file.adjustment.is_some();
    let source = &Source { reading: Reading { design, ..source.reading }, ..source.clone() };
    let factors = file.subgroup.as_ref().and_then(|section| section.get_ref().factors.clone());
    file.data.get_mut().factors = factors.map(Spanned::into_inner).unwrap_or_default();
    factors::alone(source, &file)?;
    let places = Places { source, file: &file };
    let endpoint = endpoint(source, &file.outcome)?;
    levels::check_absent(source, &file)?;
    let endpoint_levels = endpoint.clone().with_levels().map_err(|problem| places.error(problem))?;
    let reported = Reported::of(&endpoint_levels.outcome, endpoint.counts);
    let scale = endpoint_levels.outcome.levels;
    let mut builder = Study::builder(&file.title, file.study.assignment)
        .name(&source.name)
        .outcome(endpoint)
        .treatment(&file.treatment.get_ref().name);
    let arms = arms::names(source, &file.treatment)?;
    let several = SeveralArms::of(source, &file)?;
    builder = match arms.as_slice() {
        [control, active] => builder.arms(control, active),
        [control, active @ ..] => builder.several_arms(control, active),
        [] => builder,
    };
    if let Some(section) = &file.subgroup {
        let SubgroupSection { name, factors, plural, exhaustive } = section.get_ref();
        match (name, factors) {
            (Some(name), _) => builder = builder.subgroup_name(name),
            (None, Some(_)) => {}
            (None, None) => {
                return Err(Error::of(ErrorKind::Missing, "`name` is missing from [subgroup]")
                    .at(source.place(section.span()))
                    .help(
                        "write name = \"sex\"; or, for several factors, factors = [\"sex\", \"age group\"]",
                    ));
            }
        }
        if let Some(plural) = plural {
            builder = builder.subgroup_plural(plural);
        }
        if *exhaustive {
            builder = builder.exhaustive();
        }
    }
    if let Some(what) = &file.data.get_ref().adjusted_for {
        builder = builder.adjusted_for(what);
    }
    // Before a data file is read, which may take its time.
    builder.labelled().map_err(|problem| places.error(problem))?;
    for citation in &file.citation {
        builder = builder.citation(citation);
    }
    if file.illustrative {
        builder = builder.illustrative();
    }
    if let Some(note) = &file.note {
        builder = builder.note(note);
    }
    if let Some(eligibility) = &file.study.eligibility {
        builder = builder.eligibility(eligibility);
    }
    if let Some(time_zero) = &file.study.time_zero {
        builder = builder.time_zero(time_zero);
    }
    let Observed { mut builder, sha256: data_sha256, patients, measured, undivided, draws } =
        data::observed(source, &file, builder, (reported.scale, scale.as_ref(), several.as_ref()))?;
    if undivided {
        check_undivided(source, &file)?;
        builder = builder.undivided();
    }
    builder = factors::assumed(source, &file, builder)?;
    builder = priors::stated(source, &file, builder, (reported.scale, undivided))?;
    builder = levels::assumed(source, &file, builder)?;
    if let Some(section) = &file.thresholds {
        builder = thresholds::asked(source, section, builder, reported)?;
    }
    if let Some(library) = &file.library {
        builder = builder.expected_odds_ratio(library.expected_odds_ratio.get_ref().0);
    }
    let mut study = builder.assembled().map_err(|problem| places.error(problem))?;
    study.patients = patients;
    study.draws = draws.map(Arc::new);
    match measured {
        Some(measured) if file.adjustment.is_some() => {
            weighting::weight(source, &file, measured, &mut study)?;
        }
        Some(measured) => {
            study.adjustment = Some(Arc::new(adjustment(source, &file, measured, &mut study)?));
        }
        None => check_unadjusted(source, &file)?,
    }
    study.bias = bias(source, &file, &mut study)?;
    let other = match (&study.adjustment, &study.bias) {
        (Some(_), _) => Some("covariates or centres"),
        (_, Some(bias)) if bias.assumes_anything() => Some("a bias that is allowed for"),
        _ => None,
    };
    integrated_alone(study.pooling, other).map_err(|problem| places.error(problem))?;
    study.files = source.read.so_far();
    study.text = source.text.to_string();
    study.model_sha256 = sha256(source.text.as_bytes());
    study.data_sha256 = data_sha256.unwrap_or_else(|| study.model_sha256.clone());
    Ok(study)
}

/// What belongs to subgroups has no place where there are none.
fn check_undivided(source: &Source, file: &ModelFile) -> Result<()> {
    let wrong = |message: &str, span: Range<usize>, help: &str| {
        Err(Error::of(ErrorKind::Rule, message).at(source.place(span)).help(help))
    };
    let no_name = "no row says its `subgroup`: there is one group, of all patients";
    if let Some(section) = &file.subgroup {
        return wrong("[subgroup], and the data have no subgroups", section.span(), no_name);
    }
    match &file.model.pooling {
        Some(pooling) if *pooling.get_ref() != Pooling::Complete => {
            return wrong(
                "`pooling`, and the data have no subgroups",
                pooling.span(),
                "leave it out: with one group there is nothing to pool",
            );
        }
        _ => {}
    }
    if let Some(tau) = &file.prior.heterogeneity {
        return wrong(
            "a heterogeneity prior, and the data have no subgroups",
            tau.span(),
            "leave it out: it is of the spread between subgroups",
        );
    }
    Ok(())
}

/// The outcome, with the scale that its kind asks for.
fn endpoint(source: &Source, outcome: &OutcomeSection) -> Result<Endpoint> {
    let (name, higher_is) = (outcome.name.clone(), outcome.higher_is);
    match (outcome.kind, &outcome.scale) {
        (Kind::Ordinal, None) => levels::endpoint(source, outcome),
        (Kind::Binary, None) => {
            let endpoint = Endpoint::events(name, higher_is);
            Ok(match &outcome.event {
                Some(event) => endpoint.called(event.get_ref()),
                None => endpoint,
            })
        }
        (Kind::Binary | Kind::Ordinal, Some(scale)) => {
            Err(Error::of(ErrorKind::Rule, "`scale` is for kind = \"estimate\"")
                .at(source.place(scale.span()))
                .help("counts are modelled on the log odds ratio; leave `scale` out"))
        }
        (Kind::Estimate, Some(scale)) => match &outcome.event {
            Some(event) => Err(Error::of(ErrorKind::Rule, "`event` is for kind = \"binary\"")
                .at(source.place(event.span()))),
            None => Ok(Endpoint::estimates(name, *scale.get_ref(), higher_is)),
        },
        (Kind::Estimate, None) => Err(Error::of(ErrorKind::Missing, "`scale` is missing from [outcome]")
            .at(Place::File(source.file.clone()))
            .help("write scale = \"log_odds_ratio\", \"log_risk_ratio\", \"log_hazard_ratio\" or \"difference\"")),
    }
}

/// What the effects are adjusted for, with what a reader should know of it.
fn adjustment(
    source: &Source,
    file: &ModelFile,
    measured: Measured,
    study: &mut Study,
) -> Result<Adjustment> {
    let names = study.data.names();
    let of = (&names[..], study.factors.as_deref());
    let found = design::adjustment(source, (&file.model, &file.prior), measured, of, &mut study.notices)?;
    if let Some(section) = &file.bias {
        bias_words::check_adjusted(source, section)?;
    }
    let (ratios, whom) = match &study.factors {
        None => (": odds ratios are for patients alike in these.", found.population.in_words()),
        // Of several factors odds ratios too are those of averaged risks.
        Some(_) => (".", found.population.in_words().replace("a subgroup", "a level")),
    };
    study.notices.push(format!(
        "Effects are adjusted for {}{ratios} Risks are averages over {whom}.",
        found.in_words(),
    ));
    Ok(found)
}

/// What belongs to covariates and centres has no place without them.
fn check_unadjusted(source: &Source, file: &ModelFile) -> Result<()> {
    let of_file = "covariates stand in the columns of a data file: file = \"trial.csv\" with rows = \"patients\" or rows = \"counts\"";
    let wrong = |message: &str, span: Range<usize>, help: &str| {
        Err(Error::of(ErrorKind::Rule, message).at(source.place(span)).help(help))
    };
    if let Some(entry) = file.model.adjust.first() {
        return wrong("there are no covariates to adjust for", entry.span(), of_file);
    }
    if let Some(population) = &file.model.population {
        let help = "it is for models with covariates or centres: without them all patients of a subgroup and arm are alike";
        return wrong("`population` without `adjust`", population.span(), help);
    }
    if let Some(prior) = &file.prior.centre {
        let help = "name the column of the centres: columns = { …, centre = \"…\" }";
        return wrong("a prior for centres, and there are none", prior.span(), help);
    }
    Ok(())
}

/// What may stand between effects and data, with questions about it, and with what is said of missing outcomes.
fn bias(source: &Source, file: &ModelFile, study: &mut Study) -> Result<Option<Bias>> {
    let adjusted = study.adjustment.is_some();
    let Some(section) = &file.bias else {
        let crossed = study.factors.is_some();
        study.notices.extend(left_out(&study.data, &[false; 2], (adjusted, crossed)));
        return Ok(None);
    };
    if study.data.levels().is_some() {
        bias_words::check_levels(source, section)?;
    }
    let context = bias_words::Context {
        source,
        data: &study.data,
        scale: study.outcome.scale,
        assignment: study.assignment,
        baseline: study.priors.baseline.as_ref().map(|b| &b.distribution),
        adjusted,
    };
    bias_words::bias(&context, section, &mut study.notices).map(Some)
}
