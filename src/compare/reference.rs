//! Priors so wide that they stand for none.

use crate::model::{BaselineOf, BaselinePrior, HeterogeneityPrior, LocationPrior};
use crate::study::Study;

/// What the stated priors are held against.
#[derive(Debug, Clone)]
pub struct Reference {
    /// Normal around no effect with this sd.
    pub sd: f64,
    /// Half-normal with this scale.
    pub tau: f64,
    /// Of the mean of the arms' log odds: normal around even odds with this sd.
    pub baseline: f64,
}

/// As wide as the effect's on log odds: vague on every risk, and on the mean of the arms it takes no side.
const BASELINE_SD: f64 = 5.0;

impl Reference {
    /// N(0, 5) and half-normal(1) on ratio scales; on others as wide relative to the estimates' standard errors.
    pub fn of(study: &Study) -> Reference {
        match study.data.errors_of_differences(study.outcome.scale) {
            Some(errors) => {
                let se = errors.into_iter().fold(0.0, f64::max);
                Reference { sd: 10.0 * se, tau: 2.0 * se, baseline: BASELINE_SD }
            }
            None => Reference { sd: 5.0, tau: 1.0, baseline: BASELINE_SD },
        }
    }

    pub fn effect(&self) -> LocationPrior {
        LocationPrior::normal(0.0, self.sd)
    }

    pub fn heterogeneity(&self) -> HeterogeneityPrior {
        HeterogeneityPrior::HalfNormal { scale: self.tau }
    }

    /// The prior of the baselines, and where they lie between the arms.
    pub fn baseline(&self) -> (BaselinePrior, BaselineOf) {
        (BaselinePrior::Independent(LocationPrior::normal(0.0, self.baseline)), BaselineOf::Arms)
    }
}
