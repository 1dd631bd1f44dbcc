//! Correlated estimates seen along the eigenvectors of their errors' covariance, `Σ = U Λ Uᵀ`. Effects that vary around one
//! mean with one spread do so in every direction alike, `Uᵀθ ~ N(μ Uᵀ1, τ² 1)`, so that along these axes everything given μ
//! and τ is independent.

use super::gaussian::GivenMu;
use crate::model::CorrelatedEstimates;
use crate::numeric::linear::symmetric_eigen;

/// The estimates along each axis.
#[derive(Debug, Clone)]
pub struct Rotated {
    pub axes: Vec<Axis>,
    /// U, by row: of subgroup `g` its share in every axis.
    vectors: Vec<f64>,
}

/// One axis: its estimate, what μ weighs in it, and its variance.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    pub estimate: f64,
    pub loading: f64,
    pub variance: f64,
}

impl Rotated {
    pub fn new(estimates: &CorrelatedEstimates) -> Rotated {
        let own = estimates.estimates();
        let size = own.len();
        let (values, vectors) = symmetric_eigen(estimates.covariance(), size);
        let along =
            |k: usize, x: &dyn Fn(usize) -> f64| (0..size).map(|g| vectors[g * size + k] * x(g)).sum();
        let axis = |k: usize| Axis {
            estimate: along(k, &|g| own[g]),
            loading: along(k, &|_| 1.0),
            variance: values[k],
        };
        Rotated { axes: (0..size).map(axis).collect(), vectors }
    }

    fn shares(&self, g: usize) -> &[f64] {
        let size = self.axes.len();
        &self.vectors[g * size..(g + 1) * size]
    }

    /// θ_g given μ and τ.
    pub fn given_mu(&self, g: usize, tau: f64) -> GivenMu {
        let combined = self.combined(self.shares(g).iter().copied(), tau);
        GivenMu { keep: 1.0 + combined.keep, ..combined }
    }

    /// θ_a − θ_b given μ and τ.
    pub fn difference_given_mu(&self, a: usize, b: usize, tau: f64) -> GivenMu {
        self.combined(self.shares(a).iter().zip(self.shares(b)).map(|(x, y)| x - y), tau)
    }

    /// A sum of effects, less its own mean, by what it weighs in every axis. Along one, θ given μ and τ is what it draws from
    /// its estimate, s = τ²/(λ + τ²), of the way from μ, with variance λ s.
    fn combined(&self, weights: impl Iterator<Item = f64>, tau: f64) -> GivenMu {
        let (mut keep, mut own, mut variance) = (0.0, 0.0, 0.0);
        for (weight, axis) in weights.zip(&self.axes) {
            let drawn = tau * tau / (axis.variance + tau * tau);
            keep -= weight * axis.loading * drawn;
            own += weight * axis.estimate * drawn;
            variance += weight * weight * axis.variance * drawn;
        }
        GivenMu { keep, own, variance }
    }

    /// The covariance of θ_a and θ_b given μ and τ.
    pub fn covariance_given_mu(&self, a: usize, b: usize, tau: f64) -> f64 {
        let each = self.shares(a).iter().zip(self.shares(b)).zip(&self.axes);
        each.map(|((x, y), axis)| x * y * axis.variance * (tau * tau / (axis.variance + tau * tau))).sum()
    }
}
