//! Results as text, JSON and CSV: rendering only, no arithmetic beyond rounding for print.

mod baseline_conflict;
mod bias_csv;
mod bias_json;
mod compare_csv;
mod compare_json;
mod csv;
mod decide_csv;
mod decide_json;
mod discussion;
mod draws;
mod figure;
mod interruption;
mod json;
mod levels;
mod model_checks;
mod numbers;
mod observations;
mod page;
mod passage;
mod records;
mod sentences;
mod text;
mod trial;
mod validation;
mod weighting;
mod wire;
mod words;

pub use baseline_conflict::baseline_conflict_line;
pub use bias_csv::bias_csv;
pub use bias_json::bias_json;
pub use compare_csv::compare_csv;
pub use compare_json::{compare_json, compare_statements};
pub use csv::{check_csv, fit_csv};
pub use decide_csv::decide_csv;
pub use decide_json::{decide_json, decide_statements};
pub use draws::{
    write_diagnostics, write_estimand_draws, write_parameter_draws, write_told_estimand_draws,
    write_told_parameter_draws,
};
pub use figure::{Figure, figure_csv};
#[cfg(feature = "png")]
pub use figure::{png, uncovered};
pub use interruption::interruption;
pub use json::{RESULT_SCHEMA, check_json, fit_json, run_json, statements};
pub use page::{
    Made, PageFormat, Presentation, Shown, decision_figures, decision_page, design_figures, figures, page,
    validation_figures, validation_page,
};
pub use records::{Cell, Records};
pub use sentences::sentence;
pub use text::{Length, bias_text, check_text, compare_text, decide_text, fit_text, list_text};
pub use trial::{next_csv, next_json, next_text, simulate_csv, simulate_json, simulate_text};
pub use validation::{Validated, validate_csv, validate_json, validate_text};
