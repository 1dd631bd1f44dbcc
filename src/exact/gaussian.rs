//! Published estimates: with normal likelihoods everything given τ is normal, so the posterior is a mixture of normals
//! over the nodes of τ (and the components of the effect prior).

use super::Distribution;
use super::Resolution;
use super::distribution::Tabulated;
use super::pair::IndependentPair;
use super::scale::{NotConverged, ScaleMap, ScaleNode, Tail, TauPosterior, settle};
use super::smooth::log_sum;
use crate::model::{HeterogeneityPrior, LocationPrior, NormalEstimate};
use crate::numeric::{Peak, invert_distribution, normal_cdf, opposite_signs, tabulate};

const LOG_2_PI: f64 = 1.837_877_066_409_345_3;

/// The posterior of (μ, τ) and of every subgroup's θ.
#[derive(Debug, Clone)]
pub struct EstimatesPosterior {
    estimates: Vec<NormalEstimate>,
    conditionals: Vec<Conditional>,
    pub tau: Option<TauPosterior>,
    pub log_marginal_likelihood: f64,
    moments: MomentLimits,
}

/// Moments of order below these exist.
#[derive(Debug, Clone, Copy)]
pub struct MomentLimits {
    pub tau: f64,
    pub mean: f64,
}

/// μ given one τ and one component of its prior: normal.
#[derive(Debug, Clone, Copy)]
struct Conditional {
    tau: f64,
    log_mass: f64,
    share: f64,
    mean: f64,
    variance: f64,
}

struct TauNode {
    tau: f64,
    log_mass: f64,
    conditionals: Vec<Conditional>,
}

impl ScaleNode for TauNode {
    fn log_mass(&self) -> f64 {
        self.log_mass
    }

    fn tau(&self) -> f64 {
        self.tau
    }

    fn moments(&self) -> [f64; 2] {
        let mut moments = [0.0; 2];
        for c in &self.conditionals {
            let weight = libm::exp(c.log_mass - self.log_mass);
            moments[0] += weight * c.mean;
            moments[1] += weight * (c.mean * c.mean + c.variance);
        }
        moments
    }
}

/// A normal part of the effect prior; variance infinite for a flat one.
#[derive(Debug, Clone, Copy)]
struct PriorPart {
    log_weight: f64,
    mean: f64,
    variance: f64,
}

/// The effect prior as normals: a Student t is a mixture of normals whose precision is gamma-distributed, integrated by
/// the trapezoid rule in the logarithm of the precision.
fn prior_parts(effect: &LocationPrior, resolution: Resolution) -> Vec<PriorPart> {
    match effect {
        LocationPrior::Normals(normals) => normals
            .iter()
            .map(|n| PriorPart { log_weight: libm::log(n.weight), mean: n.mean, variance: n.sd * n.sd })
            .collect(),
        // A baseline prior: estimates have no baseline, and no effect has such a prior.
        LocationPrior::LogitBeta { .. } | LocationPrior::Flat => {
            vec![PriorPart { log_weight: 0.0, mean: 0.0, variance: f64::INFINITY }]
        }
        LocationPrior::StudentT { df, location, scale } => {
            let half = 0.5 * df;
            let step = 0.4 / resolution.refinement;
            let log_constant = half * libm::log(half) - libm::lgamma(half) + libm::log(step);
            let mut parts = Vec::new();
            let part = |x: f64| PriorPart {
                log_weight: half * (x - libm::exp(x)) + log_constant,
                mean: *location,
                variance: scale * scale * libm::exp(-x),
            };
            let counts = |p: &PriorPart| p.log_weight > log_constant - half - 36.0;
            let up = (0..).map(|j| part(step * f64::from(j))).take_while(counts);
            let down = (1..).map(|j| part(-step * f64::from(j))).take_while(counts);
            parts.extend(down);
            parts.reverse();
            parts.extend(up);
            parts
        }
    }
}

/// μ given τ, and the mass of this τ: Σ log N(y_g; M, se_g² + τ²) + log N(M; m, s²) + ½ log(2πV), M and V the posterior
/// mean and variance.
fn conditional(estimates: &[NormalEstimate], prior: &PriorPart, tau: f64, log_weight: f64) -> Conditional {
    let prior_precision = 1.0 / prior.variance;
    let (mut precision, mut pull) = (prior_precision, prior_precision * prior.mean);
    for e in estimates {
        let w = 1.0 / (e.se * e.se + tau * tau);
        precision += w;
        pull += w * e.estimate;
    }
    let (mean, variance) = (pull / precision, 1.0 / precision);
    let mut log_mass = log_weight + prior.log_weight + 0.5 * (LOG_2_PI + libm::log(variance));
    if prior.variance.is_finite() {
        let d = mean - prior.mean;
        log_mass -= 0.5 * (LOG_2_PI + libm::log(prior.variance) + d * d * prior_precision);
    }
    for e in estimates.iter().filter(|e| e.se.is_finite()) {
        let v = e.se * e.se + tau * tau;
        let d = e.estimate - mean;
        log_mass -= 0.5 * (LOG_2_PI + libm::log(v) + d * d / v);
    }
    Conditional { tau, log_mass, share: 0.0, mean, variance }
}

impl EstimatesPosterior {
    /// Integrates τ (complete pooling is a τ fixed at 0).
    pub fn new(
        estimates: &[NormalEstimate],
        effect: &LocationPrior,
        heterogeneity: &HeterogeneityPrior,
        resolution: Resolution,
    ) -> Result<EstimatesPosterior, NotConverged> {
        let parts = prior_parts(effect, resolution);
        let node = |tau: f64, log_weight: f64| {
            let conditionals: Vec<Conditional> =
                parts.iter().map(|p| conditional(estimates, p, tau, log_weight)).collect();
            let masses: Vec<f64> = conditionals.iter().map(|c| c.log_mass).collect();
            TauNode { tau, log_mass: log_sum(&masses), conditionals }
        };
        let informative = estimates.iter().filter(|e| e.se.is_finite()).count() as f64;
        let moments = moment_limits(heterogeneity, effect, informative);
        let (nodes, log_step, tau) = if let HeterogeneityPrior::Fixed { value } = heterogeneity {
            (vec![node(*value, 0.0)], 0.0, None)
        } else {
            let map = ScaleMap::of(heterogeneity);
            let tail = Tail { typical: heterogeneity.typical(), moment_limit: moments.tau };
            let settled = settle(resolution.heterogeneity(), tail, |t| {
                let (tau, log_slope) = map.at(t);
                node(tau, heterogeneity.log_density(tau) + log_slope)
            })?;
            let tau = TauPosterior::new(map, &settled, moments.tau);
            (settled.nodes, libm::log(settled.step), Some(tau))
        };
        let masses: Vec<f64> = nodes.iter().map(|n| n.log_mass).collect();
        let log_total = log_sum(&masses);
        let mut conditionals: Vec<Conditional> = nodes.into_iter().flat_map(|n| n.conditionals).collect();
        for c in &mut conditionals {
            c.share = libm::exp(c.log_mass - log_total);
        }
        let typical = heterogeneity.typical().max(f64::MIN_POSITIVE);
        conditionals.retain(|c| c.share * (1.0 + (c.tau / typical) * (c.tau / typical)) > 1e-15);
        Ok(EstimatesPosterior {
            estimates: estimates.to_vec(),
            conditionals,
            tau,
            log_marginal_likelihood: log_total + log_step,
            moments,
        })
    }

    /// Complete pooling: every subgroup's effect is μ.
    pub fn is_one_effect(&self) -> bool {
        self.tau.is_none() && self.conditionals.iter().all(|c| c.tau == 0.0)
    }

    pub fn mu(&self) -> NormalMixture {
        self.mixture(self.moments.mean, |c| (c.mean, c.variance))
    }

    /// θ of a further similar subgroup.
    pub fn theta_new(&self) -> NormalMixture {
        self.mixture(self.moments.mean.min(self.moments.tau), |c| (c.mean, c.variance + c.tau * c.tau))
    }

    pub fn theta(&self, g: usize) -> NormalMixture {
        let informed = self.estimates[g].se.is_finite();
        let limit = if informed { f64::INFINITY } else { self.moments.mean.min(self.moments.tau) };
        self.mixture(limit, |c| {
            let (keep, own, variance) = self.given_mu(g, c.tau);
            (keep * c.mean + own, variance + keep * keep * c.variance)
        })
    }

    /// θ_a − θ_b.
    pub fn difference(&self, a: usize, b: usize) -> NormalMixture {
        let informed = self.estimates[a].se.is_finite() && self.estimates[b].se.is_finite();
        let limit = if informed { f64::INFINITY } else { self.moments.tau };
        self.mixture(limit, |c| {
            let (keep_a, own_a, var_a) = self.given_mu(a, c.tau);
            let (keep_b, own_b, var_b) = self.given_mu(b, c.tau);
            let keep = keep_a - keep_b;
            (keep * c.mean + own_a - own_b, var_a + var_b + keep * keep * c.variance)
        })
    }

    /// P(θ_a > 0 and θ_b < 0).
    pub fn opposite_signs(&self, a: usize, b: usize) -> f64 {
        self.conditionals
            .iter()
            .map(|c| {
                let (keep_a, own_a, var_a) = self.given_mu(a, c.tau);
                let (keep_b, own_b, var_b) = self.given_mu(b, c.tau);
                let total_a = var_a + keep_a * keep_a * c.variance;
                let total_b = var_b + keep_b * keep_b * c.variance;
                let determinant =
                    var_a * var_b + c.variance * (var_a * keep_b * keep_b + var_b * keep_a * keep_a);
                let (sd_a, sd_b) = (libm::sqrt(total_a), libm::sqrt(total_b));
                c.share
                    * opposite_signs(
                        (keep_a * c.mean + own_a) / sd_a,
                        (keep_b * c.mean + own_b) / sd_b,
                        keep_a * keep_b * c.variance / (sd_a * sd_b),
                        libm::sqrt(determinant) / (sd_a * sd_b),
                    )
            })
            .sum()
    }

    /// θ_g given μ and τ is N(keep·μ + own, variance).
    fn given_mu(&self, g: usize, tau: f64) -> (f64, f64, f64) {
        let NormalEstimate { estimate, se, .. } = self.estimates[g];
        if se.is_infinite() {
            return (1.0, 0.0, tau * tau);
        }
        let keep = se * se / (se * se + tau * tau);
        (keep, (1.0 - keep) * estimate, keep * tau * tau)
    }

    fn mixture(&self, moment_limit: f64, part: impl Fn(&Conditional) -> (f64, f64)) -> NormalMixture {
        let parts = self
            .conditionals
            .iter()
            .map(|c| {
                let (mean, variance) = part(c);
                (c.share, mean, libm::sqrt(variance))
            })
            .collect();
        NormalMixture { parts, moment_limit }
    }
}

/// Which moments of τ and μ exist, given how many subgroups' likelihoods bound the effect on both sides: each makes the
/// posterior of τ fall one power faster.
pub fn moment_limits(
    heterogeneity: &HeterogeneityPrior,
    effect: &LocationPrior,
    informative: f64,
) -> MomentLimits {
    let lost = if effect.is_proper() { 0.0 } else { 1.0 };
    let tau = heterogeneity.moment_limit() + informative - lost;
    let mean = if effect.moment_limit() == f64::INFINITY {
        f64::INFINITY
    } else if informative > 0.0 {
        effect.moment_limit() + tau
    } else {
        effect.moment_limit()
    };
    MomentLimits { tau, mean }
}

/// A mixture of more parts is summed from a table of its density.
const MOST_PARTS: usize = 4096;

/// A finite mixture of normals.
#[derive(Debug, Clone)]
pub struct NormalMixture {
    /// Weight, mean, sd.
    parts: Vec<(f64, f64, f64)>,
    moment_limit: f64,
}

impl NormalMixture {
    /// The difference of two independent mixtures: of few parts again a mixture, otherwise from tables of both, since its
    /// parts would be as many as both have together.
    pub fn minus(&self, other: &NormalMixture, resolution: Resolution) -> Box<dyn Distribution> {
        if self.parts.len() * other.parts.len() > MOST_PARTS {
            return Box::new(IndependentPair {
                first: self.tabulated(resolution),
                second: other.tabulated(resolution),
            });
        }
        let parts = self
            .parts
            .iter()
            .flat_map(|&(w, m, s)| {
                other.parts.iter().map(move |&(v, n, t)| (w * v, m - n, libm::hypot(s, t)))
            })
            .filter(|p| p.0 > 1e-15)
            .collect();
        Box::new(NormalMixture { parts, moment_limit: self.moment_limit.min(other.moment_limit) })
    }

    fn tabulated(&self, resolution: Resolution) -> Tabulated {
        let logs: Vec<f64> = self.parts.iter().map(|(w, _, s)| libm::log(*w) - libm::log(*s)).collect();
        let (_, centre, sd) =
            self.parts.iter().copied().max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((1.0, 0.0, 1.0));
        let mut terms = Vec::with_capacity(self.parts.len());
        let table = tabulate(Peak { centre, sd }, resolution.density(), |x| {
            terms.clear();
            terms.extend(logs.iter().zip(&self.parts).map(|(log, (_, m, s))| {
                let z = (x - m) / s;
                log - 0.5 * z * z
            }));
            log_sum(&terms) - 0.5 * LOG_2_PI
        });
        Tabulated::proven(table, self.moment_limit, Some(self.moments()), 0.0)
    }

    fn moments(&self) -> (f64, f64) {
        let mean: f64 = self.parts.iter().map(|(w, m, _)| w * m).sum();
        let variance: f64 = self.parts.iter().map(|(w, m, s)| w * (s * s + (m - mean) * (m - mean))).sum();
        (mean, libm::sqrt(variance))
    }
}

impl Distribution for NormalMixture {
    fn cdf(&self, x: f64) -> f64 {
        let total: f64 = self
            .parts
            .iter()
            .map(|&(w, m, s)| w * if s > 0.0 { normal_cdf((x - m) / s) } else { step(x, m) })
            .sum();
        total.clamp(0.0, 1.0)
    }

    fn quantile(&self, p: f64) -> f64 {
        let (mean, sd) = self.moments();
        let reach = self.parts.iter().map(|(_, m, s)| m.abs() + 40.0 * s).fold(0.0, f64::max);
        invert_distribution(p, (mean, sd.max(1e-300)), (-reach, reach), |x| self.cdf(x))
    }

    fn mean(&self) -> Option<f64> {
        (self.moment_limit > 1.0).then(|| self.moments().0)
    }

    fn sd(&self) -> Option<f64> {
        (self.moment_limit > 2.0).then(|| self.moments().1)
    }
}

/// The distribution function of a point mass.
fn step(x: f64, at: f64) -> f64 {
    if x >= at { 1.0 } else { 0.0 }
}
