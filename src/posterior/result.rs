//! The result as data, numbers in full. How files name them is said where they are written.

use serde::Serialize;

use super::estimand::{Estimand, Statement};
use super::importance::Importance;
use super::nnt::Nnt;
use super::parameter::Parameter;

/// Median and the central 95 % interval. Files have these names too, wherever one stands.
#[derive(Debug, Clone, Copy, Serialize, PartialEq)]
pub struct Quantiles {
    pub median: f64,
    pub q2_5: f64,
    pub q97_5: f64,
}

/// The same quantiles under the prior alone.
pub type PriorSummary = Quantiles;

/// A distribution's summary.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// None for ratios, and where it does not exist.
    pub mean: Option<f64>,
    pub sd: Option<f64>,
    pub quantiles: Quantiles,
}

/// The summary's fields where there may be none.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct Reported {
    pub mean: Option<f64>,
    pub sd: Option<f64>,
    pub median: Option<f64>,
    pub q2_5: Option<f64>,
    pub q97_5: Option<f64>,
    /// Monte Carlo figures, none where nothing was sampled.
    pub mcse_mean: Option<f64>,
    pub ess_bulk: Option<f64>,
    pub ess_tail: Option<f64>,
    pub rhat: Option<f64>,
    /// Monte Carlo errors of the three quantiles, for the number of digits they deserve; only where no exact number is
    /// printed in their place.
    pub mcse_quantiles: Option<[f64; 3]>,
}

impl Reported {
    /// The exact summary, reported as it is.
    pub fn exactly(summary: &Summary) -> Reported {
        Reported {
            mean: summary.mean,
            sd: summary.sd,
            median: Some(summary.quantiles.median),
            q2_5: Some(summary.quantiles.q2_5),
            q97_5: Some(summary.quantiles.q97_5),
            ..Reported::default()
        }
    }
}

/// A parameter of the model and its posterior summary.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ParameterRow {
    pub parameter: Parameter,
    pub reported: Reported,
    pub exact: Option<Summary>,
    pub prior: Option<PriorSummary>,
    /// Without the bias that the model allows for; none where it allows for none.
    pub unadjusted: Option<Quantiles>,
}

/// An estimand and its posterior summary.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Estimate {
    pub estimand: Estimand,
    pub reported: Reported,
    pub exact: Option<Summary>,
    pub prior: Option<PriorSummary>,
    /// Without the bias that the model allows for; none where it allows for none.
    pub unadjusted: Option<Quantiles>,
    /// For risk differences.
    pub nnt: Option<Nnt>,
    /// Why there is no number, where there is none.
    pub unavailable: Option<String>,
    /// Why there is no exact number, where there is a sampled one.
    pub exact_unavailable: Option<String>,
}

/// A statement's probability.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Probability {
    pub estimand: Estimand,
    pub statement: Statement,
    /// On the measure's own scale; a magnitude for "at least" and "equivalent".
    pub threshold: f64,
    pub probability: Option<f64>,
    pub mcse: Option<f64>,
    /// Of the indicator; none where all draws agree.
    pub ess: Option<f64>,
    pub exact: Option<f64>,
    /// What decides on the digits of a sampled probability in text: no digit is finer than twice this.
    pub resolution: Option<f64>,
    /// Under the prior alone.
    pub prior: Option<f64>,
    /// Under the effect prior alone, with the control risk (over all patients every subgroup's) at its posterior median: risk
    /// differences only.
    pub prior_at_control_risk: Option<f64>,
    /// Without the bias that the model allows for; none where it allows for none.
    pub unadjusted: Option<f64>,
    /// Why there is no number, where there is none.
    pub unavailable: Option<String>,
    /// Why there is no exact number, where there is a sampled one.
    pub exact_unavailable: Option<String>,
}

impl Probability {
    /// The prior's value to show beside this one. A statement on a risk difference has the one at the posterior's control
    /// risk where that is known: under all priors together risks are about a half, where a difference is large whatever the
    /// effect.
    pub fn prior_beside(&self) -> Option<f64> {
        self.prior_at_control_risk.or(self.prior)
    }
}

/// How the numbers were made.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    pub engine: Engine,
    /// Nodes of the exact engine's grids relative to the standard.
    pub refinement: f64,
    pub pairs: bool,
    /// Central interval.
    pub interval: f64,
    /// None where nothing was sampled.
    pub sampler: Option<SamplerSettings>,
}

/// Which engines run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Engine {
    /// Each checks the other.
    #[default]
    Both,
    Sampler,
    Exact,
}

impl Engine {
    /// Its name in JSON.
    pub fn key(self) -> &'static str {
        match self {
            Engine::Both => "both",
            Engine::Sampler => "sampler",
            Engine::Exact => "exact",
        }
    }
}

/// How the sampler ran.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SamplerSettings {
    pub seed: u64,
    pub chains: usize,
    /// Transitions of each chain before its draws, not kept.
    pub warmup: usize,
    /// Draws of each chain.
    pub draws: usize,
    /// The largest Monte Carlo error of a probability that was asked for; none where the number of draws was.
    pub mcse: Option<f64>,
    pub stopped: Stopped,
}

/// Why there are no more draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stopped {
    /// Every Monte Carlo error is as small and every effective sample size as large as was asked for.
    Sure,
    /// As many as were asked for.
    Fixed,
    /// The most that are drawn, though the answer is not yet as sure as was asked for.
    Limit,
    /// Trajectories diverged: more draws would not help.
    Diverged,
    Interrupted,
}

impl Stopped {
    /// Its name in JSON.
    pub fn key(self) -> &'static str {
        match self {
            Stopped::Sure => "sure",
            Stopped::Fixed => "fixed",
            Stopped::Limit => "limit",
            Stopped::Diverged => "diverged",
            Stopped::Interrupted => "interrupted",
        }
    }
}

/// Whether the numbers may be believed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Checks {
    pub ok: bool,
    pub reasons: Vec<String>,
    pub max_rhat: Option<f64>,
    pub min_ess_bulk: Option<f64>,
    pub min_ess_tail: Option<f64>,
    /// The largest Monte Carlo error of a probability.
    pub max_mcse: Option<f64>,
    pub divergences: Option<u64>,
    pub min_ebfmi: Option<f64>,
    pub exact: ExactChecks,
    /// Where covariates or centres leave nothing exact: the sampler against importance sampling.
    pub importance: Option<Importance>,
    /// One a chain; empty where nothing was sampled.
    pub chains: Vec<ChainSummary>,
}

/// How one chain moved.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ChainSummary {
    /// From 1.
    pub chain: usize,
    pub step_size: f64,
    /// Mean acceptance statistic.
    pub acceptance: f64,
    /// Mean number of leapfrog steps a draw.
    pub steps: f64,
    pub max_depth: u32,
    /// Trajectories ended by the limit on depth.
    pub at_depth_limit: u64,
    pub divergences: u64,
    pub ebfmi: Option<f64>,
}

/// The deterministic engine's part.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ExactChecks {
    pub available: bool,
    pub reason: Option<String>,
    /// Sampled numbers that were held against exact ones.
    pub comparisons: u64,
    pub max_abs_z: Option<f64>,
    /// What `max_abs_z` may be: the two-sided normal quantile at 10⁻⁴ over the number of comparisons.
    pub allowed_abs_z: Option<f64>,
    pub log_marginal_likelihood: Option<f64>,
    /// Rows with exact numbers: each has proven the mass of the grids behind it, and that its quantiles have the
    /// probabilities that they must.
    pub proven: u64,
    /// Rows that did not, whose exact numbers are left out.
    pub unsettled: u64,
}
