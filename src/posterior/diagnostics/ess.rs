//! Effective sample sizes from autocovariances, lag by lag until they are noise (Vehtari et al. 2021, section
//! 3.2).

use super::halves::Variances;
use super::sums::sum_of_products;

/// Shorter sequences have no autocovariance to speak of.
const FEWEST_DRAWS: usize = 3;

/// The effective size of m sequences of n draws: `m n / τ̂` (equations 10–13).
///
/// `autocovariance(t)` is the mean over the sequences at lag t, with divisor n. Lags are asked for in order
/// and only as far as Geyer's initial positive sequence goes. None for fewer than three draws, or if no draw
/// differs.
pub fn effective_size(
    variances: Variances,
    autocorrelations: &mut Vec<f64>,
    mut autocovariance: impl FnMut(usize) -> f64,
) -> Option<f64> {
    let Variances { draws, sequences, within, .. } = variances;
    let pooled = variances.pooled();
    if draws < FEWEST_DRAWS || !(pooled > 0.0 && pooled.is_finite()) {
        return None;
    }
    let autocorrelation = |t| 1.0 - (within - autocovariance(t)) / pooled;
    let pairs_end = initial_positive(draws, autocorrelations, autocorrelation);
    make_monotone(&mut autocorrelations[..pairs_end]);
    let total = (draws * sequences) as f64;
    // The bound: antithetic chains may beat independent draws, but by no more than log₁₀ of their number.
    let time = autocorrelation_time(autocorrelations, pairs_end).max(1.0 / libm::log10(total));
    Some(total / time)
}

/// Geyer's initial positive sequence: pairs of lags `ρ̂(2k) + ρ̂(2k + 1)` while their sums are positive.
///
/// Returns T, a multiple of two: the lags before it are summed in full, lag T (stored after them) once.
fn initial_positive(
    draws: usize,
    rho: &mut Vec<f64>,
    mut autocorrelation: impl FnMut(usize) -> f64,
) -> usize {
    let (mut even, mut odd) = (1.0, autocorrelation(1));
    let mut t = 0;
    rho.clear();
    while t + 5 < draws && even + odd > 0.0 {
        rho.extend([even, odd]);
        t += 2;
        (even, odd) = (autocorrelation(t), autocorrelation(t + 1));
    }
    // A negative lag T counts only in a pair that is not negative.
    rho.push(if even + odd >= 0.0 { even } else { f64::max(even, 0.0) });
    t
}

/// Geyer's initial monotone sequence: no pair's sum above that of the pair before it.
fn make_monotone(rho: &mut [f64]) {
    for k in (2..rho.len()).step_by(2) {
        let before = rho[k - 2] + rho[k - 1];
        if rho[k] + rho[k + 1] > before {
            rho[k] = before / 2.0;
            rho[k + 1] = before / 2.0;
        }
    }
}

/// `τ̂ = −1 + 2 Σ_{t<T} ρ̂(t) + ρ̂(T)`, the average of cutting before and after lag T.
///
/// Lag 0 is summed even where T = 0 (sequences of up to five draws, or a lag-1 correlation of −1), as
/// posterior does.
fn autocorrelation_time(rho: &[f64], end: usize) -> f64 {
    let sum: f64 = rho[..end.max(1)].iter().sum();
    -1.0 + 2.0 * sum + rho[end]
}

/// `Σ_h Σ_i c_h(i) c_h(i + t) / (m n)` of m centred sequences of n draws, one after another.
pub fn mean_autocovariance(centred: &[f64], draws: usize, lag: usize) -> f64 {
    let products = centred
        .chunks_exact(draws)
        .map(|sequence| sum_of_products(sequence, sequence.get(lag..).unwrap_or_default()));
    products.sum::<f64>() / centred.len() as f64
}
