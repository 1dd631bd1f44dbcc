//! Averages over simulated studies, with no digit finer than their Monte Carlo error deserves.

use crate::report::numbers::{grouped, sampled_probability};
use crate::trial::Mean;

/// Decimals of which the last is no finer than half the error, at most so many.
fn decimals(mcse: f64, most: i32) -> usize {
    if mcse > 0.0 {
        (-libm::log10(0.5 * mcse)).floor().clamp(0.0, f64::from(most)) as usize
    } else {
        most as usize
    }
}

/// Utility per 1,000 patients.
pub fn per_thousand(mean: Option<Mean>) -> String {
    let Some(Mean { value, mcse }) = mean else { return "–".to_string() };
    let (value, mcse) = (1000.0 * value, 1000.0 * mcse);
    let decimals = decimals(mcse, 2);
    // What lies below nothing by its error is nothing.
    let value = if value.abs() <= 2.0 * mcse && value < 0.0 { 0.0 } else { value };
    if value != 0.0 && value.abs() < 0.5 * libm::pow(10.0, -(decimals as f64)) {
        return format!("< {:.decimals$}", libm::pow(10.0, -(decimals as f64)));
    }
    format!("{value:.decimals$}")
}

/// The same of a number without a Monte Carlo error.
pub fn per_thousand_exact(value: Option<f64>) -> String {
    per_thousand(value.map(|value| Mean { value, mcse: 0.0 }))
}

/// A probability.
pub fn share(mean: Option<Mean>) -> String {
    mean.map_or_else(|| "–".to_string(), |m| sampled_probability(Some(m.value), Some(0.25 * m.mcse)))
}

/// Money, in whole units, with thousands apart.
pub fn money(mean: Option<Mean>) -> String {
    let Some(Mean { value, mcse }) = mean else { return "–".to_string() };
    let unit = libm::pow(10.0, libm::floor(libm::log10((2.0 * mcse).max(1.0))));
    let rounded = (value / unit).round() * unit;
    let digits = grouped(rounded.abs() as u64);
    if rounded < 0.0 { format!("−{digits}") } else { digits }
}
