//! A point in phase space and its motion.

use crate::density::LogDensity;

use super::metric::Metric;

/// Whitened position, momentum, and the density there.
#[derive(Debug, Clone)]
pub struct Phase {
    pub y: Vec<f64>,
    pub p: Vec<f64>,
    /// The gradient of the log density by y.
    pub gradient: Vec<f64>,
    pub log_density: f64,
}

impl Phase {
    pub fn new(d: usize) -> Phase {
        Phase { y: vec![0.0; d], p: vec![0.0; d], gradient: vec![0.0; d], log_density: f64::NEG_INFINITY }
    }

    /// Potential and kinetic energy, −log p(q) + ½|p|².
    #[inline]
    pub fn energy(&self) -> f64 {
        let mut kinetic = 0.0;
        for p in &self.p {
            kinetic += p * p;
        }
        0.5 * kinetic - self.log_density
    }

    #[inline]
    pub fn copy_from(&mut self, other: &Phase) {
        self.y.copy_from_slice(&other.y);
        self.p.copy_from_slice(&other.p);
        self.gradient.copy_from_slice(&other.gradient);
        self.log_density = other.log_density;
    }
}

/// A density seen through a metric.
pub struct Hamiltonian<'a, D: LogDensity> {
    density: &'a D,
    pub metric: Metric,
    scratch: D::Scratch,
    q: Vec<f64>,
    g: Vec<f64>,
}

impl<'a, D: LogDensity> Hamiltonian<'a, D> {
    pub fn new(density: &'a D, metric: Metric) -> Hamiltonian<'a, D> {
        let d = density.dim();
        Hamiltonian { density, metric, scratch: density.scratch(), q: vec![0.0; d], g: vec![0.0; d] }
    }

    /// Density and gradient at the phase's position.
    #[inline]
    pub fn evaluate(&mut self, phase: &mut Phase) {
        self.metric.position(&phase.y, &mut self.q);
        phase.log_density = self.density.evaluate(&self.q, &mut self.g, &mut self.scratch);
        self.metric.pull(&self.g, &mut phase.gradient);
    }

    /// One leapfrog step of size `step`, backward in time if negative.
    #[inline]
    pub fn leapfrog(&mut self, phase: &mut Phase, step: f64) {
        let d = phase.y.len();
        let (y, p, gradient) = (&mut phase.y[..d], &mut phase.p[..d], &phase.gradient[..d]);
        for i in 0..d {
            p[i] += 0.5 * step * gradient[i];
            y[i] += step * p[i];
        }
        self.evaluate(phase);
        let (p, gradient) = (&mut phase.p[..d], &phase.gradient[..d]);
        for i in 0..d {
            p[i] += 0.5 * step * gradient[i];
        }
    }
}
