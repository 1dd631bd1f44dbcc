//! Rows of a study with several factors: of all patients, of every level, and of every two levels of a factor.

use super::draws::{FactorDraws, Standardised, log_odds_ratio, ratio};
use crate::parallel;
use crate::posterior::block::{Block, probability};
use crate::posterior::claim::About;
use crate::posterior::direction::region;
use crate::posterior::estimand::{Axis, Estimand, Measure, Statement, Whom};
use crate::posterior::linear::{Filling, From, ToldDraws, minus};
use crate::posterior::observed::of_two_arms;
use crate::posterior::parameter::Parameter;
use crate::posterior::sampled::Column;
use crate::study::{ArmCounts, Factors, Study};

/// The levels of a factor are compared with each other where it has so many at most.
const PAIRS_UP_TO: usize = 6;

/// What a block of rows is about.
enum Of {
    Parameters,
    Whom(Whom),
    Pairs(usize),
}

/// All rows, in the order of the result: parameters, all patients, levels, pairs of levels.
pub fn rows(study: &Study, factors: &Factors, draws: &FactorDraws, from: From) -> Vec<Block> {
    let pairs = (0..factors.all.len()).filter(|&f| factors.all[f].levels.len() <= PAIRS_UP_TO);
    let whose = draws.whose().iter().map(|whom| Of::Whom(*whom));
    let each: Vec<Of> = std::iter::once(Of::Parameters).chain(whose).chain(pairs.map(Of::Pairs)).collect();
    parallel::range(0..each.len(), |i| {
        let filling = Filling::new(study, from, draws.shape().0);
        let mut rows = OfStudy { factors, draws, filling };
        match each[i] {
            Of::Parameters => {
                draws.own().for_each(|(key, column)| rows.filling.parameter(key, column));
            }
            Of::Whom(whom) => rows.whom(whom),
            Of::Pairs(f) => {
                let levels = factors.all[f].levels.len();
                (0..levels).for_each(|a| (a + 1..levels).for_each(|b| rows.pair(f, a, b)));
            }
        }
        rows.filling.block
    })
}

struct OfStudy<'a> {
    factors: &'a Factors,
    draws: &'a FactorDraws,
    filling: Filling<'a>,
}

impl OfStudy<'_> {
    fn whom(&mut self, whom: Whom) {
        let study = self.filling.study;
        let of = |measure| Estimand::new(whom, measure);
        match self.draws.of(whom) {
            Some(Standardised::Risks(control, active)) => {
                let counts = pooled(study, self.factors, whom);
                let crude = |measure| counts.as_ref().and_then(|[c, a]| of_two_arms(c, a, measure));
                self.filling.estimate(of(Measure::RiskControl), control, false, None);
                self.filling.estimate(of(Measure::RiskActive), active, false, None);
                let odds = log_odds_ratio(control, active);
                self.filling.effect(of(Measure::OddsRatio), &odds, true, crude(Measure::OddsRatio));
                let difference = minus(active, control);
                let observed = crude(Measure::RiskDifference);
                self.filling.effect(of(Measure::RiskDifference), &difference, false, observed);
                if About::study(study).is_effect() {
                    self.filling.nnt();
                }
                let ratio = ratio(active, control);
                self.filling.effect(of(Measure::RiskRatio), &ratio, false, None);
            }
            Some(Standardised::Effect(effect)) => {
                let scale = study.outcome.scale;
                self.filling.effect(of(Measure::of(scale)), effect, scale.is_ratio(), None);
            }
            None => {}
        }
    }

    /// Two levels of a factor: how their effects differ on the scale of the model, the other factors alike, and how probably the
    /// first one's is the more favourable; and the difference of their standardised risk differences. Nothing where effects can't
    /// differ.
    fn pair(&mut self, f: usize, a: usize, b: usize) {
        let scale = self.filling.study.outcome.scale;
        let (draws, whom) = (self.draws, Whom::LevelPair(f, a, b));
        let shift = |l: usize| draws.own().find(|(key, _)| *key == Parameter::Shift(f, l)).map(|(_, x)| x);
        let (Some(one), Some(other)) = (shift(a), shift(b)) else { return };
        let apart = minus(one, other);
        if apart.iter().all(|x| *x == 0.0) {
            return;
        }
        self.contrast(Estimand::new(whom, Measure::contrast_of(scale)), &apart, scale.is_ratio());
        let (first, second) = (draws.of(Whom::Level(f, a)), draws.of(Whom::Level(f, b)));
        if let (Some(Standardised::Risks(c0, a0)), Some(Standardised::Risks(c1, a1))) = (first, second) {
            let differences = minus(&minus(a0, c0), &minus(a1, c1));
            self.contrast(Estimand::new(whom, Measure::DifferenceOfRiskDifferences), &differences, false);
        }
    }

    fn contrast(&mut self, estimand: Estimand, column: &Column, logarithm: bool) {
        self.filling.estimate(estimand, column, logarithm, None);
        let sign = self.filling.study.outcome.higher_is.sign();
        let (low, high) = region(Statement::GreaterBenefit, 0.0, Axis::Additive, sign);
        let within: Column = column.iter().map(|x| f64::from(u8::from(low < *x && *x < high))).collect();
        let chance = self.filling.quantity(&within).above_zero(&mut self.filling.workspace);
        let asked = (Statement::GreaterBenefit, estimand.measure.null());
        self.filling.block.probabilities.push(probability(estimand, asked, chance, None));
    }
}

/// The counts of both arms of a level's patients, or of all.
pub fn pooled(study: &Study, factors: &Factors, whom: Whom) -> Option<[ArmCounts; 2]> {
    let rows = study.data.counts()?;
    let groups: Vec<usize> = match whom {
        Whom::Level(f, l) => factors.groups((f, l)).collect(),
        _ => (0..rows.len()).collect(),
    };
    let arm = |a: usize| {
        let mut all = ArmCounts::default();
        for own in groups.iter().filter_map(|&g| rows.get(g)?.arms.get(a)) {
            all.events += own.events;
            all.total += own.total;
            all.missing += own.missing;
        }
        all
    };
    Some([arm(0), arm(1)])
}
