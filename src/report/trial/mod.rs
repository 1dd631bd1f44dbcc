//! Studies that are not there yet, in words, JSON and CSV.

mod next;
mod next_csv;
mod next_json;
mod numbers;

pub use next::next_text;
pub use next_csv::next_csv;
pub use next_json::next_json;
