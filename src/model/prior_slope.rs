//! Priors prepared for many evaluations: log density up to a constant, with its slope.

use super::LocationComponent;
use crate::numeric::{
    exp_of_nonpositive, ln_1p_of_fraction, logistic, normal_cdf, normal_quantile, softplus,
};
use crate::study::{HeterogeneityPrior, LocationPrior};

/// A [`LocationPrior`] with its constants worked out.
#[derive(Debug, Clone, PartialEq)]
pub enum LocationSlope {
    Normal { mean: f64, precision: f64 },
    Mixture(Vec<LocationComponent>),
    StudentT { df: f64, location: f64, scale: f64 },
    LogitBeta { a: f64, b: f64 },
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
            LocationPrior::LogitBeta { a, b } => LocationSlope::LogitBeta { a: *a, b: *b },
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
            LocationSlope::LogitBeta { a, b } => {
                (a * x - (a + b) * softplus(x), a * logistic(-x) - b * logistic(x))
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
            LocationSlope::LogitBeta { a, b } => (libm::log(a / b), a * b / (a + b)),
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

/// From so many degrees of freedom on a half-t counts as light-tailed.
const LIGHT_TAILED: f64 = 10.0;

/// How σ depends on its coordinate u, chosen by the prior's tail so that the density of u falls off no faster than a normal's
/// on either side: the leapfrog is stable all over.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Map {
    /// σ = e^u, for tails that fall as a power.
    Exponential,
    /// σ = s ln(1 + e^u), for tails like a normal's or an exponential's: there e^u would make them doubly exponential.
    Softplus { unit: f64 },
    /// σ = b Φ(u), for bounded ones. By b/(1 + e^−u) a posterior at the upper end would have an exponential tail there, and
    /// trajectories that come down from it end in the steep side below.
    Normal { upper: f64 },
}

impl HeterogeneityPrior {
    fn map(&self) -> Map {
        match *self {
            HeterogeneityPrior::HalfNormal { scale } => Map::Softplus { unit: scale },
            HeterogeneityPrior::HalfStudentT { df, scale } if df >= LIGHT_TAILED => {
                Map::Softplus { unit: scale }
            }
            HeterogeneityPrior::Exponential { mean } => Map::Softplus { unit: mean },
            HeterogeneityPrior::Uniform { upper } => Map::Normal { upper },
            _ => Map::Exponential,
        }
    }

    /// σ and its prior at the coordinate u.
    #[inline]
    pub fn at_coordinate(&self, u: f64) -> ScalePoint {
        // σ, dσ/du, log dσ/du up to a constant, and its derivative.
        let (value, rate, log_rate, log_rate_slope) = match self.map() {
            Map::Exponential => {
                let value = libm::exp(u);
                (value, value, u, 1.0)
            }
            Map::Softplus { unit } => {
                let e = exp_of_nonpositive(-u.abs());
                let log1p = ln_1p_of_fraction(e);
                let near_one = 1.0 / (1.0 + e);
                let (rise, rest) = if u >= 0.0 { (near_one, e * near_one) } else { (e * near_one, near_one) };
                // Halves of u ± |u|, not a maximum and a minimum: those would swallow what is not a number.
                let (above, below) = (0.5 * (u + u.abs()), 0.5 * (u - u.abs()));
                (unit * (above + log1p), unit * rise, below - log1p, rest)
            }
            Map::Normal { upper } => {
                const ROOT_TWO_PI: f64 = 2.506_628_274_631_000_7;
                let log_rate = -0.5 * u * u;
                let rate = upper / ROOT_TWO_PI * exp_of_nonpositive(log_rate);
                (upper * normal_cdf(u), rate, log_rate, -u)
            }
        };
        let (log_prior, prior_slope) = self.log_density_and_slope(value);
        ScalePoint {
            value,
            rate,
            log_density: log_prior + log_rate,
            slope: prior_slope * rate + log_rate_slope,
        }
    }

    /// Log prior density of σ up to a constant, and its derivative by σ.
    #[inline]
    fn log_density_and_slope(&self, value: f64) -> (f64, f64) {
        match *self {
            HeterogeneityPrior::HalfNormal { scale } => {
                let z = value / scale;
                (-0.5 * z * z, -z / scale)
            }
            HeterogeneityPrior::HalfStudentT { df, scale } => {
                let z = value / scale;
                let spread = df + z * z;
                (-0.5 * (df + 1.0) * libm::log1p(z * z / df), -(df + 1.0) * z / (spread * scale))
            }
            HeterogeneityPrior::Exponential { mean } => (-value / mean, -1.0 / mean),
            HeterogeneityPrior::LogNormal { mean, sd } => {
                let log_value = libm::log(value);
                let z = (log_value - mean) / sd;
                (-0.5 * z * z - log_value, -(z / sd + 1.0) / value)
            }
            HeterogeneityPrior::Uniform { .. } | HeterogeneityPrior::Fixed { .. } => (0.0, 0.0),
        }
    }

    /// The coordinate of a value inside the support.
    pub fn coordinate_of(&self, value: f64) -> f64 {
        match self.map() {
            Map::Exponential => libm::log(value),
            Map::Softplus { unit } => value / unit + libm::log(-libm::expm1(-value / unit)),
            Map::Normal { upper } => normal_quantile(value / upper),
        }
    }
}
