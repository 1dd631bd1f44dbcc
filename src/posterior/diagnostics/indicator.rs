//! Events, one bit a draw: sums of lagged products are counts of bits.

use super::ess::effective_size;
use super::halves::{Halves, Variances};
use super::sums::variance;
use crate::numeric::{Instructions, compiled_for_each};

/// Which of the draws in each half have the event.
#[derive(Debug, Clone, Default)]
pub struct Indicator {
    /// Each half begins a new word.
    bits: Vec<u64>,
    words: usize,
    draws: usize,
    /// Events in each half.
    ones: Vec<f64>,
    means: Vec<f64>,
    autocorrelations: Vec<f64>,
}

impl Indicator {
    fn clear(&mut self, halves: Halves) {
        self.draws = halves.draws();
        self.words = self.draws.div_ceil(64);
        self.bits.clear();
    }

    /// From the draws themselves.
    pub fn mark(&mut self, x: &[f64], halves: Halves, event: &impl Fn(f64) -> bool) {
        self.clear(halves);
        for range in halves.ranges() {
            self.bits.extend(x[range].chunks(64).map(|chunk| pack(chunk, event)));
        }
        self.count();
    }

    /// From the places of the draws that have it.
    pub fn mark_places(&mut self, places: impl Iterator<Item = usize>, halves: Halves) {
        self.clear(halves);
        self.bits.resize(halves.count() * self.words, 0);
        for (half, place) in places.filter_map(|index| halves.place(index)) {
            self.bits[half * self.words + place / 64] |= 1 << (place % 64);
        }
        self.count();
    }

    fn count(&mut self) {
        self.ones.clear();
        self.ones.extend(self.bits.chunks_exact(self.words.max(1)).map(|half| ones(half) as f64));
    }

    /// Events in all halves together.
    pub fn total(&self) -> f64 {
        self.ones.iter().sum()
    }

    /// The effective sample size of the indicator; none if it is constant.
    pub fn ess(&mut self) -> Option<f64> {
        let variances = self.variances();
        let mut autocorrelations = std::mem::take(&mut self.autocorrelations);
        let ess = effective_size(variances, &mut autocorrelations, |lag| self.mean_autocovariance(lag));
        self.autocorrelations = autocorrelations;
        ess
    }

    /// `p (1 − p) n / (n − 1)` within a half with share p.
    fn variances(&mut self) -> Variances {
        let (n, sequences) = (self.draws as f64, self.ones.len());
        self.means.clear();
        self.means.extend(self.ones.iter().map(|&k| k / n));
        let squares: f64 = self.ones.iter().map(|&k| k * (n - k) / n).sum();
        let within = squares / (sequences as f64 * (n - 1.0));
        Variances { draws: self.draws, sequences, within, between_means: variance(&self.means) }
    }

    /// `Σ (Iᵢ − p)(Iᵢ₊ₜ − p) / n`, the product multiplied out, averaged over the halves.
    fn mean_autocovariance(&self, lag: usize) -> f64 {
        let n = self.draws as f64;
        let pairs = self.draws.saturating_sub(lag);
        let halves = self.bits.chunks_exact(self.words).zip(&self.ones);
        let sum: f64 = halves
            .map(|(half, &all)| {
                let p = all / n;
                let first = ones_before(half, pairs) as f64;
                let last = all - ones_before(half, lag) as f64;
                joint_ones(half, lag) as f64 - p * (first + last) + pairs as f64 * p * p
            })
            .sum();
        sum / (n * self.ones.len() as f64)
    }
}

/// One bit a value, the first in the lowest place.
#[inline]
fn pack(chunk: &[f64], event: &impl Fn(f64) -> bool) -> u64 {
    /// Brings the lowest bits of eight bytes together in the highest byte.
    const GATHERED: u64 = 0x0102_0408_1020_4080;
    // A byte a value first, which vector instructions make.
    let mut held = [0; 64];
    for (held, &value) in held.iter_mut().zip(chunk) {
        *held = u8::from(event(value));
    }
    let bytes = held.as_chunks::<8>().0.iter();
    let gathered = bytes.map(|bytes| u64::from_le_bytes(*bytes).wrapping_mul(GATHERED) >> 56);
    gathered.enumerate().fold(0, |word, (i, byte)| word | byte << (8 * i))
}

fn ones(words: &[u64]) -> u32 {
    words.iter().map(|word| word.count_ones()).sum()
}

/// Ones among the first `count` bits.
fn ones_before(words: &[u64], count: usize) -> u32 {
    let whole = (count / 64).min(words.len());
    let rest = words.get(whole).map_or(0, |word| (word & ((1 << (count % 64)) - 1)).count_ones());
    ones(&words[..whole]) + rest
}

/// Places i with ones at both i and i + lag.
fn joint_ones(words: &[u64], lag: usize) -> u32 {
    let later = words.get(lag / 64..).unwrap_or_default();
    let Some((&last, before)) = later.split_last() else { return 0 };
    let shift = lag % 64;
    // What follows the last word is nothing.
    let ended = (words[before.len()] & (last >> shift)).count_ones();
    ended + ones_at_both(Instructions::best(), words, later, shift)
}

compiled_for_each! {
    /// The same of all words but the last that are later.
    fn ones_at_both(words: &[u64], later: &[u64], shift: usize) -> u32 = over_words;
}

#[inline(always)]
fn over_words(words: &[u64], later: &[u64], shift: usize) -> u32 {
    let n = later.len() - 1;
    let (words, low, high) = (&words[..n], &later[..n], &later[1..=n]);
    let mut ones = 0;
    for i in 0..n {
        let shifted = (low[i] >> shift) | ((high[i] << 1) << (63 - shift));
        ones += (words[i] & shifted).count_ones();
    }
    ones
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_bits_equal_plain_counts_at_every_lag() {
        let n = 150;
        let event = |i: usize| (i * i + 3 * i) % 7 < 3;
        let draws: Vec<f64> = (0..2 * n).map(|i| f64::from(u8::from(event(i)))).collect();
        let mut indicator = Indicator::default();
        indicator.mark(&draws, Halves { chains: 1, length: 2 * n }, &|x| x > 0.5);
        let first = &indicator.bits[..indicator.words];
        for lag in 0..=n {
            assert_eq!(ones_before(first, lag) as usize, (0..lag).filter(|&i| event(i)).count());
            let joint = (0..n - lag).filter(|&i| event(i) && event(i + lag)).count();
            assert_eq!(joint_ones(first, lag) as usize, joint, "lag {lag}");
        }
    }
}
