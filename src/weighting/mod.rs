//! Treatment that was not randomised: who would have been treated, weights that undo it, and effects by subgroup with their
//! joint error.
//!
//! ```text
//! Cohort (patients by profile) → propensity (who is treated) → design (balance, overlap: no outcome)
//!     → estimators (crude, regression, weighted, doubly robust) → bootstrap (every fit again) → replay (is the spread right?)
//! ```
//!
//! The propensity is fitted to treatment alone: the outcome never informs it. Every estimator is fitted again as a whole, the
//! propensity with it, for every draw of Dirichlet weights of the patients (the Bayesian bootstrap). A replay of the study at
//! its own size, from its own fitted models, then says by how much the bootstrap's spread is too narrow.

mod balance;
mod bootstrap;
mod coefficients;
mod cohort;
mod design;
mod estimators;
mod kernel;
mod kernel_of_arms;
mod logistic;
mod multinomial;
mod outcome;
mod plan;
mod propensity;
mod replay;
mod streams;

pub use balance::{Balance, Imbalance};
pub use bootstrap::Spread;
pub use cohort::{Cell, Cohort};
pub use design::{ArmOverlap, Design, Extreme, OneSided, SubgroupDesign};
pub use estimators::{ESTIMATORS, Estimator, Risks};
pub use plan::{Estimand, Method, Plan, SlopePrior};
pub use replay::{Replay, Replayed};

use estimators::Estimates;

/// The most arms that a study may have, the control arm among them.
pub const MOST_ARMS: usize = 10;

/// Every two arms, the later against the earlier, those against control first.
pub fn pairs(arms: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..arms).flat_map(move |against| (against + 1..arms).map(move |arm| (arm, against)))
}

/// What weighting gives: how treatment was given, and effects by every estimator with their errors.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighted {
    /// How it was done.
    pub plan: Plan,
    /// Who was treated, without any outcome.
    pub design: Design,
    /// The risks in all arms by estimator, in the order of [`ESTIMATORS`], then by subgroup, all patients last.
    pub risks: Vec<Vec<Risks>>,
    /// The spread of the log odds ratios and baselines by estimator, before the replay's factors.
    pub spread: Vec<Spread>,
    /// What the replay showed; none where it was not asked for, or weights were computed elsewhere.
    pub replay: Option<Replay>,
    /// The share of the estimand's population in each subgroup: sums to 1.
    pub shares: Vec<f64>,
    /// Whether the coefficients of the outcome's covariates have the fallback prior, as the data set no bound to them.
    pub outcome_separated: bool,
}

/// Why a cohort has no estimate: in which subgroup and arm (0 control) there is nobody, no event, or nothing but events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoEstimate {
    /// The subgroup's place.
    pub subgroup: usize,
    /// The arm: 0 the control arm.
    pub arm: usize,
    /// What is lacking.
    pub lack: Lack,
}

/// What a subgroup's arm lacks for a log odds ratio to be finite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// No patient.
    Patients,
    /// Patients, but all their weights are 0.
    Weight,
    /// Weight of more than one patient: one has next to all of it.
    AllButOne,
    /// No patient with the event.
    Events,
    /// No patient without the event.
    Others,
}

/// The design alone: propensity, balance and overlap. No outcome is read.
pub fn design(cohort: &Cohort, plan: &Plan) -> Result<Design, NoEstimate> {
    cohort.has_all_arms()?;
    Ok(Design::of(cohort, plan, &propensity::fitted(cohort, plan)))
}

/// Effects by all estimators, with the spread of the whole-estimator bootstrap and what a replay says of it.
pub fn weighted(cohort: &Cohort, plan: &Plan) -> Result<Weighted, NoEstimate> {
    cohort.has_all_arms()?;
    cohort.has_both_outcomes()?;
    let model = estimators::Model::new(cohort, plan);
    let Estimates { risks, shares, .. } = model.estimates(&cohort.cells);
    let design = Design::of(cohort, plan, model.propensity());
    let spread = bootstrap::spread(&model, cohort, plan);
    let replay = replay::replay(&model, cohort, plan);
    let outcome_separated = model.outcome_separated();
    Ok(Weighted { plan: plan.clone(), design, risks, spread, replay, shares, outcome_separated })
}

impl Weighted {
    /// The place of the plan's own estimator among [`ESTIMATORS`].
    pub fn own(&self) -> usize {
        let own = self.plan.method.estimator();
        ESTIMATORS.iter().position(|e| *e == own).unwrap_or(0)
    }

    /// How many subgroups there are.
    pub fn subgroups(&self) -> usize {
        self.shares.len()
    }

    /// How many active arms there are.
    pub fn active_arms(&self) -> usize {
        self.risks[0][0].active().len()
    }

    /// The place of an active arm's effect in a subgroup among all effects.
    pub fn effect(&self, subgroup: usize, arm: usize) -> usize {
        subgroup * self.active_arms() + arm - 1
    }

    /// The factors that the bootstrap's spread of an estimator's log odds ratios is multiplied by, by subgroup, then active arm; 1
    /// without a replay.
    pub fn factors(&self, estimator: usize) -> Vec<f64> {
        let one = |k: usize| {
            let of = |r: &Replay| r.estimators[estimator].get(k).map_or(1.0, |r| r.factor);
            self.replay.as_ref().map_or(1.0, of)
        };
        (0..self.subgroups() * self.active_arms()).map(one).collect()
    }

    /// The same of its baselines, by subgroup.
    pub fn baseline_factors(&self, estimator: usize) -> Vec<f64> {
        let one = |g: usize| {
            let of = |r: &Replay| {
                r.estimators[estimator].get(self.effect(g, 1)).map_or(1.0, |r| r.baseline_factor)
            };
            self.replay.as_ref().map_or(1.0, of)
        };
        (0..self.subgroups()).map(one).collect()
    }

    /// An estimator's log odds ratios, by subgroup, then active arm.
    pub fn effects(&self, estimator: usize) -> Vec<f64> {
        let of = |r: &Risks| r.active().map(|arm| r.log_odds_ratio(arm)).collect::<Vec<f64>>();
        self.risks[estimator][..self.subgroups()].iter().flat_map(of).collect()
    }

    /// The covariance of an estimator's log odds ratios by row, with the replay's factors.
    pub fn covariance(&self, estimator: usize) -> Vec<f64> {
        let (factors, spread) = (self.factors(estimator), &self.spread[estimator]);
        let n = factors.len();
        (0..n * n).map(|k| spread.covariance[k] * factors[k / n] * factors[k % n]).collect()
    }
}
