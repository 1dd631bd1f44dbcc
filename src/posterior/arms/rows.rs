//! Rows of a study with several arms: every arm's risk, every two arms' comparison, and which arm is best.

use super::draws::{ArmDraws, OfArms};
use crate::parallel;
use crate::posterior::block::{Block, estimate, probability};
use crate::posterior::direction::region;
use crate::posterior::estimand::{Arms, Axis, Estimand, Measure, Statement, Whom};
use crate::posterior::linear::{Filling, From, minus};
use crate::posterior::observed::{Observed, normal};
use crate::posterior::parameter::Parameter;
use crate::posterior::quantity::Found;
use crate::posterior::result::Reported;
use crate::posterior::sampled::Column;
use crate::study::Study;
use crate::weighting::Weighted;

pub use crate::weighting::pairs;

/// All rows, in the order of the result: what is shared, then the subgroups.
pub fn rows(study: &Study, draws: &ArmDraws, from: From) -> Vec<Block> {
    parallel::range(0..draws.subgroups() + 1, |i| {
        let mut rows = OfStudy { draws, filling: Filling::new(study, from, draws.chains()) };
        match i {
            0 => rows.shared(),
            _ => rows.subgroup(i - 1),
        }
        rows.filling.block
    })
}

struct OfStudy<'a> {
    draws: &'a ArmDraws,
    filling: Filling<'a>,
}

impl OfStudy<'_> {
    fn shared(&mut self) {
        let draws = self.draws;
        for (key, column) in draws.parameters() {
            if !matches!(key, Parameter::ThetaOf(..) | Parameter::Alpha(_)) {
                self.filling.parameter(key, column);
            }
        }
        self.of(Whom::Overall);
        let means = draws.means();
        if draws.subgroups() < 2 || means.is_empty() {
            return;
        }
        // The average subgroup, whose effects are the arms' means.
        for (arm, against) in pairs(draws.arms()) {
            let zero = || vec![0.0; draws.chains() * draws.draws()];
            let mean = |a: usize| a.checked_sub(1).map_or_else(zero, |a| means[a].clone());
            let ratio = minus(&mean(arm), &mean(against));
            self.effect(
                Estimand::new(Whom::Mean, Measure::OddsRatio).of_arms(Arms::Pair(arm, against)),
                &ratio,
                true,
            );
        }
    }

    fn subgroup(&mut self, g: usize) {
        let draws = self.draws;
        for (key, column) in draws.parameters() {
            if matches!(key, Parameter::ThetaOf(of, _) | Parameter::Alpha(of) if of == g) {
                self.filling.parameter(key, column);
            }
        }
        self.of(Whom::Subgroup(g));
    }

    fn of(&mut self, whom: Whom) {
        let Some(of) = self.draws.of(whom) else { return };
        for (a, risk) in of.risks.iter().enumerate() {
            let estimand = Estimand::new(whom, Measure::Risk).of_arms(Arms::One(a));
            self.filling.estimate(estimand, risk, false, None);
        }
        for (arm, against) in pairs(self.draws.arms()) {
            let arms = Arms::Pair(arm, against);
            let (p1, p0) = (&of.risks[arm], &of.risks[against]);
            let ratio = minus(&of.log_odds[arm], &of.log_odds[against]);
            self.effect(Estimand::new(whom, Measure::OddsRatio).of_arms(arms), &ratio, true);
            self.effect(Estimand::new(whom, Measure::RiskDifference).of_arms(arms), &minus(p1, p0), false);
            let ratio: Column = p1.iter().zip(p0).map(|(a, b)| a / b).collect();
            self.effect(Estimand::new(whom, Measure::RiskRatio).of_arms(arms), &ratio, false);
        }
        self.ranks(whom, &of);
    }

    /// The probability of every rank of every arm, and its mean rank.
    fn ranks(&mut self, whom: Whom, of: &OfArms) {
        let ranks = ranks(of, self.filling.study.outcome.higher_is.sign());
        for (a, ranks) in ranks.iter().enumerate() {
            let estimand = Estimand::new(whom, Measure::Rank).of_arms(Arms::One(a));
            let mut mean = 0.0;
            for rank in 1..=self.draws.arms() {
                let at: Column = ranks.iter().map(|&r| f64::from(u8::from(r == rank))).collect();
                let chance = self.filling.quantity(&at).above_zero(&mut self.filling.workspace);
                mean += rank as f64 * chance.sampled.map_or(f64::NAN, |p| p.probability);
                if rank == 1 {
                    self.filling.block.probabilities.push(probability(
                        estimand,
                        (Statement::Best, 1.0),
                        chance,
                        None,
                    ));
                }
                self.filling.block.probabilities.push(probability(
                    estimand,
                    (Statement::Ranked, rank as f64),
                    chance,
                    None,
                ));
            }
            let reported = Reported { mean: Some(mean), ..Reported::default() };
            self.filling.block.estimates.push(estimate(
                estimand,
                Found { reported, ..Found::default() },
                None,
            ));
        }
    }

    fn effect(&mut self, estimand: Estimand, column: &Column, logarithm: bool) {
        let observed = crude(self.filling.study, estimand);
        self.filling.effect(estimand, column, logarithm, observed);
    }
}

/// The rank of every arm in every draw, 1 being the best; by arm. Which of two is better is told by their log odds, which tell
/// apart what risks near 0 and 1 do not.
pub fn ranks(of: &OfArms, sign: f64) -> Vec<Vec<usize>> {
    let (low, high) = region(Statement::GreaterBenefit, 0.0, Axis::Additive, sign);
    let better = |difference: f64| low < difference && difference < high;
    let n = of.log_odds.first().map_or(0, Vec::len);
    let rank = |a: usize, i: usize| {
        1 + of.log_odds.iter().filter(|other| better(other[i] - of.log_odds[a][i])).count()
    };
    (0..of.log_odds.len()).map(|a| (0..n).map(|i| rank(a, i)).collect()).collect()
}

/// What a subgroup's own patients say of two arms, or of one: as they were counted, or weighted.
fn crude(study: &Study, estimand: Estimand) -> Option<Observed> {
    let (Whom::Subgroup(g), Some(arms)) = (estimand.whom, estimand.arms) else { return None };
    if let Some(weighting) = &study.weighting {
        let found = weighting.weighted.as_ref().filter(|_| estimand.measure == Measure::OddsRatio)?;
        return Some(weighted(found, g, (arms.first(), arms.against()?)));
    }
    let row = study.data.counts()?.get(g)?;
    crate::posterior::observed::of_two_arms(
        row.arms.get(arms.against()?)?,
        row.arms.get(arms.first())?,
        estimand.measure,
    )
}

/// The odds ratio of two arms of a subgroup's weighted patients, its limits normal on the log odds.
fn weighted(found: &Weighted, g: usize, (arm, against): (usize, usize)) -> Observed {
    let (effects, covariance) = (found.effects(found.own()), found.covariance(found.own()));
    // Nothing and the control arm are one.
    let place = |arm: usize| (arm > 0).then(|| found.effect(g, arm));
    let effect = |arm: usize| place(arm).map_or(0.0, |k| effects[k]);
    let product = |a: usize, b: usize| match (place(a), place(b)) {
        (Some(a), Some(b)) => covariance[a * effects.len() + b],
        _ => 0.0,
    };
    let variance = product(arm, arm) + product(against, against) - 2.0 * product(arm, against);
    normal(effect(arm) - effect(against), libm::sqrt(variance), true)
}
