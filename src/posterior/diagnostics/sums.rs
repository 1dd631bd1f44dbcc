//! Sums in a fixed order.
//!
//! Eight partial sums let the compiler use vector instructions; their order is written down, so the bits are
//! the same whichever instructions it chose.

use crate::numeric::{Instructions, compiled_for_each};

const LANES: usize = 8;

/// `Σ f(xᵢ)`.
#[inline(always)]
fn sum_of(x: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    let mut partial = [0.0; LANES];
    let (blocks, rest) = x.as_chunks::<LANES>();
    for block in blocks {
        for lane in 0..LANES {
            partial[lane] += f(block[lane]);
        }
    }
    for (lane, &value) in rest.iter().enumerate() {
        partial[lane] += f(value);
    }
    total(partial)
}

compiled_for_each! {
    fn sum(x: &[f64]) -> f64 = over_values;

    fn squares(x: &[f64], centre: f64) -> f64 = over_squares;

    fn products(a: &[f64], b: &[f64]) -> f64 = over_products;
}

#[inline(always)]
fn over_values(x: &[f64]) -> f64 {
    sum_of(x, |v| v)
}

#[inline(always)]
fn over_squares(x: &[f64], centre: f64) -> f64 {
    sum_of(x, |v| (v - centre) * (v - centre))
}

/// `Σ aᵢ bᵢ` over the shorter of the two.
pub fn sum_of_products(a: &[f64], b: &[f64]) -> f64 {
    products(Instructions::best(), a, b)
}

#[inline(always)]
fn over_products(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len().min(b.len());
    let ((a, a_rest), (b, b_rest)) = (a[..n].as_chunks::<LANES>(), b[..n].as_chunks::<LANES>());
    let mut partial = [0.0; LANES];
    for i in 0..a.len().min(b.len()) {
        for lane in 0..LANES {
            partial[lane] += a[i][lane] * b[i][lane];
        }
    }
    for (lane, (x, y)) in a_rest.iter().zip(b_rest).enumerate() {
        partial[lane] += x * y;
    }
    total(partial)
}

#[inline(always)]
fn total(p: [f64; LANES]) -> f64 {
    ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]))
}

/// NaN for no values.
pub fn mean(x: &[f64]) -> f64 {
    sum(Instructions::best(), x) / x.len() as f64
}

/// `Σ (xᵢ − centre)²`.
pub fn squares_about(x: &[f64], centre: f64) -> f64 {
    squares(Instructions::best(), x, centre)
}

/// `Σ (xᵢ − centre)⁴`.
pub fn fourth_powers_about(x: &[f64], centre: f64) -> f64 {
    sum_of(x, |v| {
        let square = (v - centre) * (v - centre);
        square * square
    })
}

/// The variance with divisor n − 1; NaN for fewer than two values.
pub fn variance(x: &[f64]) -> f64 {
    if x.len() < 2 {
        return f64::NAN;
    }
    squares_about(x, mean(x)) / (x.len() - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_sums_lose_no_element_whatever_the_length() {
        for n in 0..40 {
            let x: Vec<f64> = (1..=n).map(f64::from).collect();
            let n = f64::from(n);
            assert_eq!(sum_of(&x, |v| v), n * (n + 1.0) / 2.0);
            assert_eq!(sum_of_products(&x, &x), n * (n + 1.0) * (2.0 * n + 1.0) / 6.0);
        }
    }
}
