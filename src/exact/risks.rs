//! Risks in the two arms of one subgroup, their difference and ratio.
//!
//! A risk difference below δ is θ below a bound that depends on one arm's log odds; its probability is one value of the
//! distribution function of θ given them, summed over their grid. Where the bound runs to infinity inside the grid (a
//! control risk within δ of 0 or 1) the sum is made in a coordinate that has that point at infinity.

use super::Distribution;
use super::Resolution;
use super::joint::{Known, OuterArm, better_known, log_shares};
use crate::model::{BinomialPair, LocationComponent, LocationPrior};
use crate::numeric::{LogInterpolant, LogTable, Peak, invert_distribution, log_sum_exp, logistic, logit};

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
        prediction: LogInterpolant,
        theta: Peak,
        resolution: Resolution,
    ) -> RiskPosterior {
        let outer = better_known(&counts);
        let mut parts: Vec<Part> = baseline
            .components()
            .into_iter()
            .map(|baseline| {
                let known = Known { counts: &counts, baseline, prediction: &prediction, theta };
                let (table, theta) = known.tables(outer, resolution);
                let (control, active) = match outer {
                    OuterArm::Control => (table, known.margin(OuterArm::Active, resolution)),
                    OuterArm::Active => (known.margin(OuterArm::Control, resolution), table),
                };
                Part { share: 0.0, baseline, control, active, theta }
            })
            .collect();
        let masses: Vec<f64> = parts.iter().map(|p| p.outer(outer).log_mass).collect();
        let total = log_sum_exp(&masses);
        for part in &mut parts {
            part.share = libm::exp(part.outer(outer).log_mass - total);
        }
        parts.retain(|p| p.share > NEGLIGIBLE);
        let moments = moments(outer, &parts);
        RiskPosterior { counts, prediction, theta, resolution, outer, parts, moments }
    }

    /// The distribution of a function of the risks.
    pub fn distribution(&self, measure: RiskMeasure) -> RiskDistribution<'_> {
        RiskDistribution { joint: self, measure }
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

/// One pass over all nodes for the mean and sd of every measure.
fn moments(outer: OuterArm, parts: &[Part]) -> Moments {
    let mut first = [0.0; 6];
    let mut second = [0.0; 6];
    for part in parts {
        let table = part.outer(outer);
        let nodes = table.grid.x.iter().zip(&table.mass).zip(&part.theta);
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

/// A measure of both risks at one value, seen from the outer arm.
#[derive(Debug, Clone, Copy)]
enum Contrast {
    /// active − control ≤ value
    Difference(f64),
    /// active / control ≤ value
    Ratio(f64),
}

impl Contrast {
    /// The other arm's risk at which the measure has this value; may lie outside [0, 1].
    fn other_risk(self, outer: OuterArm, risk: f64) -> f64 {
        match (self, outer) {
            (Contrast::Difference(x), OuterArm::Control) => risk + x,
            (Contrast::Difference(x), OuterArm::Active) => risk - x,
            (Contrast::Ratio(x), OuterArm::Control) => risk * x,
            (Contrast::Ratio(x), OuterArm::Active) => risk / x,
        }
    }

    /// The outer arm's risks at which the other arm's lies in (0, 1).
    fn reach(self, outer: OuterArm) -> (f64, f64) {
        let shift = match (self, outer) {
            (Contrast::Difference(x), OuterArm::Control) => -x,
            (Contrast::Difference(x), OuterArm::Active) => x,
            (Contrast::Ratio(x), OuterArm::Control) => return (0.0, (1.0 / x).min(1.0)),
            (Contrast::Ratio(x), OuterArm::Active) => return (0.0, x.min(1.0)),
        };
        (shift.max(0.0), (1.0 + shift).min(1.0))
    }

    /// P(contrast ≤ value) is the probability that θ lies below this.
    fn bound(self, outer: OuterArm, log_odds: f64) -> f64 {
        let null = matches!(self, Contrast::Difference(0.0)) || matches!(self, Contrast::Ratio(1.0));
        if null {
            return 0.0;
        }
        let other = log_odds_of(self.other_risk(outer, logistic(log_odds)));
        match outer {
            OuterArm::Control => other - log_odds,
            OuterArm::Active => log_odds - other,
        }
    }

    /// As [`Contrast::bound`], from the stretched coordinate v of the outer risk within its reach, where the other arm's
    /// risk near 0 or 1 keeps its digits.
    fn bound_within_reach(self, outer: OuterArm, v: f64) -> f64 {
        let (low, high) = self.reach(outer);
        let (log_risk, log_rest) = log_shares((low, high), v);
        let log_odds = log_risk - log_rest;
        // The other arm's risk runs over an interval of its own with the same share.
        let ends = [low, high].map(|end| self.other_risk(outer, end).clamp(0.0, 1.0));
        let (log_other, log_other_rest) = log_shares((ends[0], ends[1]), v);
        let other = log_other - log_other_rest;
        match outer {
            OuterArm::Control => other - log_odds,
            OuterArm::Active => log_odds - other,
        }
    }
}

impl RiskDistribution<'_> {
    fn margin_cdf(&self, table: impl Fn(&Part) -> &LogTable, log_odds: f64) -> f64 {
        self.joint.parts.iter().map(|p| p.share * table(p).cdf(log_odds)).sum()
    }

    /// P(contrast ≤ value) under one component, for bounds that are steep, or infinite inside the grid.
    fn adaptively(&self, part: &Part, contrast: Contrast) -> f64 {
        let joint = self.joint;
        let outer = joint.outer;
        let table = part.outer(outer);
        let (low, high) = contrast.reach(outer);
        let seen = Peak { centre: table.mean(), sd: table.sd() };
        let known = Known {
            counts: &joint.counts,
            baseline: part.baseline,
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
        total.clamp(0.0, 1.0)
    }
}

impl Distribution for RiskDistribution<'_> {
    fn cdf(&self, x: f64) -> f64 {
        match self.measure {
            RiskMeasure::LogOddsControl => self.margin_cdf(|p| &p.control, x),
            RiskMeasure::Control => self.margin_cdf(|p| &p.control, log_odds_of(x)),
            RiskMeasure::Active => self.margin_cdf(|p| &p.active, log_odds_of(x)),
            RiskMeasure::Difference if x <= -1.0 => 0.0,
            RiskMeasure::Difference if x >= 1.0 => 1.0,
            RiskMeasure::Difference => self.contrast_cdf(Contrast::Difference(x)),
            RiskMeasure::Ratio if x <= 0.0 => 0.0,
            RiskMeasure::Ratio => self.contrast_cdf(Contrast::Ratio(x)),
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
            RiskMeasure::LogOddsControl => search(moments.log_odds_control, FAR, &|x| self.cdf(x)),
            RiskMeasure::Control => {
                logistic(search(moments.log_odds_control, FAR, &|x| self.margin_cdf(|p| &p.control, x)))
            }
            RiskMeasure::Active => {
                logistic(search(moments.log_odds_active, FAR, &|x| self.margin_cdf(|p| &p.active, x)))
            }
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
