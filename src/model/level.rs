//! One level of a hierarchy in coordinates that are nearly independent under the posterior.
//!
//! Children x_g ~ N(ℓ, σ²), and what the data say of each child is roughly N(x̂_g, 1/I_g). Given ℓ and σ the child's
//! conditional is then roughly normal with precision 1/σ² + I_g, and given σ alone ℓ's is roughly normal with precision
//! P + Σ k_g, k_g = I_g/(1 + I_g σ²). Both are taken as the coordinate's centre and unit:
//!
//! ```text
//! ℓ   = V(P ℓ₀ + Σ k_g x̂_g) + √V · y,          1/V = P + Σ k_g
//! x_g = ℓ + σ e_g,   e_g = c_g (x̂_g − ℓ) + h_g z_g,   c_g = σ I_g ρ_g,  h_g = √ρ_g,  ρ_g = 1/(1 + I_g σ²)
//! ```
//!
//! For any fixed x̂, I ≥ 0, ℓ₀ and P this is a one-to-one map with Jacobian √V · Π σ h_g, so the posterior is exact however
//! rough they are; only speed depends on them. At I = 0 it is the non-centred form, as σ grows it becomes the centred one:
//! the funnels of both are gone.
//!
//! Data without events, or with nothing but events, say of a child only that it lies on one side of x̂: beyond, its own
//! prior is all there is, of width σ and not 1/√I, and under a heavy-tailed prior of σ the difference has no bound. Such an
//! open child (to the side d = ±1) has both widths, each where it belongs:
//!
//! ```text
//! e_g = c_g (x̂_g − ℓ) + h_g z_g + d (1 − h_g) ln(1 + e^(d z_g))
//! ```

use super::prior_slope::{LocationSlope, ScalePoint};
use crate::numeric::{ln_of_normal, logistic, softplus};
use crate::study::{HeterogeneityPrior, LocationPrior};

/// What the data say of a level's children, roughly: estimates x̂ and informations I, both of length G.
#[derive(Debug, Clone, PartialEq)]
pub struct Hints {
    pub estimates: Vec<f64>,
    pub information: Vec<f64>,
    /// To which side the data leave a child open: +1, −1, or 0 where they bound it on both.
    pub open: Vec<f64>,
}

/// A location, a scale and their children.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    prior: LocationSlope,
    centre: f64,
    precision: f64,
    scale: HeterogeneityPrior,
    hints: Hints,
}

/// A level's state at one point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Located {
    pub location: f64,
    pub scale: ScalePoint,
    /// dℓ/dσ at fixed y, and dℓ/dy = √V.
    by_scale: f64,
    by_coordinate: f64,
    /// Prior of ℓ and σ with the Jacobians of both.
    pub log_density: f64,
    /// d log p(ℓ)/dℓ, and ½ d log V/dσ.
    location_slope: f64,
    jacobian_slope: f64,
}

/// What the density's gradient by a level's location and scale has gathered so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Adjoint {
    pub location: f64,
    pub scale: f64,
}

impl Level {
    pub fn new(prior: &LocationPrior, scale: HeterogeneityPrior, hints: Hints) -> Level {
        let prior = LocationSlope::of(prior);
        let (centre, precision) = prior.stand_in();
        // A flat prior over children of whom nothing is known has no scale of its own.
        let precision =
            if precision > 0.0 || hints.information.iter().any(|&i| i > 0.0) { precision } else { 1.0 };
        Level { prior, centre, precision, scale, hints }
    }

    /// Whether σ is a coordinate.
    pub fn samples_scale(&self) -> bool {
        !matches!(self.scale, HeterogeneityPrior::Fixed { .. })
    }

    /// Whether the children differ from the location at all.
    pub fn has_children(&self) -> bool {
        !matches!(self.scale, HeterogeneityPrior::Fixed { value: 0.0 })
    }

    /// Where σ's coordinate starts from when nothing is known.
    pub fn typical_scale_coordinate(&self) -> f64 {
        self.scale.coordinate_of(self.scale.typical())
    }

    pub fn hints(&self) -> &Hints {
        &self.hints
    }

    /// The point at coordinates y of the location and u of the scale (ignored where the scale is fixed).
    pub fn locate(&self, y: f64, u: f64) -> Located {
        let scale = match self.scale {
            HeterogeneityPrior::Fixed { value } => {
                ScalePoint { value, rate: 0.0, log_density: 0.0, slope: 0.0 }
            }
            sampled => sampled.at_coordinate(u),
        };
        let sigma = scale.value;
        let square = sigma * sigma;
        let (mut k1, mut k2, mut kx, mut k2x) = (0.0, 0.0, 0.0, 0.0);
        let information = &self.hints.information[..self.hints.estimates.len()];
        for (j, &x) in self.hints.estimates.iter().enumerate() {
            let k = information[j] / (1.0 + information[j] * square);
            k1 += k;
            k2 += k * k;
            kx += k * x;
            k2x += k * k * x;
        }
        let v = 1.0 / (self.precision + k1);
        let root = v.sqrt();
        let mean = v * (self.precision * self.centre + kx);
        // V' = 2σV²Σk², and ½ V'/V is the slope of ½ log V.
        let half_log_v_slope = sigma * (v * k2);
        let location = mean + root * y;
        let (log_prior, location_slope) = self.prior.at(location);
        Located {
            location,
            scale,
            by_scale: 2.0 * half_log_v_slope * mean - 2.0 * sigma * (v * k2x) + root * half_log_v_slope * y,
            by_coordinate: root,
            log_density: log_prior + 0.5 * ln_of_normal(v) + scale.log_density,
            location_slope,
            jacobian_slope: half_log_v_slope,
        }
    }
}

impl Located {
    /// A level whose location is 0, with its scale at coordinate `u` (ignored where the scale is fixed).
    pub fn around_zero(scale: &HeterogeneityPrior, u: f64) -> Located {
        let scale = match *scale {
            HeterogeneityPrior::Fixed { value } => {
                ScalePoint { value, rate: 0.0, log_density: 0.0, slope: 0.0 }
            }
            sampled => sampled.at_coordinate(u),
        };
        Located {
            location: 0.0,
            by_scale: 0.0,
            by_coordinate: 0.0,
            log_density: scale.log_density,
            location_slope: 0.0,
            jacobian_slope: 0.0,
            scale,
        }
    }

    /// The gradient by y and u, from what lies below.
    pub fn gradient(&self, below: Adjoint) -> (f64, f64) {
        let by_location = below.location + self.location_slope;
        let by_scale = below.scale + by_location * self.by_scale + self.jacobian_slope;
        (by_location * self.by_coordinate, by_scale * self.scale.rate + self.scale.slope)
    }
}

/// One child's place in its level: e and the derivatives that the gradient needs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Child {
    pub e: f64,
    c: f64,
    /// de/dz, and its logarithm's derivatives by z and σ.
    h: f64,
    bend: f64,
    thinning: f64,
    /// de/dσ.
    by_scale: f64,
}

impl Child {
    /// The child with hint (x̂, I) at coordinate z.
    #[inline]
    pub fn place(at: &Located, estimate: f64, information: f64, z: f64) -> Child {
        let sigma = at.scale.value;
        let rho = 1.0 / (1.0 + information * sigma * sigma);
        let h = rho.sqrt();
        let k = information * rho;
        let c = k * sigma;
        let apart = estimate - at.location;
        let by_scale = k * (2.0 * rho - 1.0) * apart - c * h * z;
        Child { e: c * apart + h * z, c, h, bend: 0.0, thinning: -c, by_scale }
    }

    /// The same where the data leave it open to the side `open`, ±1.
    #[inline]
    pub fn place_open(at: &Located, estimate: f64, information: f64, open: f64, z: f64) -> Child {
        let closed = Child::place(at, estimate, information, z);
        let (h, rest) = (closed.h, 1.0 - closed.h);
        let (beyond, share) = (softplus(open * z), logistic(open * z));
        let slope = h + rest * share;
        let h_by_scale = -closed.c * h;
        Child {
            e: closed.e + open * rest * beyond,
            h: slope,
            bend: open * rest * share * (1.0 - share) / slope,
            thinning: h_by_scale * (1.0 - share) / slope,
            by_scale: closed.by_scale - open * h_by_scale * beyond,
            ..closed
        }
    }

    #[inline]
    pub fn value(&self, at: &Located) -> f64 {
        at.location + at.scale.value * self.e
    }

    /// (de/dz)², ρ of a closed child, whose half logarithm is the map's Jacobian.
    #[inline]
    pub fn rho(&self) -> f64 {
        self.h * self.h
    }

    /// From the density's slope by the child's value: adds to the level's adjoint, and returns the slopes by z and by x̂.
    /// The child's own prior −½e² and the map's Jacobian are included.
    #[inline]
    pub fn pull(&self, at: &Located, by_value: f64, level: &mut Adjoint) -> (f64, f64) {
        let by_e = at.scale.value * by_value - self.e;
        level.location += by_value - self.c * by_e;
        level.scale += self.e * by_value + self.by_scale * by_e + self.thinning;
        (self.h * by_e + self.bend, self.c * by_e)
    }
}

/// `½ Σ log ρ`, several to a logarithm; negative infinity where a ρ is beyond the range of numbers.
pub fn half_log_product(rho: impl Iterator<Item = f64>) -> f64 {
    /// Four factors above this can't underflow together.
    const SMALL: f64 = 1e-70;
    let (mut sum, mut product, mut held) = (0.0, 1.0, 0);
    for r in rho {
        product *= r;
        held += 1;
        if held == 4 || product < SMALL {
            if product < f64::MIN_POSITIVE {
                return f64::NEG_INFINITY;
            }
            sum += ln_of_normal(product);
            (product, held) = (1.0, 0);
        }
    }
    if held > 0 {
        sum += ln_of_normal(product);
    }
    0.5 * sum
}
