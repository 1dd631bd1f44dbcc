//! Numbers needed to treat: a risk difference's summary said again, never an average of its own.

use serde::Serialize;

use super::result::Quantiles;

/// Median and interval of 1/RD, in Altman's form (BMJ 1998;317:1309): an interval of the risk difference that holds 0
/// becomes one that runs through infinity.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Nnt {
    /// Positive: to benefit (NNTB); negative: to harm (NNTH). Null at a risk difference of exactly 0.
    pub median: Option<f64>,
    /// The reciprocals of the interval's ends, benefit's end first.
    pub from: Option<f64>,
    pub to: Option<f64>,
    /// "NNTB 8 (5 to 20)" or "NNTB 8 (NNTB 4 to ∞ to NNTH 20)".
    pub text: String,
}

impl Nnt {
    /// From the risk difference's quantiles; `sign` is +1 where higher is better, −1 where it is worse.
    pub fn of(risk_difference: &Quantiles, sign: f64) -> Nnt {
        let toward_benefit = |x: f64| sign * x;
        let median = toward_benefit(risk_difference.median);
        let (low, high) = if sign > 0.0 {
            (risk_difference.q2_5, risk_difference.q97_5)
        } else {
            (-risk_difference.q97_5, -risk_difference.q2_5)
        };
        let inverse = |x: f64| (x != 0.0).then(|| 1.0 / x);
        let text = if low > 0.0 || high < 0.0 {
            let (near, far) = if low > 0.0 { (high, low) } else { (low, high) };
            format!("{} ({} to {})", named(median), number(near), number(far))
        } else {
            format!("{} ({} to ∞ to {})", named(median), named(high), named(low))
        };
        Nnt { median: inverse(median), from: inverse(high), to: inverse(low), text }
    }
}

/// "NNTB 8", "NNTH 20" or "∞".
fn named(risk_difference: f64) -> String {
    if risk_difference == 0.0 {
        return "∞".to_string();
    }
    let label = if risk_difference > 0.0 { "NNTB" } else { "NNTH" };
    format!("{label} {}", number(risk_difference))
}

/// The reciprocal's size: one decimal below 10, whole people beyond.
fn number(risk_difference: f64) -> String {
    let n = 1.0 / risk_difference.abs();
    if n < 9.95 {
        format!("{n:.1}")
    } else if n < 1e6 {
        format!("{n:.0}")
    } else {
        "over a million".to_string()
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
        let nnt = Nnt::of(&rd(0.082, -0.018, 0.183), 1.0);
        assert_eq!(nnt.text, "NNTB 12 (NNTB 5.5 to ∞ to NNTH 56)");
    }

    #[test]
    fn direction_follows_the_outcome() {
        assert_eq!(Nnt::of(&rd(0.2, 0.05, 0.4), 1.0).text, "NNTB 5.0 (2.5 to 20)");
        assert_eq!(Nnt::of(&rd(0.2, 0.05, 0.4), -1.0).text, "NNTH 5.0 (2.5 to 20)");
        assert_eq!(Nnt::of(&rd(-0.2, -0.4, -0.05), -1.0).text, "NNTB 5.0 (2.5 to 20)");
    }
}
