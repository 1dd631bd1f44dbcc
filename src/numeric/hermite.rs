//! Gauss–Hermite quadrature against the standard normal.

use std::sync::OnceLock;

/// The number of nodes of [`normal_rule`], which is exact for polynomials up to degree 23.
pub const NODES: usize = 12;

/// The number of nodes of [`short_normal_rule`], which is exact for polynomials up to degree 11.
pub const FEW_NODES: usize = 6;

/// `E[h(Z)] ≈ Σ wᵢ h(zᵢ)`, Z standard normal: nodes ascending, and weights.
pub fn normal_rule() -> &'static [(f64, f64); NODES] {
    static RULE: OnceLock<[(f64, f64); NODES]> = OnceLock::new();
    RULE.get_or_init(rule)
}

/// As [`normal_rule`] with half the nodes, for functions that hardly vary within a few standard deviations.
pub fn short_normal_rule() -> &'static [(f64, f64); FEW_NODES] {
    static RULE: OnceLock<[(f64, f64); FEW_NODES]> = OnceLock::new();
    RULE.get_or_init(rule)
}

fn rule<const N: usize>() -> [(f64, f64); N] {
    // The roots of Heₙ lie one each between those of Heₙ₋₁ and two bounds outside them.
    let mut roots: Vec<f64> = Vec::new();
    for degree in 1..=N {
        let reach = 2.0 * libm::sqrt(degree as f64) + 1.0;
        let mut bounds = vec![-reach];
        bounds.extend(&roots);
        bounds.push(reach);
        roots = bounds.windows(2).map(|b| root(degree, b[0], b[1])).collect();
    }
    let factorial: f64 = (1..N).map(|k| k as f64).product();
    std::array::from_fn(|i| {
        let previous = hermite(N - 1, roots[i]);
        (roots[i], factorial / (N as f64 * previous * previous))
    })
}

/// The probabilists' Hermite polynomial.
fn hermite(degree: usize, x: f64) -> f64 {
    let (mut previous, mut value) = (0.0, 1.0);
    for k in 0..degree {
        (previous, value) = (value, x * value - k as f64 * previous);
    }
    value
}

fn root(degree: usize, mut low: f64, mut high: f64) -> f64 {
    let sign = hermite(degree, low).signum();
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if hermite(degree, middle).signum() == sign {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_has_the_moments_of_the_normal() {
        // E[Z^(2k)] = (2k − 1)!!
        let mut expected = 1.0;
        for k in 0..=11 {
            let moment: f64 = normal_rule().iter().map(|&(z, w)| w * libm::pow(z, f64::from(2 * k))).sum();
            assert!((moment / expected - 1.0).abs() < 1e-12, "moment {}: {moment}", 2 * k);
            expected *= f64::from(2 * k + 1);
        }
    }
}
