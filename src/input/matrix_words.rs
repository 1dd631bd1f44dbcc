//! A matrix as a model file has it.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use toml::Spanned;

use super::number::Real;

/// A matrix: its rows, or the file that holds it.
#[derive(Debug, Clone)]
pub enum MatrixEntry {
    Rows(Vec<Spanned<Vec<Real>>>),
    File(String),
}

impl<'de> Deserialize<'de> for MatrixEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<MatrixEntry, D::Error> {
        struct EntryVisitor;
        impl<'de> Visitor<'de> for EntryVisitor {
            type Value = MatrixEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("rows such as [[0.04], [0.01, 0.05]], or a file such as \"vcov.csv\"")
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<MatrixEntry, E> {
                Ok(MatrixEntry::File(value.to_string()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<MatrixEntry, A::Error> {
                let mut found = Vec::new();
                while let Some(row) = rows.next_element()? {
                    found.push(row);
                }
                Ok(MatrixEntry::Rows(found))
            }
        }
        deserializer.deserialize_any(EntryVisitor)
    }
}

/// A matrix as it is written.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "describes MatrixEntry to editors")]
pub enum MatrixWords {
    /// Its rows, whole or up to the diagonal.
    Rows(Vec<Vec<f64>>),
    /// A file: "vcov.csv".
    File(String),
}
