//! Parameters of priors: finite, scales above 0, and within what makes sense on the scale that they are on.

use super::super::problem::Fault;
use super::super::{BaselinePrior, HeterogeneityPrior, LocationPrior, NormalComponent, Scale};
use crate::error::ErrorKind;

/// Normals in a mixture at most.
pub(crate) const MOST_COMPONENTS: usize = 50;

fn fault(message: impl Into<String>, help: impl Into<String>) -> Fault {
    Fault::new(ErrorKind::Value, message, help)
}

/// Every number of a prior is finite, and those that are scales, by place and name, are above 0.
pub(crate) fn checked(what: &str, numbers: &[f64], scales: &[(usize, &str)]) -> Result<(), Fault> {
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
pub(crate) struct Limits {
    /// Centres lie within this of zero.
    location: f64,
    /// Scales lie between these.
    scale: (f64, f64),
    /// Of what, for messages.
    on: &'static str,
}

/// Log odds, and logs of ratios: e^15 is an odds ratio of three million.
pub(crate) const LOG_RATIOS: Limits = Limits { location: 15.0, scale: (1e-4, 1e5), on: "a log scale" };

/// Differences carry the outcome's own units.
const DIFFERENCES: Limits = Limits { location: 1e6, scale: (1e-6, 1e6), on: "this scale" };

/// Log odds of baselines.
pub(crate) const BASELINES: Limits = Limits { location: 15.0, scale: (1e-3, 1e5), on: "the log odds" };

impl Limits {
    /// Of effects on this scale.
    pub(crate) fn of(scale: Scale) -> Limits {
        if scale.is_ratio() { LOG_RATIOS } else { DIFFERENCES }
    }

    pub(crate) fn check_location(self, prior: &LocationPrior) -> Result<(), Fault> {
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

    pub(crate) fn check_heterogeneity(self, prior: &HeterogeneityPrior) -> Result<(), Fault> {
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

pub(super) fn check_df(df: f64) -> Result<(), Fault> {
    if df >= 1.0 {
        return Ok(());
    }
    Err(fault(
        format!("a Student t with {df} degrees of freedom"),
        "at least 1, which is Cauchy's; below it the tails outweigh everything",
    ))
}

/// The numbers of a prior of an effect on this scale.
pub(crate) fn effect_parameters(prior: &LocationPrior, scale: Scale) -> Result<(), Fault> {
    if matches!(prior, LocationPrior::LogitBeta { .. }) {
        return Err(fault("a beta prior is one of a risk", "only a baseline by itself can have it"));
    }
    location_numbers(prior)?;
    Limits::of(scale).check_location(prior)
}

/// The numbers of a prior of the heterogeneity of effects on this scale.
pub(crate) fn heterogeneity_parameters(prior: &HeterogeneityPrior, scale: Scale) -> Result<(), Fault> {
    heterogeneity_numbers(prior)?;
    Limits::of(scale).check_heterogeneity(prior)
}

/// The numbers of a prior of baselines, which is a proper distribution.
pub(crate) fn baseline_parameters(prior: &BaselinePrior) -> Result<(), Fault> {
    match prior {
        BaselinePrior::Independent(LocationPrior::LogitBeta { a, b }) => risk_beta(*a, *b),
        BaselinePrior::Independent(prior) => proper_baseline(prior),
        BaselinePrior::Exchangeable { mean, sd } => {
            if matches!(mean, LocationPrior::LogitBeta { .. }) {
                return Err(fault("a beta prior is one of a risk", "only a baseline by itself can have it"));
            }
            proper_baseline(mean)?;
            heterogeneity_numbers(sd)?;
            LOG_RATIOS.check_heterogeneity(sd)
        }
    }
}

fn proper_baseline(prior: &LocationPrior) -> Result<(), Fault> {
    if !prior.is_proper() {
        return Err(fault("a flat prior", PROPER_BASELINE));
    }
    location_numbers(prior)?;
    BASELINES.check_location(prior)
}

/// What to write instead of a flat one.
pub(crate) const PROPER_BASELINE: &str = "a baseline's prior is a proper distribution: write normal(0, 2.5), whose central 95 % are risks from 0.7 % to 99.3 %";

/// A risk's beta(a, b).
pub(crate) fn risk_beta(a: f64, b: f64) -> Result<(), Fault> {
    /// Below, the tails of the log odds outweigh everything; above, the prior is a number.
    const WITHIN: std::ops::RangeInclusive<f64> = 0.2..=1e6;
    if WITHIN.contains(&a) && WITHIN.contains(&b) {
        return Ok(());
    }
    Err(fault(
        format!("beta({a}, {b})"),
        "both numbers lie between 0.2 and a million; beta(4, 36) is what 4 events in 40 patients say",
    ))
}

/// The numbers of a prior on the whole line, by themselves.
pub(crate) fn location_numbers(prior: &LocationPrior) -> Result<(), Fault> {
    match prior {
        LocationPrior::Normals(parts) => mixture(parts),
        &LocationPrior::StudentT { df, location, scale } => {
            checked("student-t(df, location, scale)", &[df, location, scale], &[(0, "df"), (2, "scale")])
        }
        LocationPrior::LogitBeta { .. } | LocationPrior::Flat => Ok(()),
    }
}

/// Normals with weights that add up to 1.
fn mixture(parts: &[NormalComponent]) -> Result<(), Fault> {
    if parts.len() > MOST_COMPONENTS {
        return Err(too_many_components(parts.len()));
    }
    for n in parts {
        checked("normal(mean, sd)", &[n.mean, n.sd], &[(1, "sd")])?;
        mixture_weight(n.weight)?;
    }
    mixture_total(parts.iter().map(|n| n.weight).sum())
}

pub(crate) fn too_many_components(found: usize) -> Fault {
    let help = format!("at most {MOST_COMPONENTS} are taken: fewer, wider ones say the same");
    Fault::new(ErrorKind::Limit, format!("a mixture of {found} normals"), help)
}

fn mixture_weight(weight: f64) -> Result<(), Fault> {
    if weight > 0.0 && weight <= 1.0 {
        return Ok(());
    }
    Err(fault(format!("a mixture weight is {weight}"), "weights lie between 0 and 1"))
}

fn mixture_total(total: f64) -> Result<(), Fault> {
    if (total - 1.0).abs() <= 1e-6 {
        return Ok(());
    }
    Err(fault(format!("the mixture's weights add up to {total}"), "they must add up to 1"))
}

/// The numbers of a prior of a heterogeneity, by themselves.
pub(crate) fn heterogeneity_numbers(prior: &HeterogeneityPrior) -> Result<(), Fault> {
    match *prior {
        HeterogeneityPrior::HalfNormal { scale } => checked("half-normal(scale)", &[scale], &[(0, "scale")]),
        HeterogeneityPrior::HalfStudentT { df, scale } => {
            checked("half-student-t(df, scale)", &[df, scale], &[(0, "df"), (1, "scale")])
        }
        HeterogeneityPrior::Exponential { mean } => checked("exponential(mean)", &[mean], &[(0, "mean")]),
        HeterogeneityPrior::LogNormal { mean, sd } => {
            checked("log-normal(mean, sd)", &[mean, sd], &[(1, "sd")])
        }
        HeterogeneityPrior::Uniform { upper } => checked("uniform(0, upper)", &[upper], &[(0, "upper end")]),
        HeterogeneityPrior::Fixed { value } => {
            checked("fixed(value)", &[value], &[])?;
            fixed_at_least_zero(value)
        }
    }
}

fn fixed_at_least_zero(value: f64) -> Result<(), Fault> {
    if value < 0.0 {
        return Err(fault(format!("fixed({value}) is below 0"), "a standard deviation is 0 or more"));
    }
    Ok(())
}
