//! Checks of events in several arms, whose log odds are known by draws.

use super::effect::Nodes;
use super::log_odds::LogOdds;
use super::{Check, Compared, Method, ModelChecks, Predictive, Told, Untold, binomial};
use crate::parallel;
use crate::posterior::analysis::Report;
use crate::posterior::arms::{ArmDraws, prior_draws};
use crate::posterior::estimand::Whom;
use crate::study::{Study, SubgroupCounts};

/// Draws from the priors: a Monte Carlo error of a probability of 0.008 at most.
const PRIOR_DRAWS: usize = 4_000;

/// Every cell of several arms; none of estimates, and of patients who differ within a cell.
pub fn checks(study: &Study, report: &Report, seed: u64) -> ModelChecks {
    if study.adjustment.is_some() {
        return ModelChecks::none(Untold::Covariates);
    }
    let Some(rows) = study.data.counts() else { return ModelChecks::none(Untold::SeveralArms) };
    let prior = prior_draws(study, seed, PRIOR_DRAWS);
    let found = parallel::range(0..rows.len(), |g| {
        subgroup(g, &rows[g], [(prior.as_ref(), Untold::Flat), (report.arms.as_ref(), Untold::NotSampled)])
    });
    let effects = rows.iter().map(|_| Err(Untold::SeveralArms)).collect();
    ModelChecks { unavailable: None, checks: found.into_iter().flatten().collect(), effects }
}

/// One subgroup's cells before the data and given them, each from its draws, or why there are none.
fn subgroup(g: usize, row: &SubgroupCounts, known: [(Option<&ArmDraws>, Untold); 2]) -> Vec<Check> {
    let [prior, posterior] = known.map(|(draws, why)| draws.and_then(|d| d.of(Whom::Subgroup(g))).ok_or(why));
    let arms = row.arms.iter().enumerate().filter(|(_, counts)| counts.total > 0);
    arms.map(|(arm, counts)| {
        let predicted = |of: &Told<crate::posterior::arms::OfArms>| -> Told<Predictive> {
            let of = of.as_ref().map_err(|why| *why)?;
            let draws = of.log_odds.get(arm).ok_or(Untold::NotSampled)?;
            let log_odds = LogOdds::Nodes(Nodes::of_draws(draws, None));
            Ok(binomial::predicted(&log_odds, counts.total, counts.events, Method::Sampled))
        };
        Check {
            subgroup: g,
            compared: Compared::Events(arm),
            patients: Some(counts.total),
            observed: counts.events as f64,
            prior: predicted(&prior),
            posterior: predicted(&posterior),
            left_out: Err(Untold::SeveralArms),
        }
    })
    .collect()
}
