//! Parameters at one point, and the derivatives that lead from there to the gradient.

use super::level::{Adjoint, Child, Hints, Level, Located};
use super::levels::LevelsScratch;
use super::observation::{CorrelatedScratch, Tape};
use super::rows::TermsScratch;
use super::{HeterogeneityPrior, LocationPrior};

/// Working memory for evaluations of a [`Hierarchy`](super::Hierarchy): what one evaluation fills, the next one
/// reuses.
#[derive(Debug, Clone)]
pub struct Scratch {
    /// Location and scale of the effects, by level.
    pub effects: Vec<Located>,
    /// The density's gradient by location and scale, by level.
    pub adjoints: Vec<Adjoint>,
    /// The subgroups' effects θ.
    pub theta: Vec<f64>,
    /// By how much a bias moves the effect that is seen in each subgroup; empty where there is no bias.
    pub bias: Vec<f64>,
    /// Derivatives of each subgroup's bias; empty where there is no bias.
    pub tapes: Vec<Tape>,
    /// Slopes of the log likelihood by the cells' log odds: control arms, then active arms.
    pub slopes: Vec<f64>,
    /// Working memory for correlated estimates; empty for others.
    pub correlated: CorrelatedScratch,
    /// Working memory for counts; its vectors are empty where there are none.
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
    /// Of ordered levels.
    pub levels: Option<LevelsScratch>,
}

/// A level that stands for none.
pub fn nowhere() -> Located {
    let hints = Hints::closed(Vec::new(), Vec::new());
    Level::new(&LocationPrior::Flat, HeterogeneityPrior::Fixed { value: 0.0 }, hints).locate(0.0, 0.0)
}
