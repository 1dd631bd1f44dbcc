//! Prior, likelihood and posterior of each subgroup's effect, as outlines.

use super::out;
use super::source::{Marginals, outline};
use crate::compare::Glance;
use crate::exact::{Distribution, ExactPosterior, Resolution};
use crate::model::{LocationPrior, Model};
use crate::numeric::normal_log_density;
use crate::parallel;
use crate::posterior::{Fit, Fitting, NormalScores, Whom};
use crate::study::{HeterogeneityPrior, Pooling, Priors, Study, Written};

/// Prior, likelihood and posterior of one subgroup's effect as outlines: points and heights on the measure's own scale,
/// the highest of each being 1.
#[derive(Debug, Clone)]
pub struct Belief {
    /// The subgroup's name.
    pub subgroup: String,
    /// The prior's outline; empty under a flat prior.
    pub prior: Vec<(f64, f64)>,
    /// The likelihood's outline, the baseline integrated out; empty where the exact engine does not cover the model.
    pub likelihood: Vec<(f64, f64)>,
    /// The posterior's outline, smoothed where it is known by draws.
    pub posterior: Vec<(f64, f64)>,
}

/// The likelihood is seen through a prior this wide, which is then divided out.
const WIDE: f64 = 3.0;

/// Prior, likelihood and posterior of every subgroup's effect, in the study's order.
pub fn beliefs(study: &Study, fit: &Fit, how: Fitting<'_>) -> Vec<Belief> {
    let prior = prior_of_one(study);
    let alone = alone(study, how);
    let names = study.data.names();
    parallel::range(0..names.len(), |g| {
        let posterior = Marginals(fit)
            .effect(Whom::Subgroup(g))
            .map_or_else(Vec::new, |d| outline(&*d, fit.exact().is_none()));
        let likelihood =
            alone.as_ref().and_then(Fit::exact).map_or_else(Vec::new, |e| likelihood(&*e.theta(g)));
        Belief {
            subgroup: names[g].to_string(),
            prior: on_scale(study, prior.clone()),
            likelihood: on_scale(study, likelihood),
            posterior: on_scale(study, posterior),
        }
    })
}

/// Prior, likelihood and posterior of every subgroup's effect under one of the priors that are compared.
#[derive(Debug, Clone)]
pub struct PriorBeliefs {
    /// The name of the set of priors.
    pub prior: String,
    /// The outlines of every subgroup, in the study's order.
    pub beliefs: Vec<Belief>,
}

/// The outlines under every prior whose posterior is integrated. `stated` are those under the study's own priors: their
/// likelihood holds under all.
pub fn beliefs_by_prior(study: &Study, others: &Glance, stated: &[Belief]) -> Vec<PriorBeliefs> {
    let fits: Vec<_> = others
        .priors
        .iter()
        .zip(&others.posteriors)
        .filter_map(|(set, p)| Some((set, p.as_ref()?)))
        .collect();
    parallel::map_taken(fits, |(set, posterior)| {
        let before = on_scale(study, prior_of_one(&Study { priors: set.priors.clone(), ..study.clone() }));
        let one = |(g, own): (usize, &Belief)| Belief {
            subgroup: own.subgroup.clone(),
            prior: before.clone(),
            likelihood: own.likelihood.clone(),
            posterior: on_scale(study, outline(&*posterior.theta(g), false)),
        };
        PriorBeliefs { prior: set.name.clone(), beliefs: stated.iter().enumerate().map(one).collect() }
    })
}

/// An outline on the measure's own scale.
fn on_scale(study: &Study, points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    points.into_iter().map(|(x, y)| (out(study, x), y)).collect()
}

/// The prior of any one subgroup's effect.
fn prior_of_one(study: &Study) -> Vec<(f64, f64)> {
    let model = Model::of(study);
    if !model.effect.is_proper() {
        return Vec::new();
    }
    let before = ExactPosterior::new(&model.of_effects_alone(2), Resolution::default());
    before.map_or_else(|_| Vec::new(), |e| outline(&*e.theta(0), false))
}

/// Every subgroup by itself under the wide prior.
fn alone(study: &Study, how: Fitting<'_>) -> Option<Fit> {
    let written = |distribution| Some(Written { distribution, words: String::new() });
    let priors = Priors {
        effect: Written { distribution: LocationPrior::normal(0.0, WIDE), words: String::new() },
        heterogeneity: written(HeterogeneityPrior::Fixed { value: 0.0 }),
        ..study.priors.clone()
    };
    let study = Study { pooling: Pooling::None, ..study.clone() };
    Fit::effects_under(&study, &priors, how).ok()
}

/// The density over the wide prior's, which is the likelihood.
fn likelihood(d: &dyn Distribution) -> Vec<(f64, f64)> {
    let Some(scores) = NormalScores::of(d, 1e-3) else { return Vec::new() };
    let (first, last) = (scores.value(-3.1), scores.value(3.1));
    let n = 80;
    let step = (last - first) / f64::from(n);
    let points: Vec<(f64, f64)> = (0..=n)
        .map(|k| first + step * f64::from(k))
        .map(|x| {
            let density = (scores.cdf(x + 0.5 * step) - scores.cdf(x - 0.5 * step)).max(0.0);
            (x, density / libm::exp(normal_log_density(x, 0.0, WIDE)))
        })
        .collect();
    let highest = points.iter().map(|p| p.1).fold(0.0, f64::max);
    if highest > 0.0 { points.into_iter().map(|(x, y)| (x, y / highest)).collect() } else { Vec::new() }
}
