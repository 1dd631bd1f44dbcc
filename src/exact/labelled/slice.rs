//! The surface at one τ, and under one normal of the effect prior: sums along its lines.

use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

use super::surface::Surface;
use crate::exact::scale::ScaleNode;
use crate::exact::smooth::log_sum;
use crate::model::NormalComponent;
use crate::numeric::{LogInterpolant, Weights, normal_log_density, normal_rule};

/// A normal must span this many distances between nodes to be summed on them; a narrower one is integrated by
/// Gauss–Hermite, the surface interpolated.
const RESOLVED: f64 = 1.1;

/// What is the same for every τ.
pub struct Lines<'a> {
    pub surface: &'a Surface,
    /// e^L over its maximum, and that maximum's log.
    linear: Vec<f64>,
    high: f64,
    /// Of every node the part of it, as an indefinite integral along its line of constant d, that lies where the effects have
    /// opposite signs; counted negative below d = 0, so that it runs on smoothly.
    opposed: Vec<f64>,
    /// log L along the lines of constant s, rows (θ_A fixed) and columns (θ_B fixed); none where there are too few nodes.
    across: Vec<Option<LogInterpolant>>,
    rows: Vec<LogInterpolant>,
    columns: Vec<LogInterpolant>,
}

/// Few nodes make no curve.
const FEWEST: usize = 12;

impl<'a> Lines<'a> {
    pub fn new(surface: &'a Surface) -> Lines<'a> {
        let [n, m] = surface.size;
        let high = surface.log.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let linear = surface.log.iter().map(|x| libm::exp(x - high)).collect();
        let h = surface.step;
        let start = |axis: usize| surface.theta(axis, 0);
        let rows =
            (0..n).map(|i| LogInterpolant::even(start(1), h, &surface.log[i * m..(i + 1) * m])).collect();
        let column = |j: usize| (0..n).map(|i| surface.at(i, j)).collect::<Vec<f64>>();
        let columns = (0..m).map(|j| LogInterpolant::even(start(0), h, &column(j))).collect();
        let across = (0..n + m - 1)
            .map(|j| {
                // From the least θ_A on: d rises by two steps a node.
                let from = j.saturating_sub(m - 1);
                let to = j.min(n - 1);
                let values: Vec<f64> = (from..=to).map(|i| surface.at(i, j - i)).collect();
                let d = surface.theta(0, from) - surface.theta(1, j - from);
                (values.len() >= FEWEST).then(|| LogInterpolant::even(d, 2.0 * h, &values))
            })
            .collect();
        let mut lines = Lines { surface, linear, high, opposed: vec![0.0; n * m], across, rows, columns };
        lines.opposed = lines.opposed_parts();
        lines
    }

    /// Nodes on the line of constant d number `k`, from the least θ_B on: row and column.
    fn line(&self, k: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let [n, m] = self.surface.size;
        // k = row − column + m − 1.
        let first_column = (m - 1).saturating_sub(k);
        let first_row = k.saturating_sub(m - 1);
        (0..n - first_row).map(move |i| (first_row + i, first_column + i)).take_while(move |c| c.1 < m)
    }

    /// Lines of constant d.
    pub fn differences(&self) -> usize {
        self.surface.size[0] + self.surface.size[1] - 1
    }

    /// d on line `k`.
    pub fn d(&self, k: usize) -> f64 {
        let first = self.surface.first[0] - self.surface.first[1];
        self.surface.step * (first + k as i64 - (self.surface.size[1] as i64 - 1)) as f64
    }

    /// Lines of constant s.
    pub fn middles(&self) -> usize {
        self.differences()
    }

    /// s on line `j`, j = row + column.
    pub fn s(&self, j: usize) -> f64 {
        let first = self.surface.first[0] + self.surface.first[1];
        0.5 * self.surface.step * (first + j as i64) as f64
    }

    fn opposed_parts(&self) -> Vec<f64> {
        let m = self.surface.size[1];
        let mut parts = vec![0.0; self.linear.len()];
        for k in 0..self.differences() {
            let d = self.d(k);
            let Some((row, column)) = self.line(k).next() else { continue };
            let start = self.s(row + column);
            let position = |s: f64| Weights::at((s - start) / self.surface.step);
            let (from, to) = (position(-0.5 * d), position(0.5 * d));
            for (i, (row, column)) in self.line(k).enumerate() {
                parts[row * m + column] = to.of(i) - from.of(i);
            }
        }
        parts
    }

    /// The slice at τ under one normal; `log_weight` is added to its mass.
    pub fn slice(&self, tau: f64, prior: NormalComponent, log_weight: f64) -> Slice {
        let [n, m] = self.surface.size;
        let h = self.surface.step;
        let middle_sd = libm::hypot(prior.sd, FRAC_1_SQRT_2 * tau);
        let log_weight = log_weight + libm::log(prior.weight) + self.high;
        let by_s: Vec<f64> = (0..self.middles())
            .map(|j| libm::exp(normal_log_density(self.s(j), prior.mean, middle_sd)))
            .collect();
        let (mut along_d, mut opposed) = (vec![0.0; self.differences()], vec![0.0; self.differences()]);
        for i in 0..n {
            for j in 0..m {
                let mass = self.linear[i * m + j] * by_s[i + j];
                let k = i + m - 1 - j;
                along_d[k] += h * mass;
                opposed[k] += h * mass * self.opposed[i * m + j];
            }
        }
        let share: Vec<f64> =
            along_d.iter().zip(&opposed).map(|(g, o)| if *g > 0.0 { o / g } else { 0.0 }).collect();
        let log_d: Vec<f64> = along_d.iter().map(|g| libm::log(g.max(f64::MIN_POSITIVE))).collect();
        let start = self.d(0);
        let mut slice = Slice {
            tau,
            prior,
            log_weight,
            difference: LogInterpolant::even(start, h, &log_d),
            opposed: LogInterpolant::even(start, h, &share),
            middle: Vec::new(),
            log_mass: 0.0,
            share: 0.0,
        };
        let width = SQRT_2 * tau;
        let log_total = if tau == 0.0 {
            slice.difference.at(0.0)
        } else if width >= RESOLVED * h {
            let terms: Vec<f64> = log_d
                .iter()
                .enumerate()
                .map(|(k, g)| g + normal_log_density(self.d(k), 0.0, width) + libm::log(h))
                .collect();
            log_sum(&terms)
        } else {
            let terms: Vec<f64> =
                normal_rule().iter().map(|(z, w)| slice.difference.at(width * z) + libm::log(*w)).collect();
            log_sum(&terms)
        };
        slice.log_mass = log_weight + log_total;
        let mut middle: Vec<f64> = (0..self.middles()).map(|j| by_s[j] * self.across(j, width)).collect();
        let total: f64 = middle.iter().sum();
        middle.iter_mut().for_each(|x| *x /= total);
        slice.middle = middle;
        slice
    }

    /// `∫ L N(d; 0, width²) dd` at constant s, over the surface's maximum.
    fn across(&self, j: usize, width: f64) -> f64 {
        let [n, m] = self.surface.size;
        let two_steps = 2.0 * self.surface.step;
        if width >= RESOLVED * two_steps {
            let (from, to) = (j.saturating_sub(m - 1), j.min(n - 1));
            return (from..=to)
                .map(|i| {
                    let d = self.surface.theta(0, i) - self.surface.theta(1, j - i);
                    self.linear[i * m + j - i] * two_steps * libm::exp(normal_log_density(d, 0.0, width))
                })
                .sum();
        }
        let Some(line) = &self.across[j] else { return 0.0 };
        let at = |d: f64| if line.covers(d) { libm::exp(line.at(d) - self.high) } else { 0.0 };
        if width == 0.0 { at(0.0) } else { normal_rule().iter().map(|(z, w)| w * at(width * z)).sum() }
    }

    /// The masses of either effect at its own nodes, all slices together.
    pub fn effects(&self, slices: &[Slice]) -> [Vec<f64>; 2] {
        let [n, m] = self.surface.size;
        let h = self.surface.step;
        let high = slices.iter().map(|s| s.log_weight).fold(f64::NEG_INFINITY, f64::max);
        let mut kernel = vec![0.0; n * m];
        let mut masses = [vec![0.0; n], vec![0.0; m]];
        for slice in slices {
            let weight = libm::exp(slice.log_weight - high);
            let width = SQRT_2 * slice.tau;
            let middle_sd = libm::hypot(slice.prior.sd, FRAC_1_SQRT_2 * slice.tau);
            let log_s = |s: f64| normal_log_density(s, slice.prior.mean, middle_sd);
            if width >= RESOLVED * h {
                let by_s: Vec<f64> = (0..self.middles()).map(|j| libm::exp(log_s(self.s(j)))).collect();
                let by_d: Vec<f64> = (0..self.differences())
                    .map(|k| weight * h * libm::exp(normal_log_density(self.d(k), 0.0, width)))
                    .collect();
                for i in 0..n {
                    for j in 0..m {
                        kernel[i * m + j] += by_s[i + j] * by_d[i + m - 1 - j];
                    }
                }
                continue;
            }
            for (axis, lines) in [&self.rows, &self.columns].into_iter().enumerate() {
                for (i, line) in lines.iter().enumerate() {
                    let own = self.surface.theta(axis, i);
                    let at = |apart: f64| {
                        let other = own - apart;
                        if line.covers(other) {
                            libm::exp(line.at(other) - self.high + log_s(0.5 * (own + other)))
                        } else {
                            0.0
                        }
                    };
                    let sum: f64 = if width == 0.0 {
                        at(0.0)
                    } else {
                        normal_rule().iter().map(|(z, w)| w * at(width * z)).sum()
                    };
                    masses[axis][i] += weight * sum;
                }
            }
        }
        for i in 0..n {
            for j in 0..m {
                let mass = self.linear[i * m + j] * kernel[i * m + j];
                masses[0][i] += mass;
                masses[1][j] += mass;
            }
        }
        masses
    }
}

/// One τ under one normal of the effect prior.
pub struct Slice {
    pub tau: f64,
    pub prior: NormalComponent,
    /// Log of everything but the sum over the surface: weights, the surface's maximum.
    pub log_weight: f64,
    /// `log ∫ L N(s) ds` by d, and the part of it where the effects have opposite signs.
    difference: LogInterpolant,
    opposed: LogInterpolant,
    /// Masses by s, at half the surface's step.
    pub middle: Vec<f64>,
    pub log_mass: f64,
    /// Of the posterior.
    pub share: f64,
}

impl Slice {
    /// Log density of d, weights included, and the chance of opposite signs there.
    pub fn at_difference(&self, d: f64) -> (f64, f64) {
        let log = self.log_weight + self.difference.at(d) + normal_log_density(d, 0.0, SQRT_2 * self.tau);
        (log, self.opposed.at(d).abs().min(1.0))
    }

    /// Given s, μ is normal: its mean is `fixed + by_s · s`, and this is its sd.
    pub fn mean_given_middle(&self) -> (f64, f64, f64) {
        let (v, square) = (self.prior.sd * self.prior.sd, self.tau * self.tau);
        let by_s = 2.0 * v / (square + 2.0 * v);
        (self.prior.mean * (1.0 - by_s), by_s, libm::sqrt(v * square / (square + 2.0 * v)))
    }
}

/// All normals of the effect prior at one τ.
pub struct TauSlices {
    pub tau: f64,
    pub slices: Vec<Slice>,
    pub log_mass: f64,
    pub moments: [f64; 2],
}

impl ScaleNode for TauSlices {
    fn log_mass(&self) -> f64 {
        self.log_mass
    }

    fn tau(&self) -> f64 {
        self.tau
    }

    fn moments(&self) -> [f64; 2] {
        self.moments
    }
}

impl TauSlices {
    pub fn new(lines: &Lines<'_>, tau: f64, priors: &[NormalComponent], log_weight: f64) -> TauSlices {
        let slices: Vec<Slice> = priors.iter().map(|p| lines.slice(tau, *p, log_weight)).collect();
        let log_mass = log_sum(&slices.iter().map(|s| s.log_mass).collect::<Vec<f64>>());
        let mut moments = [0.0; 2];
        for slice in &slices {
            let weight = libm::exp(slice.log_mass - log_mass);
            for (j, mass) in slice.middle.iter().enumerate() {
                let s = lines.s(j);
                moments[0] += weight * mass * s;
                moments[1] += weight * mass * s * s;
            }
        }
        TauSlices { tau, slices, log_mass, moments }
    }
}
