//! The account of a data file with one row per patient, row by row and column by column.

use serde::Serialize;

/// The account of how a file of patients was read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PatientFile {
    /// The file's name, as in the model file.
    pub file: String,
    /// Rows below the header.
    pub rows_read: u64,
    /// Rows that are used: those that lack nothing that the model needs and are not left out on purpose.
    pub rows_used: u64,
    /// Rows that are not used, counted by reason.
    pub dropped: Vec<Dropped>,
    /// The columns that are used.
    pub columns: Vec<ColumnAccount>,
    /// Columns of the file, used or not, that have the same value in every row.
    pub constant_columns: Vec<String>,
    /// Pairs of columns of the file, used or not, that are the same in every row.
    pub duplicate_columns: Vec<[String; 2]>,
}

/// Rows that are not used, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dropped {
    /// The reason, such as "outcome unknown".
    pub why: String,
    /// How many rows there are of this kind.
    pub rows: u64,
}

/// How one column that is used was read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnAccount {
    /// The column's name.
    pub column: String,
    /// What it is used as, such as "outcome", "treatment", "subgroup", "covariate" or "centre".
    pub role: &'static str,
    /// Rows in which it has no value.
    pub missing: u64,
    /// Its values and what they were taken as, sorted; empty for a column of numbers.
    pub levels: Vec<LevelAccount>,
    /// The summary of a covariate that is a number, over the rows that are used; none for other columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numbers: Option<Numbers>,
}

/// The summary of a column of numbers, in the column's own units.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Numbers {
    /// The mean over the patients.
    pub mean: f64,
    /// The standard deviation over the patients, with divisor n − 1.
    pub sd: f64,
    /// The smallest value.
    pub least: f64,
    /// The largest value.
    pub largest: f64,
}

impl Numbers {
    /// The summary of `values`, each of which stands for as many patients as `patients` says; none with fewer than
    /// two patients.
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

/// One value of a column, and what it was taken as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LevelAccount {
    /// The value as it stands in the file.
    pub value: String,
    /// What it was taken as, such as an arm or a subgroup.
    pub taken_as: String,
    /// How many rows have it.
    pub rows: u64,
}
