//! What is written, read and checked: model files, decision files, data files, and the words of priors and biases.
//!
//! Everything ends in a [`Study`](crate::study::Study) or a [`Decision`](crate::study::Decision), or in an error that says
//! where in which file, what was found, what was expected and what to do.

mod adjust_section;
mod adjustment_section;
mod arms;
mod bias_section;
mod bias_values;
mod bias_words;
mod build;
mod changes;
mod columns;
mod crossing;
mod data_section;
mod decision;
mod design;
mod draft;
mod draft_levels;
mod draft_lines;
mod draft_rows;
mod draft_table;
mod joint;
mod keys;
mod level_words;
mod matrix;
mod matrix_words;
mod model_file;
mod named;
mod nearest;
mod not_a_model;
mod number;
mod opening;
mod patients;
mod prior_words;
mod ranges;
mod reader;
mod recognised;
mod roles;
mod schema;
mod shipped;
mod source;
mod suggested;
mod table;
mod truths;
mod values;
mod words;

pub use changes::Changes;
pub use decision::{DecisionFile, is_decision, open_decision, open_decision_changed, open_decision_with};
pub use draft::{Draft, draft};
pub use model_file::{ModelFile, Rows};
pub use opening::{Reading, open, open_changed, open_copy, open_text, open_with};
pub use patients::{Surveyed, survey};
pub use reader::{Decimal, Form, rows_read};
pub use schema::{decision_schema, json_schema};
pub use shipped::{Shipped, shipped, shipped_decisions};
pub use source::{Source, read_at_most};
pub use truths::open_design;
