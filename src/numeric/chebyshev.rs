//! A smooth function on [0, 1] as a Chebyshev series.

use std::f64::consts::PI;

/// Coefficients of the Chebyshev polynomials of 2y − 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Chebyshev(Vec<f64>);

impl Chebyshev {
    /// The same value everywhere.
    pub fn constant(value: f64) -> Chebyshev {
        Chebyshev(vec![value])
    }

    /// The interpolant at `n` nodes, or at more until its last coefficients are below `tolerance`; nodes are asked for in order,
    /// from 1 down to 0.
    pub fn of(mut n: usize, tolerance: f64, mut function: impl FnMut(f64) -> f64) -> Chebyshev {
        /// Beyond, a function is not smooth.
        const MOST: usize = 257;
        // Nodes of 2m − 1 hold those of m: values are asked for once.
        let mut values: Vec<f64> = (0..n).map(|i| function(node(i, n))).collect();
        loop {
            let series = Chebyshev(coefficients(&values));
            if n >= MOST || series.tail() <= tolerance {
                return series;
            }
            let finer = 2 * n - 1;
            let mut all = vec![0.0; finer];
            for (i, slot) in all.iter_mut().enumerate() {
                *slot = if i % 2 == 0 { values[i / 2] } else { function(node(i, finer)) };
            }
            (values, n) = (all, finer);
        }
    }

    /// The size of the last coefficients.
    fn tail(&self) -> f64 {
        let last = self.0.len().saturating_sub(3);
        self.0[last..].iter().fold(0.0, |most, c| most.max(c.abs()))
    }

    /// Its value at `y`, by Clenshaw's recurrence.
    #[inline]
    pub fn at(&self, y: f64) -> f64 {
        let x = 2.0 * y - 1.0;
        let (mut b, mut before) = (0.0, 0.0);
        for c in self.0[1..].iter().rev() {
            (b, before) = (2.0 * x * b - before + c, b);
        }
        x * b - before + self.0[0]
    }
}

impl Chebyshev {
    /// Its values at several places at once, which take hardly longer than one.
    #[inline]
    pub fn at_each<const N: usize>(&self, y: &[f64; N]) -> [f64; N] {
        let x = y.map(|y| 4.0 * y - 2.0);
        let (mut b, mut before) = ([0.0; N], [0.0; N]);
        for c in self.0[1..].iter().rev() {
            for i in 0..N {
                let next = x[i] * b[i] - before[i] + c;
                before[i] = b[i];
                b[i] = next;
            }
        }
        std::array::from_fn(|i| 0.5 * x[i] * b[i] - before[i] + self.0[0])
    }
}

/// Node i of n: extremes of the polynomial of degree n − 1, on [0, 1].
fn node(i: usize, n: usize) -> f64 {
    0.5 + 0.5 * libm::cos(PI * i as f64 / (n - 1) as f64)
}

fn coefficients(values: &[f64]) -> Vec<f64> {
    let n = values.len() - 1;
    // cos(π j k/n) depends on j k mod 2n alone.
    let cosines: Vec<f64> = (0..2 * n).map(|m| libm::cos(PI * m as f64 / n as f64)).collect();
    (0..=n)
        .map(|k| {
            let mut sum = 0.5 * (values[0] + if k % 2 == 0 { values[n] } else { -values[n] });
            for (j, v) in values.iter().enumerate().take(n).skip(1) {
                sum += v * cosines[(j * k) % (2 * n)];
            }
            let scale = if k == 0 || k == n { 1.0 } else { 2.0 };
            scale * sum / n as f64
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smooth_functions_are_met_to_the_last_digits() {
        for (f, tolerance) in [
            ((|y: f64| libm::exp(3.0 * y)) as fn(f64) -> f64, 1e-12),
            (|y| 1.0 / (1.2 - y), 1e-12),
            (|y| y * y * y - 2.0 * y + 0.5, 1e-14),
            (|_| 7.0, 1e-14),
        ] {
            let series = Chebyshev::of(9, tolerance, f);
            for i in 0..=1000 {
                let y = f64::from(i) / 1000.0;
                let near = 1e-11 * f(y).abs().max(1.0);
                assert!((series.at(y) - f(y)).abs() < near, "{y}");
                let [first, second] = series.at_each(&[y, 1.0 - y]);
                assert!((first - f(y)).abs() < near && (second - f(1.0 - y)).abs() < near, "{y}");
            }
        }
        assert_eq!(Chebyshev::constant(2.5).at(0.3), 2.5);
    }
}
