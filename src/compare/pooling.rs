//! The three poolings against each other: the probability of the data, and of each patient given all others.

use std::borrow::Cow;

use serde::Serialize;

use super::priors::PriorSet;
use super::refit::{MANY, has_effects_alone};
use super::steps::Steps;
use super::table::{Fit, known_under, poolings, study_under};
use crate::exact::{ExactPosterior, Resolution, log_marginal_likelihood};
use crate::model::{BaselinePrior, BinomialPair, Cells, Model, Observation};
use crate::numeric::log_sum_exp;
use crate::posterior::{Engine, Options, Report, analyse, psis_threshold, smooth};
use crate::study::{Pooling, Study};

/// How well one pooling predicts the data.
#[derive(Debug, Clone, Serialize)]
pub struct PoolingRow {
    /// How the subgroups are pooled.
    pub pooling: Pooling,
    /// The log probability of the data; none under a flat effect prior, and where the exact engine does not cover the
    /// model.
    pub log_marginal_likelihood: Option<f64>,
    /// Expected log predictive density: the sum over units of the log probability of each given all others; none where it
    /// could not be computed.
    pub elpd: Option<f64>,
    /// The standard error of `elpd`.
    pub elpd_se: Option<f64>,
    /// `elpd` less that of the best of the poolings: 0 for the best, else below 0.
    pub difference: Option<f64>,
    /// The standard error of `difference`.
    pub difference_se: Option<f64>,
    /// What is left out one at a time: `patient` or `estimate`.
    pub unit: &'static str,
    /// The number of units; 0 where `elpd` could not be computed.
    pub units: f64,
    /// `exact`, or `psis`: Pareto-smoothed importance sampling from the draws.
    pub method: &'static str,
    /// The largest Pareto k of the importance weights; none where the method is exact.
    pub max_k: Option<f64>,
    /// The largest Pareto k that may be trusted: above it there is no `elpd`. None where the method is exact.
    pub trusted_k: Option<f64>,
}

/// With many subgroups, at most this many refits are made with a single patient or estimate left out.
pub const MOST_REFITS: usize = 20;

/// Units that are alike: how many, and the log probability of one given all others.
type Units = Vec<(f64, f64)>;

struct Found {
    log_marginal_likelihood: Option<f64>,
    units: Option<Units>,
    max_k: Option<f64>,
    trusted_k: Option<f64>,
}

/// Under one set of priors.
pub fn compared(
    study: &Study,
    set: &PriorSet,
    (options, known): (Options, &[Fit]),
    steps: &Steps,
) -> Vec<PoolingRow> {
    let poolings = poolings(study, set);
    let found: Vec<Found> = poolings
        .iter()
        .map(|&p| {
            let study = study_under(study, set, p);
            let model = Model::of(&study);
            let found = if options.engine == Engine::Sampler {
                sampled(&study, &model, (options, known_under(known, p)))
            } else {
                let exact = exact(&model);
                // Patients of one level are alike, and behind a curve of the effect they are not told apart.
                if has_effects_alone(&study) {
                    let options = Options { engine: Engine::Sampler, ..options };
                    let log_marginal_likelihood = exact.log_marginal_likelihood;
                    Found {
                        log_marginal_likelihood,
                        ..sampled(&study, &model, (options, known_under(known, p)))
                    }
                } else {
                    exact
                }
            };
            steps.did(1);
            found
        })
        .collect();
    let elpd = |units: &Units| units.iter().map(|(n, l)| n * l).sum::<f64>();
    let best = found.iter().filter_map(|f| f.units.as_ref()).max_by(|a, b| elpd(a).total_cmp(&elpd(b)));
    poolings
        .iter()
        .zip(&found)
        .map(|(&pooling, f)| {
            let apart =
                f.units.as_ref().zip(best).map(|(own, best)| {
                    own.iter().zip(best).map(|(a, b)| (a.0, a.1 - b.1)).collect::<Units>()
                });
            PoolingRow {
                pooling,
                log_marginal_likelihood: f.log_marginal_likelihood,
                elpd: f.units.as_ref().map(elpd),
                elpd_se: f.units.as_ref().map(standard_error),
                difference: apart.as_ref().map(elpd),
                difference_se: apart.as_ref().map(standard_error),
                unit: study.data.unit(),
                units: f.units.as_ref().map_or(0.0, |u| u.iter().map(|x| x.0).sum()),
                method: if options.engine == Engine::Sampler || f.trusted_k.is_some() {
                    "psis"
                } else {
                    "exact"
                },
                max_k: f.max_k,
                trusted_k: f.trusted_k,
            }
        })
        .collect()
}

/// The standard error of a sum over units: √(n · variance among them).
fn standard_error(units: &Units) -> f64 {
    let n: f64 = units.iter().map(|u| u.0).sum();
    let mean = units.iter().map(|(m, x)| m * x).sum::<f64>() / n;
    let square = units.iter().map(|(m, x)| m * (x - mean) * (x - mean)).sum::<f64>();
    if n > 1.0 { libm::sqrt(n * square / (n - 1.0)) } else { f64::NAN }
}

fn exact(model: &Model) -> Found {
    let whole = log_marginal(model);
    let of_patients = model.observation.cells().map(|cells| patients_left_out(model, cells, whole));
    let units = of_patients.unwrap_or_else(|| estimates_left_out(model, whole));
    let proper = model.effect.is_proper();
    Found { log_marginal_likelihood: whole.filter(|_| proper), units, max_k: None, trusted_k: None }
}

fn log_marginal(model: &Model) -> Option<f64> {
    log_marginal_likelihood(model, Resolution::default()).ok()
}

/// Whether so many refits can be waited for.
fn within_reach(model: &Model, refits: usize) -> bool {
    refits <= MOST_REFITS || model.subgroups() <= MANY
}

/// Every kind of patient by subgroup.
fn patients_left_out(model: &Model, cells: &Cells, whole: Option<f64>) -> Option<Units> {
    let pairs = cells.pairs();
    if !within_reach(model, pairs.iter().map(|c| refits_for(cells, c)).sum()) {
        return None;
    }
    let posterior = ExactPosterior::new(model, Resolution::default()).ok()?;
    let mut units = Units::new();
    for (g, c) in pairs.iter().enumerate() {
        let number = [
            c.control.total - c.control.events,
            c.control.events,
            c.active.total - c.active.events,
            c.active.events,
        ];
        for (cell, (l, n)) in posterior.leave_one_out(g)?.into_iter().zip(number).enumerate() {
            let Some(l) = l else { continue };
            let rest = c.without(cell >= 2, cell % 2 == 1);
            let unbounded = rest.filter(|rest| is_unbounded_without(cells, c, rest));
            let refitted = unbounded.as_ref().and_then(|rest| {
                let mut pairs = pairs.to_vec();
                pairs[g] = rest.clone();
                let smaller = model.observing(Observation::Cells(cells.with_pairs(pairs)));
                let kernel = whole? - c.log_coefficient();
                Some(kernel - (log_marginal(&smaller)? - rest.log_coefficient()))
            });
            units.push((n, if unbounded.is_some() { refitted? } else { l }));
        }
    }
    // Patients behind a curve are not alike: none can be left out of it.
    Some(units).filter(|u| !u.is_empty())
}

/// Every published estimate.
fn estimates_left_out(model: &Model, whole: Option<f64>) -> Option<Units> {
    if !within_reach(model, model.subgroups()) {
        return None;
    }
    let without = |g: usize| {
        let rest = match model.observation.correlated() {
            // Without any other its own probability is the whole.
            Some(estimates) => {
                estimates.without(g).map_or_else(|| Observation::nothing(0), Observation::Correlated)
            }
            None => {
                let mut rest = model.observation.estimates().unwrap_or_default().to_vec();
                rest.remove(g);
                Observation::Estimates(rest)
            }
        };
        Some((1.0, whole? - log_marginal(&model.observing(rest))?))
    };
    (0..model.subgroups()).map(without).collect()
}

/// Whether the patient left out is the only one that bounds the effect: the tail of the rest is another, and is integrated
/// anew.
fn is_unbounded_without(cells: &Cells, all: &BinomialPair, rest: &BinomialPair) -> bool {
    let bounds = |c: &BinomialPair| match &cells.baselines().prior {
        BaselinePrior::Independent(prior) => c.moment_limit(cells.baselines().of, prior) > 0.0,
        BaselinePrior::Exchangeable { .. } => false,
    };
    bounds(all) && !bounds(rest)
}

/// How many of a subgroup's kinds of patient are integrated anew.
fn refits_for(of: &Cells, c: &BinomialPair) -> usize {
    let cells = (0..4).filter_map(|cell| c.without(cell >= 2, cell % 2 == 1));
    cells.filter(|rest| is_unbounded_without(of, c, rest)).count()
}

/// From draws: each kind of patient's weights are one over its probability.
fn sampled(study: &Study, model: &Model, (options, known): (Options, Option<&Report>)) -> Found {
    // Where nothing was asked about risks there is a fit without draws.
    let known = known.filter(|report| report.sampled.is_some());
    let report = known.map_or_else(|| Cow::Owned(analyse(study, options)), Cow::Borrowed);
    let nothing = Found { log_marginal_likelihood: None, units: None, max_k: None, trusted_k: None };
    let (true, Some(draws)) = (report.checks.ok, &report.sampled) else { return nothing };
    let Some(cells) = model.observation.cells() else { return nothing };
    let counts = cells.pairs();
    // A draw's patients depend on what is not known of a bias, or of their labels, too.
    if cells.misclassification().is_some() || counts.iter().any(|c| c.bias().is_some()) {
        return nothing;
    }
    let size = draws.chains * draws.draws;
    let efficiency = report.checks.least_ess().map_or(1.0, |ess| (ess / size as f64).min(1.0));
    let (mut units, mut max_k) = (Units::new(), f64::NEG_INFINITY);
    let mut put = |number: f64, logs: Vec<f64>| {
        let ratios: Vec<f64> = logs.iter().map(|l| -l).collect();
        let smoothed = smooth(&ratios, efficiency);
        max_k = max_k.max(smoothed.k);
        let terms: Vec<f64> = logs.iter().zip(&smoothed.weights).map(|(l, w)| l + libm::log(*w)).collect();
        units.push((number, log_sum_exp(&terms)));
    };
    if let Some(levels) = cells.levels() {
        if study.adjustment.is_some() {
            return nothing;
        }
        for (g, arms) in levels.counts.iter().enumerate() {
            for (arm, patients) in arms.iter().enumerate() {
                for (level, number) in patients.iter().enumerate().filter(|(_, n)| **n >= 1.0) {
                    let Some(logs) = draws.log_probabilities_of_level(g, arm, level) else { return nothing };
                    put(*number, logs);
                }
            }
        }
    }
    let counts = if cells.levels().is_some() { &[][..] } else { counts };
    for (g, c) in counts.iter().enumerate() {
        let cells = [
            (c.control.total - c.control.events, false, false),
            (c.control.events, false, true),
            (c.active.total - c.active.events, true, false),
            (c.active.events, true, true),
        ];
        let Some(risks) = draws.risks(g) else { return nothing };
        for (number, is_active, has_event) in cells.into_iter().filter(|cell| cell.0 >= 1.0) {
            let logs = log_probabilities(if is_active { &risks.active } else { &risks.control }, has_event);
            put(number, logs);
        }
    }
    let trusted = psis_threshold(size);
    Found {
        log_marginal_likelihood: None,
        units: (max_k <= trusted).then_some(units),
        max_k: Some(max_k),
        trusted_k: Some(trusted),
    }
}

/// `log P(outcome)` of one kind of patient by draw.
fn log_probabilities(risk: &[f64], has_event: bool) -> Vec<f64> {
    risk.iter().map(|&p| if has_event { libm::log(p) } else { libm::log1p(-p) }).collect()
}
