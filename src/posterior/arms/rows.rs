//! Rows of a study with several arms: every arm's risk, every two arms' comparison, and which arm is best.

use super::draws::{ArmDraws, OfArms};
use crate::parallel;
use crate::posterior::block::{Block, estimate, parameter, probability, statements};
use crate::posterior::diagnostics::Workspace;
use crate::posterior::direction::region;
use crate::posterior::estimand::{Arms, Axis, Estimand, Measure, Statement, Whom};
use crate::posterior::observed::Observed;
use crate::posterior::parameter::Parameter;
use crate::posterior::quantity::{Found, Quantity, Reporting, Scale};
use crate::posterior::result::Reported;
use crate::posterior::sampled::Column;
use crate::study::Study;

/// What rows are made from: draws of the posterior, or independent ones of the prior.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum From {
    Posterior,
    Prior,
}

/// All rows, in the order of the result: what is shared, then the subgroups.
pub fn rows(study: &Study, draws: &ArmDraws, from: From) -> Vec<Block> {
    parallel::range(0..draws.subgroups() + 1, |i| {
        let mut rows =
            Filling { study, draws, from, workspace: Workspace::default(), block: Block::default() };
        match i {
            0 => rows.shared(),
            _ => rows.subgroup(i - 1),
        }
        rows.block
    })
}

/// Every two arms, the later against the earlier, those against control first.
pub fn pairs(arms: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..arms).flat_map(move |against| (against + 1..arms).map(move |arm| (arm, against)))
}

struct Filling<'a> {
    study: &'a Study,
    draws: &'a ArmDraws,
    from: From,
    workspace: Workspace,
    block: Block,
}

impl Filling<'_> {
    fn quantity<'q>(&self, values: &'q Column) -> Quantity<'q> {
        match self.from {
            From::Posterior => {
                Quantity::Sampled { values: values.into(), chains: self.draws.chains(), alone: true }
            }
            From::Prior => Quantity::Simulated(values.into()),
        }
    }

    fn shared(&mut self) {
        let draws = self.draws;
        for (key, column) in draws.parameters() {
            if !matches!(key, Parameter::ThetaOf(..) | Parameter::Alpha(_)) {
                self.parameter(*key, column);
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
            if matches!(key, Parameter::ThetaOf(of, _) | Parameter::Alpha(of) if *of == g) {
                self.parameter(*key, column);
            }
        }
        self.of(Whom::Subgroup(g));
    }

    fn of(&mut self, whom: Whom) {
        let Some(of) = self.draws.of(whom) else { return };
        for (a, risk) in of.risks.iter().enumerate() {
            let estimand = Estimand::new(whom, Measure::Risk).of_arms(Arms::One(a));
            self.estimate(estimand, risk, false);
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
        let ranks = ranks(of, self.study.outcome.higher_is.sign());
        for (a, ranks) in ranks.iter().enumerate() {
            let estimand = Estimand::new(whom, Measure::Rank).of_arms(Arms::One(a));
            let mut mean = 0.0;
            for rank in 1..=self.draws.arms() {
                let at: Column = ranks.iter().map(|&r| f64::from(u8::from(r == rank))).collect();
                let chance = self.quantity(&at).above_zero(&mut self.workspace);
                mean += rank as f64 * chance.sampled.map_or(f64::NAN, |p| p.probability);
                if rank == 1 {
                    self.block.probabilities.push(probability(
                        estimand,
                        (Statement::Best, 1.0),
                        chance,
                        None,
                    ));
                }
                self.block.probabilities.push(probability(
                    estimand,
                    (Statement::Ranked, rank as f64),
                    chance,
                    None,
                ));
            }
            let reported = Reported { mean: Some(mean), ..Reported::default() };
            self.block.estimates.push(estimate(estimand, Found { reported, ..Found::default() }, None));
        }
    }

    fn parameter(&mut self, key: Parameter, column: &Column) {
        let found = self.quantity(column).summary(&mut self.workspace);
        self.block.parameters.push(parameter(key, found));
    }

    fn estimate(&mut self, estimand: Estimand, column: &Column, logarithm: bool) {
        let quantity = self.quantity(column);
        let own = quantity.summary(&mut self.workspace);
        let scale = Scale { measure: estimand.measure, logarithm };
        let found = Reporting { quantity: &quantity, scale }.rescaled(own);
        let mut row = estimate(estimand, found, None);
        row.observed = crude(self.study, estimand);
        self.block.estimates.push(row);
    }

    /// An estimate with its statements: benefit and harm, and the thresholds of its measure.
    fn effect(&mut self, estimand: Estimand, column: &Column, logarithm: bool) {
        self.estimate(estimand, column, logarithm);
        let measure = estimand.measure;
        let thresholds = self.study.thresholds.of(measure);
        if measure == Measure::RiskRatio && thresholds.is_empty() {
            return;
        }
        let asked = statements(measure.null(), thresholds);
        let quantity = self.quantity(column);
        let reporting = Reporting { quantity: &quantity, scale: Scale { measure, logarithm } };
        let sign = self.study.outcome.higher_is.sign();
        let chances = reporting.chances(&asked, sign, &mut self.workspace);
        for (asked, chance) in asked.into_iter().zip(chances) {
            self.block.probabilities.push(probability(estimand, asked, chance, None));
        }
    }
}

fn minus(a: &Column, b: &Column) -> Column {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
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

/// What a subgroup's own counts say of two arms, or of one.
fn crude(study: &Study, estimand: Estimand) -> Option<Observed> {
    let (Whom::Subgroup(g), Some(arms)) = (estimand.whom, estimand.arms) else { return None };
    let row = study.data.counts()?.get(g)?;
    crate::posterior::observed::of_two_arms(
        row.arms.get(arms.against()?)?,
        row.arms.get(arms.first())?,
        estimand.measure,
    )
}
