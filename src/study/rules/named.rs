//! Further priors by name: what they change, and other studies that they are made from.

use super::super::problem::{Fault, Part, PriorPart, Problem};
use super::super::{
    BaselineOf, BaselinePrior, Data, External, HeterogeneityPrior, HigherIs, LocationPrior, NamedPriors,
    Pooling, Study, Written, library_names, names,
};
use super::labels::unfit;
use super::{
    baseline_parameters, effect_parameters, fitting_baseline, fitting_baselines, flat_effect,
    heterogeneity_parameters,
};
use crate::error::ErrorKind;

/// Names that the program has given already.
const TAKEN: [&str; 3] = ["stated", "library", "all"];

/// What further priors change of the study's own.
#[derive(Debug, Clone, Default)]
pub(crate) struct NamedChanges {
    pub effect: Option<Written<LocationPrior>>,
    pub heterogeneity: Option<Written<HeterogeneityPrior>>,
    pub baseline: Option<Written<BaselinePrior>>,
    pub baseline_of: Option<BaselineOf>,
    pub external: Option<External>,
}

/// The study's priors with these changes.
pub(crate) fn named(study: &Study, name: &str, changes: NamedChanges) -> Result<NamedPriors, Problem> {
    named_name(name)?;
    let at = |part| Part::Named { name: name.to_string(), part };
    let fault = |part: PriorPart| move |fault: Fault| fault.of(Part::Named { name: name.to_string(), part });
    let mut priors = study.priors.clone();
    let NamedChanges { effect, heterogeneity, baseline, baseline_of, external } = changes;
    let nothing = effect.is_none() && heterogeneity.is_none() && baseline.is_none() && external.is_none();
    let changes_effect = effect.is_some();
    if let Some(effect) = effect {
        effect_parameters(&effect.distribution, study.outcome.scale).map_err(fault(PriorPart::Effect))?;
        priors.effect = effect;
    }
    if let Some(tau) = heterogeneity {
        heterogeneity_parameters(&tau.distribution, study.outcome.scale)
            .map_err(fault(PriorPart::Heterogeneity))?;
        priors.heterogeneity = Some(tau);
    }
    if baseline_of.is_some() && baseline.is_none() {
        let message = "`baseline_of` without `baseline`";
        return Err(Problem::new(at(PriorPart::BaselineOf), ErrorKind::Rule, message)
            .help("a prior of one is no prior of the other: set baseline beside it"));
    }
    let counts = study.data.has_risks();
    fitting_baseline(counts, (baseline.is_some(), baseline_of.is_some()))
        .map_err(|(part, found)| found.of(at(part)))?;
    if let Some(baseline) = baseline {
        baseline_parameters(&baseline.distribution).map_err(fault(PriorPart::Baseline))?;
        priors.baseline = Some(baseline);
    }
    fitting_baselines(study.pooling, &priors).map_err(fault(PriorPart::Baseline))?;
    priors.baseline_of = baseline_of.unwrap_or(priors.baseline_of);
    let flat = !priors.effect.distribution.is_proper();
    if flat && changes_effect && study.pooling == Pooling::ExchangeableOrNot {
        let message = "a flat effect prior, and subgroups may all stand alone";
        return Err(Problem::new(at(PriorPart::Effect), ErrorKind::Rule, message)
            .help("the data then say nothing of the mean effect: write a proper prior"));
    }
    if changes_effect && flat {
        flat_effect(study.pooling, priors.baseline_of, &study.data).map_err(fault(PriorPart::Effect))?;
    }
    if let Some(external) = &external {
        sources(study, external, &at)?;
    }
    if nothing {
        return Err(Problem::new(
            at(PriorPart::Whole),
            ErrorKind::Missing,
            format!("[priors.{name}] says nothing"),
        )
        .help("set effect, heterogeneity or baseline, or from = [\"MODEL\"] with a weight"));
    }
    let blended = external.as_ref().is_some_and(|e| e.weight > 0.0 && e.weight < 1.0);
    if blended && flat {
        let message = "a prior from other models beside a flat one";
        return Err(Problem::new(at(PriorPart::Whole), ErrorKind::Rule, message)
            .help("the rest of the prior must be a proper distribution: set effect"));
    }
    Ok(NamedPriors { name: name.to_string(), priors, external })
}

/// A name that can be asked for.
pub(crate) fn named_name(name: &str) -> Result<(), Problem> {
    let part = || Part::Named { name: name.to_string(), part: PriorPart::Name };
    names::name(name).map_err(|e| unfit(part(), "the prior's name", e))?;
    let plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || !name.chars().all(plain) {
        let message = format!("the prior's name `{name}` can't be asked for");
        return Err(
            Problem::new(part(), ErrorKind::Value, message).help("use letters, digits, `-`, `_` and `.`")
        );
    }
    if TAKEN.contains(&name) || library_names().iter().any(|taken| taken == name) {
        let message = format!("the name `{name}` is the program's own");
        return Err(Problem::new(part(), ErrorKind::Rule, message).help(
            "`stated` is [prior], `library` and its nine names are the reanalysis library; choose another",
        ));
    }
    Ok(())
}

/// The studies that a prior is made from.
fn sources(study: &Study, external: &External, at: &impl Fn(PriorPart) -> Part) -> Result<(), Problem> {
    let weight = external.weight;
    if !(0.0..=1.0).contains(&weight) {
        let message = format!("a weight of {weight}");
        return Err(Problem::new(at(PriorPart::Weight), ErrorKind::Value, message)
            .help("a weight lies between 0 (not believed) and 1 (taken whole)"));
    }
    if external.sources.is_empty() {
        return Err(Problem::new(at(PriorPart::Source(0)), ErrorKind::Missing, "`from` names no model"));
    }
    for (i, found) in external.sources.iter().enumerate() {
        let here = at(PriorPart::Source(i));
        if external.sources[..i].iter().any(|s| Data::same_figures(&s.data, &found.data)) {
            let message = format!("the data of `{}` stand twice in `from`", found.name);
            return Err(Problem::new(here, ErrorKind::Rule, message));
        }
        if let Some((before, shared)) = external.sources[..i].iter().find_map(|before| {
            let shared = found.data.shared(&before.data);
            (!shared.is_empty()).then_some((before, shared))
        }) {
            let message =
                format!("`{}` and `{}` both hold {}", before.name, found.name, rows_in_words(&shared));
            return Err(Problem::new(here, ErrorKind::Rule, message).help(
                "the same name and the same figures: these patients would count twice; leave one of the models out, or take the rows out of one",
            ).help(OTHER_PATIENTS));
        }
        fits(found, study).map_err(|fault| fault.of(here))?;
    }
    Ok(())
}

/// The way out where names and figures are the same by chance.
const OTHER_PATIENTS: &str = "if they are other patients, with the same figures by chance, give the subgroup another name in one of the models";

/// "`men`", "`men` and `women`", "`a`, `b` and `c`", "`a`, `b`, `c` and 4 more subgroups".
fn rows_in_words(names: &[&str]) -> String {
    const TOLD: usize = 3;
    let first: Vec<String> = names.iter().take(TOLD).map(|name| format!("`{name}`")).collect();
    match (names.len().saturating_sub(TOLD), first.as_slice()) {
        (0, [before @ .., last]) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        (0, _) => first.concat(),
        (1, _) => format!("{} and 1 more subgroup", first.join(", ")),
        (more, _) => format!("{} and {more} more subgroups", first.join(", ")),
    }
}

/// Whether one study can speak of another: the same outcome on the same scale, the same way up, other patients.
fn fits(found: &Study, study: &Study) -> Result<(), Fault> {
    let fault = |message: String, help: &str| Err(Fault::new(ErrorKind::Rule, message, help));
    let differ = |what: &str, theirs: &str, ours: &str| {
        fault(
            format!("`{}` can't be a prior here: its {what} is {theirs}, this model's {ours}", found.name),
            "a prior must speak of the same effect",
        )
    };
    if let Some(several) = found.has_several() {
        return fault(
            format!("`{}` can't be a prior here: it has {several}", found.name),
            "a prior must speak of one effect: give a model of two arms and of subgroups of one kind",
        );
    }
    if found.outcome.scale != study.outcome.scale {
        let words = |s: &Study| format!("a {}", s.outcome.scale.measure_in_words());
        return differ("effect measure", &words(found), &words(study));
    }
    if found.outcome.higher_is != study.outcome.higher_is {
        let words = |s: &Study| match s.outcome.higher_is {
            HigherIs::Better => "higher is better",
            HigherIs::Worse => "higher is worse",
        };
        return differ("direction", words(found), words(study));
    }
    let same = |a: &str, b: &str| a.trim().to_lowercase() == b.trim().to_lowercase();
    if !same(&found.outcome.name, &study.outcome.name) {
        return differ("outcome", &format!("`{}`", found.outcome.name), &format!("`{}`", study.outcome.name));
    }
    if Data::same_figures(&found.data, &study.data) {
        let message = format!("`{}` holds the very data of this model", found.name);
        return fault(message, "as a prior they would count twice");
    }
    let shared = found.data.shared(&study.data);
    if !shared.is_empty() {
        let message = format!("`{}` and this model both hold {}", found.name, rows_in_words(&shared));
        let help = "the same name and the same figures: as a prior these patients would count twice; take the rows out of one of them";
        return fault(message, &format!("{help}; {OTHER_PATIENTS}"));
    }
    if found.pooling == Pooling::None {
        return fault(
            format!(
                "`{}` is fitted without pooling: it predicts nothing for a further {}",
                found.name, found.subgroup_name
            ),
            "set pooling = \"partial\" there",
        );
    }
    Ok(())
}
