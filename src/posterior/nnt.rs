//! Numbers needed to treat: the reciprocals of a risk difference's median and interval, never averages of their own.

use super::result::Quantiles;

/// The number needed to treat: median and 95 % interval of 1/RD in Altman's form (BMJ 1998;317:1309). Where the
/// interval of the risk difference includes 0, that of its reciprocal passes through infinity.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Nnt {
    /// The reciprocal of the median risk difference: positive to benefit (NNTB), negative to harm (NNTH); none where
    /// the median is exactly 0.
    pub median: Option<f64>,
    /// The reciprocal of the interval's end towards benefit, signed like `median`; none where that end is exactly 0.
    pub from: Option<f64>,
    /// The reciprocal of the interval's end towards harm, signed like `median`; none where that end is exactly 0.
    pub to: Option<f64>,
    /// In words: "NNTB 8 (5 to 20)", or "NNTB 8 (NNTB 4 to ∞ to NNTH 20)".
    pub text: String,
}

impl Nnt {
    /// From the quantiles of the risk difference, and their Monte Carlo errors (median, lower, upper) where they were
    /// sampled. `sign` is +1 where higher is better and −1 where it is worse.
    pub fn of(risk_difference: &Quantiles, errors: Option<[f64; 3]>, sign: f64) -> Nnt {
        let toward_benefit = |x: f64| sign * x;
        let median = toward_benefit(risk_difference.median);
        let (low, high) = if sign > 0.0 {
            (risk_difference.q2_5, risk_difference.q97_5)
        } else {
            (-risk_difference.q97_5, -risk_difference.q2_5)
        };
        let [of_median, of_lower, of_upper] = errors.unwrap_or_default();
        let (of_low, of_high) = if sign > 0.0 { (of_lower, of_upper) } else { (of_upper, of_lower) };
        let inverse = |x: f64| (x != 0.0).then(|| 1.0 / x);
        let text = if low > 0.0 || high < 0.0 {
            let (low, high) = (number(low, of_low), number(high, of_high));
            let (near, far) = if median > 0.0 { (high, low) } else { (low, high) };
            format!("{} ({near} to {far})", named(median, of_median))
        } else {
            format!("{} ({} to ∞ to {})", named(median, of_median), named(high, of_high), named(low, of_low))
        };
        Nnt { median: inverse(median), from: inverse(high), to: inverse(low), text }
    }
}

/// "NNTB 8", "NNTH 20" or "∞".
fn named(risk_difference: f64, error: f64) -> String {
    if risk_difference == 0.0 {
        return "∞".to_string();
    }
    let label = if risk_difference > 0.0 { "NNTB" } else { "NNTH" };
    format!("{label} {}", number(risk_difference, error))
}

/// The reciprocal's size: one decimal below 10, whole people beyond, and no digit finer than twice its Monte Carlo error,
/// which is the risk difference's over its square.
fn number(risk_difference: f64, error: f64) -> String {
    let n = 1.0 / risk_difference.abs();
    let twice = 2.0 * error * n * n;
    if n >= 1e6 {
        "over a million".to_string()
    } else if twice > 1.0 {
        let unit = libm::pow(10.0, libm::ceil(libm::log10(twice)));
        format!("{:.0}", (n / unit).round().max(1.0) * unit)
    } else if n < 9.95 && twice <= 0.1 {
        format!("{n:.1}")
    } else {
        format!("{n:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rd(median: f64, q2_5: f64, q97_5: f64) -> Quantiles {
        Quantiles { median, q2_5, q97_5 }
    }

    #[test]
    fn an_interval_that_holds_no_difference_runs_through_infinity() {
        // Altman 1998: ARR 8.2 % (−1.8 to 18.3 %): NNTB 12.2, NNTH 55.6 to infinity to NNTB 5.5.
        let nnt = Nnt::of(&rd(0.082, -0.018, 0.183), None, 1.0);
        assert_eq!(nnt.text, "NNTB 12 (NNTB 5.5 to ∞ to NNTH 56)");
    }

    #[test]
    fn direction_follows_the_outcome() {
        assert_eq!(Nnt::of(&rd(0.2, 0.05, 0.4), None, 1.0).text, "NNTB 5.0 (2.5 to 20)");
        assert_eq!(Nnt::of(&rd(0.2, 0.05, 0.4), None, -1.0).text, "NNTH 5.0 (2.5 to 20)");
        assert_eq!(Nnt::of(&rd(-0.2, -0.4, -0.05), None, -1.0).text, "NNTB 5.0 (2.5 to 20)");
    }

    #[test]
    fn sampled_numbers_have_no_digit_finer_than_twice_their_error() {
        let nnt = Nnt::of(&rd(0.16, 0.07, 0.25), Some([0.000_6, 0.001_2, 0.001_2]), 1.0);
        // 6.25 ± 0.02, 14.3 ± 0.24, 4.0 ± 0.02.
        assert_eq!(nnt.text, "NNTB 6.2 (4.0 to 14)");
        let nnt = Nnt::of(&rd(0.16, 0.01, 0.25), Some([0.000_6, 0.001_2, 0.003]), 1.0);
        // 100 ± 12, and 4.0 ± 0.05.
        assert_eq!(nnt.text, "NNTB 6.2 (4.0 to 100)");
    }
}
