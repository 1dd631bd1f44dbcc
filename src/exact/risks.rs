//! Risks in the two arms of one subgroup, their difference and ratio.
//!
//! A risk difference below δ is θ below a bound that depends on one arm's log odds; its probability is one value of the
//! distribution function of θ given them, summed over their grid. Where the bound runs to infinity inside the grid (a
//! control risk within δ of 0 or 1) the sum is made in a coordinate that has that point at infinity.

use super::Distribution;
use super::Resolution;
use super::contrast::{Contrast, log_odds_of};
use super::effect_likelihood::Baseline;
use super::joint::{Known, OuterArm, better_known};
use crate::model::{BaselineOf, BinomialPair, LocationComponent};
use crate::numeric::{LogInterpolant, LogTable, Peak, invert_distribution, log_expit, log_sum_exp, logistic};

/// Nodes with less than this share of the posterior are left out of sums.
const NEGLIGIBLE: f64 = 1e-14;

/// A sum over even nodes and one over odd nodes may differ by this: for a smooth integrand their total then errs by less
/// than its square.
const SETTLED: f64 = 1e-4;

/// The same where the bound runs to infinity inside the grid, which is not smooth.
const SETTLED_NEAR_AN_END: f64 = 3e-7;

/// Less probability than this beyond such an end is no concern.
const OUT_OF_REACH: f64 = 1e-8;

/// The joint posterior of the two risks of one subgroup.
#[derive(Debug, Clone)]
pub struct RiskPosterior {
    counts: BinomialPair,
    baseline_of: BaselineOf,
    prediction: LogInterpolant,
    theta: Peak,
    resolution: Resolution,
    outer: OuterArm,
    parts: Vec<Part>,
    moments: Moments,
}

/// One component of the baseline prior.
#[derive(Debug, Clone)]
struct Part {
    share: f64,
    baseline: LocationComponent,
    /// Log odds in the control arm.
    control: LogTable,
    /// Log odds in the active arm.
    active: LogTable,
    /// θ given the outer arm's log odds, for each node of its table.
    theta: Vec<LogTable>,
}

/// A function of the two risks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RiskMeasure {
    /// The baseline α, on the log odds scale.
    Baseline,
    Control,
    Active,
    Difference,
    Ratio,
    /// The control arm's share of patients with the event (or without it) over the active arm's share with it (or without).
    Shares {
        control_event: bool,
        active_event: bool,
    },
}

/// Mean and sd of each measure, and of the scale on which its quantiles are searched.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    baseline: (f64, f64),
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
        baseline: &Baseline,
        prediction: LogInterpolant,
        theta: Peak,
        resolution: Resolution,
    ) -> RiskPosterior {
        let outer = better_known(&counts);
        let mut parts: Vec<Part> = baseline
            .prior
            .components()
            .into_iter()
            .map(|component| {
                let known = Known {
                    counts: &counts,
                    baseline: component,
                    baseline_of: baseline.of,
                    prediction: &prediction,
                    theta,
                };
                let (table, theta) = known.tables(outer, resolution);
                let (control, active) = match outer {
                    OuterArm::Control => (table, known.margin(OuterArm::Active, resolution)),
                    OuterArm::Active => (known.margin(OuterArm::Control, resolution), table),
                };
                Part { share: 0.0, baseline: component, control, active, theta }
            })
            .collect();
        let masses: Vec<f64> = parts.iter().map(|p| p.outer(outer).log_mass).collect();
        let total = log_sum_exp(&masses);
        for part in &mut parts {
            part.share = libm::exp(part.outer(outer).log_mass - total);
        }
        parts.retain(|p| p.share > NEGLIGIBLE);
        let moments = moments(outer, baseline.of, &parts);
        RiskPosterior { counts, baseline_of: baseline.of, prediction, theta, resolution, outer, parts, moments }
    }

    /// The distribution of a function of the risks.
    pub fn distribution(&self, measure: RiskMeasure) -> RiskDistribution<'_> {
        RiskDistribution { joint: self, measure }
    }

    /// Mean and sd of the logarithm of one arm's share over the other's.
    fn log_ratio_of_shares(&self, control_event: bool, active_event: bool) -> (f64, f64) {
        let log_share = |event: bool, log_odds: f64| log_expit(if event { log_odds } else { -log_odds });
        let [spread] = node_moments(self.outer, &self.parts, |alpha, beta| {
            [log_share(control_event, alpha) - log_share(active_event, beta)]
        });
        spread
    }
}

impl Part {
    fn outer(&self, outer: OuterArm) -> &LogTable {
        match outer {
            OuterArm::Control => &self.control,
            OuterArm::Active => &self.active,
        }
    }
}

/// One pass over all nodes: mean and sd of several functions of both arms' log odds.
fn node_moments<const N: usize>(
    outer: OuterArm,
    parts: &[Part],
    values: impl Fn(f64, f64) -> [f64; N],
) -> [(f64, f64); N] {
    let mut first = [0.0; N];
    let mut second = [0.0; N];
    for part in parts {
        let table = part.outer(outer);
        let nodes = table.grid.x.iter().zip(&table.mass).zip(&part.theta);
        for ((&x, &mass), theta) in nodes.filter(|((_, mass), _)| **mass > NEGLIGIBLE) {
            for (&t, &m) in theta.grid.x.iter().zip(&theta.mass).filter(|(_, m)| **m > NEGLIGIBLE) {
                let (alpha, beta) = outer.log_odds(x, t);
                let weight = part.share * mass * m;
                for ((a, b), value) in first.iter_mut().zip(&mut second).zip(values(alpha, beta)) {
                    *a += weight * value;
                    *b += weight * value * value;
                }
            }
        }
    }
    std::array::from_fn(|i| (first[i], libm::sqrt((second[i] - first[i] * first[i]).max(0.0))))
}

fn moments(outer: OuterArm, baseline_of: BaselineOf, parts: &[Part]) -> Moments {
    let share = baseline_of.control_share();
    let [baseline, log_odds_control, log_odds_active, control, active, difference, log_ratio] =
        node_moments(outer, parts, |x0, x1| {
            let (p0, p1) = (logistic(x0), logistic(x1));
            [x0 + share * (x1 - x0), x0, x1, p0, p1, p1 - p0, log_expit(x1) - log_expit(x0)]
        });
    Moments { baseline, log_odds_control, log_odds_active, control, active, difference, log_ratio }
}

/// One [`RiskMeasure`] of a [`RiskPosterior`].
#[derive(Debug, Clone, Copy)]
pub struct RiskDistribution<'a> {
    joint: &'a RiskPosterior,
    measure: RiskMeasure,
}

impl RiskDistribution<'_> {
    fn margin_cdf(&self, table: impl Fn(&Part) -> &LogTable, log_odds: f64) -> f64 {
        self.joint.parts.iter().map(|p| p.share * table(p).cdf(log_odds)).sum()
    }

    /// P(θ ≤ bound) under one component, for bounds that are steep, or infinite inside the grid.
    fn adaptively(&self, part: &Part, contrast: Contrast) -> f64 {
        let joint = self.joint;
        let outer = joint.outer;
        let table = part.outer(outer);
        let (low, high) = contrast.reach(outer);
        let seen = Peak { centre: table.mean(), sd: table.sd() };
        let known = Known {
            counts: &joint.counts,
            baseline: part.baseline,
            baseline_of: joint.baseline_of,
            prediction: &joint.prediction,
            theta: joint.theta,
        };
        let inside =
            known.probability_between(outer, (low, high), seen, table.log_mass, joint.resolution, |v| {
                contrast.bound_within_reach(outer, v)
            });
        // Beyond an end the bound is infinite, plus or minus by the side and the arm.
        let certain = |log_odds: f64| contrast.bound(outer, log_odds) > 0.0;
        let below = if low > 0.0 && certain(-800.0) { table.cdf(log_odds_of(low)) } else { 0.0 };
        let above = if high < 1.0 && certain(800.0) { 1.0 - table.cdf(log_odds_of(high)) } else { 0.0 };
        inside + below + above
    }

    fn contrast_cdf(&self, contrast: Contrast) -> f64 {
        let outer = self.joint.outer;
        let mut total = 0.0;
        for part in &self.joint.parts {
            let table = part.outer(outer);
            // Every node, and every other one: where the two agree the sum has converged.
            let mut sums = [0.0; 2];
            let nodes = table.grid.x.iter().zip(&table.mass).zip(&part.theta);
            for (i, ((&x, &mass), theta)) in nodes.enumerate().filter(|(_, ((_, m), _))| **m > NEGLIGIBLE) {
                sums[i % 2] += mass * theta.cdf(contrast.bound(outer, x));
            }
            let (low, high) = contrast.reach(outer);
            let beyond = |p: f64, below: bool| {
                let below_p = table.cdf(log_odds_of(p));
                if below { below_p } else { 1.0 - below_p }
            };
            let near_an_end = (low > 0.0 && beyond(low, true) > OUT_OF_REACH)
                || (high < 1.0 && beyond(high, false) > OUT_OF_REACH);
            let tolerance = if near_an_end { SETTLED_NEAR_AN_END } else { SETTLED };
            let settled = (sums[0] - sums[1]).abs() <= tolerance;
            total += part.share * if settled { sums[0] + sums[1] } else { self.adaptively(part, contrast) };
        }
        let rises = contrast.rises_with_effect(outer);
        (if rises { total } else { 1.0 - total }).clamp(0.0, 1.0)
    }
}

impl Distribution for RiskDistribution<'_> {
    fn cdf(&self, x: f64) -> f64 {
        match self.measure {
            RiskMeasure::Baseline => match self.joint.baseline_of {
                BaselineOf::Control => self.margin_cdf(|p| &p.control, x),
                BaselineOf::Arms => {
                    let share = BaselineOf::Arms.control_share();
                    self.contrast_cdf(Contrast::Baseline { value: x, share })
                }
            },
            RiskMeasure::Control => self.margin_cdf(|p| &p.control, log_odds_of(x)),
            RiskMeasure::Active => self.margin_cdf(|p| &p.active, log_odds_of(x)),
            RiskMeasure::Difference if x <= -1.0 => 0.0,
            RiskMeasure::Difference if x >= 1.0 => 1.0,
            RiskMeasure::Difference => self.contrast_cdf(Contrast::Difference(x)),
            RiskMeasure::Ratio | RiskMeasure::Shares { .. } if x <= 0.0 => 0.0,
            RiskMeasure::Ratio => self.contrast_cdf(Contrast::Ratio(x)),
            RiskMeasure::Shares { control_event, active_event } => {
                self.contrast_cdf(Contrast::Shares { ratio: x, control_event, active_event })
            }
        }
    }

    fn quantile(&self, p: f64) -> f64 {
        // Each measure is searched in a coordinate in which it has no bounds nearby.
        const FAR: (f64, f64) = (-700.0, 700.0);
        let moments = &self.joint.moments;
        let search = |spread: (f64, f64), range, cdf: &dyn Fn(f64) -> f64| {
            invert_distribution(p, (spread.0, spread.1.max(1e-300)), range, cdf)
        };
        match self.measure {
            RiskMeasure::Baseline => search(moments.baseline, FAR, &|x| self.cdf(x)),
            RiskMeasure::Control => {
                logistic(search(moments.log_odds_control, FAR, &|x| self.margin_cdf(|p| &p.control, x)))
            }
            RiskMeasure::Active => {
                logistic(search(moments.log_odds_active, FAR, &|x| self.margin_cdf(|p| &p.active, x)))
            }
            RiskMeasure::Difference => search(moments.difference, (-1.0, 1.0), &|x| self.cdf(x)),
            RiskMeasure::Ratio => libm::exp(search(moments.log_ratio, FAR, &|x| self.cdf(libm::exp(x)))),
            RiskMeasure::Shares { control_event, active_event } => {
                let spread = self.joint.log_ratio_of_shares(control_event, active_event);
                libm::exp(search(spread, FAR, &|x| self.cdf(libm::exp(x))))
            }
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
    /// None for ratios, which are summarised by quantiles alone.
    fn moments(&self) -> Option<(f64, f64)> {
        let moments = &self.joint.moments;
        match self.measure {
            RiskMeasure::Baseline => Some(moments.baseline),
            RiskMeasure::Control => Some(moments.control),
            RiskMeasure::Active => Some(moments.active),
            RiskMeasure::Difference => Some(moments.difference),
            RiskMeasure::Ratio | RiskMeasure::Shares { .. } => None,
        }
    }
}
