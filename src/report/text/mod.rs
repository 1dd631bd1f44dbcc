//! The tables that people read, at 80 columns.

mod adjusted;
mod answer;
mod arms;
mod bias;
mod check;
mod columns;
mod compare;
mod decide;
mod factors;
mod fit;
mod layout;
mod levels;
mod list;
mod plot;

pub use adjusted::second_opinion;
pub use answer::{Length, push_rest};
pub use bias::bias_text;
pub use check::{audit_table, check_text};
pub use columns::Columns;
pub use compare::compare_text;
pub use decide::decide_text;
pub use fit::{crude_row, effect_table, fit_text, prior_note, probability_table};
pub use layout::{
    ARM_WIDTH, grouped, push, push_failures_and_notices, push_passage, push_title, push_warning, warning,
    wrapped, wrapped_to,
};
pub use levels::{counts_by_level, cut_table};
pub use list::list_text;
