//! Studies that are not there yet: what a further trial would be worth and whether it would settle the question, and how often a
//! declared rule is right when its truth is known.
//!
//! ```text
//! decision → belief (posteriors by the thousand: lattices) → next (value of information, assurance, agreement, allocation)
//!                                                         → simulate (operating characteristics, thresholds)
//! ```

mod belief;
mod estimate;
mod events;
pub mod next;
pub mod simulate;

pub use belief::NotCovered;
pub use estimate::Mean;

/// The place of a subgroup among those of an outcome; none where the outcome is not reported of it.
pub type Place = Option<usize>;
