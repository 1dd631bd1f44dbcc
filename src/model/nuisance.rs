//! Numbers that are not known: their priors in parts, roughly, and on even nodes.

use super::LocationComponent;
use crate::numeric::{log_add_exp, softplus};
use crate::study::Nuisance;

/// One part of a prior: unimodal, with one scale.
#[derive(Debug, Clone, Copy)]
pub enum Part {
    Location(LocationComponent),
    LogitBeta { a: f64, b: f64, log_constant: f64 },
}

impl Part {
    pub fn log_density(&self, x: f64) -> f64 {
        match self {
            Part::Location(component) => component.log_density(x),
            Part::LogitBeta { a, b, log_constant } => a * x - (a + b) * softplus(x) + log_constant,
        }
    }

    /// Centre and sd.
    pub fn rough(&self) -> (f64, f64) {
        match self {
            Part::Location(component) => component.peak().map_or((0.0, 1.0), |p| (p.centre, p.sd)),
            Part::LogitBeta { a, b, .. } => (libm::log(a / b), libm::sqrt(1.0 / a + 1.0 / b)),
        }
    }
}

impl Nuisance {
    /// The prior in parts that are unimodal, each with one scale; empty where the number is known.
    pub fn parts(&self) -> Vec<Part> {
        match self {
            Nuisance::Known(_) => Vec::new(),
            Nuisance::Location(prior) => prior.components().into_iter().map(Part::Location).collect(),
            Nuisance::LogitBeta { a, b } => {
                let log_constant = libm::lgamma(a + b) - libm::lgamma(*a) - libm::lgamma(*b);
                vec![Part::LogitBeta { a: *a, b: *b, log_constant }]
            }
        }
    }

    /// The log density of the prior at `x`; 0 where the number is known.
    pub fn log_density(&self, x: f64) -> f64 {
        let parts = self.parts();
        if parts.is_empty() {
            return 0.0;
        }
        parts.iter().map(|p| p.log_density(x)).fold(f64::NEG_INFINITY, log_add_exp)
    }

    /// Evenly spaced values over the prior, `half` on either side of each part's middle, with weights that sum to 1; empty
    /// where the number is known.
    pub fn nodes(&self, half: i32) -> Vec<(f64, f64)> {
        /// Standard deviations that are covered.
        const REACH: f64 = 6.0;
        let mut nodes = Vec::new();
        for part in self.parts() {
            let (centre, sd) = part.rough();
            let step = REACH * sd / f64::from(half);
            let at = |j: i32| centre + step * f64::from(j);
            nodes.extend((-half..=half).map(|j| (at(j), step * libm::exp(part.log_density(at(j))))));
        }
        let total: f64 = nodes.iter().map(|n| n.1).sum();
        nodes.iter_mut().for_each(|n| n.1 /= total);
        nodes
    }

    /// A rough centre and variance; the value itself and 0 where it is known.
    pub fn rough(&self) -> (f64, f64) {
        if let Some(x) = self.known() {
            return (x, 0.0);
        }
        let weighted = |part: &Part| {
            let weight = match part {
                Part::Location(LocationComponent::Normal(n)) => n.weight,
                _ => 1.0,
            };
            (weight, part.rough())
        };
        let parts: Vec<(f64, (f64, f64))> = self.parts().iter().map(weighted).collect();
        let mean: f64 = parts.iter().map(|(w, (x, _))| w * x).sum();
        let square: f64 = parts.iter().map(|(w, (x, sd))| w * (x * x + sd * sd)).sum();
        (mean, (square - mean * mean).max(0.0))
    }

    /// The smallest standard deviation of the parts of its prior; infinite where the number is known.
    pub fn narrowest(&self) -> f64 {
        self.parts().iter().map(|p| p.rough().1).fold(f64::INFINITY, f64::min)
    }
}
