//! Published estimates: with normal likelihoods everything given τ is normal, so the posterior is a mixture of normals
//! over the nodes of τ (and the components of the effect prior).

use super::Resolution;
use super::mixture::NormalMixture;
use super::rotated::Rotated;
use super::scale::{NotConverged, ScaleMap, ScaleNode, Tail, TauPosterior, settle};
use super::smooth::log_sum;
use crate::model::{CorrelatedEstimates, HeterogeneityPrior, LocationPrior, NormalEstimate};
use crate::numeric::opposite_signs;

const LOG_2_PI: f64 = 1.837_877_066_409_345_3;

/// The posterior of (μ, τ) and of every subgroup's θ.
#[derive(Debug, Clone)]
pub struct EstimatesPosterior {
    errors: Errors,
    conditionals: Vec<Conditional>,
    pub tau: Option<TauPosterior>,
    pub log_marginal_likelihood: f64,
    moments: MomentLimits,
}

/// What the estimates say, by how their errors belong together.
#[derive(Debug, Clone)]
enum Errors {
    Independent(Vec<NormalEstimate>),
    Correlated(Rotated),
}

/// An effect, or a sum of effects, given μ and τ: N(keep·μ + own, variance).
#[derive(Debug, Clone, Copy)]
pub struct GivenMu {
    pub keep: f64,
    pub own: f64,
    pub variance: f64,
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
            // The precision's logarithm is spread by about 1/√(ν/2), and is skewed where ν is small: with 0.6 of that to a step
            // the sum is right to 1e-8 or better (|Γ(ν/2 + 2πi/step)|, relative to Γ(ν/2)).
            let half = 0.5 * df;
            let step = f64::min(0.4, 0.6 / half.sqrt()) / resolution.refinement;
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

impl Errors {
    /// How many estimates say anything.
    fn informative(&self) -> usize {
        match self {
            Errors::Independent(estimates) => estimates.iter().filter(|e| e.se.is_finite()).count(),
            Errors::Correlated(rotated) => rotated.axes.len(),
        }
    }

    fn is_informed(&self, g: usize) -> bool {
        match self {
            Errors::Independent(estimates) => estimates[g].se.is_finite(),
            Errors::Correlated(_) => true,
        }
    }

    /// μ given τ, and the mass of this τ: Σ log N(y_g; M, se_g² + τ²) + log N(M; m, s²) + ½ log(2πV), M and V the posterior
    /// mean and variance.
    fn conditional(&self, prior: &PriorPart, tau: f64, log_weight: f64) -> Conditional {
        let prior_precision = 1.0 / prior.variance;
        let (mut precision, mut pull) = (prior_precision, prior_precision * prior.mean);
        match self {
            Errors::Independent(estimates) => {
                for e in estimates {
                    let w = 1.0 / (e.se * e.se + tau * tau);
                    precision += w;
                    pull += w * e.estimate;
                }
            }
            Errors::Correlated(rotated) => {
                for axis in &rotated.axes {
                    let w = axis.loading / (axis.variance + tau * tau);
                    precision += w * axis.loading;
                    pull += w * axis.estimate;
                }
            }
        }
        let (mean, variance) = (pull / precision, 1.0 / precision);
        let mut log_mass = log_weight + prior.log_weight + 0.5 * (LOG_2_PI + libm::log(variance));
        if prior.variance.is_finite() {
            let d = mean - prior.mean;
            log_mass -= 0.5 * (LOG_2_PI + libm::log(prior.variance) + d * d * prior_precision);
        }
        match self {
            Errors::Independent(estimates) => {
                for e in estimates.iter().filter(|e| e.se.is_finite()) {
                    let v = e.se * e.se + tau * tau;
                    let d = e.estimate - mean;
                    log_mass -= 0.5 * (LOG_2_PI + libm::log(v) + d * d / v);
                }
            }
            Errors::Correlated(rotated) => {
                for axis in &rotated.axes {
                    let v = axis.variance + tau * tau;
                    let d = axis.estimate - axis.loading * mean;
                    log_mass -= 0.5 * (LOG_2_PI + libm::log(v) + d * d / v);
                }
            }
        }
        Conditional { tau, log_mass, share: 0.0, mean, variance }
    }

    /// θ_g given μ and τ.
    fn given_mu(&self, g: usize, tau: f64) -> GivenMu {
        let estimates = match self {
            Errors::Independent(estimates) => estimates,
            Errors::Correlated(rotated) => return rotated.given_mu(g, tau),
        };
        let NormalEstimate { estimate, se, .. } = estimates[g];
        if se.is_infinite() {
            return GivenMu { keep: 1.0, own: 0.0, variance: tau * tau };
        }
        let keep = se * se / (se * se + tau * tau);
        GivenMu { keep, own: (1.0 - keep) * estimate, variance: keep * tau * tau }
    }

    /// Mean and variance of θ_a − θ_b.
    fn difference(&self, a: usize, b: usize, c: &Conditional) -> (f64, f64) {
        if let Errors::Correlated(rotated) = self {
            let GivenMu { keep, own, variance } = rotated.difference_given_mu(a, b, c.tau);
            return (keep * c.mean + own, variance + keep * keep * c.variance);
        }
        let (a, b) = (self.given_mu(a, c.tau), self.given_mu(b, c.tau));
        let keep = a.keep - b.keep;
        (keep * c.mean + a.own - b.own, a.variance + b.variance + keep * keep * c.variance)
    }
}

impl EstimatesPosterior {
    /// Of independent estimates.
    pub fn new(
        estimates: &[NormalEstimate],
        effect: &LocationPrior,
        heterogeneity: &HeterogeneityPrior,
        resolution: Resolution,
    ) -> Result<EstimatesPosterior, NotConverged> {
        EstimatesPosterior::of(Errors::Independent(estimates.to_vec()), effect, heterogeneity, resolution)
    }

    /// Of correlated estimates without a bias.
    pub fn correlated(
        estimates: &CorrelatedEstimates,
        effect: &LocationPrior,
        heterogeneity: &HeterogeneityPrior,
        resolution: Resolution,
    ) -> Result<EstimatesPosterior, NotConverged> {
        let errors = Errors::Correlated(Rotated::new(estimates));
        EstimatesPosterior::of(errors, effect, heterogeneity, resolution)
    }

    /// Integrates τ (complete pooling is a τ fixed at 0).
    fn of(
        errors: Errors,
        effect: &LocationPrior,
        heterogeneity: &HeterogeneityPrior,
        resolution: Resolution,
    ) -> Result<EstimatesPosterior, NotConverged> {
        let parts = prior_parts(effect, resolution);
        let node = |tau: f64, log_weight: f64| {
            let conditionals: Vec<Conditional> =
                parts.iter().map(|p| errors.conditional(p, tau, log_weight)).collect();
            let masses: Vec<f64> = conditionals.iter().map(|c| c.log_mass).collect();
            TauNode { tau, log_mass: log_sum(&masses), conditionals }
        };
        let informative = errors.informative() as f64;
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
            errors,
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
        let limit =
            if self.errors.is_informed(g) { f64::INFINITY } else { self.moments.mean.min(self.moments.tau) };
        self.mixture(limit, |c| {
            let GivenMu { keep, own, variance } = self.errors.given_mu(g, c.tau);
            (keep * c.mean + own, variance + keep * keep * c.variance)
        })
    }

    /// θ_a − θ_b.
    pub fn difference(&self, a: usize, b: usize) -> NormalMixture {
        let informed = self.errors.is_informed(a) && self.errors.is_informed(b);
        let limit = if informed { f64::INFINITY } else { self.moments.tau };
        self.mixture(limit, |c| self.errors.difference(a, b, c))
    }

    /// P(θ_a > 0 and θ_b < 0).
    pub fn opposite_signs(&self, a: usize, b: usize) -> f64 {
        self.conditionals
            .iter()
            .map(|c| {
                let of_a = self.errors.given_mu(a, c.tau);
                let of_b = self.errors.given_mu(b, c.tau);
                let (keep_a, keep_b) = (of_a.keep, of_b.keep);
                let total_a = of_a.variance + keep_a * keep_a * c.variance;
                let total_b = of_b.variance + keep_b * keep_b * c.variance;
                let mut covariance = keep_a * keep_b * c.variance;
                let mut determinant = of_a.variance * of_b.variance
                    + c.variance * (of_a.variance * keep_b * keep_b + of_b.variance * keep_a * keep_a);
                if let Errors::Correlated(rotated) = &self.errors {
                    let shared = rotated.covariance_given_mu(a, b, c.tau);
                    covariance += shared;
                    determinant -= shared * (shared + 2.0 * keep_a * keep_b * c.variance);
                }
                let (sd_a, sd_b) = (libm::sqrt(total_a), libm::sqrt(total_b));
                c.share
                    * opposite_signs(
                        (keep_a * c.mean + of_a.own) / sd_a,
                        (keep_b * c.mean + of_b.own) / sd_b,
                        covariance / (sd_a * sd_b),
                        libm::sqrt(determinant.max(0.0)) / (sd_a * sd_b),
                    )
            })
            .sum()
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

/// The log density of effects under their common prior, μ and τ integrated out; none where τ is 0, so that they don't differ.
pub fn log_prior_of_effects(
    theta: &[f64],
    effect: &LocationPrior,
    heterogeneity: &HeterogeneityPrior,
) -> Option<f64> {
    /// Nodes of the stretched coordinate of τ: from next to nothing to far beyond its prior.
    const NODES: std::ops::RangeInclusive<i32> = -18..=24;
    const STEP: f64 = 0.2;
    let known = Errors::Independent(theta.iter().map(|&x| NormalEstimate::new(x, 0.0)).collect());
    let parts = prior_parts(effect, Resolution::default());
    let at = |tau: f64, log_weight: f64| {
        log_sum(&parts.iter().map(|p| known.conditional(p, tau, log_weight).log_mass).collect::<Vec<_>>())
    };
    if let HeterogeneityPrior::Fixed { value } = heterogeneity {
        return (*value > 0.0).then(|| at(*value, 0.0));
    }
    let map = ScaleMap::of(heterogeneity);
    let logs: Vec<f64> = NODES
        .map(|j| map.at(STEP * f64::from(j)))
        .filter(|(tau, _)| *tau > 0.0)
        .map(|(tau, log_slope)| at(tau, heterogeneity.log_density(tau) + log_slope))
        .filter(|log| !log.is_nan())
        .collect();
    Some(log_sum(&logs) + libm::log(STEP))
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
