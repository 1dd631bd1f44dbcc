//! Data drawn given parameters, and their likelihood at parameters.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution, StandardUniform};

use super::{Arm, BinomialPair, Cells, LevelRows, NormalEstimate, Observation, Side};
use crate::model::bias::{confounded_estimate, confounded_value, unmix_value};
use crate::model::labels::{LabelShares, cells_of, labelled_arm};
use crate::model::simulate::{Drawn, normal};
use crate::numeric::{logistic, logit};
use crate::study::SubgroupBias;

impl Observation {
    /// Data of this study's size, drawn given the parameters; the unknown numbers of a bias are drawn from their
    /// priors.
    #[must_use]
    pub fn drawn(&self, drawn: &Drawn, rng: &mut ChaCha8Rng) -> Observation {
        match self {
            Observation::Cells(cells) => Observation::Cells(cells.drawn(drawn, rng)),
            Observation::Estimates(estimates) => {
                let each = estimates.iter().zip(&drawn.theta);
                Observation::Estimates(each.map(|(e, theta)| e.drawn(*theta, rng)).collect())
            }
            Observation::Correlated(estimates) => Observation::Correlated(estimates.drawn(&drawn.theta, rng)),
        }
    }

    /// The log likelihood of the data at these parameters, without binomial coefficients and with the unknown numbers
    /// of a bias integrated out.
    pub fn log_likelihood(&self, theta: &[f64], alpha: &[f64], labels: Option<&LabelShares>) -> f64 {
        match self {
            Observation::Cells(cells) => cells.log_likelihood(theta, alpha, labels),
            Observation::Estimates(estimates) => {
                estimates.iter().zip(theta).map(|(e, theta)| e.log_likelihood(*theta)).sum()
            }
            Observation::Correlated(estimates) => estimates.log_likelihood(theta).unwrap_or(f64::NAN),
        }
    }
}

impl Cells {
    fn drawn(&self, drawn: &Drawn, rng: &mut ChaCha8Rng) -> Cells {
        let of = self.baselines().of;
        if let (Some(levels), Some(of_levels)) = (self.levels(), &drawn.levels) {
            let arms = drawn.arms(of);
            let Some(rows) = self.of_level_rows() else {
                let levels = levels.with_drawn(&arms, of_levels, rng);
                return Cells::of_levels(levels, None, self.baselines().clone());
            };
            let (levels, of) = levels.with_drawn_rows(rows.adjustment(), (&arms, drawn), of_levels, rng);
            let rows = LevelRows::new(Arc::new(of), &levels);
            return Cells::of_levels(levels, Some(rows), self.baselines().clone());
        }
        if let Some(rows) = self.rows() {
            let cells = drawn.arms(of).concat();
            let rows = rows.with_drawn_outcomes(&cells, (&drawn.gamma, &drawn.centres), rng);
            return Cells::of_rows(Arc::new(rows), self.baselines().clone());
        }
        if let (Some(m), Some(labels)) = (self.misclassification(), &drawn.labels) {
            return self.with_pairs(draw_labelled(self.pairs(), m.positive, labels, &drawn.arms(of), rng));
        }
        let none = SubgroupBias::default();
        let pairs = self.pairs().iter().zip(drawn.alpha.iter().zip(&drawn.theta));
        let one = |(pair, (alpha, theta)): (&BinomialPair, (&f64, &f64))| {
            let bias = pair.bias().unwrap_or(&none);
            let [control, active] = of.log_odds(*alpha, *theta);
            let control = bias.draw_seen(Side::Control, control, rng);
            let active = bias.draw_seen(Side::Active, active, rng);
            let control = draw_arm(pair.control.total, control, rng);
            let active = draw_arm(pair.active.total, active, rng);
            BinomialPair::new(control, active).through(bias)
        };
        self.with_pairs(pairs.map(one).collect())
    }

    fn log_likelihood(&self, theta: &[f64], alpha: &[f64], labels: Option<&LabelShares>) -> f64 {
        let of = self.baselines().of;
        if let (Some(m), Some(labels)) = (self.misclassification(), labels) {
            let p = m.positive;
            let log_odds = |g: usize| of.log_odds(alpha[g], theta[g]);
            let (of_p, of_n) = (log_odds(p), log_odds(1 - p));
            let arm = |a: usize| {
                let cells = cells_of(self.pairs(), p, a == 1);
                labelled_arm(&cells, [of_p[a], of_n[a]], labels.log_odds(a)).log_likelihood
            };
            return arm(0) + arm(1);
        }
        let each = self.pairs().iter().zip(theta.iter().zip(alpha));
        each.map(|(pair, (theta, alpha))| {
            let [control, active] = of.log_odds(*alpha, *theta);
            pair.log_likelihood(Side::Control, control) + pair.log_likelihood(Side::Active, active)
        })
        .sum()
    }
}

impl NormalEstimate {
    fn drawn(&self, theta: f64, rng: &mut ChaCha8Rng) -> NormalEstimate {
        let none = SubgroupBias::default();
        let bias = self.bias().unwrap_or(&none);
        let estimate = theta + bias.draw_of_estimate(rng) + self.se * normal(rng);
        NormalEstimate::new(estimate, self.se).through(bias)
    }
}

/// Patients one after another: the subgroup they belong to, their outcome, the label they are given.
fn draw_labelled(
    counts: &[BinomialPair],
    positive: usize,
    labels: &LabelShares,
    log_odds: &[Vec<f64>; 2],
    rng: &mut ChaCha8Rng,
) -> Vec<BinomialPair> {
    let mut arms = [[Arm { events: 0.0, total: 0.0 }; 2]; 2];
    for (a, arm) in arms.iter_mut().enumerate() {
        let of = |c: &BinomialPair| if a == 0 { c.control.total } else { c.active.total };
        let patients: f64 = counts.iter().map(of).sum();
        for _ in 0..patients as u64 {
            let mut chance = |p: f64| {
                let u: f64 = StandardUniform.sample(rng);
                u < p
            };
            let truly = if chance(labels.share[a]) { positive } else { 1 - positive };
            let event = chance(logistic(log_odds[a][truly]));
            let right = if truly == positive { labels.sensitivity[a] } else { labels.specificity[a] };
            let label = if chance(right) { truly } else { 1 - truly };
            arm[label].total += 1.0;
            arm[label].events += f64::from(u8::from(event));
        }
    }
    (0..2).map(|g| BinomialPair::new(arms[0][g], arms[1][g])).collect()
}

impl SubgroupBias {
    /// The log odds at which an arm's data are seen, from those that are asked for.
    fn draw_seen(&self, side: Side, mut x: f64, rng: &mut ChaCha8Rng) -> f64 {
        if side == Side::Active {
            if let Some(confounder) = &self.confounder {
                let prevalence = confounder.prevalence.each_ref().map(|p| p.draw(rng));
                x = confounded_value(x, prevalence, confounder.log_odds_ratio.draw(rng));
            }
            x += self.shift.as_ref().map_or(0.0, |shift| shift.draw(rng));
        }
        match &self.missing[side as usize] {
            Some(missing) => unmix_value(x, logit(missing.share), missing.shift.draw(rng)),
            None => x,
        }
    }

    /// The bias of a published estimate.
    pub(super) fn draw_of_estimate(&self, rng: &mut ChaCha8Rng) -> f64 {
        let confounder = self.confounder.as_ref().map_or(0.0, |c| {
            let prevalence = c.prevalence.each_ref().map(|p| p.draw(rng));
            confounded_estimate(prevalence, c.log_odds_ratio.draw(rng)).0
        });
        confounder + self.shift.as_ref().map_or(0.0, |shift| shift.draw(rng))
    }
}

fn draw_arm(total: f64, log_odds: f64, rng: &mut ChaCha8Rng) -> Arm {
    let binomial = Binomial::new(total as u64, logistic(log_odds));
    Arm { events: binomial.map_or(0.0, |b| b.sample(rng) as f64), total }
}
