//! Where effects may lie before the data, so far as any mass of their prior goes.

use super::effect_likelihood::EffectRange;
use crate::model::{HeterogeneityPrior, LocationComponent, LocationPrior};

/// Where θ may lie a priori.
pub fn effect_range(effect: &LocationPrior, heterogeneity: &HeterogeneityPrior) -> EffectRange {
    /// Standard deviations beyond which a normal leaves nothing, and probability below which a heavy tail leaves
    /// nothing that is printed.
    const FAR: f64 = 9.0;
    let heavy = |df: f64, scale: f64| scale * libm::pow(10.0, (14.0 / df).min(15.0));
    // As far as the integral over τ runs: to the end of its mass, and of the moments that exist, which data that contradict
    // each other may begin at a thousand.
    let counted = |df: f64, scale: f64| {
        let order = if df > 2.0 { 2.0 } else { f64::from(u8::from(df > 1.0)) };
        scale.max(1e3) * libm::exp((28.0 / (df - order)).min(32.0))
    };
    let tau_reach = match *heterogeneity {
        HeterogeneityPrior::HalfNormal { scale } => FAR * scale,
        HeterogeneityPrior::HalfStudentT { df, scale } => heavy(df, scale).max(counted(df, scale)),
        HeterogeneityPrior::Exponential { mean } => 40.0 * mean,
        HeterogeneityPrior::LogNormal { mean, sd } => libm::exp((mean + FAR * sd).min(35.0)),
        HeterogeneityPrior::Uniform { upper } => upper,
        HeterogeneityPrior::Fixed { value } => value,
    };
    let (mut centre, mut second, mut reach) = (0.0_f64, 0.0_f64, 0.0_f64);
    let components = effect.components();
    for component in &components {
        match *component {
            LocationComponent::Normal(n) => {
                centre += n.weight * n.mean;
                second += n.weight * (n.mean * n.mean + n.sd * n.sd);
                reach = reach.max(n.mean.abs() + FAR * n.sd);
            }
            LocationComponent::StudentT { df, location, scale } => {
                centre += location;
                second += location * location + 4.0 * scale * scale;
                reach = reach.max(location.abs() + heavy(df, scale));
            }
            LocationComponent::LogitBeta { .. } | LocationComponent::Flat => {
                second += 100.0;
                reach = reach.max(1e3);
            }
        }
    }
    let typical = heterogeneity.typical();
    let sd = libm::hypot(libm::sqrt((second - centre * centre).max(0.0)), 2.0 * typical);
    EffectRange { centre, sd, reach: (reach + FAR * tau_reach).min(1e18) }
}
