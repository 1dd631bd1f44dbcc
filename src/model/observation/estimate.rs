//! Published estimates.

use std::sync::Arc;

use crate::model::seen::EstimateSeen;
use crate::numeric::normal_log_density;
use crate::study::{LinkedBaseline, SubgroupBias};

/// A published estimate of an effect with a normal error, perhaps distorted by a bias.
#[derive(Debug, Clone, PartialEq)]
pub struct NormalEstimate {
    /// The estimate, on the scale of the effect θ.
    pub estimate: f64,
    /// Its standard error, on the same scale; infinite for a subgroup without data.
    pub se: f64,
    /// The baseline beside an estimate from weighted patients.
    pub baseline: Option<LinkedBaseline>,
    seen: Option<Arc<EstimateSeen>>,
}

/// The baseline beside an estimate that a bias has moved: it belongs to the effect that was seen, of which θ tells as much as the
/// bias leaves. Exact where the bias is normal and added; otherwise to the first two moments.
fn behind_bias(b: LinkedBaseline, se: f64, moved: &NormalEstimate) -> LinkedBaseline {
    let keep = (se * se * moved.hint().1).clamp(0.0, 1.0);
    let sd = libm::sqrt(b.sd * b.sd + b.slope * b.slope * se * se * (1.0 - keep));
    LinkedBaseline { slope: b.slope * keep, sd, ..b }
}

impl NormalEstimate {
    /// An estimate without a bias.
    pub const fn new(estimate: f64, se: f64) -> NormalEstimate {
        NormalEstimate { estimate, se, baseline: None, seen: None }
    }

    /// The same estimate with this baseline beside it.
    #[must_use]
    pub fn beside(self, baseline: Option<LinkedBaseline>) -> NormalEstimate {
        NormalEstimate { baseline, ..self }
    }

    /// The same estimate, distorted by a bias. A bias that is known, or is normal and added, moves the estimate and
    /// widens its error, and nothing else of it remains.
    #[must_use]
    pub fn through(self, bias: &SubgroupBias) -> NormalEstimate {
        let (baseline, se) = (self.baseline, self.se);
        let moved = self.moved(bias);
        NormalEstimate { baseline: baseline.map(|b| behind_bias(b, se, &moved)), ..moved }
    }

    fn moved(self, bias: &SubgroupBias) -> NormalEstimate {
        let bias = bias.simplified();
        let confounder = match &bias.confounder {
            None => Some(0.0),
            Some(c) => c.known_bias_of_estimate(),
        };
        let shift = if bias.shift.is_none() { Some((0.0, 0.0)) } else { bias.normal_shift() };
        if let (Some(known), Some((mean, sd))) = (confounder, shift) {
            return NormalEstimate::new(self.estimate - (known + mean), libm::hypot(self.se, sd));
        }
        let seen = (!bias.is_none()).then(|| Arc::new(EstimateSeen::new(self.estimate, self.se, bias, 1.0)));
        NormalEstimate { seen, ..self }
    }

    /// The bias that has not gone into the estimate and its error; none where there is none.
    pub fn bias(&self) -> Option<&SubgroupBias> {
        self.seen.as_ref().map(|seen| seen.bias())
    }

    /// The log likelihood of the effect θ, with the unknown numbers of a bias integrated out.
    pub fn log_likelihood(&self, theta: f64) -> f64 {
        match &self.seen {
            Some(seen) => seen.log_likelihood(theta),
            None if self.se.is_finite() => normal_log_density(self.estimate, theta, self.se),
            None => 0.0,
        }
    }

    /// A rough estimate of θ, corrected for the bias, and its information; exact where no bias remains.
    pub fn hint(&self) -> (f64, f64) {
        let own = (self.estimate, 1.0 / (self.se * self.se));
        self.seen.as_ref().map_or(own, |seen| seen.hint(own))
    }

    /// The likelihood raised to a power: the standard error is divided by its square root.
    pub fn powered(&self, power: f64) -> NormalEstimate {
        let seen = self.seen.as_ref().map(|seen| Arc::new(seen.powered(power)));
        NormalEstimate {
            estimate: self.estimate,
            se: self.se / libm::sqrt(power),
            baseline: self.baseline,
            seen,
        }
    }
}
