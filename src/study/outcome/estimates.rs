//! Published estimates.

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
    /// Lower and upper limit on the scale of the effect: as published, or the estimate with `z` standard errors on either side.
    pub fn limits(&self, z: f64) -> (f64, f64) {
        self.interval.unwrap_or((self.estimate - z * self.se, self.estimate + z * self.se))
    }
}
