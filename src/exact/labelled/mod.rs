//! Two subgroups whose labels may be wrong: their effects together, risks left out.
//!
//! The likelihood does not factor by subgroup; it is a surface over both effects (`surface`, from an `arm` each), on nodes that lie on lines of
//! constant difference d = θ_A − θ_B and constant middle s = (θ_A + θ_B)/2 too. Given τ these are independent a priori,
//! `s ~ N(m, σ² + τ²/2)` and `d ~ N(0, 2τ²)`, so that every sum over one of them stays on nodes; where τ is narrower than
//! their distance the surface is interpolated along the line (`slice`).

mod arm;
mod slice;
mod surface;

use std::sync::OnceLock;

use slice::{Lines, Slice, TauSlices};
use surface::Surface;

use super::Resolution;
use super::distribution::Distribution;
use super::effect_likelihood::Baseline;
use super::gaussian::moment_limits;
use super::pair::{FARTHEST, Marginal, PairPosterior, PairSlice};
use super::scale::{ScaleMap, Tail, TauPosterior, settle};
use super::smooth::log_sum;
use crate::model::{BinomialPair, HeterogeneityPrior, LocationPrior, Misclassification, Nuisance, cells_of};
use crate::numeric::{
    Peak, cumulative_sum, invert_distribution, log_binomial_coefficient, normal_cdf, normal_rule,
};

/// Why there is no posterior.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsettled {
    NotConverged,
    /// The surface would need too many nodes.
    TooLarge,
    /// The effect prior is not normal, nor a mixture of normals.
    NotNormal,
}

/// The posterior of both effects.
pub struct LabelledPosterior {
    /// The middle of the two effects on the first line, and the distance between lines.
    middle: (f64, f64),
    slices: Vec<Slice>,
    tau: Option<TauPosterior>,
    effects: [Even; 2],
    one_effect: bool,
    moment_limit: f64,
    pub log_marginal_likelihood: f64,
    resolution: Resolution,
    pair: OnceLock<PairPosterior>,
}

/// A distribution by its masses at even nodes.
#[derive(Debug, Clone)]
pub struct Even {
    start: f64,
    step: f64,
    mass: Vec<f64>,
    mean: f64,
    sd: f64,
    moment_limit: f64,
}

/// The surface is refined until its step is at most this part of the effect prior's sd, and no further than this.
const FINE: f64 = 0.45;
const MOST_NODES: usize = 1_000_000;

impl LabelledPosterior {
    pub fn new(
        counts: &[BinomialPair],
        m: &Misclassification,
        effect: &LocationPrior,
        heterogeneity: &HeterogeneityPrior,
        baseline: &Baseline,
        resolution: Resolution,
    ) -> Result<LabelledPosterior, Unsettled> {
        let LocationPrior::Normals(priors) = effect else { return Err(Unsettled::NotNormal) };
        let (centre, variance) = Nuisance::Location(effect.clone()).rough();
        let spread = libm::hypot(libm::sqrt(variance), 3.0 * heterogeneity.typical());
        let mut surface = Surface::new(counts, m, baseline, (centre, spread), resolution)?;
        let narrowest = priors.iter().map(|p| p.sd).fold(f64::INFINITY, f64::min);
        // The surface is smooth on the scale of its own nodes; sums along its lines want them closer.
        surface = surface.refined();
        while surface.step > FINE * narrowest {
            if 4 * surface.log.len() > MOST_NODES {
                return Err(Unsettled::TooLarge);
            }
            surface = surface.refined();
        }
        if surface.size.iter().any(|n| *n < 24) {
            return Err(Unsettled::NotConverged);
        }
        let lines = Lines::new(&surface);
        let bounded = counts.iter().filter(|c| c.moment_limit(baseline.of, &baseline.prior) > 0.0).count();
        let limits = moment_limits(heterogeneity, effect, bounded as f64);
        let (nodes, log_step, tau) = match *heterogeneity {
            HeterogeneityPrior::Fixed { value } => {
                (vec![TauSlices::new(&lines, value, priors, 0.0)], 0.0, None)
            }
            _ => {
                let map = ScaleMap::of(heterogeneity);
                let tail = Tail { typical: heterogeneity.typical(), moment_limit: limits.tau };
                let nodes = settle(resolution.heterogeneity(), tail, |t| {
                    let (tau, log_slope) = map.at(t);
                    TauSlices::new(&lines, tau, priors, heterogeneity.log_density(tau) + log_slope)
                })
                .map_err(|_| Unsettled::NotConverged)?;
                let tau = TauPosterior::new(map, &nodes, limits.tau);
                let log_step = libm::log(nodes.step);
                (nodes.nodes, log_step, Some(tau))
            }
        };
        let log_total = log_sum(&nodes.iter().map(|n| n.log_mass).collect::<Vec<f64>>());
        let mut slices: Vec<Slice> = nodes.into_iter().flat_map(|n| n.slices).collect();
        for slice in &mut slices {
            slice.share = libm::exp(slice.log_mass - log_total);
        }
        let far = |tau: f64| {
            1.0 + (tau / heterogeneity.typical().max(1e-300)) * (tau / heterogeneity.typical().max(1e-300))
        };
        slices.retain(|s| s.tau == 0.0 || s.share * far(s.tau) > 1e-14);
        let limit = if bounded == counts.len() { f64::INFINITY } else { limits.tau.min(limits.mean) };
        let effects = lines.effects(&slices);
        let mut axis = 0;
        let effects = effects.map(|mass| {
            axis += 1;
            Even::new(surface.theta(axis - 1, 0), surface.step, mass, limit)
        });
        let coefficients: f64 =
            [false, true].into_iter().map(|a| log_multinomial(&cells_of(counts, 0, a))).sum();
        Ok(LabelledPosterior {
            middle: (lines.s(0), 0.5 * surface.step),
            log_marginal_likelihood: log_total + log_step + coefficients,
            slices,
            tau,
            effects,
            one_effect: *heterogeneity == HeterogeneityPrior::Fixed { value: 0.0 },
            moment_limit: limit,
            resolution,
            pair: OnceLock::new(),
        })
    }

    /// None where τ is fixed.
    pub fn tau(&self) -> Option<&TauPosterior> {
        self.tau.as_ref()
    }

    pub fn theta(&self, g: usize) -> &Even {
        &self.effects[g]
    }

    /// The mean of the effects.
    pub fn mu(&self) -> Around<'_> {
        Around::new(self, false)
    }

    /// The effect of a further similar subgroup.
    pub fn theta_new(&self) -> Around<'_> {
        Around::new(self, true)
    }

    /// θ_0 − θ_1; none where both are one effect.
    pub fn pair(&self) -> Option<&PairPosterior> {
        (!self.one_effect).then(|| self.pair.get_or_init(|| self.new_pair()))
    }

    fn new_pair(&self) -> PairPosterior {
        let [a, b] = &self.effects;
        let marginal = |e: &Even| Marginal {
            peak: Peak { centre: e.mean, sd: e.sd },
            low: e.start,
            high: e.start + e.step * e.mass.len() as f64,
        };
        let masses: Vec<f64> = self.slices.iter().map(|s| s.log_mass).collect();
        PairPosterior::of_slices(
            [marginal(a), marginal(b)],
            (f64::INFINITY, FARTHEST),
            self.resolution,
            (self.moment_limit, log_sum(&masses)),
            |d, each: &mut Vec<(f64, f64)>| {
                each.clear();
                each.extend(self.slices.iter().map(|s| s.at_difference(d)));
                let high = each.iter().map(|e| e.0).fold(f64::NEG_INFINITY, f64::max);
                let (mut total, mut opposed) = (0.0, 0.0);
                for &mut (log, chance) in each {
                    let mass = libm::exp(log - high);
                    total += mass;
                    opposed += mass * chance;
                }
                PairSlice { d, log_mass: high + libm::log(total), opposed: opposed / total }
            },
        )
    }
}

/// The coefficient of four cells.
fn log_multinomial(cells: &[f64; 4]) -> f64 {
    let mut left: f64 = cells.iter().sum();
    let mut total = 0.0;
    for k in cells {
        total += log_binomial_coefficient(left, *k);
        left -= k;
    }
    total
}

impl Even {
    fn new(start: f64, step: f64, mut mass: Vec<f64>, moment_limit: f64) -> Even {
        let total: f64 = mass.iter().sum();
        mass.iter_mut().for_each(|m| *m /= total);
        let at = |i: usize| start + step * i as f64;
        let mean: f64 = mass.iter().enumerate().map(|(i, m)| m * at(i)).sum();
        let square: f64 = mass.iter().enumerate().map(|(i, m)| m * (at(i) - mean) * (at(i) - mean)).sum();
        Even { start, step, mass, mean, sd: libm::sqrt(square), moment_limit }
    }
}

impl Distribution for &Even {
    fn cdf(&self, x: f64) -> f64 {
        let position = (x - self.start) / self.step;
        if position <= -1.0 {
            return 0.0;
        }
        if position >= self.mass.len() as f64 {
            return 1.0;
        }
        cumulative_sum(&self.mass, position).clamp(0.0, 1.0)
    }

    fn quantile(&self, p: f64) -> f64 {
        let ends = (self.start, self.start + self.step * self.mass.len() as f64);
        invert_distribution(p, (self.mean, self.sd), ends, |x| self.cdf(x))
    }

    fn mean(&self) -> Option<f64> {
        (self.moment_limit > 1.0).then_some(self.mean)
    }

    fn sd(&self) -> Option<f64> {
        (self.moment_limit > 2.0).then_some(self.sd)
    }
}

/// μ, or a further effect around it: in every slice a normal around a line in s.
pub struct Around<'a> {
    of: &'a LabelledPosterior,
    further: bool,
    mean: f64,
    sd: f64,
}

/// A normal must span this many distances between nodes to be summed on them, and below this share of one its first three
/// moments are all that is felt of it.
const RESOLVED: f64 = 1.1;
const NARROW: f64 = 0.05;

impl<'a> Around<'a> {
    fn new(of: &'a LabelledPosterior, further: bool) -> Around<'a> {
        let mut around = Around { of, further, mean: 0.0, sd: 0.0 };
        let mut square = 0.0;
        for slice in &of.slices {
            let (fixed, by_s, sd) = around.given_middle(slice);
            for (j, mass) in slice.middle.iter().enumerate() {
                let x = fixed + by_s * (of.middle.0 + of.middle.1 * j as f64);
                around.mean += slice.share * mass * x;
                square += slice.share * mass * (x * x + sd * sd);
            }
        }
        around.sd = libm::sqrt((square - around.mean * around.mean).max(0.0));
        around
    }

    fn given_middle(&self, slice: &Slice) -> (f64, f64, f64) {
        let (fixed, by_s, sd) = slice.mean_given_middle();
        (fixed, by_s, if self.further { libm::hypot(sd, slice.tau) } else { sd })
    }

    fn of_slice(&self, slice: &Slice, x: f64) -> f64 {
        let (fixed, by_s, sd) = self.given_middle(slice);
        let (start, step) = self.of.middle;
        let spacing = by_s * step;
        if sd >= RESOLVED * spacing {
            let at = |j: usize| fixed + by_s * (start + step * j as f64);
            return slice.middle.iter().enumerate().map(|(j, m)| m * normal_cdf((x - at(j)) / sd)).sum();
        }
        let below = |x: f64| cumulative_sum(&slice.middle, ((x - fixed) / by_s - start) / step);
        if sd >= NARROW * spacing {
            normal_rule().iter().map(|(z, w)| w * below(x - sd * z)).sum()
        } else {
            0.5 * (below(x - sd) + below(x + sd))
        }
    }
}

impl Distribution for Around<'_> {
    fn cdf(&self, x: f64) -> f64 {
        let total: f64 = self.of.slices.iter().map(|s| s.share * self.of_slice(s, x)).sum();
        total.clamp(0.0, 1.0)
    }

    fn quantile(&self, p: f64) -> f64 {
        let reach = 1e3 * self.sd + self.mean.abs();
        invert_distribution(p, (self.mean, self.sd), (-reach, reach), |x| self.cdf(x))
    }

    fn mean(&self) -> Option<f64> {
        (self.of.moment_limit > 1.0).then_some(self.mean)
    }

    fn sd(&self) -> Option<f64> {
        (self.of.moment_limit > 2.0).then_some(self.sd)
    }
}
