//! Results as text, JSON and CSV: rendering only, no arithmetic beyond rounding for print.

mod baseline_conflict;
mod bias_json;
mod cells;
mod compare_csv;
mod compare_json;
mod csv;
mod decide_json;
mod discussion;
mod draws;
mod figure;
mod json;
mod long_table;
mod numbers;
mod page;
mod passage;
mod sentences;
mod text;
mod wire;
mod words;

pub use baseline_conflict::baseline_conflict_line;
pub use bias_json::{bias_csv, bias_json};
pub use compare_csv::compare_csv;
pub use compare_json::{compare_json, compare_statements};
pub use csv::{check_csv, fit_csv};
pub use decide_json::{decide_csv, decide_json, decide_statements};
pub use draws::{write_estimand_draws, write_parameter_draws};
pub use figure::{Cell, Figure, figure_csv};
#[cfg(feature = "png")]
pub use figure::{png, uncovered};
pub use json::{RESULT_SCHEMA, check_json, fit_json, run_json, statements};
pub use page::{PageFormat, Presentation, Shown, decision_figures, decision_page, figures, page};
pub use sentences::sentence;
pub use text::{bias_text, check_text, compare_text, decide_text, fit_text, list_text};
