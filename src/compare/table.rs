//! The one table: every prior under every pooling, with what it said before the data beside.

use serde::Serialize;

use super::distinct::distinct;
use super::priors::{PriorSet, STATED};
use super::refit::{self, Refits, has_many_subgroups};
use super::steps::Steps;
use crate::parallel;
use crate::posterior::{
    Estimand, Estimate, Integrals, Measure, Observer, Options, Probability, Quantiles, Report, Scope,
    Statement, Target, Whom, analyse_watched, primary,
};
use crate::study::{Pooling, Priors, Study};

/// The probability of one statement under one prior.
#[derive(Debug, Clone, Serialize)]
pub struct TableRow {
    /// The name of the set of priors.
    pub prior: String,
    /// How the subgroups are pooled.
    pub pooling: Pooling,
    /// Whom it is about: a subgroup, a pair, the mean of all, or a further similar subgroup.
    pub scope: Scope,
    /// The subgroup's name, of a pair the first; none for the mean and a further subgroup.
    pub subgroup: Option<String>,
    /// The second subgroup of a pair; none otherwise.
    pub subgroup_b: Option<String>,
    /// What the probability is the probability of.
    pub statement: Statement,
    /// The measure of effect that the statement is about.
    pub measure: Measure,
    /// The size of effect in the statement, on the measure's own scale: a magnitude for "at least", else the value of no
    /// effect.
    pub threshold: f64,
    /// The statement's probability, from draws where the sampler ran, else exact; none where it is unavailable.
    pub probability: Option<f64>,
    /// The Monte Carlo error of a sampled probability; none for an exact one.
    pub mcse: Option<f64>,
    /// The probability by integration; none where the exact engine does not cover it.
    pub exact: Option<f64>,
    /// The statement's probability before the data, under all priors of the set.
    pub prior_probability: Option<f64>,
    /// The statement's probability without the bias that the model allows for; none where it allows for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unadjusted: Option<f64>,
    /// Why there is no probability; none where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<String>,
}

/// One effect under one prior.
#[derive(Debug, Clone, Serialize)]
pub struct EstimateRow {
    /// The name of the set of priors.
    pub prior: String,
    /// How the subgroups are pooled.
    pub pooling: Pooling,
    /// Whom it is about: a subgroup, the mean of all, or a further similar subgroup.
    pub scope: Scope,
    /// The subgroup's name; none for the mean and a further subgroup.
    pub subgroup: Option<String>,
    /// The measure of effect.
    pub measure: Measure,
    /// The posterior median, on the measure's own scale; none where it is unavailable.
    pub median: Option<f64>,
    /// The lower end of the central 95 % interval, on the measure's own scale.
    pub q2_5: Option<f64>,
    /// The upper end of the central 95 % interval, on the measure's own scale.
    pub q97_5: Option<f64>,
    /// Median and interval without the bias that the model allows for; none where it allows for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unadjusted: Option<Quantiles>,
    /// Monte Carlo errors of the median and the interval's two ends; none where they are exact.
    #[serde(skip)]
    pub errors: Option<[f64; 3]>,
}

/// One fit: its place in the table, and the whole of its report.
pub struct Fit {
    pub prior: String,
    pub pooling: Pooling,
    pub report: Report,
}

/// The poolings under which a set of priors is fitted: partial, complete and none, after the stated one where that is
/// another; for one subgroup, and under a flat effect prior, whose posterior need not exist under another pooling, the stated one alone; so too of many subgroups under other priors than
/// the stated ones.
pub fn poolings(study: &Study, set: &PriorSet) -> Vec<Pooling> {
    let spared = has_many_subgroups(study) && set.name != STATED;
    if study.data.names().len() == 1 || spared || !set.priors.effect.distribution.is_proper() {
        return vec![study.pooling];
    }
    match set.priors.heterogeneity {
        Some(_) => {
            let own = study.pooling.is_integrated_alone().then_some(study.pooling);
            own.into_iter().chain([Pooling::Partial, Pooling::Complete, Pooling::None]).collect()
        }
        None => vec![Pooling::Complete],
    }
}

/// The study under a set of priors and a pooling.
pub fn study_under(study: &Study, set: &PriorSet, pooling: Pooling) -> Study {
    let mut study = study.clone();
    study.pooling = pooling;
    study.priors = set.priors.clone();
    if pooling == Pooling::Complete {
        study.priors.heterogeneity = None;
    }
    study
}

/// Fits every set of priors under every pooling.
pub fn fits(study: &Study, sets: &[PriorSet], options: Options, steps: &Steps) -> Vec<Fit> {
    let all: Vec<(&PriorSet, Pooling)> =
        sets.iter().flat_map(|set| poolings(study, set).into_iter().map(move |p| (set, p))).collect();
    parallel::map_taken(all, |(set, pooling)| {
        let options = Options { adjusted_only: false, ..options };
        let report = fitted(&study_under(study, set, pooling), options, &());
        steps.did(1);
        Fit { prior: set.name.clone(), pooling, report }
    })
}

/// Whether a set of priors is the study's but for what it says of the effects: then draws of one are draws of the other.
pub fn differs_in_effects_alone(study: &Study, set: &PriorSet) -> bool {
    let below = |priors: &Priors| (priors.baseline.clone(), priors.baseline_of, priors.levels.clone());
    below(&set.priors) == below(&study.priors)
}

/// What a set of priors says of the effects under a pooling.
pub fn target(set: &PriorSet, pooling: Pooling) -> Target {
    let heterogeneity = set.priors.heterogeneity.as_ref().map(|h| h.distribution);
    Target {
        pooling,
        effect: set.priors.effect.distribution.clone(),
        heterogeneity: heterogeneity.filter(|_| pooling != Pooling::Complete),
    }
}

/// The same where draws are weighted: the stated priors are fitted under every pooling, and these draws serve the others.
pub fn fits_of_a_pool(refits: &Refits<'_>, sets: &[PriorSet], options: Options, steps: &Steps) -> Vec<Fit> {
    let study = refits.study;
    let all: Vec<(&PriorSet, Pooling)> =
        sets.iter().flat_map(|set| poolings(study, set).into_iter().map(move |p| (set, p))).collect();
    let is_weighted = |set: &PriorSet| set.name != STATED && differs_in_effects_alone(study, set);
    let (weighted, own): (Vec<_>, Vec<_>) = all.iter().copied().partition(|(set, _)| is_weighted(set));
    let own = parallel::map_taken(own, |(set, pooling)| {
        let report = fitted(&study_under(study, set, pooling), options, &());
        steps.did(1);
        (Fit { prior: set.name.clone(), pooling, report }, target(set, pooling))
    });
    let targets: Vec<Target> = weighted.iter().map(|(set, pooling)| target(set, *pooling)).collect();
    let Some(mut pools) = refits.pools() else { return Vec::new() };
    for (fit, target) in own.iter().filter(|(fit, _)| fit.prior == STATED) {
        pools.take_up(target.clone(), &fit.report);
    }
    let (distinct, places) = distinct(&targets);
    let distinct: Vec<Target> = distinct.into_iter().cloned().collect();
    let reports = pools.reports(&distinct, &());
    steps.did(targets.len());
    let weighted = weighted.iter().zip(places).map(|((set, pooling), place)| Fit {
        prior: set.name.clone(),
        pooling: *pooling,
        report: reports[place].clone(),
    });
    let mut made: Vec<Fit> = own.into_iter().map(|(fit, _)| fit).chain(weighted).collect();
    // In the order of the table.
    let place = |fit: &Fit| all.iter().position(|(set, p)| set.name == fit.prior && *p == fit.pooling);
    made.sort_by_key(place);
    made
}

/// The fit of the stated priors under a pooling, where it is there.
pub fn known_under(known: &[Fit], pooling: Pooling) -> Option<&Report> {
    known.iter().find(|fit| fit.prior == STATED && fit.pooling == pooling).map(|fit| &fit.report)
}

/// How many fits [`fits`] makes.
pub fn planned(study: &Study, sets: &[PriorSet]) -> usize {
    sets.iter().map(|set| poolings(study, set).len()).sum()
}

/// A named prior may bring a baseline that the exact engine does not cover.
pub fn fitted(study: &Study, options: Options, observer: &dyn Observer) -> Report {
    let engine = refit::engine_of(study, options.engine);
    analyse_watched(study, Options { engine, ..options }, Integrals::default(), observer).report
}

/// The rows of all fits.
pub fn rows(study: &Study, fits: &[Fit]) -> (Vec<TableRow>, Vec<EstimateRow>) {
    let (mut table, mut estimates) = (Vec::new(), Vec::new());
    for fit in fits {
        let name = |g: Option<usize>| g.map(|g| fit.report.names.subgroup(g).to_string());
        let probabilities = fit.report.probabilities.iter().filter(|p| is_shown(study, p));
        table.extend(probabilities.map(|p| TableRow {
            prior: fit.prior.clone(),
            pooling: fit.pooling,
            scope: p.estimand.whom.scope(),
            subgroup: name(p.estimand.whom.subgroup()),
            subgroup_b: name(p.estimand.whom.second()),
            statement: p.statement,
            measure: p.estimand.measure,
            threshold: p.threshold,
            probability: p.probability,
            mcse: p.mcse,
            exact: p.exact,
            prior_probability: p.prior,
            unadjusted: p.unadjusted,
            unavailable: p.unavailable.clone(),
        }));
        let shown = fit.report.estimates.iter().filter(|e| has_place(study, e));
        estimates.extend(shown.map(|e| {
            let q = e.best();
            EstimateRow {
                prior: fit.prior.clone(),
                pooling: fit.pooling,
                scope: e.estimand.whom.scope(),
                subgroup: name(e.estimand.whom.subgroup()),
                measure: e.estimand.measure,
                median: q.map(|q| q.median),
                q2_5: q.map(|q| q.q2_5),
                q97_5: q.map(|q| q.q97_5),
                unadjusted: e.unadjusted,
                errors: if e.exact.is_some() { None } else { e.reported.mcse_quantiles },
            }
        }));
    }
    (table, estimates)
}

/// Every statement once: of counts by the risk difference, whose sign is the odds ratio's too.
fn is_shown(study: &Study, p: &Probability) -> bool {
    let Estimand { whom, measure, .. } = p.estimand;
    let usual = match whom {
        Whom::Subgroup(_) => Measure::usual(study),
        _ => Measure::of(study.outcome.scale),
    };
    match (whom, p.statement) {
        (Whom::Overall, _) => false,
        (Whom::Pair(..), statement) => statement == Statement::BenefitAndHarm,
        (_, Statement::Benefit | Statement::Harm) => measure == usual,
        (_, Statement::BenefitAtLeast | Statement::HarmAtLeast) => {
            primary(study) == (measure, Some(p.threshold))
        }
        _ => false,
    }
}

fn has_place(study: &Study, e: &Estimate) -> bool {
    let effect = Measure::of(study.outcome.scale);
    let Estimand { whom, measure, .. } = e.estimand;
    match whom {
        Whom::Subgroup(_) => measure == effect || measure == Measure::RiskDifference,
        Whom::Mean | Whom::New => measure == effect,
        Whom::Overall | Whom::Pair(..) | Whom::Level(..) | Whom::LevelPair(..) => false,
    }
}
