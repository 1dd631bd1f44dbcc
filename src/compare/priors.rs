//! The sets of priors that are compared: the stated one, the model file's named ones, and the reanalysis library's.

use super::conflict::{Conflict, conflict};
use super::external::{self, Fitted, Predictions};
use super::information::{location_information, unit_information};
use crate::error::{Error, Result};
use crate::exact::{Distribution, ExactPosterior, Resolution};
use crate::model::{BaselineOf, BaselinePrior, Likelihood, LocationPrior, Model, Pooling};
use crate::posterior::{Measure, Quantiles, Statement, region};
use crate::study::{
    HeterogeneityPrior, NormalComponent, Pooling as StudyPooling, Priors, Scale, Study, Written,
    library_names, library_priors,
};

pub use crate::posterior::STATED;

/// A set of priors with what it says before any data.
#[derive(Debug, Clone)]
pub struct PriorSet {
    pub name: String,
    pub priors: Priors,
    pub says: Says,
}

impl PriorSet {
    /// Whether its fits are sampled, its baselines being exchangeable.
    pub fn is_sampled(&self) -> bool {
        let baseline = self.priors.baseline.as_ref().map(|b| &b.distribution);
        matches!(baseline, Some(BaselinePrior::Exchangeable { .. }))
    }
}

/// What an effect prior says before any data, and how it stands to them.
#[derive(Debug, Clone)]
pub struct Says {
    /// P(benefit) and P(harm) for the mean effect; none under a flat prior.
    pub benefit: Option<f64>,
    pub harm: Option<f64>,
    /// Of the mean effect, on its measure's own scale.
    pub effect: Option<Quantiles>,
    /// So wide that it is a reference and no belief.
    pub reference_only: bool,
    /// The standard error of an estimate that would tell as much.
    pub standard_error: Option<f64>,
    /// The patients that would tell as much, at this study's risks and division into arms; none for estimates.
    pub patients: Option<f64>,
    pub conflict: Option<Conflict>,
    pub external: Option<Fitted>,
}

/// What is asked for, in the words of `--priors`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked(pub Vec<String>);

/// The stated priors first, then what is asked for: everything there is, where nothing is.
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
                return Err(Error::new(format!("no prior named `{name}`"))
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
                let (effect, about) = external::effect(from, &priors.effect, predictions)
                    .map_err(|why| Error::new(format!("the prior `{name}` can't be made: {why}")))?;
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
        Error::new("the reanalysis library needs an expected effect")
            .help("add a section [library] with expected_odds_ratio = 1.5, a magnitude above 1")
    } else {
        Error::new(format!(
            "the reanalysis library speaks of odds ratios, and this model's effect is a {}",
            study.outcome.scale.measure_in_words()
        ))
        .help("give priors of your own, [priors.NAME]")
    }
}

/// Priors under a name, with what they say.
pub fn set(study: &Study, name: &str, priors: Priors, external: Option<Fitted>) -> PriorSet {
    let says = says(study, &priors, external);
    PriorSet { name: name.to_string(), priors, says }
}

/// The posterior of a model without data: the priors themselves.
fn before_data(effect: &LocationPrior, heterogeneity: Option<HeterogeneityPrior>) -> Option<ExactPosterior> {
    let model = Model {
        likelihood: Likelihood::Estimates(Vec::new()).emptied(2),
        pooling: heterogeneity.map_or(Pooling::Complete, Pooling::Partial),
        effect: effect.clone(),
        baseline: BaselinePrior::Independent(LocationPrior::normal(0.0, 1.0)),
        misclassification: None,
        baseline_of: BaselineOf::default(),
        rows: None,
    };
    effect.is_proper().then(|| ExactPosterior::new(&model, Resolution::default()).ok()).flatten()
}

fn says(study: &Study, priors: &Priors, external: Option<Fitted>) -> Says {
    let effect = &priors.effect.distribution;
    let ratio = study.outcome.scale.is_ratio();
    let before = before_data(effect, None);
    let mu = before.as_ref().and_then(ExactPosterior::mu);
    let information = location_information(effect);
    let unit = unit_information(&study.data);
    let tau = priors.heterogeneity.as_ref().map(|h| h.distribution);
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
        conflict: match study.pooling {
            StudyPooling::Partial => conflict(study, effect, &tau_values(tau)),
            StudyPooling::Complete => conflict(study, effect, &[0.0]),
            // Nothing is shared: there is no mean effect.
            StudyPooling::None => None,
        },
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
    let far = match &study.data {
        crate::study::Data::Estimates(rows) if !study.outcome.scale.is_ratio() => {
            30.0 * rows.iter().map(|r| r.se).fold(0.0, f64::max)
        }
        _ => libm::log(20.0),
    };
    1.0 - d.cdf(far) + d.cdf(-far) > BEYOND
}

/// Values of τ that stand for its prior in equal parts.
fn tau_values(heterogeneity: Option<HeterogeneityPrior>) -> Vec<f64> {
    const PARTS: usize = 64;
    match heterogeneity {
        None => vec![0.0],
        Some(HeterogeneityPrior::Fixed { value }) => vec![value],
        Some(prior) => {
            let before = before_data(&LocationPrior::normal(0.0, 1.0), Some(prior));
            let Some(tau) = before.as_ref().and_then(ExactPosterior::tau) else { return Vec::new() };
            (0..PARTS).map(|k| tau.quantile((k as f64 + 0.5) / PARTS as f64)).collect()
        }
    }
}

/// Whether an effect prior is a reference rather than a belief.
pub fn is_reference_only(study: &Study) -> bool {
    let before = before_data(&study.priors.effect.distribution, None);
    before.as_ref().and_then(ExactPosterior::mu).is_none_or(|d| is_reference(study, &*d))
}
