//! What a logistic regression asks of all rows of one group, in vector instructions. Sums run in eight lanes whatever the width of
//! the processor's vectors, so that bits are the same from each.

use crate::numeric::{Instructions, compiled_for_each, exp_of_nonpositive_fused};

const LANES: usize = 8;

/// Rows that are worked on together, so that what is made of them stays near.
pub(super) const BLOCK: usize = 128;

/// Rows that share an intercept: places `from` to `to` of columns of length `stride`, one after another in `x`.
#[derive(Debug, Clone, Copy)]
pub struct Span<'a> {
    pub x: &'a [f64],
    pub stride: usize,
    pub from: usize,
    pub to: usize,
    pub intercept: f64,
    pub slopes: &'a [f64],
}

/// Adds to `sums` of these rows: residuals, information, information times each column, residuals times each column, and
/// information times every two columns (the lower triangle, row by row). The largest log odds.
pub fn accumulate(span: Span<'_>, events: &[f64], totals: &[f64], sums: &mut [f64]) -> f64 {
    accumulated(Instructions::best(), span, events, totals, sums)
}

/// The probabilities of these rows, to their places.
pub fn predict(span: Span<'_>, into: &mut [f64]) {
    predicted(Instructions::best(), span, into);
}

/// How many sums there are with so many columns.
pub fn sums(columns: usize) -> usize {
    2 + 2 * columns + columns * (columns + 1) / 2
}

compiled_for_each! {
    fn accumulated(span: Span<'_>, events: &[f64], totals: &[f64], sums: &mut [f64]) -> f64 = over_rows;

    fn predicted(span: Span<'_>, into: &mut [f64]) -> () = over_predictions;
}

#[inline(always)]
fn total(lanes: [f64; LANES]) -> f64 {
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "by place, so that it is vectorised")]
pub(super) fn dot(a: &[f64; BLOCK], b: &[f64; BLOCK]) -> f64 {
    let mut lanes = [0.0; LANES];
    for chunk in 0..BLOCK / LANES {
        for lane in 0..LANES {
            let i = chunk * LANES + lane;
            lanes[lane] = a[i].mul_add(b[i], lanes[lane]);
        }
    }
    total(lanes)
}

/// The log odds of up to a block of rows; rows that are not there have that of the intercept.
#[inline(always)]
pub(super) fn log_odds(
    span: &Span<'_>,
    from: usize,
    n: usize,
    room: &mut [f64; BLOCK],
    eta: &mut [f64; BLOCK],
) {
    *eta = [span.intercept; BLOCK];
    for (k, &slope) in span.slopes.iter().enumerate() {
        let start = k * span.stride + from;
        let column = whole(&span.x[start..start + n], room);
        for i in 0..BLOCK {
            eta[i] = column[i].mul_add(slope, eta[i]);
        }
    }
}

/// Up to a block of values as a block: as they stand, or with 0 where there are none.
#[inline(always)]
pub(super) fn whole<'a>(values: &'a [f64], room: &'a mut [f64; BLOCK]) -> &'a [f64; BLOCK] {
    match values.first_chunk::<BLOCK>() {
        Some(block) => block,
        None => {
            room[..values.len()].copy_from_slice(values);
            room[values.len()..].fill(0.0);
            room
        }
    }
}

/// The probability, and that it is not.
#[inline(always)]
fn logistic(eta: f64) -> (f64, f64) {
    let e = exp_of_nonpositive_fused(-eta.abs());
    let near_one = 1.0 / (1.0 + e);
    let far = e * near_one;
    if eta >= 0.0 { (near_one, far) } else { (far, near_one) }
}

#[inline(always)]
fn over_rows(span: Span<'_>, events: &[f64], totals: &[f64], sums: &mut [f64]) -> f64 {
    let p = span.slopes.len();
    let zero = [0.0; BLOCK];
    let (mut eta, mut column, mut other) = (zero, zero, zero);
    let (mut residual, mut weight, mut weighted) = (zero, zero, zero);
    let mut farthest: f64 = 0.0;
    let mut from = span.from;
    while from < span.to {
        let n = (span.to - from).min(BLOCK);
        log_odds(&span, from, n, &mut column, &mut eta);
        let of = whole(&totals[from..from + n], &mut column);
        let with = whole(&events[from..from + n], &mut other);
        for i in 0..BLOCK {
            let (m, rest) = logistic(eta[i]);
            residual[i] = with[i] - of[i] * m;
            weight[i] = of[i] * m * rest;
        }
        for x in &eta[..n] {
            farthest = if x.abs() > farthest { x.abs() } else { farthest };
        }
        let ones = [1.0; BLOCK];
        sums[0] += dot(&residual, &ones);
        sums[1] += dot(&weight, &ones);
        let (mixed, rest) = sums[2..].split_at_mut(p);
        let (gradient, information) = rest.split_at_mut(p);
        let mut place = 0;
        for j in 0..p {
            let at = |k: usize| &span.x[k * span.stride + from..k * span.stride + from + n];
            let own = whole(at(j), &mut column);
            for i in 0..BLOCK {
                weighted[i] = weight[i] * own[i];
            }
            mixed[j] += dot(&weighted, &ones);
            gradient[j] += dot(&residual, own);
            for k in 0..j {
                information[place] += dot(&weighted, whole(at(k), &mut other));
                place += 1;
            }
            information[place] += dot(&weighted, own);
            place += 1;
        }
        from += n;
    }
    farthest
}

#[inline(always)]
fn over_predictions(span: Span<'_>, into: &mut [f64]) {
    let (mut eta, mut column) = ([0.0; BLOCK], [0.0; BLOCK]);
    let mut from = span.from;
    while from < span.to {
        let n = (span.to - from).min(BLOCK);
        log_odds(&span, from, n, &mut column, &mut eta);
        for x in &mut eta {
            *x = logistic(*x).0;
        }
        into[from..from + n].copy_from_slice(&eta[..n]);
        from += n;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_of_instructions_gives_the_same_bits_and_the_plain_sums() {
        let number = |i: usize| libm::sin(1.7 * i as f64 + 0.3);
        for n in [1, 7, 128, 129, 300] {
            let (p, x) = (3, (0..3 * n).map(number).collect::<Vec<f64>>());
            let totals: Vec<f64> = (0..n).map(|i| 1.0 + number(i + 5).abs()).collect();
            let events: Vec<f64> = totals.iter().enumerate().map(|(i, t)| t * number(i).abs()).collect();
            let slopes = [0.4, -1.1, 2.0];
            let span = Span { x: &x, stride: n, from: 0, to: n, intercept: -0.2, slopes: &slopes };
            let by = |with: Instructions| {
                let (mut found, mut e) = (vec![0.0; sums(p)], vec![0.0; n]);
                accumulated(with, span, &events, &totals, &mut found);
                predicted(with, span, &mut e);
                found.iter().chain(&e).map(|x| x.to_bits()).collect::<Vec<u64>>()
            };
            let portable = by(Instructions::PORTABLE);
            for with in Instructions::available() {
                assert_eq!(by(with), portable, "{with:?}, {n} rows");
            }
            let mut plain = vec![0.0; sums(p)];
            for i in 0..n {
                let at: Vec<f64> = (0..p).map(|k| x[k * n + i]).collect();
                let m =
                    crate::numeric::logistic(-0.2 + at.iter().zip(slopes).map(|(x, b)| x * b).sum::<f64>());
                let (residual, weight) = (events[i] - totals[i] * m, totals[i] * m * (1.0 - m));
                plain[0] += residual;
                plain[1] += weight;
                let mut place = 2 + 2 * p;
                for j in 0..p {
                    plain[2 + j] += weight * at[j];
                    plain[2 + p + j] += residual * at[j];
                    for k in 0..=j {
                        plain[place] += weight * at[j] * at[k];
                        place += 1;
                    }
                }
            }
            for (bits, plain) in portable.iter().zip(plain) {
                assert!((f64::from_bits(*bits) - plain).abs() < 1e-12 * n as f64);
            }
        }
    }
}
