//! Sampling until the answer is sure enough.

use super::assembly::{Assembly, Rows};
use super::block::Block;
use super::diagnostics::ebfmi;
use super::importance::{Importance, importance};
use super::options::Sampling;
use super::result::{ChainSummary, SamplerSettings, Stopped};
use super::sampled::SampledPosterior;
use super::source::Source;
use crate::density::LogDensity;
use crate::model::{Hierarchy, Model};
use crate::sampler::{self, Recorded, Watch};
use crate::study::Study;

/// The smallest bulk and tail effective sample size with which an answer counts as sure.
pub const LEAST_ESS: f64 = 400.0;

/// R-hat from which chains count as not yet mixed.
pub const MOST_RHAT: f64 = 1.01;

/// Draws of each chain in the first round, from which the rest is planned.
const FIRST_ROUND: usize = 500;

/// Numbers that are kept at most: with the model's dimension they limit the draws.
const MOST_NUMBERS: usize = 50_000_000;

/// Draws of each chain at most, and the fewest that this limit may be.
const MOST_DRAWS: (usize, usize) = (100_000, 2_500);

/// Planned draws beyond what the last round's figures say is needed.
const MARGIN: f64 = 1.1;

/// Chains and what they say so far.
pub struct Run<'h> {
    model: &'h Model,
    hierarchy: &'h Hierarchy,
    asked: Sampling,
    /// No exact number will stand beside these.
    alone: bool,
    chains: Vec<Recorded<'h, Hierarchy>>,
    pub posterior: SampledPosterior,
    pub rows: Rows,
    stopped: Stopped,
}

/// Why there are no draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsampled {
    #[error("the posterior density is not finite where sampling would begin")]
    NoStart,
    #[error("effects that are not normal around their mean are integrated alone")]
    NotCovered,
    #[error("interrupted before there were enough draws to say anything")]
    Interrupted,
}

/// The acceptance statistic of a run that is made again because it diverged.
pub(crate) const SHORTER: f64 = 0.99;

/// The acceptance statistic that steps are first adapted to.
pub(crate) fn target_acceptance(model: &Model) -> f64 {
    // Where labels may be wrong the posterior has corners: with usual steps one to a few trajectories in 100,000
    // diverge, with these none in 640,000. A few centres' spread is hardly known, and its end at 0 is another. The
    // likelihood of an arm without events ends in a wall that is exponentially steep.
    let corners =
        model.observation.misclassification().is_some() || model.has_few_centres() || model.has_walls();
    if corners { 0.95 } else { 0.8 }
}

/// Whether a run that diverges is made again with shorter steps.
pub(crate) fn may_need_shorter_steps(model: &Model) -> bool {
    model.observation.rows().is_some() || model.has_walls()
}

impl<'h> Run<'h> {
    /// Warms up and samples until the answer is sure, or to the number asked for, a limit, or a stop from outside. Rows with
    /// covariates or centres, and arms without events, can have corners where a usual step is too long: a run that diverges
    /// there is made again with shorter ones.
    pub fn new(
        (model, hierarchy): (&'h Model, &'h Hierarchy),
        assembly: &Assembly<'_>,
        asked: Sampling,
        alone: bool,
        watch: &dyn Watch,
    ) -> Result<Run<'h>, Unsampled> {
        let target = target_acceptance(model);
        let run = Run::towards(target, (model, hierarchy), assembly, (asked, alone), watch)?;
        if may_need_shorter_steps(model) && run.has_diverged() && !watch.stopped() {
            return Run::towards(SHORTER, (model, hierarchy), assembly, (asked, alone), watch);
        }
        Ok(run)
    }

    fn has_diverged(&self) -> bool {
        self.chains.iter().any(|c| c.transitions.iter().any(|t| t.diverged))
    }

    /// With steps of this acceptance statistic.
    fn towards(
        target_acceptance: f64,
        (model, hierarchy): (&'h Model, &'h Hierarchy),
        assembly: &Assembly<'_>,
        (asked, alone): (Sampling, bool),
        watch: &dyn Watch,
    ) -> Result<Run<'h>, Unsampled> {
        let settings = sampler::Settings {
            seed: asked.seed,
            chains: asked.chains,
            warmup: asked.warmup,
            target_acceptance,
            ..sampler::Settings::default()
        };
        let chains = sampler::start(hierarchy, hierarchy.middle(), &settings, watch);
        let mut run = Run {
            model,
            hierarchy,
            asked,
            alone,
            chains: chains.ok_or(Unsampled::NoStart)?,
            posterior: SampledPosterior::default(),
            rows: Rows::default(),
            stopped: Stopped::Sure,
        };
        run.stopped = rounds((&asked, hierarchy.dim()), watch, |total| {
            run.extend(total, assembly, watch)?;
            let needed = multiple_needed(run.rows.blocks(), asked.mcse);
            Ok(Round { needed, diverged: run.has_diverged() })
        })?;
        Ok(run)
    }

    /// Goes on to `total` draws of each chain, and makes the rows anew.
    fn extend(&mut self, total: usize, assembly: &Assembly<'_>, watch: &dyn Watch) -> Result<(), Unsampled> {
        sampler::extend(&mut self.chains, total, watch);
        self.posterior =
            SampledPosterior::of_chains(self.model, self.hierarchy, &self.chains, self.asked.seed);
        if self.posterior.draws == 0 {
            return Err(Unsampled::Interrupted);
        }
        let source = Source::Sampled { posterior: &self.posterior, alone: self.alone };
        self.rows = assembly.rows(source, "");
        Ok(())
    }

    /// Goes on to twice the draws.
    pub fn double(&mut self, assembly: &Assembly<'_>, watch: &dyn Watch) -> Result<(), Unsampled> {
        self.extend(2 * self.posterior.draws, assembly, watch)?;
        if watch.stopped() {
            self.stopped = Stopped::Interrupted;
        }
        Ok(())
    }

    /// The rows again, for a run that finds itself alone.
    pub fn alone(&mut self, assembly: &Assembly<'_>) {
        if !self.alone {
            self.alone = true;
            self.rows = assembly.rows(Source::Sampled { posterior: &self.posterior, alone: true }, "");
        }
    }

    /// Whether the model is of a kind that importance sampling speaks of, where nothing is exact: covariates or centres, and
    /// ordered levels with shared cut points or departures.
    pub fn has_second_opinion(&self) -> bool {
        let levels = self.model.observation.cells().and_then(|cells| cells.levels());
        self.model.observation.rows().is_some() || levels.is_some_and(|levels| !levels.separate())
    }

    /// The draws against weighted draws of the normal approximation.
    pub fn importance(&self, study: &Study, pairs: bool) -> Option<Importance> {
        importance((study, self.model, self.hierarchy), &self.posterior, pairs, self.asked.seed)
    }

    /// Whether the number of draws is the sampler's own choice.
    pub fn is_open_ended(&self) -> bool {
        matches!(self.stopped, Stopped::Sure | Stopped::Limit)
    }

    pub fn was_interrupted(&self) -> bool {
        self.stopped == Stopped::Interrupted
    }

    pub fn settings(&self) -> SamplerSettings {
        SamplerSettings {
            seed: self.asked.seed,
            chains: self.asked.chains,
            warmup: self.asked.warmup,
            draws: self.posterior.draws,
            mcse: if self.asked.draws.is_some() { None } else { Some(self.asked.mcse) },
            draws_asked: self.asked.draws,
            stopped: self.stopped,
        }
    }

    pub fn chain_summaries(&self) -> Vec<ChainSummary> {
        self.chains.iter().enumerate().map(|(c, chain)| summary(c + 1, chain)).collect()
    }
}

/// What a round of draws has come to.
pub(super) struct Round {
    /// How many times the present draws are needed; at most 1 when the answer is sure.
    pub needed: f64,
    /// Whether trajectories diverged.
    pub diverged: bool,
}

/// Goes on, each time to a larger total of draws of each chain, until the answer is sure, or to the number asked for, a
/// limit, or a stop from outside.
pub(super) fn rounds(
    (asked, dim): (&Sampling, usize),
    watch: &dyn Watch,
    mut go_on: impl FnMut(usize) -> Result<Round, Unsampled>,
) -> Result<Stopped, Unsampled> {
    let limit = (MOST_NUMBERS / (dim * asked.chains)).clamp(MOST_DRAWS.1, MOST_DRAWS.0);
    let mut total = asked.draws.unwrap_or(FIRST_ROUND.min(limit));
    loop {
        let Round { needed, diverged } = go_on(total)?;
        return Ok(if watch.stopped() {
            Stopped::Interrupted
        } else if asked.draws.is_some() {
            Stopped::Fixed
        } else if diverged {
            Stopped::Diverged
        } else if needed <= 1.0 {
            Stopped::Sure
        } else if total >= limit {
            Stopped::Limit
        } else {
            total = planned(total, needed).min(limit);
            continue;
        });
    }
}

/// How a chain moved.
pub(super) fn summary<D: LogDensity>(chain: usize, recorded: &Recorded<'_, D>) -> ChainSummary {
    let transitions = &recorded.transitions;
    let n = transitions.len() as f64;
    let energies: Vec<f64> = transitions.iter().map(|t| t.energy).collect();
    ChainSummary {
        chain,
        step_size: recorded.step_size(),
        acceptance: transitions.iter().map(|t| t.acceptance).sum::<f64>() / n,
        steps: transitions.iter().map(|t| f64::from(t.steps)).sum::<f64>() / n,
        max_depth: transitions.iter().map(|t| t.depth).max().unwrap_or(0),
        at_depth_limit: transitions.iter().filter(|t| t.at_limit).count() as u64,
        divergences: transitions.iter().filter(|t| t.diverged).count() as u64,
        ebfmi: ebfmi(&energies),
    }
}

/// How many times the present draws are needed for every probability's Monte Carlo error to be at most `mcse` and every
/// effective sample size at least [`LEAST_ESS`]; at most 1 when the answer is sure.
pub(super) fn multiple_needed<'a>(blocks: impl Iterator<Item = &'a Block>, mcse: f64) -> f64 {
    let mut most: f64 = 0.0;
    for block in blocks {
        for row in &block.probabilities {
            most = row.mcse.map_or(most, |error| most.max((error / mcse) * (error / mcse)));
        }
        let rows = block.parameters.iter().map(|p| &p.reported);
        for row in rows.chain(block.estimates.iter().map(|e| &e.reported)) {
            for ess in [row.ess_bulk, row.ess_tail].into_iter().flatten() {
                most = most.max(LEAST_ESS / ess);
            }
            if row.rhat.is_some_and(|rhat| rhat >= MOST_RHAT) {
                most = most.max(2.0);
            }
        }
    }
    most
}

/// The next round's total: what is needed, a little more, in whole fifties.
fn planned(total: usize, needed: f64) -> usize {
    const UNIT: usize = 50;
    let wanted = libm::ceil(total as f64 * needed * MARGIN) as usize;
    wanted.max(total + 1).div_ceil(UNIT) * UNIT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_grow_by_what_is_needed_and_always_grow() {
        assert_eq!(planned(500, 4.0), 2200);
        assert_eq!(planned(500, 1.0), 550);
        assert_eq!(planned(501, 1e-9), 550);
    }
}
