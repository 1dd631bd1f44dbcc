//! What a trial is worth: the value of sample information, and of knowing one subgroup's effect.

use std::sync::Arc;

use serde::Serialize;

use super::super::Mean;
use super::super::belief::{Asked, Enrolment, NOBODY, OutcomeBelief, posteriors};
use super::super::events::events;
use super::{Plan, enrolment, not_covered, patients};
use crate::error::Result;
use crate::exact::{Counts, ExactPosterior, LatticeScratch, Resolution, RiskMeasure};
use crate::model::Model;
use crate::numeric::logistic;
use crate::parallel;
use crate::sampler::{Purpose, stream};
use crate::study::Worth;

/// Draws that are worked on together.
const BATCH: usize = 32;

/// The value of a trial in one subgroup, or in all.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorthRow {
    /// The subgroup; none for all patients decided for, each with its share.
    pub subgroup: Option<String>,
    /// The expected value of sample information, in utility per patient; none where an outcome with values is not reported.
    pub evsi: Option<Mean>,
    /// The probability that the trial changes the choice; of all subgroups: in any of them.
    pub changes: Option<Mean>,
}

/// A trial of one size.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SizeRow {
    /// Its patients, in all.
    pub patients: u64,
    /// Its patients by subgroup: control arm and active arm.
    pub by_subgroup: Vec<[u64; 2]>,
    /// What it is worth, by subgroup and then in all.
    pub worth: Vec<WorthRow>,
    /// What it is worth to the stated population less what it costs, in the unit of the decision's costs; none where these
    /// are not stated.
    pub net_benefit: Option<Mean>,
}

/// What knowing one subgroup's effect is worth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvppiRow {
    /// The subgroup whose effect is known.
    pub known: String,
    /// To the decision in every subgroup, in utility per patient; none where an outcome with values is not reported.
    pub by_subgroup: Vec<Option<Mean>>,
    /// Over all patients decided for.
    pub all: Option<Mean>,
}

/// What is known before the trial, under the stated priors.
pub struct Stated {
    pub models: Vec<Arc<Model>>,
    pub values: Vec<Option<Worth>>,
    pub shares: Vec<f64>,
    /// The active treatment's expected gain by population.
    pub gains: Vec<Option<f64>>,
    /// Without a trial.
    pub today: Vec<Option<OutcomeBelief>>,
    /// By draw, outcome and subgroup, the log odds of both arms.
    pub truths: Vec<Truth>,
}

/// One draw from the posterior: by outcome and subgroup, the log odds of both arms; nothing of outcomes that do not count.
pub type Truth = Vec<Vec<[f64; 2]>>;

impl Stated {
    pub fn of(asked: &Asked<'_>, plan: &Plan) -> Result<Stated> {
        let models = asked.models(|_| None);
        let today = today(asked, &models)?;
        let values: Vec<Option<Worth>> = asked.decision.outcomes.iter().map(|o| o.values.clone()).collect();
        let gains = gains_by_engine(asked, &models, &values);
        let truths = truths(&today, plan);
        Ok(Stated { gains, values, today, truths, shares: enrolment::shares(asked), models })
    }

    /// An average over the populations; none where it is not known in one of them.
    pub fn weighted(&self, by: &[Option<f64>]) -> Option<f64> {
        self.shares.iter().zip(by).map(|(w, x)| x.map(|x| w * x)).sum()
    }
}

/// The lattices of what is known without a trial.
pub fn today(asked: &Asked<'_>, models: &[Arc<Model>]) -> Result<Vec<Option<OutcomeBelief>>> {
    let nobody = vec![[0, 0]; asked.populations.len()];
    asked.beliefs(models, &nobody).map_err(|n| not_covered(&n))
}

/// Expected gains by the engine.
pub fn gains_by_engine(
    asked: &Asked<'_>,
    models: &[Arc<Model>],
    values: &[Option<Worth>],
) -> Vec<Option<f64>> {
    let fits: Vec<Option<ExactPosterior>> = parallel::range(0..models.len(), |k| {
        values[k].as_ref().and_then(|_| ExactPosterior::new(&models[k], Resolution::default()).ok())
    });
    asked.gains_of(values, |k, g| fits[k].as_ref()?.risk(g, RiskMeasure::Difference)?.mean())
}

/// Draws from what is known, each from a stream of its own.
pub fn truths(today: &[Option<OutcomeBelief>], plan: &Plan) -> Vec<Truth> {
    let draws: Vec<_> = today.iter().map(|b| b.as_ref().map(|b| b.lattice.draws(&b.standing))).collect();
    parallel::range(0..plan.draws, |r| {
        let mut rng = stream(plan.seed, r, Purpose::Prior);
        let of = |d: &Option<crate::exact::Draws<'_>>| d.as_ref().map(|d| d.draw(&mut rng).log_odds);
        draws.iter().map(of).map(Option::unwrap_or_default).collect()
    })
}

/// The counts of draw `r`'s trial, by outcome and subgroup.
pub fn counts(
    asked: &Asked<'_>,
    truth: &Truth,
    enrolment: &Enrolment,
    (seed, r): (u64, usize),
) -> Vec<Vec<Counts>> {
    // One stream for each arm of each subgroup, so that a larger trial holds a smaller one's patients.
    const MOST: usize = 1024;
    let outcomes = truth.iter().enumerate();
    outcomes
        .map(|(k, subgroups)| {
            let mut found = vec![[NOBODY; 2]; subgroups.len()];
            for (p, place) in asked.places[k].iter().enumerate() {
                let Some((g, log_odds)) = place.and_then(|g| Some((g, subgroups.get(g)?))) else { continue };
                for arm in 0..2 {
                    let which = ((r * MOST + k) * MOST + g) * 2 + arm;
                    let mut rng = stream(seed, which, Purpose::Simulation);
                    found[g][arm] = events(logistic(log_odds[arm]), enrolment[p][arm], &mut rng);
                }
            }
            found
        })
        .collect()
}

/// A trial of one size: the posteriors that it can lead to.
pub struct Trial {
    pub enrolment: Enrolment,
    pub beliefs: Vec<Option<OutcomeBelief>>,
}

/// What one draw's trial would lead to.
pub struct Answer {
    pub gains: Vec<Option<f64>>,
    /// By rule and population.
    pub verdicts: Vec<Vec<bool>>,
}

impl Trial {
    pub fn of(asked: &Asked<'_>, stated: &Stated, enrolment: &Enrolment) -> Result<Trial> {
        let beliefs = asked.beliefs(&stated.models, enrolment);
        Ok(Trial { enrolment: enrolment.clone(), beliefs: beliefs.map_err(|n| not_covered(&n))? })
    }

    /// The answer to every draw, in order.
    pub fn answers(&self, asked: &Asked<'_>, stated: &Stated, plan: &Plan) -> Vec<Answer> {
        let truths = &stated.truths;
        self.each(asked, truths, plan.seed, |found| Answer {
            gains: asked.gains(&stated.values, found),
            verdicts: verdicts(asked, found),
        })
    }

    /// Something of every draw's posterior, in order.
    pub fn each<T: Send>(
        &self,
        asked: &Asked<'_>,
        truths: &[Truth],
        seed: u64,
        of: impl Fn(&[Option<Vec<crate::exact::SubgroupFound>>]) -> T + Sync,
    ) -> Vec<T> {
        let batches = parallel::range(0..truths.len().div_ceil(BATCH), |b| {
            let mut scratch = LatticeScratch::default();
            let end = ((b + 1) * BATCH).min(truths.len());
            let one = |r: usize| {
                let data = counts(asked, &truths[r], &self.enrolment, (seed, r));
                of(&posteriors(&self.beliefs, &data, &mut scratch))
            };
            (b * BATCH..end).map(one).collect::<Vec<T>>()
        });
        batches.into_iter().flatten().collect()
    }
}

/// By rule and population, whether it says yes.
pub fn verdicts(asked: &Asked<'_>, found: &[Option<Vec<crate::exact::SubgroupFound>>]) -> Vec<Vec<bool>> {
    let populations = 0..asked.populations.len();
    let of = |rule| populations.clone().map(|p| asked.says_yes(rule, p, found)).collect();
    asked.decision.rules.iter().map(of).collect()
}

/// The value of sample information from gains by draw, in one population and in all.
pub fn evsi(
    stated: &[Option<f64>],
    shares: &[f64],
    gains: &[Vec<Option<f64>>],
) -> (Vec<Option<Mean>>, Option<Mean>) {
    let pair = |of: &[Option<f64>], p: usize| of[p].map(|g| (g.max(0.0), g));
    let by = (0..stated.len())
        .map(|p| {
            let pairs: Option<Vec<(f64, f64)>> = gains.iter().map(|of| pair(of, p)).collect();
            let mean = Mean::controlled(&pairs?, stated[p]?);
            Some(Mean { value: mean.value - stated[p]?.max(0.0), ..mean })
        })
        .collect();
    let all = || {
        let sum = |of: &[Option<f64>], best: bool| -> Option<f64> {
            shares.iter().zip(of).map(|(w, g)| g.map(|g| w * if best { g.max(0.0) } else { g })).sum()
        };
        let pairs: Option<Vec<(f64, f64)>> =
            gains.iter().map(|of| Some((sum(of, true)?, sum(of, false)?))).collect();
        let mean = Mean::controlled(&pairs?, sum(stated, false)?);
        Some(Mean { value: mean.value - sum(stated, true)?, ..mean })
    };
    (by, all())
}

/// What a trial of this size is worth.
pub fn size_row(
    asked: &Asked<'_>,
    stated: &Stated,
    of: &Enrolment,
    answers: &[Answer],
    plan: &Plan,
) -> SizeRow {
    let gains: Vec<Vec<Option<f64>>> = answers.iter().map(|a| a.gains.clone()).collect();
    let (by, all) = evsi(&stated.gains, &stated.shares, &gains);
    let changed = |p: usize, of: &[Option<f64>]| {
        of[p].zip(stated.gains[p]).is_some_and(|(after, before)| (after > 0.0) != (before > 0.0))
    };
    let mut worth: Vec<WorthRow> = asked
        .populations
        .iter()
        .enumerate()
        .map(|(p, population)| WorthRow {
            subgroup: population.subgroup.clone(),
            evsi: by[p],
            changes: by[p].map(|_| Mean::share(gains.iter().map(|of| changed(p, of)))),
        })
        .collect();
    let any = |of: &Vec<Option<f64>>| (0..stated.gains.len()).any(|p| changed(p, of));
    worth.push(WorthRow {
        subgroup: None,
        evsi: all,
        changes: all.map(|_| Mean::share(gains.iter().map(any))),
    });
    let patients = patients(of);
    let money = asked.decision.costs.as_ref().map_or(1.0, |c| c.per_utility);
    let net_benefit = plan.reach.zip(all).map(|(reach, evsi)| {
        let each = reach.population * money;
        let cost = reach.fixed_cost + reach.patient_cost * patients as f64;
        Mean { value: each * evsi.value - cost, mcse: each * evsi.mcse }
    });
    SizeRow { patients, by_subgroup: of.clone(), worth, net_benefit }
}

/// What knowing each subgroup's effect is worth.
pub fn evppi(asked: &Asked<'_>, stated: &Stated, plan: &Plan) -> Vec<EvppiRow> {
    if !asked.decision.has_values() || asked.populations.len() < 2 && plan.draws == 0 {
        return Vec::new();
    }
    let of = |p: usize| {
        let gains: Vec<Vec<Option<f64>>> = parallel::range(0..stated.truths.len(), |r| {
            let mut scratch = LatticeScratch::default();
            let means: Vec<Vec<f64>> = stated
                .today
                .iter()
                .enumerate()
                .map(|(k, belief)| {
                    let Some(belief) = belief else { return Vec::new() };
                    let nobody = vec![[NOBODY; 2]; belief.standing.len()];
                    match asked.places[k][p] {
                        Some(g) => {
                            let [control, active] = stated.truths[r][k][g];
                            belief.lattice.mean_differences_given(
                                &nobody,
                                (g, active - control),
                                &mut scratch,
                            )
                        }
                        None => {
                            let mut means = Vec::new();
                            belief.lattice.mean_differences(&nobody, &mut scratch, &mut means);
                            means
                        }
                    }
                })
                .collect();
            asked.gains_of(&stated.values, |k, g| means[k].get(g).copied())
        });
        let (by_subgroup, all) = evsi(&stated.gains, &stated.shares, &gains);
        let known = asked.populations[p].subgroup.clone().unwrap_or_default();
        EvppiRow { known, by_subgroup, all }
    };
    (0..asked.populations.len()).map(of).collect()
}
