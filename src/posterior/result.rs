//! The results as data, with numbers in full. How files name them is decided where files are written.

use serde::Serialize;

use super::estimand::{Estimand, Statement};
use super::fitted_elsewhere::Reweighted;
use super::importance::Importance;
use super::nnt::Nnt;
use super::observed::Observed;
use super::parameter::Parameter;

/// A median and its central 95 % interval, on the scale of the quantity. Files use the same field names.
#[derive(Debug, Clone, Copy, Serialize, PartialEq)]
pub struct Quantiles {
    /// The median.
    pub median: f64,
    /// The lower end of the interval: the 2.5 % quantile.
    pub q2_5: f64,
    /// The upper end of the interval: the 97.5 % quantile.
    pub q97_5: f64,
}

/// The median and interval of a quantity under the prior alone.
pub type PriorSummary = Quantiles;

/// The exact summary of a distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// The mean; none for ratios, and where it does not exist.
    pub mean: Option<f64>,
    /// The standard deviation; none for ratios, and where it does not exist.
    pub sd: Option<f64>,
    /// The median and the 95 % interval.
    pub quantiles: Quantiles,
}

/// The summary that is reported: sampled, or exact where nothing was sampled. Every field is none where there is no
/// number.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct Reported {
    /// The mean; none for ratios, and where it does not exist.
    pub mean: Option<f64>,
    /// The standard deviation; none for ratios, and where it does not exist.
    pub sd: Option<f64>,
    /// The median.
    pub median: Option<f64>,
    /// The 2.5 % quantile.
    pub q2_5: Option<f64>,
    /// The 97.5 % quantile.
    pub q97_5: Option<f64>,
    /// The Monte Carlo error of the mean; none where nothing was sampled.
    pub mcse_mean: Option<f64>,
    /// The bulk effective sample size; none where nothing was sampled.
    pub ess_bulk: Option<f64>,
    /// The tail effective sample size; none where nothing was sampled.
    pub ess_tail: Option<f64>,
    /// R-hat, 1 at convergence; none where nothing was sampled.
    pub rhat: Option<f64>,
    /// Monte Carlo errors of the median, the 2.5 % and the 97.5 % quantile, which decide how many digits are printed;
    /// none where exact numbers are printed instead.
    pub mcse_quantiles: Option<[f64; 3]>,
}

impl Reported {
    /// The exact summary, reported as it is.
    pub(crate) fn exactly(summary: &Summary) -> Reported {
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

/// The posterior of one parameter of the model.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ParameterRow {
    /// The parameter.
    pub parameter: Parameter,
    /// The summary that is reported, with its diagnostics.
    pub reported: Reported,
    /// The exact summary; none where the exact engine has none.
    pub exact: Option<Summary>,
    /// The median and interval under the prior alone; none where they are not known.
    pub prior: Option<PriorSummary>,
    /// The median and interval without the bias that the model allows for; none where it allows for none.
    pub unadjusted: Option<Quantiles>,
}

/// The posterior of one estimand.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Estimate {
    /// The estimand.
    pub estimand: Estimand,
    /// The summary that is reported, with its diagnostics, on the measure's own scale.
    pub reported: Reported,
    /// The exact summary on the measure's own scale; none where the exact engine has none.
    pub exact: Option<Summary>,
    /// The median and interval under the prior alone; none where they are not known.
    pub prior: Option<PriorSummary>,
    /// The median and interval without the bias that the model allows for; none where it allows for none.
    pub unadjusted: Option<Quantiles>,
    /// What the subgroup's own data say of it; none where they say nothing, and of whom there are no own data.
    pub observed: Option<Observed>,
    /// The number needed to treat; only for risk differences that are effects of treatment: in a randomised study, or
    /// adjusted for who received it.
    pub nnt: Option<Nnt>,
    /// Why there is no number; none where there is one.
    pub unavailable: Option<String>,
    /// Why there is no exact number beside the sampled one; none where there is one.
    pub exact_unavailable: Option<String>,
}

/// The posterior probability of one statement about an estimand.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Probability {
    /// The estimand.
    pub estimand: Estimand,
    /// The statement.
    pub statement: Statement,
    /// The threshold on the measure's own scale: a magnitude for "at least" and "equivalent", otherwise the value of
    /// no effect.
    pub threshold: f64,
    /// The probability: exact where the exact engine has it, otherwise sampled. None where there is no number.
    pub probability: Option<f64>,
    /// The sampled probability; none where nothing was sampled.
    pub sampled: Option<f64>,
    /// The Monte Carlo error of the sampled probability; none where nothing was sampled or all draws agree.
    pub mcse: Option<f64>,
    /// The effective sample size of the statement's indicator; none where nothing was sampled or all draws agree.
    pub ess: Option<f64>,
    /// The exact probability; none where the exact engine has none.
    pub exact: Option<f64>,
    /// The precision of a sampled probability: text shows no digit finer than twice this. None where there is an
    /// exact one.
    pub resolution: Option<f64>,
    /// The probability before the data, under all stated priors, the baseline's among them; none where it is not known.
    pub prior: Option<f64>,
    /// The probability under the prior of the effect alone, with the control risk at its posterior median (over all
    /// patients, that of each subgroup). It has seen the data, and is no prior probability. Only for risk differences.
    pub prior_at_control_risk: Option<f64>,
    /// The probability without the bias that the model allows for; none where it allows for none.
    pub unadjusted: Option<f64>,
    /// Why there is no number; none where there is one.
    pub unavailable: Option<String>,
    /// Why there is no exact number beside the sampled one; none where there is one.
    pub exact_unavailable: Option<String>,
}

/// How the numbers were made.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// Which engines were asked for.
    pub engine: Engine,
    /// How many nodes the exact engine's grids have in each direction, relative to the standard.
    pub refinement: f64,
    /// Whether pairs of subgroups are reported.
    pub pairs: bool,
    /// The probability within the central intervals, 0.95.
    pub interval: f64,
    /// How the sampler ran; none where nothing was sampled.
    pub sampler: Option<SamplerSettings>,
}

/// Which engines run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Engine {
    /// Both engines, which check each other.
    #[default]
    Both,
    /// The sampler alone.
    Sampler,
    /// The exact engine alone.
    Exact,
}

impl Engine {
    /// The choice's name in JSON.
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
    /// The seed of all random numbers.
    pub seed: u64,
    /// The number of chains.
    pub chains: usize,
    /// Transitions of each chain before its draws, not kept.
    pub warmup: usize,
    /// Draws of each chain.
    pub draws: usize,
    /// The largest Monte Carlo error of a probability that was asked for; none where a fixed number of draws was.
    pub mcse: Option<f64>,
    /// The number of draws of each chain that was asked for; none where no number was, and where a result does not say.
    pub draws_asked: Option<usize>,
    /// Why the sampler stopped.
    pub stopped: Stopped,
}

/// Why the sampler stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stopped {
    /// Every Monte Carlo error is as small, and every effective sample size as large, as required.
    Sure,
    /// The number of draws that was asked for was reached.
    Fixed,
    /// The largest number of draws was reached before the answer was as sure as required.
    Limit,
    /// Trajectories diverged, so that more draws would not help.
    Diverged,
    /// The user interrupted it.
    Interrupted,
}

impl Stopped {
    /// The reason's name in JSON.
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

/// The checks that decide whether the numbers are shown.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Checks {
    /// Whether all checks were passed.
    pub ok: bool,
    /// The reasons why checks were not passed, in sentences; empty where all were.
    pub reasons: Vec<String>,
    /// The largest R-hat of all rows; none where nothing was sampled.
    pub max_rhat: Option<f64>,
    /// The smallest bulk effective sample size of all rows; none where nothing was sampled.
    pub min_ess_bulk: Option<f64>,
    /// The smallest tail effective sample size of all rows; none where nothing was sampled.
    pub min_ess_tail: Option<f64>,
    /// The largest Monte Carlo error of a probability; none where nothing was sampled.
    pub max_mcse: Option<f64>,
    /// How many trajectories diverged; none where nothing was sampled.
    pub divergences: Option<u64>,
    /// The smallest E-BFMI of the chains; none where nothing was sampled.
    pub min_ebfmi: Option<f64>,
    /// What the exact engine contributed, and how it compares with the sampler.
    pub exact: ExactChecks,
    /// The comparison of the sampler with importance sampling, where the model has covariates or centres, or ordered levels with
    /// shared cut points or departures; otherwise none.
    pub importance: Option<Importance>,
    /// Of estimates that are a summary of draws: these reweighted to the pooled posterior; none of others.
    pub draws: Option<Reweighted>,
    /// One summary per chain; empty where nothing was sampled.
    pub chains: Vec<ChainSummary>,
}

/// How one chain of the sampler moved.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ChainSummary {
    /// The chain's number, from 1.
    pub chain: usize,
    /// The step size after warm-up, in the coordinates of the chain's metric.
    pub step_size: f64,
    /// The mean acceptance statistic, from 0 to 1.
    pub acceptance: f64,
    /// The mean number of leapfrog steps per draw.
    pub steps: f64,
    /// The largest number of doublings of a trajectory.
    pub max_depth: u32,
    /// How many trajectories were ended by the limit on depth.
    pub at_depth_limit: u64,
    /// How many trajectories diverged.
    pub divergences: u64,
    /// E-BFMI of the chain's energies; none where it cannot be computed.
    pub ebfmi: Option<f64>,
}

/// What the exact engine contributed, and how it compares with the sampler.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ExactChecks {
    /// Whether there is an exact posterior.
    pub available: bool,
    /// Why there is no exact posterior; none where there is one.
    pub reason: Option<String>,
    /// How many sampled numbers were compared with exact ones.
    pub comparisons: u64,
    /// The largest difference between a sampled and an exact number, in Monte Carlo errors; none where nothing was
    /// compared.
    pub max_abs_z: Option<f64>,
    /// The largest value of `max_abs_z` that passes: the two-sided normal quantile at 10⁻⁴ over the number of
    /// comparisons. None where nothing was compared.
    pub allowed_abs_z: Option<f64>,
    /// The log marginal likelihood of the data; none where there is no exact posterior, where each subgroup is
    /// modelled alone, or under a flat effect prior.
    pub log_marginal_likelihood: Option<f64>,
    /// How many rows have exact numbers. Each was verified: the grids behind it hold their full mass, and its
    /// quantiles have the probabilities that they must.
    pub proven: u64,
    /// How many rows could not be verified; their exact numbers are left out.
    pub unsettled: u64,
}
