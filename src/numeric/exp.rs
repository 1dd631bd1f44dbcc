//! `e^x` for many non-positive arguments at once.
//!
//! The functions are free of branches, and fuse products only
//! where their names say so (a fused product is rounded once, in hardware or not), so the compiler can vectorise them and every
//! machine still computes the same bits.

use std::f64::consts::LOG2_E;

/// Arguments below this give `e^-700`, about 1e-304: zero beside the largest term of any sum made here.
const FLOOR: f64 = -700.0;

/// `ln 2` in two parts, the first short enough for its product with a small whole number to be exact.
const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// Adding and subtracting 1.5 · 2⁵² rounds to the nearest whole number, which is then in the low bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

/// `1 / k!` for k = 2 … 13: the Taylor polynomial on |r| ≤ ln(2)/2 errs by less than 1e-17.
const TAYLOR: [f64; 12] = [
    1.0 / 2.0,
    1.0 / 6.0,
    1.0 / 24.0,
    1.0 / 120.0,
    1.0 / 720.0,
    1.0 / 5_040.0,
    1.0 / 40_320.0,
    1.0 / 362_880.0,
    1.0 / 3_628_800.0,
    1.0 / 39_916_800.0,
    1.0 / 479_001_600.0,
    1.0 / 6_227_020_800.0,
];

/// `e^x` for `x ≤ 0`, to about one unit in the last place; arguments below −700 count as −700.
#[inline(always)]
pub fn exp_of_nonpositive(x: f64) -> f64 {
    let x = if x > FLOOR { x } else { FLOOR };
    let shifted = x * LOG2_E + ROUNDER;
    let k = shifted - ROUNDER;
    let r = (x - k * LN_2_HIGH) - k * LN_2_LOW;
    let r2 = r * r;
    let r4 = r2 * r2;
    let [c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13] = TAYLOR;
    let low = (c2 + c3 * r) + (c4 + c5 * r) * r2;
    let middle = (c6 + c7 * r) + (c8 + c9 * r) * r2;
    let high = (c10 + c11 * r) + (c12 + c13 * r) * r2;
    let polynomial = low + (middle + high * r4) * r4;
    let fraction = 1.0 + (r + r2 * polynomial);
    // k is in the low bits of `shifted`; moved to the exponent field it scales by 2^k.
    let scale = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1023 << 52));
    fraction * scale
}

/// `e^x` for `x ≤ 0` by fused products, to about one unit in the last place; arguments below −700 count as −700. A fused product
/// is rounded once on every machine, in hardware or not: where it is not, this is slow.
#[inline(always)]
pub fn exp_of_nonpositive_fused(x: f64) -> f64 {
    exp_above_floor_fused(if x > FLOOR { x } else { FLOOR })
}

/// `e^x` for any `x` by fused products, to about one unit in the last place; arguments beyond ±700 count as ±700.
#[inline(always)]
pub fn exp_within_range_fused(x: f64) -> f64 {
    let x = if x > FLOOR { x } else { FLOOR };
    exp_above_floor_fused(if x < -FLOOR { x } else { -FLOOR })
}

#[inline(always)]
fn exp_above_floor_fused(x: f64) -> f64 {
    let shifted = x.mul_add(LOG2_E, ROUNDER);
    let k = shifted - ROUNDER;
    let r = k.mul_add(-LN_2_LOW, k.mul_add(-LN_2_HIGH, x));
    let r2 = r * r;
    let r4 = r2 * r2;
    let [c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13] = TAYLOR;
    let low = c5.mul_add(r, c4).mul_add(r2, c3.mul_add(r, c2));
    let middle = c9.mul_add(r, c8).mul_add(r2, c7.mul_add(r, c6));
    let high = c13.mul_add(r, c12).mul_add(r2, c11.mul_add(r, c10));
    let polynomial = high.mul_add(r4, middle).mul_add(r4, low);
    let fraction = 1.0 + polynomial.mul_add(r2, r);
    let scale = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1023 << 52));
    fraction * scale
}

/// `1/(2k + 1)` for k = 0 … 10: the inverse hyperbolic tangent's series, which at |s| ≤ 0.1716 errs by less than 1e-17.
const ATANH: [f64; 11] = [
    1.0,
    1.0 / 3.0,
    1.0 / 5.0,
    1.0 / 7.0,
    1.0 / 9.0,
    1.0 / 11.0,
    1.0 / 13.0,
    1.0 / 15.0,
    1.0 / 17.0,
    1.0 / 19.0,
    1.0 / 21.0,
];

/// `2 atanh(s)`, which is `ln((1 + s)/(1 − s))`.
#[inline(always)]
fn twice_atanh(s: f64) -> f64 {
    let t = s * s;
    let t2 = t * t;
    let t4 = t2 * t2;
    let [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10] = ATANH;
    let low = (c0 + c1 * t) + (c2 + c3 * t) * t2;
    let middle = (c4 + c5 * t) + (c6 + c7 * t) * t2;
    let high = (c8 + c9 * t) + c10 * t2;
    2.0 * s * (low + (middle + high * t4) * t4)
}

/// `ln(1 + e)` for 0 ≤ e ≤ 1, without a branch, to about two units in the last place.
#[inline(always)]
pub fn ln_1p_of_fraction(e: f64) -> f64 {
    // Where 1 + e is nearer to 2 than to 1, as ratios go, half of it is taken.
    let near_two = e > std::f64::consts::SQRT_2 - 1.0;
    let base = if near_two { std::f64::consts::LN_2 } else { 0.0 };
    let numerator = if near_two { e - 1.0 } else { e };
    let denominator = if near_two { e + 3.0 } else { e + 2.0 };
    base + twice_atanh(numerator / denominator)
}

/// `ln x` for positive, finite, normal numbers, without a branch, to about two units in the last place; nonsense for others.
#[inline]
pub fn ln_of_normal(x: f64) -> f64 {
    /// The bits of √½: from it on the exponent counts one up, so that the fraction lies between √½ and √2.
    const LEAST: u64 = 0x3fe6_a09e_667f_3bcd;
    let shifted = x.to_bits().wrapping_sub(LEAST);
    let exponent = (shifted as i64) >> 52;
    let fraction = f64::from_bits(x.to_bits().wrapping_sub((exponent as u64) << 52));
    let k = exponent as f64;
    k * LN_2_LOW + (k * LN_2_HIGH + twice_atanh((fraction - 1.0) / (fraction + 1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_logarithms_agree_with_libm_to_a_few_units_in_the_last_place() {
        let mut worst: f64 = 0.0;
        for i in 0..200_000 {
            let x = libm::exp(0.006_3 * f64::from(i - 100_000));
            let reference = libm::log(x);
            worst = worst.max((ln_of_normal(x) - reference).abs() / reference.abs().max(1e-3));
            let e = f64::from(i) / 199_999.0;
            worst = worst.max((ln_1p_of_fraction(e) - libm::log1p(e)).abs() / libm::log1p(e).max(1e-300));
        }
        assert!(worst < 1e-15, "largest relative error {worst:e}");
        assert_eq!(ln_of_normal(1.0), 0.0);
        assert_eq!(ln_1p_of_fraction(0.0), 0.0);
    }

    #[test]
    fn the_fast_exponential_agrees_with_libm_to_a_few_units_in_the_last_place() {
        let mut worst: f64 = 0.0;
        for i in 0..200_000 {
            let x = -0.003_5 * f64::from(i);
            let reference = libm::exp(x);
            worst = worst.max((exp_of_nonpositive(x) / reference - 1.0).abs());
            worst = worst.max((exp_of_nonpositive_fused(x) / reference - 1.0).abs());
            worst = worst.max((exp_within_range_fused(-x) / libm::exp(-x) - 1.0).abs());
        }
        assert!(worst < 5e-16, "largest relative error {worst:e}");
        assert_eq!((exp_of_nonpositive(0.0), exp_of_nonpositive_fused(0.0)), (1.0, 1.0));
        assert_eq!(exp_within_range_fused(1e9), exp_within_range_fused(700.0));
        assert!(exp_of_nonpositive(f64::NEG_INFINITY) < 1e-300);
    }
}
