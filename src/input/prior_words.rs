//! Priors as people write them, parsed.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;

use super::model_file::LocationEntry;
use crate::error::ErrorKind;
use crate::numeric::logit;
use crate::study::problem;
use crate::study::rules::{
    BASELINES, LOG_RATIOS, Limits, MOST_COMPONENTS, PROPER_BASELINE, checked, heterogeneity_numbers,
    location_numbers, risk_beta, too_many_components,
};
use crate::study::{
    BaselinePrior, HeterogeneityPrior, LevelPriors, LocationPrior, NormalComponent, Scale, Written,
};

/// What is wrong with a prior, and what would be right.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    pub kind: ErrorKind,
    pub message: String,
    pub help: String,
    /// Where, if it is one part of the whole.
    pub span: Option<Range<usize>>,
}

impl From<problem::Fault> for Fault {
    fn from(fault: problem::Fault) -> Fault {
        let problem::Fault { kind, message, help } = fault;
        Fault { kind, message, help, span: None }
    }
}

fn fault(kind: ErrorKind, message: impl Into<String>, help: impl Into<String>) -> Fault {
    Fault { kind, message: message.into(), help: help.into(), span: None }
}

const LOCATION_FORMS: &str = "write normal(mean, sd), student-t(df, location, scale), a mixture such as 0.8 * normal(-0.3, 0.2) + 0.2 * normal(0, 1), or flat";
/// Where a flat prior is refused.
const PROPER_FORMS: &str = "write normal(mean, sd), student-t(df, location, scale) or a mixture such as 0.8 * normal(-0.3, 0.2) + 0.2 * normal(0, 1)";
const BASELINE_FORMS: &str = "write \"normal(0, 2.5)\" or \"student-t(4, 0, 2)\" of the log odds, \"beta(4, 36)\" of the risk, { risk = [0.2, 0.6], mass = 0.9 } or { mean = \"normal(0, 2.5)\", sd = \"half-normal(1)\" }";
const HETEROGENEITY_FORMS: &str = "write half-normal(scale), half-student-t(df, scale), half-cauchy(scale), exponential(mean), log-normal(mean, sd), uniform(0, upper) or fixed(value)";

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

/// A distribution on the real line from its text.
pub fn location(text: &str) -> Result<LocationPrior, Fault> {
    location_among(text, &["normal", "student-t", "flat"], LOCATION_FORMS)
}

/// The same where a flat one is refused.
fn proper_location(text: &str, forms: &str, instead: &str) -> Result<LocationPrior, Fault> {
    let prior = location_among(text, &["normal", "student-t"], forms)?;
    if prior.is_proper() { Ok(prior) } else { Err(fault(ErrorKind::Value, "a flat prior", instead)) }
}

/// `known` are the families that are offered, `forms` what may be written.
fn location_among(text: &str, known: &[&str], forms: &str) -> Result<LocationPrior, Fault> {
    if text.contains('*') || text.contains('+') && text.matches('(').count() > 1 {
        return mixture(text, forms);
    }
    let Some((name, numbers)) = call(text) else {
        return Err(fault(ErrorKind::Syntax, format!("can't read the prior \"{text}\""), forms));
    };
    let prior = match (name.as_str(), numbers.as_slice()) {
        ("normal", &[mean, sd]) => LocationPrior::normal(mean, sd),
        ("student-t", &[df, location, scale]) => LocationPrior::StudentT { df, location, scale },
        ("flat", &[]) => LocationPrior::Flat,
        ("normal" | "student-t" | "flat", _) => {
            let message = format!("\"{text}\" has the wrong number of arguments");
            return Err(fault(ErrorKind::Syntax, message, forms));
        }
        ("beta", _) => {
            return Err(fault(
                ErrorKind::Rule,
                "a beta prior is one of a risk",
                format!("only a baseline by itself can have it, baseline = \"beta(4, 36)\"; here {forms}"),
            ));
        }
        _ => return Err(unknown(text, &name, known, forms)),
    };
    location_numbers(&prior)?;
    Ok(prior)
}

fn unknown(text: &str, name: &str, known: &[&str], forms: &str) -> Fault {
    let near = super::nearest::nearest(name, known.iter().copied());
    let help = near.map_or_else(|| forms.to_string(), |n| format!("did you mean {n}? {forms}"));
    fault(ErrorKind::Unknown, format!("\"{text}\" is not a prior known here"), help)
}

fn mixture(text: &str, forms: &str) -> Result<LocationPrior, Fault> {
    let parts = text.matches('*').count();
    if parts > MOST_COMPONENTS {
        return Err(too_many_components(parts).into());
    }
    let unreadable = || fault(ErrorKind::Syntax, format!("can't read the mixture \"{text}\""), forms);
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
                ErrorKind::Rule,
                format!("\"{})\" can't be part of a mixture", normal.trim()),
                "mixtures are of normals: weight * normal(mean, sd) + …",
            ));
        };
        components.push(NormalComponent { weight, mean, sd });
    }
    if components.is_empty() {
        return Err(unreadable());
    }
    let prior = LocationPrior::Normals(components);
    location_numbers(&prior)?;
    Ok(prior.normalised())
}

/// A distribution on the positive half-line from its text.
pub fn heterogeneity(text: &str) -> Result<HeterogeneityPrior, Fault> {
    let syntax = |message: String| Err(fault(ErrorKind::Syntax, message, HETEROGENEITY_FORMS));
    let Some((name, numbers)) = call(text) else {
        return syntax(format!("can't read the prior \"{text}\""));
    };
    let prior = match (name.as_str(), numbers.as_slice()) {
        ("half-normal", &[scale]) => HeterogeneityPrior::HalfNormal { scale },
        ("half-student-t", &[df, scale]) => HeterogeneityPrior::HalfStudentT { df, scale },
        ("half-cauchy", &[scale]) => {
            checked("half-cauchy(scale)", &numbers, &[(0, "scale")])?;
            HeterogeneityPrior::HalfStudentT { df: 1.0, scale }
        }
        ("exponential", &[mean]) => HeterogeneityPrior::Exponential { mean },
        ("log-normal" | "lognormal", &[mean, sd]) => HeterogeneityPrior::LogNormal { mean, sd },
        ("uniform", &[low, upper]) => {
            checked("uniform(0, upper)", &numbers, &[(1, "upper end")])?;
            if low != 0.0 {
                return Err(fault(
                    ErrorKind::Value,
                    format!("uniform({low}, {upper}) does not start at 0"),
                    "a standard deviation's uniform prior is uniform(0, upper)",
                ));
            }
            HeterogeneityPrior::Uniform { upper }
        }
        ("fixed", &[value]) => HeterogeneityPrior::Fixed { value },
        (
            name @ ("half-normal" | "half-student-t" | "half-cauchy" | "exponential" | "log-normal"
            | "lognormal" | "uniform" | "fixed"),
            _,
        ) => return syntax(format!("{name} has the wrong number of arguments")),
        ("normal" | "student-t" | "cauchy" | "flat", _) => {
            return Err(fault(
                ErrorKind::Rule,
                format!("\"{text}\" also allows negative values, and a standard deviation has none"),
                HETEROGENEITY_FORMS,
            ));
        }
        _ => {
            let known = [
                "half-normal",
                "half-student-t",
                "half-cauchy",
                "exponential",
                "log-normal",
                "uniform",
                "fixed",
            ];
            return Err(unknown(text, &name, &known, HETEROGENEITY_FORMS));
        }
    };
    heterogeneity_numbers(&prior)?;
    Ok(prior)
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

/// The degrees of freedom of the distribution of effects around their mean; none for a normal one.
pub fn effects(text: &str) -> Result<Option<f64>, Fault> {
    const FORMS: &str = "write \"normal\", or \"student-t(4)\": its degrees of freedom, at least 1, of location μ and scale τ";
    match call(text) {
        Some((name, numbers)) if name == "normal" && numbers.is_empty() => Ok(None),
        Some((name, numbers)) if name == "student-t" => match numbers[..] {
            [df] if df >= 1.0 && df.is_finite() => Ok(Some(df)),
            [df] => {
                Err(fault(ErrorKind::Value, format!("Student t effects with {df} degrees of freedom"), FORMS))
            }
            _ => {
                let message = format!("\"{text}\" has {} numbers, one was expected", numbers.len());
                Err(fault(ErrorKind::Syntax, message, FORMS))
            }
        },
        Some((name, _)) => {
            let near = super::nearest::nearest(&name, ["normal", "student-t"].into_iter());
            let help = near.map_or_else(|| FORMS.to_string(), |n| format!("did you mean {n}? {FORMS}"));
            Err(fault(
                ErrorKind::Unknown,
                format!("\"{text}\" is no distribution of effects known here"),
                help,
            ))
        }
        None => {
            Err(fault(ErrorKind::Syntax, format!("can't read the effects' distribution \"{text}\""), FORMS))
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
            return Err(at(ErrorKind::Value, expected.1, "an expected ratio must be above 0", &forms));
        }
        let mean = to_scale(expected.0);
        if mean == 0.0 {
            return Err(at(
                ErrorKind::Value,
                expected.1,
                "the expected effect is no effect",
                "beyond_null has no meaning then; write a normal prior instead",
            ));
        }
        if !(beyond.0 > 0.0 && beyond.0 < 0.5) {
            return Err(at(
                ErrorKind::Value,
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
        .ok_or_else(|| fault(ErrorKind::Missing, "this prior has no range", forms.clone()))?;
    let (low, high, span) = range(words, measure, &forms)?;
    if measure != scale.key() {
        return Err(at(
            ErrorKind::Rule,
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
        return Err(at(ErrorKind::Value, span, format!("a ratio of {low}"), "ratios are above 0"));
    }
    let mass = mass(words, &forms)?;
    Ok(Written {
        distribution: LocationPrior::normal_between(to_scale(low), to_scale(high), mass),
        words: format!("{} between {low} and {high} with probability {mass}", scale.measure_in_words()),
    })
}

/// The prior of the probabilities of levels from its text: one concentration for all, one a level, or rmsb's.
pub fn dirichlet(text: &str, levels: usize) -> Result<Written<Vec<f64>>, Fault> {
    let words = text.trim().to_string();
    match call(text) {
        Some((name, numbers)) if name == "rmsb" && numbers.is_empty() => {
            Ok(Written { distribution: vec![LevelPriors::rmsb(levels)], words })
        }
        Some((name, numbers)) if name == "dirichlet" && !numbers.is_empty() => {
            Ok(Written { distribution: numbers, words })
        }
        _ => Err(fault(
            ErrorKind::Syntax,
            format!("found `{words}`, expected a Dirichlet prior"),
            DIRICHLET_FORMS,
        )),
    }
}

const DIRICHLET_FORMS: &str =
    "write \"dirichlet(1)\", one number a level: \"dirichlet(2, 1, 1, 1)\", or \"rmsb\"";

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
    let &[a, b] = numbers else {
        return Err(fault(ErrorKind::Syntax, "beta has the wrong number of arguments", BASELINE_FORMS));
    };
    risk_beta(a, b)?;
    Ok(LocationPrior::LogitBeta { a, b })
}

/// The baseline prior from its entry.
pub fn baseline(entry: &LocationEntry) -> Result<Written<BaselinePrior>, Fault> {
    const FORMS: &str = BASELINE_FORMS;
    let spread = |text: &str| -> Result<HeterogeneityPrior, Fault> {
        let prior = heterogeneity(text)?;
        LOG_RATIOS.check_heterogeneity(&prior)?;
        Ok(prior)
    };
    let proper = |text: &str, forms: &str| -> Result<LocationPrior, Fault> {
        let prior = proper_location(text, forms, PROPER_BASELINE)?;
        BASELINES.check_location(&prior)?;
        Ok(prior)
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
            return Err(at(
                ErrorKind::Value,
                span,
                format!("risks of {low} and {high}"),
                "risks lie above 0 and below 1",
            ));
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
        let value =
            words.get(key).ok_or_else(|| fault(ErrorKind::Missing, format!("`{key}` is missing"), FORMS))?;
        match value.get_ref() {
            toml::Value::String(s) => Ok((s.clone(), value.span())),
            _ => Err(at(ErrorKind::Syntax, value.span(), format!("`{key}` is not a prior in quotes"), FORMS)),
        }
    };
    let (mean, mean_span) = text("mean")?;
    let (sd, sd_span) = text("sd")?;
    let locate = |f: Fault, span: Range<usize>| Fault { span: Some(span), ..f };
    Ok(Written {
        distribution: BaselinePrior::Exchangeable {
            mean: proper(&mean, PROPER_FORMS).map_err(|f| locate(f, mean_span))?,
            sd: spread(&sd).map_err(|f| locate(f, sd_span))?,
        },
        words: format!("exchangeable: mean {mean}, sd {sd}"),
    })
}

fn at(kind: ErrorKind, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Fault {
    Fault { span: Some(span), ..fault(kind, message, help) }
}

type Words = BTreeMap<String, Spanned<toml::Value>>;

fn known_keys(words: &Words, known: &[&str], forms: &str) -> Result<(), Fault> {
    for (key, value) in words {
        if !known.contains(&key.as_str()) {
            let near = super::nearest::nearest(key, known.iter().copied());
            let help = near.map_or_else(|| forms.to_string(), |n| format!("did you mean `{n}`? {forms}"));
            return Err(at(
                ErrorKind::Unknown,
                value.span(),
                format!("unknown key `{key}` in a prior"),
                help,
            ));
        }
    }
    Ok(())
}

fn only(words: &Words, allowed: &[&str], forms: &str) -> Result<(), Fault> {
    match words.iter().find(|(key, _)| !allowed.contains(&key.as_str())) {
        Some((key, value)) => Err(at(
            ErrorKind::Rule,
            value.span(),
            format!("`{key}` does not go with `{}`", allowed[0]),
            forms,
        )),
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
    let value =
        words.get(key).ok_or_else(|| fault(ErrorKind::Missing, format!("`{key}` is missing"), forms))?;
    as_number(value.get_ref())
        .map(|n| (n, value.span()))
        .ok_or_else(|| at(ErrorKind::Value, value.span(), format!("`{key}` is not a finite number"), forms))
}

fn range(words: &Words, key: &str, forms: &str) -> Result<(f64, f64, Range<usize>), Fault> {
    let value =
        words.get(key).ok_or_else(|| fault(ErrorKind::Missing, format!("`{key}` is missing"), forms))?;
    let ends = value.get_ref().as_array().map(|a| a.iter().map(as_number).collect::<Vec<_>>());
    let Some([Some(low), Some(high)]) = ends.as_deref() else {
        return Err(at(ErrorKind::Value, value.span(), format!("`{key}` is not a pair of numbers"), forms));
    };
    if low >= high {
        return Err(at(
            ErrorKind::Value,
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
        Err(at(
            ErrorKind::Value,
            span,
            format!("mass is {mass}"),
            "a mass lies above 0 and below 1, such as 0.95",
        ))
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

    #[test]
    fn the_words_of_a_distribution_are_read_as_that_distribution() {
        use crate::study::distributions as d;
        for prior in [
            d::normal(-0.125, 31.622_776_601_683_8),
            d::normal(1e-7, 0.1 + 0.2),
            d::student_t(4.0, 0.0, 0.5),
            d::mixture([(0.75, -0.3, 0.2), (0.25, 0.0, 1.0)]),
            d::flat(),
        ] {
            assert_eq!(location(&prior.in_words()).unwrap(), prior);
        }
        for prior in [
            d::half_normal(0.5),
            d::half_student_t(4.0, 0.5),
            d::half_cauchy(5.0),
            d::exponential(0.5),
            d::log_normal(-1.0, 0.7),
            d::uniform(2.0),
            d::fixed(0.3),
        ] {
            assert_eq!(heterogeneity(&prior.in_words()).unwrap(), prior);
        }
        let text = |words: &str| baseline(&LocationEntry::Text(words.to_string())).unwrap().distribution;
        let risk = d::beta(4.0, 36.0);
        assert_eq!(text(&risk.in_words()), BaselinePrior::Independent(risk));
    }
}
