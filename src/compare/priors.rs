//! The sets of priors that are compared: the stated one, the model file's named ones, and the reanalysis library's.

use super::external::{self, Fitted, Predictions};
use super::information::{location_information, unit_information};
use crate::error::{Error, ErrorKind, Result};
use crate::exact::{Distribution, ExactPosterior};
use crate::model::{BaselinePrior, LocationPrior};
use crate::posterior::{EffectConflict, Measure, Quantiles, Statement, before_data, effect_conflict, region};
use crate::study::{NormalComponent, Priors, Scale, Study, Written, library_names, library_priors};

pub use crate::posterior::STATED;

/// A set of priors with what it says before any data.
#[derive(Debug, Clone)]
pub struct PriorSet {
    /// `stated`, the name that the model file gives, or that of a prior of the reanalysis library.
    pub name: String,
    /// The priors of effect, heterogeneity and baselines.
    pub priors: Priors,
    /// What the effect prior says before any data, and whether the data contradict it.
    pub says: Says,
}

impl PriorSet {
    /// Whether fits under it are sampled, because its baselines are exchangeable.
    pub fn is_sampled(&self) -> bool {
        let baseline = self.priors.baseline.as_ref().map(|b| &b.distribution);
        matches!(baseline, Some(BaselinePrior::Exchangeable { .. }))
    }
}

/// What an effect prior says before any data, and how it stands to the data.
#[derive(Debug, Clone)]
pub struct Says {
    /// P(benefit) of the mean effect before the data; none under a flat prior.
    pub benefit: Option<f64>,
    /// P(harm) of the mean effect before the data; none under a flat prior.
    pub harm: Option<f64>,
    /// The mean effect before the data, on its measure's own scale: median and central 95 % interval; none under a flat
    /// prior.
    pub effect: Option<Quantiles>,
    /// Whether the prior is so wide that it is a reference rather than a belief.
    pub reference_only: bool,
    /// The standard error of an estimate with as much information, on the scale of θ; none under a flat prior.
    pub standard_error: Option<f64>,
    /// The number of patients with as much information, at this study's risks and division into arms; none for estimates.
    pub patients: Option<f64>,
    /// How improbable the prior calls the observed mean effect; none under a flat prior, and without pooling.
    pub conflict: Option<EffectConflict>,
    /// How the prior was made from other studies; none where it was not.
    pub external: Option<Fitted>,
}

/// Which sets of priors are asked for, in the words of `--priors`: names, `library` or `all`. Empty means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked(pub Vec<String>);

/// The stated priors first, then the sets that are asked for. An error where a name is not known, or a prior can't be
/// made.
pub fn sets(study: &Study, asked: &Asked, predictions: &mut Predictions<'_>) -> Result<Vec<PriorSet>> {
    let library = library(study);
    let named: Vec<String> = study.named.iter().map(|n| n.name.clone()).collect();
    let mut wanted: Vec<String> = Vec::new();
    let mut want = |name: &str| {
        if !wanted.iter().any(|w| w == name) {
            wanted.push(name.to_string());
        }
    };
    let everything = vec!["all".to_string()];
    let words = if asked.0.is_empty() { &everything } else { &asked.0 };
    for word in words {
        match word.as_str() {
            "all" => named.iter().chain(library.iter().map(|(name, _)| name)).for_each(|n| want(n)),
            "library" if library.is_empty() => return Err(no_library(study)),
            "library" => library.iter().for_each(|(name, _)| want(name)),
            STATED => {}
            name if named.iter().any(|n| n == name) => want(name),
            name if library.iter().any(|(n, _)| n == name) => want(name),
            name if library_names().iter().any(|n| n == name) => return Err(no_library(study)),
            name => {
                let known: Vec<&str> = std::iter::once(STATED)
                    .chain(named.iter().map(String::as_str))
                    .chain(library.iter().map(|(n, _)| n.as_str()))
                    .chain(["library", "all"])
                    .collect();
                return Err(Error::of(ErrorKind::Unknown, format!("no prior named `{name}`"))
                    .help(format!("this model has {}", known.join(", "))));
            }
        }
    }
    let mut sets = vec![set(study, STATED, study.priors.clone(), None)];
    for name in wanted {
        if let Some(named) = study.named.iter().find(|n| n.name == name) {
            let mut priors = named.priors.clone();
            let mut fitted = None;
            if let Some(from) = &named.external {
                let (effect, about) = external::effect(from, &priors.effect, predictions).map_err(|why| {
                    Error::of(ErrorKind::Unavailable, format!("the prior `{name}` can't be made: {why}"))
                })?;
                (priors.effect, fitted) = (effect, Some(about));
            }
            sets.push(set(study, &name, priors, fitted));
        } else if let Some((_, effect)) = library.iter().find(|(n, _)| *n == name) {
            sets.push(set(study, &name, Priors { effect: effect.clone(), ..study.priors.clone() }, None));
        }
    }
    Ok(sets)
}

/// The reanalysis library's nine, where the model states what effect was expected.
fn library(study: &Study) -> Vec<(String, Written<LocationPrior>)> {
    let Some(expected) = study.expected_odds_ratio else { return Vec::new() };
    let written = |p: crate::study::LibraryPrior| {
        let normal = NormalComponent { weight: 1.0, mean: p.mean, sd: p.sd };
        (p.name(), Written { distribution: LocationPrior::Normals(vec![normal]), words: normal.words() })
    };
    library_priors(expected, study.outcome.higher_is).into_iter().map(written).collect()
}

fn no_library(study: &Study) -> Error {
    if study.outcome.scale == Scale::LogOddsRatio {
        Error::of(ErrorKind::Missing, "the reanalysis library needs an expected effect")
            .help("add a section [library] with expected_odds_ratio = 1.5, a magnitude above 1")
    } else {
        Error::of(
            ErrorKind::Rule,
            format!(
                "the reanalysis library speaks of odds ratios, and this model's effect is a {}",
                study.outcome.scale.measure_in_words()
            ),
        )
        .help("give priors of your own, [priors.NAME]")
    }
}

/// A set of priors under a name, with what it says before any data.
pub fn set(study: &Study, name: &str, priors: Priors, external: Option<Fitted>) -> PriorSet {
    let says = says(study, &priors, external);
    PriorSet { name: name.to_string(), priors, says }
}

fn says(study: &Study, priors: &Priors, external: Option<Fitted>) -> Says {
    let effect = &priors.effect.distribution;
    let ratio = study.outcome.scale.is_ratio();
    let before = before_data(effect, None);
    let mu = before.as_ref().and_then(ExactPosterior::mu);
    let information = location_information(effect);
    let unit = unit_information(&study.data);
    Says {
        benefit: mu.as_ref().map(|d| chance(study, &**d, Statement::Benefit)),
        harm: mu.as_ref().map(|d| chance(study, &**d, Statement::Harm)),
        effect: mu.as_ref().map(|d| {
            let out = |p: f64| if ratio { libm::exp(d.quantile(p)) } else { d.quantile(p) };
            Quantiles { median: out(0.5), q2_5: out(0.025), q97_5: out(0.975) }
        }),
        reference_only: mu.as_ref().is_none_or(|d| is_reference(study, &**d)),
        standard_error: (information > 0.0).then(|| 1.0 / libm::sqrt(information)),
        patients: unit.map(|unit| information / unit),
        conflict: effect_conflict(study, priors),
        external,
    }
}

/// P(statement) of an effect with this distribution, at no effect.
fn chance(study: &Study, d: &dyn Distribution, statement: Statement) -> f64 {
    let measure = Measure::of(study.outcome.scale);
    let (low, _) = region(statement, measure.null(), measure.axis(), study.outcome.higher_is.sign());
    if low == f64::NEG_INFINITY { d.cdf(0.0) } else { 1.0 - d.cdf(0.0) }
}

/// On ratio scales: more than three chances in ten of an effect beyond twentyfold. On others: thirty times as wide as the
/// least certain estimate.
fn is_reference(study: &Study, d: &dyn Distribution) -> bool {
    const BEYOND: f64 = 0.3;
    let far = match study.data.errors_of_differences(study.outcome.scale) {
        Some(errors) => 30.0 * errors.into_iter().fold(0.0, f64::max),
        None => libm::log(20.0),
    };
    1.0 - d.cdf(far) + d.cdf(-far) > BEYOND
}

/// Whether the study's effect prior is so wide that it is a reference rather than a belief.
pub fn is_reference_only(study: &Study) -> bool {
    let before = before_data(&study.priors.effect.distribution, None);
    before.as_ref().and_then(ExactPosterior::mu).is_none_or(|d| is_reference(study, &*d))
}
