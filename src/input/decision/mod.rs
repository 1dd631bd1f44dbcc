//! Decision files: read, checked against the models that they name, and made a [`Decision`](crate::study::Decision).

mod build;
mod common;
mod file;
mod layers;
mod opening;
mod panel;
mod rules;
mod several;

pub use file::{DecisionFile, ModelDecision};
pub use opening::{is_decision, open_decision, open_decision_changed, open_decision_with};
