//! What is told of treatment that was not randomised: who was treated, whether weights balance the arms, and what each estimator
//! comes to.

mod design;
mod estimators;
mod wire;

pub use design::{design, in_brief, reviewers};
pub use estimators::side_by_side;
pub use wire::{Head, head};

use crate::study::Study;

/// Imbalance above this is told.
const BALANCED: f64 = 0.1;

/// The name of a population: a subgroup's, or all patients.
fn population(study: &Study, subgroup: Option<usize>) -> String {
    let names = study.data.names();
    subgroup.and_then(|g| names.get(g)).map_or_else(|| "all patients".to_string(), |name| (*name).to_string())
}
