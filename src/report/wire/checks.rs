//! How the numbers were made, and whether they may be believed.

use serde::Serialize;

use crate::posterior;

/// How the numbers were made.
#[derive(Serialize)]
pub struct Settings {
    engine: &'static str,
    refinement: f64,
    pairs: bool,
    interval: f64,
    sampler: Option<SamplerSettings>,
}

#[derive(Serialize)]
struct SamplerSettings {
    seed: u64,
    chains: usize,
    warmup: usize,
    draws: usize,
    mcse: Option<f64>,
    /// Of an interrupted run of which a number of draws was asked for; absent elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    draws_asked: Option<usize>,
    stopped: &'static str,
}

impl Settings {
    pub fn of(s: &posterior::Settings) -> Settings {
        let sampler = |s: &posterior::SamplerSettings| SamplerSettings {
            seed: s.seed,
            chains: s.chains,
            warmup: s.warmup,
            draws: s.draws,
            mcse: s.mcse,
            draws_asked: s.draws_asked.filter(|_| s.stopped == posterior::Stopped::Interrupted),
            stopped: s.stopped.key(),
        };
        Settings {
            engine: s.engine.key(),
            refinement: s.refinement,
            pairs: s.pairs,
            interval: s.interval,
            sampler: s.sampler.as_ref().map(sampler),
        }
    }
}

/// Whether the numbers may be believed.
#[derive(Serialize)]
pub struct Checks<'a> {
    ok: bool,
    reasons: &'a [String],
    max_rhat: Option<f64>,
    min_ess_bulk: Option<f64>,
    min_ess_tail: Option<f64>,
    max_mcse: Option<f64>,
    divergences: Option<u64>,
    min_ebfmi: Option<f64>,
    exact: ExactChecks<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    importance: Option<Importance>,
    #[serde(skip_serializing_if = "Option::is_none")]
    draws: Option<posterior::Reweighted>,
    chains: Vec<Chain>,
}

#[derive(Serialize)]
struct ExactChecks<'a> {
    available: bool,
    reason: Option<&'a str>,
    comparisons: u64,
    max_abs_z: Option<f64>,
    allowed_abs_z: Option<f64>,
    log_marginal_likelihood: Option<f64>,
    proven: u64,
    unsettled: u64,
}

#[derive(Serialize)]
struct Importance {
    draws: u64,
    pareto_k: f64,
    trusted_k: f64,
    effective_draws: f64,
    comparisons: u64,
    max_abs_z: Option<f64>,
    allowed_abs_z: Option<f64>,
}

#[derive(Serialize)]
struct Chain {
    chain: usize,
    step_size: f64,
    acceptance: f64,
    steps: f64,
    max_depth: u32,
    at_depth_limit: u64,
    divergences: u64,
    ebfmi: Option<f64>,
}

impl<'a> Checks<'a> {
    pub fn of(c: &'a posterior::Checks) -> Checks<'a> {
        Checks {
            ok: c.ok,
            reasons: &c.reasons,
            max_rhat: c.max_rhat,
            min_ess_bulk: c.min_ess_bulk,
            min_ess_tail: c.min_ess_tail,
            max_mcse: c.max_mcse,
            divergences: c.divergences,
            min_ebfmi: c.min_ebfmi,
            exact: ExactChecks::of(&c.exact),
            importance: c.importance.as_ref().map(Importance::of),
            draws: c.draws,
            chains: c.chains.iter().map(Chain::of).collect(),
        }
    }
}

impl<'a> ExactChecks<'a> {
    fn of(c: &'a posterior::ExactChecks) -> ExactChecks<'a> {
        ExactChecks {
            available: c.available,
            reason: c.reason.as_deref(),
            comparisons: c.comparisons,
            max_abs_z: c.max_abs_z,
            allowed_abs_z: c.allowed_abs_z,
            log_marginal_likelihood: c.log_marginal_likelihood,
            proven: c.proven,
            unsettled: c.unsettled,
        }
    }
}

impl Importance {
    fn of(i: &posterior::Importance) -> Importance {
        Importance {
            draws: i.draws,
            pareto_k: i.pareto_k,
            trusted_k: i.trusted_k,
            effective_draws: i.effective_draws,
            comparisons: i.comparisons,
            max_abs_z: i.max_abs_z,
            allowed_abs_z: i.allowed_abs_z,
        }
    }
}

impl Chain {
    fn of(c: &posterior::ChainSummary) -> Chain {
        Chain {
            chain: c.chain,
            step_size: c.step_size,
            acceptance: c.acceptance,
            steps: c.steps,
            max_depth: c.max_depth,
            at_depth_limit: c.at_depth_limit,
            divergences: c.divergences,
            ebfmi: c.ebfmi,
        }
    }
}

/// One arm beside its prior.
#[derive(Serialize)]
pub struct BaselineConflict {
    subgroup: String,
    arm: String,
    events: u64,
    total: u64,
    tail_probability: f64,
}

/// The mean effect beside its prior.
#[derive(Serialize)]
pub struct EffectConflict {
    observed: f64,
    tail_probability: f64,
    subgroups_left_out: usize,
}

impl EffectConflict {
    /// As files have it.
    pub fn of(c: &posterior::EffectConflict) -> EffectConflict {
        EffectConflict {
            observed: c.observed,
            tail_probability: c.tail_probability,
            subgroups_left_out: c.left_out,
        }
    }
}

/// Every arm's row.
pub fn baseline_conflicts(all: &[posterior::BaselineConflict]) -> Vec<BaselineConflict> {
    let row = |c: &posterior::BaselineConflict| BaselineConflict {
        subgroup: c.subgroup.clone(),
        arm: c.arm.clone(),
        events: c.events,
        total: c.total,
        tail_probability: c.tail_probability,
    };
    all.iter().map(row).collect()
}
