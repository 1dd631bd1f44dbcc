//! The No-U-Turn sampler (Hoffman & Gelman 2014; Betancourt 2017), and nothing about medicine.
//!
//! ```text
//! log density → laplace → metric → warm-up (stages) → chain → draws
//!                            phase → trajectory → tree
//! ```
//!
//! [`tree`] grows a trajectory by doubling and knows neither numbers nor densities: only that a [`tree::Trajectory`] can
//! take a step, join two stretches, tell whether they turn back, and choose between two candidates. `trajectory` fills
//! that in for Hamiltonian motion, in coordinates whitened by a [`metric::Metric`], where the kinetic energy is that of
//! independent standard normals. [`warmup`] is a list of stages that a [`Chain`] walks.

mod chain;
pub mod laplace;
pub mod metric;
mod phase;
mod run;
mod step_size;
mod streams;
mod trajectory;
pub mod tree;
pub mod warmup;

pub use chain::{Chain, Transition};
pub use run::{Recorded, Settings, Watch, extend, start};
pub use streams::{Purpose, stream};
