//! What is taken to be true when studies are simulated.

use super::Priors;

/// A design prior and fixed truths, apart from the priors that a study is analysed under.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Design {
    /// Truths are drawn from these; none where no design prior is stated.
    pub priors: Option<Priors>,
    /// Fixed truths.
    pub truths: Vec<StatedTruth>,
}

/// One fixed truth.
#[derive(Debug, Clone, PartialEq)]
pub struct StatedTruth {
    /// Its name.
    pub name: String,
    /// The risks of the control arm and of the active arm, by subgroup.
    pub risks: Vec<[f64; 2]>,
}
