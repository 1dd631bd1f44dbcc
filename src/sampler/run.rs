//! Several chains at once.

use rayon::prelude::*;

use crate::density::LogDensity;
use crate::parallel;

use super::chain::{Chain, Transition};
use super::laplace::laplace;
use super::streams::{Purpose, stream};
use super::warmup::{Stage, schedule};

/// How chains are run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// The seed of all streams of random numbers.
    pub seed: u64,
    /// The number of chains.
    pub chains: usize,
    /// The number of transitions of warm-up in each chain, none of them kept.
    pub warmup: usize,
    /// The largest number of doublings of a trajectory.
    pub max_depth: u32,
    /// The acceptance statistic that the step size is adapted to, between 0 and 1.
    pub target_acceptance: f64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { seed: 1, chains: 4, warmup: 200, max_depth: 10, target_acceptance: 0.8 }
    }
}

/// An observer of a run: told of its progress, and asked whether it is to stop.
pub trait Watch: Sync {
    /// A chain has made this many further transitions.
    fn advanced(&self, transitions: usize);
    /// Whether the run is to stop.
    fn stopped(&self) -> bool;
}

/// An observer that lets every run go on.
impl Watch for () {
    fn advanced(&self, _: usize) {}

    fn stopped(&self) -> bool {
        false
    }
}

/// A chain with all that it has drawn.
pub struct Recorded<'a, D: LogDensity> {
    chain: Chain<'a, D>,
    dim: usize,
    /// Positions in the density's own coordinates, one draw after another.
    pub draws: Vec<f64>,
    /// How each draw was reached, in the same order.
    pub transitions: Vec<Transition>,
}

/// Warms up all chains, in parallel; `None` where the density has no finite point to begin at.
pub fn start<'a, D: LogDensity>(
    density: &'a D,
    middle: Vec<f64>,
    settings: &Settings,
    watch: &dyn Watch,
) -> Option<Vec<Recorded<'a, D>>> {
    let metric = laplace(density, middle)?;
    let stages = schedule(settings.warmup);
    parallel::range(0..settings.chains, |c| {
        let start = stream(settings.seed, c, Purpose::Start);
        let motion = stream(settings.seed, c, Purpose::Motion);
        let limits = (settings.max_depth, settings.target_acceptance);
        let mut chain = Chain::new(density, metric.clone(), start, motion, limits)?;
        if stages.is_empty() {
            chain.warm_up(Stage::Step(0), &|| false);
        }
        for &stage in &stages {
            chain.warm_up(stage, &|| watch.stopped());
            watch.advanced(stage.length());
        }
        Some(Recorded { chain, dim: density.dim(), draws: Vec::new(), transitions: Vec::new() })
    })
    .into_iter()
    .collect()
}

/// Every chain goes on until it has `total` draws, or is stopped; then all are cut to the shortest. Chains go on a slice at
/// a time, so that little is lost by a stop however few threads there are.
pub fn extend<D: LogDensity>(chains: &mut [Recorded<'_, D>], total: usize, watch: &dyn Watch) {
    /// Transitions of a slice.
    const SLICE: usize = 256;
    for recorded in chains.iter_mut() {
        let wanted = total.saturating_sub(recorded.transitions.len());
        recorded.draws.reserve_exact(wanted * recorded.dim);
        recorded.transitions.reserve_exact(wanted);
    }
    let have = chains.iter().map(|c| c.transitions.len()).min().unwrap_or(total);
    let mut upto = have;
    while upto < total && !watch.stopped() {
        upto = (upto + SLICE).min(total);
        chains.par_iter_mut().for_each(|recorded| {
            while recorded.transitions.len() < upto && !watch.stopped() {
                let transition = recorded.chain.transition();
                recorded.draws.extend_from_slice(recorded.chain.position());
                recorded.transitions.push(transition);
            }
            watch.advanced(SLICE);
        });
    }
    let shortest = chains.iter().map(|c| c.transitions.len()).min().unwrap_or(0);
    for recorded in chains {
        recorded.transitions.truncate(shortest);
        recorded.draws.truncate(shortest * recorded.dim);
    }
}

impl<D: LogDensity> Recorded<'_, D> {
    /// The step size in the coordinates of the chain's metric.
    pub fn step_size(&self) -> f64 {
        self.chain.step_size()
    }
}
