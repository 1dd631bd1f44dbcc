//! Restricted cubic splines (Harrell, *Regression Modeling Strategies*, 2nd ed., §2.4.5).

/// Where Harrell puts the knots of a spline, as quantiles; none for fewer than three or more than seven.
pub fn knot_quantiles(knots: usize) -> Option<&'static [f64]> {
    match knots {
        3 => Some(&[0.1, 0.5, 0.9]),
        4 => Some(&[0.05, 0.35, 0.65, 0.95]),
        5 => Some(&[0.05, 0.275, 0.5, 0.725, 0.95]),
        6 => Some(&[0.05, 0.23, 0.41, 0.59, 0.77, 0.95]),
        7 => Some(&[0.025, 0.1833, 0.3417, 0.5, 0.6583, 0.8167, 0.975]),
        _ => None,
    }
}

/// The quantile of sorted values, each with its frequency, on the line between neighbouring order statistics (type 7 of
/// Hyndman & Fan); NaN of none.
pub fn quantile(sorted: &[(f64, u64)], p: f64) -> f64 {
    let last = sorted.iter().map(|(_, n)| n).sum::<u64>().saturating_sub(1);
    let at = p * last as f64;
    let below = (at as u64).min(last);
    let statistic = |rank: u64| {
        let mut before = 0;
        let found = sorted.iter().find(|(_, n)| {
            before += n;
            before > rank
        });
        found.map_or(f64::NAN, |(x, _)| *x)
    };
    let (low, high) = (statistic(below), statistic((below + 1).min(last)));
    low + (at - below as f64) * (high - low)
}

/// The `j`-th column after the linear one, 0 ≤ j < k − 2, at `x`: a cubic between the knots, a line beyond them, divided by
/// the squared distance of the outer knots so that it has x's unit.
pub fn column(x: f64, knots: &[f64], j: usize) -> f64 {
    let k = knots.len();
    let (first, before, last) = (knots[0], knots[k - 2], knots[k - 1]);
    let cubed = |t: f64| if x > t { (x - t) * (x - t) * (x - t) } else { 0.0 };
    let gap = last - before;
    let own =
        cubed(knots[j]) - cubed(before) * (last - knots[j]) / gap + cubed(last) * (before - knots[j]) / gap;
    own / ((last - first) * (last - first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_a_line_beyond_the_outer_knots_and_smooth_at_all_of_them() {
        let knots = [1.0, 2.5, 4.0, 7.0];
        for j in 0..2 {
            let f = |x: f64| column(x, &knots, j);
            assert_eq!((f(0.0), f(1.0)), (0.0, 0.0));
            // Second differences vanish above the last knot.
            assert!((f(8.0) - 2.0 * f(9.0) + f(10.0)).abs() < 1e-12);
            for t in knots {
                let h = 1e-4;
                let bend = |x: f64| (f(x - h) - 2.0 * f(x) + f(x + h)) / (h * h);
                assert!((bend(t - 2.0 * h) - bend(t + 2.0 * h)).abs() < 1e-2, "knot {t}");
            }
        }
        // By hand at x = 3 with j = 0: (2³ − 0.5³·(7 − 1)/3 … ) the knots below are 1 and 2.5, before and last are 4 and 7.
        assert!((column(3.0, &knots, 0) - 8.0 / 36.0).abs() < 1e-15);
        assert!((column(3.0, &knots, 1) - 0.125 / 36.0).abs() < 1e-15);
    }

    #[test]
    fn quantiles_are_those_of_r() {
        // R: quantile(c(1, 2, 4, 8), c(0.1, 0.5, 0.9)) is 1.3, 3, 6.8.
        // R has 1.5, 3 and 6 of c(1, 2, 3, 3, 4, 8) at these.
        let twice = [(1.0, 1), (2.0, 1), (3.0, 2), (4.0, 1), (8.0, 1)];
        for (p, expected) in [(0.1, 1.5), (0.5, 3.0), (0.9, 6.0)] {
            assert!((quantile(&twice, p) - expected).abs() < 1e-12, "{p}");
        }
        let sorted = [(1.0, 1), (2.0, 1), (4.0, 1), (8.0, 1)];
        for (p, expected) in [(0.1, 1.3), (0.5, 3.0), (0.9, 6.8), (0.0, 1.0), (1.0, 8.0)] {
            assert!((quantile(&sorted, p) - expected).abs() < 1e-12, "{p}");
        }
    }
}
