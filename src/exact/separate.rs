//! Subgroups that share nothing: a posterior each, of the same kind.

use super::Resolution;
use super::curves::CurvesPosterior;
use super::distribution::Distribution;
use super::gaussian::EstimatesPosterior;
use super::integrated::{Dynamic, Integrated, Pair};
use super::pair::IndependentPair;
use super::risks::RiskMeasure;
use crate::model::Side;

/// Each subgroup's likelihood is a curve of its effect.
pub struct SeparateCurves(pub Vec<CurvesPosterior>);

/// Each subgroup has a normal estimate.
pub struct SeparateEstimates {
    pub each: Vec<EstimatesPosterior>,
    pub resolution: Resolution,
}

impl Integrated for SeparateCurves {
    fn theta(&self, g: usize) -> Box<dyn Distribution + '_> {
        Box::new(&self.0[g].subgroup(0).theta)
    }

    fn pair(&self, a: usize, b: usize) -> Pair<'_> {
        let [first, second] = [a, b].map(|g| &self.0[g].subgroup(0).theta);
        let pair = IndependentPair { first, second };
        Pair {
            first_above_second_below: pair.first_above_second_below(),
            first_below_second_above: pair.first_below_second_above(),
            settled: true,
            difference: Box::new(pair),
        }
    }

    fn risk(&self, g: usize, measure: RiskMeasure) -> Dynamic<'_> {
        self.0[g].subgroup(0).risk(measure)
    }

    fn log_odds(&self, g: usize, side: Side) -> Option<Vec<(f64, f64)>> {
        self.0[g].subgroup(0).log_odds(side)
    }

    fn leave_one_out(&self, g: usize) -> Option<[Option<f64>; 4]> {
        self.0[g].subgroup(0).leave_one_out()
    }

    fn log_marginal_likelihood(&self) -> f64 {
        self.0.iter().map(|p| p.log_marginal_likelihood).sum()
    }

    fn is_shared(&self) -> bool {
        false
    }
}

impl Integrated for SeparateEstimates {
    fn theta(&self, g: usize) -> Box<dyn Distribution + '_> {
        Box::new(self.each[g].theta(0))
    }

    fn pair(&self, a: usize, b: usize) -> Pair<'_> {
        let (first, second) = (self.each[a].theta(0), self.each[b].theta(0));
        let (p, q) = (first.cdf(0.0), second.cdf(0.0));
        Pair {
            difference: first.minus(&second, self.resolution),
            first_above_second_below: (1.0 - p) * q,
            first_below_second_above: p * (1.0 - q),
            settled: true,
        }
    }

    fn log_marginal_likelihood(&self) -> f64 {
        self.each.iter().map(|p| p.log_marginal_likelihood).sum()
    }

    fn is_shared(&self) -> bool {
        false
    }
}
