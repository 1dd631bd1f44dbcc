//! The model without one subgroup's data.

use super::effect::{Effect, Nodes};
use super::{Known, Told, Untold};
use crate::exact::{ExactPosterior, Resolution};
use crate::model::{BinomialPair, Observation, Pooling, Side};
use crate::posterior::psis::{smooth, threshold};

/// What the other subgroups and the priors say of one.
pub struct Others<'a> {
    known: &'a Known<'a>,
}

/// One subgroup left out of the draws: the weights of the draws without its data.
pub struct Weighted {
    weights: Vec<f64>,
}

impl<'a> Others<'a> {
    pub fn of(known: &'a Known<'a>) -> Others<'a> {
        Others { known }
    }

    /// The effect of subgroup `g` without its own data; `finest` is as in [`Nodes::of`].
    pub fn effect(&self, g: usize, finest: f64) -> Told<Effect> {
        let known = self.known;
        let told = |effect: Option<Effect>| effect.ok_or(Untold::Unproven);
        // The other subgroups say nothing where nothing is shared.
        if matches!(known.model.pooling, Pooling::Separate(_)) {
            return told(Effect::exact(&*known.prior_effect()?, finest));
        }
        if let Some(exact) = known.exact {
            if let Some(effect) = exact.left_out(g).and_then(|theta| Effect::exact(&*theta, finest)) {
                return Ok(effect);
            }
            if let Observation::Correlated(_) = known.model.observation {
                return Err(Untold::Correlated);
            }
            if !known.model.effect.is_proper() && known.model.subgroups() < 2 {
                return Err(Untold::Flat);
            }
            let without = known.model.without_subgroup(g).ok_or(Untold::Unproven)?;
            let posterior =
                ExactPosterior::new(&without, Resolution::default()).map_err(|_| Untold::Unproven)?;
            return told(Effect::exact(&*posterior.theta(g), finest));
        }
        let sampled = known.sampled.ok_or(Untold::NotSampled)?;
        let weighted = self.weighted(g)?;
        let theta = sampled.theta.get(g).ok_or(Untold::NotSampled)?;
        Ok(Effect::drawn(theta, Some(&weighted.weights)))
    }

    /// The draws weighted so that they stand for the posterior without subgroup `g`: each by one over the likelihood of its cells.
    fn weighted(&self, g: usize) -> Told<Weighted> {
        let known = self.known;
        let sampled = known.sampled.ok_or(Untold::NotSampled)?;
        let cells = known.model.observation.cells().filter(|cells| cells.are_binomial());
        let pair: &BinomialPair = cells.and_then(|c| c.pairs().get(g)).ok_or(Untold::SharedLevels)?;
        let ratio = |i: usize| {
            let [control, active] = sampled.log_odds(g, i);
            -pair.log_likelihood(Side::Control, control) - pair.log_likelihood(Side::Active, active)
        };
        let ratios: Vec<f64> = (0..sampled.chains * sampled.draws).map(ratio).collect();
        let smoothed = smooth(&ratios, known.efficiency);
        let trusted = threshold(ratios.len());
        if smoothed.k > trusted {
            return Err(Untold::Weights { k: smoothed.k, trusted });
        }
        Ok(Weighted { weights: smoothed.weights })
    }

    /// The log odds of one arm of subgroup `g` in the draws without its data.
    pub fn drawn_log_odds(&self, g: usize, side: Side) -> Told<Nodes> {
        let sampled = self.known.sampled.ok_or(Untold::NotSampled)?;
        let weighted = self.weighted(g)?;
        let place = if side == Side::Control { 0 } else { 1 };
        let log_odds: Vec<f64> =
            (0..sampled.chains * sampled.draws).map(|i| sampled.log_odds(g, i)[place]).collect();
        Ok(Nodes::of_draws(&log_odds, Some(&weighted.weights)))
    }
}
