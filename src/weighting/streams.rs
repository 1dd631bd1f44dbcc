//! Streams of randomness: one for every draw of weights and every replay, so that nothing depends on the order of work.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, Exp1, Gamma};

/// What randomness is for.
#[derive(Debug, Clone, Copy)]
pub enum Purpose {
    /// Dirichlet weights of the study's patients.
    Bootstrap = 0,
    /// Simulated studies, with the weights within each.
    Replay = 1,
}

/// The stream of one piece of work.
pub fn stream(seed: u64, piece: usize, purpose: Purpose) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(piece as u64 * 2 + purpose as u64);
    rng
}

/// The summed weight of `patients` who are alike, each drawn from the standard exponential: together they are Dirichlet up to
/// their sum.
pub fn weight(patients: f64, rng: &mut ChaCha8Rng) -> f64 {
    if patients == 0.0 {
        0.0
    } else if patients == 1.0 {
        Exp1.sample(rng)
    } else {
        Gamma::new(patients, 1.0).map_or(patients, |gamma| gamma.sample(rng))
    }
}
