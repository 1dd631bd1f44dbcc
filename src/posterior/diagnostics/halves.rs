//! Split chains: each chain counts as two, its first and its last half; the middle draw of an odd number is
//! left out.

use std::ops::Range;

use super::sums::{mean, sum_of_products, variance};

/// Where the halves lie among draws stored chain after chain.
#[derive(Debug, Clone, Copy)]
pub struct Halves {
    pub chains: usize,
    /// Draws of a chain.
    pub length: usize,
}

impl Halves {
    /// Draws of a half: n in the formulas.
    pub fn draws(self) -> usize {
        self.length / 2
    }

    /// The number of halves: m in the formulas.
    pub fn count(self) -> usize {
        2 * self.chains
    }

    pub fn ranges(self) -> impl Iterator<Item = Range<usize>> {
        (0..self.chains).flat_map(move |chain| {
            let (start, end) = (chain * self.length, (chain + 1) * self.length);
            [start..start + self.draws(), end - self.draws()..end]
        })
    }

    pub fn leaves_out_middles(self) -> bool {
        self.length % 2 == 1
    }

    pub fn leaves_out(self, index: usize) -> bool {
        self.leaves_out_middles() && index % self.length == self.draws()
    }

    /// The half that holds a draw and the draw's place in it; none if it is left out.
    pub fn place(self, index: usize) -> Option<(usize, usize)> {
        let (chain, offset) = (index / self.length, index % self.length);
        let second = self.length - self.draws();
        if offset < self.draws() {
            Some((2 * chain, offset))
        } else if offset >= second {
            Some((2 * chain + 1, offset - second))
        } else {
            None
        }
    }
}

/// Variances between and within m sequences of n draws.
#[derive(Debug, Clone, Copy)]
pub struct Variances {
    pub draws: usize,
    pub sequences: usize,
    /// W, the mean of the sequences' variances.
    pub within: f64,
    /// B / n, the variance of the sequences' means.
    pub between_means: f64,
}

impl Variances {
    /// Of the halves of `x`; `centred` receives the halves one after another, less their means.
    pub fn of(x: &[f64], halves: Halves, centred: &mut Vec<f64>, means: &mut Vec<f64>) -> Variances {
        centred.clear();
        means.clear();
        let mut squares = 0.0;
        for range in halves.ranges() {
            let half = &x[range];
            let centre = mean(half);
            means.push(centre);
            let start = centred.len();
            centred.extend(half.iter().map(|v| v - centre));
            squares += sum_of_products(&centred[start..], &centred[start..]);
        }
        let (n, m) = (halves.draws(), halves.count());
        let within = squares / (m * n.saturating_sub(1)) as f64;
        Variances { draws: n, sequences: m, within, between_means: variance(means) }
    }

    /// `var⁺ = (n − 1)/n · W + B/n` (equation 3).
    pub fn pooled(self) -> f64 {
        let n = self.draws as f64;
        (n - 1.0) / n * self.within + self.between_means
    }

    /// `√(var⁺ / W)` (equation 4); infinite where every sequence is constant and they differ.
    pub fn rhat(self) -> f64 {
        libm::sqrt(self.pooled() / self.within)
    }
}
