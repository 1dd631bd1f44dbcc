//! The log likelihood of many binomial cells at once.

use crate::numeric::{Instructions, compiled_for_each, exp_of_nonpositive, ln_1p_of_fraction};

/// Log likelihood of one cell at log odds `x`, without the binomial coefficient, and its slope.
#[inline(always)]
fn cell(x: f64, events: f64, total: f64) -> (f64, f64) {
    let e = exp_of_nonpositive(-x.abs());
    let near_one = 1.0 / (1.0 + e);
    let risk = if x >= 0.0 { near_one } else { e * near_one };
    let positive = if x >= 0.0 { x } else { 0.0 };
    (events * x - total * (positive + ln_1p_of_fraction(e)), events - total * risk)
}

/// Cells that are taken at once.
const LANES: usize = 8;

/// So few cells are faster taken in pairs.
const FEW: usize = 5;

/// `Σ yᵢ xᵢ − nᵢ ln(1 + e^xᵢ)` over cells at log odds `x`, and each cell's slope `yᵢ − nᵢ logit⁻¹(xᵢ)`. All slices of one
/// length. Branch-free, so that the compiler uses vector instructions; two partial sums in a fixed order.
pub fn log_likelihood_of_cells(x: &[f64], events: &[f64], totals: &[f64], slopes: &mut [f64]) -> f64 {
    if x.len() > FEW {
        return many_cells(Instructions::best(), x, events, totals, slopes);
    }
    let mut partial = [0.0; 2];
    for (i, &x) in x.iter().enumerate() {
        let (value, slope) = cell(x, events[i], totals[i]);
        partial[i % 2] += value;
        slopes[i] = slope;
    }
    partial[0] + partial[1]
}

/// The same of each cell by itself: its log likelihood and its slope.
pub fn log_likelihood_of_each(
    x: &[f64],
    (events, totals): (&[f64], &[f64]),
    values: &mut [f64],
    slopes: &mut [f64],
) {
    each_cell(Instructions::best(), x, events, totals, values, slopes);
}

compiled_for_each! {
    fn each_cell(
        x: &[f64],
        events: &[f64],
        totals: &[f64],
        values: &mut [f64],
        slopes: &mut [f64],
    ) -> () = over_each;

    fn many_cells(x: &[f64], events: &[f64], totals: &[f64], slopes: &mut [f64]) -> f64 = over_cells;
}

#[inline(always)]
fn over_cells(x: &[f64], events: &[f64], totals: &[f64], slopes: &mut [f64]) -> f64 {
    let mut partial = [0.0; 2];
    by_lanes(x, (events, totals), slopes, |_, values| {
        for i in 0..values.len() {
            partial[i % 2] += values[i];
        }
    });
    partial[0] + partial[1]
}

#[inline(always)]
fn over_each(x: &[f64], events: &[f64], totals: &[f64], values: &mut [f64], slopes: &mut [f64]) {
    by_lanes(x, (events, totals), slopes, |from, made| {
        values[from..from + made.len()].copy_from_slice(made);
    });
}

/// Hands on the values of cells from each place that is a multiple of the lanes; the last lanes are filled up.
#[inline(always)]
fn by_lanes(
    x: &[f64],
    (events, totals): (&[f64], &[f64]),
    slopes: &mut [f64],
    mut take: impl FnMut(usize, &[f64]),
) {
    let (x, x_rest) = x.as_chunks::<LANES>();
    let (events, events_rest) = events.as_chunks::<LANES>();
    let (totals, totals_rest) = totals.as_chunks::<LANES>();
    let (slopes, slopes_rest) = slopes.as_chunks_mut::<LANES>();
    for k in 0..x.len() {
        take(k * LANES, &lanes_of_cells((&x[k], &events[k], &totals[k]), &mut slopes[k]));
    }
    let n = x_rest.len();
    if n > 0 {
        let from = x.len() * LANES;
        let [mut x, mut events, mut totals, mut slopes] = [[0.0; LANES]; 4];
        x[..n].copy_from_slice(x_rest);
        events[..n].copy_from_slice(&events_rest[..n]);
        totals[..n].copy_from_slice(&totals_rest[..n]);
        take(from, &lanes_of_cells((&x, &events, &totals), &mut slopes)[..n]);
        slopes_rest[..n].copy_from_slice(&slopes[..n]);
    }
}

#[inline(always)]
fn lanes_of_cells(
    (x, events, totals): (&[f64; LANES], &[f64; LANES], &[f64; LANES]),
    slopes: &mut [f64; LANES],
) -> [f64; LANES] {
    let mut values = [0.0; LANES];
    for i in 0..LANES {
        (values[i], slopes[i]) = cell(x[i], events[i], totals[i]);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::{logistic, softplus};

    #[test]
    fn the_kernel_agrees_with_libm_to_a_few_units_in_the_last_place() {
        let mut worst: f64 = 0.0;
        for i in -40_000..=40_000 {
            let x = 0.001 * f64::from(i);
            let (value, slope) = cell(x, 3.0, 10.0);
            let expected = 3.0 * x - 10.0 * softplus(x);
            worst = worst.max((value - expected).abs() / expected.abs().max(1.0));
            worst = worst.max((slope - (3.0 - 10.0 * logistic(x))).abs() / 10.0);
        }
        assert!(worst < 1e-15, "largest relative error {worst:e}");
    }

    #[test]
    fn a_list_of_cells_is_the_sum_of_its_cells() {
        let x = [-2.0, 0.5, 700.0, -800.0, 0.0];
        let (events, totals) = ([1.0, 2.0, 3.0, 0.0, 5.0], [4.0, 2.0, 3.0, 9.0, 11.0]);
        let mut slopes = [0.0; 5];
        let whole = log_likelihood_of_cells(&x, &events, &totals, &mut slopes);
        let parts: f64 = (0..5).map(|i| events[i] * x[i] - totals[i] * softplus(x[i])).sum();
        assert!((whole - parts).abs() < 1e-12);
        assert_eq!(slopes[2], 0.0);
    }
}
