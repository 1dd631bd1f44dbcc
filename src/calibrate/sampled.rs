//! Fits by the sampler: draws that are nearly independent of each other, and ranks among them.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardUniform};

use super::quantity::Quantity;
use super::truth::{Truth, levels_of, of_levels_alone, of_rows, towards};
use super::typical::with_typical_bias;
use super::{DRAWS, THINNING};
use crate::density::LogDensity;
use crate::model::{Hierarchy, Model};
use crate::posterior::{SHORTER, SampledPosterior, may_need_shorter_steps, target_acceptance};
use crate::sampler::{Recorded, Settings, extend, start};

/// Transitions that are not kept.
const WARMUP: usize = 150;

/// Draws from a posterior, in the coordinates of its density.
pub struct Chain {
    /// One point after another.
    pub points: Vec<f64>,
    /// Whether a transition that was kept diverged.
    pub diverged: bool,
}

/// A chain's draws, thinned; none where no point to begin at was found.
pub fn chain<D: LogDensity>(
    density: &D,
    middle: Vec<f64>,
    (seed, target_acceptance): (u64, f64),
) -> Option<Chain> {
    let settings = Settings { seed, chains: 1, warmup: WARMUP, target_acceptance, ..Settings::default() };
    let mut chains = start(density, middle, &settings, &())?;
    extend(&mut chains, DRAWS * THINNING, &());
    let chain: &Recorded<'_, D> = chains.first()?;
    // What is made of a draw, such as averages over rows, takes longer than a transition.
    let points = chain.draws.chunks(density.dim()).skip(THINNING - 1).step_by(THINNING);
    let points = points.flatten().copied().collect();
    Some(Chain { points, diverged: chain.transitions.iter().any(|t| t.diverged) })
}

/// The fit of a model of two arms and one factor, sampled as `fit` samples it.
pub fn fit(fitted: &Model, seed: u64) -> Option<(Hierarchy, Chain)> {
    let hierarchy = Hierarchy::new(fitted);
    let mut found = chain(&hierarchy, hierarchy.middle(), (seed, target_acceptance(fitted)))?;
    if found.diverged && may_need_shorter_steps(fitted) {
        found = chain(&hierarchy, hierarchy.middle(), (seed, SHORTER))?;
    }
    Some((hierarchy, found))
}

/// Ranks of true values among the draws of a fit; none of what either side has not.
pub fn ranks(
    (observed, truth): (&Model, &Truth<'_>),
    (hierarchy, chain): (&Hierarchy, &Chain),
    quantities: &[Quantity],
    (seed, ties): (u64, &mut ChaCha8Rng),
) -> Vec<Option<u32>> {
    let posterior = SampledPosterior::of_points(observed, hierarchy, &chain.points, seed);
    let one = |quantity: &Quantity| {
        let draws = match quantity {
            Quantity::LogLikelihood => Some(log_likelihoods(observed, hierarchy, chain, &posterior)),
            _ => column(observed, &posterior, *quantity),
        };
        rank_among(truth.value(*quantity)?, &draws?, ties)
    };
    quantities.iter().map(one).collect()
}

fn column(observed: &Model, posterior: &SampledPosterior, quantity: Quantity) -> Option<Vec<f64>> {
    match quantity {
        Quantity::Parameter(key) => {
            let all = posterior.parameters();
            all.into_iter().find(|(known, _)| *known == key).map(|(_, column)| column.clone())
        }
        Quantity::NewEffect => posterior.theta_new.clone(),
        Quantity::TowardsData(g) => {
            let sign = towards(observed, g);
            posterior.theta.get(g).map(|column| column.iter().map(|x| sign * x).collect())
        }
        Quantity::RiskDifference(g) => posterior.risks(g).map(|risks| risks.difference()),
        Quantity::OverallRiskDifference => posterior.overall().map(|(risks, _)| risks.difference()),
        Quantity::LastLevel => posterior.above(0)?.pop().map(|risks| risks.control),
        Quantity::LogLikelihood => None,
    }
}

fn log_likelihoods(
    observed: &Model,
    hierarchy: &Hierarchy,
    chain: &Chain,
    posterior: &SampledPosterior,
) -> Vec<f64> {
    let mut scratch = hierarchy.scratch();
    let typical = with_typical_bias(observed);
    let at = |columns: &[Vec<f64>], i: usize| columns.iter().map(|c| c[i]).collect::<Vec<f64>>();
    let one = |(i, q): (usize, &[f64])| match (levels_of(observed), observed.observation.rows()) {
        (None, None) => {
            let labels = posterior.label_shares(i);
            let (theta, alpha) = (at(&posterior.theta, i), at(&posterior.alpha, i));
            typical.observation.log_likelihood(&theta, &alpha, labels.as_ref())
        }
        (levels, rows) => {
            let p = hierarchy.parameters(q, &[], &mut scratch);
            let active = p.control.iter().zip(p.theta).map(|(x, t)| x + t).collect();
            let arms = [p.control.to_vec(), active];
            match (levels, rows) {
                (Some(levels), _) => of_levels_alone(levels, &arms, (p.offsets, p.departures)),
                (None, Some(rows)) => of_rows(rows, &arms, (p.gamma, p.centres)),
                (None, None) => f64::NAN,
            }
        }
    };
    chain.points.chunks(hierarchy.dim()).enumerate().map(one).collect()
}

/// How many of the draws are below the truth; of those that equal it, any number is as likely. None where one of them is not a
/// number.
pub fn rank_among(truth: f64, draws: &[f64], ties: &mut ChaCha8Rng) -> Option<u32> {
    if !truth.is_finite() || draws.iter().any(|x| x.is_nan()) {
        return None;
    }
    let below = draws.iter().filter(|x| **x < truth).count();
    let equal = draws.iter().filter(|x| **x == truth).count();
    u32::try_from(below + uniform_below(equal + 1, ties)).ok()
}

/// A whole number from 0 to below `n`.
pub fn uniform_below(n: usize, rng: &mut ChaCha8Rng) -> usize {
    let u: f64 = StandardUniform.sample(rng);
    ((u * n as f64) as usize).min(n.saturating_sub(1))
}
