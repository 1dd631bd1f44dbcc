//! What figures show: outlines, curves and surfaces as numbers. `report` draws them.

mod beliefs;
mod chains;
mod energy;
mod forest;
mod gallery;
mod levels;
mod portrait;
mod predictive;
mod ranks;
mod source;
mod thresholds;

pub use beliefs::{Belief, PriorBeliefs, beliefs, beliefs_by_prior};
pub use chains::{ChainTrace, chain_traces};
pub use energy::{Energies, energies};
pub use forest::{Forest, ForestRow, forest};
pub use gallery::Gallery;
pub use levels::{CutRow, CutRows, Known, LevelRow, cut_rows, level_rows};
pub use portrait::Portrait;
pub use predictive::{PredictiveCell, PredictivePanel, PredictivePanels, predictive_panels};
pub use ranks::{RankPanel, RankPoint, rank_panels};
pub use source::{Marginals, outline};
pub use thresholds::{ThresholdCurve, ThresholdCurves, threshold_curves};

use crate::study::Study;

/// A value of θ on its measure's own scale.
fn out(study: &Study, theta: f64) -> f64 {
    if study.outcome.scale.is_ratio() { theta.exp() } else { theta }
}
