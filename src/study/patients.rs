//! What was read of a file of patients, row by row and column by column.

use serde::Serialize;

/// The account of a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnAccount {
    pub column: String,
    pub role: &'static str,
    /// Rows with nothing in it.
    pub missing: u64,
    pub levels: Vec<LevelAccount>,
    /// Of a covariate that is a number, over the rows that are used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numbers: Option<Numbers>,
}

/// What a column of numbers holds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Numbers {
    pub mean: f64,
    pub sd: f64,
    pub least: f64,
    pub largest: f64,
}

impl Numbers {
    /// Over patients; none where there are none.
    pub fn of(values: &[f64], patients: &[u32]) -> Option<Numbers> {
        let mut sorted: Vec<(f64, f64)> =
            values.iter().zip(patients).map(|(&x, &n)| (x, f64::from(n))).collect();
        // Sums do not depend on the order of rows.
        sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let all: f64 = sorted.iter().map(|(_, n)| n).sum();
        let mean = sorted.iter().map(|(x, n)| x * n).sum::<f64>() / all;
        let sd = (sorted.iter().map(|(x, n)| n * (x - mean) * (x - mean)).sum::<f64>() / (all - 1.0)).sqrt();
        let (least, largest) = (sorted.first()?.0, sorted.last()?.0);
        (all > 1.0).then_some(Numbers { mean, sd, least, largest })
    }
}

/// A value of a column, and what it is taken as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LevelAccount {
    pub value: String,
    pub taken_as: String,
    pub rows: u64,
}
