//! Lists of the JSON as one long CSV table.

use serde::Serialize;
use serde_json::Value;

use super::cells::Rows;
use super::numbers::full;

/// A table in the making: `row` says which list a row is from, `caveat` what must stand beside every number; columns that a
/// list does not have are empty.
pub struct LongTable<const N: usize> {
    header: [&'static str; N],
    caveat: String,
    rows: Rows,
}

impl<const N: usize> LongTable<N> {
    pub fn new(header: [&'static str; N], caveat: String) -> LongTable<N> {
        let mut rows = Rows::new();
        rows.put(header);
        LongTable { header, caveat, rows }
    }

    pub fn put(&mut self, kind: &str, rows: Vec<Value>) {
        for mut row in rows {
            row["row"] = Value::from(kind);
            row["caveat"] = Value::from(self.caveat.clone());
            self.rows.put(self.header.map(|key| cell(&row[key])));
        }
    }

    pub fn text(self) -> String {
        self.rows.text()
    }
}

/// Rows as JSON has them.
pub fn values<T: Serialize>(rows: &[T]) -> Vec<Value> {
    rows.iter().filter_map(|row| serde_json::to_value(row).ok()).collect()
}

/// A nested list of quantiles as columns of their own.
pub fn spread(mut row: Value, key: &str, prefix: &str) -> Value {
    let nested = row[key].take();
    if nested.is_object() {
        for name in ["median", "q2_5", "q97_5"] {
            row[format!("{prefix}{name}")] = nested[name].clone();
        }
    }
    row
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(n) => full(n.as_f64()),
        Value::Bool(b) => b.to_string(),
    }
}
