//! One subgroup's data as the exact engine needs them: a curve of the effect, and risks where there are patients.

use std::fmt::Debug;

use super::Resolution;
use super::effect_likelihood::{Baseline, EffectLikelihood, EffectRange, log_marginal_of_silent};
use crate::model::{BinomialPair, NormalEstimate};

/// What the exact engine needs to know about the data of one subgroup.
pub trait SubgroupData: Debug + Send + Sync {
    /// Whether the data have any information about the effect.
    fn informs_effect(&self) -> bool;

    /// The order below which moments of the effect's likelihood exist.
    fn moment_limit(&self) -> f64;

    /// The likelihood of the effect, with everything else integrated out.
    fn likelihood(&self, range: EffectRange, resolution: Resolution) -> EffectLikelihood;

    /// The distance from 0 beyond which the data favour no effect over another.
    fn farthest(&self) -> f64;

    /// The log marginal likelihood of data that have no information about the effect.
    fn log_marginal_of_silent(&self, resolution: Resolution) -> f64;

    /// The constant that the likelihood leaves out, such as log binomial coefficients.
    fn log_coefficient(&self) -> f64;

    /// Estimate and standard error of a normal estimate that no bias moves; none of other data.
    fn normal_estimate(&self) -> Option<(f64, f64)> {
        None
    }

    /// The arms' counts and their baseline; none where there are no risks.
    fn cells(&self) -> Option<&CellsOfSubgroup>;
}

/// The counts of both arms of one subgroup, with the baseline that is integrated out.
#[derive(Debug, Clone)]
pub struct CellsOfSubgroup {
    /// The counts of both arms.
    pub pair: BinomialPair,
    /// The prior of the baseline.
    pub baseline: Baseline,
}

impl SubgroupData for CellsOfSubgroup {
    fn informs_effect(&self) -> bool {
        self.pair.informs_effect(self.baseline.of)
    }

    fn moment_limit(&self) -> f64 {
        self.pair.moment_limit(self.baseline.of, &self.baseline.prior)
    }

    fn likelihood(&self, range: EffectRange, resolution: Resolution) -> EffectLikelihood {
        EffectLikelihood::new(&self.pair, &self.baseline, range, resolution.density(), resolution.mass())
    }

    fn farthest(&self) -> f64 {
        /// For data without a mode of their own, and the baseline's pull.
        const BEYOND: f64 = 20.0;
        let places = [&self.pair.control, &self.pair.active].map(|arm| arm.empirical_log_odds().abs());
        places[0] + places[1] + BEYOND
    }

    fn log_marginal_of_silent(&self, resolution: Resolution) -> f64 {
        log_marginal_of_silent(&self.pair, &self.baseline, resolution.mass())
    }

    fn log_coefficient(&self) -> f64 {
        self.pair.log_coefficient()
    }

    fn cells(&self) -> Option<&CellsOfSubgroup> {
        Some(self)
    }
}

impl SubgroupData for Box<dyn SubgroupData> {
    fn informs_effect(&self) -> bool {
        (**self).informs_effect()
    }

    fn moment_limit(&self) -> f64 {
        (**self).moment_limit()
    }

    fn likelihood(&self, range: EffectRange, resolution: Resolution) -> EffectLikelihood {
        (**self).likelihood(range, resolution)
    }

    fn farthest(&self) -> f64 {
        (**self).farthest()
    }

    fn log_marginal_of_silent(&self, resolution: Resolution) -> f64 {
        (**self).log_marginal_of_silent(resolution)
    }

    fn log_coefficient(&self) -> f64 {
        (**self).log_coefficient()
    }

    fn normal_estimate(&self) -> Option<(f64, f64)> {
        (**self).normal_estimate()
    }

    fn cells(&self) -> Option<&CellsOfSubgroup> {
        (**self).cells()
    }
}

impl SubgroupData for NormalEstimate {
    fn informs_effect(&self) -> bool {
        self.se.is_finite()
    }

    fn moment_limit(&self) -> f64 {
        if self.se.is_finite() { f64::INFINITY } else { 0.0 }
    }

    fn likelihood(&self, range: EffectRange, resolution: Resolution) -> EffectLikelihood {
        EffectLikelihood::of_estimate(self, range, resolution.density())
    }

    fn farthest(&self) -> f64 {
        if self.se.is_finite() { self.estimate.abs() + 10.0 * self.se } else { 0.0 }
    }

    fn log_marginal_of_silent(&self, _: Resolution) -> f64 {
        0.0
    }

    fn log_coefficient(&self) -> f64 {
        0.0
    }

    fn normal_estimate(&self) -> Option<(f64, f64)> {
        self.bias().is_none().then_some((self.estimate, self.se))
    }

    fn cells(&self) -> Option<&CellsOfSubgroup> {
        None
    }
}
