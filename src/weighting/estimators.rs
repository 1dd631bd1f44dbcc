//! Four estimators of the risks in all arms: with or without weights, with or without a regression of the outcome.
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

use super::cohort::{Cell, Cohort};
use super::logistic::Scratch;
use super::outcome::{Outcome, Weights};
use super::plan::{Estimand, Plan};
use super::propensity::{self, Probabilities, Propensity, Treatment};
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

/// The risks in all arms of one population.
#[derive(Debug, Clone, PartialEq)]
pub struct Risks {
    /// By arm, control first; between 0 and 1.
    pub by_arm: Vec<f64>,
}

impl Risks {
    /// Of an active arm (1 the first) against the control arm.
    pub fn log_odds_ratio(&self, arm: usize) -> f64 {
        logit(self.by_arm[arm]) - logit(self.by_arm[0])
    }

    /// Of an active arm less that of the control arm.
    pub fn difference(&self, arm: usize) -> f64 {
        self.by_arm[arm] - self.by_arm[0]
    }

    /// The mean of all arms' log odds.
    pub fn baseline(&self) -> f64 {
        self.by_arm.iter().map(|p| logit(*p)).sum::<f64>() / self.by_arm.len() as f64
    }

    /// The active arms by place.
    pub fn active(&self) -> std::ops::Range<usize> {
        1..self.by_arm.len()
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
    treatment: Treatment,
    propensity: propensity::Room,
    e: Probabilities,
    risks: ByArm,
}

/// The risks of all profiles, by arm.
pub type ByArm = Vec<Vec<f64>>;

impl<'a> Model<'a> {
    /// Fitted to the cohort's own counts.
    pub fn new(cohort: &'a Cohort, plan: &Plan) -> Model<'a> {
        let outcome = Outcome::new(cohort, &cohort.cells);
        let mut model = Model {
            cohort,
            estimand: plan.estimand,
            truncate: plan.truncate,
            propensity: propensity::unfitted(cohort, plan),
            plain: outcome.clone(),
            weighted: outcome,
        };
        model.fit(&cohort.cells, true, &mut Room::default());
        model
    }

    pub fn propensity(&self) -> &Propensity {
        &self.propensity
    }

    pub fn outcome_separated(&self) -> bool {
        self.plain.is_separated() || self.weighted.is_separated()
    }

    /// The same models for a simulated study of the same patients.
    pub fn of_cells(&self, cells: &[Cell], room: &mut Room) -> Model<'a> {
        let outcome = Outcome::new(self.cohort, cells);
        let mut model = Model { plain: outcome.clone(), weighted: outcome, ..self.clone() };
        model.fit(cells, true, room);
        model
    }

    /// The probabilities of the arms and the risks in them of every profile, without weights: what the study is simulated from.
    pub fn truth(&self) -> (Probabilities, ByArm) {
        let mut e = Probabilities::default();
        self.propensity.put(&mut e);
        let mut risks = vec![vec![0.0; self.cohort.profiles.len()]; self.cohort.arms];
        risks.iter_mut().enumerate().for_each(|(arm, risks)| self.plain.put_risks(self.cohort, arm, risks));
        (e, risks)
    }

    /// The risks of the population that these probabilities and risks make, by subgroup and over all.
    pub fn standardised(
        &self,
        e: &Probabilities,
        risks: &ByArm,
        patients: impl Fn(usize) -> f64,
    ) -> Vec<Risks> {
        let tilt = |i: usize| self.estimand.tilt(e.at(i)) * patients(i);
        let (by_subgroup, shares) = averages(self.cohort, tilt, risks);
        with_all(by_subgroup, &shares)
    }

    /// Estimates from the counts that the model was fitted to.
    pub fn estimates(&self, cells: &[Cell]) -> Estimates {
        let mut room = Room::default();
        self.put_propensities(&mut room.e);
        self.risks(cells, &mut room)
    }

    /// Fits everything again for other weights of the patients, and what follows.
    pub fn again(&mut self, cells: &[Cell], room: &mut Room) -> Estimates {
        self.fit(cells, false, room);
        self.risks(cells, room)
    }

    fn fit(&mut self, cells: &[Cell], first: bool, room: &mut Room) {
        if self.cohort.given.is_none() {
            room.treatment.take(cells, self.cohort.arms);
            if first {
                self.propensity.fit_first(&room.treatment, &mut room.propensity);
            } else {
                self.propensity.fit_again(&room.treatment, &mut room.propensity);
            }
        }
        self.put_propensities(&mut room.e);
        self.plain.fit(cells, |_, _| 1.0, first, (&mut room.weights, &mut room.scratch));
        let (cohort, estimand, e) = (self.cohort, self.estimand, &room.e);
        let by = |i: usize, arm: usize| weight(cohort, estimand, e, (i, arm));
        self.weighted.fit(cells, by, first, (&mut room.weights, &mut room.scratch));
    }

    fn put_propensities(&self, e: &mut Probabilities) {
        self.propensity.put(e);
        if let Some(least) = self.truncate {
            e.truncate(least);
        }
    }

    /// How much the patients of a profile count in the population. Of weights computed elsewhere, all patients and the treated
    /// are known without them; of any other population each arm is made to look like it, so that all arms with them are it.
    fn tilt(&self, e: &Probabilities, profile: usize, cells: &[Cell]) -> f64 {
        let arms = self.cohort.cell(profile, 0)..self.cohort.cell(profile + 1, 0);
        let patients = cells[arms.clone()].iter().map(|[without, with]| without + with);
        match (&self.cohort.given, self.estimand) {
            (Some(given), Estimand::Overlap) => patients.zip(&given[arms]).map(|(n, w)| w * n).sum(),
            (Some(_), Estimand::Treated) => patients.skip(1).sum(),
            (Some(_), Estimand::All) => patients.sum(),
            (None, estimand) => estimand.tilt(e.at(profile)) * patients.sum::<f64>(),
        }
    }

    fn risks(&self, cells: &[Cell], room: &mut Room) -> Estimates {
        let (cohort, e) = (self.cohort, &room.e);
        room.risks.resize(cohort.arms, Vec::new());
        let mut standardised = |outcome: &Outcome, tilt: &dyn Fn(usize) -> f64| {
            for (arm, risks) in room.risks.iter_mut().enumerate() {
                risks.resize(cohort.profiles.len(), 0.0);
                outcome.put_risks(cohort, arm, risks);
            }
            averages(cohort, tilt, &room.risks)
        };
        let of = |i: usize| -> f64 {
            let own = &cells[cohort.cell(i, 0)..cohort.cell(i + 1, 0)];
            own.iter().map(|[without, with]| without + with).sum()
        };
        let tilt = |i: usize| self.tilt(e, i, cells);
        let crude = ratios(cohort, cells, |_, _| 1.0);
        let weighted = ratios(cohort, cells, |i, arm| weight(cohort, self.estimand, e, (i, arm)));
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
fn weight(cohort: &Cohort, estimand: Estimand, e: &Probabilities, (i, arm): (usize, usize)) -> f64 {
    cohort.given.as_ref().map_or_else(|| estimand.weight(e.at(i), arm), |given| given[cohort.cell(i, arm)])
}

/// The proportion with the event in every arm of every subgroup, patients weighted.
fn ratios(cohort: &Cohort, cells: &[Cell], by: impl Fn(usize, usize) -> f64) -> Vec<Risks> {
    let arms = cohort.arms;
    let mut sums = vec![[0.0; 2]; cohort.subgroups * arms];
    for (i, (subgroup, cells)) in cohort.profiles.iter().zip(cells.chunks_exact(arms)).enumerate() {
        for (arm, [without, with]) in cells.iter().enumerate() {
            if with + without > 0.0 {
                let by = by(i, arm);
                let sum = &mut sums[*subgroup as usize * arms + arm];
                sum[0] += by * with;
                sum[1] += by * (with + without);
            }
        }
    }
    let risks = |of: &[[f64; 2]]| Risks { by_arm: of.iter().map(|[with, all]| with / all).collect() };
    sums.chunks_exact(arms).map(risks).collect()
}

/// Risks averaged over a population by subgroup, and the subgroups' shares of it.
fn averages(cohort: &Cohort, counts_by: impl Fn(usize) -> f64, risks: &ByArm) -> (Vec<Risks>, Vec<f64>) {
    let width = cohort.arms + 1;
    // By subgroup: of the population, and of the risks in every arm.
    let mut sums = vec![0.0; cohort.subgroups * width];
    for (i, subgroup) in cohort.profiles.iter().enumerate() {
        let by = counts_by(i);
        let sum = &mut sums[*subgroup as usize * width..(*subgroup as usize + 1) * width];
        sum[0] += by;
        sum[1..].iter_mut().zip(risks).for_each(|(sum, risks)| *sum += by * risks[i]);
    }
    let all: f64 = sums.iter().step_by(width).sum();
    let of = |sum: &[f64]| Risks { by_arm: sum[1..].iter().map(|s| s / sum[0]).collect() };
    let by_subgroup = sums.chunks_exact(width).map(of).collect();
    (by_subgroup, sums.iter().step_by(width).map(|s| s / all).collect())
}

/// The subgroups' shares of a population.
fn shares_of(cohort: &Cohort, counts_by: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut sums = vec![0.0; cohort.subgroups];
    cohort.profiles.iter().enumerate().for_each(|(i, g)| sums[*g as usize] += counts_by(i));
    let all: f64 = sums.iter().sum();
    sums.iter().map(|s| s / all).collect()
}

/// With the risks of all patients behind those of the subgroups.
fn with_all(mut risks: Vec<Risks>, shares: &[f64]) -> Vec<Risks> {
    let arms = risks.first().map_or(0, |r| r.by_arm.len());
    let mean = |arm: usize| risks.iter().zip(shares).map(|(r, s)| s * r.by_arm[arm]).sum();
    let all = Risks { by_arm: (0..arms).map(mean).collect() };
    risks.push(all);
    risks
}
