//! From distributions to what is reported: estimands, probability statements, claims.

mod analysis;
mod block;
mod claim;
mod estimand;
mod nnt;
mod result;
mod sampled;

pub use analysis::{Options, Report, analyse, prior_report};
pub use claim::{Claim, Lean};
pub use estimand::{Axis, Measure, Scope, Statement};
pub use nnt::Nnt;
pub use result::{
    Checks, Estimate, ExactChecks, Parameter, PriorSummary, Probability, Quantiles, Settings, Summary,
};
