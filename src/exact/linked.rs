//! Risks beside an effect that was estimated from weighted patients.
//!
//! A subgroup's data are then an estimate of its effect θ and, given θ, a normal baseline α, the mean of both arms' log odds.
//! With h = θ/2 the risks are σ(α − h) and σ(α + h), so that their difference is sinh h / (cosh α + cosh h), and what it takes
//! to exceed a size is an interval of α that is known in closed form. A probability is then one integral over θ, by parts, of
//! P(θ beyond t). In the coordinate of the interval's end the integrand is smooth and falls off on both sides, so that evenly
//! spaced sums converge geometrically.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::distribution::Distribution;
use super::integrated::{Dynamic, Integrated, Pair};
use super::mixture::NormalMixture;
use super::risks::RiskMeasure;
use crate::numeric::{
    invert_distribution_to, log_expit, logistic, logit, normal_cdf, normal_log_density, normal_rule,
};
use crate::study::LinkedBaseline;

/// Nodes of θ's table on either side of its median.
const HALF: usize = 400;

/// The table reaches this far in its stretched coordinate, which is as many quartile widths as its hyperbolic sine.
const REACH: f64 = 6.0;

/// Nodes of one integral at most, and how far sums over even and odd ones may differ: their total errs by about the square of
/// that.
const MOST_NODES: usize = 20_000;
const SETTLED: f64 = 1e-4;

/// Standard deviations beyond which nothing is left of a normal.
const WIDE: f64 = 9.0;

/// How near a quantile is searched, in probability.
const NEAR: f64 = 1e-10;

/// The table has lost mass if less than 1 less this is in it.
const LOST: f64 = 1e-7;

/// A posterior of weighted effects, with the baselines beside them.
pub struct Linked {
    inner: Box<dyn Integrated>,
    /// Where each effect was estimated, and its baseline.
    links: Vec<(f64, LinkedBaseline)>,
}

impl Linked {
    pub fn new(inner: Box<dyn Integrated>, links: Vec<(f64, LinkedBaseline)>) -> Linked {
        Linked { inner, links }
    }
}

impl Integrated for Linked {
    fn mu(&self) -> Dynamic<'_> {
        self.inner.mu()
    }

    fn tau(&self) -> Option<&dyn Distribution> {
        self.inner.tau()
    }

    fn theta_new(&self) -> Dynamic<'_> {
        self.inner.theta_new()
    }

    fn theta(&self, g: usize) -> Box<dyn Distribution + '_> {
        self.inner.theta(g)
    }

    fn pair(&self, a: usize, b: usize) -> Pair<'_> {
        self.inner.pair(a, b)
    }

    fn risk(&self, g: usize, measure: RiskMeasure) -> Dynamic<'_> {
        let (estimate, baseline) = *self.links.get(g)?;
        let risks = LinkedRisks::new(&*self.inner.theta(g), (estimate, baseline));
        Some(Box::new(LinkedRisk { moments: OnceLock::new(), risks, measure, lost: AtomicBool::new(false) }))
    }

    fn stands_alone(&self, g: usize) -> Option<f64> {
        self.inner.stands_alone(g)
    }

    fn leave_one_out(&self, g: usize) -> Option<[Option<f64>; 4]> {
        self.inner.leave_one_out(g)
    }

    fn log_marginal_likelihood(&self) -> f64 {
        self.inner.log_marginal_likelihood()
    }

    fn is_shared(&self) -> bool {
        self.inner.is_shared()
    }
}

/// The central 95 % limits of the risk difference where nothing but an estimate of the effect is known, with this standard error:
/// they exclude no difference exactly where the effect's own limits do.
pub fn difference_limits(estimate: f64, se: f64, baseline: LinkedBaseline) -> [f64; 2] {
    let theta = NormalMixture { parts: vec![(1.0, estimate, se)], moment_limit: f64::INFINITY };
    let risks = LinkedRisks::new(&theta, (estimate, baseline));
    let (measure, moments, lost) = (RiskMeasure::Difference, OnceLock::new(), AtomicBool::new(false));
    let risk = LinkedRisk { moments, risks, measure, lost };
    [0.025, 0.975].map(|p| risk.quantile(p))
}

/// θ of one subgroup as a table, evenly spaced in z where θ = centre + unit · sinh z.
#[derive(Debug)]
struct Table {
    centre: f64,
    unit: f64,
    step: f64,
    /// P(θ below the node), and its slope in z.
    below: Vec<f64>,
    slope: Vec<f64>,
}

impl Table {
    fn of(theta: &dyn Distribution) -> Table {
        let centre = theta.quantile(0.5);
        let unit = 0.5 * (theta.quantile(0.75) - theta.quantile(0.25));
        let step = REACH / HALF as f64;
        let at = |i: usize| centre + unit * libm::sinh(step * (i as f64 - HALF as f64));
        let below: Vec<f64> = (0..=2 * HALF).map(|i| theta.cdf(at(i))).collect();
        let value = |i: isize| below[i.clamp(0, 2 * HALF as isize) as usize];
        // Five points: the error is the step to the fourth power.
        let slope = |i: usize| {
            let i = i as isize;
            (8.0 * (value(i + 1) - value(i - 1)) - (value(i + 2) - value(i - 2))) / (12.0 * step)
        };
        let slope = (0..=2 * HALF).map(slope).collect();
        Table { centre, unit, step, below, slope }
    }

    fn node(&self, i: usize) -> f64 {
        self.centre + self.unit * libm::sinh(self.step * (i as f64 - HALF as f64))
    }

    /// The share of θ at each node.
    fn mass(&self, i: usize) -> f64 {
        self.slope[i].max(0.0) * self.step
    }

    /// P(θ ≤ x), by cubics between the nodes.
    fn cdf(&self, x: f64) -> f64 {
        let z = libm::asinh((x - self.centre) / self.unit) / self.step + HALF as f64;
        if z <= 0.0 {
            return 0.0;
        }
        if z >= 2.0 * HALF as f64 {
            return 1.0;
        }
        let i = z as usize;
        let t = z - i as f64;
        let (a, b) = (self.below[i], self.below[i + 1]);
        let (da, db) = (self.slope[i] * self.step, self.slope[i + 1] * self.step);
        let rest = 1.0 - t;
        let value = a * rest * rest * (1.0 + 2.0 * t) + da * t * rest * rest + b * t * t * (3.0 - 2.0 * t)
            - db * t * t * rest;
        value.clamp(0.0, 1.0)
    }

    /// The largest and the smallest θ that matter.
    fn ends(&self) -> (f64, f64) {
        /// Less probability than this beyond an end is none.
        const NOTHING: f64 = 1e-14;
        let low = self.below.partition_point(|p| *p < NOTHING).saturating_sub(1);
        let high = self.below.partition_point(|p| *p < 1.0 - NOTHING).min(2 * HALF);
        (self.node(low), self.node(high))
    }
}

/// Both risks of one subgroup.
#[derive(Debug)]
struct LinkedRisks {
    theta: Table,
    estimate: f64,
    baseline: LinkedBaseline,
}

impl LinkedRisks {
    fn new(theta: &dyn Distribution, (estimate, baseline): (f64, LinkedBaseline)) -> LinkedRisks {
        // A baseline that is known is one of next to no spread.
        let baseline = LinkedBaseline { sd: baseline.sd.max(1e-9), ..baseline };
        LinkedRisks { theta: Table::of(theta), estimate, baseline }
    }

    /// The mean of α given θ.
    fn mean(&self, theta: f64) -> f64 {
        self.baseline.mean + self.baseline.slope * (theta - self.estimate)
    }

    fn has_mass(&self) -> bool {
        let all: f64 = (0..=2 * HALF).map(|i| self.theta.mass(i)).sum();
        (all - 1.0).abs() < LOST
    }

    /// Mean and standard deviation, and of the scale on which quantiles are searched.
    fn moments(&self, measure: RiskMeasure) -> Moments {
        let (mut own, mut searched) = ([0.0; 2], [0.0; 2]);
        for i in 0..=2 * HALF {
            let mass = self.theta.mass(i);
            if mass < 1e-14 {
                continue;
            }
            let theta = self.theta.node(i);
            let mean = self.mean(theta);
            for (x, w) in normal_rule() {
                let alpha = mean + self.baseline.sd * x;
                let (value, scale) = values(measure, alpha, 0.5 * theta);
                let weight = mass * w;
                own = [own[0] + weight * value, own[1] + weight * value * value];
                searched = [searched[0] + weight * scale, searched[1] + weight * scale * scale];
            }
        }
        let of = |[first, second]: [f64; 2]| (first, libm::sqrt((second - first * first).max(0.0)));
        Moments { own: of(own), searched: of(searched) }
    }

    /// P(α ≤ x(θ)), for x that is smooth in θ.
    fn baseline_below(&self, x: impl Fn(f64) -> f64) -> f64 {
        let each = (0..=2 * HALF).map(|i| {
            let theta = self.theta.node(i);
            self.theta.mass(i) * normal_cdf((x(theta) - self.mean(theta)) / self.baseline.sd)
        });
        each.sum()
    }

    /// P(ratio of risks ≤ x), active over control arm.
    fn ratio_below(&self, x: f64) -> (f64, bool) {
        if x <= 0.0 {
            (0.0, true)
        } else if x == 1.0 {
            (self.theta.cdf(0.0), true)
        } else if x > 1.0 {
            let (beyond, settled) = self.ratio_beyond(1.0, x);
            (1.0 - beyond, settled)
        } else {
            self.ratio_beyond(-1.0, 1.0 / x)
        }
    }

    /// The same patients with those without the event as those with it.
    fn turned(&self) -> LinkedRisks {
        let below = self.theta.below.iter().rev().map(|p| 1.0 - p).collect();
        let slope = self.theta.slope.iter().rev().copied().collect();
        LinkedRisks {
            theta: Table { centre: -self.theta.centre, below, slope, ..self.theta },
            estimate: -self.estimate,
            baseline: LinkedBaseline { mean: -self.baseline.mean, ..self.baseline },
        }
    }

    /// P(the control arm's share over the active arm's ≤ x).
    fn shares_below(&self, control_event: bool, active_event: bool, x: f64) -> (f64, bool) {
        // σ(α − h) / σ(−α − h) = x: where α is.
        let crossing = |theta: f64| {
            let up = libm::exp(0.5 * theta);
            let root = libm::sqrt((1.0 - x) * (1.0 - x) + 4.0 * x * up * up);
            // Of the two forms the one without a difference of like numbers.
            let k = if x >= 1.0 { (x - 1.0 + root) / (2.0 * up) } else { 2.0 * x * up / (root + 1.0 - x) };
            libm::log(k)
        };
        match (control_event, active_event) {
            _ if x <= 0.0 => (0.0, true),
            (true, true) => {
                let (below, settled) = self.ratio_below(1.0 / x);
                (1.0 - below, settled)
            }
            (false, false) => self.turned().shares_below(true, true, x),
            (true, false) => (self.baseline_below(crossing), true),
            (false, true) => self.turned().shares_below(true, false, x),
        }
    }

    /// P(θ beyond t) on the side of `sign`, and the mean of α there.
    fn side(&self, sign: f64, t: f64) -> (f64, f64) {
        let beyond = if sign > 0.0 { 1.0 - self.theta.cdf(t) } else { self.theta.cdf(-t) };
        (beyond, self.mean(sign * t))
    }

    /// How far t reaches on the side of `sign`.
    fn far(&self, sign: f64) -> f64 {
        let (low, high) = self.theta.ends();
        if sign > 0.0 { high } else { -low }
    }

    /// P(difference of risks > size) for a size above 0, where effects are turned by `sign`; whether the sum has settled. The
    /// difference exceeds it where |α| < A, cosh A = sinh h / size − cosh h.
    fn difference_beyond(&self, sign: f64, size: f64) -> (f64, bool) {
        if size >= 1.0 {
            return (0.0, true);
        }
        let h = 0.5 * self.far(sign);
        let most = libm::sinh(h) / size - libm::cosh(h);
        if most <= 1.0 {
            return (0.0, true);
        }
        let at = |edge: f64| {
            let scaled = size * libm::cosh(edge);
            let root = libm::sqrt(scaled * scaled + (1.0 - size) * (1.0 + size));
            Edge {
                t: 2.0 * libm::log((scaled + root) / (1.0 - size)),
                slope: 2.0 * size * libm::sinh(edge) / root,
            }
        };
        let most = libm::acosh(most);
        self.beyond(sign, (-most, most), at)
    }

    /// P(ratio of risks > ratio) for a ratio above 1, where arms are exchanged for `sign` below 0. The ratio exceeds it where α is
    /// below the logarithm of (e^h − ratio · e^−h) / (ratio − 1).
    fn ratio_beyond(&self, sign: f64, ratio: f64) -> (f64, bool) {
        let h = 0.5 * self.far(sign);
        let most = libm::exp(h) - ratio * libm::exp(-h);
        if most <= 0.0 {
            return (0.0, true);
        }
        let more = ratio - 1.0;
        let at = |edge: f64| {
            let scaled = more * libm::exp(edge);
            let root = libm::sqrt(scaled * scaled + 4.0 * ratio);
            Edge { t: 2.0 * libm::log(0.5 * (scaled + root)), slope: 2.0 * scaled / root }
        };
        let most = libm::log(most / more);
        // Far below all of α nothing is left.
        let least = self.mean(sign * libm::log(ratio)) - WIDE * self.baseline.sd;
        self.beyond(sign, (least.min(most - 1.0), most), at)
    }

    /// ∫ P(θ beyond t) dP(α below its edge): over the edge, on which t and the mean of α depend smoothly. `at` says where.
    fn beyond(&self, sign: f64, (low, high): (f64, f64), at: impl Fn(f64) -> Edge) -> (f64, bool) {
        let (sd, slope) = (self.baseline.sd, sign * self.baseline.slope);
        let z = |edge: f64| (edge - self.mean(sign * at(edge).t)) / sd;
        // Where z rises throughout, what lies within reach of it is all there is.
        let (low, high) = if slope.abs() < 0.45 {
            (within(low, high, |e| z(e) < -WIDE), within(low, high, |e| z(e) < WIDE))
        } else {
            (low, high)
        };
        let wanted = (high - low) / (0.25 * f64::min(sd, 0.5 * self.theta.unit));
        let nodes = (wanted.max(16.0) as usize).min(MOST_NODES);
        let step = (high - low) / nodes as f64;
        let mut sums = [0.0; 2];
        for j in 0..=nodes {
            let edge = low + step * j as f64;
            let Edge { t, slope: of_t } = at(edge);
            let (beyond, mean) = self.side(sign, t);
            if beyond > 0.0 {
                let density = libm::exp(normal_log_density(edge, mean, sd));
                sums[j % 2] += beyond * density * (1.0 - slope * of_t);
            }
        }
        let value = (sums[0] + sums[1]) * step;
        (value.clamp(0.0, 1.0), (sums[0] - sums[1]).abs() * step < SETTLED)
    }
}

/// The effect at which α's interval ends at a place, and how it changes with the place.
struct Edge {
    t: f64,
    slope: f64,
}

/// Where `below` turns from true to false, or the end that it does not turn before.
fn within(mut low: f64, mut high: f64, below: impl Fn(f64) -> bool) -> f64 {
    if !below(low) {
        return low;
    }
    if below(high) {
        return high;
    }
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        if below(middle) { low = middle } else { high = middle }
    }
    high
}

/// A measure's value, and its value on the scale on which quantiles are searched.
fn values(measure: RiskMeasure, alpha: f64, h: f64) -> (f64, f64) {
    let (control, active) = (alpha - h, alpha + h);
    match measure {
        RiskMeasure::Baseline => (alpha, alpha),
        RiskMeasure::Control => (logistic(control), control),
        RiskMeasure::Active => (logistic(active), active),
        RiskMeasure::Difference => {
            let difference = logistic(active) - logistic(control);
            (difference, difference)
        }
        RiskMeasure::Ratio => {
            let log = log_expit(active) - log_expit(control);
            (libm::exp(log), log)
        }
        RiskMeasure::Shares { control_event, active_event } => {
            let share = |log_odds: f64, event: bool| log_expit(if event { log_odds } else { -log_odds });
            let log = share(control, control_event) - share(active, active_event);
            (libm::exp(log), log)
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Moments {
    own: (f64, f64),
    searched: (f64, f64),
}

/// One measure of the risks.
struct LinkedRisk {
    risks: LinkedRisks,
    measure: RiskMeasure,
    /// Made when first asked for.
    moments: OnceLock<Moments>,
    /// A sum that was asked for has not settled.
    lost: AtomicBool,
}

impl LinkedRisk {
    fn moments(&self) -> &Moments {
        self.moments.get_or_init(|| self.risks.moments(self.measure))
    }

    /// Ratios are summarised by quantiles alone.
    fn has_moments(&self) -> bool {
        !matches!(self.measure, RiskMeasure::Ratio | RiskMeasure::Shares { .. })
    }

    fn told(&self, (value, settled): (f64, bool)) -> f64 {
        if !settled {
            self.lost.store(true, Ordering::Relaxed);
        }
        value
    }
}

impl Distribution for LinkedRisk {
    fn cdf(&self, x: f64) -> f64 {
        let r = &self.risks;
        match self.measure {
            RiskMeasure::Baseline => r.baseline_below(|_| x),
            RiskMeasure::Control | RiskMeasure::Active if x <= 0.0 => 0.0,
            RiskMeasure::Control | RiskMeasure::Active if x >= 1.0 => 1.0,
            RiskMeasure::Control => r.baseline_below(|theta| logit(x) + 0.5 * theta),
            RiskMeasure::Active => r.baseline_below(|theta| logit(x) - 0.5 * theta),
            RiskMeasure::Difference if x == 0.0 => r.theta.cdf(0.0),
            RiskMeasure::Difference if x > 0.0 => 1.0 - self.told(r.difference_beyond(1.0, x)),
            RiskMeasure::Difference => self.told(r.difference_beyond(-1.0, -x)),
            RiskMeasure::Ratio => self.told(r.ratio_below(x)),
            RiskMeasure::Shares { control_event, active_event } => {
                self.told(r.shares_below(control_event, active_event, x))
            }
        }
    }

    fn quantile(&self, p: f64) -> f64 {
        const FAR: (f64, f64) = (-700.0, 700.0);
        let (mean, sd) = self.moments().searched;
        let search = |range, cdf: &dyn Fn(f64) -> f64| {
            invert_distribution_to(NEAR, p, (mean, sd.max(1e-300)), range, cdf)
        };
        match self.measure {
            RiskMeasure::Baseline => search(FAR, &|x| self.cdf(x)),
            RiskMeasure::Control | RiskMeasure::Active => logistic(search(FAR, &|x| self.cdf(logistic(x)))),
            RiskMeasure::Difference => search((-1.0, 1.0), &|x| self.cdf(x)),
            RiskMeasure::Ratio | RiskMeasure::Shares { .. } => {
                libm::exp(search(FAR, &|x| self.cdf(libm::exp(x))))
            }
        }
    }

    fn mean(&self) -> Option<f64> {
        self.has_moments().then(|| self.moments().own.0)
    }

    fn sd(&self) -> Option<f64> {
        self.has_moments().then(|| self.moments().own.1)
    }

    fn is_settled(&self) -> bool {
        self.risks.has_mass() && !self.lost.load(Ordering::Relaxed)
    }
}
