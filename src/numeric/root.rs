//! Inverting distribution functions.

use super::special::normal_quantile;

/// The `x` in `[low, high]` at which the increasing function `f` reaches `target`.
///
/// The secant step with halving of the stale end ("Illinois"), which keeps the root bracketed; ends when the bracket or
/// the residual is at rounding level.
pub fn invert_increasing(low: f64, high: f64, target: f64, f: impl FnMut(f64) -> f64) -> f64 {
    invert_increasing_to(1e-14, low, high, target, f)
}

/// As [`invert_increasing`], for a function that is known no better than to `tolerance`.
fn invert_increasing_to(
    tolerance: f64,
    mut low: f64,
    mut high: f64,
    target: f64,
    mut f: impl FnMut(f64) -> f64,
) -> f64 {
    let mut below = f(low) - target;
    let mut above = f(high) - target;
    if below.is_nan() || above.is_nan() {
        return f64::NAN;
    }
    if below >= 0.0 {
        return low;
    }
    if above <= 0.0 {
        return high;
    }
    let mut last_side = 0;
    for iteration in 0..200 {
        // Every fourth step bisects, so that a nearly flat stretch can't hold the search up.
        let x = if iteration % 4 == 3 {
            0.5 * (low + high)
        } else {
            (low * above - high * below) / (above - below)
        };
        let value = f(x) - target;
        if value.is_nan() {
            return value;
        }
        if value.abs() < tolerance || (high - low).abs() <= 1e-14 * (low.abs() + high.abs()) {
            return x;
        }
        if value < 0.0 {
            low = x;
            below = value;
            if last_side == -1 {
                above *= 0.5;
            }
            last_side = -1;
        } else {
            high = x;
            above = value;
            if last_side == 1 {
                below *= 0.5;
            }
            last_side = 1;
        }
    }
    0.5 * (low + high)
}

/// The `x` at which a distribution function reaches `p`, for a distribution not unlike a normal with this mean and sd.
///
/// On the probit scale such a function is nearly a line, so the secant converges in a few steps; where it does not, the
/// bracket `low … high` is searched instead.
pub fn invert_distribution(
    p: f64,
    normal: (f64, f64),
    range: (f64, f64),
    cdf: impl FnMut(f64) -> f64,
) -> f64 {
    invert_distribution_to(1e-14, p, normal, range, cdf)
}

/// As [`invert_distribution`], for a distribution function that is known no better than to `tolerance`.
pub fn invert_distribution_to(
    tolerance: f64,
    p: f64,
    (mean, sd): (f64, f64),
    (low, high): (f64, f64),
    mut cdf: impl FnMut(f64) -> f64,
) -> f64 {
    let target = normal_quantile(p);
    let clamp = |x: f64| x.clamp(low, high);
    let mut x = clamp(mean + target * sd);
    let mut y = normal_quantile(cdf(x));
    let mut slope = 1.0 / sd;
    for _ in 0..12 {
        if !y.is_finite() || slope.is_nan() || slope <= 0.0 {
            break;
        }
        let next = clamp(x + (target - y) / slope);
        if (next - x).abs() <= 1e-13 * (sd + x.abs()) {
            return next;
        }
        let next_p = cdf(next);
        let next_y = normal_quantile(next_p);
        if (next_y - target).abs() < 1e-11 || (tolerance > 1e-14 && (next_p - p).abs() < tolerance) {
            return next;
        }
        slope = (next_y - y) / (next - x);
        (x, y) = (next, next_y);
    }
    invert_increasing_to(tolerance, low, high, p, cdf)
}

/// The `x` between `a` and `b` at which the continuous function `f`, of opposite signs there (`fa`, `fb`), is zero; to
/// `tolerance` in x. None where `f` has no value on the way. The secant step with halving of the stale end, as [`invert_increasing`], for functions that are costly.
pub fn crossing(
    (mut a, mut fa): (f64, f64),
    (mut b, mut fb): (f64, f64),
    tolerance: f64,
    mut f: impl FnMut(f64) -> Option<f64>,
) -> Option<f64> {
    let mut last_side = 0;
    let mut best = if fa.abs() < fb.abs() { a } else { b };
    for iteration in 0..100 {
        let x = if iteration % 4 == 3 { 0.5 * (a + b) } else { (a * fb - b * fa) / (fb - fa) };
        let value = f(x).filter(|y| y.is_finite())?;
        let moved = (x - best).abs();
        best = x;
        if value == 0.0 || value.abs() < 1e-12 || (b - a).abs() < tolerance || moved < 0.1 * tolerance {
            break;
        }
        if (value < 0.0) == (fa < 0.0) {
            (a, fa) = (x, value);
            if last_side == -1 {
                fb *= 0.5;
            }
            last_side = -1;
        } else {
            (b, fb) = (x, value);
            if last_side == 1 {
                fa *= 0.5;
            }
            last_side = 1;
        }
    }
    Some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crossing_is_found_whichever_way_the_function_runs() {
        for sign in [1.0, -1.0] {
            let f = |x: f64| sign * (libm::exp(x) - 2.0);
            let x = crossing((-3.0, f(-3.0)), (4.0, f(4.0)), 1e-9, |x| Some(f(x))).expect("found");
            assert!((x - libm::log(2.0)).abs() < 1e-8, "{x}");
        }
    }

    #[test]
    fn the_inverse_of_a_flat_then_steep_function_is_found() {
        let x = invert_increasing(0.0, 10.0, 0.975, |x: f64| libm::pow(x / 10.0, 30.0));
        assert!((x - 10.0 * libm::pow(0.975, 1.0 / 30.0)).abs() < 1e-10);
    }
}
