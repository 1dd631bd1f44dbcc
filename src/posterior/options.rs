//! Options of an analysis.

use super::result::Engine;
use crate::exact::Resolution;

/// How much is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// Everything.
    #[default]
    Full,
    /// Effects, and the statements about the primary threshold; no risks of single arms and no other thresholds.
    Brief,
    /// Brief, with the odds ratios at every cut of ordered levels and the win probability in place of thresholds; nothing of what
    /// priors alone say of risks.
    Cuts,
}

/// What is computed and reported, and how finely.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Options {
    /// Which engines run.
    pub engine: Engine,
    /// How finely the exact engine integrates.
    pub resolution: Resolution,
    /// Whether pairs of subgroups are reported however many there are.
    pub all_pairs: bool,
    /// How much is reported.
    pub detail: Detail,
    /// How the sampler runs.
    pub sampling: Sampling,
    /// Whether the numbers of a run that fails its checks are shown rather than withheld.
    pub show_unreliable: bool,
    /// Whether a study that allows for a bias is fitted with it only, and not without it too.
    pub adjusted_only: bool,
}

impl Options {
    /// The default options with the exact engine alone.
    pub fn exact() -> Options {
        Options { engine: Engine::Exact, ..Options::default() }
    }
}

/// How the sampler runs, and for how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// The seed of all random numbers.
    pub seed: u64,
    /// The number of chains.
    pub chains: usize,
    /// Transitions of each chain before its draws, not kept.
    pub warmup: usize,
    /// Draws of each chain; if none, the sampler goes on until the answer is sure.
    pub draws: Option<usize>,
    /// The largest Monte Carlo error that a probability may have for the answer to be sure.
    pub mcse: f64,
}

impl Default for Sampling {
    fn default() -> Sampling {
        Sampling { seed: 1, chains: 4, warmup: 200, draws: None, mcse: 0.005 }
    }
}
