//! Checks of ordered levels: the patients at every level of an arm, of whose probabilities draws are known, and the subgroups' own
//! estimates of the common odds ratio.

use super::effect::Nodes;
use super::left_out::Others;
use super::log_odds::LogOdds;
use super::{Check, Compared, Known, Method, ModelChecks, PredictedEffect, Predictive, Told, Untold};
use super::{binomial, estimates};
use crate::numeric::logit;
use crate::parallel;
use crate::posterior::sampled::{Column, SampledPosterior};

/// Draws from the priors: a Monte Carlo error of a probability of 0.008 at most.
const PRIOR_DRAWS: usize = 4_000;

/// Every level of every arm, and every subgroup's own estimate.
pub fn checks(known: &Known<'_>, others: &Others<'_>) -> ModelChecks {
    let Some(data) = known.study.data.levels() else { return ModelChecks::none(Untold::NoEstimate) };
    let own = known.study.data.own_effects();
    let prior = SampledPosterior::of_prior(&known.model, known.seed, PRIOR_DRAWS);
    let one = |g: usize| -> (Vec<Check>, Told<PredictedEffect>) {
        let mut checks = Vec::new();
        let probabilities = |draws: Option<&SampledPosterior>| draws.and_then(|d| by_level(d, g));
        let (before, after) = (probabilities(prior.as_ref()), probabilities(known.sampled));
        for arm in 0..2 {
            let patients = data.patients(g, arm);
            let n: u64 = patients.iter().sum();
            for (level, &observed) in patients.iter().enumerate().filter(|_| n > 0) {
                let predicted = |all: &Option<[Vec<Column>; 2]>, why: Untold| -> Told<Predictive> {
                    let draws = all.as_ref().and_then(|all| all[arm].get(level)).ok_or(why)?;
                    let log_odds = LogOdds::Nodes(Nodes::of_draws(draws, None));
                    Ok(binomial::predicted(&log_odds, n, observed, Method::Sampled))
                };
                checks.push(Check {
                    subgroup: g,
                    compared: Compared::Level(arm, level),
                    patients: Some(n),
                    observed: observed as f64,
                    prior: predicted(&before, Untold::Flat),
                    posterior: predicted(&after, Untold::NotSampled),
                    left_out: Err(Untold::CutPoints),
                });
            }
        }
        let (of_effect, effect) = estimates::of_effect(known, others, g, own[g]);
        checks.extend(of_effect);
        (checks, effect)
    };
    let found = parallel::range(0..own.len(), one);
    let (checks, effects): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    ModelChecks { unavailable: None, checks: checks.into_iter().flatten().collect(), effects }
}

/// The log odds of every level's probability by draw, of the control arm and of the active arm.
fn by_level(draws: &SampledPosterior, g: usize) -> Option<[Vec<Column>; 2]> {
    /// No probability is nearer to 0 or 1: its log odds are then known to no digit.
    const LEAST: f64 = 1e-14;
    let above = draws.above(g)?;
    let of_arm = |arm: usize| -> Vec<Column> {
        let risks: Vec<&Column> =
            above.iter().map(|r| if arm == 0 { &r.control } else { &r.active }).collect();
        let draws = risks.first().map_or(0, |r| r.len());
        let at = |cut: Option<usize>, i: usize, beyond: f64| {
            cut.and_then(|k| risks.get(k)).and_then(|r| r.get(i)).copied().unwrap_or(beyond)
        };
        (0..=risks.len())
            .map(|level| {
                let share = |i| at(level.checked_sub(1), i, 1.0) - at(Some(level), i, 0.0);
                (0..draws).map(|i| logit(share(i).clamp(LEAST, 1.0 - LEAST))).collect()
            })
            .collect()
    };
    Some([of_arm(0), of_arm(1)])
}
