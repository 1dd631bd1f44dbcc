//! What a recognised table is, in words.

use super::Table;
use crate::input::model_file::Rows;

impl Table {
    /// What the file is and by what that was seen, after its name: "this is …".
    pub fn in_words(&self, rows: u64) -> String {
        let c = |key: &str| self.column(key);
        let of = |arm: &str| {
            let [events, total, rest] = ["events", "total", "no_events"].map(|key| c(&format!("{arm}{key}")));
            match total {
                "" => format!("`{events}` beside `{rest}`"),
                total if total == events => format!("`{total}`, events/total"),
                total => format!("`{events}` of `{total}`"),
            }
        };
        let subgroup = c("subgroup");
        match self.rows {
            Rows::Estimates => {
                let point = if c("ratio").is_empty() { c("estimate") } else { c("ratio") };
                let spread = match c("se") {
                    "" if c("lower") == point => "its interval in one cell".to_string(),
                    "" if c("lower") == c("upper") => format!("its interval (`{}`)", c("lower")),
                    "" => format!("its interval (`{}` to `{}`)", c("lower"), c("upper")),
                    se => format!("its standard error (`{se}`)"),
                };
                format!(
                    "a table of estimates: {rows} rows, each a subgroup (`{subgroup}`) with an estimate (`{point}`) and {spread}"
                )
            }
            _ if self.ordered.is_some() => format!(
                "a table of counts by ordered level: {rows} rows, each a level (`{}`) of an arm (`{}`) of a subgroup (`{subgroup}`) with its patients (`{}`)",
                c("level"),
                c("arm"),
                c("patients")
            ),
            _ if self.levels.is_some() => format!(
                "a table of counts: {rows} rows, each an arm (`{}`) of a subgroup (`{subgroup}`) with events and total ({})",
                c("arm"),
                of("")
            ),
            _ => format!(
                "a table of counts: {rows} rows, each a subgroup (`{subgroup}`) with events and totals of two arms ({}, {})",
                of("control_"),
                of("active_")
            ),
        }
    }
}
