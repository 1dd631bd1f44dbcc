//! `[design]`: what is taken to be true when studies are simulated, in a model file or in a file of its own.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::build::{baseline_prior, effect_prior, error, heterogeneity_prior};
use super::keys::Keys;
use super::model_file::LocationEntry;
#[cfg(test)]
use super::model_file::{BaselineWords, LocationWords};
use super::nearest::{all_listed, nearest};
use super::source::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::numeric::{logistic, logit};
use crate::study::rules::{NamedChanges, named};
use crate::study::{Data, Design, StatedTruth, Study};

/// The most truths that may be stated.
const MOST_TRUTHS: usize = 50;

/// A file that states what is taken to be true.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct DesignFile {
    design: Spanned<DesignSection>,
}

/// For `equipoise simulate`: what is taken to be true, apart from the priors that a study is analysed under.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DesignSection {
    /// The design prior, from which truths are drawn; what it leaves out is taken from `[prior]`, which studies are analysed under.
    #[cfg_attr(test, schemars(with = "Option<LocationWords>"))]
    pub effect: Option<Spanned<LocationEntry>>,
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub heterogeneity: Option<Spanned<String>>,
    #[cfg_attr(test, schemars(with = "Option<BaselineWords>"))]
    pub baseline: Option<Spanned<LocationEntry>>,
    /// Fixed truths.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<TruthEntry>"))]
    pub truth: Vec<Spanned<TruthEntry>>,
}

/// One fixed truth: risks by arm, or the control risk and an odds ratio.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TruthEntry {
    #[cfg_attr(test, schemars(with = "String"))]
    pub name: Spanned<String>,
    /// The control risk: one for all subgroups, or by subgroup. Default: as observed.
    #[cfg_attr(test, schemars(with = "Option<NumberBySubgroup>"))]
    pub control: Option<Spanned<NumberBySubgroup>>,
    /// The active risk.
    #[cfg_attr(test, schemars(with = "Option<NumberBySubgroup>"))]
    pub active: Option<Spanned<NumberBySubgroup>>,
    /// In place of it: the odds ratio, 1 for no effect.
    #[cfg_attr(test, schemars(with = "Option<NumberBySubgroup>"))]
    pub odds_ratio: Option<Spanned<NumberBySubgroup>>,
}

/// One number, or one by subgroup.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum NumberBySubgroup {
    One(f64),
    By(BTreeMap<String, f64>),
}

/// Reads what is taken to be true from a file of its own, for a study.
pub fn open_design(path: &Path, study: &Study) -> Result<Design> {
    let source = Source::find(path)?;
    let file: DesignFile = source.parse_as(Keys::Design)?;
    design(&source, &file.design, study)
}

/// The section of a study's model file.
pub fn design(source: &Source, section: &Spanned<DesignSection>, study: &Study) -> Result<Design> {
    let s = section.get_ref();
    let scale = study.outcome.scale;
    let changes = NamedChanges {
        effect: s.effect.as_ref().map(|entry| effect_prior(source, entry, scale)).transpose()?,
        heterogeneity: s.heterogeneity.as_ref().map(|t| heterogeneity_prior(source, t, scale)).transpose()?,
        baseline: s.baseline.as_ref().map(|entry| baseline_prior(source, entry)).transpose()?,
        ..NamedChanges::default()
    };
    let states_prior =
        changes.effect.is_some() || changes.heterogeneity.is_some() || changes.baseline.is_some();
    let priors = if states_prior {
        let place = source.place(section.span());
        let found = named(study, "design", changes).map_err(|problem| error(problem, place))?.priors;
        if !found.effect.distribution.is_proper() {
            let span = s.effect.as_ref().map_or(section.span(), Spanned::span);
            return Err(Error::of(ErrorKind::Rule, "a flat design prior").at(source.place(span)).help(
                "truths are drawn from it: write a distribution, such as effect = \"normal(0.3, 0.2)\"",
            ));
        }
        Some(found)
    } else {
        None
    };
    let mut truths: Vec<StatedTruth> = Vec::new();
    for entry in &s.truth {
        let found = truth(source, entry, study)?;
        if truths.iter().any(|known| known.name == found.name) {
            return Err(Error::of(ErrorKind::Rule, format!("the truth `{}` stands twice", found.name))
                .at(source.place(entry.get_ref().name.span()))
                .help("give one of them another name"));
        }
        truths.push(found);
    }
    if truths.len() > MOST_TRUTHS {
        return Err(Error::of(ErrorKind::Limit, format!("{} truths", truths.len()))
            .at(source.place(section.span()))
            .help(format!("at most {MOST_TRUTHS} may be stated")));
    }
    Ok(Design { priors, truths })
}

fn truth(source: &Source, entry: &Spanned<TruthEntry>, study: &Study) -> Result<StatedTruth> {
    let t = entry.get_ref();
    let at = |kind, span, message: String, help: &str| {
        Err(Error::of(kind, message).at(source.place(span)).help(help))
    };
    let name = t.name.get_ref().trim().to_string();
    if name.is_empty() {
        return at(
            ErrorKind::Missing,
            t.name.span(),
            "a truth's name is empty".to_string(),
            "name it, such as \"no effect\"",
        );
    }
    if ["design prior", "analysis prior"].contains(&name.as_str()) {
        return at(
            ErrorKind::Rule,
            t.name.span(),
            format!("the truth is called `{name}`"),
            "draws from a prior are told under that name: choose another",
        );
    }
    let Data::Counts(rows) = &study.data else {
        let help = "leave [[design.truth]] out: `simulate` then draws effects from the priors";
        return at(
            ErrorKind::Rule,
            entry.span(),
            "truths are risks of events, and the data are no counts of two arms".to_string(),
            help,
        );
    };
    let observed = |g: usize| {
        let of = &rows[g];
        let (events, total) =
            (of.control().events + of.active().events, of.control().total + of.active().total);
        (events as f64 + 0.5) / (total as f64 + 1.0)
    };
    let groups = rows.len();
    let control: Vec<f64> = match &t.control {
        Some(entry) => numbers(source, entry, study, Unit::Risk)?,
        None => (0..groups).map(observed).collect(),
    };
    let active = match (&t.active, &t.odds_ratio) {
        (Some(entry), None) => numbers(source, entry, study, Unit::Risk)?,
        (None, Some(entry)) => {
            let ratios = numbers(source, entry, study, Unit::OddsRatio)?;
            control.iter().zip(ratios).map(|(p, r)| logistic(logit(*p) + libm::log(r))).collect()
        }
        (Some(_), Some(entry)) => {
            return at(
                ErrorKind::Rule,
                entry.span(),
                "both `active` and `odds_ratio`".to_string(),
                "give one of them",
            );
        }
        (None, None) => {
            return at(
                ErrorKind::Missing,
                entry.span(),
                format!("the truth `{name}` says nothing of the active arm"),
                "write active = 0.3, or odds_ratio = 1 for no effect; by subgroup: active = { \"men\" = 0.3, \"women\" = 0.2 }",
            );
        }
    };
    Ok(StatedTruth { name, risks: control.into_iter().zip(active).map(|(c, a)| [c, a]).collect() })
}

#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Risk,
    OddsRatio,
}

/// A number for every subgroup.
fn numbers(
    source: &Source,
    entry: &Spanned<NumberBySubgroup>,
    study: &Study,
    unit: Unit,
) -> Result<Vec<f64>> {
    let names = study.data.names();
    let at = |kind, message: String| Error::of(kind, message).at(source.place(entry.span()));
    let checked = |x: f64| -> Result<f64> {
        match unit {
            Unit::Risk if !(x > 0.0 && x < 1.0) => {
                let per_cent =
                    if x > 1.0 && x < 100.0 { format!(": {x} % is {}", x / 100.0) } else { String::new() };
                Err(at(ErrorKind::Value, format!("a true risk of {x}"))
                    .help(format!("a risk lies between 0 and 1, and is neither{per_cent}")))
            }
            Unit::OddsRatio if !(x > 0.0 && x.is_finite()) => {
                Err(at(ErrorKind::Value, format!("a true odds ratio of {x}"))
                    .help("odds ratios lie above 0; 1 is no effect"))
            }
            _ => Ok(x),
        }
    };
    match entry.get_ref() {
        NumberBySubgroup::One(x) => Ok(vec![checked(*x)?; names.len()]),
        NumberBySubgroup::By(by) => {
            for name in by.keys() {
                if !names.iter().any(|known| known == name) {
                    let error = at(ErrorKind::Unknown, format!("no subgroup named `{name}`"));
                    return Err(match nearest(name, names.iter().copied()) {
                        Some(near) => error.label(format!("did you mean `{near}`?")),
                        None => {
                            error.help(format!("the subgroups are {}", all_listed(names.iter().copied())))
                        }
                    });
                }
            }
            names
                .iter()
                .map(|name| match by.get(*name) {
                    Some(x) => checked(*x),
                    None => Err(at(ErrorKind::Missing, format!("no number for `{name}`"))
                        .help("give one for every subgroup, or one number for all")),
                })
                .collect()
        }
    }
}
