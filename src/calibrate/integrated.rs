//! Fits by integration: the probability below a true value is its rank among infinitely many draws.

use rand_chacha::ChaCha8Rng;

use super::DRAWS;
use super::quantity::Quantity;
use super::sampled::uniform_below;
use super::truth::{Truth, towards};
use crate::exact::{Distribution, ExactPosterior, RiskMeasure};
use crate::model::Model;
use crate::posterior::Parameter;

/// What the exact engine says of a quantity; none of what it has not. A joint log likelihood is among these: an integral over
/// several dimensions has no single distribution to be ranked in. Nor are baselines, which a risk difference is made of too: each
/// would take an integral as long as that of the difference.
fn asked(posterior: &ExactPosterior, quantity: Quantity) -> Option<Box<dyn Distribution + '_>> {
    match quantity {
        Quantity::Parameter(Parameter::Mu) => posterior.mu(),
        Quantity::Parameter(Parameter::Tau) => {
            posterior.tau().map(|tau| Box::new(tau) as Box<dyn Distribution>)
        }
        Quantity::Parameter(Parameter::Theta(g)) | Quantity::TowardsData(g) => Some(posterior.theta(g)),
        Quantity::NewEffect => posterior.theta_new(),
        Quantity::RiskDifference(g) => posterior.risk(g, RiskMeasure::Difference),
        _ => None,
    }
}

/// Whether the engine has a distribution of it.
pub fn answers(posterior: &ExactPosterior, quantity: Quantity) -> bool {
    asked(posterior, quantity).is_some()
}

/// The cell of each true value, of as many equal ones as a rank among [`DRAWS`] has; none where an integral is not proven.
/// Whether it is depends on the data alone, so that the other ranks must be uniform all the same.
pub fn ranks(
    (observed, truth): (&Model, &Truth<'_>),
    posterior: &ExactPosterior,
    quantities: &[Quantity],
    ties: &mut ChaCha8Rng,
) -> Vec<Option<u32>> {
    let one = |quantity: &Quantity| {
        let truth = truth.value(*quantity)?;
        let found = asked(posterior, *quantity)?;
        let sign = match quantity {
            Quantity::TowardsData(g) => towards(observed, *g),
            _ => 1.0,
        };
        let below = found.cdf(sign * truth);
        if !found.is_settled() || below.is_nan() {
            return None;
        }
        // What is known for certain equals its true value. A moment can take an integral, and is asked for at an end alone.
        if (below == 0.0 || below == 1.0) && found.sd() == Some(0.0) {
            return u32::try_from(uniform_below(DRAWS + 1, ties)).ok();
        }
        let below = if sign < 0.0 { 1.0 - below } else { below };
        Some(((below * (DRAWS + 1) as f64) as u32).min(DRAWS as u32))
    };
    quantities.iter().map(one).collect()
}
