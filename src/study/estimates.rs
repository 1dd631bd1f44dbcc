//! Published estimates on the scale of the model.

use super::problem::{Part, Problem};
use super::{Scale, SubgroupEstimate};
use crate::error::ErrorKind;
use crate::numeric::normal_quantile;

/// How far the point estimate may lie from the middle of its interval, as a share of the interval's width, before the
/// reader is told. Rounding of published figures alone explains a few per cent.
const ASYMMETRY: f64 = 0.05;

/// The figures of one subgroup as printed in a publication.
#[derive(Debug, Clone, Default)]
pub struct Printed {
    /// The subgroup's name.
    pub subgroup: String,
    /// The estimate as a ratio; only for ratio scales.
    pub ratio: Option<f64>,
    /// The estimate on the scale of the model: a log ratio or a difference.
    pub estimate: Option<f64>,
    /// The 95 % interval, in the unit of whichever of `ratio` and `estimate` is given.
    pub ci: Option<(f64, f64)>,
    /// The standard error, on the scale of the model.
    pub se: Option<f64>,
    /// How the figures were obtained, such as "printed".
    pub source: Option<String>,
    /// Where the figures are published.
    pub citation: Option<String>,
    /// What the estimate is adjusted for.
    pub adjusted_for: Option<String>,
}

/// What is wrong with printed figures: which one, how, and what to do.
#[derive(Debug)]
pub struct Fault {
    /// The figure that is wrong.
    pub figure: Figure,
    /// What sort of thing is wrong with it.
    pub kind: ErrorKind,
    /// What is wrong with it.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// The parts of a published estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// All of them together.
    Whole,
    /// The estimate itself, as a ratio or on the scale of the model.
    Ratio,
    /// Its interval.
    Interval,
    /// Its standard error.
    StandardError,
}

impl Fault {
    fn new((figure, kind): (Figure, ErrorKind), message: String, help: &str) -> Fault {
        Fault { figure, kind, message, help: help.to_string() }
    }

    /// As a problem of this subgroup.
    pub fn of(self, group: usize) -> Problem {
        Problem::new(Part::Estimate { group, figure: self.figure }, self.kind, self.message).help(self.help)
    }
}

/// The estimate and its standard error; a notice where the interval is lopsided.
pub fn estimate(printed: &Printed, scale: Scale) -> Result<(SubgroupEstimate, Option<String>), Fault> {
    let name = &printed.subgroup;
    let (estimate, as_ratio) = match (printed.ratio, printed.estimate) {
        (Some(_), Some(_)) => {
            return Err(Fault::new(
                (Figure::Whole, ErrorKind::Rule),
                format!("subgroup `{name}` has both `ratio` and `estimate`"),
                "give one of them: `ratio` as printed, or `estimate` on the log scale",
            ));
        }
        (None, None) => {
            return Err(Fault::new(
                (Figure::Whole, ErrorKind::Missing),
                format!("subgroup `{name}` has no estimate"),
                "give `ratio` (as printed) or `estimate` (on the scale of the model)",
            ));
        }
        (Some(_), None) if !scale.is_ratio() => {
            return Err(Fault::new(
                (Figure::Ratio, ErrorKind::Rule),
                format!("subgroup `{name}` has a ratio, but the scale of the model is a difference"),
                "give `estimate`",
            ));
        }
        (Some(ratio), None) if ratio <= 0.0 => {
            return Err(Fault::new(
                (Figure::Ratio, ErrorKind::Value),
                format!("subgroup `{name}` has a ratio of {ratio}"),
                "ratios are above 0; a log ratio goes under `estimate`",
            ));
        }
        (Some(ratio), None) => (libm::log(ratio), true),
        (None, Some(estimate)) => (estimate, false),
    };
    let to_scale = |x: f64| if as_ratio { libm::log(x) } else { x };
    let mut notice = None;
    let mut interval = None;
    let se = match (printed.ci, printed.se) {
        (Some(_), Some(_)) => {
            return Err(Fault::new(
                (Figure::Whole, ErrorKind::Rule),
                format!("subgroup `{name}` has both `ci` and `se`"),
                "give one of them",
            ));
        }
        (None, None) => {
            return Err(Fault::new(
                (Figure::Whole, ErrorKind::Missing),
                format!("subgroup `{name}` has neither `ci` nor `se`"),
                "give the 95 % interval as `ci`, or the standard error as `se`",
            ));
        }
        (None, Some(se)) if se > 0.0 => se,
        (None, Some(se)) => {
            return Err(Fault::new(
                (Figure::StandardError, ErrorKind::Value),
                format!("subgroup `{name}` has a standard error of {se}"),
                "a standard error is above 0",
            ));
        }
        (Some((low, high)), None) => {
            if low >= high {
                return Err(Fault::new(
                    (Figure::Interval, ErrorKind::Value),
                    format!("subgroup `{name}` has an interval from {low} to {high}"),
                    "write the smaller end first",
                ));
            }
            if as_ratio && low <= 0.0 {
                return Err(Fault::new(
                    (Figure::Interval, ErrorKind::Value),
                    format!("subgroup `{name}` has an interval for a ratio that starts at {low}"),
                    "ratios are above 0",
                ));
            }
            let (low, high) = (to_scale(low), to_scale(high));
            if !(low..=high).contains(&estimate) {
                return Err(Fault::new(
                    (Figure::Interval, ErrorKind::Rule),
                    format!("subgroup `{name}` has its estimate outside its interval"),
                    "check the three figures",
                ));
            }
            let off = (estimate - 0.5 * (low + high)) / (high - low);
            if off.abs() > ASYMMETRY {
                let scale = if as_ratio { "the log scale" } else { "its scale" };
                notice = Some(format!(
                    "{name}: the estimate is not in the middle of its interval on {scale} (off by {:.0} % of its width); \
                     the standard error is taken from the interval. Check the figures.",
                    100.0 * off.abs()
                ));
            }
            interval = Some((low, high));
            (high - low) / (2.0 * normal_quantile(0.975))
        }
    };
    let (largest, finest, coarsest) = if scale.is_ratio() { (15.0, 1e-6, 1e3) } else { (1e9, 1e-6, 1e9) };
    if !(-largest..=largest).contains(&estimate) {
        return Err(Fault::new(
            (Figure::Ratio, ErrorKind::Value),
            format!("subgroup `{name}` has an estimate of {estimate:e} on the scale of the model"),
            "is it on another scale? A ratio as printed goes under `ratio`, its logarithm under `estimate`",
        ));
    }
    if !(finest..=coarsest).contains(&se) {
        return Err(Fault::new(
            (Figure::StandardError, ErrorKind::Value),
            format!("subgroup `{name}` has a standard error of {se:e}"),
            "check the figures and their scale",
        ));
    }
    let row = SubgroupEstimate {
        name: name.clone(),
        estimate,
        se,
        interval,
        source: printed.source.clone(),
        citation: printed.citation.clone(),
        adjusted_for: printed.adjusted_for.clone(),
    };
    Ok((row, notice))
}
