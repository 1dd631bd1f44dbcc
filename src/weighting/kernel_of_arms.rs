//! What a multinomial regression asks of all rows of one group, in vector instructions: see [`kernel`](super::kernel).

use std::ops::Range;

use super::MOST_ARMS;
use super::coefficients::Coefficients;
use super::kernel::{BLOCK, Span, dot, log_odds, whole};
use super::logistic::Rows;
use crate::numeric::{Instructions, compiled_for_each, exp_of_nonpositive_fused};

/// Rows that share intercepts, with the coefficients of every active arm.
#[derive(Debug, Clone, Copy)]
pub struct Group<'a> {
    pub rows: &'a Rows,
    pub group: usize,
    pub at: &'a [Coefficients],
}

/// Patients of each row.
#[derive(Debug, Clone, Copy)]
pub struct Patients<'a> {
    /// Of all rows of the study, active arm after active arm.
    pub by_arm: &'a [f64],
    /// How many rows the study has.
    pub stride: usize,
    /// In all, of the rows that are asked of.
    pub totals: &'a [f64],
    /// The first of these.
    pub from: usize,
}

impl<'a> Patients<'a> {
    /// Those in an active arm, counted from 0.
    fn in_arm(&self, arm: usize, rows: Range<usize>) -> &'a [f64] {
        let start = arm * self.stride + self.from;
        &self.by_arm[start + rows.start..start + rows.end]
    }
}

impl<'a> Group<'a> {
    fn range(&self) -> Range<usize> {
        self.rows.groups[self.group].clone()
    }

    fn span(&self, arm: usize) -> Span<'a> {
        let Range { start: from, end: to } = self.range();
        let of = &self.at[arm];
        let (x, stride) = (&self.rows.x, self.rows.len);
        Span { x, stride, from, to, intercept: of.intercepts[self.group], slopes: &of.slopes }
    }
}

/// Adds the sums of these rows, with z = (1, covariates): by active arm residuals times z, and by every two active arms (the lower
/// triangle, row by row) information times every two of z (likewise). The largest log odds of an arm against the first.
pub fn accumulate(group: Group<'_>, patients: Patients<'_>, sums: (&mut [f64], &mut [f64])) -> f64 {
    accumulated(Instructions::best(), group, patients, sums)
}

/// The probabilities of all arms of these rows, row after row.
pub fn predict(group: Group<'_>, into: &mut [f64]) {
    predicted(Instructions::best(), group, into);
}

compiled_for_each! {
    fn accumulated(group: Group<'_>, patients: Patients<'_>, sums: (&mut [f64], &mut [f64])) -> f64 = over_rows;

    fn predicted(group: Group<'_>, into: &mut [f64]) -> () = over_predictions;
}

type Block = [f64; BLOCK];

/// The probabilities of the active arms of up to a block of rows, and of the control arm behind them; the largest log odds.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "by place, so that it is vectorised")]
fn probabilities(
    group: &Group<'_>,
    (from, n): (usize, usize),
    column: &mut Block,
    e: &mut [Block; MOST_ARMS],
) -> f64 {
    let active = group.at.len();
    let mut most = [0.0; BLOCK];
    let mut farthest: f64 = 0.0;
    for a in 0..active {
        log_odds(&group.span(a), from, n, column, &mut e[a]);
        for x in &e[a][..n] {
            farthest = if x.abs() > farthest { x.abs() } else { farthest };
        }
        for i in 0..BLOCK {
            most[i] = if e[a][i] > most[i] { e[a][i] } else { most[i] };
        }
    }
    let mut all = [0.0; BLOCK];
    for i in 0..BLOCK {
        e[active][i] = exp_of_nonpositive_fused(-most[i]);
        all[i] = e[active][i];
    }
    for a in 0..active {
        for i in 0..BLOCK {
            e[a][i] = exp_of_nonpositive_fused(e[a][i] - most[i]);
            all[i] += e[a][i];
        }
    }
    for a in 0..=active {
        for i in 0..BLOCK {
            e[a][i] /= all[i];
        }
    }
    farthest
}

#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "by place, so that it is vectorised")]
fn over_rows(group: Group<'_>, patients: Patients<'_>, sums: (&mut [f64], &mut [f64])) -> f64 {
    let (residuals, information) = sums;
    let (p, active) = (group.rows.terms, group.at.len());
    let (q, ones) = (p + 1, [1.0; BLOCK]);
    let mut e = [[0.0; BLOCK]; MOST_ARMS];
    let (mut column, mut other) = ([0.0; BLOCK], [0.0; BLOCK]);
    let (mut residual, mut weight, mut weighted) = ([0.0; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
    let mut farthest: f64 = 0.0;
    let Range { start: mut from, end: to } = group.range();
    while from < to {
        let n = (to - from).min(BLOCK);
        let largest = probabilities(&group, (from, n), &mut column, &mut e);
        farthest = if largest > farthest { largest } else { farthest };
        let x = |k: usize| &group.rows.x[k * group.rows.len + from..k * group.rows.len + from + n];
        let mut room = [0.0; BLOCK];
        let of = whole(&patients.totals[from..from + n], &mut room);
        let mut place = 0;
        for a in 0..active {
            let with = whole(patients.in_arm(a, from..from + n), &mut column);
            for i in 0..BLOCK {
                residual[i] = with[i] - of[i] * e[a][i];
            }
            residuals[a * q] += dot(&residual, &ones);
            for j in 0..p {
                residuals[a * q + 1 + j] += dot(&residual, whole(x(j), &mut column));
            }
            for b in 0..=a {
                for i in 0..BLOCK {
                    let rest = if a == b { 1.0 - e[b][i] } else { -e[b][i] };
                    weight[i] = of[i] * e[a][i] * rest;
                }
                information[place] += dot(&weight, &ones);
                place += 1;
                for j in 0..p {
                    let own = whole(x(j), &mut column);
                    for i in 0..BLOCK {
                        weighted[i] = weight[i] * own[i];
                    }
                    information[place] += dot(&weighted, &ones);
                    place += 1;
                    for k in 0..j {
                        information[place] += dot(&weighted, whole(x(k), &mut other));
                        place += 1;
                    }
                    information[place] += dot(&weighted, own);
                    place += 1;
                }
            }
        }
        from += n;
    }
    farthest
}

#[inline(always)]
fn over_predictions(group: Group<'_>, into: &mut [f64]) {
    let arms = group.at.len() + 1;
    let mut e = [[0.0; BLOCK]; MOST_ARMS];
    let mut column = [0.0; BLOCK];
    let Range { start: mut from, end: to } = group.range();
    while from < to {
        let n = (to - from).min(BLOCK);
        probabilities(&group, (from, n), &mut column, &mut e);
        for i in 0..n {
            let of = &mut into[(from + i) * arms..(from + i + 1) * arms];
            of[0] = e[arms - 1][i];
            for a in 1..arms {
                of[a] = e[a - 1][i];
            }
        }
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
            let (p, active) = (2, 2);
            let q = p + 1;
            let rows = Rows {
                groups: std::iter::once(0..n).collect(),
                terms: p,
                x: (0..p * n).map(number).collect(),
                len: n,
            };
            let totals: Vec<f64> = (0..n).map(|i| 1.0 + number(i + 5).abs()).collect();
            let by_arm: Vec<f64> = (0..active * n).map(|k| 0.3 * totals[k % n] * number(k).abs()).collect();
            let at = [[0.3, -0.8], [-1.1, 0.4]]
                .map(|slopes| Coefficients { intercepts: vec![0.2 * slopes[0]], slopes: slopes.to_vec() });
            let group = Group { rows: &rows, group: 0, at: &at };
            let patients = Patients { by_arm: &by_arm, stride: n, totals: &totals, from: 0 };
            let triangle = q * (q + 1) / 2;
            let by = |with: Instructions| {
                let (mut residuals, mut information) = (vec![0.0; active * q], vec![0.0; 3 * triangle]);
                let mut e = vec![0.0; n * (active + 1)];
                accumulated(with, group, patients, (&mut residuals, &mut information));
                predicted(with, group, &mut e);
                residuals.iter().chain(&information).chain(&e).map(|x| x.to_bits()).collect::<Vec<u64>>()
            };
            let portable = by(Instructions::PORTABLE);
            for with in Instructions::available() {
                assert_eq!(by(with), portable, "{with:?}, {n} rows");
            }
            let (mut residuals, mut information) = (vec![0.0; active * q], vec![0.0; 3 * triangle]);
            let mut e = Vec::new();
            for i in 0..n {
                let z: Vec<f64> = std::iter::once(1.0).chain((0..p).map(|k| rows.x[k * n + i])).collect();
                let odds = at.each_ref().map(|of| {
                    let slopes: f64 = z[1..].iter().zip(&of.slopes).map(|(x, b)| x * b).sum();
                    libm::exp(of.intercepts[0] + slopes)
                });
                let all = 1.0 + odds[0] + odds[1];
                let own = odds.map(|o| o / all);
                e.extend([1.0 / all, own[0], own[1]]);
                let mut place = 0;
                for a in 0..active {
                    for j in 0..q {
                        residuals[a * q + j] += (by_arm[a * n + i] - totals[i] * own[a]) * z[j];
                    }
                    for b in 0..=a {
                        let same = if a == b { 1.0 } else { 0.0 };
                        for j in 0..q {
                            for k in 0..=j {
                                information[place] += totals[i] * own[a] * (same - own[b]) * z[j] * z[k];
                                place += 1;
                            }
                        }
                    }
                }
            }
            for (bits, plain) in portable.iter().zip(residuals.iter().chain(&information).chain(&e)) {
                assert!((f64::from_bits(*bits) - plain).abs() < 1e-12 * n as f64);
            }
        }
    }
}
