//! The beta distribution's quantile among the ranks of draws, for Monte Carlo errors of quantiles.

/// A beta distribution.
pub struct Beta {
    a: f64,
    b: f64,
    /// ln B(a, b).
    log_constant: f64,
}

impl Beta {
    /// Beta(a, b); both are positive.
    pub fn new(a: f64, b: f64) -> Beta {
        Beta { a, b, log_constant: libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b) }
    }

    /// The largest rank k out of `n` for which the distribution function at k/n is at most `p` < 1: n times the `p` quantile,
    /// rounded down.
    pub fn rank_below(&self, p: f64, n: usize) -> usize {
        let holds = |k: usize| self.cdf(k as f64 / n as f64) <= p;
        // From a normal's quantile, in growing steps until it lies between, then by halves.
        let mean = self.a / (self.a + self.b);
        let sd = libm::sqrt(mean * (1.0 - mean) / (self.a + self.b + 1.0));
        let near = mean + sd * crate::numeric::normal_quantile(p);
        let (mut low, mut high) = (0, n);
        let (mut guess, mut step) = (((near * n as f64) as usize).min(n), 1);
        while high - low > 1 {
            let k = guess.clamp(low + 1, high - 1);
            if holds(k) {
                low = k;
                guess = if high == n { k + step } else { low.midpoint(high) };
            } else {
                high = k;
                guess = if low == 0 { k.saturating_sub(step) } else { low.midpoint(high) };
            }
            step *= 2;
        }
        low
    }

    /// The regularised incomplete beta function `I_x(a, b)` (DLMF 8.17).
    fn cdf(&self, x: f64) -> f64 {
        if x <= 0.0 {
            return 0.0;
        }
        if x >= 1.0 {
            return 1.0;
        }
        let (a, b) = (self.a, self.b);
        // `x^a (1 − x)^b / B(a, b)`.
        let factor = libm::exp(a * libm::log(x) + b * libm::log1p(-x) - self.log_constant);
        // The fraction converges fast below the mean; above it, the reflection 1 − I_{1−x}(b, a) does.
        if x > (a + 1.0) / (a + b + 2.0) {
            return 1.0 - factor * continued_fraction(1.0 - x, b, a) / b;
        }
        factor * continued_fraction(x, a, b) / a
    }
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

    /// n times the quantile, rounded down, where the distribution function has an inverse in closed form.
    fn rank(quantile: f64, n: usize) -> usize {
        (quantile * n as f64) as usize
    }

    #[test]
    fn ranks_agree_with_closed_forms_and_symmetry() {
        // Beta(a, 1) has distribution function x^a, Beta(1, b) 1 − (1 − x)^b.
        for p in [0.01, 0.158_655_3, 0.5, 0.841_344_7, 0.999] {
            for n in [1, 7, 400, 6_800] {
                let (first, last) = (libm::pow(p, 1.0 / 7.5), -libm::expm1(libm::log1p(-p) / 40.0));
                assert_eq!(Beta::new(7.5, 1.0).rank_below(p, n), rank(first, n), "{p} {n}");
                assert_eq!(Beta::new(1.0, 40.0).rank_below(p, n), rank(last, n), "{p} {n}");
            }
            let (up, down) = (Beta::new(9_000.0, 500.0), Beta::new(500.0, 9_000.0));
            assert_eq!(down.rank_below(p, 99_999) + up.rank_below(1.0 - p, 99_999), 99_998);
        }
    }

    #[test]
    fn ranks_are_those_of_a_search_through_all() {
        for (a, b) in [(1.5, 300.0), (20.0, 380.0), (200.0, 200.0), (3_000.0, 80.0), (1e4, 1e4)] {
            let beta = Beta::new(a, b);
            for p in [0.158_655_253_931_457, 0.841_344_746_068_543] {
                let all = (0..=500).take_while(|k| beta.cdf(f64::from(*k) / 500.0) <= p).count() - 1;
                assert_eq!(beta.rank_below(p, 500), all, "{a} {b} {p}");
            }
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
        let beta = Beta::new(f64::from(k), f64::from(n - k + 1));
        assert!((beta.cdf(x) - tail).abs() < 1e-12);
    }
}
