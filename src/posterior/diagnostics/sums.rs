//! Sums in a fixed order.
//!
//! Eight partial sums let the compiler use vector instructions; their order is written down, so the bits are
//! the same whichever instructions it chose.

const LANES: usize = 8;

/// `Σ f(xᵢ)`.
#[inline]
fn sum_of(x: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    let mut partial = [0.0; LANES];
    let mut blocks = x.chunks_exact(LANES);
    for block in &mut blocks {
        for lane in 0..LANES {
            partial[lane] += f(block[lane]);
        }
    }
    for (lane, &value) in blocks.remainder().iter().enumerate() {
        partial[lane] += f(value);
    }
    total(partial)
}

/// `Σ aᵢ bᵢ` over the shorter of the two.
#[inline]
pub fn sum_of_products(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len().min(b.len());
    let (mut a, mut b) = (a[..n].chunks_exact(LANES), b[..n].chunks_exact(LANES));
    let mut partial = [0.0; LANES];
    for (x, y) in (&mut a).zip(&mut b) {
        for lane in 0..LANES {
            partial[lane] += x[lane] * y[lane];
        }
    }
    for (lane, (x, y)) in a.remainder().iter().zip(b.remainder()).enumerate() {
        partial[lane] += x * y;
    }
    total(partial)
}

fn total(p: [f64; LANES]) -> f64 {
    ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]))
}

/// NaN for no values.
pub fn mean(x: &[f64]) -> f64 {
    sum_of(x, |v| v) / x.len() as f64
}

/// `Σ (xᵢ − centre)²`.
pub fn squares_about(x: &[f64], centre: f64) -> f64 {
    sum_of(x, |v| (v - centre) * (v - centre))
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
