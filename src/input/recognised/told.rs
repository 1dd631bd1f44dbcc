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
        let each = |of: &str| match c("subgroup") {
            "" => String::new(),
            subgroup => format!("{of}a subgroup (`{subgroup}`) "),
        };
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
                    "a table of estimates: {rows} rows, {}with an estimate (`{point}`) and {spread}",
                    each("each ")
                )
            }
            _ if self.ordered.is_some() => format!(
                "a table of counts by ordered level: {rows} rows, each a level (`{}`) of an arm (`{}`) {}with its patients (`{}`)",
                c("level"),
                c("arm"),
                each("of "),
                c("patients")
            ),
            _ if self.levels.is_some() => format!(
                "a table of counts: {rows} rows, each an arm (`{}`) {}with events and total ({})",
                c("arm"),
                each("of "),
                of("")
            ),
            _ => format!(
                "a table of counts: {rows} rows, {}with events and totals of two arms ({}, {})",
                each("each "),
                of("control_"),
                of("active_")
            ),
        }
    }
}
