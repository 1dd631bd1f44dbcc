//! Streams of randomness: one for every chain and purpose, so that nothing depends on the order of work.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// What the random numbers are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Starting points of chains.
    Start,
    /// Momenta, directions and choices.
    Motion,
    /// Quantities drawn anew beside each draw, such as the effect of a new subgroup.
    Prediction,
    /// Draws from the prior.
    Prior,
    /// Simulated data.
    Simulation,
    /// Draws from an approximation.
    Approximation,
    /// A seed for each of many runs that may be made apart.
    Replication,
}

/// The stream of one chain (or other piece of work) for one purpose, under one seed.
pub fn stream(seed: u64, chain: usize, purpose: Purpose) -> ChaCha8Rng {
    const PURPOSES: u64 = 8;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(chain as u64 * PURPOSES + purpose as u64);
    rng
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::Rng;

    #[test]
    fn streams_differ_by_seed_chain_and_purpose_and_repeat() {
        let first = |seed, chain, purpose| stream(seed, chain, purpose).next_u64();
        let all = [
            first(1, 0, Purpose::Start),
            first(1, 0, Purpose::Motion),
            first(1, 1, Purpose::Start),
            first(2, 0, Purpose::Start),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|b| a != b));
        }
        assert_eq!(first(1, 1, Purpose::Prior), first(1, 1, Purpose::Prior));
    }
}
