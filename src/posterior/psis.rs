//! Pareto-smoothed importance sampling: draws from one distribution, weighted to stand for another.
//!
//! Vehtari, Simpson, Gelman, Yao and Gabry ("Pareto smoothed importance sampling", JMLR 2024;25(72):1), with
//! the tail's length and the prior on its shape as in the R package loo since 2.6 (and arviz):
//!
//! - the M largest ratios, less the next smaller one, are fitted by a generalised Pareto distribution (Zhang
//!   and Stephens, Technometrics 2009;51:316);
//! - its shape k is drawn towards 0.5 as if ten more draws of the tail had said so;
//! - the M ratios are replaced by the fit's quantiles at (i − ½)/M, though none by more than the largest.
//!
//! A ratio has finite variance for k < ½ and a finite mean for k < 1. Ratios are computed relative to their
//! largest, so nothing overflows, and excesses by `expm1`, so that nearly equal ratios lose no digits.

/// Shorter tails are not fitted.
const FEWEST_IN_TAIL: usize = 5;

/// The prior of the shape: its centre, and how many draws of the tail it weighs.
const PRIOR_SHAPE: f64 = 0.5;
const PRIOR_DRAWS: f64 = 10.0;

/// Log ratios no further apart count as equal: they differ by rounding.
const EQUAL_WITHIN: f64 = 1e-9;

/// Pareto-smoothed importance weights of draws.
#[derive(Debug, Clone, PartialEq)]
pub struct Smoothed {
    /// The weights in the order of the draws, which sum to 1. All NaN where a log ratio is NaN or +∞, or all are −∞;
    /// empty without draws.
    pub weights: Vec<f64>,
    /// The Pareto shape k of the ratios' tail, never NaN; the weights can be trusted if it is at most [`threshold`].
    ///
    /// −∞ where all ratios are equal, so that nothing is lost. ∞ where it cannot be determined and nothing is
    /// smoothed: without draws or with NaN weights; with fewer than five draws in the tail; with no more positive
    /// ratios than the tail has draws; where all ratios of the tail are equal but the others are not, as in loo (for
    /// example where ratios are 0 and 1); where a quarter of the tail is tied with the draw below it, or vanishes
    /// beside the largest.
    pub k: f64,
}

/// Pareto-smoothed importance weights of S draws (Vehtari et al., JMLR 2024;25(72):1).
///
/// `log_ratios` are `ln(target density / sampled density)` up to a constant; −∞ is a ratio of 0.
/// `relative_efficiency` is the draws' effective sample size divided by S, 1 for independent draws; with NaN or a
/// negative value the tail is a fifth of the draws. Tied ratios of the tail are smoothed in the order of their draws.
/// Takes O(S) time besides sorting the tail.
pub fn smooth(log_ratios: &[f64], relative_efficiency: f64) -> Smoothed {
    let largest = log_ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let smallest = log_ratios.iter().copied().fold(f64::INFINITY, f64::min);
    // `max` and `min` pass over NaN.
    if !largest.is_finite() || log_ratios.iter().any(|x| x.is_nan()) {
        return Smoothed { weights: vec![f64::NAN; log_ratios.len()], k: f64::INFINITY };
    }
    let mut weights: Vec<f64> = log_ratios.iter().map(|x| libm::exp(x - largest)).collect();
    let k = if largest - smallest <= EQUAL_WITHIN {
        f64::NEG_INFINITY
    } else {
        let length = tail_length(log_ratios.len(), relative_efficiency);
        smooth_tail(log_ratios, largest, length, &mut weights).unwrap_or(f64::INFINITY)
    };
    let total: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= total);
    Smoothed { weights, k }
}

/// The largest shape k at which the weights of so many draws can be trusted, min(1 − 1/log₁₀ S, 0.7) (Vehtari et al.
/// 2024, equation 13 and section 3.2.4).
pub fn threshold(draws: usize) -> f64 {
    // Of one draw −∞, and of none.
    (1.0 - 1.0 / libm::log10(draws.max(1) as f64)).min(0.7)
}

/// `⌈min(S/5, 3 √(S/r))⌉`, appendix H.
fn tail_length(draws: usize, relative_efficiency: f64) -> usize {
    let draws = draws as f64;
    libm::ceil((draws / 5.0).min(3.0 * libm::sqrt(draws / relative_efficiency))) as usize
}

/// Smooths the weights of the `length` largest ratios, relative to the largest, and gives the tail's shape.
///
/// None, and the weights as they were, if no distribution can be fitted.
fn smooth_tail(log_ratios: &[f64], largest: f64, length: usize, weights: &mut [f64]) -> Option<f64> {
    let below = log_ratios.len().checked_sub(length + 1)?;
    if length < FEWEST_IN_TAIL {
        return None;
    }
    let by_ratio = |&a: &usize, &b: &usize| log_ratios[a].total_cmp(&log_ratios[b]).then(a.cmp(&b));
    let mut order: Vec<usize> = (0..log_ratios.len()).collect();
    let (_, &mut cutoff, tail) = order.select_nth_unstable_by(below, by_ratio);
    tail.sort_unstable_by(by_ratio);
    let (first, last) = (log_ratios[tail[0]], log_ratios[tail[length - 1]]);
    let (log_cutoff, cutoff) = (log_ratios[cutoff], weights[cutoff]);
    if last - first <= EQUAL_WITHIN || log_cutoff == f64::NEG_INFINITY {
        return None;
    }
    let excess = |&i: &usize| -libm::exp(log_ratios[i] - largest) * libm::expm1(log_cutoff - log_ratios[i]);
    let excesses: Vec<f64> = tail.iter().map(excess).collect();
    let fit = Pareto::of_tail(&excesses)?;
    for (i, &place) in tail.iter().enumerate() {
        let p = (i as f64 + 0.5) / length as f64;
        weights[place] = (cutoff + fit.quantile(p)).min(1.0);
    }
    Some(fit.shape)
}

/// A generalised Pareto distribution on the positive line: `P(x > q) = (1 + k q / σ)^(−1/k)`.
#[derive(Debug, Clone, Copy)]
struct Pareto {
    shape: f64,
    /// In the unit of the values.
    scale: f64,
}

impl Pareto {
    /// The fit of values in increasing order with the prior on its shape.
    fn of_tail(values: &[f64]) -> Option<Self> {
        let Self { shape, scale } = Self::of_slope(posterior_slope(values)?, values);
        let n = values.len() as f64;
        let shape = (n * shape + PRIOR_DRAWS * PRIOR_SHAPE) / (n + PRIOR_DRAWS);
        (shape.is_finite() && scale.is_finite() && scale > 0.0).then_some(Self { shape, scale })
    }

    /// The most likely distribution with a given θ = −k/σ.
    fn of_slope(slope: f64, values: &[f64]) -> Self {
        let mean = |sum: f64| sum / values.len() as f64;
        if slope == 0.0 {
            return Self { shape: 0.0, scale: mean(values.iter().sum()) };
        }
        let shape = mean(values.iter().map(|x| libm::log1p(-slope * x)).sum());
        Self { shape, scale: -shape / slope }
    }

    /// The value below which the share `p` of the distribution lies.
    fn quantile(self, p: f64) -> f64 {
        let exponential = -libm::log1p(-p);
        if self.shape == 0.0 {
            return self.scale * exponential;
        }
        self.scale * libm::expm1(self.shape * exponential) / self.shape
    }
}

/// The mean of θ under its profile likelihood and Zhang and Stephens' prior, which is represented by its
/// quantiles; None where a quarter of the values is 0, for the prior is scaled by their first quartile.
fn posterior_slope(values: &[f64]) -> Option<f64> {
    let n = values.len();
    let quartile = *values.get(((n + 2) / 4).checked_sub(1)?)?;
    let largest = *values.last()?;
    if quartile <= 0.0 {
        return None;
    }
    let points = 30 + n.isqrt();
    let scored = |j: usize| {
        let spread = 1.0 - libm::sqrt(points as f64 / (j as f64 + 0.5));
        let slope = 1.0 / largest + spread / (3.0 * quartile);
        let Pareto { shape, scale } = Pareto::of_slope(slope, values);
        (slope, -(n as f64) * (libm::log(scale) + shape + 1.0))
    };
    let slopes: Vec<(f64, f64)> = (0..points).map(scored).collect();
    let best = slopes.iter().fold(f64::NEG_INFINITY, |best, &(_, score)| best.max(score));
    let (mut total, mut weighted) = (0.0, 0.0);
    for (slope, score) in slopes {
        let weight = libm::exp(score - best);
        total += weight;
        weighted += weight * slope;
    }
    Some(weighted / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `quantile` at (i + ½)/S, in an order made by stepping through the draws.
    fn draws(count: usize, step: usize, quantile: impl Fn(f64) -> f64) -> Vec<f64> {
        (0..count).map(|i| quantile(((i * step % count) as f64 + 0.5) / count as f64)).collect()
    }

    fn pareto(k: f64) -> impl Fn(f64) -> f64 {
        move |p| -k * libm::log(1.0 - p)
    }

    fn logistic(p: f64) -> f64 {
        0.2 * libm::log(p / (1.0 - p))
    }

    fn bounded(p: f64) -> f64 {
        libm::log(1.0 - 0.8 * libm::sqrt(1.0 - p))
    }

    fn few(p: f64) -> f64 {
        2.0 * libm::log(p) - libm::log(1.0 - p) - 3.0 * p * p * p
    }

    /// From `arviz.psislw` of arviz 0.23.4; `psislw` of arviz_stats 0.8.0 gives the same where its tail is as
    /// long (it rounds down).
    #[test]
    fn the_golden_values_of_arviz_are_met() {
        assert_golden(
            &draws(1_000, 387, logistic),
            1.0,
            0.216_870_476_710_381_8,
            [
                (0, -8.495_090_458_387_295),
                (1, -7.066_576_610_212_312),
                (677, -5.454_929_524_587_114),
                (354, -5.629_626_044_965_292),
                (496, -6.375_959_991_892_580_4),
            ],
        );
        assert_golden(
            &draws(2_500, 1_547, pareto(0.7)),
            1.0,
            0.680_415_201_635_926_6,
            [
                (0, -8.967_490_925_056_588),
                (1, -8.292_161_806_359_65),
                (2_117, -3.082_768_537_474_241_3),
                (1_734, -3.831_129_034_116_198_5),
                (1_275, -6.509_972_044_405_782),
            ],
        );
        assert_golden(
            &draws(2_000, 1_237, pareto(1.5)),
            0.8,
            1.410_431_346_548_164_8,
            [
                (0, -12.627_847_890_471_678),
                (1, -11.181_773_010_763_719),
                (1_827, -0.610_090_272_731_258),
                (1_654, -2.159_713_107_031_189),
                (1_025, -7.701_425_204_444_918),
            ],
        );
        assert_golden(
            &draws(4_000, 2_473, bounded),
            1.0,
            -0.435_376_602_129_571_36,
            [
                (0, -9.141_246_954_420_028),
                (1, -8.213_685_685_008_379),
                (3_463, -7.541_043_530_587_624),
                (2_926, -7.541_043_530_587_624),
                (985, -7.663_021_225_866_561),
            ],
        );
        assert_golden(
            &draws(30, 19, few),
            1.0,
            0.585_558_171_070_822_4,
            [
                (0, -10.756_774_852_752_038),
                (1, -3.220_497_665_421_560_5),
                (11, -1.760_308_054_847_133_3),
                (22, -2.335_110_506_401_072_4),
                (3, -2.586_720_887_659_504),
            ],
        );
    }

    #[track_caller]
    fn assert_golden(ratios: &[f64], relative_efficiency: f64, k: f64, log_weights: [(usize, f64); 5]) {
        let found = smooth(ratios, relative_efficiency);
        assert!((found.k - k).abs() < 1e-8, "k is {}, not {k}", found.k);
        for (draw, expected) in log_weights {
            let log_weight = libm::log(found.weights[draw]);
            assert!((log_weight - expected).abs() < 1e-8, "draw {draw}: {log_weight}, not {expected}");
        }
    }

    #[test]
    fn weights_sum_to_one() {
        for ratios in [draws(1_000, 387, logistic), draws(30, 19, few), draws(5, 1, few), vec![3.0]] {
            let total: f64 = smooth(&ratios, 1.0).weights.iter().sum();
            assert!((total - 1.0).abs() < 1e-13, "{total}");
        }
    }

    #[test]
    fn a_constant_changes_nothing() {
        let ratios = draws(1_000, 387, pareto(0.7));
        let plain = smooth(&ratios, 0.8);
        for constant in [-2_000.0, 5.0, 2_000.0] {
            let shifted: Vec<f64> = ratios.iter().map(|x| x + constant).collect();
            let found = smooth(&shifted, 0.8);
            assert!((found.k - plain.k).abs() < 1e-10);
            assert!(found.weights.iter().zip(&plain.weights).all(|(a, b)| (a / b - 1.0).abs() < 1e-10));
        }
    }

    #[test]
    fn weights_follow_their_draws() {
        let ratios = draws(1_000, 387, pareto(0.7));
        let plain = smooth(&ratios, 1.0);
        let place = |i: usize| i * 77 % 1_000;
        let permuted: Vec<f64> = (0..1_000).map(|i| ratios[place(i)]).collect();
        let found = smooth(&permuted, 1.0);
        assert_eq!(found.k, plain.k);
        for (i, weight) in found.weights.iter().enumerate() {
            assert!((weight / plain.weights[place(i)] - 1.0).abs() < 1e-13);
        }
    }

    #[test]
    fn smoothing_keeps_the_order_and_the_body() {
        let ratios = draws(2_000, 1, pareto(0.9));
        let weights = smooth(&ratios, 1.0).weights;
        assert!(weights.windows(2).all(|pair| pair[0] <= pair[1]));
        let body = 2_000 - tail_length(2_000, 1.0);
        let ratio = |i: usize| weights[i] / weights[0] / libm::exp(ratios[i] - ratios[0]);
        assert!((0..body).all(|i| (ratio(i) - 1.0).abs() < 1e-13));
    }

    #[test]
    fn equal_ratios_are_perfect() {
        for count in [2, 30, 400] {
            // Rounding does not spoil them.
            let ratios: Vec<f64> = (0..count).map(|i| -700.0 + 1e-13 * (i % 3) as f64).collect();
            let found = smooth(&ratios, 1.0);
            assert_eq!(found.k, f64::NEG_INFINITY);
            let even = 1.0 / count as f64;
            assert!(found.weights.iter().all(|weight| (weight / even - 1.0).abs() < 1e-12));
        }
    }

    #[test]
    fn nearly_equal_ratios_have_the_shape_of_their_logarithms() {
        let shape = |unit: f64| smooth(&draws(2_000, 1, |p| unit * pareto(1.0)(p)), 1.0).k;
        // An exponential tail has shape 0, and 134 of its draws with ten of the prior 0.5 ⋅ 10/145.
        assert!((shape(1e-7) - 5.0 / 145.0).abs() < 0.03);
        assert!((shape(1e-7) - shape(1e-5)).abs() < 1e-4);
    }

    #[test]
    fn what_can_not_be_told_is_not_smoothed() {
        let ln = libm::log;
        let tied_tail: Vec<f64> = (0..100).map(|i| f64::from(i.min(70))).collect();
        let tied_quarter: Vec<f64> =
            (0..100).map(|i| if i < 85 { 0.0 } else { f64::from(i) / 99.0 }).collect();
        let few_positive: Vec<f64> =
            (0..100).map(|i| if i < 80 { f64::NEG_INFINITY } else { f64::from(i) }).collect();
        let vanishing: Vec<f64> = (0..100).map(|i| f64::from(i * i)).collect();
        for ratios in [vec![0.0, ln(3.0)], tied_tail, tied_quarter, few_positive, vanishing] {
            let found = smooth(&ratios, 1.0);
            assert_eq!(found.k, f64::INFINITY);
            let largest = ratios[ratios.len() - 1];
            let total: f64 = ratios.iter().map(|x| libm::exp(x - largest)).sum();
            for (weight, x) in found.weights.iter().zip(&ratios) {
                assert!((weight - libm::exp(x - largest) / total).abs() < 1e-15);
            }
        }
    }

    #[test]
    fn ratios_of_zero_have_no_weight() {
        let mut ratios = draws(1_000, 387, logistic);
        ratios.iter_mut().step_by(3).for_each(|x| *x = f64::NEG_INFINITY);
        let found = smooth(&ratios, 1.0);
        assert!(found.k < 0.5);
        assert!(found.weights.iter().zip(&ratios).all(|(w, x)| (*w == 0.0) == (*x == f64::NEG_INFINITY)));
    }

    #[test]
    fn nonsense_is_neither_weighted_nor_trusted() {
        let infinite = f64::INFINITY;
        for ratios in
            [vec![], vec![f64::NAN; 50], vec![-infinite; 50], vec![infinite, 0.0], vec![0.0, f64::NAN]]
        {
            let found = smooth(&ratios, 1.0);
            assert_eq!((found.weights.len(), found.k), (ratios.len(), infinite));
            assert!(found.weights.iter().all(|w| w.is_nan()));
        }
        let ratios = draws(100, 37, pareto(0.5));
        for efficiency in [f64::NAN, -1.0, 0.0, 1e-300] {
            assert_eq!(smooth(&ratios, efficiency), smooth(&ratios, 1.0));
        }
        assert_eq!(smooth(&ratios, infinite).k, infinite);
    }

    #[test]
    fn more_draws_bear_heavier_tails() {
        assert_eq!([0, 1].map(threshold), [f64::NEG_INFINITY; 2]);
        assert!((threshold(100) - 0.5).abs() < 1e-15);
        assert!((threshold(1_000) - 2.0 / 3.0).abs() < 1e-15);
        assert_eq!([4_000, 1_000_000].map(threshold), [0.7; 2]);
    }

    #[test]
    fn the_tail_is_a_fifth_at_most() {
        assert_eq!(tail_length(100, 1.0), 20);
        assert_eq!(tail_length(1_001, 1.0), 95);
        assert_eq!(tail_length(2_000, 0.8), 150);
        assert_eq!(tail_length(0, 1.0), 0);
    }
}
