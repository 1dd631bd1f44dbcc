//! Priors with names of their own, `[priors.NAME]`: read, filled in from the model's, and their sources opened.

use std::collections::BTreeMap;

use toml::Spanned;

use super::build::{baseline_of, baseline_prior, check_flat, effect_prior, heterogeneity_prior, study};
use super::model_file::{NamedPriorSection, OutcomeSection};
use super::source::Source;
use crate::error::{Error, Result};
use crate::study::names;
use crate::study::{Data, External, NamedPriors, Pooling, Study};

/// Names that the program has given already.
const TAKEN: [&str; 3] = ["stated", "library", "all"];

/// In the order in which they are written.
pub fn priors(
    source: &Source,
    sections: BTreeMap<Spanned<String>, Spanned<NamedPriorSection>>,
    (study, outcome): (&Study, &OutcomeSection),
) -> Result<Vec<NamedPriors>> {
    let mut sections: Vec<_> = sections.into_iter().collect();
    let scale = study.outcome.scale;
    sections.sort_by_key(|(name, _)| name.span().start);
    sections
        .iter()
        .map(|(name, section)| {
            check_name(source, name)?;
            let span = section.span();
            let section = section.get_ref();
            let mut priors = study.priors.clone();
            if let Some(entry) = &section.effect {
                priors.effect = effect_prior(source, entry, scale)?;
            }
            if let Some(text) = &section.heterogeneity {
                priors.heterogeneity = Some(heterogeneity_prior(source, text, scale)?);
            }
            if let Some(entry) = &section.baseline {
                priors.baseline = Some(baseline_prior(source, entry, outcome)?);
            }
            if let Some(said) = &section.baseline_of {
                if section.baseline.is_none() {
                    return Err(Error::new("`baseline_of` without `baseline`")
                        .at(source.place(said.span()))
                        .help("a prior of one is no prior of the other: set baseline beside it"));
                }
                let of = baseline_of(source, Some(said), outcome)?;
                priors.baseline_of = of.unwrap_or(priors.baseline_of);
            }
            if let Some(entry) = section.effect.as_ref().filter(|_| !priors.effect.distribution.is_proper()) {
                check_flat(source, (study.pooling, priors.baseline_of), entry.span(), &study.data)?;
            }
            let external = external(source, section, study)?;
            let nothing = section.effect.is_none()
                && section.heterogeneity.is_none()
                && section.baseline.is_none()
                && external.is_none();
            if nothing {
                return Err(Error::new(format!("[priors.{}] says nothing", name.get_ref()))
                    .at(source.place(span))
                    .help("set effect, heterogeneity or baseline, or from = [\"MODEL\"] with a weight"));
            }
            let blended = external.as_ref().is_some_and(|e| e.weight > 0.0 && e.weight < 1.0);
            if blended && !priors.effect.distribution.is_proper() {
                return Err(Error::new("a prior from other models beside a flat one")
                    .at(source.place(span))
                    .help("the rest of the prior must be a proper distribution: set effect"));
            }
            Ok(NamedPriors { name: name.get_ref().clone(), priors, external })
        })
        .collect()
}

fn check_name(source: &Source, name: &Spanned<String>) -> Result<()> {
    let text = name.get_ref();
    let fault = |message: String, help: &str| {
        Err(Error::new(message).at(source.place(name.span())).help(help.to_string()))
    };
    if let Err(unfit) = names::name(text) {
        return fault(format!("the prior's name {}", unfit.in_words()), unfit.help());
    }
    let plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    if text.is_empty() || !text.chars().all(plain) {
        return fault(
            format!("the prior's name `{text}` can't be asked for"),
            "use letters, digits, `-`, `_` and `.`",
        );
    }
    let library = crate::study::library_names();
    if TAKEN.contains(&text.as_str()) || library.contains(text) {
        return fault(
            format!("the name `{text}` is the program's own"),
            "`stated` is [prior], `library` and its nine names are the reanalysis library; choose another",
        );
    }
    Ok(())
}

/// The studies that a prior is made from.
fn external(source: &Source, section: &NamedPriorSection, study: &Study) -> Result<Option<External>> {
    let Some(from) = &section.from else {
        return match &section.weight {
            Some(weight) => Err(Error::new("`weight` without `from`")
                .at(source.place(weight.span()))
                .help("a weight says how far other models are believed: name them, from = [\"MODEL\"]")),
            None => Ok(None),
        };
    };
    let Some(weight) = &section.weight else {
        return Err(Error::new("`from` without `weight`").at(source.place(from.span())).help(
            "say how far the other models are believed to speak of this one: weight = 0.5 (0 not at all, 1 wholly)",
        ));
    };
    let w = weight.get_ref().0;
    if !(0.0..=1.0).contains(&w) {
        return Err(Error::new(format!("a weight of {w}"))
            .at(source.place(weight.span()))
            .help("a weight lies between 0 (not believed) and 1 (taken whole)"));
    }
    if from.get_ref().is_empty() {
        return Err(Error::new("`from` names no model").at(source.place(from.span())));
    }
    let mut sources: Vec<Study> = Vec::new();
    for model in from.get_ref() {
        let beside = source.beside(model)?;
        let found = self::study(&beside, beside.parse()?)?;
        let here = source.place(model.span());
        if sources.iter().any(|s| same_figures(&s.data, &found.data)) {
            return Err(
                Error::new(format!("the data of `{}` stand twice in `from`", model.get_ref())).at(here)
            );
        }
        fits(&found, study).map_err(|e| e.at(here))?;
        sources.push(found);
    }
    Ok(Some(External { sources, weight: w }))
}

/// Whether one study can speak of another: the same outcome on the same scale, the same way up, other patients.
fn fits(found: &Study, study: &Study) -> Result<()> {
    let differ = |what: &str, theirs: &str, ours: &str| {
        Err(Error::new(format!(
            "`{}` can't be a prior here: its {what} is {theirs}, this model's {ours}",
            found.name
        ))
        .help("a prior must speak of the same effect"))
    };
    if found.outcome.scale != study.outcome.scale {
        let words = |s: &Study| s.outcome.scale.measure_in_words().to_string();
        return differ("effect measure", &format!("a {}", words(found)), &format!("a {}", words(study)));
    }
    if found.outcome.higher_is != study.outcome.higher_is {
        let words = |s: &Study| match s.outcome.higher_is {
            crate::study::HigherIs::Better => "higher is better",
            crate::study::HigherIs::Worse => "higher is worse",
        };
        return differ("direction", words(found), words(study));
    }
    let same = |a: &str, b: &str| a.trim().to_lowercase() == b.trim().to_lowercase();
    if !same(&found.outcome.name, &study.outcome.name) {
        return differ("outcome", &format!("`{}`", found.outcome.name), &format!("`{}`", study.outcome.name));
    }
    if same_figures(&found.data, &study.data) {
        return Err(Error::new(format!("`{}` holds the very data of this model", found.name))
            .help("as a prior they would count twice"));
    }
    if found.pooling == Pooling::None {
        return Err(Error::new(format!(
            "`{}` is fitted without pooling: it predicts nothing for a further {}",
            found.name, found.subgroup_name
        ))
        .help("set pooling = \"partial\" there"));
    }
    Ok(())
}

/// Whether two studies hold the same figures, whatever they call them and in whichever order.
fn same_figures(a: &Data, b: &Data) -> bool {
    let figures = |data: &Data| -> Vec<[u64; 4]> {
        let mut rows: Vec<[u64; 4]> = match data {
            Data::Counts(rows) => rows
                .iter()
                .map(|r| [r.control().events, r.control().total, r.active().events, r.active().total])
                .collect(),
            Data::Estimates(rows) => {
                rows.iter().map(|r| [r.estimate.to_bits(), r.se.to_bits(), 0, 0]).collect()
            }
        };
        rows.sort_unstable();
        rows
    };
    figures(a) == figures(b)
}
