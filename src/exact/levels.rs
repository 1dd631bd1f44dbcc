//! The likelihood of a subgroup's common odds ratio from patients by level, its cut points integrated out.
//!
//! With S_k the control arm's probability of lying above cut k, o = e^θ and D_k = 1 + S_k (o − 1), the active arm's probabilities
//! are S_k o/D_k, and a level between two cuts has (S_{k−1} − S_k) o/(D_{k−1} D_k). So
//!
//! ```text
//! L(θ) = B(a + n₀ + n₁)/B(a) · o^(n₁ above the lowest level) · E ∏ D_k^(−w_k),    w_k = n₁ at the two levels beside cut k
//! ```
//!
//! with the expectation under the Dirichlet of a + n₀ + n₁. Outward from the primary cut every S_k is the one before times an
//! independent beta variable, so that the expectation is a chain of integrals over one variable each, upward and downward; each is
//! kept as a series in ln D/θ, in which it is smooth however far θ is.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::Resolution;
use super::effect_likelihood::{EffectLikelihood, EffectRange, climb};
use super::subgroup::{CellsOfSubgroup, SubgroupData};
use crate::model::{Levels, SubgroupBias};
use crate::numeric::{Chebyshev, Peak, exp_of_nonpositive, ln_1p_of_fraction, ln_of_normal, log_sum_exp};

/// So far at most the log likelihood is integrated: beyond it is a line.
const FARTHEST: f64 = 120.0;

/// Nodes that a link's series starts with, and how small its last coefficients are.
const NODES: usize = 9;
const TOLERANCE: f64 = 1e-8;

/// The least reach of a table: so far the lattice and most priors ask.
const REACH: f64 = 1024.0;

/// One subgroup's patients by level.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelsOfSubgroup {
    control: Vec<f64>,
    active: Vec<f64>,
    concentrations: Vec<f64>,
    primary: usize,
    /// What shifts the log odds ratio that is seen: values with weights that sum to 1.
    shift: Vec<(f64, f64)>,
}

/// One cut of a chain: the next probability is the one before times a beta(kept, lost) variable, and its D has the power −w.
#[derive(Debug, Clone, Copy)]
struct Link {
    kept: f64,
    lost: f64,
    w: f64,
}

impl LevelsOfSubgroup {
    pub fn new(levels: &Levels, g: usize, bias: Option<SubgroupBias>) -> LevelsOfSubgroup {
        let shift = bias.and_then(|b| b.shift).map_or_else(
            || vec![(0.0, 1.0)],
            |shift| match shift.known() {
                Some(x) => vec![(x, 1.0)],
                None => shift.nodes(48),
            },
        );
        LevelsOfSubgroup {
            control: levels.counts[g][0].clone(),
            active: levels.counts[g][1].clone(),
            concentrations: levels.concentrations.clone(),
            primary: levels.primary,
            shift,
        }
    }

    fn all(&self) -> Vec<f64> {
        let counts = self.control.iter().zip(&self.active);
        self.concentrations.iter().zip(counts).map(|(a, (n0, n1))| a + n0 + n1).collect()
    }

    /// The links above the primary cut outward, and those below it with the levels turned.
    fn links(&self) -> [Vec<Link>; 2] {
        let (all, cuts) = (self.all(), self.concentrations.len() - 1);
        let w = |k: usize| self.active[k] + self.active[k + 1];
        let above = (self.primary + 1..cuts)
            .map(|k| Link { kept: all[k + 1..].iter().sum(), lost: all[k], w: w(k) })
            .collect();
        let below = (0..self.primary)
            .rev()
            .map(|k| Link { kept: all[..=k].iter().sum(), lost: all[k + 1], w: w(k) })
            .collect();
        [above, below]
    }

    /// `log E ∏ D^(−w)` over the cuts, at θ.
    fn log_expectation(&self, theta: f64) -> f64 {
        let [above, below] = self.links();
        // Turned, D = o (1 + F (1/o − 1)).
        let turned: f64 = below.iter().map(|link| link.w).sum();
        let above = chain(&above, theta);
        let below = chain(&below, -theta);
        let (all, p) = (self.all(), self.primary);
        let (lost, kept) = all.split_at(p + 1);
        let first =
            Link { kept: kept.iter().sum(), lost: lost.iter().sum(), w: self.active[p] + self.active[p + 1] };
        let (up, down) = (Odds::of(theta), Odds::of(-theta));
        let beyond = |no: &Lanes, yes: &Lanes, y: &Lanes| {
            let turned: Lanes = std::array::from_fn(|i| down.at(Chance { yes: no[i], no: yes[i] }).1);
            let (up, down) = (above.at_each(y), below.at_each(&turned));
            std::array::from_fn(|i| up[i] + down[i])
        };
        let mut sum = Sum::default();
        let log_mass = sum.log_mass(&first, (up, Chance::SURE), first.start(), beyond).0;
        log_mass - theta * turned - first.log_constant()
    }

    /// `log p(y | θ)` without the multinomial coefficients; no farther out than [`LevelsOfSubgroup::far`].
    fn log_likelihood(&self, theta: f64) -> f64 {
        let risen: f64 = self.active[1..].iter().sum();
        self.log_of_both() + theta * risen + self.log_expectation(theta)
    }

    /// From where on the log likelihood is a line: what bends it falls off as e^(−θ), under concentrations a below 1 as e^(−aθ), once
    /// θ is farther than any two patients' log odds are apart.
    fn far(&self) -> f64 {
        /// So small is e to the power of minus this.
        const GONE: f64 = 12.0;
        let least = self.concentrations.iter().copied().fold(1.0, f64::min);
        (self.apart() + GONE / least).min(FARTHEST)
    }

    /// How far apart the log odds of patients of both arms may be.
    fn apart(&self) -> f64 {
        let widest = |n: &[f64]| libm::log1p(2.0 * n.iter().sum::<f64>());
        widest(&self.control) + widest(&self.active)
    }

    /// ℓ without a bias: a table that is the same whatever the priors of the effects, made once for as many priors as are asked
    /// about.
    fn unshifted(&self, reach: f64, resolution: Resolution) -> EffectLikelihood {
        let (mut rounded, mut own) = (REACH, self.clone());
        while rounded < reach {
            rounded *= 4.0;
        }
        own.shift = Vec::new();
        let key = Table { data: own, reach: rounded, refinement: resolution.refinement };
        if let Some(known) = Table::find(&key) {
            return known;
        }
        let range = EffectRange { centre: 0.0, sd: 2.0, reach: rounded };
        let line = Lines::of(self);
        let found = EffectLikelihood::tabulated(range, resolution.density(), |theta| {
            line.beyond(theta).unwrap_or_else(|| self.log_likelihood(theta))
        });
        Table::keep(key, &found);
        found
    }

    /// Both arms' patients as one, under the prior.
    fn log_of_both(&self) -> f64 {
        log_beta_function(&self.all()) - log_beta_function(&self.concentrations)
    }
}

/// The lines that the log likelihood is beyond [`LevelsOfSubgroup::far`]: its value there and its slope outward, below and
/// above.
struct Lines {
    far: f64,
    ends: [(f64, f64); 2],
}

impl Lines {
    fn of(data: &LevelsOfSubgroup) -> Lines {
        let far = data.far();
        let ends = [-1.0, 1.0].map(|side| {
            let [end, before] = [far, far - 1.0].map(|x| data.log_likelihood(side * x));
            (end, end - before)
        });
        Lines { far, ends }
    }

    fn beyond(&self, theta: f64) -> Option<f64> {
        let (end, slope) = self.ends[usize::from(theta > 0.0)];
        let beyond = theta.abs() - self.far;
        (beyond > 0.0).then_some(end + beyond * slope)
    }
}

/// A table of ℓ and what it is of. A table takes a tenth of a second, and whoever compares priors asks for the same few hundreds
/// of times, under models that know nothing of each other: the last of them are kept for all.
struct Table {
    data: LevelsOfSubgroup,
    reach: f64,
    refinement: f64,
}

/// The tables that are kept, the latest last.
static TABLES: Mutex<VecDeque<(Table, EffectLikelihood)>> = Mutex::new(VecDeque::new());

impl Table {
    const MOST: usize = 128;

    fn is(&self, other: &Table) -> bool {
        self.reach == other.reach && self.refinement == other.refinement && self.data == other.data
    }

    fn find(key: &Table) -> Option<EffectLikelihood> {
        let tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
        tables.iter().rev().find(|(known, _)| known.is(key)).map(|(_, table)| table.clone())
    }

    /// Two that ask at once both make it: whoever waits for another here may wait for itself.
    fn keep(key: Table, table: &EffectLikelihood) {
        let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
        if tables.iter().any(|(known, _)| known.is(&key)) {
            return;
        }
        if tables.len() == Table::MOST {
            tables.pop_front();
        }
        tables.push_back((key, table.clone()));
    }
}

/// `ln ∏ Γ(a) − ln Γ(Σ a)`.
fn log_beta_function(a: &[f64]) -> f64 {
    a.iter().map(|x| libm::lgamma(*x)).sum::<f64>() - libm::lgamma(a.iter().sum())
}

/// D at one odds ratio.
#[derive(Debug, Clone, Copy)]
struct Odds {
    theta: f64,
    ratio: f64,
    /// o − 1.
    rise: f64,
}

impl Odds {
    fn of(theta: f64) -> Odds {
        Odds { theta, ratio: libm::exp(theta), rise: libm::expm1(theta) }
    }

    /// ln D at a probability, and its part of θ, from 0 to 1.
    #[inline]
    fn at(self, at: Chance) -> (f64, f64) {
        let log_d = ln_of_normal(at.no + at.yes * self.ratio);
        if self.theta.abs() < SMALL { (log_d, at.yes) } else { (log_d, log_d / self.theta) }
    }

    /// The probability at which ln D has the part `y` of θ.
    fn back(self, y: f64) -> Chance {
        if self.theta.abs() < SMALL {
            return Chance { yes: y, no: 1.0 - y };
        }
        let no = libm::exp(y * self.theta) * libm::expm1((1.0 - y) * self.theta) / self.rise;
        Chance { yes: libm::expm1(y * self.theta) / self.rise, no }
    }
}

/// At smaller effects ln D is a line.
const SMALL: f64 = 1e-6;

/// A probability and its complement, neither of which is lost beside the other.
#[derive(Debug, Clone, Copy)]
struct Chance {
    yes: f64,
    no: f64,
}

impl Chance {
    const SURE: Chance = Chance { yes: 1.0, no: 0.0 };
}

/// `log E ∏ D^(−w)` over the links, as a function of the part of θ that ln D has before them.
fn chain(links: &[Link], theta: f64) -> Chebyshev {
    let odds = Odds::of(theta);
    let mut beyond = Chebyshev::constant(0.0);
    let mut sum = Sum::default();
    for link in links.iter().rev() {
        let constant = link.log_constant();
        // Neighbouring nodes have their peaks near one another.
        let mut start = link.start();
        let at = |y: f64| {
            let before = odds.back(y);
            if before.yes <= 0.0 {
                return beyond.at(0.0);
            }
            let (log_mass, peak) = sum.log_mass(link, (odds, before), start, |_, _, y| beyond.at_each(y));
            start = peak;
            log_mass - constant
        };
        beyond = Chebyshev::of(NODES, TOLERANCE, at);
    }
    beyond
}

impl Link {
    fn log_constant(&self) -> f64 {
        log_beta_function(&[self.kept, self.lost])
    }

    /// Where the beta density is highest over the variable's log odds, without D.
    fn start(&self) -> f64 {
        libm::log(self.kept / self.lost)
    }

    /// Where the beta density times D^(−w) is highest, roughly, over the log odds of the variable.
    fn peak(&self, odds: Odds, before: Chance, start: f64) -> Peak {
        climb(start, |z| {
            let (s, t) = both_sides(z);
            let d = before.no + before.yes * (t + s * odds.ratio);
            let push = before.yes * s * t * odds.rise / d;
            // Of −w ln D: slope −w push; its bend is left out where it is not downward.
            let bend = push * ((t - s) - push);
            let own = (self.kept + self.lost) * s * t;
            (self.kept * t - self.lost * s - self.w * push, (own + self.w * bend).max(0.1 * own))
        })
    }
}

/// σ(z) and σ(−z).
#[inline]
fn both_sides(z: f64) -> (f64, f64) {
    let e = exp_of_nonpositive(-z.abs());
    let (near, far) = (1.0 / (1.0 + e), e / (1.0 + e));
    if z >= 0.0 { (near, far) } else { (far, near) }
}

/// Nodes that are evaluated together.
const LANES: usize = 8;
type Lanes = [f64; LANES];

/// Trapezoid sums, with their room.
#[derive(Debug, Default)]
struct Sum {
    values: Vec<f64>,
    other_half: Vec<f64>,
}

/// Steps in standard deviations of the peak, and at most: a logistic's poles lie π away.
const STEP: f64 = 0.6;
const LONGEST: f64 = 0.8;

/// Beyond this far below the highest value nothing is left.
const NOTHING: f64 = 36.0;

/// Leaving out every other node may move a sum by this part: its own error is the square at most.
const HALVED: f64 = 1e-4;

impl Sum {
    /// `log ∫ Beta(v) D(S v)^(−w) e^(beyond) dv` without the beta's constant, over the log odds z of v; and where it is highest
    /// without what is beyond. `beyond` knows the probability and the part of θ that ln D has there.
    fn log_mass(
        &mut self,
        link: &Link,
        (odds, before): (Odds, Chance),
        start: f64,
        beyond: impl Fn(&Lanes, &Lanes, &Lanes) -> Lanes,
    ) -> (f64, f64) {
        let all = link.kept + link.lost;
        let integrand = |z: &Lanes| {
            let (mut yes, mut no, mut log_beta) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
            for i in 0..LANES {
                let e = exp_of_nonpositive(-z[i].abs());
                let near = 1.0 / (1.0 + e);
                let (v, rest) = if z[i] >= 0.0 { (near, e * near) } else { (e * near, near) };
                (yes[i], no[i]) = (before.yes * v, before.no + before.yes * rest);
                let positive = if z[i] > 0.0 { z[i] } else { 0.0 };
                log_beta[i] = link.kept * z[i] - all * (positive + ln_1p_of_fraction(e));
            }
            let (mut y, mut value) = ([0.0; LANES], [0.0; LANES]);
            for i in 0..LANES {
                let (log_d, part) = odds.at(Chance { yes: yes[i], no: no[i] });
                y[i] = part;
                value[i] = log_beta[i] - link.w * log_d;
            }
            let rest = beyond(&no, &yes, &y);
            std::array::from_fn(|i| value[i] + rest[i])
        };
        let peak = link.peak(odds, before, start);
        let mut step = (STEP * peak.sd).min(LONGEST);
        loop {
            let sum = self.trapezoid(peak.centre, step, &integrand);
            match sum {
                Some(log_mass) => return (log_mass, peak.centre),
                None if step < 1e-9 * peak.sd => return (f64::NAN, peak.centre),
                None => step *= 0.5,
            }
        }
    }

    /// The logarithm of the sum of all nodes that matter; none where these are too few.
    fn trapezoid(&mut self, centre: f64, step: f64, integrand: &impl Fn(&Lanes) -> Lanes) -> Option<f64> {
        self.values.clear();
        self.other_half.clear();
        let mut highest = f64::NEG_INFINITY;
        for side in [1.0, -1.0] {
            // The centre itself is on the first side.
            let mut first = if side > 0.0 { 0 } else { 1 };
            let mut last = f64::INFINITY;
            loop {
                let z: Lanes = std::array::from_fn(|i| centre + side * step * (first + i) as f64);
                let values = integrand(&z);
                for (i, value) in values.into_iter().enumerate() {
                    let half =
                        if (first + i).is_multiple_of(2) { &mut self.values } else { &mut self.other_half };
                    half.push(value);
                    highest = highest.max(value);
                }
                let end = values[LANES - 1];
                if end.is_nan() || end < highest - NOTHING && end <= last {
                    break;
                }
                last = end;
                first += LANES;
            }
        }
        let of = |half: &[f64]| half.iter().map(|v| exp_of_nonpositive(v - highest)).sum::<f64>();
        let (even, odd) = (of(&self.values), of(&self.other_half));
        let sum = even + odd;
        let settled = (even - odd).abs() <= HALVED * sum || sum.is_nan();
        settled.then(|| highest + libm::log(sum * step))
    }
}

impl SubgroupData for LevelsOfSubgroup {
    fn informs_effect(&self) -> bool {
        self.active.iter().sum::<f64>() > 0.0
    }

    fn moment_limit(&self) -> f64 {
        // The prior of the control arm's levels falls off exponentially in every cut, and so does the likelihood on a side from
        // which patients of the active arm keep it.
        let last = self.active.len() - 1;
        let (raised, lowered) = (&self.active[1..], &self.active[..last]);
        let some = |n: &[f64]| n.iter().sum::<f64>() > 0.0;
        if some(raised) && some(lowered) { f64::INFINITY } else { 0.0 }
    }

    fn likelihood(&self, range: EffectRange, resolution: Resolution) -> EffectLikelihood {
        let farthest = self.shift.iter().map(|(x, _)| x.abs()).fold(0.0, f64::max);
        let plain = self.unshifted(range.reach + farthest, resolution);
        match self.shift.as_slice() {
            [(0.0, _)] => plain,
            [(x, _)] => EffectLikelihood::tabulated(range, resolution.density(), |theta| plain.at(theta + x)),
            several => EffectLikelihood::tabulated(range, resolution.density(), |theta| {
                let weighted = several.iter().filter(|(_, weight)| *weight > 0.0);
                let terms: Vec<f64> =
                    weighted.map(|(x, weight)| libm::log(*weight) + plain.at(theta + x)).collect();
                log_sum_exp(&terms)
            }),
        }
    }

    fn farthest(&self) -> f64 {
        /// For data without a mode of their own, and the prior's pull.
        const BEYOND: f64 = 20.0;
        let shift = self.shift.iter().map(|(x, _)| x.abs()).fold(0.0, f64::max);
        self.apart() + shift + BEYOND
    }

    fn log_marginal_of_silent(&self, _: Resolution) -> f64 {
        self.log_of_both()
    }

    fn log_coefficient(&self) -> f64 {
        let of = |n: &[f64]| {
            libm::lgamma(n.iter().sum::<f64>() + 1.0) - n.iter().map(|n| libm::lgamma(n + 1.0)).sum::<f64>()
        };
        of(&self.control) + of(&self.active)
    }

    fn cells(&self) -> Option<&CellsOfSubgroup> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::effect_likelihood::{Baseline, log_marginals};
    use crate::model::{Arm, BaselineOf, BinomialPair, LocationPrior};
    use crate::numeric::logistic;

    fn of(control: &[f64], active: &[f64], a: &[f64], primary: usize) -> LevelsOfSubgroup {
        LevelsOfSubgroup {
            control: control.to_vec(),
            active: active.to_vec(),
            concentrations: a.to_vec(),
            primary,
            shift: vec![(0.0, 1.0)],
        }
    }

    #[test]
    fn two_levels_are_the_binary_model() {
        for (n0, n1, a) in [
            ([31.0, 12.0], [22.0, 19.0], [1.0, 1.0]),
            ([310.0, 0.0], [220.0, 19.0], [0.5, 2.0]),
            ([3.0, 2.0], [0.0, 4.0], [1.0, 1.0]),
        ] {
            let levels = of(&n0, &n1, &a, 0);
            let arm = |n: [f64; 2]| Arm { events: n[1], total: n[0] + n[1] };
            let pair = BinomialPair::new(arm(n0), arm(n1));
            let prior = LocationPrior::LogitBeta { a: a[1], b: a[0] };
            let baseline = Baseline { prior, of: BaselineOf::Control };
            let thetas = [-8.0, -2.5, -0.3, 0.0, 1e-7, 0.4, 1.7, 9.0];
            let binary = log_marginals(&pair, &baseline, &thetas, Resolution::default().mass());
            for (theta, binary) in thetas.into_iter().zip(binary) {
                let own = levels.log_likelihood(theta);
                assert!((own - binary).abs() < 1e-8 * binary.abs().max(1.0), "{theta}: {own} {binary}");
            }
        }
    }

    /// A grid over both cuts of three levels.
    #[test]
    fn three_levels_are_the_integral_over_both_cuts() {
        let (n0, n1, a) = ([4.0, 7.0, 3.0], [2.0, 5.0, 8.0], [1.0, 0.7, 2.0]);
        let log_dirichlet = log_beta_function(&a);
        let brute = |theta: f64| {
            let mut sum = 0.0;
            let step = 0.02;
            for i in -600..=600 {
                for j in -600..=600 {
                    // Log odds of lying above the lower cut, and of the step from there.
                    let (x, z) = (step * f64::from(i), step * f64::from(j));
                    let s0 = logistic(x);
                    let s1 = s0 * logistic(z);
                    let control = [1.0 - s0, s0 * logistic(-z), s1];
                    let moved = |s: f64| s * libm::exp(theta) / (1.0 + s * libm::expm1(theta));
                    let (t0, t1) = (moved(s0), moved(s1));
                    let active = [1.0 - t0, t0 - t1, t1];
                    let mut log = libm::log(s0 * (1.0 - s0)) + libm::log(s0 * logistic(z) * logistic(-z));
                    for k in 0..3 {
                        log += (n0[k] + a[k] - 1.0) * libm::log(control[k]) + n1[k] * libm::log(active[k]);
                    }
                    if log.is_finite() {
                        sum += libm::exp(log);
                    }
                }
            }
            libm::log(sum * step * step) - log_dirichlet
        };
        for theta in [-1.5, 0.0, 0.8] {
            let expected = brute(theta);
            for primary in 0..2 {
                let own = of(&n0, &n1, &a, primary).log_likelihood(theta);
                assert!((own - expected).abs() < 1e-7, "{theta} {primary}: {own} {expected}");
            }
        }
    }

    #[test]
    fn the_primary_cut_changes_nothing_and_turned_levels_turn_the_effect() {
        let n0 = [12.0, 30.0, 41.0, 25.0, 0.0, 8.0, 15.0];
        let n1 = [9.0, 24.0, 30.0, 33.0, 0.0, 14.0, 20.0];
        let a = [1.0; 7];
        // Thousands below the highest, what is left of a likelihood may be off by little more.
        let near = |log: f64| if log > -1000.0 { 1e-7 } else { 1e-6 * log.abs() };
        let turned = |n: &[f64]| n.iter().rev().copied().collect::<Vec<f64>>();
        for theta in [-30.0, -3.0, -0.2, 0.0, 0.6, 2.0, 40.0] {
            let first = of(&n0, &n1, &a, 0).log_likelihood(theta);
            for primary in 1..6 {
                let other = of(&n0, &n1, &a, primary).log_likelihood(theta);
                assert!((first - other).abs() < near(first), "{theta} {primary}: {first} {other}");
            }
            let back = of(&turned(&n0), &turned(&n1), &a, 3).log_likelihood(-theta);
            assert!((first - back).abs() < near(first), "{theta}: {first} {back}");
        }
    }
}
