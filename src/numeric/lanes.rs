//! The sums over a grid's nodes in which the exact engine spends its time, written over lanes for vector instructions.

use std::f64::consts::PI;

use super::exp::exp_of_nonpositive;
use super::instructions::{Instructions, compiled_for_each};

/// Partial sums that run beside each other, whatever the width of the processor's vectors.
const LANES: usize = 8;

/// Lanes added in pairs, halves first.
#[inline(always)]
fn total(lanes: [f64; LANES]) -> f64 {
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// `Σ e^(xᵢ − high)`, in a fixed order; `high` at least the largest `xᵢ`.
pub fn sum_exp_shifted(x: &[f64], high: f64) -> f64 {
    exp_sum(Instructions::best(), x, high)
}

/// `terms[i] = log_weights[i] − half_precision (nodes[i] − x)²`; the largest of them.
pub fn terms_under_normal(
    log_weights: &[f64],
    nodes: &[f64],
    x: f64,
    half_precision: f64,
    terms: &mut Vec<f64>,
) -> f64 {
    terms.resize(log_weights.len(), 0.0);
    normal_terms(Instructions::best(), log_weights, nodes, x, half_precision, terms)
}

/// `Σ massⱼ` and `Σ (−1)ʲ massⱼ (f(πdⱼ) cos + g(πdⱼ) sin)` for distances `dⱼ` that begin at the first number and change by
/// the second, 1 or −1, all 16 or more, with the auxiliary functions f and g of the sine integral.
pub fn rippled(mass: &[f64], distances: (f64, f64), cos: f64, sin: f64) -> [f64; 2] {
    ripples(Instructions::best(), mass, distances, cos, sin)
}

/// Some columns of a matrix times `x`: `out[k] = Σ matrix[k][first + j] x[j]`, its rows one after another, `width` each.
pub fn matrix_times(matrix: &[f64], (width, first): (usize, usize), x: &[f64], out: &mut [f64]) {
    rows_times(Instructions::best(), matrix, (width, first), x, out);
}

/// The rows of a matrix added up with these weights, in some columns: `out[j] = Σ weights[k] matrix[k][first + j]`.
pub fn weighted_rows(matrix: &[f64], (width, first): (usize, usize), weights: &[f64], out: &mut [f64]) {
    rows_added(Instructions::best(), matrix, (width, first), weights, out);
}

/// `Σ aᵢ bᵢ cᵢ`, of the first elements where one is longer.
pub fn sum_of_products(a: &[f64], b: &[f64], c: &[f64]) -> f64 {
    products(Instructions::best(), a, b, c)
}

compiled_for_each! {
    fn rows_times(matrix: &[f64], columns: (usize, usize), x: &[f64], out: &mut [f64]) -> () = over_rows;

    fn rows_added(matrix: &[f64], columns: (usize, usize), weights: &[f64], out: &mut [f64]) -> () = over_weighted_rows;

    fn products(a: &[f64], b: &[f64], c: &[f64]) -> f64 = over_products;

    fn exp_sum(x: &[f64], high: f64) -> f64 = over_exp;

    fn normal_terms(
        log_weights: &[f64],
        nodes: &[f64],
        x: f64,
        half_precision: f64,
        terms: &mut [f64],
    ) -> f64 = over_normal_terms;

    fn ripples(mass: &[f64], distances: (f64, f64), cos: f64, sin: f64) -> [f64; 2] = over_ripples;
}

#[inline(always)]
fn over_rows(matrix: &[f64], (width, first): (usize, usize), x: &[f64], out: &mut [f64]) {
    for (out, row) in out.iter_mut().zip(matrix.chunks_exact(width.max(1))) {
        let row = &row[first..first + x.len()];
        let mut sums = [0.0; LANES];
        let (blocks, rest) = row.as_chunks::<LANES>();
        let (with, with_rest) = x.as_chunks::<LANES>();
        for (block, with) in blocks.iter().zip(with) {
            for lane in 0..LANES {
                sums[lane] += block[lane] * with[lane];
            }
        }
        for ((sum, a), b) in sums.iter_mut().zip(rest).zip(with_rest) {
            *sum += a * b;
        }
        *out = total(sums);
    }
}

#[inline(always)]
fn over_weighted_rows(matrix: &[f64], (width, first): (usize, usize), weights: &[f64], out: &mut [f64]) {
    out.fill(0.0);
    for (&weight, row) in weights.iter().zip(matrix.chunks_exact(width.max(1))) {
        let row = &row[first..first + out.len()];
        // Most nodes of a plane have no part in a posterior.
        if weight != 0.0 {
            for (sum, x) in out.iter_mut().zip(row) {
                *sum += weight * x;
            }
        }
    }
}

#[inline(always)]
fn over_products(a: &[f64], b: &[f64], c: &[f64]) -> f64 {
    let n = a.len().min(b.len()).min(c.len());
    let (a, b, c) = (&a[..n], &b[..n], &c[..n]);
    let mut sums = [0.0; LANES];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let (c, c_rest) = c.as_chunks::<LANES>();
    for ((a, b), c) in a.iter().zip(b).zip(c) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane] * c[lane];
        }
    }
    for (((sum, a), b), c) in sums.iter_mut().zip(a_rest).zip(b_rest).zip(c_rest) {
        *sum += a * b * c;
    }
    total(sums)
}

#[inline(always)]
fn over_exp(x: &[f64], high: f64) -> f64 {
    let mut partial = [0.0; LANES];
    let (blocks, rest) = x.as_chunks::<LANES>();
    for block in blocks {
        for lane in 0..LANES {
            partial[lane] += exp_of_nonpositive(block[lane] - high);
        }
    }
    for (sum, &value) in partial.iter_mut().zip(rest) {
        *sum += exp_of_nonpositive(value - high);
    }
    total(partial)
}

#[inline(always)]
fn over_normal_terms(
    log_weights: &[f64],
    nodes: &[f64],
    x: f64,
    half_precision: f64,
    terms: &mut [f64],
) -> f64 {
    let term = |weight: f64, node: f64| {
        let d = node - x;
        weight - half_precision * d * d
    };
    let mut high = [f64::NEG_INFINITY; LANES];
    let (weights, weights_rest) = log_weights.as_chunks::<LANES>();
    let (nodes, nodes_rest) = nodes.as_chunks::<LANES>();
    let (blocks, terms_rest) = terms.as_chunks_mut::<LANES>();
    for ((block, weights), nodes) in blocks.iter_mut().zip(weights).zip(nodes) {
        for lane in 0..LANES {
            let t = term(weights[lane], nodes[lane]);
            block[lane] = t;
            high[lane] = if t > high[lane] { t } else { high[lane] };
        }
    }
    for (((out, &weight), &node), high) in
        terms_rest.iter_mut().zip(weights_rest).zip(nodes_rest).zip(&mut high)
    {
        let t = term(weight, node);
        *out = t;
        *high = if t > *high { t } else { *high };
    }
    high.iter().fold(f64::NEG_INFINITY, |a, &b| if b > a { b } else { a })
}

#[inline(always)]
fn over_ripples(mass: &[f64], (distance, change): (f64, f64), cos: f64, sin: f64) -> [f64; 2] {
    // The asymptotic series of f and g, to the order that suffices from 16 on.
    let ripple = |d: f64| {
        let reciprocal = 1.0 / (PI * d);
        let inverse = reciprocal * reciprocal;
        let f =
            (1.0 - inverse * (2.0 - inverse * (24.0 - inverse * (720.0 - inverse * 40_320.0)))) * reciprocal;
        let g =
            (1.0 - inverse * (6.0 - inverse * (120.0 - inverse * (5_040.0 - inverse * 362_880.0)))) * inverse;
        f * cos + g * sin
    };
    let mut sums = [0.0; LANES];
    let mut rippled = [0.0; LANES];
    let (blocks, rest) = mass.as_chunks::<LANES>();
    let mut first = distance;
    for block in blocks {
        for lane in 0..LANES {
            sums[lane] += block[lane];
            rippled[lane] += block[lane] * ripple(first + change * lane as f64);
        }
        first += change * LANES as f64;
    }
    for (lane, &m) in rest.iter().enumerate() {
        sums[lane] += m;
        rippled[lane] += m * ripple(first + change * lane as f64);
    }
    // Lanes of one parity have one sign.
    let [a, b, c, d, e, f, g, h] = rippled;
    [total(sums), ((a + e) + (c + g)) - ((b + f) + (d + h))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_of_instructions_gives_the_same_bits() {
        let number = |i: usize| libm::sin(1.3 * i as f64);
        for n in [0, 1, 7, 8, 9, 61, 200] {
            let x: Vec<f64> = (0..n).map(|i| 30.0 * (number(i) - 1.0)).collect();
            let nodes: Vec<f64> = (0..n).map(|i| 0.03 * i as f64).collect();
            let by = |with: Instructions| {
                let mut terms = vec![0.0; n];
                let high = normal_terms(with, &x, &nodes, 0.7, 3.1, &mut terms);
                let [sum, ripple] = ripples(with, &nodes, (17.3, 1.0), 0.6, 0.8);
                let mut bits: Vec<u64> = terms.iter().map(|t| t.to_bits()).collect();
                let (mut rows, mut added) = ([0.0; 2], vec![0.0; n / 2]);
                rows_times(with, &x, (n / 2, 0), &nodes[..n / 2], &mut rows);
                rows_added(with, &x, (n / 2, 0), &[0.3, -1.7], &mut added);
                bits.extend(rows.iter().chain(&added).map(|t| t.to_bits()));
                bits.push(products(with, &x, &nodes, &terms).to_bits());
                (exp_sum(with, &x, 0.0).to_bits(), high.to_bits(), sum.to_bits(), ripple.to_bits(), bits)
            };
            let portable = by(Instructions::PORTABLE);
            for with in Instructions::available() {
                assert_eq!(by(with), portable, "{with:?}, {n} numbers");
            }
            let plainly: f64 = x.iter().map(|x| libm::exp(*x)).sum();
            assert!((f64::from_bits(portable.0) - plainly).abs() <= 1e-14 * plainly.max(1.0));
        }
    }
}
