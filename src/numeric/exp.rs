//! `e^x` for many non-positive arguments at once.
//!
//! The exact engine spends most of its time here. The function is free of branches and of the processor's fused
//! instructions, so the compiler can vectorise it and every machine still computes the same bits.

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
#[inline]
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

/// `Σ e^(xᵢ − high)`, four partial sums in a fixed order; `high` at least the largest `xᵢ`.
pub fn sum_exp_shifted(x: &[f64], high: f64) -> f64 {
    let mut partial = [0.0; 4];
    let mut blocks = x.chunks_exact(4);
    for block in &mut blocks {
        for lane in 0..4 {
            partial[lane] += exp_of_nonpositive(block[lane] - high);
        }
    }
    for (lane, &value) in blocks.remainder().iter().enumerate() {
        partial[lane] += exp_of_nonpositive(value - high);
    }
    (partial[0] + partial[1]) + (partial[2] + partial[3])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_exponential_agrees_with_libm_to_a_few_units_in_the_last_place() {
        let mut worst: f64 = 0.0;
        for i in 0..200_000 {
            let x = -0.003_5 * f64::from(i);
            let reference = libm::exp(x);
            worst = worst.max((exp_of_nonpositive(x) / reference - 1.0).abs());
        }
        assert!(worst < 5e-16, "largest relative error {worst:e}");
        assert_eq!(exp_of_nonpositive(0.0), 1.0);
        assert!(exp_of_nonpositive(f64::NEG_INFINITY) < 1e-300);
    }
}
