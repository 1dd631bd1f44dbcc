//! Risks in the two arms of one subgroup: the joint posterior of (α, θ).
//!
//! The log odds of one arm are put on a grid; for each of its nodes θ is tabulated given it. A risk difference below δ is
//! then θ below a bound that depends on the node, and its probability one value of each table's distribution function.
//! The arm on the outside is the one that is known better: given the other, θ would jump within a cell.

use super::Distribution;
use super::Resolution;
use super::effect_likelihood::climb;
use crate::model::{Arm, BinomialPair, LocationComponent, LocationPrior};
use crate::numeric::{
    LogInterpolant, LogTable, Peak, invert_distribution, log_sum_exp, logistic, logit, tabulate,
    tabulate_with,
};

/// Nodes with less than this share of the posterior are left out of sums.
const NEGLIGIBLE: f64 = 1e-14;

/// The joint posterior of control-arm log odds α and log odds ratio θ of one subgroup.
#[derive(Debug, Clone)]
pub struct RiskPosterior {
    outer: OuterArm,
    parts: Vec<Part>,
    moments: Moments,
}

/// Whose log odds are on the outer grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OuterArm {
    Control,
    Active,
}

impl OuterArm {
    /// Log odds in the control and the active arm, from the outer arm's and θ.
    fn log_odds(self, outer: f64, theta: f64) -> (f64, f64) {
        match self {
            OuterArm::Control => (outer, outer + theta),
            OuterArm::Active => (outer - theta, outer),
        }
    }
}

/// One component of the baseline prior.
#[derive(Debug, Clone)]
struct Part {
    share: f64,
    outer: LogTable,
    /// θ given the outer arm's log odds, for each node.
    theta: Vec<LogTable>,
}

/// A function of the two risks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RiskMeasure {
    LogOddsControl,
    Control,
    Active,
    Difference,
    Ratio,
}

/// Mean and sd of each measure, and of the scale on which its quantiles are searched.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    log_odds_control: (f64, f64),
    log_odds_active: (f64, f64),
    control: (f64, f64),
    active: (f64, f64),
    difference: (f64, f64),
    log_ratio: (f64, f64),
}

impl RiskPosterior {
    /// `prediction` is the log density of θ before this subgroup's data, `theta` where its posterior lies.
    pub fn new(
        counts: BinomialPair,
        baseline: &LocationPrior,
        prediction: &LogInterpolant,
        theta: Peak,
        resolution: Resolution,
    ) -> RiskPosterior {
        let information = |arm: &Arm| {
            let p = (arm.events + 0.5) / (arm.total + 1.0);
            arm.total * p * (1.0 - p)
        };
        let outer = if information(&counts.active) > 2.0 * information(&counts.control) {
            OuterArm::Active
        } else {
            OuterArm::Control
        };
        let mut parts: Vec<Part> = baseline
            .components()
            .iter()
            .map(|component| match outer {
                OuterArm::Control => control_outside(&counts, component, prediction, theta, resolution),
                OuterArm::Active => active_outside(&counts, component, prediction, theta, resolution),
            })
            .collect();
        let masses: Vec<f64> = parts.iter().map(|p| p.outer.log_mass).collect();
        let total = log_sum_exp(&masses);
        for part in &mut parts {
            part.share = libm::exp(part.outer.log_mass - total);
        }
        parts.retain(|p| p.share > NEGLIGIBLE);
        let moments = moments(outer, &parts);
        RiskPosterior { outer, parts, moments }
    }

    /// The distribution of a function of the risks.
    pub fn distribution(&self, measure: RiskMeasure) -> RiskDistribution<'_> {
        RiskDistribution { joint: self, measure }
    }
}

/// Newton's method for θ given one arm's log odds: that arm's likelihood at `sign · θ + offset`, and the prediction.
struct InnerSearch<'a> {
    prediction: &'a LogInterpolant,
    /// Where the prediction is flat the posterior's own width keeps the steps short.
    least_curvature: f64,
    start: f64,
}

impl InnerSearch<'_> {
    /// `likelihood` gives slope and curvature in θ of everything but the prediction.
    fn find(&mut self, likelihood: impl Fn(f64) -> (f64, f64)) -> Peak {
        let peak = climb(self.start, |theta| {
            let (_, slope, bend) = self.prediction.with_derivatives(self.prediction.nearest(theta));
            let (own_slope, own_curvature) = likelihood(theta);
            (slope + own_slope, own_curvature + (-bend).max(self.least_curvature))
        });
        self.start = peak.centre;
        peak
    }
}

/// Slope and curvature of an arm's log likelihood in its log odds.
fn arm_slope(arm: &Arm, log_odds: f64) -> (f64, f64) {
    let p = logistic(log_odds);
    (arm.events - arm.total * p, arm.total * p * (1.0 - p))
}

fn empirical_log_odds(arm: &Arm) -> f64 {
    logit((arm.events + 0.5) / (arm.total + 1.0))
}

fn control_outside(
    counts: &BinomialPair,
    baseline: &LocationComponent,
    prediction: &LogInterpolant,
    theta: Peak,
    resolution: Resolution,
) -> Part {
    let mut search =
        InnerSearch { prediction, least_curvature: 0.05 / (theta.sd * theta.sd), start: theta.centre };
    let guess = climb(empirical_log_odds(&counts.control), |alpha| {
        let (slope, bound) = baseline.slope_and_bound(alpha);
        let (own, curvature) = arm_slope(&counts.control, alpha);
        (own + slope, curvature + bound)
    });
    let (outer, theta) = tabulate_with(guess, resolution.density(), |alpha| {
        let peak = search.find(|theta| arm_slope(&counts.active, alpha + theta));
        let theta = tabulate(peak, resolution.density(), |theta| {
            counts.active.log_likelihood(alpha + theta) + prediction.at(theta)
        });
        let own = baseline.log_density(alpha) + counts.control.log_likelihood(alpha);
        (own + theta.log_mass, theta)
    });
    Part { share: 1.0, outer, theta }
}

fn active_outside(
    counts: &BinomialPair,
    baseline: &LocationComponent,
    prediction: &LogInterpolant,
    theta: Peak,
    resolution: Resolution,
) -> Part {
    let mut search =
        InnerSearch { prediction, least_curvature: 0.05 / (theta.sd * theta.sd), start: theta.centre };
    let guess = climb(empirical_log_odds(&counts.active), |beta| arm_slope(&counts.active, beta));
    let (outer, theta) = tabulate_with(guess, resolution.density(), |beta| {
        let peak = search.find(|theta| {
            let alpha = beta - theta;
            let (prior_slope, bound) = baseline.slope_and_bound(alpha);
            let (own, curvature) = arm_slope(&counts.control, alpha);
            (-own - prior_slope, curvature + bound)
        });
        let theta = tabulate(peak, resolution.density(), |theta| {
            let alpha = beta - theta;
            counts.control.log_likelihood(alpha) + baseline.log_density(alpha) + prediction.at(theta)
        });
        (counts.active.log_likelihood(beta) + theta.log_mass, theta)
    });
    Part { share: 1.0, outer, theta }
}

/// One pass over all nodes for the mean and sd of every measure.
fn moments(outer: OuterArm, parts: &[Part]) -> Moments {
    let mut first = [0.0; 6];
    let mut second = [0.0; 6];
    for part in parts {
        let nodes = part.outer.grid.x.iter().zip(&part.outer.mass).zip(&part.theta);
        for ((&x, &mass), theta) in nodes.filter(|((_, mass), _)| **mass > NEGLIGIBLE) {
            for (&t, &m) in theta.grid.x.iter().zip(&theta.mass).filter(|(_, m)| **m > NEGLIGIBLE) {
                let (alpha, beta) = outer.log_odds(x, t);
                let (p0, p1) = (logistic(alpha), logistic(beta));
                let weight = part.share * mass * m;
                let values = [alpha, beta, p0, p1, p1 - p0, libm::log(p1 / p0)];
                for ((a, b), value) in first.iter_mut().zip(&mut second).zip(values) {
                    *a += weight * value;
                    *b += weight * value * value;
                }
            }
        }
    }
    let at = |i: usize| (first[i], libm::sqrt((second[i] - first[i] * first[i]).max(0.0)));
    Moments {
        log_odds_control: at(0),
        log_odds_active: at(1),
        control: at(2),
        active: at(3),
        difference: at(4),
        log_ratio: at(5),
    }
}

/// One [`RiskMeasure`] of a [`RiskPosterior`].
#[derive(Debug, Clone, Copy)]
pub struct RiskDistribution<'a> {
    joint: &'a RiskPosterior,
    measure: RiskMeasure,
}

/// The log odds of a number that may lie outside [0, 1]: infinite there.
fn log_odds_of(p: f64) -> f64 {
    if p <= 0.0 {
        f64::NEG_INFINITY
    } else if p >= 1.0 {
        f64::INFINITY
    } else {
        logit(p)
    }
}

impl RiskDistribution<'_> {
    /// P(measure ≤ x) given the outer arm's log odds is the probability that θ lies below the first number (true) or
    /// above it (false).
    fn bound(&self, outer: f64, x: f64) -> (f64, bool) {
        let control_outside = self.joint.outer == OuterArm::Control;
        match (self.measure, control_outside) {
            (RiskMeasure::Difference, _) if x == 0.0 => (0.0, true),
            (RiskMeasure::Ratio, _) if x == 1.0 => (0.0, true),
            (RiskMeasure::Difference, true) => (log_odds_of(logistic(outer) + x) - outer, true),
            (RiskMeasure::Difference, false) => (outer - log_odds_of(logistic(outer) - x), true),
            (RiskMeasure::Ratio, true) => (log_odds_of(logistic(outer) * x) - outer, true),
            (RiskMeasure::Ratio, false) => (outer - log_odds_of(logistic(outer) / x), true),
            (RiskMeasure::Active, true) => (log_odds_of(x) - outer, true),
            (RiskMeasure::Control, false) => (outer - log_odds_of(x), false),
            (RiskMeasure::LogOddsControl, false) => (outer - x, false),
            // The outer arm's own measures are handled before.
            (RiskMeasure::Active, false) | (RiskMeasure::Control | RiskMeasure::LogOddsControl, true) => {
                (f64::NAN, true)
            }
        }
    }

    fn outer_cdf(&self, log_odds: f64) -> f64 {
        self.joint.parts.iter().map(|p| p.share * p.outer.cdf(log_odds)).sum()
    }
}

impl Distribution for RiskDistribution<'_> {
    fn cdf(&self, x: f64) -> f64 {
        match (self.measure, self.joint.outer) {
            (RiskMeasure::LogOddsControl, OuterArm::Control) => return self.outer_cdf(x),
            (RiskMeasure::Control, OuterArm::Control) | (RiskMeasure::Active, OuterArm::Active) => {
                return self.outer_cdf(log_odds_of(x));
            }
            _ => {}
        }
        let mut total = 0.0;
        for part in &self.joint.parts {
            let nodes = part.outer.grid.x.iter().zip(&part.outer.mass).zip(&part.theta);
            for ((&outer, &mass), theta) in nodes.filter(|((_, mass), _)| **mass > NEGLIGIBLE) {
                let (bound, below) = self.bound(outer, x);
                let p = theta.cdf(bound);
                total += part.share * mass * if below { p } else { 1.0 - p };
            }
        }
        total.clamp(0.0, 1.0)
    }

    fn quantile(&self, p: f64) -> f64 {
        // Each measure is searched in a coordinate in which it has no bounds nearby.
        const FAR: (f64, f64) = (-700.0, 700.0);
        let moments = &self.joint.moments;
        let search = |spread: (f64, f64), range, cdf: &dyn Fn(f64) -> f64| {
            invert_distribution(p, (spread.0, spread.1.max(1e-300)), range, cdf)
        };
        match self.measure {
            RiskMeasure::LogOddsControl => search(moments.log_odds_control, FAR, &|x| self.cdf(x)),
            RiskMeasure::Control => {
                logistic(search(moments.log_odds_control, FAR, &|x| self.cdf(logistic(x))))
            }
            RiskMeasure::Active => logistic(search(moments.log_odds_active, FAR, &|x| self.cdf(logistic(x)))),
            RiskMeasure::Difference => search(moments.difference, (-1.0, 1.0), &|x| self.cdf(x)),
            RiskMeasure::Ratio => libm::exp(search(moments.log_ratio, FAR, &|x| self.cdf(libm::exp(x)))),
        }
    }

    fn mean(&self) -> Option<f64> {
        self.moments().map(|m| m.0)
    }

    fn sd(&self) -> Option<f64> {
        self.moments().map(|m| m.1)
    }
}

impl RiskDistribution<'_> {
    /// None for the ratio, which is summarised by quantiles alone.
    fn moments(&self) -> Option<(f64, f64)> {
        let moments = &self.joint.moments;
        match self.measure {
            RiskMeasure::LogOddsControl => Some(moments.log_odds_control),
            RiskMeasure::Control => Some(moments.control),
            RiskMeasure::Active => Some(moments.active),
            RiskMeasure::Difference => Some(moments.difference),
            RiskMeasure::Ratio => None,
        }
    }
}
