//! Where direction enters, and nowhere else: the values for which a statement holds.

use super::estimand::{Axis, Statement};

/// The values for which a statement holds, as an open interval on the reported scale. This is the only place where
/// direction enters. `sign` is +1 where higher is better and −1 where it is worse; `threshold` is a magnitude. NaN
/// for statements about several effects at once, [`Statement::BenefitAndHarm`], [`Statement::Best`] and
/// [`Statement::Ranked`], and for [`Statement::StandsAlone`].
pub fn region(statement: Statement, threshold: f64, axis: Axis, sign: f64) -> (f64, f64) {
    let (null, other) = match axis {
        Axis::Additive => (0.0, -threshold),
        Axis::Ratio => (1.0, 1.0 / threshold),
        Axis::Chance => (0.5, 1.0 - threshold),
    };
    let higher_is_better = sign > 0.0;
    let above = |x: f64| (x, f64::INFINITY);
    let below = |x: f64| (f64::NEG_INFINITY, x);
    match statement {
        Statement::Benefit | Statement::GreaterBenefit if higher_is_better => above(null),
        Statement::Benefit | Statement::GreaterBenefit => below(null),
        Statement::Harm if higher_is_better => below(null),
        Statement::Harm => above(null),
        Statement::BenefitAtLeast if higher_is_better => above(threshold),
        Statement::BenefitAtLeast => below(other),
        Statement::HarmAtLeast if higher_is_better => below(other),
        Statement::HarmAtLeast => above(threshold),
        Statement::Equivalent => (other, threshold),
        // Of several effects at once, or of where an effect is from: never asked of one distribution.
        Statement::BenefitAndHarm | Statement::Best | Statement::Ranked | Statement::StandsAlone => {
            (f64::NAN, f64::NAN)
        }
    }
}

/// P(statement) from "the probability below".
pub fn probability_of(
    statement: Statement,
    threshold: f64,
    axis: Axis,
    sign: f64,
    below: &dyn Fn(f64) -> f64,
) -> f64 {
    mass_within(region(statement, threshold, axis, sign), below)
}

/// The probability of an open interval, from the distribution function `below`. An infinite end is allowed.
pub fn mass_within(interval: (f64, f64), below: &dyn Fn(f64) -> f64) -> f64 {
    match interval {
        (f64::NEG_INFINITY, high) => below(high),
        (low, f64::INFINITY) => 1.0 - below(low),
        (low, high) => (below(high) - below(low)).max(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direction_is_one_switch_and_thresholds_are_magnitudes() {
        // A uniform distribution on −1 … 3.
        let below = |x: f64| ((x + 1.0) / 4.0).clamp(0.0, 1.0);
        let p = |statement, t, sign| probability_of(statement, t, Axis::Additive, sign, &below);
        assert_eq!(p(Statement::Benefit, 0.0, 1.0), 0.75);
        assert_eq!(p(Statement::Benefit, 0.0, -1.0), 0.25);
        assert_eq!(p(Statement::BenefitAtLeast, 1.0, 1.0), 0.5);
        assert_eq!(p(Statement::HarmAtLeast, 0.5, 1.0), 0.125);
        assert_eq!(p(Statement::HarmAtLeast, 1.0, -1.0), 0.5);
        assert_eq!(p(Statement::Equivalent, 0.5, -1.0), 0.25);
        // On ratios the same size the other way is the reciprocal.
        let q = probability_of(Statement::HarmAtLeast, 2.0, Axis::Ratio, 1.0, &|x| x / 4.0);
        assert_eq!(q, 0.125);
    }
}
