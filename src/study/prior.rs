//! Prior distributions as data. Their densities are in `model`.

use super::HigherIs;
use crate::numeric::normal_quantile;

/// One normal of a mixture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormalComponent {
    pub weight: f64,
    pub mean: f64,
    pub sd: f64,
}

/// A distribution on the real line, for effects and baselines.
#[derive(Debug, Clone, PartialEq)]
pub enum LocationPrior {
    /// One normal or several, weights summing to 1.
    Normals(Vec<NormalComponent>),
    StudentT {
        df: f64,
        location: f64,
        scale: f64,
    },
    /// A risk's beta(a, b) on its log odds: for baselines alone.
    LogitBeta {
        a: f64,
        b: f64,
    },
    /// Constant 1: not a probability distribution, a labelled reference.
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
    /// The part s of the effect θ by which the control arm's log odds lie below α: they are α − s·θ, the active arm's
    /// α + (1 − s)·θ.
    #[inline]
    pub const fn control_share(self) -> f64 {
        match self {
            BaselineOf::Arms => 0.5,
            BaselineOf::Control => 0.0,
        }
    }

    /// Log odds of the control arm and of the active arm.
    #[inline]
    pub fn log_odds(self, alpha: f64, theta: f64) -> [f64; 2] {
        let below = self.control_share();
        [alpha - below * theta, alpha + (1.0 - below) * theta]
    }
}

/// A distribution on the positive half-line, for standard deviations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum HeterogeneityPrior {
    HalfNormal {
        scale: f64,
    },
    HalfStudentT {
        df: f64,
        scale: f64,
    },
    Exponential {
        mean: f64,
    },
    /// log τ ~ N(mean, sd²).
    LogNormal {
        mean: f64,
        sd: f64,
    },
    Uniform {
        upper: f64,
    },
    Fixed {
        value: f64,
    },
}

impl LocationPrior {
    pub fn normal(mean: f64, sd: f64) -> LocationPrior {
        LocationPrior::Normals(vec![NormalComponent { weight: 1.0, mean, sd }])
    }

    /// The normal with probability `mass` between two values.
    pub fn normal_between(low: f64, high: f64, mass: f64) -> LocationPrior {
        let z = normal_quantile(0.5 + 0.5 * mass);
        LocationPrior::normal(0.5 * (low + high), 0.5 * (high - low) / z)
    }

    /// The normal centred at `mean` with probability `beyond` on the other side of zero.
    pub fn normal_with_mass_beyond_zero(mean: f64, beyond: f64) -> LocationPrior {
        LocationPrior::normal(mean, mean.abs() / -normal_quantile(beyond))
    }

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

    /// The mirror image about zero.
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

/// A parameter as priors are written: four decimals, without a tail of zeros.
pub fn four_decimals(x: f64) -> String {
    let text = format!("{x:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

impl NormalComponent {
    /// "normal(0, 0.355)", its weight left out.
    pub fn words(&self) -> String {
        format!("normal({}, {})", four_decimals(self.mean), four_decimals(self.sd))
    }
}

/// One prior of the reanalysis library.
#[derive(Debug, Clone, PartialEq)]
pub struct LibraryPrior {
    pub belief: &'static str,
    pub strength: &'static str,
    pub mean: f64,
    pub sd: f64,
}

/// The nine priors for μ of Zampieri et al. (AJRCCM 2021;203:543), on the log odds ratio. `expected` is a magnitude above
/// 1; which way it counts as optimistic follows from `higher_is`.
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
    /// As it is asked for: "neutral-moderate".
    pub fn name(&self) -> String {
        format!("{}-{}", self.belief, self.strength)
    }
}

/// The names of all nine.
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
