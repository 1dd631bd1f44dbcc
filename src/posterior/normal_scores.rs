//! A distribution tabulated by normal scores, so finely that sums and expectations of it are cheap.

use crate::exact::Distribution;
use crate::numeric::{LogInterpolant, normal_cdf, normal_log_density, normal_quantile};

/// The farthest normal score that is looked at: beyond lies less than a millionth of a millionth.
const FAR: f64 = 7.0;

/// Distance of normal scores in sums, and the farthest of them.
const STEP: f64 = 0.125;
const LAST: f64 = 9.0;

/// Nodes of a table.
const NODES: usize = 97;

/// A distribution tabulated as values against normal scores z = Φ⁻¹(P(X ≤ x)). The curve is smooth, and a straight
/// line for a normal distribution.
#[derive(Debug, Clone)]
pub struct NormalScores {
    x: Vec<f64>,
    z: Vec<f64>,
    score: LogInterpolant,
    value: LogInterpolant,
}

impl NormalScores {
    /// Tabulates a distribution up to the probability `beyond` in either tail; none for one without spread.
    pub fn of(distribution: &dyn Distribution, beyond: f64) -> Option<NormalScores> {
        let knots = [beyond, 1e-4, 0.01, 0.15, 0.5, 0.85, 0.99, 1.0 - 1e-4, 1.0 - beyond];
        let mut placed: Vec<(f64, f64)> = Vec::new();
        for p in knots.into_iter().filter(|p| (beyond..=1.0 - beyond).contains(p)) {
            let (z, x) = (normal_quantile(p), distribution.quantile(p));
            if x.is_finite() && placed.last().is_none_or(|(_, before)| x > *before) {
                placed.push((z, x));
            }
        }
        let first = placed.first()?.0;
        let last = placed.last()?.0;
        let nodes = (0..NODES).map(|j| first + (last - first) * j as f64 / (NODES - 1) as f64);
        let x: Vec<f64> = nodes.map(|z| between(&placed, z)).collect();
        NormalScores::at(x, |x| distribution.cdf(x))
    }

    /// From a distribution function and the values at which it is asked.
    fn at(nodes: Vec<f64>, cdf: impl Fn(f64) -> f64) -> Option<NormalScores> {
        let (mut x, mut z) = (Vec::with_capacity(nodes.len()), Vec::with_capacity(nodes.len()));
        for value in nodes {
            let score = normal_quantile(cdf(value));
            // Plateaus and rounding in the tails carry no information.
            let rises = z.last().is_none_or(|before| score > before + 1e-9);
            if score.abs() < FAR && rises && x.last().is_none_or(|before| value > *before) {
                x.push(value);
                z.push(score);
            }
        }
        NormalScores::through(x, z)
    }

    fn through(x: Vec<f64>, z: Vec<f64>) -> Option<NormalScores> {
        if x.len() < 12 {
            return None;
        }
        let score = LogInterpolant::on_nodes(x.clone(), &z);
        let value = LogInterpolant::on_nodes(z.clone(), &x);
        Some(NormalScores { x, z, score, value })
    }

    /// The probability of at most `x`.
    pub fn cdf(&self, x: f64) -> f64 {
        normal_cdf(self.score.at(x))
    }

    /// The value at normal score `z`.
    pub fn value(&self, z: f64) -> f64 {
        self.value.at(z)
    }

    /// The distribution of `factor · X + shift`; none for a factor of 0.
    pub fn scaled(&self, factor: f64, shift: f64) -> Option<NormalScores> {
        let x = self.x.iter().map(|x| factor * x + shift);
        if factor > 0.0 {
            NormalScores::through(x.collect(), self.z.clone())
        } else if factor < 0.0 {
            NormalScores::through(x.rev().collect(), self.z.iter().rev().map(|z| -z).collect())
        } else {
            None
        }
    }

    /// The expectation of g(X), for smooth g.
    pub fn expect(&self, g: impl Fn(f64) -> f64) -> f64 {
        scores().map(|z| STEP * density(z) * g(self.value(z))).sum()
    }

    /// The expectation of max(X, 0).
    pub fn expected_gain(&self) -> f64 {
        expected_gain(self.score.at(0.0), |z| self.value(z))
    }

    /// The distribution of the sum of this and another, independent quantity; none where it has no spread.
    pub fn plus(&self, other: &NormalScores) -> Option<NormalScores> {
        let spread = |s: &NormalScores| s.value(1.0) - s.value(-1.0);
        // The narrower one is summed over: then the other's distribution function bends little between two terms.
        let (narrow, wide) = if spread(self) < spread(other) { (self, other) } else { (other, self) };
        let (a, b) = (spread(narrow), spread(wide));
        let ratio = (a * a + b * b).sqrt() / (a + b);
        let together = |z: f64| narrow.value(z) + wide.value(z);
        let middle = together(0.0);
        let reach = self.z[0].abs().min(other.z[0].abs()).min(5.5);
        let nodes = (0..NODES).map(|j| -reach + 2.0 * reach * j as f64 / (NODES - 1) as f64);
        let nodes = nodes.map(|z| middle + ratio * (together(z) - middle)).collect();
        NormalScores::at(nodes, |s| {
            scores().map(|z| STEP * density(z) * wide.cdf(s - narrow.value(z))).sum::<f64>().clamp(0.0, 1.0)
        })
    }
}

fn scores() -> impl Iterator<Item = f64> {
    let steps = (LAST / STEP) as i32;
    (-steps..=steps).map(|k| STEP * f64::from(k))
}

fn density(z: f64) -> f64 {
    libm::exp(normal_log_density(z, 0.0, 1.0))
}

/// `E max(X, 0)` of an increasing function of a standard normal that is 0 at `zero`: Simpson's rule from there on.
fn expected_gain(zero: f64, value: impl Fn(f64) -> f64) -> f64 {
    const PIECES: usize = 400;
    let zero = zero.max(-LAST);
    if zero >= LAST {
        return 0.0;
    }
    let step = (LAST - zero) / PIECES as f64;
    let terms = (0..=PIECES).map(|k| {
        let z = zero + step * k as f64;
        let weight = if k == 0 || k == PIECES { 1.0 } else { 2.0 + 2.0 * (k % 2) as f64 };
        weight * density(z) * value(z).max(0.0)
    });
    terms.sum::<f64>() * step / 3.0
}

/// The expectation of max(ΣX, 0) where all terms rise and fall together; no other dependence gives a larger one.
pub fn expected_gain_together(terms: &[NormalScores]) -> f64 {
    let value = |z: f64| terms.iter().map(|t| t.value(z)).sum::<f64>();
    if value(LAST) <= 0.0 {
        return 0.0;
    }
    let zero = crate::numeric::invert_increasing(-LAST, LAST, 0.0, value);
    expected_gain(zero, value)
}

/// Straight lines between knots.
fn between(knots: &[(f64, f64)], z: f64) -> f64 {
    let right = knots.partition_point(|k| k.0 < z).clamp(1, knots.len() - 1);
    let ((z0, x0), (z1, x1)) = (knots[right - 1], knots[right]);
    x0 + (x1 - x0) * (z - z0) / (z1 - z0)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Normal(f64, f64);

    impl Distribution for Normal {
        fn cdf(&self, x: f64) -> f64 {
            normal_cdf((x - self.0) / self.1)
        }

        fn quantile(&self, p: f64) -> f64 {
            self.0 + self.1 * normal_quantile(p)
        }

        fn mean(&self) -> Option<f64> {
            Some(self.0)
        }

        fn sd(&self) -> Option<f64> {
            Some(self.1)
        }
    }

    impl NormalScores {
        /// Of a normal distribution.
        pub fn normal(mean: f64, sd: f64) -> NormalScores {
            NormalScores::of(&Normal(mean, sd), 1e-8).expect("spread")
        }
    }

    /// E max(X, 0) of a normal, in closed form.
    fn gain(mean: f64, sd: f64) -> f64 {
        sd * density(mean / sd) + mean * normal_cdf(mean / sd)
    }

    #[test]
    fn normals_have_their_closed_forms() {
        for (mean, sd) in [(0.05, 0.1), (-0.2, 0.1), (0.3, 0.05)] {
            let x = NormalScores::normal(mean, sd);
            let (found, wanted) = (x.expected_gain(), gain(mean, sd));
            assert!((found - wanted).abs() < 1e-9, "{mean} {sd}: {found}, {wanted}");
            let (found, wanted) = (x.expect(|v| v * v), mean * mean + sd * sd);
            assert!((found - wanted).abs() < 1e-12, "{mean} {sd}: {found}, {wanted}");
        }
    }

    #[test]
    fn sums_of_normals_are_normal_however_unequal() {
        for sd in [0.1, 0.01, 0.001] {
            let s = NormalScores::normal(0.03, 0.1).plus(&NormalScores::normal(-0.01, sd)).expect("spread");
            let both = (0.01 + sd * sd).sqrt();
            assert!((s.cdf(0.0) - normal_cdf(-0.02 / both)).abs() < 1e-9, "{sd}");
            assert!((s.expected_gain() - gain(0.02, both)).abs() < 1e-9, "{sd}");
        }
    }

    #[test]
    fn terms_that_rise_and_fall_together_are_one_normal_of_their_summed_size() {
        let x = NormalScores::normal(0.05, 0.1);
        assert!((expected_gain_together(&[x.clone(), x]) - gain(0.1, 0.2)).abs() < 1e-9);
    }

    #[test]
    fn a_negative_factor_turns_the_distribution_round() {
        let x = NormalScores::normal(0.05, 0.1).scaled(-2.0, 0.3).expect("spread");
        assert!((x.cdf(0.2) - 0.5).abs() < 1e-12);
        assert!((x.expected_gain() - gain(0.2, 0.2)).abs() < 1e-10);
    }
}
