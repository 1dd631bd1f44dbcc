//! Finite mixtures of normals.

use super::Distribution;
use super::Resolution;
use super::distribution::Tabulated;
use super::pair::IndependentPair;
use super::smooth::log_sum;
use crate::numeric::{Peak, invert_distribution, normal_cdf, tabulate};

const LOG_2_PI: f64 = 1.837_877_066_409_345_3;

/// A mixture of more parts is summed from a table of its density.
const MOST_PARTS: usize = 4096;

/// A finite mixture of normals.
#[derive(Debug, Clone)]
pub struct NormalMixture {
    /// Weight, mean, sd.
    pub(super) parts: Vec<(f64, f64, f64)>,
    /// Moments of order below this exist.
    pub(super) moment_limit: f64,
}

impl NormalMixture {
    /// The difference of two independent mixtures: of few parts again a mixture, otherwise from tables of both, since its
    /// parts would be as many as both have together.
    pub fn minus(&self, other: &NormalMixture, resolution: Resolution) -> Box<dyn Distribution> {
        if self.parts.len() * other.parts.len() > MOST_PARTS {
            return Box::new(IndependentPair {
                first: self.tabulated(resolution),
                second: other.tabulated(resolution),
            });
        }
        let parts = self
            .parts
            .iter()
            .flat_map(|&(w, m, s)| {
                other.parts.iter().map(move |&(v, n, t)| (w * v, m - n, libm::hypot(s, t)))
            })
            .filter(|p| p.0 > 1e-15)
            .collect();
        Box::new(NormalMixture { parts, moment_limit: self.moment_limit.min(other.moment_limit) })
    }

    fn tabulated(&self, resolution: Resolution) -> Tabulated {
        let logs: Vec<f64> = self.parts.iter().map(|(w, _, s)| libm::log(*w) - libm::log(*s)).collect();
        let (_, centre, sd) =
            self.parts.iter().copied().max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((1.0, 0.0, 1.0));
        let mut terms = Vec::with_capacity(self.parts.len());
        let table = tabulate(Peak { centre, sd }, resolution.density(), |x| {
            terms.clear();
            terms.extend(logs.iter().zip(&self.parts).map(|(log, (_, m, s))| {
                let z = (x - m) / s;
                log - 0.5 * z * z
            }));
            log_sum(&terms) - 0.5 * LOG_2_PI
        });
        Tabulated::proven(table, self.moment_limit, Some(self.moments()), 0.0)
    }

    fn moments(&self) -> (f64, f64) {
        let mean: f64 = self.parts.iter().map(|(w, m, _)| w * m).sum();
        let variance: f64 = self.parts.iter().map(|(w, m, s)| w * (s * s + (m - mean) * (m - mean))).sum();
        (mean, libm::sqrt(variance))
    }
}

impl Distribution for NormalMixture {
    fn cdf(&self, x: f64) -> f64 {
        let total: f64 = self
            .parts
            .iter()
            .map(|&(w, m, s)| w * if s > 0.0 { normal_cdf((x - m) / s) } else { step(x, m) })
            .sum();
        total.clamp(0.0, 1.0)
    }

    fn quantile(&self, p: f64) -> f64 {
        let (mean, sd) = self.moments();
        let reach = self.parts.iter().map(|(_, m, s)| m.abs() + 40.0 * s).fold(0.0, f64::max);
        invert_distribution(p, (mean, sd.max(1e-300)), (-reach, reach), |x| self.cdf(x))
    }

    fn mean(&self) -> Option<f64> {
        (self.moment_limit > 1.0).then(|| self.moments().0)
    }

    fn sd(&self) -> Option<f64> {
        (self.moment_limit > 2.0).then(|| self.moments().1)
    }

    fn log_densities(&self, x: &[f64]) -> Option<Vec<f64>> {
        let logs: Vec<f64> = self.parts.iter().map(|(w, _, s)| libm::log(*w) - libm::log(*s)).collect();
        let mut terms = Vec::with_capacity(self.parts.len());
        let mut at = |x: f64| {
            terms.clear();
            terms.extend(logs.iter().zip(&self.parts).map(|(log, (_, m, s))| {
                let z = (x - m) / s;
                log - 0.5 * z * z
            }));
            log_sum(&terms) - 0.5 * LOG_2_PI
        };
        // A part without a spread has no density.
        self.parts.iter().all(|p| p.2 > 0.0).then(|| x.iter().map(|x| at(*x)).collect())
    }
}

/// The distribution function of a point mass.
fn step(x: f64, at: f64) -> f64 {
    if x >= at { 1.0 } else { 0.0 }
}
