//! Rank normalisation: draws replaced by the normal scores of their ranks (Vehtari et al. 2021, equation 14).

use std::cmp::Ordering;
use std::hint::select_unpredictable;

use super::sorted::Entry;
use crate::numeric::{exp_of_nonpositive, normal_cdf, normal_quantile};

/// `Φ⁻¹((r − 3/8) / (S + 1/4))` for the ranks r of S draws.
#[derive(Debug, Clone, Default)]
pub struct Scores {
    of_rank: Vec<f64>,
}

impl Scores {
    /// Makes the table for this number of draws, unless it is there.
    fn prepare(&mut self, draws: usize) {
        if self.of_rank.len() == draws {
            return;
        }
        self.of_rank.clear();
        self.of_rank.resize(draws, 0.0);
        let (step, mut z) = (step(draws), 0.0);
        for i in 0..draws / 2 {
            z = successor(z, step, (i as f64 + 0.625) * step, i);
            self.of_rank[i] = z;
            self.of_rank[draws - 1 - i] = -z;
        }
    }

    /// The score halfway between ranks i + 1 and i + 2, of which ties have few.
    fn after(&self, i: usize) -> f64 {
        let draws = self.of_rank.len();
        let mirror = draws - 2 - i;
        let step = step(draws);
        let lower = |i: usize| successor(self.of_rank[i], 0.5 * step, (i as f64 + 1.125) * step, i);
        match i.cmp(&mirror) {
            Ordering::Less => lower(i),
            Ordering::Equal => 0.0,
            Ordering::Greater => -lower(mirror),
        }
    }

    /// Writes each entry's score to its place in `z`, tied entries sharing their average rank; false if all
    /// are tied.
    pub fn write(&mut self, sorted: &[Entry], z: &mut [f64]) -> bool {
        self.prepare(sorted.len());
        let mut first = 0;
        while first < sorted.len() {
            let Entry { value, index } = sorted[first];
            let tied = sorted[first + 1..].iter().take_while(|entry| entry.value == value).count();
            if tied == 0 {
                z[index] = self.of_rank[first];
            } else {
                self.write_tied(&sorted[first..=first + tied], first, z);
            }
            first += 1 + tied;
        }
        sorted.first().zip(sorted.last()).is_some_and(|(low, high)| low.value != high.value)
    }

    /// Entries in places `first …` of the order, all tied.
    fn write_tied(&self, run: &[Entry], first: usize, z: &mut [f64]) {
        let middle = first + (run.len() - 1) / 2;
        let score = if run.len() % 2 == 1 { self.of_rank[middle] } else { self.after(middle) };
        for entry in run {
            z[entry.index] = score;
        }
    }
}

/// The distance of neighbouring ranks' probabilities.
fn step(draws: usize) -> f64 {
    1.0 / (draws as f64 + 0.25)
}

/// `Φ⁻¹(p)` from `before = Φ⁻¹(p − step)`, for a rank with about `i` ranks below it.
fn successor(before: f64, step: f64, p: f64, i: usize) -> f64 {
    /// So near the end the series below does not converge.
    const FROM_THE_END: usize = 16;
    /// Up to here a step of Newton's method brings the last digits.
    const CORRECTED: usize = 256;
    if i < FROM_THE_END {
        return normal_quantile(p);
    }
    let z = next_quantile(before, step);
    if i < CORRECTED { z - (normal_cdf(z) - p) / normal_density(z) } else { z }
}

/// `φ(z)`.
fn normal_density(z: f64) -> f64 {
    /// `1 / √(2π)`.
    const AT_ZERO: f64 = 0.398_942_280_401_432_7;
    AT_ZERO * exp_of_nonpositive(-0.5 * z * z)
}

/// `Φ⁻¹(p + step)` from `z = Φ⁻¹(p) ≤ 0`: its Taylor series in `u = step / φ(z)`.
///
/// The n-th term is about (step / p)ⁿ / n. Errors fade on the way to the centre, being divided by φ.
fn next_quantile(z: f64, step: f64) -> f64 {
    let u = step / normal_density(z);
    let z2 = z * z;
    let d2 = z / 2.0;
    let d3 = (1.0 + 2.0 * z2) / 6.0;
    let d4 = z * (7.0 + 6.0 * z2) / 24.0;
    let d5 = (7.0 + z2 * (46.0 + 24.0 * z2)) / 120.0;
    let d6 = z * (127.0 + z2 * (326.0 + 120.0 * z2)) / 720.0;
    z + u * (1.0 + u * (d2 + u * (d3 + u * (d4 + u * (d5 + u * d6)))))
}

/// The distances `|x − centre|` in increasing order, by merging the draws on either side of the centre.
///
/// The smallest are merged outward and the largest inward: each step waits for the one before, so two chains
/// of steps take half the time of one.
pub fn fold(sorted: &[Entry], centre: f64, folded: &mut Vec<Entry>) {
    let n = sorted.len();
    let split = sorted.partition_point(|entry| entry.value < centre);
    let at = |i: usize| Entry { value: (sorted[i].value - centre).abs(), index: sorted[i].index };
    // Still to be merged: outer.0 … inner.0 − 1 on the left and inner.1 … outer.1 − 1 on the right.
    let (mut inner, mut outer) = ((split, split), (0, n));
    folded.clear();
    folded.resize(n, Entry::default());
    // For so many steps neither side can run out. Of equal distances the left one comes first, in both
    // directions.
    let safe = split.min(n - split);
    for k in 0..safe {
        let (a, b) = (at(inner.0 - 1), at(inner.1));
        let left = a.value <= b.value;
        folded[k] = either(left, a, b);
        inner = (inner.0 - usize::from(left), inner.1 + usize::from(!left));
        let (a, b) = (at(outer.0), at(outer.1 - 1));
        let left = a.value > b.value;
        folded[n - 1 - k] = either(left, a, b);
        outer = (outer.0 + usize::from(left), outer.1 - usize::from(!left));
    }
    for place in &mut folded[safe..n - safe] {
        let right_is_done = inner.1 == outer.1;
        let left = right_is_done || (inner.0 > outer.0 && at(inner.0 - 1).value <= at(inner.1).value);
        *place = at(if left { inner.0 - 1 } else { inner.1 });
        inner = (inner.0 - usize::from(left), inner.1 + usize::from(!left));
    }
}

/// `a` or `b`, as far as possible without a branch: which side comes next can't be foreseen.
#[inline]
fn either(first: bool, a: Entry, b: Entry) -> Entry {
    Entry {
        value: select_unpredictable(first, a.value, b.value),
        index: select_unpredictable(first, a.index, b.index),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tabulated_scores_are_normal_quantiles_to_13_digits() {
        for draws in [1, 2, 7, 511, 512, 513, 2_000, 10_000, 100_001] {
            let mut scores = Scores::default();
            scores.prepare(draws);
            // 1 − p is not exact, so upper scores are compared with the mirrored rank's.
            let expected = |rank: f64| {
                let lower = rank.min((draws + 1) as f64 - rank);
                normal_quantile((lower - 0.375) / (draws as f64 + 0.25)).abs()
            };
            for i in (0..draws).step_by(1 + draws / 1_000) {
                let rank = (i + 1) as f64;
                assert!((scores.of_rank[i].abs() - expected(rank)).abs() < 1e-13, "{draws}, {rank}");
                assert_eq!(scores.of_rank[i], -scores.of_rank[draws - 1 - i]);
                if i + 1 < draws {
                    let error = (scores.after(i).abs() - expected(rank + 0.5)).abs();
                    assert!(error < 1e-13, "{draws}, {rank} + 0.5: {error:e}");
                }
            }
        }
    }

    #[test]
    fn tied_draws_share_the_score_of_their_average_rank() {
        let sorted: Vec<Entry> =
            [(1.0, 2), (1.0, 0), (2.0, 3), (3.0, 1)].map(|(value, index)| Entry { value, index }).into();
        let mut z = [0.0; 4];
        assert!(Scores::default().write(&sorted, &mut z));
        assert_eq!(z[0], z[2]);
        assert!((z[0] - normal_quantile(1.125 / 4.25)).abs() < 1e-15);
        assert!((z[1] - normal_quantile(3.625 / 4.25)).abs() < 1e-15);
    }

    #[test]
    fn folding_orders_distances_from_the_centre() {
        let sorted: Vec<Entry> = [-3.0, -1.0, 0.0, 0.5, 1.0, 7.0]
            .into_iter()
            .enumerate()
            .map(|(index, value)| Entry { value, index })
            .collect();
        let mut folded = Vec::new();
        fold(&sorted, 0.25, &mut folded);
        let distances: Vec<f64> = folded.iter().map(|e| e.value).collect();
        assert_eq!(distances, [0.25, 0.25, 0.75, 1.25, 3.25, 6.75]);
        assert!(folded.iter().all(|e| e.value == (sorted[e.index].value - 0.25).abs()));
    }
}
