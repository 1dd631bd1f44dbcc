//! Is what was observed what the model expects? Every cell and every subgroup's effect beside what is predicted of a replicate of
//! this study's size: under the priors, under the posterior, and by the model without that subgroup's data.
//!
//! A cell's events are predicted by a mixture of binomials over the arm's risk (`binomial`), a published estimate by the
//! distribution of its effect widened by its error (`estimates`). How the arms of a subgroup differ is predicted given its patients
//! and its number of events in all, of which the baseline tells nothing: a mixture of Fisher's noncentral hypergeometric
//! distributions over the effect (`difference`). Where the exact engine knows a distribution nothing is drawn (`effect`,
//! `log_odds`).

mod binomial;
mod claims;
mod counts;
mod difference;
mod effect;
mod estimates;
mod left_out;
mod levels;
mod log_odds;
mod several;

use super::analysis::Report;
use super::claim::Method;
use super::sampled::SampledPosterior;
use crate::exact::{Distribution, ExactPosterior};
use crate::model::{Model, Observation};
use crate::study::Study;
use left_out::Others;

/// A tail probability below this, on either side, lies beyond the central 95 %.
const BEYOND: f64 = 0.025;

/// Why something is not predicted.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Untold {
    /// The numbers are withheld.
    #[error("the run did not pass its checks")]
    ChecksFailed,
    /// The model allows for a bias.
    #[error(
        "a bias is allowed for: what was observed is then no plain replicate of what the effects predict"
    )]
    Bias,
    /// Labels of subgroups may be wrong.
    #[error("subgroups' labels may be wrong: no cell is that of the true subgroup")]
    Labels,
    /// Patients of a cell differ.
    #[error("patients of a cell differ by covariates or centres: their events are not binomial")]
    Covariates,
    /// There are several active arms.
    #[error("leaving a subgroup out, and differences, are done for two arms")]
    SeveralArms,
    /// There are several factors.
    #[error("draws of several factors are kept by level, and not by cell")]
    Factors,
    /// A prior is flat.
    #[error("under a flat prior nothing is predicted")]
    Flat,
    /// An integral is not proven.
    #[error("the integral is not proven to be right")]
    Unproven,
    /// Nothing was sampled.
    #[error("it needs draws, and nothing was sampled")]
    NotSampled,
    /// The subgroup's cells say nothing of it.
    #[error("the subgroup has no estimate of its own")]
    NoEstimate,
    /// A subgroup's cut points are known from its own patients alone.
    #[error("a subgroup that is left out has no cut points but the prior's")]
    CutPoints,
    /// Neither engine can leave a subgroup out.
    #[error("cut points or departures are shared, which needs a fit without each subgroup")]
    SharedLevels,
    /// Errors of estimates are correlated.
    #[error("the errors of these estimates are correlated: the others say something of its error too")]
    Correlated,
    /// The weights that would leave a subgroup out of the draws can't be trusted.
    #[error("importance weights that leave it out can't be trusted: Pareto k {k:.2}, at most {trusted:.2}")]
    Weights {
        /// The Pareto shape of their tail.
        k: f64,
        /// The largest shape at which so many can be trusted.
        trusted: f64,
    },
}

/// A number, or why there is none.
pub type Told<T> = Result<T, Untold>;

/// What is predicted of a number in a replicate of the study.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Predictive {
    /// Its mean, in the unit of the number; none where it does not exist.
    pub mean: Option<f64>,
    /// The ends of its central 95 % interval: of counts the least numbers at or below which lie 2.5 % and 97.5 %.
    pub interval: [f64; 2],
    /// P(replicate < observed) + ½ P(replicate = observed), 0 to 1.
    pub tail_probability: f64,
    /// How it was computed.
    pub method: Method,
}

impl Predictive {
    /// Whether what was observed lies beyond its central 95 %, half of a tie counted on either side.
    pub fn is_beyond(&self) -> bool {
        !(BEYOND..=1.0 - BEYOND).contains(&self.tail_probability)
    }
}

/// What is compared with its prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compared {
    /// Events of an arm, by its place; of how many patients is known.
    Events(usize),
    /// Patients of an arm at a level, both by their places.
    Level(usize, usize),
    /// The risk difference, active minus control, given the patients of both arms and the number of events in all.
    RiskDifference,
    /// The subgroup's own estimate, on the scale of the model, given its standard error.
    Estimate,
}

/// One number that was observed, beside its predictions.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Check {
    /// The subgroup's place.
    pub subgroup: usize,
    /// What it is.
    pub compared: Compared,
    /// The patients of the arm, or of both arms for a difference; none for estimates.
    pub patients: Option<u64>,
    /// What was observed: a count, a difference of proportions, or an estimate on the scale of the model.
    pub observed: f64,
    /// Before any data.
    pub prior: Told<Predictive>,
    /// Given all data, those that are predicted among them.
    pub posterior: Told<Predictive>,
    /// Given the data of all other subgroups.
    pub left_out: Told<Predictive>,
}

impl Check {
    /// Whether it is how the subgroup's arms differ, of which there is one a subgroup.
    pub fn is_of_effect(&self) -> bool {
        matches!(self.compared, Compared::RiskDifference | Compared::Estimate)
    }

    /// Whether it lies beyond the central 95 % of what the others predict; none where that is not told.
    pub fn is_beyond_others(&self) -> Option<bool> {
        self.left_out.as_ref().ok().map(Predictive::is_beyond)
    }
}

/// A subgroup's effect as the priors and the other subgroups predict it, on the scale of the model.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct PredictedEffect {
    /// Its mean; none where it does not exist.
    pub mean: Option<f64>,
    /// Its median.
    pub median: f64,
    /// The ends of its central 95 % interval.
    pub interval: [f64; 2],
    /// How it was computed.
    pub method: Method,
}

/// What was observed beside what the model predicts of it.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct ModelChecks {
    /// Why there are no checks at all; none where there are.
    pub unavailable: Option<Untold>,
    /// By subgroup: its cells, then its effect.
    pub checks: Vec<Check>,
    /// Every subgroup's effect without its own data; empty where there are no checks at all.
    pub effects: Vec<Told<PredictedEffect>>,
}

impl ModelChecks {
    fn none(why: Untold) -> ModelChecks {
        ModelChecks { unavailable: Some(why), ..ModelChecks::default() }
    }

    /// Every subgroup's effect that is held against what the others predict, and whether it lies beyond.
    pub fn against_others(&self) -> impl Iterator<Item = (&Check, bool)> {
        self.checks.iter().filter(|c| c.is_of_effect()).filter_map(|c| Some((c, c.is_beyond_others()?)))
    }
}

/// What was integrated and sampled for a report, for what is asked of it later.
#[derive(Clone, Default)]
pub struct Behind {
    /// The exact posterior; none where the engine does not cover the model, or was not asked.
    pub exact: Option<std::sync::Arc<ExactPosterior>>,
    /// The model without data, where one subgroup stands for all; none under a flat effect prior.
    pub prior: Option<std::sync::Arc<ExactPosterior>>,
}

impl std::fmt::Debug for Behind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Behind { exact, prior } = self;
        write!(f, "Behind {{ exact: {}, prior: {} }}", exact.is_some(), prior.is_some())
    }
}

/// All that predictions are made of.
struct Known<'a> {
    study: &'a Study,
    model: Model,
    exact: Option<&'a ExactPosterior>,
    prior: Option<&'a ExactPosterior>,
    sampled: Option<&'a SampledPosterior>,
    /// The draws' effective number as a part of their number, of the worst quantity.
    efficiency: f64,
    seed: u64,
}

impl<'a> Known<'a> {
    /// A subgroup's effect before any data.
    fn prior_effect(&self) -> Told<Box<dyn Distribution + 'a>> {
        self.prior.map(|prior| prior.theta(0)).ok_or(Untold::Flat)
    }
}

/// What was observed in a study beside what its model predicts; `report` must be of this study.
pub fn model_checks(study: &Study, report: &Report, behind: &Behind) -> ModelChecks {
    if report.withheld {
        return ModelChecks::none(Untold::ChecksFailed);
    }
    let seed = report.settings.sampler.as_ref().map_or(1, |s| s.seed);
    if study.factors.is_some() {
        return ModelChecks::none(Untold::Factors);
    }
    if study.treatment.has_several_arms() {
        return several::checks(study, report, seed);
    }
    if study.bias.as_ref().is_some_and(|b| b.assumes_anything()) {
        let mislabelled = study.bias.as_ref().is_some_and(|b| b.misclassification.is_some());
        return ModelChecks::none(if mislabelled { Untold::Labels } else { Untold::Bias });
    }
    let model = Model::of(study);
    if model.observation.rows().is_some() {
        return ModelChecks::none(Untold::Covariates);
    }
    let sampled = report.sampled.as_ref();
    let draws = sampled.map_or(1, |s| s.chains * s.draws).max(1) as f64;
    let known = Known {
        study,
        exact: behind.exact.as_deref(),
        prior: behind.prior.as_deref(),
        sampled,
        efficiency: report.checks.least_ess().map_or(1.0, |ess| (ess / draws).min(1.0)),
        seed,
        model,
    };
    let others = Others::of(&known);
    match &known.model.observation {
        Observation::Cells(cells) if cells.levels().is_some() => levels::checks(&known, &others),
        Observation::Cells(cells) if cells.are_binomial() => counts::checks(&known, cells, &others),
        Observation::Cells(_) => ModelChecks::none(Untold::Bias),
        Observation::Estimates(_) | Observation::Correlated(_) => estimates::checks(&known, &others),
    }
}
