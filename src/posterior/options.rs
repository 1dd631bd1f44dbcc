//! What is asked of an analysis.

use super::result::Engine;
use crate::exact::Resolution;

/// How much is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    #[default]
    Full,
    /// Effects, and the statements of the primary threshold: no risks of single arms, no other thresholds.
    Brief,
}

/// What is computed, and how finely.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Options {
    pub engine: Engine,
    pub resolution: Resolution,
    /// Report pairs however many subgroups there are.
    pub all_pairs: bool,
    pub detail: Detail,
    pub sampling: Sampling,
    /// Keep the numbers of a run that fails its checks.
    pub show_unreliable: bool,
    /// A study that allows for a bias is not fitted without it too.
    pub adjusted_only: bool,
}

impl Options {
    /// The exact engine alone.
    pub fn exact() -> Options {
        Options { engine: Engine::Exact, ..Options::default() }
    }
}

/// What is asked of the sampler.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    pub seed: u64,
    pub chains: usize,
    /// Transitions of each chain before its draws.
    pub warmup: usize,
    /// Draws of each chain; without a number, until the answer is sure.
    pub draws: Option<usize>,
    /// The largest Monte Carlo error that a probability may have.
    pub mcse: f64,
}

impl Default for Sampling {
    fn default() -> Sampling {
        Sampling { seed: 1, chains: 4, warmup: 200, draws: None, mcse: 0.005 }
    }
}
