//! Numbers for print.

use crate::posterior::{Axis, Measure, Quantiles};

/// Two decimals; three outside 0.01 … 0.99; bounds beyond 0.001 and 0.999.
pub fn probability(p: Option<f64>) -> String {
    let Some(p) = p else { return "–".to_string() };
    if p < 0.001 {
        "< 0.001".to_string()
    } else if p > 0.999 {
        "> 0.999".to_string()
    } else if (0.01..=0.99).contains(&p) {
        format!("{p:.2}")
    } else {
        format!("{p:.3}")
    }
}

/// A probability with its value under the prior behind it.
pub fn with_prior(p: Option<f64>, prior: Option<f64>) -> String {
    match prior {
        Some(prior) => format!("{} ({})", probability(p), probability(Some(prior))),
        None => probability(p),
    }
}

/// A ratio: two decimals below 10, then fewer.
pub fn ratio(x: f64) -> String {
    if x < 0.095 {
        format!("{x:.3}")
    } else if x < 9.95 {
        format!("{x:.2}")
    } else if x < 99.5 {
        format!("{x:.1}")
    } else if x < 99_999.5 {
        format!("{x:.0}")
    } else {
        format!("{x:.1e}")
    }
}

/// A signed difference in percentage points, one decimal.
pub fn points(x: f64) -> String {
    signed(100.0 * x, 1)
}

/// A signed number; nothing but zeros carries no sign.
pub fn signed(x: f64, decimals: usize) -> String {
    let text = format!("{x:+.decimals$}").replace('-', "−");
    if text.chars().all(|c| !c.is_ascii_digit() || c == '0') { text.replace(['+', '−'], "") } else { text }
}

/// Significant to three digits or so, without a trailing tail of zeros.
pub fn plain(x: f64) -> String {
    if x == 0.0 {
        return "0".to_string();
    }
    let size = x.abs();
    let decimals = if size >= 99.5 {
        0
    } else if size >= 9.95 {
        1
    } else if size >= 0.0995 {
        2
    } else {
        3
    };
    if !(0.0005..1e6).contains(&size) {
        return format!("{x:.2e}").replace('-', "−");
    }
    format!("{x:.decimals$}").replace('-', "−")
}

/// A parameter of a distribution: four digits, without a tail of zeros.
pub fn parameter(x: f64) -> String {
    let text = format!("{x:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.replace('-', "−")
}

/// A value of this measure.
pub fn value(measure: Measure, x: f64) -> String {
    match (measure, measure.axis()) {
        (Measure::RiskDifference | Measure::DifferenceOfRiskDifferences, _) => points(x),
        (Measure::RiskControl | Measure::RiskActive, _) => format!("{:.1} %", 100.0 * x),
        (_, Axis::Ratio) => ratio(x),
        (_, Axis::Additive) => signed(x, if x.abs() >= 9.95 { 1 } else { 2 }),
    }
}

/// Median and interval, "+21.3 (+5.2 to +36.0)", with as many decimals in all three.
pub fn interval(measure: Measure, q: &Quantiles) -> String {
    let three = [q.median, q.q2_5, q.q97_5];
    let [median, low, high] = match (measure, measure.axis()) {
        (Measure::Difference | Measure::DifferenceOfDifferences, _) => {
            let size = three.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
            let decimals = if size >= 9.95 { 1 } else { 2 };
            three.map(|x| signed(x, decimals))
        }
        _ => three.map(|x| value(measure, x)),
    };
    format!("{median} ({low} to {high})")
}

/// "5 points", "1.25", "3".
pub fn threshold(measure: Measure, t: f64) -> String {
    match measure {
        Measure::RiskDifference => {
            let points = format!("{:.1}", 100.0 * t);
            let points = points.strip_suffix(".0").unwrap_or(&points);
            if points == "1" { "1 point".to_string() } else { format!("{points} points") }
        }
        _ => format!("{t}"),
    }
}

/// The version of a number for CSV: shortest text that reads back the same; empty where there is none.
pub fn full(x: Option<f64>) -> String {
    x.filter(|x| x.is_finite()).map_or_else(String::new, |x| format!("{x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_never_printed_as_certain() {
        let shown = |p| probability(Some(p));
        assert_eq!(shown(0.0), "< 0.001");
        assert_eq!(shown(1.0), "> 0.999");
        assert_eq!(shown(0.005), "0.005");
        assert_eq!(shown(0.9951), "0.995");
        assert_eq!(shown(0.5), "0.50");
        assert_eq!(probability(None), "–");
    }

    #[test]
    fn signs_stand_before_everything_but_zero() {
        assert_eq!(points(0.2131), "+21.3");
        assert_eq!(points(-0.05), "−5.0");
        assert_eq!(points(-0.0001), "0.0");
        assert_eq!(threshold(Measure::RiskDifference, 0.013), "1.3 points");
        assert_eq!(threshold(Measure::RiskDifference, 0.05), "5 points");
    }
}
