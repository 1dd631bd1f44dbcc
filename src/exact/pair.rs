//! Two subgroups together: the difference of their effects, and benefit in one with harm in the other.
//!
//! Given τ, and with μ integrated out, the two effects have the density
//! `e^{ℓ_A(θ_A) + ℓ_B(θ_B)} N(d; 0, 2τ²) R(s)` with `d = θ_A − θ_B`, `s = (θ_A + θ_B)/2` and
//! `R(s) = ∫ N(s; μ, τ²/2) p(μ | others, τ) dμ`. Summed over τ the density of d has a sharp (logarithmic) peak at zero, so
//! the two sides of zero are integrated apart, each in a coordinate that stretches towards it.

use std::borrow::Borrow;
use std::ops::Range;

use super::Distribution;
use super::Resolution;
use super::apart::Apart;
use super::distribution::{Tabulated, bulk};
use super::effect_likelihood::EffectLikelihood;
use super::kernel::Kernel as EffectKernel;
use super::rows::{RowPrediction, Rows};
use super::scale::ScaleMap;
use super::smooth::log_sum;
use crate::numeric::{
    Grid, LogInterpolant, LogTable, Peak, Placement, Weights, cumulative_sum, exp_of_nonpositive,
    invert_distribution, invert_distribution_to,
};
use crate::parallel;

/// Either subgroup: its place among the informative ones and its likelihood; none where it has no data on its effect.
pub type PairMember<'a> = Option<(usize, &'a EffectLikelihood)>;

/// The joint posterior of two subgroups' effects.
#[derive(Debug, Clone)]
pub struct PairPosterior {
    /// d > 0, then d < 0.
    sides: [Side; 2],
    map: ScaleMap,
    mean: f64,
    sd: f64,
    /// P(θ_A > 0 and θ_B < 0).
    pub first_above_second_below: f64,
    /// P(θ_A < 0 and θ_B > 0).
    pub first_below_second_above: f64,
    /// The grids held the whole mass: what is told of the pair can be believed.
    pub settled: bool,
    moment_limit: f64,
}

/// The part of the mass that may be missing.
const SETTLED: f64 = 1e-5;

/// Slices on each side of a side's middle, at most.
pub const FARTHEST: i32 = 2000;

/// Products of rows, nodes and slices that one pair may take: a second or two. Where one effect is known to a thousandth of
/// what is known of the other, the slices that this leaves may not reach all of the mass, and the pair is not settled.
const MOST_PRODUCTS: usize = 2_000_000_000;

/// How near the quantiles of two independent effects' difference are searched, in probability.
const NEAR: f64 = 1e-10;

/// The posterior mass of |d| on one side of zero, at even nodes of the stretched coordinate.
#[derive(Debug, Clone)]
struct Side {
    share: f64,
    start: f64,
    step: f64,
    mass: Vec<f64>,
}

/// One value of d.
pub struct PairSlice {
    pub d: f64,
    /// Log mass, in the end in the stretched coordinate.
    pub log_mass: f64,
    /// The chance that the two effects have opposite signs.
    pub opposed: f64,
}

/// Everything about τ and μ, ready to be summed at any d and the nodes of s.
struct Kernel {
    /// Per row: log weight and 1/(4τ²).
    rows: Vec<(f64, f64)>,
    /// R(s) by row and node of s, each row scaled to a maximum of 1 (the scale is in its log weight).
    middle: Vec<Vec<f64>>,
}

impl Kernel {
    /// `log_share` is the log probability that both effects are of the common distribution.
    fn new(rows: &Rows, log_share: f64, left_out: &[usize], s_grid: &Grid) -> Kernel {
        let mut kernel = Kernel { rows: Vec::new(), middle: Vec::new() };
        let mut terms = Vec::new();
        for row in rows.rows.iter().filter(|r| r.share > 1e-12) {
            let half_width = row.tau * std::f64::consts::FRAC_1_SQRT_2;
            let prediction = RowPrediction::new(row, left_out);
            let log_values: Vec<f64> =
                s_grid.x.iter().map(|&s| prediction.log_smooth(s, half_width, &mut terms)).collect();
            let high = log_values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            kernel.middle.push(log_values.iter().map(|&f| exp_of_nonpositive(f - high)).collect());
            let precision = 0.5 / (row.tau * row.tau);
            kernel
                .rows
                .push((log_share + row.log_weight + high + 0.5 * libm::log(precision), 0.5 * precision));
        }
        kernel
    }

    /// `Σ_rows weight · N(d; 0, 2τ²) · R(s)` at the nodes of s from `first` on, in units of e to the returned power.
    fn at(&self, d: f64, first: usize, sum: &mut [f64]) -> f64 {
        let log_weight = |&(weight, precision): &(f64, f64)| weight - precision * d * d;
        let high = self.rows.iter().map(log_weight).fold(f64::NEG_INFINITY, f64::max);
        sum.fill(0.0);
        for (row, middle) in self.rows.iter().zip(&self.middle) {
            let relative = log_weight(row) - high;
            if relative < -40.0 {
                continue;
            }
            let weight = exp_of_nonpositive(relative);
            for (total, value) in sum.iter_mut().zip(&middle[first..]) {
                *total += weight * value;
            }
        }
        high
    }
}

/// Where one subgroup's effect lies a posteriori.
#[derive(Debug, Clone, Copy)]
pub struct Marginal {
    pub peak: Peak,
    pub low: f64,
    pub high: f64,
}

impl Marginal {
    pub fn of(table: &LogTable) -> Marginal {
        Marginal { peak: bulk(table), low: table.grid.x[0], high: table.grid.x[table.grid.x.len() - 1] }
    }
}

impl PairPosterior {
    /// Only for rows with τ > 0. `marginals` say where either effect lies.
    pub fn new(
        (rows, spread): (&Rows, Option<&EffectKernel>),
        members: [PairMember<'_>; 2],
        marginals: [Marginal; 2],
        resolution: Resolution,
        moment_limit: f64,
    ) -> PairPosterior {
        let left_out: Vec<usize> = members.iter().flatten().map(|m| m.0).collect();
        let s_grid = grid_of_the_middle(&marginals, resolution);
        let both = spread
            .map_or(0.0, |spread| 2.0 * spread.around().first().map_or(f64::NEG_INFINITY, |p| p.log_weight));
        let kernel = if both.is_finite() {
            Kernel::new(rows, both, &left_out, &s_grid)
        } else {
            Kernel { rows: Vec::new(), middle: Vec::new() }
        };
        let apart = spread.and_then(|spread| Apart::new((rows, spread), &left_out, &marginals, resolution));
        let likelihood = |m: PairMember<'_>, x: f64| m.map_or(0.0, |(_, l)| l.at(x));
        let slice = |d: f64, [sum, inner]: &mut [Vec<f64>; 2]| {
            let range = nodes_within(&s_grid, &marginals, d);
            sum.resize(range.len(), 0.0);
            inner.resize(range.len(), 0.0);
            let mut unit = kernel.at(d, range.start, sum);
            if let Some(apart) = &apart {
                unit = apart.add(d, &s_grid.x[range.clone()], (unit, sum));
            }
            for (f, s) in inner.iter_mut().zip(&s_grid.x[range.clone()]) {
                *f = likelihood(members[0], s + 0.5 * d) + likelihood(members[1], s - 0.5 * d);
            }
            let high = inner.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let mut total = 0.0;
            for ((f, kernel), weight) in inner.iter_mut().zip(sum.iter()).zip(&s_grid.weight[range.clone()]) {
                *f = if *f > high - 60.0 { exp_of_nonpositive(*f - high) * kernel * weight } else { 0.0 };
                total += *f;
            }
            // Opposite signs: s between −|d|/2 and |d|/2.
            let from = Weights::at(s_grid.position(-0.5 * d.abs()));
            let to = Weights::at(s_grid.position(0.5 * d.abs()));
            let opposed: f64 = inner.iter().zip(range).map(|(f, i)| f * (to.of(i) - from.of(i))).sum();
            PairSlice {
                d,
                log_mass: high + unit + libm::log(total),
                opposed: (opposed / total).clamp(0.0, 1.0),
            }
        };
        // The plane of the two effects holds just the mass that the rows hold.
        let expected = rows.log_total + 0.5 * libm::log(2.0 * std::f64::consts::PI);
        // The effects are apart by some τ, however little is known of either.
        let spread = match &apart {
            Some(_) => f64::INFINITY,
            None => 2.0 * rows.rows.iter().map(|r| r.share * r.tau.min(10.0)).sum::<f64>(),
        };
        let middle = marginals[0].peak.centre - marginals[1].peak.centre;
        let products = (kernel.rows.len() * nodes_within(&s_grid, &marginals, middle).len()).max(1);
        let farthest = (MOST_PRODUCTS / products / 4).min(FARTHEST as usize) as i32;
        PairPosterior::of_slices(marginals, (spread, farthest), resolution, (moment_limit, expected), slice)
    }

    /// From the mass at any d, which `slice` makes in working memory that it is given, outward from the middle of either side
    /// of zero. `spread` is the most that the sd of d can be, `farthest` the most slices in one direction, and `log_total`
    /// what the log mass of all must come to.
    pub fn of_slices<S: Default>(
        marginals: [Marginal; 2],
        (spread, farthest): (f64, i32),
        resolution: Resolution,
        (moment_limit, log_total): (f64, f64),
        slice: impl Fn(f64, &mut S) -> PairSlice + Sync,
    ) -> PairPosterior {
        let [a, b] = marginals;
        let d_mean = a.peak.centre - b.peak.centre;
        let d_sd = libm::hypot(a.peak.sd, b.peak.sd).min(spread);
        let scale = d_sd.max(d_mean.abs());
        let map = ScaleMap::HalfLine { scale };
        // Fine enough for the density of d, and for the sign of either effect as d varies.
        let step = (0.1_f64).min(0.33 * sd_given_difference(&marginals) / scale) / resolution.refinement;
        let side = |sign: f64| {
            let mut memory = S::default();
            walk(farthest, |j| {
                let (distance, log_slope) = map.at(step * f64::from(j));
                let found = slice(sign * distance, &mut memory);
                PairSlice { log_mass: found.log_mass + log_slope, ..found }
            })
        };
        let (above, below) = parallel::join(|| side(1.0), || side(-1.0));
        assemble([above, below], map, step, (moment_limit, log_total - libm::log(step)))
    }
}

/// The sd of a move of both effects alike, were they independent: at most that of either.
fn sd_given_difference([a, b]: &[Marginal; 2]) -> f64 {
    a.peak.sd * b.peak.sd / libm::hypot(a.peak.sd, b.peak.sd)
}

/// More nodes on either side are not made: the mass that is missing then shows, and nothing is told of the pair.
pub const MOST_NODES: i32 = 20_000;

/// Nodes for s = (θ_A + θ_B)/2, fine enough for s given d, wide enough for any s.
fn grid_of_the_middle(marginals: &[Marginal; 2], resolution: Resolution) -> Grid {
    let [a, b] = marginals;
    let sd = 0.5 * libm::hypot(a.peak.sd, b.peak.sd);
    let given_d = sd_given_difference(marginals);
    let step = 0.33 * (given_d / sd).min(1.0) / resolution.refinement;
    let placement = Placement { step, ..resolution.density() };
    let peak = Peak { centre: 0.5 * (a.peak.centre + b.peak.centre), sd };
    let (low, high) = (0.5 * (a.low + b.low), 0.5 * (a.high + b.high));
    let seed = Grid::around(peak, placement, 0, 0);
    let first = libm::floor(seed.position(low)) as i32;
    let last = libm::ceil(seed.position(high)) as i32;
    Grid::around(peak, placement, first.clamp(-MOST_NODES, -12), last.clamp(12, MOST_NODES))
}

/// The nodes of s at which neither effect lies beyond its own table, given their difference: one that is known to a thousandth
/// of the other leaves few.
fn nodes_within(s_grid: &Grid, [a, b]: &[Marginal; 2], d: f64) -> Range<usize> {
    let (last_low, first_high) =
        ((a.low - 0.5 * d).max(b.low + 0.5 * d), (a.high - 0.5 * d).min(b.high + 0.5 * d));
    // Where there is none the likelihoods fall off between the two.
    let (low, high) = (last_low.min(first_high), last_low.max(first_high));
    let first = s_grid.x.partition_point(|&s| s < low).saturating_sub(1);
    let end = (s_grid.x.partition_point(|&s| s <= high) + 1).min(s_grid.x.len());
    first..end
}

/// Slices outward from the middle while they count; the index of the first, and the slices in order.
fn walk(farthest: i32, mut slice: impl FnMut(i32) -> PairSlice) -> (i32, Vec<PairSlice>) {
    const CUT: f64 = 27.0;
    let mut high = f64::NEG_INFINITY;
    let mut outward = |direction: i32, start: i32| {
        let mut slices = Vec::new();
        for j in start..farthest {
            let s = slice(direction * j);
            high = high.max(s.log_mass);
            let done = s.log_mass.is_nan() || s.log_mass < high - CUT;
            slices.push(s);
            if done {
                break;
            }
        }
        slices
    };
    let mut up = outward(1, 0);
    let mut slices = outward(-1, 1);
    let first = -(slices.len() as i32);
    slices.reverse();
    slices.append(&mut up);
    (first, slices)
}

fn assemble(
    sides: [(i32, Vec<PairSlice>); 2],
    map: ScaleMap,
    step: f64,
    (moment_limit, expected_log_total): (f64, f64),
) -> PairPosterior {
    let masses: Vec<f64> = sides.iter().flat_map(|(_, s)| s.iter().map(|s| s.log_mass)).collect();
    let log_total = log_sum(&masses);
    let (mut mean, mut square, mut opposed) = (0.0, 0.0, [0.0; 2]);
    for ((_, slices), opposed) in sides.iter().zip(&mut opposed) {
        for slice in slices {
            let mass = libm::exp(slice.log_mass - log_total);
            mean += mass * slice.d;
            square += mass * slice.d * slice.d;
            *opposed += mass * slice.opposed;
        }
    }
    PairPosterior {
        sides: sides.map(|(first, slices)| Side::new(first, &slices, step, log_total)),
        map,
        mean,
        sd: libm::sqrt((square - mean * mean).max(0.0)),
        first_above_second_below: opposed[0].clamp(0.0, 1.0),
        first_below_second_above: opposed[1].clamp(0.0, 1.0),
        settled: (log_total - expected_log_total).abs() < SETTLED,
        moment_limit,
    }
}

impl Side {
    /// The nodes suffice for sums; for the distribution function four times as many are interpolated.
    fn new(first: i32, slices: &[PairSlice], step: f64, log_total: f64) -> Side {
        const FINER: usize = 4;
        const FEWEST: usize = 12;
        let values: Vec<f64> = slices.iter().map(|s| s.log_mass - log_total).collect();
        let share = values.iter().map(|&f| libm::exp(f)).sum();
        let start = step * f64::from(first);
        if values.len() < FEWEST {
            let mass = values.iter().map(|&f| libm::exp(f)).collect();
            return Side { share, start, step, mass };
        }
        let interpolant = LogInterpolant::even(start, step, &values);
        let fine = step / FINER as f64;
        let mass = (0..=(values.len() - 1) * FINER)
            .map(|j| libm::exp(interpolant.at(start + fine * j as f64)) / FINER as f64)
            .collect();
        Side { share, start, step: fine, mass }
    }
}

impl Distribution for PairPosterior {
    fn cdf(&self, x: f64) -> f64 {
        let [above, below] = &self.sides;
        if x == 0.0 {
            return below.share.clamp(0.0, 1.0);
        }
        let side = if x > 0.0 { above } else { below };
        let position = (self.map.inverse(x.abs()) - side.start) / side.step;
        let nearer_to_zero = cumulative_sum(&side.mass, position);
        let p = if x > 0.0 { below.share + nearer_to_zero } else { below.share - nearer_to_zero };
        p.clamp(0.0, 1.0)
    }

    fn quantile(&self, p: f64) -> f64 {
        let reach = (1e3 * self.sd + self.mean.abs()).min(f64::MAX);
        invert_distribution(p, (self.mean, self.sd), (-reach, reach), |x| self.cdf(x))
    }

    fn mean(&self) -> Option<f64> {
        (self.moment_limit > 1.0).then_some(self.mean)
    }

    fn sd(&self) -> Option<f64> {
        (self.moment_limit > 2.0).then_some(self.sd)
    }

    fn is_settled(&self) -> bool {
        self.settled
    }
}

/// Two effects that are independent: each subgroup alone.
pub struct IndependentPair<T> {
    pub first: T,
    pub second: T,
}

impl<T: Borrow<Tabulated>> IndependentPair<T> {
    fn each(&self) -> [&Tabulated; 2] {
        [self.first.borrow(), self.second.borrow()]
    }

    /// P(θ_A > 0 and θ_B < 0).
    pub fn first_above_second_below(&self) -> f64 {
        let [first, second] = self.each();
        (1.0 - first.cdf(0.0)) * second.cdf(0.0)
    }

    /// P(θ_A < 0 and θ_B > 0).
    pub fn first_below_second_above(&self) -> f64 {
        let [first, second] = self.each();
        first.cdf(0.0) * (1.0 - second.cdf(0.0))
    }
}

impl<T: Borrow<Tabulated> + Sync> Distribution for IndependentPair<T> {
    /// A sum over the nodes of the narrower one, since the other's distribution function is smooth on their scale.
    fn cdf(&self, x: f64) -> f64 {
        let [a, b] = self.each().map(|t| &t.table);
        let p = if a.sd() <= b.sd() {
            1.0 - a.expect_of_bulk(|theta| b.cdf(theta - x))
        } else {
            b.expect_of_bulk(|theta| a.cdf(theta + x))
        };
        p.clamp(0.0, 1.0)
    }

    fn quantile(&self, p: f64) -> f64 {
        let [a, b] = self.each().map(|t| &t.table);
        let (first, second) = (bulk(a), bulk(b));
        let (mean, sd) = (first.centre - second.centre, libm::hypot(first.sd, second.sd));
        let reach = 1e3 * sd + mean.abs();
        invert_distribution_to(NEAR, p, (mean, sd), (-reach, reach), |x| self.cdf(x))
    }

    fn mean(&self) -> Option<f64> {
        let [first, second] = self.each();
        Some(first.mean()? - second.mean()?)
    }

    fn sd(&self) -> Option<f64> {
        let [first, second] = self.each();
        Some(libm::hypot(first.sd()?, second.sd()?))
    }

    fn is_settled(&self) -> bool {
        self.each().iter().all(|t| t.is_settled())
    }
}
