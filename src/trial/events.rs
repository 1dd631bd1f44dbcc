//! Events of patients who are not there yet.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution};

use crate::model::Arm;

/// Patients are drawn in blocks of this many, so that a larger trial begins with the patients of a smaller one.
const BLOCK: u64 = 10;

/// The events among so many patients at this risk. With one stream a larger number of patients holds the smaller one's whole
/// blocks, which makes trials of several sizes alike.
pub fn events(risk: f64, patients: u64, rng: &mut ChaCha8Rng) -> Arm {
    let risk = risk.clamp(0.0, 1.0);
    let mut draw = |n: u64| Binomial::new(n, risk).map_or(0, |b| b.sample(rng));
    let blocks: u64 = (0..patients / BLOCK).map(|_| draw(BLOCK)).sum();
    let rest = patients % BLOCK;
    let events = blocks + if rest > 0 { draw(rest) } else { 0 };
    Arm { events: events as f64, total: patients as f64 }
}
