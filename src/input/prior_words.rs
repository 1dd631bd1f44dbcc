//! Priors as people write them, parsed.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;

use super::model_file::LocationEntry;
use crate::numeric::logit;
use crate::study::{BaselinePrior, HeterogeneityPrior, LocationPrior, NormalComponent, Scale, Written};

/// What is wrong with a prior, and what would be right.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    pub message: String,
    pub help: String,
    /// Where, if it is one part of the whole.
    pub span: Option<Range<usize>>,
}

fn fault(message: impl Into<String>, help: impl Into<String>) -> Fault {
    Fault { message: message.into(), help: help.into(), span: None }
}

const LOCATION_FORMS: &str = "write normal(mean, sd), student-t(df, location, scale), a mixture such as 0.8 * normal(-0.3, 0.2) + 0.2 * normal(0, 1), or flat";
/// Where a flat prior is refused.
const PROPER_FORMS: &str = "write normal(mean, sd), student-t(df, location, scale) or a mixture such as 0.8 * normal(-0.3, 0.2) + 0.2 * normal(0, 1)";
const BASELINE_FORMS: &str = "write \"normal(0, 2.5)\" or \"student-t(4, 0, 2)\" of the log odds, \"beta(4, 36)\" of the risk, { risk = [0.2, 0.6], mass = 0.9 } or { mean = \"normal(0, 2.5)\", sd = \"half-normal(1)\" }";
const HETEROGENEITY_FORMS: &str = "write half-normal(scale), half-student-t(df, scale), half-cauchy(scale), exponential(mean), log-normal(mean, sd), uniform(0, upper) or fixed(value)";

/// Normals in a mixture at most.
const MOST_COMPONENTS: usize = 50;

/// A call such as `half-student-t(4, 0.5)`: its name and numbers.
fn call(text: &str) -> Option<(String, Vec<f64>)> {
    let text = text.trim();
    let (name, rest) = match text.split_once('(') {
        Some((name, rest)) => (name, rest.strip_suffix(')')?),
        None => (text, ""),
    };
    let name = name.trim().to_lowercase().replace([' ', '_'], "-");
    let numbers = if rest.trim().is_empty() {
        Vec::new()
    } else {
        rest.split(',').map(|n| n.trim().parse().ok()).collect::<Option<Vec<f64>>>()?
    };
    Some((name, numbers))
}

fn checked(what: &str, numbers: &[f64], scales: &[(usize, &str)]) -> Result<(), Fault> {
    if let Some(bad) = numbers.iter().find(|n| !n.is_finite()) {
        return Err(fault(format!("{what} has {bad} in it"), "every number in a prior must be finite"));
    }
    for &(index, name) in scales {
        let value = numbers[index];
        if value <= 0.0 {
            let remedy = if value == 0.0 && name == "scale" && what.starts_with("half") {
                format!("the {name} of {what} must be above 0; fixed(0) is complete pooling")
            } else {
                format!("the {name} of {what} must be above 0")
            };
            return Err(fault(format!("{what}: its {name} is {value}"), remedy));
        }
    }
    Ok(())
}

/// What a prior may say on one scale; beyond it lie slips of the pen, not beliefs.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Centres lie within this of zero.
    pub location: f64,
    /// Scales lie between these.
    pub scale: (f64, f64),
    /// Of what, for messages.
    pub on: &'static str,
}

/// Log odds, and logs of ratios: e^15 is an odds ratio of three million.
pub const LOG_RATIOS: Limits = Limits { location: 15.0, scale: (1e-4, 1e5), on: "a log scale" };

/// Differences carry the outcome's own units.
pub const DIFFERENCES: Limits = Limits { location: 1e6, scale: (1e-6, 1e6), on: "this scale" };

/// Log odds of baselines.
pub const BASELINES: Limits = Limits { location: 15.0, scale: (1e-3, 1e5), on: "the log odds" };

impl Limits {
    pub fn of(scale: Scale) -> Limits {
        if scale.is_ratio() { LOG_RATIOS } else { DIFFERENCES }
    }

    fn check_location(self, prior: &LocationPrior) -> Result<(), Fault> {
        let parts: Vec<(f64, f64, f64)> = match prior {
            LocationPrior::Normals(parts) => parts.iter().map(|n| (n.mean, n.sd, f64::INFINITY)).collect(),
            LocationPrior::StudentT { df, location, scale } => vec![(*location, *scale, *df)],
            LocationPrior::LogitBeta { .. } | LocationPrior::Flat => Vec::new(),
        };
        for (centre, scale, df) in parts {
            if centre.abs() > self.location {
                return Err(fault(
                    format!("a prior centred at {centre} on {}", self.on),
                    format!(
                        "centres lie between −{0} and {0}; is it on the scale of the model?",
                        self.location
                    ),
                ));
            }
            self.check_scale(scale)?;
            check_df(df)?;
        }
        Ok(())
    }

    fn check_scale(self, scale: f64) -> Result<(), Fault> {
        let (low, high) = self.scale;
        if (low..=high).contains(&scale) {
            return Ok(());
        }
        Err(fault(
            format!("a prior with scale {scale:e} on {}", self.on),
            format!("scales lie between {low:e} and {high:e}; is it on the scale of the model?"),
        ))
    }

    fn check_heterogeneity(self, prior: &HeterogeneityPrior) -> Result<(), Fault> {
        match *prior {
            HeterogeneityPrior::HalfNormal { scale } => self.check_scale(scale),
            HeterogeneityPrior::HalfStudentT { df, scale } => {
                check_df(df)?;
                self.check_scale(scale)
            }
            HeterogeneityPrior::Exponential { mean } => self.check_scale(mean),
            HeterogeneityPrior::LogNormal { mean, sd } => {
                if !(0.01..=3.0).contains(&sd) {
                    return Err(fault(
                        format!("a log-normal prior with sd {sd:e} of the logarithm"),
                        "it lies between 0.01 and 3; the arguments are the mean and sd of log τ",
                    ));
                }
                self.check_scale(libm::exp(mean))
            }
            HeterogeneityPrior::Uniform { upper } => self.check_scale(upper),
            HeterogeneityPrior::Fixed { value: 0.0 } => Ok(()),
            HeterogeneityPrior::Fixed { value } => self.check_scale(value),
        }
    }
}

fn check_df(df: f64) -> Result<(), Fault> {
    if df >= 1.0 {
        return Ok(());
    }
    Err(fault(
        format!("a Student t with {df} degrees of freedom"),
        "at least 1, which is Cauchy's; below it the tails outweigh everything",
    ))
}

/// A distribution on the real line from its text.
pub fn location(text: &str) -> Result<LocationPrior, Fault> {
    location_among(text, &["normal", "student-t", "flat"], LOCATION_FORMS)
}

/// The same where a flat one is refused.
fn proper_location(text: &str, forms: &str, instead: &str) -> Result<LocationPrior, Fault> {
    let prior = location_among(text, &["normal", "student-t"], forms)?;
    if prior.is_proper() { Ok(prior) } else { Err(fault("a flat prior", instead)) }
}

/// `known` are the families that are offered, `forms` what may be written.
fn location_among(text: &str, known: &[&str], forms: &str) -> Result<LocationPrior, Fault> {
    if text.contains('*') || text.contains('+') && text.matches('(').count() > 1 {
        return mixture(text, forms);
    }
    let Some((name, numbers)) = call(text) else {
        return Err(fault(format!("can't read the prior \"{text}\""), forms));
    };
    match (name.as_str(), numbers.as_slice()) {
        ("normal", &[mean, sd]) => {
            checked("normal(mean, sd)", &numbers, &[(1, "sd")])?;
            Ok(LocationPrior::normal(mean, sd))
        }
        ("student-t", &[df, location, scale]) => {
            checked("student-t(df, location, scale)", &numbers, &[(0, "df"), (2, "scale")])?;
            Ok(LocationPrior::StudentT { df, location, scale })
        }
        ("flat", &[]) => Ok(LocationPrior::Flat),
        ("normal" | "student-t" | "flat", _) => {
            Err(fault(format!("\"{text}\" has the wrong number of arguments"), forms))
        }
        ("beta", _) => Err(fault(
            "a beta prior is one of a risk",
            format!("only a baseline by itself can have it, baseline = \"beta(4, 36)\"; here {forms}"),
        )),
        _ => Err(unknown(text, &name, known, forms)),
    }
}

fn unknown(text: &str, name: &str, known: &[&str], forms: &str) -> Fault {
    let near = super::nearest::nearest(name, known.iter().copied());
    let help = near.map_or_else(|| forms.to_string(), |n| format!("did you mean {n}? {forms}"));
    fault(format!("\"{text}\" is not a prior known here"), help)
}

fn mixture(text: &str, forms: &str) -> Result<LocationPrior, Fault> {
    let parts = text.matches('*').count();
    if parts > MOST_COMPONENTS {
        return Err(fault(
            format!("a mixture of {parts} normals"),
            format!("at most {MOST_COMPONENTS} are taken: fewer, wider ones say the same"),
        ));
    }
    let unreadable = || fault(format!("can't read the mixture \"{text}\""), forms);
    let mut components = Vec::new();
    // A plus sign separates components only after a closing bracket: exponents such as 1e+2 hold one too.
    for part in text.split(')').map(str::trim).filter(|p| !p.is_empty()) {
        let part = part.strip_prefix('+').unwrap_or(part);
        let (weight, normal) = part.split_once('*').ok_or_else(unreadable)?;
        let weight: f64 = weight.trim().parse().map_err(|_| unreadable())?;
        let Some((name, numbers)) = call(&format!("{normal})")) else {
            return Err(unreadable());
        };
        let (true, &[mean, sd]) = (name == "normal", numbers.as_slice()) else {
            return Err(fault(
                format!("\"{})\" can't be part of a mixture", normal.trim()),
                "mixtures are of normals: weight * normal(mean, sd) + …",
            ));
        };
        checked("normal(mean, sd)", &numbers, &[(1, "sd")])?;
        if !(weight > 0.0 && weight <= 1.0) {
            return Err(fault(format!("a mixture weight is {weight}"), "weights lie between 0 and 1"));
        }
        components.push(NormalComponent { weight, mean, sd });
    }
    let total: f64 = components.iter().map(|c| c.weight).sum();
    if components.is_empty() {
        return Err(unreadable());
    }
    if (total - 1.0).abs() > 1e-6 {
        return Err(fault(format!("the mixture's weights add up to {total}"), "they must add up to 1"));
    }
    for c in &mut components {
        c.weight /= total;
    }
    Ok(LocationPrior::Normals(components))
}

/// A distribution on the positive half-line from its text.
pub fn heterogeneity(text: &str) -> Result<HeterogeneityPrior, Fault> {
    let Some((name, numbers)) = call(text) else {
        return Err(fault(format!("can't read the prior \"{text}\""), HETEROGENEITY_FORMS));
    };
    match (name.as_str(), numbers.as_slice()) {
        ("half-normal", &[scale]) => {
            checked("half-normal(scale)", &numbers, &[(0, "scale")])?;
            Ok(HeterogeneityPrior::HalfNormal { scale })
        }
        ("half-student-t", &[df, scale]) => {
            checked("half-student-t(df, scale)", &numbers, &[(0, "df"), (1, "scale")])?;
            Ok(HeterogeneityPrior::HalfStudentT { df, scale })
        }
        ("half-cauchy", &[scale]) => {
            checked("half-cauchy(scale)", &numbers, &[(0, "scale")])?;
            Ok(HeterogeneityPrior::HalfStudentT { df: 1.0, scale })
        }
        ("exponential", &[mean]) => {
            checked("exponential(mean)", &numbers, &[(0, "mean")])?;
            Ok(HeterogeneityPrior::Exponential { mean })
        }
        ("log-normal" | "lognormal", &[mean, sd]) => {
            checked("log-normal(mean, sd)", &numbers, &[(1, "sd")])?;
            Ok(HeterogeneityPrior::LogNormal { mean, sd })
        }
        ("uniform", &[low, upper]) => {
            checked("uniform(0, upper)", &numbers, &[(1, "upper end")])?;
            if low != 0.0 {
                return Err(fault(
                    format!("uniform({low}, {upper}) does not start at 0"),
                    "a standard deviation's uniform prior is uniform(0, upper)",
                ));
            }
            Ok(HeterogeneityPrior::Uniform { upper })
        }
        ("fixed", &[value]) => {
            checked("fixed(value)", &numbers, &[])?;
            if value < 0.0 {
                return Err(fault(format!("fixed({value}) is below 0"), "a standard deviation is 0 or more"));
            }
            Ok(HeterogeneityPrior::Fixed { value })
        }
        (
            name @ ("half-normal" | "half-student-t" | "half-cauchy" | "exponential" | "log-normal"
            | "lognormal" | "uniform" | "fixed"),
            _,
        ) => Err(fault(format!("{name} has the wrong number of arguments"), HETEROGENEITY_FORMS)),
        ("normal" | "student-t" | "cauchy" | "flat", _) => Err(fault(
            format!("\"{text}\" also allows negative values, and a standard deviation has none"),
            HETEROGENEITY_FORMS,
        )),
        _ => Err(unknown(
            text,
            &name,
            &[
                "half-normal",
                "half-student-t",
                "half-cauchy",
                "exponential",
                "log-normal",
                "uniform",
                "fixed",
            ],
            HETEROGENEITY_FORMS,
        )),
    }
}

/// The effect prior from its entry, on the scale of θ.
pub fn effect(entry: &LocationEntry, scale: Scale) -> Result<Written<LocationPrior>, Fault> {
    match entry {
        LocationEntry::Text(text) => {
            let distribution = location(text)?;
            Limits::of(scale).check_location(&distribution)?;
            Ok(Written { distribution, words: text.trim().to_string() })
        }
        LocationEntry::Words(words) => {
            let written = effect_in_words(words, scale)?;
            Limits::of(scale).check_location(&written.distribution)?;
            Ok(written)
        }
    }
}

/// The heterogeneity prior from its text, within what makes sense on the scale of θ.
pub fn heterogeneity_on(text: &str, scale: Scale) -> Result<HeterogeneityPrior, Fault> {
    let prior = heterogeneity(text)?;
    Limits::of(scale).check_heterogeneity(&prior)?;
    Ok(prior)
}

const EFFECT_WORDS: &str =
    "write { odds_ratio = [0.5, 2.0], mass = 0.95 } or { expected = 1.5, beyond_null = 0.15 }";

fn effect_in_words(
    words: &BTreeMap<String, Spanned<toml::Value>>,
    scale: Scale,
) -> Result<Written<LocationPrior>, Fault> {
    let forms = EFFECT_WORDS.replace("odds_ratio", scale.key());
    let known = ["odds_ratio", "risk_ratio", "hazard_ratio", "difference", "mass", "expected", "beyond_null"];
    known_keys(words, &known, &forms)?;
    let to_scale = |x: f64| if scale.is_ratio() { libm::log(x) } else { x };
    if words.contains_key("expected") || words.contains_key("beyond_null") {
        let expected = number(words, "expected", &forms)?;
        let beyond = number(words, "beyond_null", &forms)?;
        only(words, &["expected", "beyond_null"], &forms)?;
        if scale.is_ratio() && expected.0 <= 0.0 {
            return Err(at(expected.1, "an expected ratio must be above 0", &forms));
        }
        let mean = to_scale(expected.0);
        if mean == 0.0 {
            return Err(at(
                expected.1,
                "the expected effect is no effect",
                "beyond_null has no meaning then; write a normal prior instead",
            ));
        }
        if !(beyond.0 > 0.0 && beyond.0 < 0.5) {
            return Err(at(
                beyond.1,
                format!("beyond_null is {}", beyond.0),
                "the probability beyond no effect lies above 0 and below 0.5",
            ));
        }
        return Ok(Written {
            distribution: LocationPrior::normal_with_mass_beyond_zero(mean, beyond.0),
            words: format!(
                "{} {} expected, probability {} beyond no effect",
                scale.measure_in_words(),
                expected.0,
                beyond.0
            ),
        });
    }
    let measure = ["odds_ratio", "risk_ratio", "hazard_ratio", "difference"]
        .into_iter()
        .find(|m| words.contains_key(*m))
        .ok_or_else(|| fault("this prior has no range", forms.clone()))?;
    let (low, high, span) = range(words, measure, &forms)?;
    if measure != scale.key() {
        return Err(at(
            span,
            format!(
                "the prior is on the {}, the model's effect is a {}",
                measure.replace('_', " "),
                scale.measure_in_words()
            ),
            forms,
        ));
    }
    only(words, &[measure, "mass"], &forms)?;
    if scale.is_ratio() && low <= 0.0 {
        return Err(at(span, format!("a ratio of {low}"), "ratios are above 0"));
    }
    let mass = mass(words, &forms)?;
    Ok(Written {
        distribution: LocationPrior::normal_between(to_scale(low), to_scale(high), mass),
        words: format!("{} between {low} and {high} with probability {mass}", scale.measure_in_words()),
    })
}

/// The prior of a coefficient from its text.
pub fn coefficient(text: &str) -> Result<LocationPrior, Fault> {
    let prior = proper_location(
        text,
        PROPER_FORMS,
        "a coefficient's prior is a proper distribution: write normal(0, 2.5), or a wider one",
    )?;
    BASELINES.check_location(&prior)?;
    Ok(prior)
}

/// A risk's beta(a, b), on its log odds.
fn beta(numbers: &[f64]) -> Result<LocationPrior, Fault> {
    /// Below, the tails of the log odds outweigh everything; above, the prior is a number.
    const WITHIN: std::ops::RangeInclusive<f64> = 0.2..=1e6;
    let &[a, b] = numbers else {
        return Err(fault("beta has the wrong number of arguments", BASELINE_FORMS));
    };
    if !WITHIN.contains(&a) || !WITHIN.contains(&b) {
        return Err(fault(
            format!("beta({a}, {b})"),
            "both numbers lie between 0.2 and a million; beta(4, 36) is what 4 events in 40 patients say",
        ));
    }
    Ok(LocationPrior::LogitBeta { a, b })
}

/// The baseline prior from its entry.
pub fn baseline(entry: &LocationEntry) -> Result<Written<BaselinePrior>, Fault> {
    const FORMS: &str = BASELINE_FORMS;
    const INSTEAD: &str = "a baseline's prior is a proper distribution: write normal(0, 2.5), whose central 95 % are risks from 0.7 % to 99.3 %";
    let proper = |text: &str, forms: &str| {
        let prior = proper_location(text, forms, INSTEAD)?;
        BASELINES.check_location(&prior).map(|()| prior)
    };
    let words = match entry {
        LocationEntry::Text(text) => {
            let prior = match call(text) {
                Some((name, numbers)) if name == "beta" => beta(&numbers)?,
                _ => proper(text, FORMS)?,
            };
            let words = text.trim().to_string();
            return Ok(Written { distribution: BaselinePrior::Independent(prior), words });
        }
        LocationEntry::Words(words) => words,
    };
    known_keys(words, &["risk", "mass", "mean", "sd"], FORMS)?;
    if words.contains_key("risk") {
        only(words, &["risk", "mass"], FORMS)?;
        let (low, high, span) = range(words, "risk", FORMS)?;
        if !(low > 0.0 && high < 1.0) {
            return Err(at(span, format!("risks of {low} and {high}"), "risks lie above 0 and below 1"));
        }
        let mass = mass(words, FORMS)?;
        return Ok(Written {
            distribution: BaselinePrior::Independent(LocationPrior::normal_between(
                logit(low),
                logit(high),
                mass,
            )),
            words: format!("risk between {low} and {high} with probability {mass}"),
        });
    }
    only(words, &["mean", "sd"], FORMS)?;
    let text = |key: &str| -> Result<(String, Range<usize>), Fault> {
        let value = words.get(key).ok_or_else(|| fault(format!("`{key}` is missing"), FORMS))?;
        match value.get_ref() {
            toml::Value::String(s) => Ok((s.clone(), value.span())),
            _ => Err(at(value.span(), format!("`{key}` is not a prior in quotes"), FORMS)),
        }
    };
    let (mean, mean_span) = text("mean")?;
    let (sd, sd_span) = text("sd")?;
    let locate = |f: Fault, span: Range<usize>| Fault { span: Some(span), ..f };
    Ok(Written {
        distribution: BaselinePrior::Exchangeable {
            mean: proper(&mean, PROPER_FORMS).map_err(|f| locate(f, mean_span))?,
            sd: heterogeneity(&sd)
                .and_then(|prior| LOG_RATIOS.check_heterogeneity(&prior).map(|()| prior))
                .map_err(|f| locate(f, sd_span))?,
        },
        words: format!("exchangeable: mean {mean}, sd {sd}"),
    })
}

fn at(span: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Fault {
    Fault { span: Some(span), ..fault(message, help) }
}

type Words = BTreeMap<String, Spanned<toml::Value>>;

fn known_keys(words: &Words, known: &[&str], forms: &str) -> Result<(), Fault> {
    for (key, value) in words {
        if !known.contains(&key.as_str()) {
            let near = super::nearest::nearest(key, known.iter().copied());
            let help = near.map_or_else(|| forms.to_string(), |n| format!("did you mean `{n}`? {forms}"));
            return Err(at(value.span(), format!("unknown key `{key}` in a prior"), help));
        }
    }
    Ok(())
}

fn only(words: &Words, allowed: &[&str], forms: &str) -> Result<(), Fault> {
    match words.iter().find(|(key, _)| !allowed.contains(&key.as_str())) {
        Some((key, value)) => {
            Err(at(value.span(), format!("`{key}` does not go with `{}`", allowed[0]), forms))
        }
        None => Ok(()),
    }
}

fn as_number(value: &toml::Value) -> Option<f64> {
    let number = match value {
        toml::Value::Integer(i) => *i as f64,
        toml::Value::Float(f) => *f,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

fn number(words: &Words, key: &str, forms: &str) -> Result<(f64, Range<usize>), Fault> {
    let value = words.get(key).ok_or_else(|| fault(format!("`{key}` is missing"), forms))?;
    as_number(value.get_ref())
        .map(|n| (n, value.span()))
        .ok_or_else(|| at(value.span(), format!("`{key}` is not a finite number"), forms))
}

fn range(words: &Words, key: &str, forms: &str) -> Result<(f64, f64, Range<usize>), Fault> {
    let value = words.get(key).ok_or_else(|| fault(format!("`{key}` is missing"), forms))?;
    let ends = value.get_ref().as_array().map(|a| a.iter().map(as_number).collect::<Vec<_>>());
    let Some([Some(low), Some(high)]) = ends.as_deref() else {
        return Err(at(value.span(), format!("`{key}` is not a pair of numbers"), forms));
    };
    if low >= high {
        return Err(at(
            value.span(),
            format!("`{key}` runs from {low} to {high}"),
            "write the smaller end first",
        ));
    }
    Ok((*low, *high, value.span()))
}

fn mass(words: &Words, forms: &str) -> Result<f64, Fault> {
    let (mass, span) = number(words, "mass", forms)?;
    if mass > 0.0 && mass < 1.0 {
        Ok(mass)
    } else {
        Err(at(span, format!("mass is {mass}"), "a mass lies above 0 and below 1, such as 0.95"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_is_read_and_its_scale_is_checked() {
        assert_eq!(location("normal(0, 0.355)").unwrap(), LocationPrior::normal(0.0, 0.355));
        assert_eq!(
            location(" Student_T( 4 , 0, 0.5 ) ").unwrap(),
            LocationPrior::StudentT { df: 4.0, location: 0.0, scale: 0.5 }
        );
        let LocationPrior::Normals(parts) =
            location("0.8 * normal(-0.3, 0.2) + 0.2 * normal(1e+0, 2)").unwrap()
        else {
            panic!("a mixture");
        };
        assert_eq!(parts[1], NormalComponent { weight: 0.2, mean: 1.0, sd: 2.0 });
        assert_eq!(
            heterogeneity("half-cauchy(5)").unwrap(),
            HeterogeneityPrior::HalfStudentT { df: 1.0, scale: 5.0 }
        );
        assert_eq!(heterogeneity("fixed(0)").unwrap(), HeterogeneityPrior::Fixed { value: 0.0 });
        for bad in [
            "normal(0, 0)",
            "normal(0, -1)",
            "normal(0, inf)",
            "normal(nan, 1)",
            "normal(0)",
            "gauss(0, 1)",
            "normal(0, 1",
            "0.5 * normal(0, 1) + 0.4 * normal(0, 2)",
            "0.5 * cauchy(0, 1) + 0.5 * normal(0, 1)",
        ] {
            assert!(location(bad).is_err(), "{bad} was accepted");
        }
        for bad in [
            "half-normal(0)",
            "half-normal(-1)",
            "half-cauchy(inf)",
            "normal(0, 1)",
            "uniform(1, 2)",
            "uniform(0, 0)",
            "half-norml(1)",
            "fixed(-0.1)",
            "",
        ] {
            assert!(heterogeneity(bad).is_err(), "{bad} was accepted");
        }
        assert!(heterogeneity("half-norml(1)").unwrap_err().help.contains("half-normal"));
    }
}
