//! Parameters at one point, and what is needed to go back from there.

use super::level::{Adjoint, Child, Hints, Level, Located};
use super::observation::Tape;
use super::rows::TermsScratch;
use super::{HeterogeneityPrior, LocationPrior};

/// What one evaluation of a density fills and the next one reuses.
#[derive(Debug, Clone)]
pub struct Scratch {
    /// By effect level.
    pub effects: Vec<Located>,
    pub adjoints: Vec<Adjoint>,
    pub theta: Vec<f64>,
    /// By how much a bias moves what is seen of each effect; empty where there is none.
    pub bias: Vec<f64>,
    /// What leads back through a bias, by subgroup; empty where there is none.
    pub tapes: Vec<Tape>,
    /// Slopes of the log likelihood by the cells' log odds: control arms, then active arms.
    pub slopes: Vec<f64>,
    /// Empty vectors where there are no cells.
    pub cells: CellsScratch,
}

/// Of counts by arm. What is by cell has the control arms first, then the active arms.
#[derive(Debug, Clone)]
pub struct CellsScratch {
    /// The level of exchangeable baselines; anything where they are independent.
    pub baseline: Located,
    pub theta_children: Vec<Child>,
    pub alpha_children: Vec<Child>,
    pub alpha: Vec<f64>,
    /// Slopes of the places of α by θ.
    pub hint_by_theta: Vec<f64>,
    /// Log odds of the cells that are asked for.
    pub x: Vec<f64>,
    /// Log odds at which the cells are seen; empty where nothing stands between.
    pub seen: Vec<f64>,
    /// Of covariates and centres, where there are any.
    pub terms: Option<TermsScratch>,
}

/// A level that stands for none.
pub fn nowhere() -> Located {
    let hints = Hints::closed(Vec::new(), Vec::new());
    Level::new(&LocationPrior::Flat, HeterogeneityPrior::Fixed { value: 0.0 }, hints).locate(0.0, 0.0)
}
