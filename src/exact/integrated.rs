//! What every posterior by integration answers, whatever it was integrated from.

use super::curves::CurvesPosterior;
use super::distribution::{Distribution, Lost, Negated, PointMass};
use super::gaussian::EstimatesPosterior;
use super::labelled::LabelledPosterior;
use super::risks::RiskMeasure;
use crate::model::Side;

/// A distribution that is made when it is asked for; none where there is no answer.
pub type Dynamic<'a> = Option<Box<dyn Distribution + 'a>>;

/// The effects of two subgroups together.
pub struct Pair<'a> {
    /// The first effect minus the second, on the scale of the model.
    pub difference: Box<dyn Distribution + 'a>,
    /// P(first > 0 and second < 0).
    pub first_above_second_below: f64,
    /// P(first < 0 and second > 0).
    pub first_below_second_above: f64,
    /// Whether the integral over both effects holds the probability mass that it must. If not, none of these numbers
    /// can be relied on.
    pub settled: bool,
}

impl Pair<'_> {
    /// What is not integrated.
    fn lost<'a>() -> Pair<'a> {
        Pair {
            difference: Box::new(Lost),
            first_above_second_below: f64::NAN,
            first_below_second_above: f64::NAN,
            settled: false,
        }
    }

    /// The pair of two subgroups that share one effect.
    pub(crate) fn one_effect<'a>() -> Pair<'a> {
        Pair {
            difference: Box::new(PointMass(0.0)),
            first_above_second_below: 0.0,
            first_below_second_above: 0.0,
            settled: true,
        }
    }
}

/// A posterior by integration. What an implementation has no answer to is none.
pub trait Integrated: Send + Sync {
    /// The mean of the subgroup effects; none where nothing is shared.
    fn mu(&self) -> Dynamic<'_> {
        None
    }

    /// Their standard deviation; none where it is not estimated.
    fn tau(&self) -> Option<&dyn Distribution> {
        None
    }

    /// The effect of a further similar subgroup; none where nothing is shared.
    fn theta_new(&self) -> Dynamic<'_> {
        None
    }

    /// The effect of subgroup `g`.
    fn theta(&self, g: usize) -> Box<dyn Distribution + '_>;

    /// Two subgroups' effects together.
    fn pair(&self, a: usize, b: usize) -> Pair<'_>;

    /// A function of the risks of subgroup `g`.
    fn risk(&self, _g: usize, _measure: RiskMeasure) -> Dynamic<'_> {
        None
    }

    /// The effect of subgroup `g` as the priors and the other subgroups' data predict it, its own data left out; none where what is
    /// integrated with its data does not reach as far as it must without them.
    fn left_out(&self, _g: usize) -> Dynamic<'_> {
        None
    }

    /// One arm's log odds in subgroup `g` as nodes with weights that sum to 1; none where there are no risks, or the integral is
    /// not proven.
    fn log_odds(&self, _g: usize, _side: Side) -> Option<Vec<(f64, f64)>> {
        None
    }

    /// The probability that the effect of subgroup `g` has its own prior; none where all have the common one.
    fn stands_alone(&self, _g: usize) -> Option<f64> {
        None
    }

    /// By arm and outcome (control arm without and with the event, then active arm), the log probability of one such
    /// patient's outcome given all the others: none where there is no such patient.
    fn leave_one_out(&self, _g: usize) -> Option<[Option<f64>; 4]> {
        None
    }

    /// Log of the probability of the data before they were seen.
    fn log_marginal_likelihood(&self) -> f64;

    /// Whether subgroups share a mean, or one effect.
    fn is_shared(&self) -> bool;
}

impl Integrated for CurvesPosterior {
    fn mu(&self) -> Dynamic<'_> {
        Some(Box::new(CurvesPosterior::mu(self)))
    }

    fn tau(&self) -> Option<&dyn Distribution> {
        CurvesPosterior::tau(self).map(|t| t as &dyn Distribution)
    }

    fn theta_new(&self) -> Dynamic<'_> {
        Some(Box::new(CurvesPosterior::theta_new(self)))
    }

    fn theta(&self, g: usize) -> Box<dyn Distribution + '_> {
        Box::new(&self.subgroup(g).theta)
    }

    fn pair(&self, a: usize, b: usize) -> Pair<'_> {
        if self.has_no_pairs() {
            return Pair::lost();
        }
        CurvesPosterior::pair(self, a, b).map_or_else(Pair::one_effect, |pair| Pair {
            first_above_second_below: pair.first_above_second_below,
            first_below_second_above: pair.first_below_second_above,
            settled: pair.settled,
            difference: Box::new(pair),
        })
    }

    fn risk(&self, g: usize, measure: RiskMeasure) -> Dynamic<'_> {
        self.subgroup(g).risk(measure)
    }

    fn left_out(&self, g: usize) -> Dynamic<'_> {
        CurvesPosterior::left_out(self, g).map(|theta| Box::new(theta) as _)
    }

    fn log_odds(&self, g: usize, side: Side) -> Option<Vec<(f64, f64)>> {
        self.subgroup(g).log_odds(side)
    }

    fn stands_alone(&self, g: usize) -> Option<f64> {
        CurvesPosterior::stands_alone(self, g)
    }

    fn leave_one_out(&self, g: usize) -> Option<[Option<f64>; 4]> {
        self.subgroup(g).leave_one_out()
    }

    fn log_marginal_likelihood(&self) -> f64 {
        self.log_marginal_likelihood
    }

    fn is_shared(&self) -> bool {
        true
    }
}

impl Integrated for EstimatesPosterior {
    fn mu(&self) -> Dynamic<'_> {
        Some(Box::new(EstimatesPosterior::mu(self)))
    }

    fn tau(&self) -> Option<&dyn Distribution> {
        self.tau.as_ref().map(|t| t as &dyn Distribution)
    }

    fn theta_new(&self) -> Dynamic<'_> {
        Some(Box::new(EstimatesPosterior::theta_new(self)))
    }

    fn theta(&self, g: usize) -> Box<dyn Distribution + '_> {
        Box::new(EstimatesPosterior::theta(self, g))
    }

    fn pair(&self, a: usize, b: usize) -> Pair<'_> {
        if self.is_one_effect() {
            return Pair::one_effect();
        }
        Pair {
            difference: Box::new(self.difference(a, b)),
            first_above_second_below: self.opposite_signs(a, b),
            first_below_second_above: self.opposite_signs(b, a),
            settled: true,
        }
    }

    fn log_marginal_likelihood(&self) -> f64 {
        self.log_marginal_likelihood
    }

    fn is_shared(&self) -> bool {
        true
    }
}

impl Integrated for LabelledPosterior {
    fn mu(&self) -> Dynamic<'_> {
        Some(Box::new(LabelledPosterior::mu(self)))
    }

    fn tau(&self) -> Option<&dyn Distribution> {
        LabelledPosterior::tau(self).map(|t| t as &dyn Distribution)
    }

    fn theta_new(&self) -> Dynamic<'_> {
        Some(Box::new(LabelledPosterior::theta_new(self)))
    }

    fn theta(&self, g: usize) -> Box<dyn Distribution + '_> {
        Box::new(LabelledPosterior::theta(self, g))
    }

    fn pair(&self, a: usize, b: usize) -> Pair<'_> {
        LabelledPosterior::pair(self).map_or_else(Pair::one_effect, |pair| {
            let signs = [pair.first_above_second_below, pair.first_below_second_above];
            let turned = a > b;
            Pair {
                first_above_second_below: signs[usize::from(turned)],
                first_below_second_above: signs[usize::from(!turned)],
                settled: pair.settled,
                difference: if turned { Box::new(Negated(pair)) } else { Box::new(pair) },
            }
        })
    }

    fn log_marginal_likelihood(&self) -> f64 {
        self.log_marginal_likelihood
    }

    fn is_shared(&self) -> bool {
        true
    }
}
