//! Risks in the two arms of one subgroup, their difference and ratio.
//!
//! A risk difference below δ is θ below a bound that depends on one arm's log odds; its probability is one value of the
//! distribution function of θ given them, summed over their grid. Where the bound is steep, or runs to infinity inside the
//! grid (a control risk within δ of 0 or 1), that sum does not settle, and the integral is made adaptively.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Distribution;
use super::Resolution;
use super::contrast::{Contrast, log_odds_of};
use super::effect_likelihood::Baseline;
use super::joint::{Known, OuterArm, better_known};
use crate::model::{BaselineOf, BinomialPair, LocationComponent, Side};
use crate::numeric::{
    Cumulative, LogInterpolant, LogTable, Peak, Placement, integrate, invert_distribution,
    invert_distribution_to, log_expit, log_sum_exp, logistic,
};
use crate::parallel;
use crate::study::Measure;

/// Nodes with less than this share of the posterior are left out of sums.
const NEGLIGIBLE: f64 = 1e-14;

/// A sum over even nodes and one over odd nodes may differ by this: for a smooth integrand their total then errs by less
/// than its square.
const SETTLED: f64 = 1e-5;

/// The same where the bound runs to infinity inside the grid, which is not smooth.
const SETTLED_NEAR_AN_END: f64 = 3e-7;

/// Less probability than this beyond such an end is no concern.
const OUT_OF_REACH: f64 = 1e-8;

/// How far an adaptive integral may be off, and how many panels it may have.
const ADAPTIVE: f64 = 1e-7;
const MOST_PANELS: usize = 160;

/// Nodes of all tables that one integral may ask: what needs more is not settled.
const MOST_WORK: usize = 600_000;

/// The part of a mass that may be missed.
const MISSED: f64 = 2e-5;

/// How near a contrast's quantile is searched, in probability.
const NEAR: f64 = 1e-10;

/// The joint posterior of the two risks of one subgroup.
#[derive(Debug)]
pub struct RiskPosterior {
    counts: BinomialPair,
    baseline_of: BaselineOf,
    prediction: LogInterpolant,
    theta: Peak,
    resolution: Resolution,
    outer: OuterArm,
    parts: Vec<Part>,
    moments: Moments,
    /// The grids held the mass that they must: that of the outer arm with θ, and that of the other arm.
    settled: bool,
    other_settled: bool,
}

/// One component of the baseline prior.
#[derive(Debug)]
struct Part {
    share: f64,
    baseline: LocationComponent,
    /// Log odds in the control arm.
    control: LogTable,
    /// Log odds in the active arm.
    active: LogTable,
    /// θ given the outer arm's log odds, for each node of its table.
    theta: Vec<LogTable>,
    /// The outer arm's log density between its nodes.
    density: LogInterpolant,
    /// θ given log odds between the nodes, where it was asked for.
    between: Mutex<HashMap<u64, Arc<Cumulative>>>,
}

/// A function of the risks in both arms of one subgroup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RiskMeasure {
    /// The baseline α, in log odds.
    Baseline,
    /// The risk in the control arm.
    Control,
    /// The risk in the active arm.
    Active,
    /// The risk difference, active minus control.
    Difference,
    /// The risk ratio, active over control.
    Ratio,
    /// The control arm's proportion of patients with the event (or without it) over the active arm's proportion with
    /// it (or without it).
    Shares {
        /// Whether the control arm's proportion is that with the event.
        control_event: bool,
        /// Whether the active arm's proportion is that with the event.
        active_event: bool,
    },
}

impl RiskMeasure {
    /// The function of the risks that this measure is; none for measures of anything else.
    pub fn of(measure: Measure) -> Option<RiskMeasure> {
        match measure {
            Measure::RiskControl => Some(RiskMeasure::Control),
            Measure::RiskActive => Some(RiskMeasure::Active),
            Measure::RiskDifference => Some(RiskMeasure::Difference),
            Measure::RiskRatio => Some(RiskMeasure::Ratio),
            _ => None,
        }
    }
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
    /// `prediction` is the log density of θ before this subgroup's data, `theta` where its posterior lies, `log_total` the
    /// mass of both together.
    pub fn new(
        counts: BinomialPair,
        baseline: &Baseline,
        prediction: LogInterpolant,
        (theta, log_total): (Peak, f64),
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
                let ((table, theta), other) = parallel::join(
                    || known.tables(outer, resolution),
                    || known.margin(outer.other(), resolution),
                );
                let density = LogInterpolant::new(&table.grid, &table.log_density);
                let (control, active) = match outer {
                    OuterArm::Control => (table, other),
                    OuterArm::Active => (other, table),
                };
                let between = Mutex::default();
                Part { share: 0.0, baseline: component, control, active, theta, density, between }
            })
            .collect();
        let total_of = |table: fn(&Part) -> &LogTable| {
            let mass = |p: &Part| table(p).log_mass + p.baseline.log_constant();
            log_sum_exp(&parts.iter().map(mass).collect::<Vec<f64>>())
        };
        let (of_control, of_active) = (total_of(|p| &p.control), total_of(|p| &p.active));
        let [total, other] = match outer {
            OuterArm::Control => [of_control, of_active],
            OuterArm::Active => [of_active, of_control],
        };
        for part in &mut parts {
            part.share = libm::exp(part.outer(outer).log_mass + part.baseline.log_constant() - total);
        }
        parts.retain(|p| p.share > NEGLIGIBLE);
        let moments = moments(outer, baseline.of, &parts);
        let holds = |mass: f64| (mass - log_total).abs() < MISSED;
        RiskPosterior {
            counts,
            baseline_of: baseline.of,
            prediction,
            theta,
            resolution,
            outer,
            parts,
            moments,
            settled: holds(total),
            other_settled: holds(other),
        }
    }

    /// The distribution of a function of the risks.
    pub fn distribution(&self, measure: RiskMeasure) -> RiskDistribution<'_> {
        RiskDistribution { joint: self, measure, lost: AtomicBool::new(false) }
    }

    /// One arm's log odds as nodes with weights that sum to 1; none where the integral is not proven.
    pub fn log_odds(&self, side: Side) -> Option<Vec<(f64, f64)>> {
        let is_outer = (side == Side::Control) == (self.outer == OuterArm::Control);
        if !(if is_outer { self.settled } else { self.other_settled }) {
            return None;
        }
        let of_part = |part: &Part| {
            let table = if side == Side::Control { &part.control } else { &part.active };
            let nodes = table.grid.x.iter().zip(&table.mass).filter(|(_, mass)| **mass > NEGLIGIBLE);
            nodes.map(|(x, mass)| (*x, part.share * mass)).collect::<Vec<_>>()
        };
        Some(self.parts.iter().flat_map(of_part).collect())
    }

    /// θ given the outer arm's log odds, which lie between the nodes of its table.
    fn theta_between(&self, part: &Part, x: f64) -> Arc<Cumulative> {
        const MOST_KEPT: usize = 4096;
        let key = x.to_bits();
        let kept = || part.between.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = kept().get(&key) {
            return found.clone();
        }
        let nodes = &part.outer(self.outer).grid.x;
        let nearest = nodes.partition_point(|&node| node < x).min(nodes.len() - 1);
        // From the nearest node on, so that the table is the same whatever was asked before.
        let mut start = part.theta[nearest].grid.centre;
        let known = Known {
            counts: &self.counts,
            baseline: part.baseline,
            baseline_of: self.baseline_of,
            prediction: &self.prediction,
            theta: self.theta,
        };
        let placement = Placement { tolerance: 1e-6, ..self.resolution.density() };
        let outer = part.outer(self.outer);
        let share = |_| {
            let density = libm::exp(part.density.at(x) - outer.log_mass);
            density * libm::hypot(x - outer.grid.centre, outer.grid.scale)
        };
        let table = known.theta_given(self.outer, x, &mut start, placement, share);
        let table = Arc::new(table.into_cumulative());
        let mut kept = kept();
        if kept.len() < MOST_KEPT {
            kept.insert(key, table.clone());
        }
        table
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

/// Where an adaptive integral over a table is divided to begin with, in positions among its nodes: at quantiles, so that no
/// panel holds the bulk in a corner.
fn first_edges(mass: &[f64]) -> Vec<f64> {
    const AT: [f64; 9] = [1e-6, 1e-3, 0.03, 0.2, 0.5, 0.8, 0.97, 0.999, 0.999_999];
    let counts = |m: &f64| *m > NEGLIGIBLE;
    let (Some(first), Some(last)) = (mass.iter().position(counts), mass.iter().rposition(counts)) else {
        return Vec::new();
    };
    let mut edges = vec![first];
    let mut below = 0.0;
    for (node, m) in mass.iter().enumerate() {
        if AT.iter().any(|share| (below..below + m).contains(share)) {
            edges.push(node);
        }
        below += m;
    }
    edges.push(last);
    edges.dedup();
    edges.into_iter().map(|node| node as f64).collect()
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
#[derive(Debug)]
pub struct RiskDistribution<'a> {
    joint: &'a RiskPosterior,
    measure: RiskMeasure,
    /// An integral that was asked for did not settle.
    lost: AtomicBool,
}

impl RiskDistribution<'_> {
    fn margin_cdf(&self, table: impl Fn(&Part) -> &LogTable, log_odds: f64) -> f64 {
        self.joint.parts.iter().map(|p| p.share * table(p).cdf(log_odds)).sum()
    }

    /// P(θ ≤ bound) under one component, for bounds that are steep, or infinite inside the grid.
    fn adaptively(&self, part: &Part, contrast: Contrast) -> f64 {
        if self.lost.load(Ordering::Relaxed) {
            return f64::NAN;
        }
        let outer = self.joint.outer;
        let table = part.outer(outer);
        let grid = &table.grid;
        // In the grid's own coordinate the density is as wide as it is anywhere, whatever its tails.
        let mut edges = first_edges(&table.mass);
        let (Some(&start), Some(&end)) = (edges.first(), edges.last()) else { return f64::NAN };
        let (low, high) = contrast.reach(outer);
        let turns = [(log_odds_of(low), 1.0), (log_odds_of(high), -1.0)];
        let inside = |x: &f64| (start..end).contains(&grid.position(*x)) && grid.position(*x) > start;
        for (at, inward) in turns.into_iter().filter(|(x, _)| inside(x)) {
            let theta = self.joint.theta_between(part, at);
            let rises = contrast.rises(outer, (at, inward), |bound| theta.cdf(bound)).filter(inside);
            edges.extend(std::iter::once(at).chain(rises).map(|x| grid.position(x)));
        }
        edges.sort_by(f64::total_cmp);
        let mut work = 0;
        let mut below = |x: f64| {
            let bound = contrast.bound(outer, x);
            if bound == f64::INFINITY {
                1.0
            } else if bound == f64::NEG_INFINITY {
                0.0
            } else if work > MOST_WORK {
                f64::NAN
            } else {
                let theta = self.joint.theta_between(part, x);
                work += theta.nodes();
                theta.cdf(bound)
            }
        };
        let at = |position: f64| {
            let x = grid.at_position(position);
            let density = grid.spacing(x) * libm::exp(part.density.at(x) - table.log_mass);
            [density * below(x), density]
        };
        let mass = |a: f64, b: f64| table.cdf(grid.at_position(b)) - table.cdf(grid.at_position(a));
        let found = integrate(&edges, ADAPTIVE, MOST_PANELS, at, mass);
        if !found.settled {
            self.lost.store(true, Ordering::Relaxed);
            return f64::NAN;
        }
        found.value
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
        // A contrast's distribution function is an integral of its own at every value.
        let search_near = |spread: (f64, f64), range, cdf: &dyn Fn(f64) -> f64| {
            invert_distribution_to(NEAR, p, (spread.0, spread.1.max(1e-300)), range, cdf)
        };
        match self.measure {
            RiskMeasure::Baseline => search_near(moments.baseline, FAR, &|x| self.cdf(x)),
            RiskMeasure::Control => {
                logistic(search(moments.log_odds_control, FAR, &|x| self.margin_cdf(|p| &p.control, x)))
            }
            RiskMeasure::Active => {
                logistic(search(moments.log_odds_active, FAR, &|x| self.margin_cdf(|p| &p.active, x)))
            }
            RiskMeasure::Difference => search_near(moments.difference, (-1.0, 1.0), &|x| self.cdf(x)),
            RiskMeasure::Ratio => libm::exp(search_near(moments.log_ratio, FAR, &|x| self.cdf(libm::exp(x)))),
            RiskMeasure::Shares { control_event, active_event } => {
                let spread = self.joint.log_ratio_of_shares(control_event, active_event);
                libm::exp(search_near(spread, FAR, &|x| self.cdf(libm::exp(x))))
            }
        }
    }

    fn mean(&self) -> Option<f64> {
        self.moments().map(|m| m.0)
    }

    fn sd(&self) -> Option<f64> {
        self.moments().map(|m| m.1)
    }

    fn is_settled(&self) -> bool {
        let joint = self.joint;
        let of_outer = match (self.measure, joint.outer, joint.baseline_of) {
            (RiskMeasure::Baseline, _, BaselineOf::Arms) => true,
            (RiskMeasure::Control | RiskMeasure::Baseline, outer, _) => outer == OuterArm::Control,
            (RiskMeasure::Active, outer, _) => outer == OuterArm::Active,
            _ => true,
        };
        let held = if of_outer { joint.settled } else { joint.other_settled };
        held && !self.lost.load(Ordering::Relaxed)
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
