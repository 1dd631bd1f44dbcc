//! The observations below the effects' levels, in the sampler's coordinates.

use super::between::Between;
use super::cells_density::CellsDensity;
use super::correlated_density::{CorrelatedDensity, CorrelatedScratch};
use super::{NormalEstimate, Observation};
use crate::model::effects::{Effects, Placed};
use crate::model::labels::Labels;
use crate::model::level::{Child, Hints, half_log_product};
use crate::model::levels::LevelsDensity;
use crate::model::rows::Terms;
use crate::model::scratch::{CellsScratch, Scratch, nowhere};

/// Everything between the effects' levels and the data.
#[derive(Debug, Clone)]
pub enum Observed {
    /// Counts by arm: θ and α have coordinates.
    Cells(Box<CellsDensity>),
    /// Published estimates: θ is integrated out.
    Estimates(EstimatesDensity),
    /// The same with correlated errors.
    Correlated(CorrelatedDensity),
}

/// Published estimates around their level: `y_g ~ N(μ + b_g, se_g² + τ²)`.
#[derive(Debug, Clone)]
pub struct EstimatesDensity {
    /// With informations; where no bias is sampled they are their level's hints.
    known: Hints,
    between: Option<Between>,
}

impl Observed {
    /// At the next coordinates.
    pub fn new(observation: &Observation, effects: &Effects, dim: &mut usize) -> Observed {
        match observation {
            Observation::Cells(cells) => Observed::Cells(Box::new(CellsDensity::new(cells, effects, dim))),
            Observation::Estimates(rows) => Observed::Estimates(EstimatesDensity::new(rows, dim)),
            Observation::Correlated(estimates) => {
                Observed::Correlated(CorrelatedDensity::new(estimates, dim))
            }
        }
    }

    /// The level of exchangeable baselines.
    pub fn shared_baseline(&self) -> Option<&Placed> {
        match self {
            Observed::Cells(cells) => cells.shared_baseline(),
            Observed::Estimates(_) | Observed::Correlated(_) => None,
        }
    }

    /// The bias between effects and data, where one is stated.
    pub fn between(&self) -> Option<&Between> {
        match self {
            Observed::Cells(cells) => cells.between(),
            Observed::Estimates(estimates) => estimates.between.as_ref(),
            Observed::Correlated(estimates) => estimates.between.as_ref(),
        }
    }

    /// Labels that may be wrong.
    pub fn labels(&self) -> Option<&Labels> {
        match self {
            Observed::Cells(cells) => cells.labels(),
            Observed::Estimates(_) | Observed::Correlated(_) => None,
        }
    }

    /// Covariates and centres.
    pub fn terms(&self) -> Option<&Terms> {
        match self {
            Observed::Cells(cells) => cells.terms(),
            Observed::Estimates(_) | Observed::Correlated(_) => None,
        }
    }

    /// Ordered levels.
    pub fn levels(&self) -> Option<&LevelsDensity> {
        match self {
            Observed::Cells(cells) => cells.levels(),
            Observed::Estimates(_) | Observed::Correlated(_) => None,
        }
    }

    /// The same, to be changed.
    pub fn terms_mut(&mut self) -> Option<&mut Terms> {
        match self {
            Observed::Cells(cells) => cells.terms_mut(),
            Observed::Estimates(_) | Observed::Correlated(_) => None,
        }
    }

    /// What it needs of `subgroups` subgroups.
    pub fn scratch(&self, subgroups: usize) -> CellsScratch {
        let n = if matches!(self, Observed::Cells(_)) { subgroups } else { 0 };
        let between = self.between().is_some();
        CellsScratch {
            baseline: nowhere(),
            theta_children: vec![Child::default(); n],
            alpha_children: vec![Child::default(); n],
            alpha: vec![0.0; n],
            hint_by_theta: vec![0.0; n],
            x: vec![0.0; 2 * n],
            seen: vec![0.0; if between { 2 * n } else { 0 }],
            terms: self.terms().map(Terms::scratch),
            levels: self.levels().map(LevelsDensity::scratch),
        }
    }

    /// What correlated estimates need of `subgroups` subgroups.
    pub fn correlated_scratch(&self, subgroups: usize) -> CorrelatedScratch {
        let n = if matches!(self, Observed::Correlated(_)) { subgroups } else { 0 };
        CorrelatedScratch::of(n)
    }

    /// Fills in θ, and whatever else has a value at `q`; `standard` places the θ of estimates in their conditional
    /// distribution.
    pub fn place(&self, effects: &Effects, q: &[f64], standard: &[f64], scratch: &mut Scratch) {
        match self {
            Observed::Cells(cells) => cells.place(effects, q, scratch),
            Observed::Estimates(estimates) => estimates.place(effects, q, standard, scratch),
            Observed::Correlated(estimates) => estimates.place(effects, q, standard, scratch),
        }
    }

    /// Log likelihood with the priors of all that stands below the effects' levels; writes the gradient by their coordinates
    /// and adds to the levels' adjoints.
    pub fn log_density(
        &self,
        effects: &Effects,
        q: &[f64],
        gradient: &mut [f64],
        scratch: &mut Scratch,
    ) -> f64 {
        match self {
            Observed::Cells(cells) => cells.log_density(effects, q, gradient, scratch),
            Observed::Estimates(estimates) => estimates.log_density(effects, q, gradient, scratch),
            Observed::Correlated(estimates) => estimates.log_density(effects, q, gradient, scratch),
        }
    }
}

impl EstimatesDensity {
    fn new(rows: &[NormalEstimate], dim: &mut usize) -> EstimatesDensity {
        let known = Hints::closed(
            rows.iter().map(|r| r.estimate).collect(),
            rows.iter().map(|r| 1.0 / (r.se * r.se)).collect(),
        );
        EstimatesDensity { known, between: Between::of_estimates(rows, dim) }
    }

    fn place(&self, effects: &Effects, q: &[f64], standard: &[f64], scratch: &mut Scratch) {
        let mut unused = 0.0;
        for (g, &z) in standard.iter().enumerate().take(effects.subgroups()) {
            let at = scratch.effects[effects.level_of(g)];
            let bias = match &self.between {
                Some(between) => between.of_estimate(g, q, &mut scratch.tapes[g], &mut unused),
                None => 0.0,
            };
            if let Some(kept) = scratch.bias.get_mut(g) {
                *kept = bias;
            }
            let (estimate, information) = (self.known.estimates[g] - bias, self.known.information[g]);
            scratch.theta[g] = Child::place(&at, estimate, information, z).value(&at);
        }
    }

    fn log_density(&self, effects: &Effects, q: &[f64], gradient: &mut [f64], scratch: &mut Scratch) -> f64 {
        let mut log_density = 0.0;
        for g in 0..effects.subgroups() {
            let level = effects.level_of(g);
            let at = scratch.effects[level];
            let bias = match &self.between {
                Some(between) => between.of_estimate(g, q, &mut scratch.tapes[g], &mut log_density),
                None => 0.0,
            };
            let (estimate, information) = (self.known.estimates[g] - bias, self.known.information[g]);
            let tau = at.scale.value;
            let rho = 1.0 / (1.0 + information * tau * tau);
            let k = information * rho;
            let apart = estimate - at.location;
            let adjoint = &mut scratch.adjoints[level];
            adjoint.location += k * apart;
            adjoint.scale += tau * k * (k * apart * apart - 1.0);
            log_density -= 0.5 * k * apart * apart;
            if let Some(between) = &self.between {
                between.back_from_estimate(g, k * apart, &scratch.tapes[g], gradient);
            }
            scratch.slopes[g] = rho;
        }
        log_density + half_log_product(scratch.slopes[..effects.subgroups()].iter().copied())
    }
}
