//! What a logistic regression estimates.

/// Log odds with an intercept for every group and slopes that groups share.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Coefficients {
    /// One a group.
    pub intercepts: Vec<f64>,
    /// One a column.
    pub slopes: Vec<f64>,
}

impl Coefficients {
    /// Nothing known yet.
    pub fn zero(groups: usize, columns: usize) -> Coefficients {
        Coefficients { intercepts: vec![0.0; groups], slopes: vec![0.0; columns] }
    }
}
