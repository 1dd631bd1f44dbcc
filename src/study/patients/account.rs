//! What was read of a file of patients, row by row and column by column.

use serde::Serialize;

/// The account of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PatientFile {
    /// As named in the model file.
    pub file: String,
    /// Rows below the header.
    pub rows_read: u64,
    /// Rows with arm, subgroup and outcome.
    pub rows_used: u64,
    pub dropped: Vec<Dropped>,
    /// The columns that are used.
    pub columns: Vec<ColumnAccount>,
    /// Of the whole file: columns with one value in all rows, and such as repeat another.
    pub constant_columns: Vec<String>,
    pub duplicate_columns: Vec<[String; 2]>,
}

/// Rows that are not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dropped {
    pub why: String,
    pub rows: u64,
}

/// One column that is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnAccount {
    pub column: String,
    pub role: &'static str,
    /// Rows with nothing in it.
    pub missing: u64,
    pub levels: Vec<LevelAccount>,
}

/// A value of a column, and what it is taken as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LevelAccount {
    pub value: String,
    pub taken_as: String,
    pub rows: u64,
}
