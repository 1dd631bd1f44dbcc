//! The likelihood of one subgroup's log odds ratio, the baseline integrated out:
//! `ℓ(θ) = log ∫ p(y | α, θ) p(α) dα`.

use super::smooth::Smoother;
use crate::model::{BaselineOf, BinomialPair, LocationComponent, LocationPrior, NormalEstimate, Side};
use crate::numeric::{
    Grid, LogTable, Peak, Placement, log_add_exp, log_sum_exp, normal_log_density, tabulate,
};

/// Beyond the bulk the table runs on until ℓ has fallen by this much, for subgroups that contradict each other: a
/// subgroup of a million patients is 500 standard deviations from another's effect, which is half of the square of that.
const DEPTH: f64 = 1e8;

/// Where ℓ has become a line to this part, it is a line from there on: both arms' risks are at their ends.
const LINE: f64 = 1e-12;

const LEAST_SLOPE: f64 = 1e-6;

/// So far on a log scale at least before ℓ may count as a line.
const FARTHEST_BEND: f64 = 30.0;

/// The prior of a baseline, and what a baseline is.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    pub prior: LocationPrior,
    pub of: BaselineOf,
}

/// ℓ(θ) of a subgroup whose counts say something about its effect.
#[derive(Debug, Clone)]
pub struct EffectLikelihood {
    pub smoother: Smoother,
    /// The normal that resembles e^ℓ near the bulk: centre and precision; precision 0 where ℓ has no bend.
    pub normal: (f64, f64),
    /// From where to where ℓ is known: beyond, a line stands for it that it may not be. Infinite where it is one, or where
    /// nothing is left of the likelihood.
    pub known: (f64, f64),
}

/// Where θ may lie a priori: centre, spread, and how far out any mass remains.
#[derive(Debug, Clone, Copy)]
pub struct EffectRange {
    pub centre: f64,
    pub sd: f64,
    pub reach: f64,
}

impl EffectLikelihood {
    /// Tabulates ℓ; `theta` and `alpha` are the node distances for θ and α in standard deviations.
    pub fn new(
        counts: &BinomialPair,
        baseline: &Baseline,
        range: EffectRange,
        theta: Placement,
        alpha: Placement,
    ) -> EffectLikelihood {
        let at = |x: f64| log_marginal(counts, baseline, x, alpha);
        EffectLikelihood::tabulated(range, theta, at)
    }

    /// Of a published estimate, whose ℓ needs no integral here.
    pub fn of_estimate(estimate: &NormalEstimate, range: EffectRange, theta: Placement) -> EffectLikelihood {
        EffectLikelihood::tabulated(range, theta, |x| estimate.log_likelihood(x))
    }

    fn tabulated(range: EffectRange, theta: Placement, mut at: impl FnMut(f64) -> f64) -> EffectLikelihood {
        let guess = Peak { centre: range.centre, sd: range.sd.min(1.0) };
        let bulk: LogTable =
            tabulate(guess, theta, |x| at(x) + normal_log_density(x, range.centre, range.sd));
        let values: Vec<f64> = bulk
            .grid
            .x
            .iter()
            .zip(&bulk.log_density)
            .map(|(&x, &f)| f - normal_log_density(x, range.centre, range.sd))
            .collect();
        let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let first = bulk.grid.first;
        let last = first + bulk.grid.x.len() as i32 - 1;
        let beyond = Beyond { grid: &bulk.grid, range, floor: highest - DEPTH };
        let (above, high) = beyond.outward(last, 1, &values, &mut at);
        let reversed: Vec<f64> = values.iter().rev().copied().collect();
        let (mut all, low) = beyond.outward(first, -1, &reversed, &mut at);
        let grid = bulk.grid.extended(all.len(), above.len());
        all.reverse();
        all.extend(values);
        all.extend(above);
        let smoother = Smoother::new(&grid, &all);
        let middle = bulk.mean().clamp(grid.x[0], grid.x[grid.x.len() - 1]);
        let (_, slope, bend) = smoother.interpolant().with_derivatives(middle);
        let normal = if bend < 0.0 { (middle - slope / bend, -bend) } else { (middle, 0.0) };
        EffectLikelihood { smoother, normal, known: (low, high) }
    }

    /// `log ∫ N(θ; μ, τ²) e^{ℓ(θ)} dθ`.
    pub fn log_marginal(&self, mu: f64, tau: f64, terms: &mut Vec<f64>) -> f64 {
        self.smoother.log_smooth(mu, tau, terms)
    }

    /// ℓ(θ), interpolated.
    pub fn at(&self, theta: f64) -> f64 {
        self.smoother.interpolant().at(theta)
    }
}

/// The nodes beyond the bulk of a table.
struct Beyond<'a> {
    grid: &'a Grid,
    range: EffectRange,
    floor: f64,
}

impl Beyond<'_> {
    /// Values at the nodes beyond `end`, as far as any effect may lie or until nothing is left of the likelihood. Once ℓ is
    /// a line it is continued as one. `inside` are the values up to the end, in the order of the walk. Also how far ℓ is
    /// known then.
    fn outward(
        &self,
        end: i32,
        direction: i32,
        inside: &[f64],
        at: &mut impl FnMut(f64) -> f64,
    ) -> (Vec<f64>, f64) {
        let node = |k: i32| self.grid.node(end + direction * k);
        let mut values: Vec<f64> = Vec::new();
        let value = |values: &[f64], k: i32| {
            if k > 0 { values[k as usize - 1] } else { inside[(inside.len() as i32 - 1 + k) as usize] }
        };
        let mut line = false;
        let mut known = f64::from(direction) * f64::INFINITY;
        for k in 0.. {
            let x = node(k);
            if value(&values, k) < self.floor {
                break;
            }
            if (x - self.range.centre).abs() > self.range.reach {
                if !line {
                    known = x;
                }
                break;
            }
            let next = node(k + 1);
            let [before, here] = [value(&values, k - 1), value(&values, k)];
            let slope = (here - before) / (x - node(k - 1));
            // Either no patient counts there or at least one does: a smaller slope is rounding, and far out would be more.
            let slope = if slope.abs() < LEAST_SLOPE { 0.0 } else { slope };
            let continued = here + slope * (next - x);
            if line {
                values.push(continued);
                continue;
            }
            let found = at(next);
            values.push(found);
            line = x.abs() > FARTHEST_BEND && (found - continued).abs() <= LINE * found.abs().max(1.0);
        }
        (values, known)
    }
}

/// Where the arms have the baseline, roughly, given the effect: the mean of what either says, weighted by its information; the
/// prior's centre without patients.
fn starting_alpha(counts: &BinomialPair, baseline: &Baseline, theta: f64) -> f64 {
    let [control, active] = baseline.of.log_odds(0.0, theta);
    let ((x0, i0), (x1, i1)) = (counts.control.hint(), counts.active.hint());
    if i0 + i1 > 0.0 {
        (i0 * (x0 - control) + i1 * (x1 - active)) / (i0 + i1)
    } else {
        baseline.prior.components()[0].peak().map_or(0.0, |p| p.centre)
    }
}

/// Log likelihood of both arms at one baseline and effect.
fn log_likelihood(counts: &BinomialPair, of: BaselineOf, alpha: f64, theta: f64) -> f64 {
    let [control, active] = of.log_odds(alpha, theta);
    counts.log_likelihood(Side::Control, control) + counts.log_likelihood(Side::Active, active)
}

/// `log ∫ p(y | α, θ) p(α) dα`, each component of the prior in turn: a function of θ alone, whatever was
/// asked before, so that equal arms have an even one.
fn log_marginal(counts: &BinomialPair, baseline: &Baseline, theta: f64, placement: Placement) -> f64 {
    let start = starting_alpha(counts, baseline, theta);
    let mut total = f64::NEG_INFINITY;
    for component in baseline.prior.components() {
        let log_joint =
            |alpha: f64| log_likelihood(counts, baseline.of, alpha, theta) + component.log_kernel(alpha);
        let climbed = |from: f64| {
            climb(from, |alpha| {
                let (slope, bound) = component.slope_and_bound(alpha);
                let [control, active] = baseline.of.log_odds(alpha, theta);
                let (control, control_curvature) = counts.slope_and_curvature(Side::Control, control);
                let (active, active_curvature) = counts.slope_and_curvature(Side::Active, active);
                (control + active + slope, control_curvature + active_curvature + bound)
            })
        };
        let peak = climbed(start);
        let mass = match component {
            // A heavy tail lets data far from its centre have a peak of their own.
            LocationComponent::StudentT { location, .. } => {
                let [control, active] = baseline.of.log_odds(0.0, theta);
                let own = |arm: &crate::model::Arm, shift: f64| {
                    (arm.total > 0.0).then(|| arm.empirical_log_odds() - shift)
                };
                let candidates = [Some(location), own(&counts.control, control), own(&counts.active, active)];
                let mut peaks = vec![peak];
                peaks.extend(candidates.into_iter().flatten().map(climbed));
                log_mass_of_peaks(&mut peaks, placement, log_joint)
            }
            _ => tabulate(peak, placement, log_joint).log_mass,
        };
        total = log_add_exp(total, mass + component.log_constant());
    }
    total
}

/// The log mass of a density with several peaks, which may lie far apart. One peak is tabulated as it is; the density around
/// several is split into a part each by weights that sum to 1 and are as smooth as the density itself: the parts that powers of
/// the distance from each, in its own width, give it.
fn log_mass_of_peaks(peaks: &mut Vec<Peak>, placement: Placement, log_density: impl Fn(f64) -> f64) -> f64 {
    /// Peaks nearer than this, in their own widths, are one.
    const APART: f64 = 1.0;
    peaks.sort_by(|a, b| a.centre.total_cmp(&b.centre));
    peaks.dedup_by(|a, b| (a.centre - b.centre).abs() < APART * (a.sd + b.sd));
    let [first, rest @ ..] = peaks.as_slice() else { return f64::NEG_INFINITY };
    if rest.is_empty() {
        return tabulate(*first, placement, log_density).log_mass;
    }
    // Powers fall off slowly enough that no part has a cliff of its own, and fast enough to leave next to nothing of another
    // peak, which the nodes do not resolve.
    let weight = |p: &Peak, x: f64| {
        let z = (x - p.centre) / p.sd;
        -6.0 * libm::log1p(z * z)
    };
    let masses: Vec<f64> = peaks
        .iter()
        .map(|own| {
            let part = |x: f64| {
                let all: Vec<f64> = peaks.iter().map(|p| weight(p, x)).collect();
                log_density(x) + weight(own, x) - log_sum_exp(&all)
            };
            tabulate(*own, placement, part).log_mass
        })
        .collect();
    log_sum_exp(&masses)
}

/// `log ∫ p(y | α, θ) p(α) dα` at every θ.
pub fn log_marginals(
    counts: &BinomialPair,
    baseline: &Baseline,
    theta: &[f64],
    alpha: Placement,
) -> Vec<f64> {
    theta.iter().map(|&theta| log_marginal(counts, baseline, theta, alpha)).collect()
}

/// The log marginal likelihood of a subgroup that says nothing of its effect.
pub fn log_marginal_of_silent(counts: &BinomialPair, baseline: &Baseline, alpha: Placement) -> f64 {
    if counts.control.total + counts.active.total == 0.0 {
        return 0.0;
    }
    log_marginal(counts, baseline, 0.0, alpha)
}

/// Newton's method for the mode of a log density with the given slope and (positive) curvature.
///
/// Steps are kept short where the curvature is small, since a logistic's bend fades faster than its slope.
pub fn climb(start: f64, mut slope_and_curvature: impl FnMut(f64) -> (f64, f64)) -> Peak {
    let mut x = start;
    let mut sd = 1.0;
    for _ in 0..100 {
        let (slope, curvature) = slope_and_curvature(x);
        let curvature = curvature.max(1e-12);
        sd = 1.0 / libm::sqrt(curvature);
        let longest = (4.0 * sd).min(2.0).max(0.1 * x.abs());
        let step = (slope / curvature).clamp(-longest, longest);
        x += step;
        // A tenth of a standard deviation is near enough to place a grid.
        if step.abs() < 0.05 * sd {
            break;
        }
    }
    Peak { centre: x, sd }
}
