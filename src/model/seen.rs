//! The log likelihood of what is asked for, given data that were seen through a bias: what is not known of the bias is
//! integrated out, one number at a time, each integral leaving a curve over one arm's log odds.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock};

use super::bias::{confounded, confounded_estimate, mix, unmix};
use super::likelihood::{Arm, Side};
use crate::numeric::{
    Grid, LogInterpolant, Peak, Placement, log_add_exp, log_sum_exp, normal_log_density, softplus, tabulate,
};
use crate::study::{Confounder, Missing, Nuisance, SubgroupBias};

/// Distances between nodes are this part of the curve's narrowest feature in its bulk, and grow with the distance from it.
const SPACING: f64 = 0.3;

/// Log odds beyond which a curve is continued with its slope.
const REACH: f64 = 40.0;

/// For the integrals over one unknown number: the error is about the square of the tolerance.
const INTEGRAL: Placement = Placement { step: 0.5, tolerance: 2e-5, at_least: 0.0 };

/// Two arms of one subgroup, seen through a bias.
#[derive(Debug)]
pub struct PairSeen {
    arms: [Arm; 2],
    bias: SubgroupBias,
    power: f64,
    /// Control arm, active arm; made when they are first asked for: a sampler never asks.
    views: [Arc<OnceLock<View>>; 2],
}

impl PartialEq for PairSeen {
    fn eq(&self, other: &PairSeen) -> bool {
        (&self.arms, &self.bias, self.power) == (&other.arms, &other.bias, other.power)
    }
}

impl PairSeen {
    pub fn new(arms: [Arm; 2], bias: SubgroupBias, power: f64) -> PairSeen {
        let views = [0, 1].map(|a| {
            let of_arm = SubgroupBias {
                missing: if a == 0 {
                    [bias.missing[0].clone(), None]
                } else {
                    [None, bias.missing[1].clone()]
                },
                ..if a == 0 { SubgroupBias::default() } else { bias.clone() }
            };
            known_view(arms[a], of_arm)
        });
        PairSeen { arms, bias, power, views }
    }

    pub fn bias(&self) -> &SubgroupBias {
        &self.bias
    }

    pub fn powered(&self, power: f64) -> PairSeen {
        PairSeen {
            arms: self.arms,
            bias: self.bias.clone(),
            power: self.power * power,
            views: self.views.clone(),
        }
    }

    fn view(&self, side: Side) -> &View {
        self.views[side as usize].get_or_init(|| {
            let plain = View::Plain(self.arms[side as usize]);
            let seen = plain.with_missing(self.bias.missing[side as usize].as_ref());
            match side {
                Side::Control => seen,
                Side::Active => {
                    seen.with_shift(self.bias.shift.as_ref()).with_confounder(self.bias.confounder.as_ref())
                }
            }
        })
    }

    pub fn log_likelihood(&self, side: Side, x: f64) -> f64 {
        self.power * self.view(side).at(x)
    }

    pub fn slope_and_curvature(&self, side: Side, x: f64) -> (f64, f64) {
        let (slope, curvature) = self.view(side).slope_and_curvature(x);
        (self.power * slope, self.power * curvature.max(0.0))
    }

    /// From the arm's own estimate and information.
    pub fn hint(&self, side: Side, (estimate, information): (f64, f64)) -> (f64, f64) {
        let mut hint = Hint { x: estimate, variance: 1.0 / information };
        if let Some(missing) = &self.bias.missing[side as usize] {
            hint.through_missing(missing);
        }
        if side == Side::Active {
            if let Some(shift) = &self.bias.shift {
                hint.through_shift(shift);
            }
            if let Some(confounder) = &self.bias.confounder {
                hint.through_confounder(confounder);
            }
        }
        (hint.x, 1.0 / hint.variance)
    }
}

/// An arm with all that stands before it: its view is the same wherever it is asked for.
struct KnownView {
    arm: Arm,
    bias: SubgroupBias,
    view: Arc<OnceLock<View>>,
}

/// The place of an arm's view: the one it has already, for studies are fitted again and again.
fn known_view(arm: Arm, bias: SubgroupBias) -> Arc<OnceLock<View>> {
    /// Most that are kept, the latest.
    const KEPT: usize = 512;
    static KNOWN: Mutex<VecDeque<KnownView>> = Mutex::new(VecDeque::new());
    let Ok(mut known) = KNOWN.lock() else { return Arc::new(OnceLock::new()) };
    if let Some(found) = known.iter().find(|k| k.arm == arm && k.bias == bias) {
        return found.view.clone();
    }
    if known.len() == KEPT {
        known.pop_front();
    }
    let view = Arc::new(OnceLock::new());
    known.push_back(KnownView { arm, bias, view: view.clone() });
    view
}

/// A published estimate, seen through a bias that is not normal.
#[derive(Debug)]
pub struct EstimateSeen {
    estimate: f64,
    se: f64,
    bias: SubgroupBias,
    power: f64,
    view: OnceLock<View>,
}

impl PartialEq for EstimateSeen {
    fn eq(&self, other: &EstimateSeen) -> bool {
        (self.estimate, self.se, &self.bias, self.power)
            == (other.estimate, other.se, &other.bias, other.power)
    }
}

impl EstimateSeen {
    pub fn new(estimate: f64, se: f64, bias: SubgroupBias, power: f64) -> EstimateSeen {
        EstimateSeen { estimate, se, bias, power, view: OnceLock::new() }
    }

    pub fn bias(&self) -> &SubgroupBias {
        &self.bias
    }

    pub fn powered(&self, power: f64) -> EstimateSeen {
        let new = EstimateSeen::new(self.estimate, self.se, self.bias.clone(), self.power * power);
        EstimateSeen { view: self.view.clone(), ..new }
    }

    pub fn log_likelihood(&self, theta: f64) -> f64 {
        let view = self.view.get_or_init(|| {
            View::Normal { estimate: self.estimate, se: self.se }
                .with_shift(self.bias.shift.as_ref())
                .with_confounded_estimate(self.bias.confounder.as_ref())
        });
        self.power * view.at(theta)
    }

    pub fn hint(&self, (estimate, information): (f64, f64)) -> (f64, f64) {
        let mut hint = Hint { x: estimate, variance: 1.0 / information };
        if let Some(shift) = &self.bias.shift {
            hint.through_shift(shift);
        }
        if let Some(Confounder { prevalence: [p0, p1], log_odds_ratio }) = &self.bias.confounder {
            let (p0, p1, ratio) = (p0.rough(), p1.rough(), log_odds_ratio.rough());
            let (bias, slopes) = confounded_estimate([p0.0, p1.0], ratio.0);
            hint.x -= bias;
            hint.widen(&slopes, &[p0.1, p1.1, ratio.1]);
        }
        (hint.x, 1.0 / hint.variance)
    }
}

/// A log likelihood, stage by stage from the data outward.
#[derive(Debug, Clone)]
enum View {
    Plain(Arm),
    Normal {
        estimate: f64,
        se: f64,
    },
    /// What is behind, at log odds that a known bias has moved.
    Moved(Box<View>, Move),
    /// Numbers that are not known are integrated out.
    Curve(Box<LogInterpolant>),
}

/// A known bias.
#[derive(Debug, Clone, Copy)]
enum Move {
    Missing { share: f64, shift: f64 },
    Shift(f64),
    Confounder { prevalence: [f64; 2], log_odds_ratio: f64 },
}

impl Move {
    /// The log odds that are seen, and their slope.
    fn apply(self, x: f64) -> (f64, f64) {
        match self {
            Move::Missing { share, shift } => {
                let seen = unmix(x, share, shift);
                (seen.value, seen.by_x)
            }
            Move::Shift(b) => (x + b, 1.0),
            Move::Confounder { prevalence, log_odds_ratio } => {
                let (seen, slopes) = confounded(x, prevalence, log_odds_ratio);
                (seen, slopes[0])
            }
        }
    }
}

impl View {
    fn at(&self, x: f64) -> f64 {
        match self {
            View::Plain(arm) => arm.log_likelihood(x),
            View::Normal { estimate, se } => normal_log_density(*estimate, x, *se),
            View::Moved(behind, how) => behind.at(how.apply(x).0),
            View::Curve(curve) => curve.at(x),
        }
    }

    fn slope_and_curvature(&self, x: f64) -> (f64, f64) {
        match self {
            View::Plain(arm) => arm.slope_and_curvature(x),
            View::Normal { estimate, se } => ((estimate - x) / (se * se), 1.0 / (se * se)),
            View::Moved(behind, how) => {
                let (seen, rate) = how.apply(x);
                let (slope, curvature) = behind.slope_and_curvature(seen);
                (slope * rate, curvature * rate * rate)
            }
            View::Curve(curve) => {
                let (_, slope, bend) = curve.with_derivatives(curve.nearest(x));
                (slope, if curve.covers(x) { -bend } else { 0.0 })
            }
        }
    }

    /// Where it lies, roughly: one-sided and empty arms by half an event. `None` where nothing was observed.
    fn peak(&self) -> Option<Peak> {
        match self {
            View::Plain(arm) => {
                let (x, information) = arm.hint();
                (arm.total > 0.0).then(|| Peak { centre: x, sd: 1.0 / libm::sqrt(information) })
            }
            View::Normal { estimate, se } => Some(Peak { centre: *estimate, sd: *se }),
            View::Moved(behind, how) => {
                let peak = behind.peak()?;
                // The point that is moved there, by Newton's method.
                let mut x = peak.centre;
                for _ in 0..20 {
                    let (seen, rate) = how.apply(x);
                    x -= ((seen - peak.centre) / rate).clamp(-2.0, 2.0);
                }
                let (_, rate) = how.apply(x);
                Some(Peak { centre: x, sd: peak.sd / rate })
            }
            View::Curve(curve) => {
                let mut x = curve.nearest(0.0);
                for _ in 0..100 {
                    let (_, slope, bend) = curve.with_derivatives(curve.nearest(x));
                    let step = (slope / (-bend).max(1e-6)).clamp(-2.0, 2.0);
                    x = curve.nearest(x + step);
                    if step.abs() < 1e-3 {
                        break;
                    }
                }
                let (_, _, bend) = curve.with_derivatives(x);
                Some(Peak { centre: x.clamp(-10.0, 10.0), sd: 1.0 / libm::sqrt((-bend).clamp(0.3, 1e8)) })
            }
        }
    }

    fn with_missing(self, missing: Option<&Missing>) -> View {
        let (Some(missing), Some(peak)) = (missing, self.peak()) else { return self };
        let share = crate::numeric::logit(missing.share);
        match missing.shift.known() {
            Some(shift) => View::Moved(Box::new(self), Move::Missing { share, shift }),
            None => {
                let mut inner = Integral::over(&missing.shift);
                tabulated(peak, missing.share * missing.shift.narrowest(), |x| {
                    inner.log_mean(|shift| self.at(unmix(x, share, shift).value))
                })
            }
        }
    }

    fn with_shift(self, shift: Option<&Nuisance>) -> View {
        let (Some(shift), Some(peak)) = (shift, self.peak()) else { return self };
        match shift.known() {
            Some(b) => View::Moved(Box::new(self), Move::Shift(b)),
            None => {
                let peak = Peak { centre: peak.centre - shift.rough().0, ..peak };
                let mut inner = Integral::over(shift);
                tabulated(peak, shift.narrowest(), |x| inner.log_mean(|b| self.at(x + b)))
            }
        }
    }

    /// With known prevalences and ratio the log odds are moved. Else, at every node of the ratio, the active arm's
    /// prevalence is integrated out over the log odds of patients without the confounder, which leaves a curve, and then
    /// the control arm's.
    fn with_confounder(self, confounder: Option<&Confounder>) -> View {
        let (Some(confounder), Some(peak)) = (confounder, self.peak()) else { return self };
        let Confounder { prevalence: [control, active], log_odds_ratio } = confounder;
        if let (Some(p0), Some(p1), Some(ratio)) = (control.known(), active.known(), log_odds_ratio.known()) {
            let how = Move::Confounder { prevalence: [p0, p1], log_odds_ratio: ratio };
            return View::Moved(Box::new(self), how);
        }
        let typical = Move::Confounder {
            prevalence: [control.rough().0, active.rough().0],
            log_odds_ratio: log_odds_ratio.rough().0,
        };
        let placed = View::Moved(Box::new(self.clone()), typical).peak().unwrap_or(peak);
        let at_ratio = |ratio: f64| -> View {
            let behind = match active.known() {
                Some(_) => None,
                None => {
                    let mut inner = Integral::over(active);
                    Some(tabulated(placed, 0.0, |u| inner.log_mean(|p1| self.at(mix(u, p1, ratio).value))))
                }
            };
            let without = |u: f64| match (&behind, active.known()) {
                (Some(curve), _) => curve.at(u),
                (None, Some(p1)) => self.at(mix(u, p1, ratio).value),
                (None, None) => f64::NAN,
            };
            let mut inner = Integral::over(control);
            tabulated(placed, 0.0, |x| inner.log_mean(|p0| without(unmix(x, p0, ratio).value)))
        };
        averaged(log_odds_ratio, placed, at_ratio)
    }

    /// The same for a published estimate, which the confounder moves whatever the effect.
    fn with_confounded_estimate(self, confounder: Option<&Confounder>) -> View {
        let (Some(confounder), Some(peak)) = (confounder, self.peak()) else { return self };
        let Confounder { prevalence: [control, active], log_odds_ratio } = confounder;
        if let (Some(p0), Some(p1), Some(ratio)) = (control.known(), active.known(), log_odds_ratio.known()) {
            let (bias, _) = confounded_estimate([p0, p1], ratio);
            return View::Moved(Box::new(self), Move::Shift(bias));
        }
        let typical = [control.rough().0, active.rough().0];
        let (bias, _) = confounded_estimate(typical, log_odds_ratio.rough().0);
        let placed = Peak { centre: peak.centre - bias, sd: peak.sd };
        let at_ratio = |ratio: f64| -> View {
            let side = |p: f64| confounded_estimate([-1e3, p], ratio).0;
            let mut inner = Integral::over(active);
            let behind = tabulated(placed, 0.0, |x| inner.log_mean(|p1| self.at(x + side(p1))));
            let mut inner = Integral::over(control);
            tabulated(placed, 0.0, |x| inner.log_mean(|p0| behind.at(x - side(p0))))
        };
        averaged(log_odds_ratio, placed, at_ratio)
    }
}

/// `log ∫ p(ratio) e^f(x; ratio)` over all x at once: an even rule over the prior, halved until that changes nothing.
fn averaged(ratio: &Nuisance, placed: Peak, at_ratio: impl Fn(f64) -> View) -> View {
    if let Some(known) = ratio.known() {
        return at_ratio(known);
    }
    /// Of the prior's sd on either side.
    const FAR: f64 = 7.2;
    const MOST_HALVINGS: usize = 4;
    let mut total: Option<Vec<f64>> = None;
    let grid = grid(placed, 0.0);
    for component in ratio.parts() {
        let (centre, sd) = component.rough();
        let node = |step: f64, j: i32| {
            let r = centre + step * f64::from(j);
            let weight = component.log_density(r) + libm::log(step);
            let view = at_ratio(r);
            grid.x.iter().map(|&x| weight + view.at(x)).collect::<Vec<f64>>()
        };
        let mut step = 1.2 * sd;
        let last = libm::ceil(FAR * sd / step) as i32;
        let sum = |terms: &[Vec<f64>]| -> Vec<f64> {
            (0..grid.x.len()).map(|i| log_sum_exp(&terms.iter().map(|t| t[i]).collect::<Vec<_>>())).collect()
        };
        let mut terms: Vec<Vec<f64>> = (-last..=last).map(|j| node(step, j)).collect();
        let mut found = sum(&terms);
        for _ in 0..MOST_HALVINGS {
            // The nodes between, and the old ones at half the weight.
            let half = 0.5 * step;
            let n = terms.len() as i32;
            let between: Vec<Vec<f64>> = (0..n - 1).map(|k| node(half, 2 * k + 1 - (n - 1))).collect();
            let mut finer = Vec::with_capacity(terms.len() + between.len());
            let mut between = between.into_iter();
            for mut old in terms {
                old.iter_mut().for_each(|f| *f -= std::f64::consts::LN_2);
                finer.push(old);
                finer.extend(between.next());
            }
            terms = finer;
            step = half;
            let better = sum(&terms);
            let high = better.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let change = found
                .iter()
                .zip(&better)
                .filter(|(_, b)| **b > high - 25.0)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f64::max);
            found = better;
            // The error of the finer rule is about the square of that.
            if change < 1e-5 {
                break;
            }
        }
        total = Some(match total {
            None => found,
            Some(sum) => sum.iter().zip(&found).map(|(a, b)| log_add_exp(*a, *b)).collect(),
        });
    }
    View::Curve(Box::new(LogInterpolant::new(&grid, &total.unwrap_or_default())))
}

/// The nodes of a curve whose bulk lies at `peak`, widened by something of scale `blur`.
fn grid(peak: Peak, blur: f64) -> Grid {
    let peak = Peak { centre: peak.centre.clamp(-15.0, 15.0), sd: libm::hypot(peak.sd, blur).min(1.5) };
    let placement = Placement { step: SPACING, tolerance: 0.0, at_least: 0.0 };
    let seed = Grid::around(peak, placement, 0, 0);
    let first = libm::floor(seed.position(-REACH)) as i32;
    let last = libm::ceil(seed.position(REACH)) as i32;
    Grid::around(peak, placement, first, last)
}

/// A function as a curve; it is asked from the bulk outward, so that each integral may start from its neighbour.
fn tabulated(peak: Peak, blur: f64, mut f: impl FnMut(f64) -> f64) -> View {
    let grid = grid(peak, blur);
    let middle = grid.x.partition_point(|&x| x < peak.centre);
    let mut values = vec![0.0; grid.x.len()];
    for i in (middle..grid.x.len()).chain((0..middle).rev()) {
        values[i] = f(grid.x[i]);
    }
    View::Curve(Box::new(LogInterpolant::new(&grid, &values)))
}

/// The mean of `e^f` under a prior, found again and again for integrands that differ a little.
struct Integral {
    parts: Vec<(Part, Peak)>,
    known: Option<f64>,
}

impl Integral {
    fn over(nuisance: &Nuisance) -> Integral {
        let peak = |p: &Part| {
            let (centre, sd) = p.rough();
            Peak { centre, sd }
        };
        let parts = nuisance.parts().into_iter().map(|p| (p, peak(&p))).collect();
        Integral { parts, known: nuisance.known() }
    }

    fn log_mean(&mut self, f: impl Fn(f64) -> f64) -> f64 {
        if let Some(known) = self.known {
            return f(known);
        }
        let mut total = f64::NEG_INFINITY;
        for (part, peak) in &mut self.parts {
            let table = tabulate(*peak, INTEGRAL, |x| part.log_density(x) + f(x));
            let found = Peak { centre: table.mean(), sd: table.sd() };
            if found.centre.is_finite() && found.sd > 0.0 && found.sd.is_finite() {
                *peak = found;
            }
            total = log_add_exp(total, table.log_mass);
        }
        total
    }
}

/// One part of a prior: unimodal, with one scale.
#[derive(Debug, Clone, Copy)]
enum Part {
    Location(super::LocationComponent),
    LogitBeta { a: f64, b: f64, log_constant: f64 },
}

impl Part {
    fn log_density(&self, x: f64) -> f64 {
        match self {
            Part::Location(component) => component.log_density(x),
            Part::LogitBeta { a, b, log_constant } => a * x - (a + b) * softplus(x) + log_constant,
        }
    }

    fn rough(&self) -> (f64, f64) {
        match self {
            Part::Location(component) => component.peak().map_or((0.0, 1.0), |p| (p.centre, p.sd)),
            Part::LogitBeta { a, b, .. } => (libm::log(a / b), libm::sqrt(1.0 / a + 1.0 / b)),
        }
    }
}

impl Nuisance {
    fn parts(&self) -> Vec<Part> {
        match self {
            Nuisance::Known(_) => Vec::new(),
            Nuisance::Location(prior) => prior.components().into_iter().map(Part::Location).collect(),
            Nuisance::LogitBeta { a, b } => {
                let log_constant = libm::lgamma(a + b) - libm::lgamma(*a) - libm::lgamma(*b);
                vec![Part::LogitBeta { a: *a, b: *b, log_constant }]
            }
        }
    }

    /// Log density of the prior; 0 where it is known.
    pub fn log_density(&self, x: f64) -> f64 {
        let parts = self.parts();
        if parts.is_empty() {
            return 0.0;
        }
        parts.iter().map(|p| p.log_density(x)).fold(f64::NEG_INFINITY, log_add_exp)
    }

    /// Even values over the prior, `half` on either side of each part's middle, with weights that sum to 1; none where it is
    /// known.
    pub fn nodes(&self, half: i32) -> Vec<(f64, f64)> {
        /// Standard deviations that are covered.
        const REACH: f64 = 6.0;
        let mut nodes = Vec::new();
        for part in self.parts() {
            let (centre, sd) = part.rough();
            let step = REACH * sd / f64::from(half);
            let at = |j: i32| centre + step * f64::from(j);
            nodes.extend((-half..=half).map(|j| (at(j), step * libm::exp(part.log_density(at(j))))));
        }
        let total: f64 = nodes.iter().map(|n| n.1).sum();
        nodes.iter_mut().for_each(|n| n.1 /= total);
        nodes
    }

    /// Rough centre and variance.
    pub fn rough(&self) -> (f64, f64) {
        if let Some(x) = self.known() {
            return (x, 0.0);
        }
        let weighted = |part: &Part| {
            let weight = match part {
                Part::Location(super::LocationComponent::Normal(n)) => n.weight,
                _ => 1.0,
            };
            (weight, part.rough())
        };
        let parts: Vec<(f64, (f64, f64))> = self.parts().iter().map(weighted).collect();
        let mean: f64 = parts.iter().map(|(w, (x, _))| w * x).sum();
        let square: f64 = parts.iter().map(|(w, (x, sd))| w * (x * x + sd * sd)).sum();
        (mean, (square - mean * mean).max(0.0))
    }

    /// The smallest sd of its parts.
    fn narrowest(&self) -> f64 {
        self.parts().iter().map(|p| p.rough().1).fold(f64::INFINITY, f64::min)
    }
}

/// Where an arm's log odds lie, as the stages of a bias are taken away.
struct Hint {
    x: f64,
    variance: f64,
}

impl Hint {
    fn widen(&mut self, slopes: &[f64], variances: &[f64]) {
        self.variance += slopes.iter().zip(variances).map(|(s, v)| s * s * v).sum::<f64>();
    }

    fn through_missing(&mut self, missing: &Missing) {
        let (shift, variance) = missing.shift.rough();
        let whole = mix(self.x, crate::numeric::logit(missing.share), shift);
        self.x = whole.value;
        self.variance *= whole.by_x * whole.by_x;
        self.widen(&[whole.by_shift], &[variance]);
    }

    fn through_shift(&mut self, shift: &Nuisance) {
        let (centre, variance) = shift.rough();
        self.x -= centre;
        self.variance += variance;
    }

    /// The confounder's map undone: with the arms' parts exchanged.
    fn through_confounder(&mut self, confounder: &Confounder) {
        let [p0, p1] = confounder.prevalence.each_ref().map(Nuisance::rough);
        let ratio = confounder.log_odds_ratio.rough();
        let (x, [by_x, by_active, by_control, by_ratio]) = confounded(self.x, [p1.0, p0.0], ratio.0);
        self.x = x;
        self.variance *= by_x * by_x;
        self.widen(&[by_active, by_control, by_ratio], &[p1.1, p0.1, ratio.1]);
    }
}
