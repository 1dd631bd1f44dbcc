//! Events among so many patients whose risk is not known.
//!
//! With Y ~ Binomial(n, logit⁻¹(η)),
//!
//! ```text
//! P(Y ≤ y) = P(η ≤ λ),   λ the log odds of a Beta(y + 1, n − y),
//! ```
//!
//! a binomial's sum being a beta's integral: nothing grows with n.

use super::log_odds::{LogOdds, log_odds_of_beta};
use super::{Method, Predictive};
use crate::numeric::{logistic, normal_quantile};

/// What is predicted of the events among `n` patients, `n` above 0, of whom `observed` had one.
pub fn predicted(log_odds: &LogOdds, n: u64, observed: u64, method: Method) -> Predictive {
    let at_most = |y: u64| {
        if y >= n { 1.0 } else { log_odds.below(&log_odds_of_beta(y as f64 + 1.0, (n - y) as f64)) }
    };
    let below = |y: u64| y.checked_sub(1).map_or(0.0, at_most);
    let patients = n as f64;
    let quantiles = log_odds.rough_quantiles([0.025, 0.5, 0.975]).map(|x| patients * logistic(x));
    let end = |p: f64, of_risk: f64| {
        // Chance in the number of events beside what the risk itself leaves open, as if both were normal.
        let chance = of_risk * (1.0 - of_risk / patients);
        let away = normal_quantile(p) * libm::sqrt(chance.max(0.0));
        let both = libm::hypot(of_risk - quantiles[1], away);
        let guess = quantiles[1] + if p < 0.5 { -both } else { both };
        least(n, p, (guess, 0.1 * away.abs()), at_most) as f64
    };
    Predictive {
        mean: Some(patients * log_odds.risk()),
        interval: [end(0.025, quantiles[0]), end(0.975, quantiles[2])],
        tail_probability: (0.5 * (below(observed) + at_most(observed))).clamp(0.0, 1.0),
        method,
    }
}

/// The least count up to `n` at or below which lies probability `p`, from a guess and how far off that may be.
fn least(n: u64, p: f64, (guess, off): (f64, f64), at_most: impl Fn(u64) -> f64) -> u64 {
    let reaches = |y: u64| y >= n || at_most(y) >= p;
    let mut step = off.clamp(1.0, 1e15) as u64;
    let start = guess.clamp(0.0, n as f64) as u64;
    // The answer lies above `low`, if there is one, and at `high` or below.
    let (mut low, mut high);
    if reaches(start) {
        high = start;
        low = start.checked_sub(step);
        while let Some(y) = low.filter(|y| reaches(*y)) {
            high = y;
            step = step.saturating_mul(2);
            low = y.checked_sub(step);
        }
    } else {
        low = Some(start);
        high = start.saturating_add(step).min(n);
        while !reaches(high) {
            low = Some(high);
            step = step.saturating_mul(2);
            high = high.saturating_add(step).min(n);
        }
    }
    // Without a count known to be too small, 0 may be the answer.
    if low.is_none() && reaches(0) {
        return 0;
    }
    let mut low = low.unwrap_or(0);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if reaches(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}
