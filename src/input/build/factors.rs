//! Several subgroup factors as a model file has them: levels beside the data, and what is assumed.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;

use super::super::level_words::Name;
use super::super::model_file::{DataSection, InteractionsEntry, ModelFile, Rows};
use super::super::nearest::nearest;
use super::super::prior_words;
use super::super::source::Source;
use super::priors::{at_fault, default_global};
use crate::error::{Error, ErrorKind, Result};
use crate::study::rules::StatedFactors;
use crate::study::{Interactions, Scale, Slab, StudyBuilder, Written};

/// The levels of a row by factor.
pub type ByFactor = BTreeMap<Spanned<String>, Spanned<Name>>;

/// What several factors can't stand beside.
pub fn alone(source: &Source, file: &ModelFile) -> Result<()> {
    let section = file.data.get_ref();
    let wrong = |message: &str, span, help: &str| {
        Err(Error::of(ErrorKind::Rule, message).at(source.place(span)).help(help))
    };
    let Some(first) = section.factors.first() else {
        let levels = section.levels.as_ref().and_then(|l| l.get_ref().factors.keys().next());
        let inline =
            section.counts.iter().flat_map(|rows| rows.get_ref()).flat_map(|r| r.get_ref().levels.keys());
        let estimates =
            section.estimates.iter().flat_map(|rows| rows.get_ref()).flat_map(|r| r.get_ref().levels.keys());
        return match levels.into_iter().chain(inline).chain(estimates).next() {
            Some(key) => wrong(
                "levels of factors, and there are none",
                key.span(),
                "name them: factors = [\"…\", \"…\"] in [subgroup]; or name each row's subgroup: subgroup = \"…\"",
            ),
            None => Ok(()),
        };
    };
    if let Some((key, _)) = section.columns.iter().find(|(key, _)| key.get_ref() == "centre") {
        return wrong(
            "centres beside several factors",
            key.span(),
            "leave `centre` out, or fit one factor at a time",
        );
    }
    if let Some(bias) = &file.bias {
        return wrong("[bias] beside several factors", bias.span(), "fit one factor at a time");
    }
    if section.rows == Some(Rows::Draws) {
        return wrong(
            "draws of several factors",
            first.span(),
            "name each column's subgroup, without `factors`",
        );
    }
    Ok(())
}

/// The name of a row: its levels, one after another.
pub fn name(levels: &ByFactor) -> String {
    // In the order of the factors' names, so that rows with the same levels have the same name.
    let each: Vec<&str> = levels.values().map(|level| level.get_ref().0.as_str()).collect();
    each.join(", ")
}

/// The factors of rows that stand in the model file; none of one kind of subgroups, and of a data file.
pub fn stated(source: &Source, section: &DataSection) -> Result<Option<StatedFactors>> {
    if section.factors.is_empty() {
        return Ok(None);
    }
    let mut of = Vec::new();
    let mut patients = Vec::new();
    if let Some(rows) = &section.counts {
        for entry in rows.get_ref() {
            let row = entry.get_ref();
            of.push(levels(source, section, (&row.levels, row.subgroup.as_ref(), entry.span()))?);
        }
    } else if let Some(rows) = &section.estimates {
        for entry in rows.get_ref() {
            let row = entry.get_ref();
            of.push(levels(source, section, (&row.levels, row.subgroup.as_ref(), entry.span()))?);
            patients.extend(row.patients.as_ref().map(|n| n.get_ref().0 as f64));
            let stated = patients.len();
            if stated > 0 && stated != of.len() {
                return Err(Error::of(
                    ErrorKind::Missing,
                    "some rows say their `patients`, and others don't",
                )
                .at(source.place(entry.span()))
                .help("all have it, or none"));
            }
        }
    } else {
        return Ok(None);
    }
    Ok(Some(StatedFactors {
        names: section.factors.iter().map(|f| f.get_ref().clone()).collect(),
        of,
        order: Vec::new(),
        patients: (!patients.is_empty()).then_some(patients),
    }))
}

/// The levels of one row, in the order of the factors.
fn levels(
    source: &Source,
    section: &DataSection,
    (levels, subgroup, span): (&ByFactor, Option<&Spanned<String>>, Range<usize>),
) -> Result<Vec<String>> {
    if let Some(name) = subgroup {
        return Err(Error::of(ErrorKind::Rule, "`subgroup`, and there are several factors")
            .at(source.place(name.span()))
            .help("say the level of each: levels = { sex = \"men\", … }"));
    }
    let known = || section.factors.iter().map(|f| f.get_ref().as_str());
    if let Some(key) = levels.keys().find(|key| !known().any(|f| f == key.get_ref())) {
        let error = Error::of(ErrorKind::Unknown, format!("there is no factor `{}`", key.get_ref()))
            .at(source.place(key.span()))
            .help(format!("[subgroup] has {}", known().collect::<Vec<_>>().join(", ")));
        return Err(match nearest(key.get_ref(), known()) {
            Some(near) => error.label(format!("did you mean `{near}`?")),
            None => error,
        });
    }
    known()
        .map(|factor| {
            let found = levels.iter().find(|(key, _)| key.get_ref() == factor);
            found.map(|(_, level)| level.get_ref().0.clone()).ok_or_else(|| {
                Error::of(ErrorKind::Missing, format!("a row has no level of `{factor}`"))
                    .at(source.place(span.clone()))
                    .help("say the level of each factor: levels = { sex = \"men\", … }")
            })
        })
        .collect()
}

/// Adds what is assumed of several factors.
pub fn assumed(source: &Source, file: &ModelFile, mut builder: StudyBuilder) -> Result<StudyBuilder> {
    let horseshoe = match file.model.interactions.as_ref().map(|entry| *entry.get_ref()) {
        Some(InteractionsEntry::Horseshoe) => true,
        Some(InteractionsEntry::ByFactor) => {
            builder = builder.interactions(Interactions::ByFactor);
            false
        }
        None => false,
    };
    if let (Some(slab), false) = (&file.prior.slab, horseshoe) {
        return Err(Error::of(ErrorKind::Rule, "a slab, and no horseshoe")
            .at(source.place(slab.span()))
            .help("leave it out, or write interactions = \"regularised horseshoe\" in [model]"));
    }
    if horseshoe {
        let of_units = file.outcome.scale.as_ref().is_some_and(|scale| *scale.get_ref() == Scale::Difference);
        if let (true, None, Some(entry)) = (of_units, &file.prior.slab, &file.model.interactions) {
            return Err(Error::of(ErrorKind::Missing, "`slab` is missing, and the effect is a difference")
                .at(source.place(entry.span()))
                .help("it bounds large shifts in the outcome's own units: write slab = { scale = …, df = 4 } in [prior]"));
        }
        let usual = Slab::default();
        let stated = file.prior.slab.as_ref().map(Spanned::get_ref);
        let slab = Slab {
            scale: stated.and_then(|s| s.scale).map_or(usual.scale, |x| x.0),
            df: stated.and_then(|s| s.df).map_or(usual.df, |x| x.0),
        };
        if let (Some(entry), false) =
            (&file.prior.slab, (1e-3..=1e3).contains(&slab.scale) && (1.0..=1e6).contains(&slab.df))
        {
            let message = format!("a slab of scale {} and {} degrees of freedom", slab.scale, slab.df);
            return Err(Error::of(ErrorKind::Value, message)
                .at(source.place(entry.span()))
                .help("the scale is from 0.001 to 1000 on the scale of the effect, the degrees of freedom from 1: { scale = 2, df = 4 }"));
        }
        builder = builder.interactions(Interactions::Horseshoe(slab));
        default_global(source, file)?;
    }
    if let Some(text) = &file.prior.main_effects {
        let distribution =
            prior_words::coefficient(text.get_ref()).map_err(|fault| at_fault(source, text.span(), fault))?;
        builder = builder.main_effects(Written { distribution, words: text.get_ref().trim().to_string() });
    }
    Ok(builder)
}
