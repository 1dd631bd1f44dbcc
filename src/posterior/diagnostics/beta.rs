//! The beta distribution's quantile, for Monte Carlo errors of quantiles.

use crate::numeric::invert_increasing;

/// The `x` at which the distribution function of Beta(a, b) reaches `p`.
pub fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    invert_increasing(0.0, 1.0, p, |x| beta_cdf(x, a, b))
}

/// The regularised incomplete beta function `I_x(a, b)` (DLMF 8.17).
fn beta_cdf(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // The fraction converges fast below the mean; above it, the reflection 1 − I_{1−x}(b, a) does.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - lower_part(1.0 - x, b, a);
    }
    lower_part(x, a, b)
}

/// `x^a (1 − x)^b / (a B(a, b))` times the continued fraction.
fn lower_part(x: f64, a: f64, b: f64) -> f64 {
    let log_beta = libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
    libm::exp(a * libm::log(x) + b * libm::log1p(-x) - log_beta) * continued_fraction(x, a, b) / a
}

/// DLMF 8.17.22 by Lentz's method as modified by Thompson and Barnett.
fn continued_fraction(x: f64, a: f64, b: f64) -> f64 {
    const MOST: u32 = 10_000;
    let away_from_zero = |v: f64| if v.abs() < 1e-300 { 1e-300 } else { v };
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let (mut c, mut fraction) = (1.0, d);
    for m in (1..MOST).map(f64::from) {
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut factor = 1.0;
        for coefficient in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + coefficient * d);
            c = away_from_zero(1.0 + coefficient / c);
            factor = c * d;
            fraction *= factor;
        }
        if (factor - 1.0).abs() < 1e-15 {
            break;
        }
    }
    fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beta_quantiles_agree_with_closed_forms_and_symmetry() {
        // Beta(a, 1) has distribution function x^a, Beta(1, b) 1 − (1 − x)^b; Beta(2, 2) 3x² − 2x³.
        for p in [0.01, 0.158_655_3, 0.5, 0.841_344_7] {
            assert!((beta_quantile(p, 7.5, 1.0) - libm::pow(p, 1.0 / 7.5)).abs() < 1e-12);
            assert!((beta_quantile(p, 1.0, 40.0) + libm::expm1(libm::log1p(-p) / 40.0)).abs() < 1e-12);
            let x = beta_quantile(p, 2.0, 2.0);
            assert!((x * x * (3.0 - 2.0 * x) - p).abs() < 1e-12);
            let mirrored = 1.0 - beta_quantile(1.0 - p, 9_000.0, 500.0);
            assert!((beta_quantile(p, 500.0, 9_000.0) - mirrored).abs() < 1e-12);
        }
    }

    #[test]
    fn a_beta_of_whole_parameters_is_a_binomial_tail() {
        // I_x(k, n − k + 1) = P(Binomial(n, x) ≥ k).
        let (n, k, x) = (60_i32, 23, 0.41_f64);
        let tail: f64 = (k..=n)
            .map(|j| {
                let choose: f64 = (1..=j).map(|i| f64::from(n - j + i) / f64::from(i)).product();
                choose * libm::pow(x, f64::from(j)) * libm::pow(1.0 - x, f64::from(n - j))
            })
            .sum();
        assert!((beta_cdf(x, f64::from(k), f64::from(n - k + 1)) - tail).abs() < 1e-12);
    }
}
