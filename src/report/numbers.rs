//! Numbers for print.

use crate::posterior::{Axis, Measure, Quantiles};

/// Two decimals; three outside 0.01 … 0.99; bounds beyond 0.001 and 0.999.
pub fn probability(p: Option<f64>) -> String {
    sampled_probability(p, None)
}

/// A probability with no digit finer than twice the Monte Carlo error, where there is one; a dash where that leaves no digit.
pub fn sampled_probability(p: Option<f64>, mcse: Option<f64>) -> String {
    let Some(p) = p else { return "–".to_string() };
    let usual = if (0.01..=0.99).contains(&p) { 2 } else { 3 };
    with_decimals(p, mcse.map_or(usual, |error| usual.min(decimals_for(error))))
}

/// A probability that is judged by a bound: usually as [`sampled_probability`] prints it, but where what is printed would be
/// judged otherwise, with the decimals that it takes to see on which side it lies.
pub fn judged_probability<T: PartialEq>(p: f64, mcse: Option<f64>, judge: impl Fn(f64) -> T) -> String {
    let usual = sampled_probability(Some(p), mcse);
    let agrees = |text: &String| text.parse::<f64>().map_or(true, |shown| judge(shown) == judge(p));
    if agrees(&usual) {
        return usual;
    }
    (3..=9).map(|decimals| format!("{p:.decimals$}")).find(agrees).unwrap_or(usual)
}

fn with_decimals(p: f64, decimals: usize) -> String {
    if decimals == 0 {
        return "–".to_string();
    }
    let unit = 10.0_f64.powi(-(decimals as i32));
    let beyond =
        if decimals == 3 { p < unit || p > 1.0 - unit } else { p < 0.5 * unit || p > 1.0 - 0.5 * unit };
    if !beyond {
        return format!("{p:.decimals$}");
    }
    if p < 0.5 { format!("< {unit:.decimals$}") } else { format!("> {:.decimals$}", 1.0 - unit) }
}

/// Several probabilities with the same decimals: as many as any of them has. One that is 0 by calculation is "0".
pub fn probabilities_alike<const N: usize>(all: [f64; N], mcse: Option<f64>) -> [String; N] {
    let near_an_end = |p: &f64| *p != 0.0 && !(0.01..=0.99).contains(p);
    let decimals = if all.iter().any(near_an_end) { 3 } else { 2 };
    let decimals = mcse.map_or(decimals, |error| decimals.min(decimals_for(error)));
    all.map(|p| if p == 0.0 { "0".to_string() } else { with_decimals(p, decimals) })
}

/// Decimals of which the last is no finer than twice the error; none where the error is above one half.
fn decimals_for(error: f64) -> usize {
    /// Twice an error of exactly half a unit is that unit, whatever the rounding says.
    const EVEN: f64 = 1e-9;
    if error > 0.0 { (-(2.0 * error).log10() + EVEN).floor().max(0.0) as usize } else { usize::MAX }
}

/// A probability, as text, with its value under the prior behind it.
pub fn with_prior(p: &str, prior: Option<f64>) -> String {
    prior.map_or_else(|| p.to_string(), |prior| format!("{p} ({})", probability(Some(prior))))
}

/// Decimals of a ratio: two below 10, then fewer.
fn decimals_of_ratio(x: f64) -> usize {
    if x < 0.095 {
        3
    } else if x < 9.95 {
        2
    } else {
        usize::from(x < 99.5)
    }
}

/// What is said of a number that is larger than numbers can be, with its sign, and of one that is none.
fn out_of_range(x: f64) -> Option<String> {
    if x.is_nan() {
        return Some("–".to_string());
    }
    x.is_infinite().then(|| format!("beyond {}1e308", if x < 0.0 { "−" } else { "" }))
}

fn ratio_to(x: f64, decimals: usize) -> String {
    if let Some(words) = out_of_range(x) {
        return words;
    }
    if x < 99_999.5 { format!("{x:.decimals$}") } else { format!("{x:.1e}") }
}

/// A ratio: two decimals below 10, then fewer.
pub fn ratio(x: f64) -> String {
    ratio_to(x, decimals_of_ratio(x))
}

/// A signed difference in percentage points, one decimal.
pub fn points(x: f64) -> String {
    signed(100.0 * x, 1)
}

/// A signed number; nothing but zeros carries no sign.
pub fn signed(x: f64, decimals: usize) -> String {
    if let Some(words) = out_of_range(x) {
        return words;
    }
    let text = format!("{x:+.decimals$}").replace('-', "−");
    if text.chars().all(|c| !c.is_ascii_digit() || c == '0') { text.replace(['+', '−'], "") } else { text }
}

/// Significant to three digits or so, without a trailing tail of zeros.
pub fn plain(x: f64) -> String {
    if let Some(words) = out_of_range(x) {
        return words;
    }
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

/// One significant digit: between sampled runs no more is known.
pub fn roughly(x: f64) -> String {
    let unit = 10.0_f64.powf(x.abs().log10().floor());
    format!("~{}", parameter((x / unit).round() * unit))
}

/// A value of this measure.
pub fn value(measure: Measure, x: f64) -> String {
    match (measure, measure.axis()) {
        (Measure::RiskDifference | Measure::DifferenceOfRiskDifferences | Measure::CutRiskDifference, _) => {
            points(x)
        }
        (
            Measure::Risk
            | Measure::RiskControl
            | Measure::RiskActive
            | Measure::CutRiskControl
            | Measure::CutRiskActive,
            _,
        ) => format!("{:.1} %", 100.0 * x),
        (_, Axis::Ratio) => ratio(x),
        (_, Axis::Chance) => format!("{x:.3}"),
        (Measure::UtilityDifference | Measure::NetBenefit, _) => signed(x, decimals_of_worth(x.abs())),
        (_, Axis::Additive) => signed(x, if x.abs() >= 9.95 { 1 } else { 2 }),
    }
}

/// Median and interval, "+21.3 (+5.2 to +36.0)".
pub fn interval(measure: Measure, q: &Quantiles) -> String {
    interval_known_to(measure, q, None)
}

/// Median and interval with no digit finer than twice the error of each of the three numbers, where they are
/// sampled; one significant digit is always left.
pub fn interval_known_to(measure: Measure, q: &Quantiles, errors: Option<[f64; 3]>) -> String {
    let three = [q.median, q.q2_5, q.q97_5];
    let errors = errors.unwrap_or_default();
    let known =
        |x: f64, error: f64, usual: usize| usual.min(decimals_for(error).max(leading_decimal(x).min(usual)));
    let size = three.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
    let percent = decimals_of_percentages(100.0 * (q.q97_5 - q.q2_5));
    let number = |(x, error): (f64, f64)| match (measure, measure.axis()) {
        (Measure::Difference | Measure::DifferenceOfDifferences, _) => {
            signed(x, known(x, error, if size >= 9.95 { 1 } else { 2 }))
        }
        (Measure::UtilityDifference | Measure::NetBenefit, _) => {
            signed(x, known(x, error, decimals_of_worth(size)))
        }
        (Measure::RiskDifference | Measure::DifferenceOfRiskDifferences | Measure::CutRiskDifference, _) => {
            signed(100.0 * x, known(100.0 * x, 100.0 * error, percent))
        }
        (
            Measure::Risk
            | Measure::RiskControl
            | Measure::RiskActive
            | Measure::CutRiskControl
            | Measure::CutRiskActive,
            _,
        ) => {
            format!("{:.*} %", known(100.0 * x, 100.0 * error, percent), 100.0 * x)
        }
        (_, Axis::Ratio) => ratio_to(x, known(x, error, decimals_of_ratio(x))),
        (_, Axis::Chance) => format!("{x:.*}", known(x, error, 3)),
        _ => value(measure, x),
    };
    let [median, low, high] = [0, 1, 2].map(|i| number((three[i], errors[i])));
    format!("{median} ({low} to {high})")
}

/// Decimals of differences in worth of at most this size: on a scale from 0 to 1 thousandths matter.
fn decimals_of_worth(size: f64) -> usize {
    if size < 0.9995 {
        3
    } else if size < 9.95 {
        2
    } else {
        1
    }
}

/// Decimals of percentages and points in an interval so wide: one, and more where one would be coarser than a fifth of
/// the width.
fn decimals_of_percentages(width: f64) -> usize {
    if width > 0.0 && width.is_finite() {
        (-(width / 5.0).log10()).ceil().clamp(1.0, 4.0) as usize
    } else {
        1
    }
}

/// Odds ratios with their intervals, all with the same decimals: two, or one where an error of a number below 10 leaves no
/// more. Whether it left no more stands behind them.
pub fn ratios_alike(all: impl Iterator<Item = (Quantiles, Option<[f64; 3]>)> + Clone) -> (Vec<String>, bool) {
    const USUAL: usize = 2;
    let numbers = |(q, errors): (Quantiles, Option<[f64; 3]>)| {
        [q.median, q.q2_5, q.q97_5].into_iter().zip(errors.unwrap_or_default())
    };
    let small = all.clone().flat_map(numbers).filter(|(x, _)| *x < 10.0);
    let decimals = small.map(|(_, error)| decimals_for(error)).min().unwrap_or(USUAL).clamp(1, USUAL);
    let shown = |(q, _): (Quantiles, Option<[f64; 3]>)| {
        let [median, low, high] = [q.median, q.q2_5, q.q97_5].map(|x| ratio_to(x, decimals));
        format!("{median} ({low} to {high})")
    };
    (all.map(shown).collect(), decimals < USUAL)
}

/// The decimal of a number's first significant digit: none from 1 on.
fn leading_decimal(x: f64) -> usize {
    if x == 0.0 || !x.is_finite() { 0 } else { (-x.abs().log10()).ceil().clamp(0.0, 9.0) as usize }
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

/// 19435 as "19,435".
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A number for CSV: the shortest text that reads back the same; empty where it is not finite.
pub fn full(x: f64) -> String {
    if x.is_finite() { x.to_string() } else { String::new() }
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
    fn a_probability_is_printed_on_the_side_on_which_it_is_judged() {
        let above = |x: f64| x > 0.8;
        let shown = |p, mcse| judged_probability(p, mcse, above);
        assert_eq!(shown(0.800_3, None), "0.8003");
        assert_eq!(shown(0.804, None), "0.804");
        assert_eq!(shown(0.806, None), "0.81");
        assert_eq!(shown(0.799_7, None), "0.80");
        assert_eq!(shown(0.803, Some(0.004)), "0.803");
        assert_eq!(shown(0.999_8, None), "> 0.999");
        assert_eq!(judged_probability(0.749_6, None, |x| x >= 0.75), "0.7496");
        assert_eq!(judged_probability(0.199_6, None, |x| x < 0.2), "0.1996");
    }

    #[test]
    fn no_digit_is_finer_than_twice_the_monte_carlo_error() {
        let shown = |p, mcse| sampled_probability(Some(p), Some(mcse));
        assert_eq!(shown(0.314, 0.005), "0.31");
        assert_eq!(shown(0.314, 0.0051), "0.3");
        assert_eq!(shown(0.9964, 0.0004), "0.996");
        assert_eq!(shown(0.9964, 0.0008), "> 0.99");
        assert_eq!(shown(0.0036, 0.0008), "< 0.01");
        assert_eq!(shown(0.0072, 0.0008), "0.01");
        assert_eq!(shown(0.6, 0.06), "–");
        let q = Quantiles { median: 0.168_4, q2_5: 0.083_1, q97_5: 0.261_2 };
        let known = |measure, errors| interval_known_to(measure, &q, Some(errors));
        assert_eq!(known(Measure::RiskDifference, [0.000_4; 3]), "+16.8 (+8.3 to +26.1)");
        assert_eq!(known(Measure::RiskDifference, [0.000_4, 0.001, 0.001]), "+16.8 (+8 to +26)");
        assert_eq!(known(Measure::OddsRatio, [0.004, 0.02, 0.4]), "0.17 (0.08 to 0.3)");
    }

    #[test]
    fn digits_of_points_fit_the_width_of_their_interval() {
        let shown =
            |median, q2_5, q97_5| interval(Measure::RiskDifference, &Quantiles { median, q2_5, q97_5 });
        assert_eq!(shown(-0.003_52, -0.004_42, -0.002_66), "−0.35 (−0.44 to −0.27)");
        assert_eq!(shown(-0.04, -0.183, 0.125), "−4.0 (−18.3 to +12.5)");
        assert_eq!(shown(0.000_1, 0.000_1, 0.000_1), "0.0 (0.0 to 0.0)");
        let q = Quantiles { median: 0.000_42, q2_5: 0.000_2, q97_5: 0.000_81 };
        assert_eq!(interval(Measure::RiskControl, &q), "0.04 % (0.02 % to 0.08 %)");
    }

    #[test]
    fn ratios_of_a_table_have_the_same_decimals() {
        let q = |median, q2_5, q97_5| Quantiles { median, q2_5, q97_5 };
        let rows =
            [(q(1.034, 1.021, 1.047), Some([0.001; 3])), (q(2.5, 0.8, 12.34), Some([0.004, 0.001, 0.6]))];
        let (shown, coarse) = ratios_alike(rows.into_iter());
        assert_eq!(shown, ["1.03 (1.02 to 1.05)", "2.50 (0.80 to 12.34)"]);
        assert!(!coarse);
        let rows = [(q(1.034, 1.021, 1.047), None), (q(2.5, 0.8, 4.3), Some([0.02; 3]))];
        let (shown, coarse) = ratios_alike(rows.into_iter());
        assert_eq!(shown, ["1.0 (1.0 to 1.0)", "2.5 (0.8 to 4.3)"]);
        assert!(coarse);
    }

    #[test]
    fn numbers_out_of_range_are_told_in_words() {
        let q = Quantiles { median: 1.0, q2_5: 0.0, q97_5: f64::INFINITY };
        assert_eq!(interval(Measure::OddsRatio, &q), "1.00 (0.000 to beyond 1e308)");
        let q = Quantiles { median: 0.0, q2_5: f64::NEG_INFINITY, q97_5: f64::INFINITY };
        assert_eq!(interval(Measure::Difference, &q), "0.0 (beyond −1e308 to beyond 1e308)");
        assert_eq!([ratio(f64::NAN), plain(f64::NAN), signed(f64::NAN, 1)], ["–", "–", "–"]);
        assert_eq!(plain(f64::INFINITY), "beyond 1e308");
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
