//! Elementary and special functions on scalars.

use std::f64::consts::{LN_2, SQRT_2};

use super::exp::{exp_of_nonpositive, ln_1p_of_fraction};

/// `1 / (1 + e^-x)`: log odds to probability.
pub fn logistic(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + libm::exp(-x))
    } else {
        let e = libm::exp(x);
        e / (1.0 + e)
    }
}

/// Probability to log odds; infinite at 0 and 1, NaN outside.
pub fn logit(p: f64) -> f64 {
    libm::log(p) - libm::log1p(-p)
}

/// Beyond this `1 + e^-x` is 1.
const ALL_OF_IT: f64 = 40.0;

/// `log(1 + e^x)` without overflow.
pub fn softplus(x: f64) -> f64 {
    if x > ALL_OF_IT {
        return x;
    }
    let e = exp_of_nonpositive(-x.abs());
    if x < -ALL_OF_IT { e } else { x.max(0.0) + ln_1p_of_fraction(e) }
}

/// [`softplus`] of x and of −x, the same numbers: what both have in common once.
pub fn softplus_of_both(x: f64) -> [f64; 2] {
    if x.abs() > ALL_OF_IT {
        return [softplus(x), softplus(-x)];
    }
    let common = ln_1p_of_fraction(exp_of_nonpositive(-x.abs()));
    [x.max(0.0) + common, (-x).max(0.0) + common]
}

/// `log(logistic(x))`.
pub fn log_expit(x: f64) -> f64 {
    -softplus(-x)
}

/// `log(e^a + e^b)`; either may be negative infinity.
pub fn log_add_exp(a: f64, b: f64) -> f64 {
    let high = a.max(b);
    if high == f64::NEG_INFINITY {
        return high;
    }
    high + libm::log1p(libm::exp(-(a - b).abs()))
}

/// `log Σ e^xᵢ`; negative infinity for an empty slice.
pub fn log_sum_exp(x: &[f64]) -> f64 {
    let high = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !high.is_finite() {
        return high;
    }
    high + libm::log(super::sum_exp_shifted(x, high))
}

/// `log √(2π)`, as the logarithm has it that everything else is computed with.
pub const HALF_LOG_2_PI: f64 = 0.918_938_533_204_672_7;

/// `log N(x; mean, sd²)`.
pub fn normal_log_density(x: f64, mean: f64, sd: f64) -> f64 {
    let z = (x - mean) / sd;
    -0.5 * z * z - libm::log(sd) - HALF_LOG_2_PI
}

/// The standard normal distribution function, to full precision in both tails.
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / SQRT_2)
}

/// P(X > x) of a chi-square distribution with one degree of freedom or more.
pub fn chi_square_above(x: f64, degrees_of_freedom: u32) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    let half = 0.5 * x;
    let (mut above, mut k) =
        if degrees_of_freedom % 2 == 1 { (libm::erfc(libm::sqrt(half)), 1) } else { (libm::exp(-half), 2) };
    while k < degrees_of_freedom {
        let shape = 0.5 * f64::from(k);
        above += libm::exp(shape * libm::log(half) - half - libm::lgamma(shape + 1.0));
        k += 2;
    }
    above.min(1.0)
}

/// The standard normal quantile: bisection-free Newton on [`normal_cdf`] from a rough start, good to the last digits.
///
/// Returns infinities at 0 and 1.
pub fn normal_quantile(p: f64) -> f64 {
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    if p > 0.5 {
        return -normal_quantile(1.0 - p);
    }
    // Start from the leading term of the tail expansion, which lies below the root; Newton on the log of the
    // distribution function, which is concave, then converges from that side.
    let mut z = -libm::sqrt((-2.0 * libm::log(p) - LN_2).max(0.0));
    for _ in 0..60 {
        let cdf = normal_cdf(z);
        let density = libm::exp(normal_log_density(z, 0.0, 1.0));
        let step = (libm::log(cdf) - libm::log(p)) * cdf / density;
        z -= step;
        if step.abs() <= 1e-15 * (1.0 + z.abs()) {
            break;
        }
    }
    z
}

/// `log (n choose k)`.
pub fn log_binomial_coefficient(n: f64, k: f64) -> f64 {
    libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constant_of_a_normal_density_is_what_its_logarithm_gives() {
        let computed = 0.5 * libm::log(2.0 * std::f64::consts::PI);
        assert_eq!(HALF_LOG_2_PI.to_bits(), computed.to_bits());
    }

    #[test]
    fn both_softplus_at_once_are_each_by_itself() {
        for x in (-9_000..=9_000).map(|i| 0.01 * f64::from(i)).chain([-800.0, -0.0, 800.0]) {
            assert_eq!(softplus_of_both(x), [softplus(x), softplus(-x)], "{x}");
        }
    }

    #[test]
    fn the_normal_quantile_inverts_the_distribution_function_from_centre_to_far_tail() {
        for p in [1e-300, 1e-12, 1e-4, 0.025, 0.158_655, 0.4, 0.5] {
            let z = normal_quantile(p);
            assert!((normal_cdf(z) / p - 1.0).abs() < 1e-11, "p = {p}, z = {z}");
        }
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-14);
    }

    #[test]
    fn softplus_and_logit_hold_where_the_naive_formulas_overflow_or_cancel() {
        assert_eq!(softplus(800.0), 800.0);
        assert!((softplus(-40.0) / libm::exp(-40.0) - 1.0).abs() < 1e-15);
        assert!((logit(logistic(-30.0)) + 30.0).abs() < 1e-12);
        assert_eq!(log_add_exp(f64::NEG_INFINITY, f64::NEG_INFINITY), f64::NEG_INFINITY);
    }
}
