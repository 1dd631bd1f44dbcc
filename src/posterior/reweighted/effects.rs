//! The density of all effects under their priors, μ and τ integrated out: what tells one prior's posterior from another's.
//!
//! With normals (or nothing) on μ and given τ the effects' density depends on them through their mean θ̄ and S = Σ(θ_g − θ̄)²:
//!
//! ```text
//! ∫ p(μ) ∏ N(θ_g; μ, τ²) dμ  ∝  τ^(1−G) e^(−S/2τ²) N(θ̄; m, s² + τ²/G)
//! ```
//!
//! and τ is summed over even steps of its logarithm. Steps and tables are as fine as weights need: densities are right to 0.3 %, which
//! moves a probability by at most 0.0015.

use rand_distr::{Distribution, StandardUniform};

use crate::model::{HeterogeneityPrior, LocationPrior, NormalComponent};
use crate::numeric::exp_of_nonpositive;
use crate::parallel;
use crate::posterior::sampled::SampledPosterior;
use crate::sampler::{Purpose, stream};
use crate::study::Pooling;

/// Priors of μ and τ, and the pooling.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    pub pooling: Pooling,
    pub effect: LocationPrior,
    pub heterogeneity: Option<HeterogeneityPrior>,
}

/// Effects by draw.
#[derive(Debug, Clone, Default)]
pub struct Effects {
    theta: Vec<Vec<f64>>,
    mean: Vec<f64>,
    square: Vec<f64>,
    log_square: Vec<f64>,
}

/// What μ, τ and a further subgroup's effect are, by draw.
#[derive(Debug, Clone, Default)]
pub struct Hyper {
    pub mu: Vec<f64>,
    pub tau: Vec<f64>,
    pub theta_new: Vec<f64>,
}

/// One term of the sum over τ and over the prior's normals: `log weight − ½ (θ̄ − m)² b − ½ S c`.
#[derive(Debug, Clone, Copy)]
struct Term {
    log_weight: f64,
    mean: f64,
    by_mean: f64,
    by_square: f64,
    tau: f64,
    precision: f64,
}

/// Draws of one piece of work.
const PIECE: usize = 4096;

/// Steps of ln τ at most; as a part of what a density of G effects is wide.
const STEP: f64 = 0.25;

/// e to the power of minus this is nothing.
const NOTHING: f64 = 45.0;

impl Effects {
    pub fn of(draws: &SampledPosterior) -> Effects {
        Effects::of_columns(draws.theta.clone())
    }

    /// Of effects by subgroup and draw.
    fn of_columns(theta: Vec<Vec<f64>>) -> Effects {
        let (n, subgroups) = (theta.first().map_or(0, Vec::len), theta.len() as f64);
        let mean: Vec<f64> = (0..n).map(|i| theta.iter().map(|t| t[i]).sum::<f64>() / subgroups).collect();
        let apart = |i: usize| theta.iter().map(|t| (t[i] - mean[i]) * (t[i] - mean[i])).sum();
        let square: Vec<f64> = (0..n).map(apart).collect();
        let log_square = square.iter().map(|s| log_square(*s)).collect();
        Effects { theta, mean, square, log_square }
    }

    fn draws(&self) -> usize {
        self.mean.len()
    }

    /// The log density at every draw, up to a constant; none where the priors have no such form, or one that the others' draws say
    /// nothing of.
    pub fn log_densities(&self, target: &Target) -> Option<Vec<f64>> {
        let components = components(&target.effect)?;
        match (target.pooling, &target.heterogeneity) {
            (Pooling::Partial, Some(tau)) if is_spread(tau) => {
                let terms = self.terms(&components, tau);
                if let ([one], true) = (components.as_slice(), self.is_worth_a_table(&terms)) {
                    let table = Table::new(&terms, (one, &self.mean), Some(&self.log_square));
                    return Some(self.each(|i| table.at(self.mean[i], self.log_square[i])));
                }
                Some(self.each(|i| log_sum(&terms, self.mean[i], self.square[i])))
            }
            (Pooling::None, Some(tau)) if is_spread(tau) && target.effect.is_proper() => {
                let terms = alone(&components, tau);
                if let ([one], true) = (components.as_slice(), self.is_worth_a_table(&terms)) {
                    let tables: Vec<Table> =
                        self.theta.iter().map(|t| Table::new(&terms, (one, t), None)).collect();
                    let sum = |i: usize| self.theta.iter().zip(&tables).map(|(t, of)| of.at(t[i], 0.0)).sum();
                    return Some(self.each(sum));
                }
                Some(self.each(|i| self.theta.iter().map(|t| log_sum(&terms, t[i], 0.0)).sum()))
            }
            (Pooling::Complete, _) => {
                let terms = one(&components);
                Some(self.each(|i| log_sum(&terms, self.mean[i], 0.0)))
            }
            _ => None,
        }
    }

    /// Whether there are more draws, of more terms each, than a table has.
    fn is_worth_a_table(&self, terms: &[Term]) -> bool {
        terms.len() > 4 && self.draws() > 4 * Table::MOST
    }

    fn each(&self, f: impl Fn(usize) -> f64 + Sync) -> Vec<f64> {
        let n = self.draws();
        let pieces = parallel::range(0..n.div_ceil(PIECE), |piece| {
            (piece * PIECE..((piece + 1) * PIECE).min(n)).map(&f).collect::<Vec<f64>>()
        });
        pieces.concat()
    }

    /// Under partial pooling.
    fn terms(&self, components: &[NormalComponent], tau: &HeterogeneityPrior) -> Vec<Term> {
        let subgroups = self.theta.len() as f64;
        let least = self.square.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self.square.iter().copied().fold(0.0, f64::max);
        let step = STEP.min(0.5 / subgroups.sqrt());
        let nodes = nodes(tau, ((least / (2.0 * NOTHING)).sqrt(), most.sqrt()), step);
        let term = |&(tau, log_weight): &(f64, f64), n: &NormalComponent| {
            let variance = tau * tau / subgroups;
            // Of no width where the prior is flat.
            let by_mean = if n.sd.is_finite() { 1.0 / (n.sd * n.sd + variance) } else { 0.0 };
            let width = if by_mean > 0.0 { 0.5 * libm::log(by_mean) } else { 0.0 };
            let own = if n.sd.is_finite() { 1.0 / (n.sd * n.sd) } else { 0.0 };
            Term {
                log_weight: log_weight + libm::log(n.weight) + width - (subgroups - 1.0) * libm::log(tau),
                mean: n.mean,
                by_mean,
                by_square: 1.0 / (tau * tau),
                tau,
                precision: own + 1.0 / variance,
            }
        };
        nodes.iter().flat_map(|node| components.iter().map(move |n| term(node, n))).collect()
    }

    /// μ, τ and a further effect given the effects, under partial or complete pooling; none under others.
    pub fn hyper(&self, target: &Target, seed: u64) -> Option<Hyper> {
        /// Not a chain's.
        const STREAM: usize = (1 << 30) + 1;
        let components = components(&target.effect)?;
        if target.pooling == Pooling::Complete {
            let mu = self.mean.clone();
            return Some(Hyper { theta_new: mu.clone(), mu, tau: Vec::new() });
        }
        let tau = target.heterogeneity.filter(|tau| target.pooling == Pooling::Partial && is_spread(tau))?;
        let terms = self.terms(&components, &tau);
        let is_known = matches!(tau, HeterogeneityPrior::Fixed { .. });
        let step =
            libm::log(terms.last()?.tau / terms[0].tau) / (terms.len() / components.len()).max(2) as f64;
        let n = self.draws();
        let pieces = parallel::range(0..n.div_ceil(PIECE), |piece| {
            let mut rng = stream(seed, STREAM + piece, Purpose::Prediction);
            let mut out = Hyper::default();
            let mut shares = vec![0.0; terms.len()];
            for i in piece * PIECE..((piece + 1) * PIECE).min(n) {
                let logs = terms.iter().map(|t| t.at(self.mean[i], self.square[i]));
                shares.iter_mut().zip(logs).for_each(|(share, log)| *share = log);
                let high = shares.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let mut left = 0.0;
                for share in &mut shares {
                    *share = exp_of_nonpositive(*share - high);
                    left += *share;
                }
                let mut uniform = || -> f64 { StandardUniform.sample(&mut rng) };
                left *= uniform();
                let place = shares.iter().position(|share| {
                    left -= share;
                    left < 0.0
                });
                let term = terms[place.unwrap_or(terms.len() - 1)];
                // Between the nodes the density is taken as straight.
                let between = if is_known { 0.0 } else { step * (uniform() + uniform() - 1.0) };
                let tau = term.tau * libm::exp(between);
                let own = term.precision - self.theta.len() as f64 / (term.tau * term.tau);
                let of_data = self.theta.len() as f64 / (tau * tau);
                let own = own.max(0.0);
                let centre = (own * term.mean + of_data * self.mean[i]) / (own + of_data);
                let mu = centre + normal(&mut rng) / (own + of_data).sqrt();
                out.mu.push(mu);
                if !is_known {
                    out.tau.push(tau);
                }
                out.theta_new.push(mu + tau * normal(&mut rng));
            }
            out
        });
        let all = |f: fn(&Hyper) -> &Vec<f64>| pieces.iter().flat_map(|p| f(p).iter().copied()).collect();
        Some(Hyper { mu: all(|p| &p.mu), tau: all(|p| &p.tau), theta_new: all(|p| &p.theta_new) })
    }
}

fn normal(rng: &mut rand_chacha::ChaCha8Rng) -> f64 {
    rand_distr::StandardNormal.sample(rng)
}

/// Whether τ is ever above 0.
fn is_spread(tau: &HeterogeneityPrior) -> bool {
    !matches!(tau, HeterogeneityPrior::Fixed { value } if *value <= 0.0)
}

/// Of a flat prior one normal of no end.
fn components(effect: &LocationPrior) -> Option<Vec<NormalComponent>> {
    match effect {
        LocationPrior::Normals(normals) => Some(normals.clone()),
        LocationPrior::Flat => Some(vec![NormalComponent { weight: 1.0, mean: 0.0, sd: f64::INFINITY }]),
        LocationPrior::StudentT { .. } | LocationPrior::LogitBeta { .. } => None,
    }
}

/// Values of τ with the logarithms of their weights: even steps of ln τ from where e^(−S/2τ²) is nothing for the least S, to where
/// the prior, or the density of the greatest S, is nothing.
fn nodes(tau: &HeterogeneityPrior, (low, high): (f64, f64), step: f64) -> Vec<(f64, f64)> {
    let (end, step) = match *tau {
        HeterogeneityPrior::Fixed { value } => return vec![(value, 0.0)],
        HeterogeneityPrior::HalfNormal { scale } => (9.0 * scale, step),
        HeterogeneityPrior::Uniform { upper } => (upper, step),
        HeterogeneityPrior::Exponential { mean } => (NOTHING * mean, step),
        HeterogeneityPrior::LogNormal { mean, sd } => (libm::exp(mean + 9.0 * sd), step.min(0.5 * sd)),
        HeterogeneityPrior::HalfStudentT { scale, .. } => (1e6 * scale.max(high), step),
    };
    let start = low.clamp(1e-9 * end, 0.1 * end);
    let steps = libm::ceil(libm::log(end / start) / step) as usize;
    (0..=steps)
        .rev()
        .map(|k| {
            let value = end * libm::exp(-step * k as f64);
            let half = if k == 0 { -std::f64::consts::LN_2 } else { 0.0 };
            (value, tau.log_density(value) + libm::log(value * step) + half)
        })
        .collect()
}

/// One effect below its own μ and τ.
fn alone(components: &[NormalComponent], tau: &HeterogeneityPrior) -> Vec<Term> {
    let narrowest = components.iter().map(|n| n.sd).fold(f64::INFINITY, f64::min);
    let low = 1e-4 * narrowest.min(tau.scale());
    let term = |&(tau, log_weight): &(f64, f64), n: &NormalComponent| {
        let by_mean = 1.0 / (n.sd * n.sd + tau * tau);
        let log_weight = log_weight + libm::log(n.weight) + 0.5 * libm::log(by_mean);
        Term { log_weight, mean: n.mean, by_mean, by_square: 0.0, tau, precision: 0.0 }
    };
    let nodes = nodes(tau, (low, 1.0), STEP);
    nodes.iter().flat_map(|node| components.iter().map(move |n| term(node, n))).collect()
}

/// One effect for all subgroups.
fn one(components: &[NormalComponent]) -> Vec<Term> {
    let term = |n: &NormalComponent| {
        let by_mean = if n.sd.is_finite() { 1.0 / (n.sd * n.sd) } else { 0.0 };
        let width = if by_mean > 0.0 { 0.5 * libm::log(by_mean) } else { 0.0 };
        let log_weight = libm::log(n.weight) + width;
        Term { log_weight, mean: n.mean, by_mean, by_square: 0.0, tau: 0.0, precision: 0.0 }
    };
    components.iter().map(term).collect()
}

impl Term {
    #[inline]
    fn at(&self, mean: f64, square: f64) -> f64 {
        let apart = mean - self.mean;
        self.log_weight - 0.5 * (apart * apart * self.by_mean + square * self.by_square)
    }
}

fn log_sum(terms: &[Term], mean: f64, square: f64) -> f64 {
    let high = terms.iter().map(|t| t.at(mean, square)).fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = terms.iter().map(|t| exp_of_nonpositive(t.at(mean, square) - high)).sum();
    high + libm::log(sum)
}

/// The sum over terms between the nodes of a table, by cubics: over the effects' mean, stretched away from the prior's, and over
/// the logarithm of S.
struct Table {
    values: Vec<f64>,
    mean: f64,
    width: f64,
    across: Axis,
    along: Option<Axis>,
}

/// Even nodes, with one to spare on either side.
#[derive(Debug, Clone, Copy)]
struct Axis {
    start: f64,
    step: f64,
    nodes: usize,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64>, (step, most): (f64, usize)) -> Axis {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for x in values {
            low = low.min(x);
            high = high.max(x);
        }
        let wide = (high - low).max(step);
        let inner = (libm::ceil(wide / step) as usize).clamp(4, most);
        let step = wide / inner as f64;
        Axis { start: low - step, step, nodes: inner + 4 }
    }

    fn node(&self, k: usize) -> f64 {
        self.start + self.step * k as f64
    }

    /// The first of four nodes around `x`, and their weights.
    #[inline]
    fn weights(&self, x: f64) -> (usize, [f64; 4]) {
        let at = (x - self.start) / self.step;
        let first = (at as usize).clamp(1, self.nodes - 3) - 1;
        let t = at - (first + 1) as f64;
        let (a, b, c) = (t + 1.0, t - 1.0, t - 2.0);
        (first, [-t * b * c / 6.0, a * b * c / 2.0, -a * t * c / 2.0, a * t * b / 6.0])
    }
}

impl Table {
    /// Nodes at most, and how far apart they are unless there would be more.
    const ACROSS: (f64, usize) = (0.06, 180);
    const ALONG: (f64, usize) = (0.15, 150);
    const MOST: usize = 184;

    fn new(terms: &[Term], (prior, means): (&NormalComponent, &[f64]), log_squares: Option<&[f64]>) -> Table {
        let (mean, width) = if prior.sd.is_finite() { (prior.mean, prior.sd) } else { (0.0, 1.0) };
        let across = Axis::over(means.iter().map(|x| libm::asinh((x - mean) / width)), Table::ACROSS);
        let along = log_squares.map(|of| Axis::over(of.iter().copied(), Table::ALONG));
        let rows = along.map_or(1, |axis| axis.nodes);
        let row = |j: usize| -> Vec<f64> {
            let square = along.map_or(0.0, |axis| libm::exp(axis.node(j)));
            (0..across.nodes)
                .map(|k| log_sum(terms, mean + width * libm::sinh(across.node(k)), square))
                .collect()
        };
        Table { values: parallel::range(0..rows, row).concat(), mean, width, across, along }
    }

    #[inline]
    fn at(&self, mean: f64, log_square: f64) -> f64 {
        let (first, by) = self.across.weights(libm::asinh((mean - self.mean) / self.width));
        let row = |j: usize| {
            let from = j * self.across.nodes + first;
            self.values[from..from + 4].iter().zip(by).map(|(v, w)| v * w).sum::<f64>()
        };
        match &self.along {
            None => row(0),
            Some(axis) => {
                let (top, by) = axis.weights(log_square);
                (0..4).map(|j| by[j] * row(top + j)).sum()
            }
        }
    }
}

/// ln S, of which nothing is left where the effects are as good as one.
fn log_square(square: f64) -> f64 {
    libm::log(square.max(1e-24))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::log_sum_exp;

    /// Weights that are wrong by this part move a probability by less than a third of the Monte Carlo error that is asked for.
    const RIGHT_TO: f64 = 3e-3;

    fn draws(theta: [f64; 3]) -> Effects {
        Effects::of_columns(theta.map(|x| vec![x]).to_vec())
    }

    #[test]
    fn a_table_has_the_densities_that_sums_have() {
        use rand_distr::{Distribution, StandardNormal};
        let mut rng = stream(3, 0, Purpose::Simulation);
        let n = 5000;
        let mut theta = vec![Vec::new(); 3];
        for _ in 0..n {
            let mut z = || -> f64 { StandardNormal.sample(&mut rng) };
            let (mu, tau) = (z(), 0.5 * z());
            theta.iter_mut().for_each(|t| t.push(mu + tau * z()));
        }
        let many = Effects::of_columns(theta);
        for (effect, tau) in [
            (LocationPrior::normal(0.2, 0.355), HeterogeneityPrior::HalfNormal { scale: 0.25 }),
            (LocationPrior::normal(0.0, 0.05), HeterogeneityPrior::HalfNormal { scale: 0.01 }),
            (LocationPrior::normal(-1.0, 5.0), HeterogeneityPrior::HalfStudentT { df: 1.0, scale: 0.5 }),
            (LocationPrior::Flat, HeterogeneityPrior::Exponential { mean: 0.3 }),
            (LocationPrior::normal(0.0, 1.0), HeterogeneityPrior::Uniform { upper: 1.0 }),
        ] {
            let components = components(&effect).unwrap();
            for pooling in [Pooling::Partial, Pooling::None] {
                let target = Target { pooling, effect: effect.clone(), heterogeneity: Some(tau) };
                let Some(found) = many.log_densities(&target) else { continue };
                let terms = match pooling {
                    Pooling::Partial => many.terms(&components, &tau),
                    _ => alone(&components, &tau),
                };
                let direct = |i: usize| match pooling {
                    Pooling::Partial => log_sum(&terms, many.mean[i], many.square[i]),
                    _ => many.theta.iter().map(|t| log_sum(&terms, t[i], 0.0)).sum(),
                };
                let high = (0..n).map(direct).fold(f64::NEG_INFINITY, f64::max);
                let near = found.iter().enumerate().filter(|(i, _)| direct(*i) > high - 25.0);
                let apart = near.map(|(i, found)| (found - direct(i)).abs()).fold(0.0, f64::max);
                assert!(apart < RIGHT_TO, "{effect:?} {tau:?} {pooling:?}: {apart}");
            }
        }
    }

    /// Ratios of densities at two places against sums over a plain grid of μ and τ.
    #[test]
    fn the_density_of_effects_is_the_integral_over_mean_and_heterogeneity() {
        let mixture = LocationPrior::Normals(vec![
            NormalComponent { weight: 0.3, mean: -0.4, sd: 0.1 },
            NormalComponent { weight: 0.7, mean: 0.2, sd: 0.5 },
        ]);
        let places = [[0.1, -0.2, 0.4], [0.3, 0.4, 0.2], [-1.0, 0.5, 1.2]];
        let means: Vec<f64> = (-300..=300).map(|j| 0.01 * f64::from(j)).collect();
        let widths: Vec<f64> = (0..4000).map(|i| 0.001 * (f64::from(i) + 0.5)).collect();
        let log_density_of_mean = |mu: f64| {
            let parts: Vec<f64> = mixture.components().iter().map(|c| c.log_density(mu)).collect();
            log_sum_exp(&parts)
        };
        let priors: Vec<f64> = means.iter().map(|&mu| log_density_of_mean(mu)).collect();
        // What no prior of the heterogeneity changes: the sums over the mean.
        let over_the_mean = places.map(|theta| {
            let squares: Vec<f64> =
                means.iter().map(|&mu| theta.map(|x| (x - mu) * (x - mu)).iter().sum()).collect();
            let of_width = |t: f64| {
                let precision = 1.0 / (t * t);
                let logs: Vec<f64> =
                    squares.iter().zip(&priors).map(|(d, prior)| prior - 0.5 * d * precision).collect();
                log_sum_exp(&logs) - 3.0 * t.ln()
            };
            widths.iter().map(|&t| of_width(t)).collect::<Vec<f64>>()
        });
        for tau in [
            HeterogeneityPrior::HalfNormal { scale: 0.25 },
            HeterogeneityPrior::HalfStudentT { df: 1.0, scale: 0.3 },
            HeterogeneityPrior::Exponential { mean: 0.2 },
            HeterogeneityPrior::Uniform { upper: 1.5 },
            HeterogeneityPrior::LogNormal { mean: -1.0, sd: 0.3 },
        ] {
            let expected = over_the_mean.each_ref().map(|sums| {
                let logs: Vec<f64> =
                    widths.iter().zip(sums).map(|(&t, sum)| sum + tau.log_density(t)).collect();
                log_sum_exp(&logs)
            });
            let target =
                Target { pooling: Pooling::Partial, effect: mixture.clone(), heterogeneity: Some(tau) };
            let own = places.map(|p| draws(p).log_densities(&target).unwrap()[0]);
            // The grid ends at τ = 4, beyond which a half-Cauchy has a little.
            let near = if matches!(tau, HeterogeneityPrior::HalfStudentT { .. }) { 5e-3 } else { RIGHT_TO };
            for k in 1..3 {
                let apart = (own[k] - own[0]) - (expected[k] - expected[0]);
                assert!(apart.abs() < near, "{tau:?} {k}: {apart}");
            }
        }
    }
}
