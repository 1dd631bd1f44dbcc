//! Who decided? Shapley values of the data and of the priors of effect, heterogeneity and baseline in every probability.

use serde::Serialize;

use super::question::Question;
use super::reference::Reference;
use super::refit::{Refits, engine_of, variant};
use super::steps::Steps;
use crate::model::{HeterogeneityPrior, LocationPrior};
use crate::parallel;
use crate::posterior::{Measure, Options, Probability, Report, Statement, Target, analyse};
use crate::study::{Pooling, Study, Written};

/// A probability in parts: `baseline + data + effect_prior + heterogeneity_prior + baseline_prior = probability`, where
/// `baseline` is what there is before any of them.
#[derive(Debug, Clone, Serialize)]
pub struct WhoDecided {
    /// The name of the subgroup that the statement is about.
    pub subgroup: String,
    /// What the probability is the probability of.
    pub statement: Statement,
    /// The measure of effect that the statement is about.
    pub measure: Measure,
    /// The size of effect in the statement, on the measure's own scale: a magnitude for "at least", else the value of no
    /// effect.
    pub threshold: f64,
    /// The probability without data and under the reference priors.
    pub baseline: Option<f64>,
    /// The shift of the probability by the data, averaged over the orders in which data and priors can be switched on
    /// (Shapley value); none where a corner has no number.
    pub data: Option<f64>,
    /// The shift by the stated effect prior in place of the reference, averaged in the same way.
    pub effect_prior: Option<f64>,
    /// The shift by the stated heterogeneity prior in place of the reference, averaged in the same way.
    pub heterogeneity_prior: Option<f64>,
    /// The shift by the stated baseline prior in place of the reference, averaged in the same way; none for published
    /// estimates, which have no baselines, and for ordered levels, whose prior is as stated throughout.
    pub baseline_prior: Option<f64>,
    /// The probability with everything as stated.
    pub probability: Option<f64>,
    /// The probability under every combination of data and priors.
    pub corners: Vec<Corner>,
}

/// One combination of data and priors switched on or off: one of sixteen, for published estimates of eight.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Corner {
    /// Whether the data count.
    pub data: bool,
    /// Whether the effect prior is the stated one; otherwise the reference.
    pub effect_prior: bool,
    /// Whether the heterogeneity prior is the stated one; otherwise the reference.
    pub heterogeneity_prior: bool,
    /// Whether the baseline prior is the stated one; otherwise the reference. False for published estimates.
    pub baseline_prior: bool,
    /// The statement's probability in this combination; none where it could not be computed.
    pub probability: Option<f64>,
}

/// Players by their bits.
const DATA: usize = 1;
const EFFECT: usize = 2;
const TAU: usize = 4;
const BASELINE: usize = 8;

/// Fits behind [`who_decided`]: every way of taking the priors, with the prior's values beside the posterior's.
pub fn planned(study: &Study) -> usize {
    players(study) / 2
}

/// Whether the baselines' prior is one of those that are put in. Of ordered levels it is that of all levels' probabilities, for which
/// no prior stands for none: it is as stated throughout.
pub fn has_baseline_player(study: &Study) -> bool {
    study.priors.baseline.is_some() && study.priors.levels.is_none()
}

/// The number of ways of switching all on or off.
fn players(study: &Study) -> usize {
    if has_baseline_player(study) { 16 } else { 8 }
}

/// Every question's parts.
pub fn who_decided(refits: &Refits<'_>, options: Options, steps: &Steps) -> Vec<WhoDecided> {
    let (study, questions) = (refits.study, refits.questions);
    let reference = Reference::of(study);
    let (wide, broad) = (reference.effect(), reference.heterogeneity());
    let stated: &LocationPrior = &study.priors.effect.distribution;
    let own = study.priors.heterogeneity.as_ref().map(|h| h.distribution);
    let corners = players(study);
    let pooling = if own.is_some() { study.pooling } else { Pooling::Complete };
    let priors = |k: usize| {
        let on = |player: usize| (k << 1) & player != 0;
        let effect = if on(EFFECT) { stated } else { &wide };
        let tau: Option<&HeterogeneityPrior> =
            if on(TAU) { own.as_ref() } else { own.as_ref().map(|_| &broad) };
        (effect, tau)
    };
    let fit = |k: usize| -> Report {
        let on = |player: usize| (k << 1) & player != 0;
        let (effect, tau) = priors(k);
        let mut under = variant(study, pooling, (effect, "", tau));
        if corners == 16 && !on(BASELINE) {
            let (distribution, of) = reference.baseline();
            under.priors.baseline = Some(Written { distribution, words: String::new() });
            under.priors.baseline_of = of;
        }
        let options = Options { engine: engine_of(&under, options.engine), ..options };
        let report = analyse(&under, options);
        steps.did(1);
        report
    };
    let fits: Vec<Report> = match refits.pools() {
        Some(mut pools) => {
            let target = |k: usize| {
                let (effect, tau) = priors(k);
                Target { pooling, effect: effect.clone(), heterogeneity: tau.copied() }
            };
            steps.did(corners / 2);
            pools.reports(&(0..corners / 2).map(target).collect::<Vec<Target>>(), &())
        }
        None => parallel::range(0..corners / 2, fit),
    };
    let rows: Vec<Vec<Option<&Probability>>> = fits.iter().map(|f| Question::rows(questions, f)).collect();
    let one = |(i, q): (usize, &Question)| {
        let corner = |bits: usize| {
            let row = rows[bits >> 1][i];
            if bits & DATA != 0 { row.and_then(Probability::best) } else { row.and_then(|r| r.prior) }
        };
        let found: Vec<Option<f64>> = (0..corners).map(corner).collect();
        let values = found.iter().copied().collect::<Option<Vec<f64>>>();
        let part = |player: usize| {
            if player < corners { values.as_ref().map(|v| shapley(v, player)) } else { None }
        };
        WhoDecided {
            subgroup: q.name.clone(),
            statement: q.statement,
            measure: q.measure,
            threshold: q.threshold,
            baseline: found[0],
            data: part(DATA),
            effect_prior: part(EFFECT),
            heterogeneity_prior: part(TAU),
            baseline_prior: part(BASELINE),
            probability: found[corners - 1],
            corners: (0..corners)
                .map(|bits| Corner {
                    data: bits & DATA != 0,
                    effect_prior: bits & EFFECT != 0,
                    heterogeneity_prior: bits & TAU != 0,
                    baseline_prior: corners == 16 && bits & BASELINE != 0,
                    probability: found[bits],
                })
                .collect(),
        }
    };
    questions.iter().enumerate().map(one).collect()
}

/// The mean over all orders of what switching `player` (a bit) on does to the value of the game, given for every set of
/// players.
fn shapley(values: &[f64], player: usize) -> f64 {
    let players = values.len().trailing_zeros();
    // The part of the orders in which just this many come before the player: |S|! (n − 1 − |S|)! / n!.
    let weight = |before: u32| {
        let choose = (0..before).fold(1.0, |c, k| c * f64::from(players - 1 - k) / f64::from(k + 1));
        1.0 / (f64::from(players) * choose)
    };
    (0..values.len())
        .filter(|set| set & player == 0)
        .map(|set| weight(set.count_ones()) * (values[set | player] - values[set]))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_and_idle_players_get_nothing() {
        let values = [0.5, 0.9, 0.55, 0.8, 0.5, 0.9, 0.55, 0.8];
        let parts = [1, 2, 4].map(|p| shapley(&values, p));
        assert!((parts.iter().sum::<f64>() - 0.3).abs() < 1e-15);
        assert_eq!(parts[2], 0.0);
        // Two players left: the mean of two orders.
        assert!((parts[0] - 0.5 * (0.4 + 0.25)).abs() < 1e-15);
    }

    #[test]
    fn four_players_share_what_each_of_two_pairs_makes_together() {
        // Players 1 and 2 make 1 together, players 4 and 8 make 3 together, neither pair anything apart.
        let value =
            |set: usize| f64::from(u8::from(set & 3 == 3)) + 3.0 * f64::from(u8::from(set & 12 == 12));
        let values: Vec<f64> = (0..16).map(value).collect();
        for (player, part) in [(1, 0.5), (2, 0.5), (4, 1.5), (8, 1.5)] {
            assert!((shapley(&values, player) - part).abs() < 1e-15);
        }
    }
}
