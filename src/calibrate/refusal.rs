//! Studies from whose priors no data can be drawn.

use crate::error::{Error, ErrorKind};
use crate::model::LocationPrior;
use crate::study::{BaselinePrior, Study};

const USUAL_EFFECT: &str = "normal(0, 0.355)";
const USUAL_BASELINE: &str = "normal(0, 2.5)";

/// Why a study can't be validated by simulation, and what to do; none where it can.
pub fn refusal(study: &Study) -> Option<Error> {
    if study.weighting.is_some() {
        let message = format!(
            "{}: patients are weighted, and how they came to be treated is not part of the model that data are drawn from",
            study.name
        );
        return Some(
            Error::of(ErrorKind::Unavailable, message)
                .help("validate the same priors on counts: a copy of the model without `method` in [adjustment]")
                .help("`equipoise fit` replays the weighting by itself: its page and JSON tell whether intervals of weighted effects hold"),
        );
    }
    let flat = |prior: &LocationPrior| !prior.is_proper();
    let priors = &study.priors;
    let baseline = match priors.baseline.as_ref().map(|b| &b.distribution) {
        Some(BaselinePrior::Independent(prior) | BaselinePrior::Exchangeable { mean: prior, .. }) => {
            flat(prior)
        }
        None => false,
    };
    let (key, instead) = match () {
        () if flat(&priors.effect.distribution) => ("prior.effect", USUAL_EFFECT),
        () if baseline => ("prior.baseline", USUAL_BASELINE),
        () => return None,
    };
    Some(flat_prior(study, key, instead))
}

/// A prior from which nothing can be drawn.
fn flat_prior(study: &Study, key: &str, instead: &str) -> Error {
    let message = format!("{}: {key} is flat, and from a flat prior no parameters can be drawn", study.name);
    Error::of(ErrorKind::Unavailable, message)
        .help(format!("validate it under a proper one: --set {key}='{instead}'"))
        .help("flat priors are fitted, but a simulation needs something to begin with")
}

/// Priors that are proper by themselves and of which none was drawn.
pub fn undrawn(study: &str) -> Error {
    let message = format!("{study}: from these priors no parameters could be drawn that fit one another");
    Error::of(ErrorKind::Unavailable, message).help(
        "cut points and departures from proportional odds must fit: tighten the prior of the departure, or one of the other priors is flat",
    )
}
