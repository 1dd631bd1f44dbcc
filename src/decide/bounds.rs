//! Bounds on a sum whose terms' dependence is not known.

use crate::posterior::NormalScores;

/// P(ΣX > 0), at least and at most, whatever the dependence between the terms (Makarov's bounds; for more than two terms
/// Frank, Nelsen & Schweizer, Probab Theory Relat Fields 1987;74:199, valid though not always sharp).
pub fn bounds_of_sum(terms: &[NormalScores]) -> (f64, f64) {
    let n = terms.len() as f64;
    let below = |x: &[f64]| terms.iter().zip(x).map(|(t, x)| t.cdf(*x)).sum::<f64>();
    let most = sup(terms, 1.0, &below).max(n - 1.0).min(n) - (n - 1.0);
    let least = sup(terms, -1.0, &|x| -below(x)).clamp(-1.0, 0.0);
    // P(Σ < 0) lies between the two.
    (1.0 + least, 1.0 - most)
}

/// The largest value over all divisions of 0 among the terms: from many starts, by moving between two terms at a time.
fn sup(terms: &[NormalScores], sign: f64, value: &dyn Fn(&[f64]) -> f64) -> f64 {
    let n = terms.len();
    let mut best = f64::NEG_INFINITY;
    // Starts: all terms at one score, the remainder carried by one of them.
    for carrier in 0..n {
        for start in [0.5, 1.5, 2.5, 3.5] {
            let mut x: Vec<f64> = terms.iter().map(|t| t.value(sign * start)).collect();
            let rest: f64 = x.iter().sum::<f64>() - x[carrier];
            x[carrier] = -rest;
            let mut now = value(&x);
            for _ in 0..40 {
                let before = now;
                for i in 0..n {
                    for j in i + 1..n {
                        now = exchanged(terms, &mut x, (i, j), value);
                    }
                }
                if now - before < 1e-11 {
                    break;
                }
            }
            best = best.max(now);
        }
    }
    best
}

/// Moves an amount from one term to another where that is best: a coarse search, then a golden one around its best.
fn exchanged(
    terms: &[NormalScores],
    x: &mut [f64],
    (i, j): (usize, usize),
    value: &dyn Fn(&[f64]) -> f64,
) -> f64 {
    const COARSE: i32 = 32;
    const GOLDEN: f64 = 0.618_033_988_749_894_8;
    let spread = (terms[i].value(4.0) - terms[i].value(-4.0)).max(terms[j].value(4.0) - terms[j].value(-4.0));
    let at = |moved: f64, x: &mut [f64]| {
        let before = (x[i], x[j]);
        (x[i], x[j]) = (before.0 + moved, before.1 - moved);
        let v = value(x);
        (x[i], x[j]) = before;
        v
    };
    let step = spread / f64::from(COARSE);
    let mut best = (0.0, at(0.0, x));
    for k in -COARSE..=COARSE {
        let v = at(step * f64::from(k), x);
        if v > best.1 {
            best = (step * f64::from(k), v);
        }
    }
    let (mut low, mut high) = (best.0 - step, best.0 + step);
    for _ in 0..40 {
        let (a, b) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
        if at(a, x) > at(b, x) {
            high = b;
        } else {
            low = a;
        }
    }
    let middle = 0.5 * (low + high);
    let found = at(middle, x);
    if found > best.1 {
        best = (middle, found);
    }
    x[i] += best.0;
    x[j] -= best.0;
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::normal_cdf;

    #[test]
    fn no_dependence_of_two_normals_leaves_the_bounds_and_the_extremes_are_the_known_ones() {
        // Equal normals: the least P(X + Y > 0) is where both are at half the distance: 2Φ(m/s) − 1, for m > 0.
        let x = NormalScores::normal(0.05, 0.1);
        let (low, high) = bounds_of_sum(&[x.clone(), x]);
        assert!((low - (2.0 * normal_cdf(0.5) - 1.0)).abs() < 1e-7, "{low}");
        assert!((high - 1.0).abs() < 1e-7, "{high}");
    }
}
