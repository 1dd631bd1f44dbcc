//! The metric: coordinates in which the posterior is nearly a standard normal.
//!
//! A position is `q = centre + L y`. With identity kinetic energy in y, leapfrog, energy and turning need not know of it.

use crate::numeric::linear::{cholesky, gram_of_lower, invert_lower, product, symmetric_eigen, transposed};

/// Up to this many dimensions the metric is a full matrix; beyond, its products would cost more than the density.
pub const DENSE_UP_TO: usize = 60;

/// Centre and factor of the whitening.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    centre: Vec<f64>,
    factor: Factor,
}

#[derive(Debug, Clone, PartialEq)]
enum Factor {
    /// Lower triangular, its rows one after another without the zeros; and its columns, since a product that runs along
    /// them needs no sums in a fixed order and is vectorised.
    Dense {
        rows: Vec<f64>,
        columns: Vec<f64>,
    },
    Diagonal(Vec<f64>),
}

impl Metric {
    /// From a covariance matrix (row by row, positive definite) around a centre; `None` if it is not positive definite.
    /// Above [`DENSE_UP_TO`] dimensions only its diagonal counts.
    pub fn new(centre: Vec<f64>, covariance: &[f64]) -> Option<Metric> {
        let d = centre.len();
        if d > DENSE_UP_TO {
            let sds: Vec<f64> = (0..d).map(|i| covariance[i * d + i].sqrt()).collect();
            let sound = sds.iter().all(|s| s.is_finite() && *s > 0.0);
            return sound.then_some(Metric { centre, factor: Factor::Diagonal(sds) });
        }
        let lower = cholesky(covariance, d)?;
        Some(Metric { centre, factor: Factor::dense(&lower, d) })
    }

    /// Independent coordinates with these standard deviations.
    pub fn diagonal(centre: Vec<f64>, sds: Vec<f64>) -> Metric {
        Metric { centre, factor: Factor::Diagonal(sds) }
    }

    /// The number of coordinates.
    pub fn dim(&self) -> usize {
        self.centre.len()
    }

    /// The position whose whitened coordinates are all 0.
    pub fn centre(&self) -> &[f64] {
        &self.centre
    }

    /// Writes the position with whitened coordinates `y` into `q`: `q = centre + L y`.
    #[inline]
    pub fn position(&self, y: &[f64], q: &mut [f64]) {
        match &self.factor {
            Factor::Dense { columns, .. } => {
                q.copy_from_slice(&self.centre);
                let mut rest = columns.as_slice();
                for (j, y) in y.iter().enumerate() {
                    let below = &mut q[j..];
                    let (column, others) = rest.split_at(below.len());
                    rest = others;
                    for i in 0..below.len() {
                        below[i] += column[i] * y;
                    }
                }
            }
            Factor::Diagonal(sds) => {
                for i in 0..q.len() {
                    q[i] = self.centre[i] + sds[i] * y[i];
                }
            }
        }
    }

    /// Writes the gradient by y, `Lᵀ g`, given the gradient `g` by q.
    #[inline]
    pub fn pull(&self, g: &[f64], by_y: &mut [f64]) {
        match &self.factor {
            Factor::Dense { rows, .. } => {
                by_y.fill(0.0);
                let mut rest = rows.as_slice();
                for (i, g) in g.iter().enumerate() {
                    let (row, below) = rest.split_at(i + 1);
                    rest = below;
                    let out = &mut by_y[..row.len()];
                    for j in 0..row.len() {
                        out[j] += row[j] * g;
                    }
                }
            }
            Factor::Diagonal(sds) => {
                for i in 0..g.len() {
                    by_y[i] = sds[i] * g[i];
                }
            }
        }
    }

    /// The whitened coordinates of a position: `y = L⁻¹(q − centre)`.
    pub fn whitened(&self, q: &[f64]) -> Vec<f64> {
        let mut y: Vec<f64> = q.iter().zip(&self.centre).map(|(q, c)| q - c).collect();
        match &self.factor {
            Factor::Dense { rows, .. } => {
                let mut start = 0;
                for i in 0..y.len() {
                    let row = &rows[start..start + i + 1];
                    let done: f64 = (0..i).map(|j| row[j] * y[j]).sum();
                    y[i] = (y[i] - done) / row[i];
                    start += i + 1;
                }
            }
            Factor::Diagonal(sds) => y.iter_mut().zip(sds).for_each(|(y, s)| *y /= s),
        }
        y
    }

    /// The metric that has learnt from a window of its own whitened draws and their gradients; the same metric where the
    /// window has no usable information.
    #[must_use]
    pub fn learnt(&self, window: &Window) -> Metric {
        match &self.factor {
            Factor::Dense { rows, .. } => {
                let d = self.dim();
                let Some(change) = window.fisher_covariance().and_then(|c| cholesky(&c, d)) else {
                    return self.clone();
                };
                let lower = product(&unpacked(rows, d), &change, d);
                Metric { centre: self.centre.clone(), factor: Factor::dense(&lower, d) }
            }
            Factor::Diagonal(sds) => {
                let scales = window.fisher_scales();
                let sds = sds.iter().zip(scales).map(|(s, change)| s * change).collect();
                Metric { centre: self.centre.clone(), factor: Factor::Diagonal(sds) }
            }
        }
    }
}

impl Factor {
    fn dense(lower: &[f64], d: usize) -> Factor {
        Factor::Dense {
            rows: (0..d).flat_map(|i| (0..=i).map(move |j| lower[i * d + j])).collect(),
            columns: (0..d).flat_map(|j| (j..d).map(move |i| lower[i * d + j])).collect(),
        }
    }
}

fn unpacked(packed: &[f64], d: usize) -> Vec<f64> {
    let mut out = vec![0.0; d * d];
    let mut rest = packed;
    for i in 0..d {
        let (row, below) = rest.split_at(i + 1);
        out[i * d..i * d + i + 1].copy_from_slice(row);
        rest = below;
    }
    out
}

/// Draws and gradients of one stage of warm-up, in whitened coordinates.
#[derive(Debug, Clone)]
pub struct Window {
    d: usize,
    draws: Vec<f64>,
    gradients: Vec<f64>,
}

impl Window {
    /// An empty window with room for `n` draws in `d` dimensions.
    pub fn new(d: usize, n: usize) -> Window {
        Window { d, draws: Vec::with_capacity(n * d), gradients: Vec::with_capacity(n * d) }
    }

    /// Adds a draw in whitened coordinates and the log density's gradient there.
    pub fn push(&mut self, y: &[f64], gradient: &[f64]) {
        self.draws.extend_from_slice(y);
        self.gradients.extend_from_slice(gradient);
    }

    fn len(&self) -> usize {
        self.draws.len() / self.d
    }

    /// The geometric mean of cov(draws) and cov(gradients)⁻¹: the covariance under which draws and gradients look most
    /// like those of a standard normal (the minimiser of the Fisher divergence, Seyboldt, Carlson & Carpenter 2026), exact
    /// for a normal as soon as there are d + 1 draws. Both are drawn toward the identity as if by [`HELD`] more draws.
    pub fn fisher_covariance(&self) -> Option<Vec<f64>> {
        let d = self.d;
        let (draws, gradients) = (self.covariance(&self.draws)?, self.covariance(&self.gradients)?);
        let l = cholesky(&draws, d)?;
        let inner = product(&product(&transposed(&l, d), &gradients, d), &l, d);
        // Σ = L (Lᵀ B L)^(−1/2) Lᵀ solves Σ B Σ = L Lᵀ.
        let (values, vectors) = symmetric_eigen(&inner, d);
        if values.iter().any(|v| !(*v > 0.0 && v.is_finite())) {
            return None;
        }
        let half: Vec<f64> = product(&l, &vectors, d)
            .iter()
            .enumerate()
            .map(|(i, x)| x / values[i % d].sqrt().sqrt())
            .collect();
        Some(product(&half, &transposed(&half, d), d))
    }

    /// The scale of each coordinate alone: √(sd(draws)/sd(gradients)).
    fn fisher_scales(&self) -> Vec<f64> {
        (0..self.d)
            .map(|i| {
                let ratio = self.variance(&self.draws, i) / self.variance(&self.gradients, i);
                ratio.sqrt().sqrt()
            })
            .collect()
    }

    fn mean(&self, values: &[f64], i: usize) -> f64 {
        values.iter().skip(i).step_by(self.d).sum::<f64>() / self.len() as f64
    }

    fn variance(&self, values: &[f64], i: usize) -> f64 {
        let mean = self.mean(values, i);
        let sum: f64 = values.iter().skip(i).step_by(self.d).map(|v| (v - mean) * (v - mean)).sum();
        (sum + HELD) / (self.len() as f64 + HELD)
    }

    fn covariance(&self, values: &[f64]) -> Option<Vec<f64>> {
        let (d, n) = (self.d, self.len());
        if n == 0 || values.iter().any(|v| !v.is_finite()) {
            return None;
        }
        let means: Vec<f64> = (0..d).map(|i| self.mean(values, i)).collect();
        let mut sums = vec![0.0; d * d];
        let mut apart = vec![0.0; d];
        for row in values.chunks_exact(d) {
            for i in 0..d {
                apart[i] = row[i] - means[i];
            }
            for i in 0..d {
                for j in 0..=i {
                    sums[i * d + j] += apart[i] * apart[j];
                }
            }
        }
        let total = n as f64 + HELD;
        for i in 0..d {
            for j in 0..i {
                sums[i * d + j] /= total;
                sums[j * d + i] = sums[i * d + j];
            }
            sums[i * d + i] = (sums[i * d + i] + HELD) / total;
        }
        Some(sums)
    }
}

/// How many draws the present metric counts for beside those of a window.
pub const HELD: f64 = 1e-9;

/// The covariance of a negative Hessian (precision) matrix, `None` unless it is positive definite.
pub fn covariance_of_precision(precision: &[f64], d: usize) -> Option<Vec<f64>> {
    let l = cholesky(precision, d)?;
    Some(gram_of_lower(&invert_lower(&l, d), d))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::linear::gram_of_lower;

    /// Draws from a normal with a given factor, by a small generator of nearly normal numbers, and their gradients.
    fn window(factor: &[f64], d: usize, n: usize) -> Window {
        let precision = {
            let inverse = invert_lower(factor, d);
            gram_of_lower(&inverse, d)
        };
        let mut state = 7_u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut window = Window::new(d, n);
        for _ in 0..n {
            let z: Vec<f64> = (0..d).map(|_| (0..12).map(|_| uniform()).sum::<f64>() - 6.0).collect();
            let x: Vec<f64> = (0..d).map(|i| (0..=i).map(|j| factor[i * d + j] * z[j]).sum()).collect();
            let g: Vec<f64> =
                (0..d).map(|i| -(0..d).map(|j| precision[i * d + j] * x[j]).sum::<f64>()).collect();
            window.push(&x, &g);
        }
        window
    }

    const FACTOR: [f64; 9] = [2.0, 0.0, 0.0, -1.0, 0.5, 0.0, 3.0, 0.2, 0.1];

    #[test]
    fn a_normal_is_recovered_exactly_from_as_few_draws_as_there_are_dimensions_and_one() {
        let d = 3;
        let found = window(&FACTOR, d, d + 1).fisher_covariance().expect("positive definite");
        let expected = product(&FACTOR, &transposed(&FACTOR, d), d);
        for (f, e) in found.iter().zip(&expected) {
            // What remains is the trust in the present metric, a thousand-millionth of a draw.
            assert!((f - e).abs() < 1e-4, "{found:?} {expected:?}");
        }
        let learnt = Metric::new(vec![0.0; d], &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0])
            .expect("the identity")
            .learnt(&window(&FACTOR, d, 50));
        let mut q = [0.0; 3];
        learnt.position(&[1.0, 0.0, 0.0], &mut q);
        for (found, expected) in q.iter().zip([2.0, -1.0, 3.0]) {
            assert!((found - expected).abs() < 1e-6, "{q:?}");
        }
    }

    #[test]
    fn a_window_that_says_nothing_leaves_the_metric_as_it_is() {
        let metric = Metric::new(vec![1.0, 2.0], &[4.0, 1.0, 1.0, 3.0]).expect("positive definite");
        assert_eq!(metric.learnt(&Window::new(2, 10)), metric);
        let mut bad = Window::new(2, 10);
        bad.push(&[0.0, f64::NAN], &[1.0, 1.0]);
        assert_eq!(metric.learnt(&bad), metric);
    }

    #[test]
    fn whitening_and_its_inverse_and_the_gradient_belong_together() {
        let metric = Metric::new(vec![1.0, 2.0], &[4.0, 1.0, 1.0, 3.0]).expect("positive definite");
        let (y, mut q, mut by_y) = ([0.3, -1.2], [0.0; 2], [0.0; 2]);
        metric.position(&y, &mut q);
        let back = metric.whitened(&q);
        assert!((back[0] - y[0]).abs() < 1e-15 && (back[1] - y[1]).abs() < 1e-15);
        // The slope of any linear function g·q along each y.
        metric.pull(&[1.0, 2.0], &mut by_y);
        let mut moved = [0.0; 2];
        metric.position(&[y[0] + 1.0, y[1]], &mut moved);
        assert!(((moved[0] - q[0]) + 2.0 * (moved[1] - q[1]) - by_y[0]).abs() < 1e-14);
    }
}
