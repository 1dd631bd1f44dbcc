//! Published estimates.

use std::ops::Deref;
use std::sync::Arc;

use super::Covariance;
use crate::study::LinkedBaseline;

/// The published estimates of all subgroups. As a slice it is its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimates {
    /// One a subgroup.
    pub rows: Vec<SubgroupEstimate>,
    /// How their errors belong together; none where they are independent.
    pub covariance: Option<Arc<Covariance>>,
    /// Where they are weighted effects of patients, the baselines beside them, one a subgroup; none of published ones.
    pub baselines: Option<Arc<Vec<LinkedBaseline>>>,
}

impl From<Vec<SubgroupEstimate>> for Estimates {
    /// With independent errors.
    fn from(rows: Vec<SubgroupEstimate>) -> Estimates {
        Estimates { rows, covariance: None, baselines: None }
    }
}

impl Deref for Estimates {
    type Target = [SubgroupEstimate];

    fn deref(&self) -> &[SubgroupEstimate] {
        &self.rows
    }
}

impl Estimates {
    pub(super) fn rows_mut(&mut self) -> &mut [SubgroupEstimate] {
        &mut self.rows
    }

    /// Of the first `n` subgroups.
    #[must_use]
    pub fn first(&self, n: usize) -> Estimates {
        let covariance = self.covariance.as_ref().and_then(|c| c.first(n)).map(Arc::new);
        let first = |all: &Arc<Vec<LinkedBaseline>>| Arc::new(all.iter().take(n).copied().collect());
        let baselines = self.baselines.as_ref().map(first);
        Estimates { rows: self.rows.iter().take(n).cloned().collect(), covariance, baselines }
    }
}

/// The published estimate of one subgroup's effect.
#[derive(Debug, Clone, PartialEq)]
pub struct SubgroupEstimate {
    /// The subgroup's name.
    pub name: String,
    /// The estimate on the scale of the effect θ: a log ratio or a difference.
    pub estimate: f64,
    /// Its standard error, on the same scale.
    pub se: f64,
    /// The 95 % interval as published, on the same scale, which the standard error is taken from; none where it is not known.
    pub interval: Option<(f64, f64)>,
    /// How the figures were obtained, such as "printed"; none where this is not stated.
    pub source: Option<String>,
    /// Where the figures are published; none where this is not stated.
    pub citation: Option<String>,
    /// What those who published it adjusted it for, such as "age, sex", or "nothing"; none where this is not stated.
    pub adjusted_for: Option<String>,
}

impl SubgroupEstimate {
    /// An estimate with its standard error, of which nothing else is known.
    pub fn of(name: &str, estimate: f64, se: f64) -> SubgroupEstimate {
        SubgroupEstimate {
            name: name.to_string(),
            estimate,
            se,
            interval: None,
            source: None,
            citation: None,
            adjusted_for: None,
        }
    }

    /// Lower and upper limit on the scale of the effect: as published, or the estimate with `z` standard errors on either side.
    pub fn limits(&self, z: f64) -> (f64, f64) {
        self.interval.unwrap_or((self.estimate - z * self.se, self.estimate + z * self.se))
    }
}
