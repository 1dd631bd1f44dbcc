//! What a page shows of other priors: the same numbers as [`compare`](super::compare) has for them, and nothing searched for.

use std::sync::Arc;

use super::claims::{self, Findings};
use super::curve::{self, Crossing, CurvePoint};
use super::departure::{self, DepartureCurve};
use super::distinct::distinct;
use super::grid::{self, GridRow};
use super::question::questions;
use super::refit::{self, Refits};
use super::{Asked, Predictions, PriorSet, STATED, Steps, curve_sets, envelope, prior_sets, table};
use crate::error::Result;
use crate::exact::ExactPosterior;
use crate::model::Model;
use crate::parallel;
use crate::posterior::{
    Axis, Claim, Estimand, Fitting, Integrals, Measure, Observer, Options, Quantiles, Report, Statement,
    Target, mass_within, region,
};
use crate::study::{Study, about_sources};

/// Priors side by side under the stated pooling.
pub struct Glance {
    /// What must stand beside numbers that rest on other studies, in sentences; empty where none do.
    pub about_sources: Vec<String>,
    /// The sets of priors that are compared, the stated one first.
    pub priors: Vec<PriorSet>,
    /// Every subgroup under every set of priors that the stated pooling admits.
    pub rows: Vec<GlanceRow>,
    /// The exact posterior under each set of `priors`, in their order; none where it is sampled, and where the stated
    /// pooling does not admit the set.
    pub posteriors: Vec<Option<Arc<ExactPosterior>>>,
    /// Those posteriors, and what was integrated before: for what is asked next.
    pub integrals: Integrals,
    /// Probabilities over the scale of the prior of τ; empty under complete pooling, and where τ is fixed at 0.
    pub tau_curve: Vec<CurvePoint>,
    /// Where those probabilities cross a line.
    pub crossings: Vec<Crossing>,
    /// Effects over the scale of the prior of departures from proportional odds; none where the study takes odds as proportional:
    /// that page is for the most part integrated, and every scale would be a sampled fit.
    pub departures: Option<DepartureCurve>,
    /// P(better) under every effect and heterogeneity prior, partially pooled; none where it was not asked for.
    pub grid: Option<Vec<GridRow>>,
    /// What the comparison says in sentences, as typed claims.
    pub claims: Vec<Claim>,
}

/// One subgroup under one prior.
#[derive(Debug, Clone, PartialEq)]
pub struct GlanceRow {
    /// The name of the set of priors.
    pub prior: String,
    /// The subgroup's name.
    pub subgroup: String,
    /// P(benefit) in the subgroup; none where the fit gave no number.
    pub benefit: Option<f64>,
    /// The Monte Carlo error of P(benefit); none where it is exact.
    pub mcse: Option<f64>,
    /// P(harm) in the subgroup; none where the fit gave no number.
    pub harm: Option<f64>,
    /// The effect on its measure's own scale, median and central 95 % interval; none where the fit gave no number.
    pub effect: Option<Quantiles>,
}

/// Fits the study under every prior that the model names, and with `grid` every effect prior under every heterogeneity
/// prior; `known` is what is integrated already. An error where a named prior can't be made.
pub fn glance<'a>(
    study: &Study,
    how: impl Into<Fitting<'a>>,
    grid: bool,
    known: &Integrals,
) -> Result<Glance> {
    let how = how.into();
    let study = &*super::comparable(study);
    let sets = prior_sets(study, &Asked::default(), &mut Predictions::new(how, known.clone()))?;
    let options = refit::options(study, how.sampling, false);
    let questions = questions(study);
    let narrowest = envelope::prior_box(study).sd[0];
    let mut refits = Refits::new(study, &questions, options, narrowest, &Steps::default())
        .watched(how.observer, known.clone());
    // Where effects are integrated nothing else of a page is asked of draws.
    if refits.is_sampled() {
        refits = refits.pooled();
    }
    refits.prepare(study.pooling);
    if grid {
        refits.prepare(crate::study::Pooling::Partial);
    }
    // Under one name or another, the same priors are fitted once.
    let distributions: Vec<_> = sets.iter().map(|set| set.priors.distributions()).collect();
    let (distinct_priors, places) = distinct(&distributions);
    let first = |priors: usize| places.iter().position(|place| *place == priors).map(|i| &sets[i]);
    let weighted = weighted(&refits, (0..distinct_priors.len()).map(first), options, how.observer);
    let found: Vec<Under> = parallel::range(0..distinct_priors.len(), |priors| {
        let known = weighted.get(priors).cloned().flatten();
        first(priors).map_or_else(Under::default, |set| under(&refits, (set, known), options, how.observer))
    });
    for under in &found {
        if let Some((model, posterior)) = &under.exact {
            refits.know(model.clone(), Ok(Arc::clone(posterior)));
        }
    }
    let rows = sets.iter().zip(&places).flat_map(|(set, &place)| {
        found[place].rows.iter().map(|row| GlanceRow { prior: set.name.clone(), ..row.clone() })
    });
    let rows = rows.collect();
    let posterior = |&place: &usize| found[place].exact.as_ref().map(|(_, posterior)| Arc::clone(posterior));
    let posteriors = places.iter().map(posterior).collect();
    let (tau_curve, crossings) = curves(&refits, &curve_sets(study, &sets, refits.is_coarse()));
    let stated = study.priors.heterogeneity.as_ref().map(|h| h.distribution);
    let own = refits.all(study.pooling, &study.priors.effect.distribution, stated.as_ref());
    let grid = grid.then(|| grid::of_benefit(&refits, &sets));
    let findings = Findings {
        priors: &sets,
        tau_curve: &tau_curve,
        crossings: &crossings,
        highest: own.into_iter().flatten().reduce(f64::max),
        is_sampled: refits.is_sampled(),
    };
    let mut claims = claims::claims(study, &findings);
    let departs = study.priors.levels.as_ref().is_some_and(|levels| levels.departure.is_some());
    let departures = if departs {
        departure::curve(study, options, &Steps::default(), how.observer).and_then(std::result::Result::ok)
    } else {
        None
    };
    if let Some(curve) = &departures {
        claims.extend(departure::claim(study, curve, how.sampling.mcse));
    }
    Ok(Glance {
        about_sources: about_sources(&study.named, |n| sets.iter().any(|s| s.name == n)),
        integrals: refits.into_integrals(),
        priors: sets,
        rows,
        posteriors,
        tau_curve,
        crossings,
        departures,
        grid,
        claims,
    })
}

/// The curve of every set, those of the same priors made once.
fn curves(refits: &Refits<'_>, sets: &[&PriorSet]) -> (Vec<CurvePoint>, Vec<Crossing>) {
    let distributions: Vec<_> = sets.iter().map(|set| set.priors.distributions()).collect();
    let (_, places) = distinct(&distributions);
    let mut made: Vec<(Vec<CurvePoint>, Vec<Crossing>)> = Vec::new();
    let (mut points, mut crossings) = (Vec::new(), Vec::new());
    for (set, place) in sets.iter().zip(places) {
        if place == made.len() {
            made.push(curve::curve(refits, set));
        }
        let prior = || set.name.clone();
        points.extend(made[place].0.iter().map(|p| CurvePoint { prior: prior(), ..p.clone() }));
        crossings.extend(made[place].1.iter().map(|c| Crossing { prior: prior(), ..c.clone() }));
    }
    (points, crossings)
}

/// Every subgroup under one set of priors, and its posterior where that is integrated; nothing where the set has no place
/// under the stated pooling.
#[derive(Default)]
struct Under {
    rows: Vec<GlanceRow>,
    exact: Option<(Model, Arc<ExactPosterior>)>,
}

/// The results under each set of priors that differs from the stated one in what it says of the effects alone, where draws are
/// weighted: the stated priors are sampled, and their draws serve the others.
fn weighted<'s>(
    refits: &Refits<'_>,
    sets: impl Iterator<Item = Option<&'s PriorSet>>,
    options: Options,
    observer: &dyn Observer,
) -> Vec<Option<Arc<Report>>> {
    let own = refits.study;
    let sets: Vec<Option<&PriorSet>> = sets.collect();
    let Some(mut pools) = refits.pools() else { return Vec::new() };
    let is_asked = |set: &PriorSet| {
        table::poolings(own, set).contains(&own.pooling) && table::differs_in_effects_alone(own, set)
    };
    let asked: Vec<usize> = (0..sets.len()).filter(|i| sets[*i].is_some_and(is_asked)).collect();
    let mut found: Vec<Option<Arc<Report>>> = vec![None; sets.len()];
    let mut left = Vec::new();
    for i in asked {
        let Some(set) = sets[i] else { continue };
        let target = table::target(set, own.pooling);
        if set.name == STATED {
            let mut report = table::fitted(&table::study_under(own, set, own.pooling), options, observer);
            pools.take_up(target, &report);
            report.sampled = None;
            found[i] = Some(Arc::new(report));
        } else {
            left.push((i, target));
        }
    }
    let targets: Vec<Target> = left.iter().map(|(_, target)| target.clone()).collect();
    for ((i, _), report) in left.iter().zip(pools.reports(&targets, observer)) {
        found[*i] = Some(Arc::new(report));
    }
    found
}

fn under(
    refits: &Refits<'_>,
    (set, known): (&PriorSet, Option<Arc<Report>>),
    options: Options,
    observer: &dyn Observer,
) -> Under {
    let own = refits.study;
    if !table::poolings(own, set).contains(&own.pooling) {
        return Under::default();
    }
    let study = table::study_under(own, set, own.pooling);
    let covered = !refit::needs_sampling(&study);
    let exact = if covered {
        let model = Model::of(&study);
        let posterior = refits.posterior(&model).ok();
        posterior.map(|posterior| (model, posterior))
    } else {
        None
    };
    let sampled = exact.is_none() && (!covered || refits.is_sampled());
    let report = sampled.then(|| {
        if let Some(known) = known {
            return known;
        }
        let (distributions, stated) = (study.priors.distributions(), own.priors.distributions());
        if refits.is_sampled() && distributions.baseline() == stated.baseline() {
            let heterogeneity = study.priors.heterogeneity.as_ref().map(|h| h.distribution);
            let effect = &study.priors.effect.distribution;
            refits.sampled(study.pooling, effect, heterogeneity.as_ref()).report
        } else {
            Arc::new(table::fitted(&study, options, observer))
        }
    });
    let names = study.data.names();
    let one = |(g, name): (usize, &&str)| {
        let (benefit, mcse, harm, effect) = match (&exact, &report) {
            (Some((_, exact)), _) => by_integration(&study, exact, g),
            (None, Some(report)) => by_report(&study, report, g),
            (None, None) => (None, None, None, None),
        };
        GlanceRow { prior: set.name.clone(), subgroup: (*name).to_string(), benefit, mcse, harm, effect }
    };
    let rows = names.iter().enumerate().map(one).collect();
    Under { rows, exact }
}

/// P(benefit) and its Monte Carlo error, P(harm), and the effect.
type Found = (Option<f64>, Option<f64>, Option<f64>, Option<Quantiles>);

fn by_integration(study: &Study, exact: &ExactPosterior, g: usize) -> Found {
    let theta = exact.theta(g);
    let measure = Measure::of(study.outcome.scale);
    let sign = study.outcome.higher_is.sign();
    // Risks are equal exactly where θ is 0.
    let below = theta.cdf(0.0);
    let holds =
        |statement| Some(mass_within(region(statement, measure.null(), measure.axis(), sign), &|_| below));
    let at = |p: f64| {
        let x = theta.quantile(p);
        if measure.axis() == Axis::Ratio { libm::exp(x) } else { x }
    };
    let effect = Quantiles { median: at(0.5), q2_5: at(0.025), q97_5: at(0.975) };
    (holds(Statement::Benefit), None, holds(Statement::Harm), Some(effect))
}

fn by_report(study: &Study, report: &Report, g: usize) -> Found {
    let measure = Measure::of(study.outcome.scale);
    let estimand = Estimand::of_subgroup(g, measure);
    let row = |statement| report.probability(estimand, statement, measure.null());
    let holds = |statement| row(statement).and_then(|p| p.best());
    let error = row(Statement::Benefit).filter(|p| p.exact.is_none()).and_then(|p| p.mcse);
    let effect = report.estimate(estimand);
    (holds(Statement::Benefit), error, holds(Statement::Harm), effect.and_then(|e| e.best()))
}
