//! Published estimates.

/// One published estimate, on the scale of θ.
#[derive(Debug, Clone, PartialEq)]
pub struct SubgroupEstimate {
    /// The subgroup's name.
    pub name: String,
    /// On the scale of the effect: a log ratio, or a difference.
    pub estimate: f64,
    /// Its standard error, on the same scale.
    pub se: f64,
    /// How the figures were obtained.
    pub source: Option<String>,
    /// Where they are published.
    pub citation: Option<String>,
}
