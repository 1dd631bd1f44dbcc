//! Standard deviations of coefficients: their priors, and those that a horseshoe makes of several.

use crate::model::HeterogeneityPrior;
use crate::model::prior_slope::ScalePoint;
use crate::model::simulate::Source;
use crate::study::Slab;

/// The prior of a standard deviation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ScalePrior {
    /// As of a heterogeneity.
    Spread(HeterogeneityPrior),
    /// The slab c of a regularised horseshoe: c² is inverse gamma with shape ν/2 and scale ν s²/2, so that a coefficient that
    /// only the slab bounds is t_ν(0, s).
    Slab(Slab),
}

impl From<HeterogeneityPrior> for ScalePrior {
    fn from(prior: HeterogeneityPrior) -> ScalePrior {
        ScalePrior::Spread(prior)
    }
}

impl ScalePrior {
    /// Its value where it is known.
    pub fn fixed(&self) -> Option<f64> {
        match self {
            ScalePrior::Spread(HeterogeneityPrior::Fixed { value }) => Some(*value),
            _ => None,
        }
    }

    /// A value that is not surprising.
    pub fn typical(&self) -> f64 {
        match self {
            ScalePrior::Spread(prior) => prior.typical(),
            ScalePrior::Slab(slab) => slab.scale,
        }
    }

    pub(super) fn typical_coordinate(&self) -> f64 {
        match self {
            ScalePrior::Spread(prior) => prior.coordinate_of(prior.typical()),
            ScalePrior::Slab(slab) => libm::log(slab.scale),
        }
    }

    /// The value and its prior at the coordinate u; of a slab that is log c.
    #[inline]
    pub(super) fn at_coordinate(&self, u: f64) -> ScalePoint {
        match self {
            ScalePrior::Spread(prior) => prior.at_coordinate(u),
            ScalePrior::Slab(slab) => {
                let value = libm::exp(u);
                let pull = slab.df * slab.scale * slab.scale / (value * value);
                ScalePoint {
                    value,
                    rate: value,
                    log_density: -slab.df * u - 0.5 * pull,
                    slope: pull - slab.df,
                }
            }
        }
    }

    pub(super) fn draw(&self, from: &mut Source<'_>) -> f64 {
        match self {
            ScalePrior::Spread(prior) => prior.draw(from),
            ScalePrior::Slab(slab) => {
                let chi = from.chi_squared(slab.df);
                slab.scale * (slab.df / chi).sqrt()
            }
        }
    }
}

/// A horseshoe's standard deviation: a = τλ within the slab c.
#[inline]
pub fn shrunk(a: f64, c: f64) -> f64 {
    // Whichever of the two is large, the quotient is not.
    if a < c { a / (1.0 + (a / c) * (a / c)).sqrt() } else { c / (1.0 + (c / a) * (c / a)).sqrt() }
}

/// Its slopes by a and by c.
#[inline]
pub fn shrunk_slopes(a: f64, c: f64) -> (f64, f64) {
    let whole = (a * a + c * c).sqrt();
    if whole > 0.0 {
        let (a, c) = (a / whole, c / whole);
        (c * c * c, a * a * a)
    } else {
        (1.0, 0.0)
    }
}
