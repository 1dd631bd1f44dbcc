//! Prior distributions as data. Their densities are in `model`.

use super::HigherIs;
use crate::numeric::normal_quantile;

/// One normal distribution of a mixture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormalComponent {
    /// Its share of the mixture, from 0 to 1.
    pub weight: f64,
    /// Its mean.
    pub mean: f64,
    /// Its standard deviation.
    pub sd: f64,
}

/// A distribution on the real line, for effects and baselines.
#[derive(Debug, Clone, PartialEq)]
pub enum LocationPrior {
    /// One normal distribution, or a mixture of several whose weights sum to 1.
    Normals(Vec<NormalComponent>),
    /// A Student t distribution, shifted and scaled.
    StudentT {
        /// Degrees of freedom.
        df: f64,
        /// The centre.
        location: f64,
        /// The scale, which is not the standard deviation.
        scale: f64,
    },
    /// The log odds of a risk that has the distribution beta(a, b); for baselines only.
    LogitBeta {
        /// The first parameter of the beta distribution, above 0.
        a: f64,
        /// The second parameter of the beta distribution, above 0.
        b: f64,
    },
    /// The constant density 1. Not a probability distribution: for reference only, and labelled as such.
    Flat,
}

/// What a subgroup's baseline α stands for: where it lies between its arms' log odds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum BaselineOf {
    /// The mean of the arms' log odds: a prior on it takes neither arm's side.
    #[default]
    Arms,
    /// The control arm's log odds: for those who hold knowledge of the control risk.
    Control,
}

impl BaselineOf {
    /// The share s of the effect θ by which the control arm's log odds lie below α: the control arm has log odds α −
    /// s·θ, the active arm α + (1 − s)·θ.
    #[inline]
    pub const fn control_share(self) -> f64 {
        match self {
            BaselineOf::Arms => 0.5,
            BaselineOf::Control => 0.0,
        }
    }

    /// The log odds of the control arm and of the active arm, from the baseline α and the effect θ.
    #[inline]
    pub fn log_odds(self, alpha: f64, theta: f64) -> [f64; 2] {
        let below = self.control_share();
        [alpha - below * theta, alpha + (1.0 - below) * theta]
    }
}

/// A distribution on the positive half-line, for standard deviations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum HeterogeneityPrior {
    /// The absolute value of a normal distribution around 0.
    HalfNormal {
        /// The standard deviation of that normal distribution.
        scale: f64,
    },
    /// The absolute value of a Student t distribution around 0.
    HalfStudentT {
        /// Degrees of freedom.
        df: f64,
        /// The scale of that Student t distribution.
        scale: f64,
    },
    /// An exponential distribution.
    Exponential {
        /// The mean, which is 1/rate.
        mean: f64,
    },
    /// A log-normal distribution: log τ ~ N(mean, sd²).
    LogNormal {
        /// The mean of log τ.
        mean: f64,
        /// The standard deviation of log τ.
        sd: f64,
    },
    /// A uniform distribution from 0 to `upper`.
    Uniform {
        /// The upper end.
        upper: f64,
    },
    /// A known value.
    Fixed {
        /// The value, 0 or above.
        value: f64,
    },
}

impl LocationPrior {
    /// The normal distribution with this mean and standard deviation.
    pub fn normal(mean: f64, sd: f64) -> LocationPrior {
        LocationPrior::Normals(vec![NormalComponent { weight: 1.0, mean, sd }])
    }

    /// The normal distribution that has probability `mass` between two values and is centred between them.
    pub fn normal_between(low: f64, high: f64, mass: f64) -> LocationPrior {
        let z = normal_quantile(0.5 + 0.5 * mass);
        LocationPrior::normal(0.5 * (low + high), 0.5 * (high - low) / z)
    }

    /// The normal distribution around `mean` that has probability `beyond` on the other side of zero.
    pub fn normal_with_mass_beyond_zero(mean: f64, beyond: f64) -> LocationPrior {
        LocationPrior::normal(mean, mean.abs() / -normal_quantile(beyond))
    }

    /// Whether it is a probability distribution; only the flat prior is not.
    pub fn is_proper(&self) -> bool {
        !matches!(self, LocationPrior::Flat)
    }

    /// The same with a mixture's weights adding up to 1 as closely as numbers can.
    #[must_use]
    pub(crate) fn normalised(mut self) -> LocationPrior {
        if let LocationPrior::Normals(normals) = &mut self {
            let total: f64 = normals.iter().map(|n| n.weight).sum();
            normals.iter_mut().for_each(|n| n.weight /= total);
        }
        self
    }

    /// The mirror image about zero: the distribution of minus the quantity.
    #[must_use]
    pub fn mirrored(&self) -> LocationPrior {
        match self {
            LocationPrior::Normals(normals) => LocationPrior::Normals(
                normals.iter().map(|n| NormalComponent { mean: -n.mean, ..*n }).collect(),
            ),
            LocationPrior::StudentT { df, location, scale } => {
                LocationPrior::StudentT { df: *df, location: -location, scale: *scale }
            }
            LocationPrior::LogitBeta { a, b } => LocationPrior::LogitBeta { a: *b, b: *a },
            LocationPrior::Flat => LocationPrior::Flat,
        }
    }
}

/// A parameter as it is written in priors: four decimals, without trailing zeros.
pub fn four_decimals(x: f64) -> String {
    let text = format!("{x:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

impl NormalComponent {
    /// The component in words without its weight, such as "normal(0, 0.355)".
    pub fn words(&self) -> String {
        format!("normal({}, {})", four_decimals(self.mean), four_decimals(self.sd))
    }
}

/// One of the nine priors of [`library_priors`].
#[derive(Debug, Clone, PartialEq)]
pub struct LibraryPrior {
    /// "neutral", "optimistic" or "pessimistic".
    pub belief: &'static str,
    /// "weak", "moderate" or "strong".
    pub strength: &'static str,
    /// The mean of μ, a log odds ratio.
    pub mean: f64,
    /// The standard deviation of μ.
    pub sd: f64,
}

/// The nine priors for μ of Zampieri et al. (AJRCCM 2021;203:543), on the log odds ratio. `expected` is an odds ratio
/// above 1; which direction counts as optimistic follows from `higher_is`.
pub fn library_priors(expected: f64, higher_is: HigherIs) -> Vec<LibraryPrior> {
    let strengths = [("weak", 5.0, 0.30), ("moderate", 0.355, 0.15), ("strong", 0.205, 0.05)];
    let toward_benefit = higher_is.sign() * libm::log(expected);
    let centred = strengths.iter().map(|&(strength, sd, _)| LibraryPrior {
        belief: "neutral",
        strength,
        mean: 0.0,
        sd,
    });
    let leaning = [("optimistic", toward_benefit), ("pessimistic", -toward_benefit)].into_iter().flat_map(
        |(belief, mean)| {
            strengths.iter().map(move |&(strength, _, beyond)| LibraryPrior {
                belief,
                strength,
                mean,
                sd: mean.abs() / -normal_quantile(beyond),
            })
        },
    );
    centred.chain(leaning).collect()
}

impl LibraryPrior {
    /// The name by which it is asked for, such as "neutral-moderate".
    pub fn name(&self) -> String {
        format!("{}-{}", self.belief, self.strength)
    }
}

/// The names of all nine priors of [`library_priors`].
pub fn library_names() -> Vec<String> {
    library_priors(2.0, HigherIs::Better).iter().map(LibraryPrior::name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clinical_word_for_a_neutral_prior_is_the_convention_before_rounding() {
        let LocationPrior::Normals(normals) =
            LocationPrior::normal_between(libm::log(0.5), libm::log(2.0), 0.95)
        else {
            panic!("a normal");
        };
        assert!(normals[0].mean.abs() < 1e-16);
        assert!((normals[0].sd - 0.353_653_02).abs() < 1e-7);
    }

    #[test]
    fn optimism_points_toward_benefit_whichever_way_the_outcome_is_coded() {
        for (higher_is, sign) in [(HigherIs::Better, 1.0), (HigherIs::Worse, -1.0)] {
            let library = library_priors(1.5, higher_is);
            assert_eq!(library.len(), 9);
            let moderate = &library[4];
            assert_eq!((moderate.belief, moderate.strength), ("optimistic", "moderate"));
            assert!((moderate.mean - sign * libm::log(1.5)).abs() < 1e-15);
            // |mean| / 1.0364, the table of the convention.
            assert!((moderate.sd - libm::log(1.5) / 1.036_433_4).abs() < 1e-7);
        }
    }
}
