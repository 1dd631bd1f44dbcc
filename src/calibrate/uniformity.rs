//! Whether ranks are uniform, by their empirical distribution function.
//!
//! Under uniformity its every value is binomial, and all of them together are a Markov chain in the number of ranks below;
//! this gives the probability of staying within a band of equal pointwise tails (Säilynoja, Bürkner & Vehtari 2022,
//! Statistics and Computing 32:32, section 2). A p-value is that of the band which the ranks just touch, and is exact.

/// The distribution of the empirical distribution function of uniform ranks from 0 to `draws`.
pub struct Uniformity {
    replications: usize,
    draws: usize,
    /// log n! from n = 0.
    log_factorials: Vec<f64>,
    /// For k = 1, 2, … `draws`: the probabilities of at most, and of at least, any number of ranks below k.
    tails: Vec<(Vec<f64>, Vec<f64>)>,
}

impl Uniformity {
    /// Below this tail, rounding outweighs what is left of 1 outside the band.
    const LEAST_EXACT: f64 = 1e-11;

    /// Of so many ranks.
    pub fn new(replications: usize, draws: usize) -> Uniformity {
        let mut log_factorials = vec![0.0; replications + 1];
        for n in 1..=replications {
            log_factorials[n] = log_factorials[n - 1] + libm::log(n as f64);
        }
        let mut uniformity = Uniformity { replications, draws, log_factorials, tails: Vec::new() };
        uniformity.tails = (1..=draws).map(|k| uniformity.pointwise(k)).collect();
        uniformity
    }

    /// P(uniform ranks are somewhere as far out as these are at most).
    pub fn p_value(&self, ranks: &[usize]) -> f64 {
        self.p_value_of_tail(self.smallest_tail(ranks))
    }

    /// The smallest pointwise tail probability of the numbers of ranks below 1, 2, … `draws`.
    pub fn smallest_tail(&self, ranks: &[usize]) -> f64 {
        let tails = self.tails.iter().zip(1..).map(|((lower, upper), k)| {
            let below = ranks.iter().filter(|&&rank| rank < k).count();
            lower[below].min(upper[below])
        });
        tails.fold(1.0, f64::min)
    }

    /// P(the smallest tail is at most this), by the recursion over k of the paper's section 2.2; for very
    /// small ones the sum of all pointwise probabilities, which is never below it.
    pub fn p_value_of_tail(&self, tail: f64) -> f64 {
        if tail < Self::LEAST_EXACT {
            return (2.0 * self.draws as f64 * tail).min(1.0);
        }
        // Probabilities of the numbers of ranks below k from `first` on, all earlier numbers having been
        // within.
        let (mut first, mut within) = (0, vec![1.0]);
        for ((lower, upper), k) in self.tails.iter().zip(1..) {
            let low = lower.partition_point(|p| *p <= tail);
            let high = upper.partition_point(|p| *p > tail);
            // Of the ranks that are at least k − 1, the share that is exactly k − 1.
            let share = Share::of(1.0 / (self.draws + 2 - k) as f64);
            let reach = |count: usize| {
                let from = within.iter().zip(first..=count);
                from.map(|(p, before)| p * self.binomial(count - before, self.replications - before, share))
                    .sum()
            };
            within = (low..high).map(reach).collect();
            first = low;
        }
        (1.0 - within.iter().sum::<f64>()).max(0.0)
    }

    /// For k = 1, 2, … `draws` the least and the most ranks below k with which ranks do not depart where p-values of at most
    /// `limit` are departures.
    pub fn band(&self, limit: f64) -> Vec<[usize; 2]> {
        /// Halvings of a tail's logarithm: the next tail that ranks can have is farther off.
        const HALVINGS: usize = 20;
        // By the sum over all values this tail departs; of few ranks even larger ones than the limit may.
        let mut departs = libm::log(limit / (4 * self.draws) as f64);
        let mut stays = libm::log(limit);
        if self.p_value_of_tail(limit) <= limit {
            (departs, stays) = (stays, 0.0);
        }
        for _ in 0..HALVINGS {
            let middle = 0.5 * (departs + stays);
            if self.p_value_of_tail(libm::exp(middle)) <= limit {
                departs = middle;
            } else {
                stays = middle;
            }
        }
        let tail = libm::exp(departs);
        let within = |(lower, upper): &(Vec<f64>, Vec<f64>)| {
            let least = lower.partition_point(|p| *p <= tail);
            [least, upper.partition_point(|p| *p > tail).saturating_sub(1)]
        };
        self.tails.iter().map(within).collect()
    }

    fn pointwise(&self, k: usize) -> (Vec<f64>, Vec<f64>) {
        let share = Share::of(k as f64 / (self.draws + 1) as f64);
        let running = |sum: &mut f64, p: f64| {
            *sum += p;
            Some(*sum)
        };
        let pmf = |count| self.binomial(count, self.replications, share);
        let lower = (0..=self.replications).map(pmf).scan(0.0, running).collect();
        let mut upper: Vec<f64> = (0..=self.replications).rev().map(pmf).scan(0.0, running).collect();
        upper.reverse();
        (lower, upper)
    }

    fn binomial(&self, count: usize, of: usize, share: Share) -> f64 {
        let log = &self.log_factorials;
        let ways = log[of] - log[count] - log[of - count];
        libm::exp(ways + count as f64 * share.log + (of - count) as f64 * share.log_of_rest)
    }
}

/// The logarithms of a probability and of what it leaves.
#[derive(Clone, Copy)]
struct Share {
    log: f64,
    log_of_rest: f64,
}

impl Share {
    fn of(share: f64) -> Share {
        Share { log: libm::log(share), log_of_rest: libm::log1p(-share) }
    }
}
