//! Four estimators of the risks in both arms: with or without weights, with or without a regression of the outcome.
//!
//! | | no regression | regression |
//! |---|---|---|
//! | no weights | crude | regression (g-computation) |
//! | weights | weighted (Hájek) | doubly robust |
//!
//! The regression has a log odds for every arm of every subgroup. With a logistic link its weighted residuals sum to 0 within
//! each of them, so that averaging its risks over the population is the augmented estimator: its correction vanishes, and
//! risks stay between 0 and 1.

use serde::Serialize;

use super::cohort::{Cohort, Counts};
use super::logistic::Scratch;
use super::outcome::{Outcome, Weights};
use super::plan::{Estimand, Plan};
use super::propensity::{self, Propensity};
use crate::numeric::logit;

/// How risks are estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Estimator {
    /// As they were observed.
    Crude,
    /// A regression of the outcome, averaged over the population.
    Regression,
    /// Weighted averages.
    Weighted,
    /// A regression fitted with the weights, averaged over the population.
    DoublyRobust,
}

/// All estimators, in the order of results.
pub const ESTIMATORS: [Estimator; 4] =
    [Estimator::Crude, Estimator::Regression, Estimator::Weighted, Estimator::DoublyRobust];

impl Estimator {
    /// In words.
    pub fn in_words(self) -> &'static str {
        match self {
            Estimator::Crude => "crude",
            Estimator::Regression => "regression",
            Estimator::Weighted => "weighted",
            Estimator::DoublyRobust => "doubly robust",
        }
    }

    /// Whether subgroups share coefficients under this estimator, so that their errors are correlated.
    pub(super) fn shares_models(self, plan: &Plan, given: bool) -> bool {
        match self {
            Estimator::Crude => false,
            Estimator::Weighted => !(given || plan.by_subgroup),
            Estimator::Regression | Estimator::DoublyRobust => true,
        }
    }
}

/// The risks in both arms of one population.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Risks {
    /// Between 0 and 1.
    pub control: f64,
    /// Between 0 and 1.
    pub active: f64,
}

impl Risks {
    /// Of the active arm against the control arm.
    pub fn log_odds_ratio(&self) -> f64 {
        logit(self.active) - logit(self.control)
    }

    /// The mean of both arms' log odds.
    pub fn baseline(&self) -> f64 {
        0.5 * (logit(self.active) + logit(self.control))
    }
}

/// What all estimators give.
#[derive(Debug, Clone, Default)]
pub struct Estimates {
    /// By estimator, then subgroup, all patients last.
    pub risks: Vec<Vec<Risks>>,
    /// The population's share in each subgroup.
    pub shares: Vec<f64>,
}

/// All models of one cohort, fitted.
#[derive(Debug, Clone)]
pub struct Model<'a> {
    cohort: &'a Cohort,
    estimand: Estimand,
    truncate: Option<f64>,
    propensity: Propensity,
    plain: Outcome,
    weighted: Outcome,
}

/// What one set of estimates needs besides, kept for the next.
#[derive(Debug, Default)]
pub struct Room {
    scratch: Scratch,
    weights: Weights,
    treated: Vec<f64>,
    totals: Vec<f64>,
    e: Vec<f64>,
    risks: ByArm,
}

/// The risks of all profiles, by arm.
pub type ByArm = [Vec<f64>; 2];

impl<'a> Model<'a> {
    /// Fitted to the cohort's own counts.
    pub fn new(cohort: &'a Cohort, plan: &Plan) -> Model<'a> {
        let counts = cohort.counts();
        let outcome = Outcome::new(cohort, &counts);
        let mut model = Model {
            cohort,
            estimand: plan.estimand,
            truncate: plan.truncate,
            propensity: propensity::unfitted(cohort, plan),
            plain: outcome.clone(),
            weighted: outcome,
        };
        model.fit(&counts, true, &mut Room::default());
        model
    }

    pub fn propensity(&self) -> &Propensity {
        &self.propensity
    }

    pub fn outcome_separated(&self) -> bool {
        self.plain.is_separated() || self.weighted.is_separated()
    }

    /// The same models for a simulated study of the same patients.
    pub fn of_counts(&self, counts: &[Counts], room: &mut Room) -> Model<'a> {
        let outcome = Outcome::new(self.cohort, counts);
        let mut model = Model { plain: outcome.clone(), weighted: outcome, ..self.clone() };
        model.fit(counts, true, room);
        model
    }

    /// The propensities and the risks in both arms of every profile, without weights: what the study is simulated from.
    pub fn truth(&self) -> (Vec<f64>, ByArm) {
        let mut e = vec![0.0; self.cohort.profiles.len()];
        self.propensity.put(&mut e);
        let mut risks = [e.clone(), e.clone()];
        (0..2).for_each(|arm| self.plain.put_risks(self.cohort, arm, &mut risks[arm]));
        (e, risks)
    }

    /// The risks of the population that these propensities and risks make, by subgroup and over all.
    pub fn standardised(&self, e: &[f64], risks: &ByArm, patients: impl Fn(usize) -> f64) -> Vec<Risks> {
        let tilt = |i: usize| self.estimand.tilt(e[i]) * patients(i);
        let (by_subgroup, shares) = averages(self.cohort, tilt, risks);
        with_all(by_subgroup, &shares)
    }

    /// Estimates from the counts that the model was fitted to.
    pub fn estimates(&self, counts: &[Counts]) -> Estimates {
        let mut room = Room { e: vec![0.0; self.cohort.profiles.len()], ..Room::default() };
        self.put_propensities(&mut room.e);
        self.risks(counts, &mut room)
    }

    /// Fits everything again for other weights of the patients, and what follows.
    pub fn again(&mut self, counts: &[Counts], room: &mut Room) -> Estimates {
        self.fit(counts, false, room);
        self.risks(counts, room)
    }

    fn fit(&mut self, counts: &[Counts], first: bool, room: &mut Room) {
        if self.cohort.given.is_none() {
            room.treated.clear();
            room.totals.clear();
            for [control, active] in counts {
                let treated = active[0] + active[1];
                room.treated.push(treated);
                room.totals.push(treated + control[0] + control[1]);
            }
            let data = (&*room.treated, &*room.totals);
            if first {
                self.propensity.fit_first(data);
            } else {
                self.propensity.fit_again(data, &mut room.scratch);
            }
        }
        room.e.resize(self.cohort.profiles.len(), 0.0);
        self.put_propensities(&mut room.e);
        self.plain.fit(counts, |_, _| 1.0, first, (&mut room.weights, &mut room.scratch));
        let (cohort, estimand, e) = (self.cohort, self.estimand, &room.e);
        let by = |i: usize, arm: usize| weight(cohort, estimand, e, (i, arm));
        self.weighted.fit(counts, by, first, (&mut room.weights, &mut room.scratch));
    }

    fn put_propensities(&self, e: &mut [f64]) {
        self.propensity.put(e);
        if let Some(least) = self.truncate {
            e.iter_mut().for_each(|e| *e = e.clamp(least, 1.0 - least));
        }
    }

    /// How much the patients of a profile count in the population. Weights computed elsewhere make each arm look like it, so that
    /// both arms with them are it.
    fn tilt(&self, e: f64, profile: usize, [control, active]: [f64; 2]) -> f64 {
        match &self.cohort.given {
            Some(given) => given[profile][0] * control + given[profile][1] * active,
            None => self.estimand.tilt(e) * (control + active),
        }
    }

    fn risks(&self, counts: &[Counts], room: &mut Room) -> Estimates {
        let (cohort, e) = (self.cohort, &room.e);
        let mut standardised = |outcome: &Outcome, tilt: &dyn Fn(usize) -> f64| {
            for (arm, risks) in room.risks.iter_mut().enumerate() {
                risks.resize(e.len(), 0.0);
                outcome.put_risks(cohort, arm, risks);
            }
            averages(cohort, tilt, &room.risks)
        };
        let of = |i: usize| {
            let [[a, b], [c, d]] = counts[i];
            (a + b) + (c + d)
        };
        let tilt = |i: usize| {
            let [[a, b], [c, d]] = counts[i];
            self.tilt(e[i], i, [a + b, c + d])
        };
        let crude = ratios(cohort, counts, |_, _| 1.0);
        let weighted = ratios(cohort, counts, |i, arm| weight(cohort, self.estimand, e, (i, arm)));
        let (regression, shares) = standardised(&self.plain, &tilt);
        let (robust, _) = standardised(&self.weighted, &tilt);
        // Over all patients as they were observed, a subgroup counts by its patients.
        let patients = shares_of(cohort, of);
        let risks = vec![
            with_all(crude, &patients),
            with_all(regression, &shares),
            with_all(weighted, &shares),
            with_all(robust, &shares),
        ];
        Estimates { risks, shares }
    }
}

/// The weight of a patient of a profile and an arm.
fn weight(cohort: &Cohort, estimand: Estimand, e: &[f64], (i, arm): (usize, usize)) -> f64 {
    cohort.given.as_ref().map_or_else(|| estimand.weight(e[i], arm), |given| given[i][arm])
}

/// The proportion with the event in every arm of every subgroup, patients weighted.
fn ratios(cohort: &Cohort, counts: &[Counts], by: impl Fn(usize, usize) -> f64) -> Vec<Risks> {
    let mut sums = vec![[[0.0; 2]; 2]; cohort.subgroups];
    for (i, (profile, counts)) in cohort.profiles.iter().zip(counts).enumerate() {
        for (arm, [without, with]) in counts.iter().enumerate() {
            if with + without > 0.0 {
                let by = by(i, arm);
                let sum = &mut sums[profile.subgroup as usize][arm];
                sum[0] += by * with;
                sum[1] += by * (with + without);
            }
        }
    }
    let risk = |[with, all]: [f64; 2]| with / all;
    sums.into_iter().map(|[control, active]| Risks { control: risk(control), active: risk(active) }).collect()
}

/// Risks averaged over a population by subgroup, and the subgroups' shares of it.
fn averages(cohort: &Cohort, counts_by: impl Fn(usize) -> f64, risks: &ByArm) -> (Vec<Risks>, Vec<f64>) {
    let mut sums = vec![[0.0; 3]; cohort.subgroups];
    for (i, profile) in cohort.profiles.iter().enumerate() {
        let by = counts_by(i);
        let sum = &mut sums[profile.subgroup as usize];
        sum[0] += by;
        sum[1] += by * risks[0][i];
        sum[2] += by * risks[1][i];
    }
    let all: f64 = sums.iter().map(|s| s[0]).sum();
    let of = |[by, control, active]: &[f64; 3]| Risks { control: control / by, active: active / by };
    (sums.iter().map(of).collect(), sums.iter().map(|s| s[0] / all).collect())
}

/// The subgroups' shares of a population.
fn shares_of(cohort: &Cohort, counts_by: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut sums = vec![0.0; cohort.subgroups];
    cohort.profiles.iter().enumerate().for_each(|(i, p)| sums[p.subgroup as usize] += counts_by(i));
    let all: f64 = sums.iter().sum();
    sums.iter().map(|s| s / all).collect()
}

/// With the risks of all patients behind those of the subgroups.
fn with_all(mut risks: Vec<Risks>, shares: &[f64]) -> Vec<Risks> {
    let mean = |of: fn(&Risks) -> f64| risks.iter().zip(shares).map(|(r, s)| s * of(r)).sum();
    let all = Risks { control: mean(|r| r.control), active: mean(|r| r.active) };
    risks.push(all);
    risks
}
