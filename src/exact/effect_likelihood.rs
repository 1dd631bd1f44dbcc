//! The likelihood of one subgroup's log odds ratio, the baseline integrated out:
//! `ℓ(θ) = log ∫ p(y | α, θ) p(α) dα`.

use super::smooth::Smoother;
use crate::model::{BinomialPair, LocationPrior, NormalEstimate, Side};
use crate::numeric::{LogTable, Peak, Placement, log_add_exp, normal_log_density, tabulate};

/// Beyond the bulk the table runs on until ℓ has fallen by this much, for subgroups that contradict each other.
const DEPTH: f64 = 300.0;

/// ℓ(θ) of a subgroup whose counts say something about its effect.
#[derive(Debug, Clone)]
pub struct EffectLikelihood {
    pub smoother: Smoother,
    /// The normal that resembles e^ℓ near the bulk: centre and precision; precision 0 where ℓ has no bend.
    pub normal: (f64, f64),
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
        baseline: &LocationPrior,
        range: EffectRange,
        theta: Placement,
        alpha: Placement,
    ) -> EffectLikelihood {
        let mut alpha_start = starting_alpha(counts, baseline);
        let at = |x: f64| log_marginal(counts, baseline, x, &mut alpha_start, alpha);
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
        let (mut below, mut above) = (0, 0);
        let mut values: Vec<f64> = bulk
            .grid
            .x
            .iter()
            .zip(&bulk.log_density)
            .map(|(&x, &f)| f - normal_log_density(x, range.centre, range.sd))
            .collect();
        let floor = values.iter().copied().fold(f64::NEG_INFINITY, f64::max) - DEPTH;
        let last = bulk.grid.first + bulk.grid.x.len() as i32 - 1;
        let mut downward = Vec::new();
        loop {
            let x = bulk.grid.node(bulk.grid.first - below as i32 - 1);
            if *downward.last().unwrap_or(&values[0]) < floor || (x - range.centre).abs() > range.reach {
                break;
            }
            downward.push(at(x));
            below += 1;
        }
        loop {
            let x = bulk.grid.node(last + above as i32 + 1);
            if values[values.len() - 1] < floor || (x - range.centre).abs() > range.reach {
                break;
            }
            values.push(at(x));
            above += 1;
        }
        downward.reverse();
        downward.append(&mut values);
        let grid = bulk.grid.extended(below, above);
        let smoother = Smoother::new(&grid, &downward);
        let middle = bulk.mean().clamp(grid.x[0], grid.x[grid.x.len() - 1]);
        let (_, slope, bend) = smoother.interpolant().with_derivatives(middle);
        let normal = if bend < 0.0 { (middle - slope / bend, -bend) } else { (middle, 0.0) };
        EffectLikelihood { smoother, normal }
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

/// The log odds of the pooled rate, shrunk a little, or the prior's centre without patients.
fn starting_alpha(counts: &BinomialPair, baseline: &LocationPrior) -> f64 {
    if counts.control.total > 0.0 {
        counts.control.empirical_log_odds()
    } else {
        baseline.components()[0].peak().map_or(0.0, |p| p.centre)
    }
}

/// `log ∫ p(y | α, θ) p(α) dα`, each component of the prior in turn; `start` is where the last search ended.
fn log_marginal(
    counts: &BinomialPair,
    baseline: &LocationPrior,
    theta: f64,
    start: &mut f64,
    placement: Placement,
) -> f64 {
    let mut total = f64::NEG_INFINITY;
    for component in baseline.components() {
        let log_joint = |alpha: f64| {
            counts.log_likelihood(Side::Control, alpha)
                + counts.log_likelihood(Side::Active, alpha + theta)
                + component.log_density(alpha)
        };
        let peak = climb(*start, |alpha| {
            let (slope, bound) = component.slope_and_bound(alpha);
            let (control, control_curvature) = counts.slope_and_curvature(Side::Control, alpha);
            let (active, active_curvature) = counts.slope_and_curvature(Side::Active, alpha + theta);
            (control + active + slope, control_curvature + active_curvature + bound)
        });
        *start = peak.centre;
        total = log_add_exp(total, tabulate(peak, placement, log_joint).log_mass);
    }
    total
}

/// `log ∫ p(y | α, θ) p(α) dα` at every θ.
pub fn log_marginals(
    counts: &BinomialPair,
    baseline: &LocationPrior,
    theta: &[f64],
    alpha: Placement,
) -> Vec<f64> {
    let mut start = starting_alpha(counts, baseline);
    theta.iter().map(|&theta| log_marginal(counts, baseline, theta, &mut start, alpha)).collect()
}

/// The log marginal likelihood of a subgroup without an active arm.
pub fn log_marginal_of_control(counts: &BinomialPair, baseline: &LocationPrior, alpha: Placement) -> f64 {
    if counts.control.total == 0.0 {
        return 0.0;
    }
    log_marginal(counts, baseline, 0.0, &mut starting_alpha(counts, baseline), alpha)
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
