//! Priors prepared for many evaluations: log density up to a constant, with its slope.

use super::LocationComponent;
use crate::study::{HeterogeneityPrior, LocationPrior};

/// A [`LocationPrior`] with its constants worked out.
#[derive(Debug, Clone, PartialEq)]
pub enum LocationSlope {
    Normal { mean: f64, precision: f64 },
    Mixture(Vec<LocationComponent>),
    StudentT { df: f64, location: f64, scale: f64 },
    Flat,
}

impl LocationSlope {
    pub fn of(prior: &LocationPrior) -> LocationSlope {
        match prior {
            LocationPrior::Normals(normals) if normals.len() == 1 => LocationSlope::Normal {
                mean: normals[0].mean,
                precision: 1.0 / (normals[0].sd * normals[0].sd),
            },
            LocationPrior::Normals(_) => LocationSlope::Mixture(prior.components()),
            LocationPrior::StudentT { df, location, scale } => {
                LocationSlope::StudentT { df: *df, location: *location, scale: *scale }
            }
            LocationPrior::Flat => LocationSlope::Flat,
        }
    }

    /// The log density at `x` up to a constant, and its derivative.
    #[inline]
    pub fn at(&self, x: f64) -> (f64, f64) {
        match self {
            LocationSlope::Normal { mean, precision } => {
                let d = x - mean;
                (-0.5 * precision * d * d, -precision * d)
            }
            LocationSlope::Mixture(components) => {
                let mut high = f64::NEG_INFINITY;
                for c in components {
                    high = high.max(c.log_density(x));
                }
                let (mut sum, mut slope) = (0.0, 0.0);
                for c in components {
                    let weight = libm::exp(c.log_density(x) - high);
                    sum += weight;
                    slope += weight * c.slope_and_bound(x).0;
                }
                (high + libm::log(sum), slope / sum)
            }
            LocationSlope::StudentT { df, location, scale } => {
                let d = x - location;
                let spread = df * scale * scale + d * d;
                (-0.5 * (df + 1.0) * libm::log1p(d * d / (df * scale * scale)), -(df + 1.0) * d / spread)
            }
            LocationSlope::Flat => (0.0, 0.0),
        }
    }

    /// The normal that stands in for the prior where only a rough centre and precision are wanted.
    pub fn stand_in(&self) -> (f64, f64) {
        match self {
            LocationSlope::Normal { mean, precision } => (*mean, *precision),
            LocationSlope::Mixture(components) => {
                let (mut mean, mut square) = (0.0, 0.0);
                for component in components {
                    if let LocationComponent::Normal(n) = component {
                        mean += n.weight * n.mean;
                        square += n.weight * (n.mean * n.mean + n.sd * n.sd);
                    }
                }
                (mean, 1.0 / (square - mean * mean))
            }
            LocationSlope::StudentT { location, scale, .. } => (*location, 1.0 / (scale * scale)),
            LocationSlope::Flat => (0.0, 0.0),
        }
    }
}

/// A standard deviation from its unconstrained coordinate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScalePoint {
    pub value: f64,
    /// dσ/du.
    pub rate: f64,
    /// Log prior density of u, up to a constant: that of σ with the Jacobian.
    pub log_density: f64,
    /// Its derivative by u.
    pub slope: f64,
}

impl HeterogeneityPrior {
    /// σ and its prior at the coordinate u: log σ, or the logit of σ/b for a uniform prior on (0, b).
    #[inline]
    pub fn at_coordinate(&self, u: f64) -> ScalePoint {
        if let HeterogeneityPrior::Uniform { upper } = *self {
            let fraction = crate::numeric::logistic(u);
            let rest = crate::numeric::logistic(-u);
            let log_density = crate::numeric::log_expit(u) + crate::numeric::log_expit(-u);
            return ScalePoint {
                value: upper * fraction,
                rate: upper * fraction * rest,
                log_density,
                slope: rest - fraction,
            };
        }
        let value = libm::exp(u);
        let (log_density, slope) = match *self {
            HeterogeneityPrior::HalfNormal { scale } => {
                let square = (value / scale) * (value / scale);
                (u - 0.5 * square, 1.0 - square)
            }
            HeterogeneityPrior::HalfStudentT { df, scale } => {
                let square = (value / scale) * (value / scale);
                let slope = 1.0 - (df + 1.0) * (1.0 - df / (df + square));
                (u - 0.5 * (df + 1.0) * libm::log1p(square / df), slope)
            }
            HeterogeneityPrior::Exponential { mean } => (u - value / mean, 1.0 - value / mean),
            HeterogeneityPrior::LogNormal { mean, sd } => {
                let z = (u - mean) / sd;
                (-0.5 * z * z, -z / sd)
            }
            HeterogeneityPrior::Uniform { .. } | HeterogeneityPrior::Fixed { .. } => (0.0, 0.0),
        };
        ScalePoint { value, rate: value, log_density, slope }
    }

    /// The coordinate of a value inside the support.
    pub fn coordinate_of(&self, value: f64) -> f64 {
        match *self {
            HeterogeneityPrior::Uniform { upper } => crate::numeric::logit(value / upper),
            _ => libm::log(value),
        }
    }
}
