//! Typed claims: the only source of sentences about results.

use super::result::Quantiles;

/// Which way a subgroup's result leans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lean {
    Benefit,
    Harm,
}

/// What may be said about one subgroup.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    pub subgroup: String,
    pub lean: Lean,
    /// Of that lean, at least one half.
    pub probability: f64,
    /// No digit finer than twice this is known of it; none where it is exact.
    pub resolution: Option<f64>,
    /// The same by the sampler with its Monte Carlo error, where `probability` is exact and was checked so.
    pub sampled: Option<(f64, f64)>,
    /// The same under the prior alone.
    pub prior: Option<f64>,
    /// Risk difference, or the effect itself for estimates, as printed beside the sentence.
    pub effect: Quantiles,
    /// The Monte Carlo errors of its three numbers, where they were sampled.
    pub effect_errors: Option<[f64; 3]>,
    pub nnt: Option<String>,
}

impl Claim {
    /// From the probability of benefit, with how well it is known and its sampled value where there are such; at exactly
    /// one half it leans to benefit.
    pub fn new(
        subgroup: &str,
        (benefit, resolution): (f64, Option<f64>),
        sampled_benefit: Option<(f64, f64)>,
        prior_benefit: Option<f64>,
        (effect, effect_errors): (Quantiles, Option<[f64; 3]>),
        nnt: Option<String>,
    ) -> Claim {
        let lean = if benefit >= 0.5 { Lean::Benefit } else { Lean::Harm };
        let of_lean = |p: f64| if lean == Lean::Benefit { p } else { 1.0 - p };
        Claim {
            subgroup: subgroup.to_string(),
            lean,
            probability: of_lean(benefit),
            resolution,
            sampled: sampled_benefit.map(|(p, mcse)| (of_lean(p), mcse)),
            prior: prior_benefit.map(of_lean),
            effect,
            effect_errors,
            nnt,
        }
    }
}
