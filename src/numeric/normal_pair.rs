//! Two jointly normal variables.

use std::f64::consts::PI;
use std::sync::OnceLock;

use super::special::normal_cdf;

/// Nodes of the Gauss–Legendre rule for Owen's integral: on [0, 1] the integrand is smooth, and 24 give all digits.
const NODES: usize = 24;

/// `P(X > 0 and Y < 0)` for normals with `mean/sd` equal to `h` and `k`, correlation `rho`, and
/// `co_rho = √(1 − rho²)`, which the caller knows without cancellation.
///
/// From Owen's T function (Owen, Ann. Math. Stat. 1956;27:1075, equation 3.1).
pub fn opposite_signs(h: f64, k: f64, rho: f64, co_rho: f64) -> f64 {
    // P(−X < 0, Y < 0) is the bivariate distribution function at (h, −k) with correlation −rho.
    bivariate_cdf(h, -k, -rho, co_rho)
}

fn bivariate_cdf(h: f64, k: f64, rho: f64, co_rho: f64) -> f64 {
    let ratio = |own: f64, other: f64| {
        let numerator = other - rho * own;
        if own == 0.0 {
            if numerator >= 0.0 { f64::INFINITY } else { f64::NEG_INFINITY }
        } else {
            numerator / (own * co_rho)
        }
    };
    if h == 0.0 && k == 0.0 {
        return 0.25 + libm::atan2(rho, co_rho) / (2.0 * PI);
    }
    let same_side = h * k > 0.0 || (h * k == 0.0 && h + k >= 0.0);
    let correction = if same_side { 0.0 } else { 0.5 };
    let p = 0.5 * normal_cdf(h) + 0.5 * normal_cdf(k)
        - owen_t(h, ratio(h, k))
        - owen_t(k, ratio(k, h))
        - correction;
    p.clamp(0.0, 1.0)
}

/// Owen's `T(h, a) = 1/(2π) ∫₀ᵃ e^{−h²(1 + x²)/2} / (1 + x²) dx`.
fn owen_t(h: f64, a: f64) -> f64 {
    let h = h.abs();
    if a < 0.0 {
        return -owen_t(h, -a);
    }
    if a == f64::INFINITY {
        return 0.5 * normal_cdf(-h);
    }
    if a > 1.0 {
        let (left, right) = (normal_cdf(-h), normal_cdf(-a * h));
        return 0.5 * (left + right) - left * right - owen_t(a * h, 1.0 / a);
    }
    let rule = legendre();
    let sum: f64 = rule
        .iter()
        .map(|&(node, weight)| {
            let x = 0.5 * a * (node + 1.0);
            weight * libm::exp(-0.5 * h * h * (1.0 + x * x)) / (1.0 + x * x)
        })
        .sum();
    0.5 * a * sum / (2.0 * PI)
}

/// Nodes and weights on [−1, 1], by Newton's method on the Legendre polynomial.
fn legendre() -> &'static [(f64, f64); NODES] {
    static RULE: OnceLock<[(f64, f64); NODES]> = OnceLock::new();
    RULE.get_or_init(|| {
        let n = NODES as f64;
        std::array::from_fn(|i| {
            let mut x = libm::cos(PI * (i as f64 + 0.75) / (n + 0.5));
            let mut slope = 1.0;
            for _ in 0..20 {
                let (mut previous, mut value) = (1.0, x);
                for k in 2..=NODES {
                    let k = k as f64;
                    (previous, value) = (value, ((2.0 * k - 1.0) * x * value - (k - 1.0) * previous) / k);
                }
                slope = n * (x * value - previous) / (x * x - 1.0);
                let step = value / slope;
                x -= step;
                if step.abs() < 1e-16 {
                    break;
                }
            }
            (x, 2.0 / ((1.0 - x * x) * slope * slope))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opposite_signs_meets_independence_the_arcsine_law_and_the_degenerate_limit() {
        let independent = opposite_signs(0.7, -0.4, 0.0, 1.0);
        assert!((independent - normal_cdf(0.7) * normal_cdf(0.4)).abs() < 1e-15);
        let rho: f64 = 0.6;
        let centred = opposite_signs(0.0, 0.0, rho, 0.8);
        assert!((centred - (0.25 - libm::asin(rho) / (2.0 * PI))).abs() < 1e-15);
        // X and Y all but equal: opposite signs only between the two means.
        let equal = opposite_signs(0.3, -0.2, 1.0, 1e-12);
        assert!((equal - (normal_cdf(0.3) - normal_cdf(-0.2))).abs() < 1e-10);
        assert!(opposite_signs(-0.2, 0.3, 1.0, 1e-12) < 1e-10);
    }

    #[test]
    fn the_four_quadrants_add_up_to_one() {
        for (h, k, rho) in [(1.2, 0.4, 0.3_f64), (-0.8, 2.5, -0.95), (0.0, 1.1, 0.5), (3.0, -3.0, 0.99)] {
            let co_rho = libm::sqrt(1.0 - rho * rho);
            let opposed = opposite_signs(h, k, rho, co_rho) + opposite_signs(k, h, rho, co_rho);
            let alike = opposite_signs(h, -k, -rho, co_rho) + opposite_signs(-h, k, -rho, co_rho);
            assert!((opposed + alike - 1.0).abs() < 1e-14, "{h} {k} {rho}");
        }
    }
}
