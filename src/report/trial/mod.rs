//! Studies that are not there yet, in words, JSON and CSV.

mod next;
mod next_csv;
mod next_json;
mod numbers;
mod simulate;
mod simulate_files;

pub use next::next_text;
pub use next_csv::next_csv;
pub use next_json::next_json;
pub use simulate::simulate_text;
pub use simulate_files::{simulate_csv, simulate_json};
