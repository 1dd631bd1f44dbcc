//! Patient rows: from a file of one row per patient to cells, and an account of what was read.
//!
//! ```text
//! reader (records of a file, one at a time) → cut (numbers into levels) → coding (what stands for arm, event, subgroup)
//!     → cells (events and patients by subgroup and arm) + covariates (what else stands in the rows that are used)
//!     + account (rows used and dropped, levels, columns)
//! ```
//!
//! Without covariates rows of one subgroup and arm are exchangeable: their cell is all that the model sees, so that a file of
//! any size is fitted as fast as its table.

mod cells;
mod coding;
mod covariates;
mod cut;
mod survey;

pub use cells::read;
pub use coding::{Column, Taken, Unlisted, is_nothing, levels_of};
pub use covariates::{Covariates, Levels, Measured, Values};
pub use cut::{Cut, check_cuts};
pub use survey::{Survey, Surveyed, survey, surveyed};
