//! Priors as a model file writes them: `normal(0, 0.355)`, `half_normal(0.5)` and the others, for a study built in code.
//!
//! What a prior may say is checked where it becomes part of a study.

use super::{BaselinePrior, HeterogeneityPrior, LocationPrior, NormalComponent, Written, four_decimals};

/// A normal distribution: of an effect, or of a baseline's log odds.
pub fn normal(mean: f64, sd: f64) -> LocationPrior {
    LocationPrior::normal(mean, sd)
}

/// Student's t with `df` degrees of freedom, shifted and scaled.
pub fn student_t(df: f64, location: f64, scale: f64) -> LocationPrior {
    LocationPrior::StudentT { df, location, scale }
}

/// A mixture of normals, each a weight, a mean and a standard deviation. The weights add up to 1.
pub fn mixture(parts: impl IntoIterator<Item = (f64, f64, f64)>) -> LocationPrior {
    let part = |(weight, mean, sd)| NormalComponent { weight, mean, sd };
    LocationPrior::Normals(parts.into_iter().map(part).collect())
}

/// Constant 1 over the whole line: not a belief, a labelled reference.
pub fn flat() -> LocationPrior {
    LocationPrior::Flat
}

/// A beta distribution of a risk, for baselines: `beta(4.0, 36.0)` is what 4 events in 40 patients say.
pub fn beta(a: f64, b: f64) -> LocationPrior {
    LocationPrior::LogitBeta { a, b }
}

/// The positive half of a normal distribution about 0.
pub fn half_normal(scale: f64) -> HeterogeneityPrior {
    HeterogeneityPrior::HalfNormal { scale }
}

/// The positive half of a Student t about 0.
pub fn half_student_t(df: f64, scale: f64) -> HeterogeneityPrior {
    HeterogeneityPrior::HalfStudentT { df, scale }
}

/// The positive half of a Cauchy distribution about 0.
pub fn half_cauchy(scale: f64) -> HeterogeneityPrior {
    HeterogeneityPrior::HalfStudentT { df: 1.0, scale }
}

/// An exponential distribution, by its mean.
pub fn exponential(mean: f64) -> HeterogeneityPrior {
    HeterogeneityPrior::Exponential { mean }
}

/// A log-normal distribution, by the mean and the standard deviation of the logarithm.
pub fn log_normal(mean: f64, sd: f64) -> HeterogeneityPrior {
    HeterogeneityPrior::LogNormal { mean, sd }
}

/// Uniform from 0 to `upper`.
pub fn uniform(upper: f64) -> HeterogeneityPrior {
    HeterogeneityPrior::Uniform { upper }
}

/// A heterogeneity that is known.
pub fn fixed(value: f64) -> HeterogeneityPrior {
    HeterogeneityPrior::Fixed { value }
}

/// Baselines that inform each other: priors of the mean of their log odds and of their standard deviation.
pub fn exchangeable(mean: LocationPrior, sd: HeterogeneityPrior) -> BaselinePrior {
    BaselinePrior::Exchangeable { mean, sd }
}

/// A parameter in full.
fn in_full(x: f64) -> String {
    format!("{x}")
}

impl LocationPrior {
    /// As a model file has it, every number in full: "normal(0, 0.355)".
    pub fn in_words(&self) -> String {
        self.told(in_full)
    }

    /// The same to four decimals.
    pub fn in_short(&self) -> String {
        self.told(four_decimals)
    }

    fn told(&self, number: impl Fn(f64) -> String) -> String {
        let normal = |n: &NormalComponent| format!("normal({}, {})", number(n.mean), number(n.sd));
        match self {
            LocationPrior::Normals(normals) => match normals.as_slice() {
                [one] => normal(one),
                several => {
                    let part = |n: &NormalComponent| format!("{} * {}", number(n.weight), normal(n));
                    several.iter().map(part).collect::<Vec<_>>().join(" + ")
                }
            },
            LocationPrior::StudentT { df, location, scale } => {
                format!("student-t({}, {}, {})", number(*df), number(*location), number(*scale))
            }
            LocationPrior::LogitBeta { a, b } => format!("beta({}, {})", number(*a), number(*b)),
            LocationPrior::Flat => "flat".to_string(),
        }
    }
}

impl HeterogeneityPrior {
    /// As a model file has it, every number in full: "half-normal(0.5)".
    pub fn in_words(&self) -> String {
        self.told(in_full)
    }

    /// The same to four decimals.
    pub fn in_short(&self) -> String {
        self.told(four_decimals)
    }

    fn told(&self, number: impl Fn(f64) -> String) -> String {
        match *self {
            HeterogeneityPrior::HalfNormal { scale } => format!("half-normal({})", number(scale)),
            HeterogeneityPrior::HalfStudentT { df: 1.0, scale } => format!("half-cauchy({})", number(scale)),
            HeterogeneityPrior::HalfStudentT { df, scale } => {
                format!("half-student-t({}, {})", number(df), number(scale))
            }
            HeterogeneityPrior::Exponential { mean } => format!("exponential({})", number(mean)),
            HeterogeneityPrior::LogNormal { mean, sd } => {
                format!("log-normal({}, {})", number(mean), number(sd))
            }
            HeterogeneityPrior::Uniform { upper } => format!("uniform(0, {})", number(upper)),
            HeterogeneityPrior::Fixed { value } => format!("fixed({})", number(value)),
        }
    }
}

impl BaselinePrior {
    /// As it is told wherever priors are: "normal(0, 2.5)", "exchangeable: mean normal(0, 2.5), sd half-normal(1)".
    pub fn in_words(&self) -> String {
        match self {
            BaselinePrior::Independent(prior) => prior.in_words(),
            BaselinePrior::Exchangeable { mean, sd } => {
                format!("exchangeable: mean {}, sd {}", mean.in_words(), sd.in_words())
            }
        }
    }
}

impl From<LocationPrior> for Written<LocationPrior> {
    /// In the words that a model file would have for it.
    fn from(distribution: LocationPrior) -> Written<LocationPrior> {
        Written { words: distribution.in_words(), distribution }
    }
}

impl From<HeterogeneityPrior> for Written<HeterogeneityPrior> {
    /// In the words that a model file would have for it.
    fn from(distribution: HeterogeneityPrior) -> Written<HeterogeneityPrior> {
        Written { words: distribution.in_words(), distribution }
    }
}

impl From<BaselinePrior> for Written<BaselinePrior> {
    /// In the words that a model file would have for it.
    fn from(distribution: BaselinePrior) -> Written<BaselinePrior> {
        Written { words: distribution.in_words(), distribution }
    }
}

impl From<LocationPrior> for Written<BaselinePrior> {
    /// Independent baselines, each with this prior.
    fn from(prior: LocationPrior) -> Written<BaselinePrior> {
        BaselinePrior::Independent(prior).into()
    }
}
