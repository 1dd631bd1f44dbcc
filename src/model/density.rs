//! Prior densities, normalised.

use std::f64::consts::PI;

use crate::numeric::{HALF_LOG_2_PI, Peak, ln_of_normal, logistic, normal_log_density, softplus};
use crate::study::{HeterogeneityPrior, LocationPrior, NormalComponent};

impl LocationPrior {
    /// The prior in parts that are unimodal, each with one scale, which are integrated one at a time.
    pub fn components(&self) -> Vec<LocationComponent> {
        match self {
            LocationPrior::Normals(normals) => {
                normals.iter().map(|n| LocationComponent::Normal(*n)).collect()
            }
            LocationPrior::StudentT { df, location, scale } => {
                vec![LocationComponent::StudentT { df: *df, location: *location, scale: *scale }]
            }
            LocationPrior::LogitBeta { a, b } => vec![LocationComponent::LogitBeta { a: *a, b: *b }],
            LocationPrior::Flat => vec![LocationComponent::Flat],
        }
    }

    /// The order below which all moments exist under the prior; infinite for light tails, 0 for the flat prior.
    pub fn moment_limit(&self) -> f64 {
        match self {
            LocationPrior::Normals(_) | LocationPrior::LogitBeta { .. } => f64::INFINITY,
            LocationPrior::StudentT { df, .. } => *df,
            LocationPrior::Flat => 0.0,
        }
    }
}

impl LocationPrior {
    /// The density raised to a power and normalised; none where the result is not a prior of these families, as for
    /// mixtures, or its tails are too heavy to be normalised.
    pub fn powered(&self, power: f64) -> Option<LocationPrior> {
        match self {
            LocationPrior::Normals(normals) => match normals.as_slice() {
                [n] => Some(LocationPrior::normal(n.mean, n.sd / libm::sqrt(power))),
                _ => None,
            },
            LocationPrior::StudentT { df, location, scale } => {
                let (df, scale) = powered_t(*df, *scale, power)?;
                Some(LocationPrior::StudentT { df, location: *location, scale })
            }
            LocationPrior::LogitBeta { a, b } => {
                Some(LocationPrior::LogitBeta { a: power * a, b: power * b })
            }
            LocationPrior::Flat => Some(LocationPrior::Flat),
        }
    }
}

/// `(1 + x²/(ν s²))^(−p(ν+1)/2)` is a Student t with p(ν + 1) − 1 degrees of freedom.
fn powered_t(df: f64, scale: f64, power: f64) -> Option<(f64, f64)> {
    let powered = power * (df + 1.0) - 1.0;
    (powered > 0.0).then(|| (powered, scale * libm::sqrt(df / powered)))
}

/// One part of a [`LocationPrior`]: unimodal, with one scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LocationComponent {
    /// A normal distribution with its weight in the mixture.
    Normal(NormalComponent),
    /// A Student t distribution, shifted and scaled.
    StudentT {
        /// Degrees of freedom.
        df: f64,
        /// The centre.
        location: f64,
        /// The scale, which is not the standard deviation.
        scale: f64,
    },
    /// The log odds of a risk that has the distribution beta(a, b).
    LogitBeta {
        /// The first parameter of the beta distribution, above 0.
        a: f64,
        /// The second parameter of the beta distribution, above 0.
        b: f64,
    },
    /// The constant density 1, which is not a probability distribution.
    Flat,
}

impl LocationComponent {
    /// The log density at `x`, including the log of the component's weight.
    #[inline]
    pub fn log_density(&self, x: f64) -> f64 {
        match self {
            LocationComponent::Flat => 0.0,
            _ => self.log_kernel(x) + self.log_constant(),
        }
    }

    /// The log density at `x` without [`LocationComponent::log_constant`], which is expensive: for many evaluations
    /// of one component.
    #[inline]
    pub fn log_kernel(&self, x: f64) -> f64 {
        match self {
            LocationComponent::Normal(n) => {
                let z = (x - n.mean) / n.sd;
                -0.5 * z * z
            }
            LocationComponent::StudentT { df, location, scale } => {
                let d = x - location;
                let rise = 1.0 + d * d / (df * scale * scale);
                // Its logarithm is wanted to an absolute error.
                -0.5 * (df + 1.0) * if rise < f64::MAX { ln_of_normal(rise) } else { f64::INFINITY }
            }
            LocationComponent::LogitBeta { a, b } => a * x - (a + b) * softplus(x),
            LocationComponent::Flat => 0.0,
        }
    }

    /// The constant of the log density, including the log of the component's weight.
    pub fn log_constant(&self) -> f64 {
        match self {
            LocationComponent::Normal(n) => libm::log(n.weight) - libm::log(n.sd) - HALF_LOG_2_PI,
            LocationComponent::StudentT { df, scale, .. } => {
                student_t_log_density(0.0, *df) - libm::log(*scale)
            }
            LocationComponent::LogitBeta { a, b } => {
                libm::lgamma(a + b) - libm::lgamma(*a) - libm::lgamma(*b)
            }
            LocationComponent::Flat => 0.0,
        }
    }

    /// The slope of the log density, and the curvature of the parabola that touches it at `x` and lies nowhere above
    /// it (for the Student t, the weight of its scale-mixture form). Newton steps with this curvature never go
    /// downhill.
    pub fn slope_and_bound(&self, x: f64) -> (f64, f64) {
        match self {
            LocationComponent::Normal(n) => {
                let precision = 1.0 / (n.sd * n.sd);
                ((n.mean - x) * precision, precision)
            }
            LocationComponent::StudentT { df, location, scale } => {
                let d = x - location;
                let weight = (df + 1.0) / (df * scale * scale + d * d);
                (-d * weight, weight)
            }
            LocationComponent::LogitBeta { a, b } => {
                let p = logistic(x);
                (a * (1.0 - p) - b * p, (a + b) * p * (1.0 - p))
            }
            LocationComponent::Flat => (0.0, 0.0),
        }
    }

    /// Centre and scale; none for the flat density.
    pub fn peak(&self) -> Option<Peak> {
        match self {
            LocationComponent::Normal(n) => Some(Peak { centre: n.mean, sd: n.sd }),
            LocationComponent::StudentT { location, scale, .. } => {
                Some(Peak { centre: *location, sd: *scale })
            }
            LocationComponent::LogitBeta { a, b } => {
                Some(Peak { centre: libm::log(a / b), sd: libm::sqrt(1.0 / a + 1.0 / b) })
            }
            LocationComponent::Flat => None,
        }
    }
}

fn student_t_log_density(z: f64, df: f64) -> f64 {
    libm::lgamma(0.5 * (df + 1.0))
        - libm::lgamma(0.5 * df)
        - 0.5 * libm::log(df * PI)
        - 0.5 * (df + 1.0) * libm::log1p(z * z / df)
}

impl HeterogeneityPrior {
    /// The log density at `tau > 0`; 0 for a fixed value, which has no density.
    pub fn log_density(&self, tau: f64) -> f64 {
        match *self {
            HeterogeneityPrior::HalfNormal { scale } => libm::log(2.0) + normal_log_density(tau, 0.0, scale),
            HeterogeneityPrior::HalfStudentT { df, scale } => {
                libm::log(2.0) + student_t_log_density(tau / scale, df) - libm::log(scale)
            }
            HeterogeneityPrior::Exponential { mean } => -tau / mean - libm::log(mean),
            HeterogeneityPrior::LogNormal { mean, sd } => {
                let log_tau = libm::log(tau);
                normal_log_density(log_tau, mean, sd) - log_tau
            }
            HeterogeneityPrior::Uniform { upper } => {
                if tau <= upper {
                    -libm::log(upper)
                } else {
                    f64::NEG_INFINITY
                }
            }
            HeterogeneityPrior::Fixed { .. } => 0.0,
        }
    }

    /// The density raised to a power and normalised; none where its tail is too heavy to be normalised.
    pub fn powered(&self, power: f64) -> Option<HeterogeneityPrior> {
        let root = libm::sqrt(power);
        match *self {
            HeterogeneityPrior::HalfNormal { scale } => {
                Some(HeterogeneityPrior::HalfNormal { scale: scale / root })
            }
            HeterogeneityPrior::HalfStudentT { df, scale } => {
                powered_t(df, scale, power).map(|(df, scale)| HeterogeneityPrior::HalfStudentT { df, scale })
            }
            HeterogeneityPrior::Exponential { mean } => {
                Some(HeterogeneityPrior::Exponential { mean: mean / power })
            }
            // With u = log τ: e^(−p(u − m)²/2s²) e^(−pu) du e^u.
            HeterogeneityPrior::LogNormal { mean, sd } => Some(HeterogeneityPrior::LogNormal {
                mean: mean + (1.0 - power) * sd * sd / power,
                sd: sd / root,
            }),
            HeterogeneityPrior::Uniform { .. } | HeterogeneityPrior::Fixed { .. } => Some(*self),
        }
    }

    /// A prior of the same family with its scale multiplied by `factor`.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> HeterogeneityPrior {
        match *self {
            HeterogeneityPrior::HalfNormal { scale } => {
                HeterogeneityPrior::HalfNormal { scale: scale * factor }
            }
            HeterogeneityPrior::HalfStudentT { df, scale } => {
                HeterogeneityPrior::HalfStudentT { df, scale: scale * factor }
            }
            HeterogeneityPrior::Exponential { mean } => {
                HeterogeneityPrior::Exponential { mean: mean * factor }
            }
            HeterogeneityPrior::LogNormal { mean, sd } => {
                HeterogeneityPrior::LogNormal { mean: mean + libm::log(factor), sd }
            }
            HeterogeneityPrior::Uniform { upper } => HeterogeneityPrior::Uniform { upper: upper * factor },
            HeterogeneityPrior::Fixed { value } => HeterogeneityPrior::Fixed { value: value * factor },
        }
    }

    /// What [`HeterogeneityPrior::scaled`] multiplies: the scale, mean, median, upper end or value.
    pub fn scale(&self) -> f64 {
        match *self {
            HeterogeneityPrior::HalfNormal { scale } | HeterogeneityPrior::HalfStudentT { scale, .. } => {
                scale
            }
            HeterogeneityPrior::Exponential { mean } => mean,
            HeterogeneityPrior::LogNormal { mean, .. } => libm::exp(mean),
            HeterogeneityPrior::Uniform { upper } => upper,
            HeterogeneityPrior::Fixed { value } => value,
        }
    }

    /// The order below which all moments exist under the prior; infinite for light tails.
    pub fn moment_limit(&self) -> f64 {
        match self {
            HeterogeneityPrior::HalfStudentT { df, .. } => *df,
            _ => f64::INFINITY,
        }
    }

    /// A value that the prior exceeds with a probability of about 1 %.
    pub fn far(&self) -> f64 {
        /// The 99.5 % quantile of the standard normal.
        const Z: f64 = 2.576;
        match *self {
            HeterogeneityPrior::HalfNormal { scale } => Z * scale,
            // That of Student's t to a few percent.
            HeterogeneityPrior::HalfStudentT { df, scale } => {
                scale * Z * libm::exp(3.2 * libm::pow(df, -1.3))
            }
            HeterogeneityPrior::Exponential { mean } => 4.605 * mean,
            HeterogeneityPrior::LogNormal { mean, sd } => libm::exp(mean + 2.326 * sd),
            HeterogeneityPrior::Uniform { upper } => upper,
            HeterogeneityPrior::Fixed { value } => value,
        }
    }

    /// A value in the middle of the prior.
    pub fn typical(&self) -> f64 {
        match *self {
            HeterogeneityPrior::HalfNormal { scale } | HeterogeneityPrior::HalfStudentT { scale, .. } => {
                0.7 * scale
            }
            HeterogeneityPrior::Exponential { mean } => 0.7 * mean,
            HeterogeneityPrior::LogNormal { mean, .. } => libm::exp(mean),
            HeterogeneityPrior::Uniform { upper } => 0.5 * upper,
            HeterogeneityPrior::Fixed { value } => value,
        }
    }
}
