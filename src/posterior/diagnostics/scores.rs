//! Rank normalisation: draws replaced by the normal scores of their ranks (Vehtari et al. 2021, equation 14).

use std::f64::consts::PI;

use super::sorted::Entry;
use crate::numeric::{exp_of_nonpositive, normal_quantile};

/// `Φ⁻¹((r − 3/8) / (S + 1/4))` for the ranks r of S draws, and for the ranks halfway between as they are needed.
#[derive(Debug, Clone, Default)]
pub struct Scores {
    draws: usize,
    whole: Vec<f64>,
    halfway: Vec<f64>,
}

impl Scores {
    /// Makes the table for this number of draws, unless it is there.
    fn prepare(&mut self, draws: usize) {
        if self.draws != draws {
            self.draws = draws;
            tabulate(draws, draws, 1.0, &mut self.whole);
            self.halfway.clear();
        }
    }

    /// The score of the average rank of the draws in places `first … end − 1` of the order.
    fn of_run(&mut self, first: usize, end: usize) -> f64 {
        let middle = (first + end - 1) / 2;
        if (end - first) % 2 == 1 {
            return self.whole[middle];
        }
        if self.halfway.is_empty() {
            tabulate(self.draws, self.draws - 1, 1.5, &mut self.halfway);
        }
        self.halfway[middle]
    }

    /// Writes each entry's score to its place in `z`, tied entries sharing their average rank; false if all are tied.
    pub fn write(&mut self, sorted: &[Entry], z: &mut [f64]) -> bool {
        self.prepare(sorted.len());
        let mut first = 0;
        while first < sorted.len() {
            let value = sorted[first].value;
            let mut end = first + 1;
            while end < sorted.len() && sorted[end].value == value {
                end += 1;
            }
            let score = self.of_run(first, end);
            for entry in &sorted[first..end] {
                z[entry.index] = score;
            }
            if first == 0 && end == sorted.len() {
                return false;
            }
            first = end;
        }
        !sorted.is_empty()
    }
}

/// This many scores from the end are computed for themselves; beyond, the series below has converged.
const FROM_THE_END: usize = 256;

/// The scores of `count` ranks from `first_rank` on, among `draws`.
fn tabulate(draws: usize, count: usize, first_rank: f64, scores: &mut Vec<f64>) {
    scores.clear();
    scores.resize(count, 0.0);
    let step = 1.0 / (draws as f64 + 0.25);
    let mut z = 0.0;
    for i in 0..count / 2 {
        z = if i < FROM_THE_END {
            normal_quantile((first_rank + i as f64 - 0.375) * step)
        } else {
            next_quantile(z, step)
        };
        scores[i] = z;
        scores[count - 1 - i] = -z;
    }
}

/// `Φ⁻¹(p + step)` from `z = Φ⁻¹(p) ≤ 0`: its Taylor series in `u = step / φ(z)`.
///
/// The n-th term is about (step / p)ⁿ / n. Errors fade on the way to the centre, being divided by φ.
fn next_quantile(z: f64, step: f64) -> f64 {
    let u = step * libm::sqrt(2.0 * PI) / exp_of_nonpositive(-0.5 * z * z);
    let z2 = z * z;
    let d2 = z / 2.0;
    let d3 = (1.0 + 2.0 * z2) / 6.0;
    let d4 = z * (7.0 + 6.0 * z2) / 24.0;
    let d5 = (7.0 + z2 * (46.0 + 24.0 * z2)) / 120.0;
    let d6 = z * (127.0 + z2 * (326.0 + 120.0 * z2)) / 720.0;
    z + u * (1.0 + u * (d2 + u * (d3 + u * (d4 + u * (d5 + u * d6)))))
}

/// The distances `|x − centre|` in increasing order, merged outward from the centre of the sorted draws.
pub fn fold(sorted: &[Entry], centre: f64, folded: &mut Vec<Entry>) {
    let split = sorted.partition_point(|entry| entry.value < centre);
    let (mut left, mut right) = (split, split);
    folded.clear();
    let below = |i: usize| Entry { value: centre - sorted[i].value, index: sorted[i].index };
    let above = |i: usize| Entry { value: sorted[i].value - centre, index: sorted[i].index };
    while left > 0 && right < sorted.len() {
        let (a, b) = (below(left - 1), above(right));
        let take_left = a.value <= b.value;
        folded.push(if take_left { a } else { b });
        left -= usize::from(take_left);
        right += usize::from(!take_left);
    }
    folded.extend((0..left).rev().map(below));
    folded.extend((right..sorted.len()).map(above));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tabulated_scores_are_normal_quantiles_to_13_digits() {
        for draws in [1, 2, 7, 511, 512, 513, 2_000, 10_000, 100_001] {
            let mut scores = Scores::default();
            scores.prepare(draws);
            for (count, first_rank) in [(draws, 1.0), (draws - 1, 1.5)] {
                let mut table = Vec::new();
                tabulate(draws, count, first_rank, &mut table);
                for i in (0..count).step_by(1 + count / 1_000) {
                    let p = (first_rank + i as f64 - 0.375) / (draws as f64 + 0.25);
                    let error = (table[i] - normal_quantile(p)).abs();
                    assert!(error < 1e-13, "draws {draws}, place {i}: {error:e}");
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
