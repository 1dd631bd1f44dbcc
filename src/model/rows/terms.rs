//! Coefficients and centres in the sampler's coordinates.

use std::sync::Arc;

use super::{Rows, Sums};
use crate::model::level::{Adjoint, Child, Located, half_log_product};
use crate::model::prior_slope::LocationSlope;
use crate::study::HeterogeneityPrior;

/// Coordinates in order: γ as they are; σ among centres, where it is sampled; the centres' intercepts.
#[derive(Debug, Clone)]
pub struct Terms {
    pub rows: Arc<Rows>,
    priors: Vec<LocationSlope>,
    gamma: usize,
    centres: Option<Centres>,
    /// Whether rows are shared out among threads.
    pub in_parallel: bool,
}

#[derive(Debug, Clone)]
struct Centres {
    prior: HeterogeneityPrior,
    scale: Option<usize>,
    first: usize,
}

/// One point's coefficients and intercepts, with what leads back.
#[derive(Debug, Clone)]
pub struct Scratch {
    pub gamma: Vec<f64>,
    pub centres: Vec<f64>,
    /// σ among centres; none where it is fixed.
    pub centre_sd: Option<f64>,
    children: Vec<Child>,
    by_gamma: Vec<f64>,
    by_centre: Vec<f64>,
    sums: Sums,
}

impl Terms {
    /// Coordinates from `dim` on, which is moved on.
    pub fn new(rows: Arc<Rows>, dim: &mut usize) -> Terms {
        let gamma = *dim;
        *dim += rows.terms();
        let centres = rows.centre_sd.map(|prior| {
            let scale = (!matches!(prior, HeterogeneityPrior::Fixed { .. })).then_some(*dim);
            *dim += usize::from(scale.is_some());
            let first = *dim;
            *dim += rows.centres();
            Centres { prior, scale, first }
        });
        Terms { priors: rows.priors(), gamma, centres, rows, in_parallel: false }
    }

    pub fn scratch(&self) -> Scratch {
        let (d, k) = (self.rows.terms(), self.rows.centres());
        Scratch {
            gamma: vec![0.0; d],
            centres: vec![0.0; k],
            centre_sd: None,
            children: vec![Child::default(); k],
            by_gamma: vec![0.0; d],
            by_centre: vec![0.0; k],
            sums: Sums { in_parallel: self.in_parallel, ..self.rows.sums() },
        }
    }

    /// A point near the posterior's middle.
    pub fn place_middle(&self, q: &mut [f64]) {
        q[self.gamma..self.gamma + self.rows.terms()].copy_from_slice(self.rows.rough_gamma());
        if let Some(Centres { prior, scale: Some(scale), .. }) = &self.centres {
            let near = self.rows.rough_centre_sd();
            let inside = match *prior {
                HeterogeneityPrior::Uniform { upper } => near.min(0.9 * upper),
                _ => near,
            };
            q[*scale] = prior.coordinate_of(inside);
        }
    }

    /// Coefficients and intercepts at `q`; the level of the centres, where there are any.
    pub fn locate(&self, q: &[f64], scratch: &mut Scratch) -> Option<Located> {
        scratch.gamma.copy_from_slice(&q[self.gamma..self.gamma + self.rows.terms()]);
        let centres = self.centres.as_ref()?;
        let at = Located::around_zero(&centres.prior, centres.scale.map_or(0.0, |s| q[s]));
        let (estimates, information) = self.rows.centre_hints();
        for c in 0..self.rows.centres() {
            let child = Child::place(&at, estimates[c], information[c], q[centres.first + c]);
            scratch.centres[c] = child.value(&at);
            scratch.children[c] = child;
        }
        scratch.centre_sd = centres.scale.map(|_| at.scale.value);
        Some(at)
    }

    /// The rows' log likelihood at the cells' log odds with the priors of coefficients and intercepts; slopes by the cells, and
    /// the gradient by these coordinates.
    pub fn log_density(
        &self,
        cells: &[f64],
        q: &[f64],
        slopes: &mut [f64],
        gradient: &mut [f64],
        scratch: &mut Scratch,
    ) -> f64 {
        let at = self.locate(q, scratch);
        let Scratch { gamma, centres, children, by_gamma, by_centre, sums, .. } = scratch;
        let mut log_density =
            self.rows.log_likelihood(cells, (gamma, centres), (slopes, by_gamma, by_centre), sums);
        for (j, (prior, &g)) in self.priors.iter().zip(&*gamma).enumerate() {
            let (value, slope) = prior.at(g);
            log_density += value;
            gradient[self.gamma + j] = by_gamma[j] + slope;
        }
        if let (Some(level), Some(at)) = (&self.centres, at) {
            let mut adjoint = Adjoint::default();
            for (c, child) in children.iter().enumerate() {
                log_density -= 0.5 * child.e * child.e;
                gradient[level.first + c] = child.pull(&at, by_centre[c], &mut adjoint).0;
            }
            log_density += at.log_density + half_log_product(children.iter().map(Child::rho));
            if let Some(scale) = level.scale {
                gradient[scale] = at.gradient(adjoint).1;
            }
        }
        log_density
    }
}
