//! Cells whose predictors are linear in coefficients, some of which have a standard deviation that is estimated: several
//! arms, and several subgroup factors.
//!
//! The predictor of cell c is x_c = Σ_j X_cj b_j: log odds where the cell holds counts, the effect itself where it holds an
//! estimate. A coefficient either has a prior of its own, or is normal around 0 with one of the standard deviations.

mod density;
mod factor;
mod rough;
mod scale;
mod simulate;

pub use density::{LinearDensity, LinearScratch};
pub use scale::ScalePrior;

use std::ops::Range;
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use super::LocationPrior;
use super::rows::Rows;
use super::simulate::Source;
use crate::numeric::logit;

/// The model of all cells.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    /// The coefficients. Those that few cells share stand first: they are eliminated in this order.
    pub coefficients: Vec<Coefficient>,
    /// The priors of the standard deviations.
    pub scales: Vec<ScalePrior>,
    /// The cells.
    pub cells: Vec<Cell>,
    /// The patients of cells that are [`Seen::Rows`].
    pub rows: Option<LinearRows>,
    /// How it is found out roughly what the data say, which decides the sampler's speed and nothing else.
    pub resembling: Resembling,
}

/// Patients with covariates, whose coefficients are the last of the model's.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearRows {
    /// The patients; their cells are the model's.
    pub rows: Arc<Rows>,
    /// The same by cell, to average risks over.
    pub by_cell: Arc<Rows>,
    /// The places of the covariates' coefficients.
    pub gamma: Range<usize>,
}

/// What stands for the likelihood where only a rough normal is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resembling {
    /// Every cell's own counts: for cells that hold many patients.
    Cells,
    /// One rough fit of all cells together: for many small ones, and for patients with covariates.
    Fit,
}

/// What is known of a coefficient beforehand.
#[derive(Debug, Clone, PartialEq)]
pub enum Coefficient {
    /// It has this prior.
    Located(LocationPrior),
    /// It is N(0, σ²), σ being the standard deviation at this place.
    Scaled(usize),
    /// It is N(0, s²) as a regularised horseshoe has it: s = τλc/√(c² + τ²λ²) of the standard deviations at these places.
    Shrunk {
        /// Of τ.
        global: usize,
        /// Of λ.
        local: usize,
        /// Of c.
        slab: usize,
    },
}

/// One cell: its row of X, and what was observed.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Coefficients by place with their factors; the others have none in this cell.
    pub of: Vec<(usize, f64)>,
    /// What was observed.
    pub seen: Seen,
}

/// What was observed in a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Seen {
    /// Patients with an event, of so many; the predictor is the log odds.
    Counts {
        /// Patients with the event.
        events: f64,
        /// All patients.
        total: f64,
    },
    /// A normal estimate of the predictor.
    Estimate {
        /// The estimate.
        estimate: f64,
        /// One over its variance.
        precision: f64,
    },
    /// Patients whose rows say it; the predictor is their log odds beside their covariates.
    Rows {
        /// How many they are.
        patients: f64,
    },
}

impl Seen {
    /// The normal that the likelihood resembles: its centre and its precision.
    fn resembles(self) -> (f64, f64) {
        match self {
            Seen::Counts { events, total } => {
                let p = (events + 0.5) / (total + 1.0);
                (logit(p), total * p * (1.0 - p))
            }
            Seen::Estimate { estimate, precision } => (estimate, precision),
            Seen::Rows { .. } => (0.0, 0.0),
        }
    }

    /// Whether patients were seen, but the data bound the predictor on one side only.
    fn is_open(self) -> bool {
        matches!(self, Seen::Counts { events, total } if total > 0.0 && (events == 0.0 || events == total))
    }
}

/// One point in the model's own terms.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    /// Every coefficient.
    pub coefficients: &'a [f64],
    /// Every standard deviation, fixed ones among them.
    pub scales: &'a [f64],
    /// Every cell's predictor.
    pub predictors: &'a [f64],
}

impl Linear {
    /// Whether a cell's data bound its predictor on one side only.
    pub fn has_walls(&self) -> bool {
        self.cells.iter().any(|cell| cell.seen.is_open())
    }

    /// How many patients a cell has; 0 where it holds an estimate.
    pub fn patients(&self, cell: usize) -> f64 {
        match self.cells.get(cell).map(|cell| cell.seen) {
            Some(Seen::Counts { total, .. }) => total,
            Some(Seen::Rows { patients }) => patients,
            _ => 0.0,
        }
    }

    /// Whether the standard deviation at this place is estimated.
    pub fn samples_scale(&self, place: usize) -> bool {
        self.scales.get(place).is_some_and(|prior| prior.fixed().is_none())
    }

    /// Every cell's predictor at these coefficients.
    pub fn predictors(&self, coefficients: &[f64], into: &mut [f64]) {
        for (x, cell) in into.iter_mut().zip(&self.cells) {
            *x = cell.of.iter().map(|&(j, by)| by * coefficients[j]).sum();
        }
    }

    /// Draws standard deviations, then coefficients, from their priors; false where one of them is flat.
    pub fn draw_prior(
        &self,
        (rng, sign): (&mut ChaCha8Rng, f64),
        (scales, coefficients): (&mut [f64], &mut [f64]),
    ) -> bool {
        let mut from = Source::new(rng, sign);
        for (scale, prior) in scales.iter_mut().zip(&self.scales) {
            *scale = prior.draw(&mut from);
        }
        for (b, coefficient) in coefficients.iter_mut().zip(&self.coefficients) {
            *b = match coefficient {
                Coefficient::Scaled(scale) => scales[*scale] * from.normal(),
                Coefficient::Shrunk { global, local, slab } => {
                    scale::shrunk(scales[*global] * scales[*local], scales[*slab]) * from.normal()
                }
                Coefficient::Located(prior) => match prior.draw(&mut from) {
                    Some(b) => b,
                    None => return false,
                },
            };
        }
        true
    }
}
