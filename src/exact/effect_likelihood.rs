//! The likelihood of one subgroup's log odds ratio, the baseline integrated out:
//! `ℓ(θ) = log ∫ p(y | α, θ) p(α) dα`.

use super::outward::Beyond;
use super::smooth::Smoother;
use crate::model::{BaselineOf, BinomialPair, LocationComponent, LocationPrior, NormalEstimate, Side};
use crate::numeric::{LogTable, Peak, Placement, log_add_exp, log_sum_exp, normal_log_density, tabulate};
use crate::parallel;

/// Beyond the bulk the table runs on until ℓ has fallen by this much, for subgroups that contradict each other: a
/// subgroup of a million patients is 500 standard deviations from another's effect, which is half of the square of that.
const DEPTH: f64 = 1e8;

/// The prior of a subgroup's baseline α, and what the baseline stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// The prior of α, in log odds.
    pub prior: LocationPrior,
    /// Where α lies between the arms' log odds.
    pub of: BaselineOf,
}

/// ℓ(θ) of a subgroup whose counts have information about its effect.
#[derive(Debug, Clone)]
pub struct EffectLikelihood {
    pub smoother: Smoother,
    /// The normal that resembles e^ℓ near the bulk: centre and precision; precision 0 where ℓ has no bend.
    pub normal: (f64, f64),
    /// From where to where ℓ is known: beyond, a line stands for it that it may not be. Infinite where it is one, or where
    /// nothing is left of the likelihood.
    pub known: (f64, f64),
    /// Estimate and standard error where ℓ is that of a normal estimate and is to be smoothed as such.
    pub normal_estimate: Option<(f64, f64)>,
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

    /// From any log likelihood of θ.
    pub fn tabulated(
        range: EffectRange,
        theta: Placement,
        at: impl Fn(f64) -> f64 + Sync,
    ) -> EffectLikelihood {
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
        let reversed: Vec<f64> = values.iter().rev().copied().collect();
        let ((above, high), (mut all, low)) = parallel::join(
            || beyond.outward(last, 1, &values, &at),
            || beyond.outward(first, -1, &reversed, &at),
        );
        let grid = bulk.grid.extended(all.len(), above.len());
        all.reverse();
        all.extend(values);
        all.extend(above);
        let smoother = Smoother::new(&grid, &all);
        let middle = bulk.mean().clamp(grid.x[0], grid.x[grid.x.len() - 1]);
        let (_, slope, bend) = smoother.interpolant().with_derivatives(middle);
        // Where the curve is all but a line its bend may be rounding.
        let within = |x: f64| x.clamp(grid.x[0], grid.x[grid.x.len() - 1]);
        let normal = if bend < 0.0 { (within(middle - slope / bend), -bend) } else { (middle, 0.0) };
        EffectLikelihood { smoother, normal, known: (low, high), normal_estimate: None }
    }

    /// `log ∫ N(θ; μ, τ²) e^{ℓ(θ)} dθ`.
    pub fn log_marginal(&self, mu: f64, tau: f64, terms: &mut Vec<f64>) -> f64 {
        match self.normal_estimate {
            Some((estimate, se)) => normal_log_density(estimate, mu, libm::hypot(se, tau)),
            None => self.smoother.log_smooth(mu, tau, terms),
        }
    }

    /// ℓ(θ), interpolated.
    pub fn at(&self, theta: f64) -> f64 {
        self.smoother.interpolant().at(theta)
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

/// Leaves one peak of each hill that holds any mass: a search may have ended on the way up, or on a flat tail.
fn only_hills(peaks: &mut Vec<Peak>, log_density: &impl Fn(f64) -> f64) {
    /// Peaks nearer than this, in their own widths, are one.
    const APART: f64 = 1.0;
    /// So far below the highest a peak holds nothing.
    const BURIED: f64 = 60.0;
    /// Between two hills the density is lower than on either by this at least.
    const VALLEY: f64 = 0.5;
    const ON_THE_WAY: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];
    peaks.sort_by(|a, b| a.centre.total_cmp(&b.centre));
    peaks.dedup_by(|a, b| (a.centre - b.centre).abs() < APART * (a.sd + b.sd));
    if peaks.len() == 1 {
        return;
    }
    let height = |p: &Peak| log_density(p.centre);
    let found: Vec<(Peak, f64)> = peaks.drain(..).map(|p| (p, height(&p))).collect();
    let highest = found.iter().map(|(p, h)| h + libm::log(p.sd)).fold(f64::NEG_INFINITY, f64::max);
    let mut hills: Vec<(Peak, f64)> = Vec::new();
    for (peak, height) in found {
        if height + libm::log(peak.sd) < highest - BURIED {
            continue;
        }
        match hills.last_mut() {
            Some((last, its_height)) => {
                let way = peak.centre - last.centre;
                let lower = its_height.min(height) - VALLEY;
                if ON_THE_WAY.iter().any(|share| log_density(last.centre + share * way) < lower) {
                    hills.push((peak, height));
                } else if height > *its_height {
                    (*last, *its_height) = (peak, height);
                }
            }
            None => hills.push((peak, height)),
        }
    }
    peaks.extend(hills.into_iter().map(|(peak, _)| peak));
}

/// The log mass of a density with several peaks, which may lie far apart. One peak is tabulated as it is; the density around
/// several is split into a part each by weights that sum to 1 and are as smooth as the density itself: the parts that powers of
/// the distance from each, in its own width, give it.
fn log_mass_of_peaks(peaks: &mut Vec<Peak>, placement: Placement, log_density: impl Fn(f64) -> f64) -> f64 {
    only_hills(peaks, &log_density);
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

/// The log marginal likelihood of a subgroup whose data have no information about its effect.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::Resolution;
    use crate::model::Arm;

    /// Counts of both arms, and where they may lie.
    fn arms(control: (f64, f64), active: (f64, f64)) -> BinomialPair {
        let arm = |(events, total)| Arm { events, total };
        BinomialPair::new(arm(control), arm(active))
    }

    #[test]
    fn what_is_leapt_over_far_out_is_the_integral_at_each_node() {
        let beta = LocationPrior::LogitBeta { a: 0.5, b: 0.5 };
        let heavy = LocationPrior::StudentT { df: 3.0, location: 0.6, scale: 5.41 };
        let far = LocationPrior::StudentT { df: 3.0, location: -8.0, scale: 2.0 };
        let cases = [
            (arms((0.0, 57.0), (1534.0, 1534.0)), beta.clone()),
            (arms((0.0, 5.0), (1.0, 44.0)), beta),
            (arms((1.0, 133.0), (19.0, 19.0)), heavy),
            (arms((1.0, 133.0), (19.0, 19.0)), far),
        ];
        let standard = Resolution::default();
        let range = EffectRange { centre: 0.0, sd: 5.0, reach: 1e9 };
        for (counts, prior) in cases {
            let baseline = Baseline { prior, of: BaselineOf::Arms };
            let table = EffectLikelihood::new(&counts, &baseline, range, standard.density(), standard.mass());
            for exponent in 0..=84 {
                for sign in [-1.0, 1.0] {
                    let theta = sign * libm::pow(10.0, 0.1 * f64::from(exponent));
                    let exact = log_marginal(&counts, &baseline, theta, standard.mass());
                    // Of less nothing is left, whatever it is multiplied by.
                    if exact < -1e4 {
                        continue;
                    }
                    let error = (table.at(theta) - exact) / exact.abs().max(1.0);
                    assert!(
                        error.abs() < 1e-6,
                        "{counts:?} {baseline:?} at {theta}: {} for {exact}",
                        table.at(theta)
                    );
                }
            }
        }
    }
}
