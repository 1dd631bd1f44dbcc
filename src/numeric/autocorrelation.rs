//! How many independent draws a correlated sequence is worth.

/// The effective size of draws of one quantity, chain after chain of these lengths: all autocovariances about the common mean,
/// summed by Geyer's initial monotone sequence. Chains around different means are worth little. 0 of fewer than four draws, and
/// where none differs.
pub fn effective_size(draws: &[f64], chains: &[usize]) -> f64 {
    let n = draws.len();
    if n < 4 {
        return 0.0;
    }
    let mean = draws.iter().sum::<f64>() / n as f64;
    let apart: Vec<f64> = draws.iter().map(|x| x - mean).collect();
    let covariance = |lag: usize| {
        let (mut start, mut sum) = (0, 0.0);
        for &length in chains {
            let chain = &apart[start.min(n)..(start + length).min(n)];
            sum += chain.iter().zip(chain.iter().skip(lag)).map(|(a, b)| a * b).sum::<f64>();
            start += length;
        }
        sum / n as f64
    };
    let variance = covariance(0);
    if !(variance > 0.0 && variance.is_finite()) {
        return 0.0;
    }
    let longest = chains.iter().copied().max().unwrap_or(n);
    // Pairs of lags have positive sums that fall; what is left is noise.
    let (mut time, mut last, mut lag) = (-1.0, f64::INFINITY, 0);
    while lag + 1 < longest {
        let pair = ((covariance(lag) + covariance(lag + 1)) / variance).min(last);
        if pair <= 0.0 {
            break;
        }
        time += 2.0 * pair;
        (last, lag) = (pair, lag + 2);
    }
    // Draws that avoid one another may be worth more than independent ones, but are not counted as more.
    n as f64 / time.max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uniform numbers of a linear congruential generator.
    fn noise(n: usize) -> Vec<f64> {
        let mut state: u64 = 20_261_128;
        (0..n)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
            })
            .collect()
    }

    #[test]
    fn an_autoregression_is_worth_what_its_coefficient_says() {
        let n = 40_000;
        let independent = effective_size(&noise(n), &[n]);
        assert!(independent > 0.95 * n as f64, "{independent}");
        let mut x = 0.0;
        let smooth: Vec<f64> = noise(n)
            .into_iter()
            .map(|e| {
                x = 0.8 * x + e;
                x
            })
            .collect();
        // (1 − ρ)/(1 + ρ) of the draws.
        let found = effective_size(&smooth, &[n]) / n as f64;
        assert!((found / (0.2 / 1.8) - 1.0).abs() < 0.1, "{found}");
    }

    #[test]
    fn chains_that_stay_apart_are_worth_next_to_nothing() {
        let mut draws = noise(4_000);
        draws[2_000..].iter_mut().for_each(|x| *x += 2.0);
        assert!(effective_size(&draws, &[2_000, 2_000]) < 10.0);
        assert_eq!(effective_size(&[1.0; 100], &[100]), 0.0);
    }
}
