//! Single values of the `[bias]` section: biases, ratios and proportions, each a number or a prior.

use toml::Spanned;

use super::model_file::LocationEntry;
use super::prior_words::{self, Fault};
use crate::error::ErrorKind;
use crate::numeric::{logistic, logit, softplus};
use crate::study::{LocationPrior, Nuisance, Scale, Written};

/// A prior or a number with its words.
pub type Read = Written<Nuisance>;

const SHIFT_FORMS: &str =
    "write \"normal(0, 0.3)\", { odds_ratio = [0.6, 1.7], mass = 0.95 } or a number on the log scale";
const SHARE_FORMS: &str =
    "write a proportion such as 0.30, \"beta(6, 14)\" or { proportion = [0.2, 0.4], mass = 0.95 }";

pub fn fault(kind: ErrorKind, message: impl Into<String>, help: impl Into<String>) -> Fault {
    Fault { kind, message: message.into(), help: help.into(), span: None }
}

pub fn as_number(value: &toml::Value) -> Option<f64> {
    match value {
        toml::Value::Integer(i) => Some(*i as f64),
        toml::Value::Float(f) => Some(*f),
        _ => None,
    }
}

/// A prior's entry from a value that is not a number.
fn entry(value: &toml::Value, forms: &str) -> Result<LocationEntry, Fault> {
    match value {
        toml::Value::String(text) => Ok(LocationEntry::Text(text.clone())),
        toml::Value::Table(table) => Ok(LocationEntry::Words(
            table.iter().map(|(k, v)| (k.clone(), Spanned::new(0..0, v.clone()))).collect(),
        )),
        _ => Err(fault(ErrorKind::Syntax, "neither a number nor a prior", forms)),
    }
}

/// A number or a prior on the scale of the log ratio (or of the difference).
pub fn shift(value: &toml::Value, scale: Scale) -> Result<Read, Fault> {
    let forms = SHIFT_FORMS.replace("odds_ratio", scale.key());
    let limit = if scale.is_ratio() { 15.0 } else { 1e6 };
    if let Some(b) = as_number(value) {
        if b.abs() <= limit {
            return Ok(Written { distribution: Nuisance::Known(b), words: format!("known to be {b}") });
        }
        return Err(fault(
            ErrorKind::Value,
            format!("a bias of {b}"),
            format!("it lies between −{limit} and {limit}"),
        ));
    }
    // The part of the entry that is wrong has no place of its own in the file.
    let written =
        prior_words::effect(&entry(value, &forms)?, scale).map_err(|f| Fault { span: None, ..f })?;
    if !written.distribution.is_proper() {
        return Err(fault(
            ErrorKind::Value,
            "a flat prior of a bias",
            "with it the data would say nothing: write a proper prior",
        ));
    }
    Ok(Written { distribution: Nuisance::Location(written.distribution), words: written.words })
}

/// A ratio, or a prior of its logarithm.
pub fn strength(value: &toml::Value, scale: Scale) -> Result<Read, Fault> {
    if let Some(ratio) = as_number(value) {
        if (1e-6..=1e6).contains(&ratio) {
            let known = Nuisance::Known(libm::log(ratio));
            return Ok(Written { distribution: known, words: format!("{ratio}") });
        }
        return Err(fault(
            ErrorKind::Value,
            format!("a ratio of {ratio}"),
            "ratios are above 0; 1 is no association",
        ));
    }
    shift(value, scale)
}

/// A proportion, or a prior of one.
pub fn share(value: &toml::Value) -> Result<Read, Fault> {
    if let Some(p) = as_number(value) {
        if (0.0..=1.0).contains(&p) {
            return Ok(Written { distribution: Nuisance::Known(logit(p)), words: format!("{p}") });
        }
        let help = if p > 1.0 && p <= 100.0 {
            format!("proportions lie between 0 and 1: {p} % is {}", p / 100.0)
        } else {
            "proportions lie between 0 and 1".to_string()
        };
        return Err(fault(ErrorKind::Value, format!("a proportion of {p}"), help));
    }
    match value {
        toml::Value::String(text) => beta(text),
        toml::Value::Table(table) => between(table),
        _ => Err(fault(ErrorKind::Syntax, "neither a proportion nor a prior of one", SHARE_FORMS)),
    }
}

fn beta(text: &str) -> Result<Read, Fault> {
    let unreadable =
        || fault(ErrorKind::Syntax, format!("can't read \"{text}\" as a prior of a proportion"), SHARE_FORMS);
    let inner = text.trim().strip_prefix("beta").and_then(|rest| rest.trim().strip_prefix('('));
    let inner = inner.and_then(|rest| rest.strip_suffix(')')).ok_or_else(unreadable)?;
    let numbers: Option<Vec<f64>> = inner.split(',').map(|n| n.trim().parse().ok()).collect();
    let (a, b) = match numbers.as_deref() {
        Some(&[a, b]) => (a, b),
        _ => return Err(unreadable()),
    };
    let within = |x: f64| (0.2..=1e6).contains(&x);
    if !within(a) || !within(b) {
        return Err(fault(
            ErrorKind::Value,
            format!("beta({a}, {b})"),
            "both numbers lie between 0.2 and a million; beta(6, 14) is what 6 of 20 patients say",
        ));
    }
    Ok(Written { distribution: Nuisance::LogitBeta { a, b }, words: format!("beta({a}, {b})") })
}

fn between(table: &toml::map::Map<String, toml::Value>) -> Result<Read, Fault> {
    if let Some(unknown) = table.keys().find(|k| !["proportion", "mass"].contains(&k.as_str())) {
        return Err(fault(
            ErrorKind::Unknown,
            format!("unknown key `{unknown}` in a prior of a proportion"),
            SHARE_FORMS,
        ));
    }
    let ends = table.get("proportion").and_then(|v| v.as_array());
    let ends: Option<Vec<f64>> = ends.and_then(|ends| ends.iter().map(as_number).collect());
    let (low, high) = match ends.as_deref() {
        Some(&[low, high]) => (low, high),
        _ => return Err(fault(ErrorKind::Value, "`proportion` is not a pair of numbers", SHARE_FORMS)),
    };
    if !(low > 0.0 && low < high && high < 1.0) {
        return Err(fault(
            ErrorKind::Value,
            format!("proportions from {low} to {high}"),
            "they lie above 0 and below 1, the smaller first",
        ));
    }
    let mass = table.get("mass").and_then(as_number);
    let Some(mass) = mass.filter(|m| *m > 0.0 && *m < 1.0) else {
        return Err(fault(ErrorKind::Value, "`mass` is missing, or not between 0 and 1", SHARE_FORMS));
    };
    let prior = LocationPrior::normal_between(logit(low), logit(high), mass);
    Ok(Written {
        distribution: Nuisance::Location(prior),
        words: format!("between {low} and {high} with probability {mass}"),
    })
}

/// Whether a table is one prior in words, not one by subgroup.
pub fn in_words(table: &toml::map::Map<String, toml::Value>) -> bool {
    let known = ["odds_ratio", "risk_ratio", "hazard_ratio", "difference", "mass", "expected", "beyond_null"];
    table.keys().all(|k| known.contains(&k.as_str()))
}

/// The most probability that priors may leave to labels that are worse than chance.
const WORSE_THAN_CHANCE: f64 = 0.01;

/// Refused with what to do: sensitivity + specificity ≤ 1 would make the labels say the opposite.
pub fn better_than_chance(sensitivity: &Nuisance, specificity: &Nuisance) -> Result<(), &'static str> {
    let (se, sp) = (masses(sensitivity), masses(specificity));
    let mean = |m: &[(f64, f64)]| m.iter().map(|(p, w)| p * w).sum::<f64>();
    if mean(&se) + mean(&sp) <= 1.0 {
        return Err("their sum must be above 1; are they exchanged, or meant for the other subgroup?");
    }
    let worse: f64 = se
        .iter()
        .map(|(p, w)| w * sp.iter().filter(|(q, _)| p + q <= 1.0).map(|(_, v)| v).sum::<f64>())
        .sum();
    if worse > WORSE_THAN_CHANCE {
        return Err("the priors leave more than 1 % to a sum of at most 1; make them narrower");
    }
    Ok(())
}

/// A share's prior as some hundred values with their masses.
fn masses(share: &Nuisance) -> Vec<(f64, f64)> {
    let log_density: Box<dyn Fn(f64) -> f64> = match share {
        Nuisance::Known(x) => return vec![(logistic(*x), 1.0)],
        Nuisance::LogitBeta { a, b } => Box::new(move |x| a * x - (a + b) * softplus(x)),
        Nuisance::Location(LocationPrior::Normals(normals)) => {
            let n = normals[0];
            Box::new(move |x| -0.5 * (x - n.mean) * (x - n.mean) / (n.sd * n.sd))
        }
        Nuisance::Location(_) => return vec![(0.5, 1.0)],
    };
    let (centre, sd) = match share {
        Nuisance::LogitBeta { a, b } => (libm::log(a / b), libm::sqrt(1.0 / a + 1.0 / b)),
        Nuisance::Location(LocationPrior::Normals(normals)) => (normals[0].mean, normals[0].sd),
        _ => (0.0, 1.0),
    };
    let nodes: Vec<f64> = (-200..=200).map(|j| centre + 0.04 * sd * f64::from(j)).collect();
    let high = nodes.iter().map(|&x| log_density(x)).fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = nodes.iter().map(|&x| libm::exp(log_density(x) - high)).collect();
    let total: f64 = weights.iter().sum();
    nodes.into_iter().zip(weights).map(|(x, w)| (logistic(x), w / total)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> toml::Value {
        toml::from_str::<toml::map::Map<String, toml::Value>>(&format!("x = {text}")).expect("TOML")["x"]
            .clone()
    }

    #[test]
    fn proportions_are_read_and_percentages_are_caught() {
        assert_eq!(share(&value("0.25")).unwrap().distribution, Nuisance::Known(logit(0.25)));
        assert_eq!(share(&value("1")).unwrap().distribution, Nuisance::Known(f64::INFINITY));
        assert_eq!(
            share(&value("\"beta( 6, 14)\"")).unwrap().distribution,
            Nuisance::LogitBeta { a: 6.0, b: 14.0 }
        );
        let between = share(&value("{ proportion = [0.2, 0.4], mass = 0.95 }")).unwrap().distribution;
        assert!(matches!(between, Nuisance::Location(LocationPrior::Normals(_))));
        assert!(share(&value("30")).unwrap_err().help.contains("0.3"));
        for bad in
            ["-0.1", "1.2", "nan", "\"beta(0, 3)\"", "\"beta(1)\"", "\"normal(0, 1)\"", "true", "{ x = 1 }"]
        {
            assert!(share(&value(bad)).is_err(), "{bad} was accepted");
        }
    }

    #[test]
    fn labels_worse_than_chance_are_refused() {
        let known = |p: f64| Nuisance::Known(logit(p));
        assert!(better_than_chance(&known(0.85), &known(0.9)).is_ok());
        assert!(better_than_chance(&known(0.5), &known(0.5)).is_err());
        assert!(better_than_chance(&known(0.2), &known(0.7)).is_err());
        let beta = |a, b| Nuisance::LogitBeta { a, b };
        assert!(better_than_chance(&beta(34.0, 6.0), &beta(45.0, 5.0)).is_ok());
        assert!(better_than_chance(&beta(3.0, 1.0), &beta(3.0, 2.0)).is_err());
    }
}
