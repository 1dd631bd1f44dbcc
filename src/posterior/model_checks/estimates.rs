//! Checks of estimates with standard errors: a replicate of one is its effect with a normal error.

use super::effect::{Effect, Nodes};
use super::left_out::Others;
use super::{Check, Compared, Known, Method, ModelChecks, PredictedEffect, Predictive, Told, Untold};
use crate::numeric::{invert_distribution, normal_cdf};
use crate::parallel;

/// Nodes of an effect are this part of the standard error apart at most.
const SHARE: f64 = 0.9;

/// Every published estimate, or of weighted patients the estimate of their effect.
pub fn checks(known: &Known<'_>, others: &Others<'_>) -> ModelChecks {
    let own = known.study.data.own_effects();
    let found: Vec<(Option<Check>, Told<PredictedEffect>)> =
        parallel::range(0..own.len(), |g| of_effect(known, others, g, own[g]));
    let (checks, effects): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    ModelChecks { unavailable: None, checks: checks.into_iter().flatten().collect(), effects }
}

/// A subgroup's own estimate, given with its variance, beside its predictions, and its effect without its own data.
pub fn of_effect(
    known: &Known<'_>,
    others: &Others<'_>,
    g: usize,
    own: Option<(f64, f64)>,
) -> (Option<Check>, Told<PredictedEffect>) {
    let se = own.map_or(f64::INFINITY, |(_, variance)| libm::sqrt(variance));
    let finest = SHARE * se;
    let left_out = others.effect(g, finest);
    let effect = left_out.as_ref().map(|e| e.summary).map_err(|why| *why);
    let Some((observed, _)) = own.filter(|_| se.is_finite()) else { return (None, effect) };
    let with_error = |nodes: &Nodes, mean, method| widened(nodes, se, observed, (mean, method));
    let exactly = |theta: &dyn crate::exact::Distribution| -> Told<Predictive> {
        let nodes = Nodes::of(theta, finest).ok_or(Untold::Unproven)?;
        Ok(with_error(&nodes, theta.mean(), Method::Exact))
    };
    let posterior = match (known.exact, known.sampled.and_then(|s| s.theta.get(g))) {
        (Some(exact), _) => exactly(&*exact.theta(g)),
        (None, Some(theta)) => {
            let nodes = Nodes::of_draws(theta, None);
            let mean = Some(nodes.moments().0);
            Ok(with_error(&nodes, mean, Method::Sampled))
        }
        (None, None) => Err(Untold::NotSampled),
    };
    let of_left_out = |e: &Effect| with_error(&e.nodes, e.summary.mean, e.summary.method);
    let check = Check {
        subgroup: g,
        compared: Compared::Estimate,
        patients: None,
        observed,
        prior: known.prior_effect().and_then(|theta| exactly(&*theta)),
        posterior,
        left_out: left_out.as_ref().map(of_left_out).map_err(|why| *why),
    };
    (Some(check), effect)
}

/// What is predicted of the effect plus a normal error with standard deviation `se`.
fn widened(nodes: &Nodes, se: f64, observed: f64, (mean, method): (Option<f64>, Method)) -> Predictive {
    let below = |y: f64| nodes.expect(|x| normal_cdf((y - x) / se));
    let (centre, sd) = nodes.moments();
    let sd = libm::hypot(sd, se);
    let ends = [nodes.0.first(), nodes.0.last()].into_iter().flatten();
    let reach = ends.map(|n| n.0.abs()).fold(0.0, f64::max) + 10.0 * se;
    let end = |p: f64| invert_distribution(p, (centre, sd), (-reach, reach), below);
    Predictive {
        mean,
        interval: [end(0.025), end(0.975)],
        tail_probability: below(observed).clamp(0.0, 1.0),
        method,
    }
}
