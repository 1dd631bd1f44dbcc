//! A result as files have it: the names and order of the fields of schema `equipoise/result/2`, apart from those of the
//! library's own types, which may be renamed and grow.

mod checks;
mod model_checks;
mod rows;

pub use checks::{BaselineConflict, Checks, EffectConflict, Settings, baseline_conflicts};
pub use model_checks::{ModelChecks, model_checks};
pub use rows::{Estimate, Parameter, Probability, estimates, parameters, probabilities};
