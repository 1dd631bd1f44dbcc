//! Grids that are even around a centre and stretch outward, and log densities tabulated on them.
//!
//! With `x = centre + scale · sinh(t)` and even steps in `t`, the trapezoid rule converges faster than any power of the
//! step for smooth densities, a mild misjudgement of the scale costs nothing, and a tail that falls like a power of x is
//! reached with a few more nodes.

use std::sync::OnceLock;

use super::exp::exp_of_nonpositive;
use super::sinc::cumulative_sum;

/// Node `j` from the centre and its weight.
fn stretched(centre: f64, scale: f64, step: f64, j: i32) -> (f64, f64) {
    let node = Shape::at(step, j);
    (centre + scale * node.sinh, scale * step * node.cosh)
}

/// The stretch at one node: the hyperbolic functions of t.
#[derive(Debug, Clone, Copy)]
struct Shape {
    sinh: f64,
    cosh: f64,
    log_cosh: f64,
}

impl Shape {
    fn at(step: f64, j: i32) -> Shape {
        // Odd and even to the last bit, so that mirrored problems have mirrored grids.
        let e = libm::exp(step * f64::from(j.abs()));
        let inverse = 1.0 / e;
        let cosh = 0.5 * (e + inverse);
        let sinh = 0.5 * (e - inverse);
        Shape { sinh: if j < 0 { -sinh } else { sinh }, cosh, log_cosh: libm::log(cosh) }
    }
}

/// The stretch at the nodes of one step.
struct Stretch {
    step: f64,
    /// The inner nodes' shapes; empty for a step that is not among the usual ones.
    inner: &'static [Shape],
}

/// Steps of thousands of small grids (see [`Placement::step`]), whose shapes are a table: without it exponentials and
/// logarithms of the same few hundred numbers take a tenth of all time. Other steps give what they would give in it.
const USUAL_STEPS: [f64; 4] = [0.3, 0.36, 0.5, 0.6];

/// Nodes on either side of the centre that the table has.
const INNER: i32 = 256;

/// The inner shapes of one step, from node −[`INNER`] on, made when they are first wanted.
struct Usual {
    step: f64,
    shapes: OnceLock<Vec<Shape>>,
}

impl Usual {
    fn shapes(&self) -> &[Shape] {
        self.shapes.get_or_init(|| (-INNER..=INNER).map(|j| Shape::at(self.step / EVEN_OVER, j)).collect())
    }
}

/// Of the usual steps, and of what they are refined to.
fn usual(step: f64) -> Option<&'static Usual> {
    static ALL: OnceLock<Vec<Usual>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let refined = |step: f64| {
            let next = |step: &f64| Some(step * REFINEMENT);
            std::iter::successors(Some(step), next).take(MOST_REFINEMENTS + 1)
        };
        let steps = USUAL_STEPS.into_iter().flat_map(refined);
        steps.map(|step| Usual { step, shapes: OnceLock::new() }).collect()
    });
    all.iter().find(|usual| usual.step == step)
}

impl Stretch {
    /// Of nodes at this distance in the bulk, in standard deviations.
    fn of(step: f64) -> Stretch {
        Stretch { step: step / EVEN_OVER, inner: usual(step).map_or(&[], Usual::shapes) }
    }

    fn at(&self, j: i32) -> Shape {
        match self.inner.get((j + INNER) as usize) {
            Some(shape) if j >= -INNER => *shape,
            _ => Shape::at(self.step, j),
        }
    }
}

/// A point counts while its log density is within this of the largest: e^-37 is rounding.
const CUT: f64 = 37.0;

/// The inner scale of the stretch, in standard deviations: even spacing over the bulk.
const EVEN_OVER: f64 = 4.0;

/// Each refinement of a step that turned out too coarse, and the most of them.
const REFINEMENT: f64 = 0.6;
const MOST_REFINEMENTS: usize = 5;

/// A grid of more nodes than this is not refined: what it misses is for those to find who know what it must hold.
const MOST_NODES: usize = 1200;

/// A side of the mode that is narrower than this share of the spread is a cliff; so often a cliff may turn out steeper still.
const STEEP: f64 = 0.6;
const MOST_CLIFFS: usize = 4;

/// Nodes on either side of the centre at least, enough for interpolation.
const FEWEST: i32 = 7;

/// The interquartile range of the standard normal.
const NORMAL_INTERQUARTILE_RANGE: f64 = 1.348_979_500_392_163_5;

/// Beyond this the stretch has passed 1e17 scales.
const LARGEST_T: f64 = 40.0;

/// Nodes `x = centre + scale · sinh(t)`, with `t = step · (first + j)` at the `j`-th, and trapezoid weights `dx`.
#[derive(Debug, Clone)]
pub struct Grid {
    /// Where nodes are densest, in the unit of x.
    pub centre: f64,
    /// The distance from the centre up to which nodes are about evenly spaced, in the unit of x.
    pub scale: f64,
    /// The distance between neighbouring nodes in `t`.
    pub step: f64,
    /// The number of the first node, counted from the centre, which is 0; below 0 left of it.
    pub first: i32,
    /// The nodes, in increasing order.
    pub x: Vec<f64>,
    /// The trapezoid weight of each node, in the unit of x.
    pub weight: Vec<f64>,
}

impl Grid {
    /// The grid of a peak, from node `first` to node `last` (0 at the centre).
    pub fn around(peak: Peak, placement: Placement, first: i32, last: i32) -> Grid {
        let scale = EVEN_OVER * peak.sd;
        let step = placement.step / EVEN_OVER;
        let (x, weight) = (first..=last).map(|j| stretched(peak.centre, scale, step, j)).unzip();
        Grid { centre: peak.centre, scale, step, first, x, weight }
    }

    /// The same grid with nodes added beyond its ends: `below` of them and `above`.
    pub fn extended(&self, below: usize, above: usize) -> Grid {
        let first = self.first - below as i32;
        let last = self.first + self.x.len() as i32 - 1 + above as i32;
        let (x, weight) = (first..=last).map(|j| stretched(self.centre, self.scale, self.step, j)).unzip();
        Grid { first, x, weight, ..*self }
    }

    /// The place of node `j`, counted from the centre, on the grid or beyond its ends.
    pub fn node(&self, j: i32) -> f64 {
        stretched(self.centre, self.scale, self.step, j).0
    }

    /// The position of `x` in units of nodes, 0 at the first; may lie outside the grid.
    pub fn position(&self, x: f64) -> f64 {
        libm::asinh((x - self.centre) / self.scale) / self.step - f64::from(self.first)
    }

    /// The inverse of [`Grid::position`].
    pub fn at_position(&self, position: f64) -> f64 {
        self.centre + self.scale * libm::sinh((position + f64::from(self.first)) * self.step)
    }

    /// The distance between neighbouring nodes near `x`.
    pub fn spacing(&self, x: f64) -> f64 {
        self.step * libm::hypot(x - self.centre, self.scale)
    }
}

/// Where a density is believed to lie.
#[derive(Debug, Clone, Copy)]
pub struct Peak {
    /// The middle of the density: its mode, mean or median.
    pub centre: f64,
    /// Its width, as the sd of a normal.
    pub sd: f64,
}

/// How closely to tabulate.
#[derive(Debug, Clone, Copy)]
pub struct Placement {
    /// The distance between nodes in the bulk, in standard deviations.
    pub step: f64,
    /// The step is reduced until leaving out every other node changes the mass by no more than this part.
    pub tolerance: f64,
    /// Nodes run at least this far from the centre, for densities that vanish between there and where they count.
    pub at_least: f64,
}

/// A log density on a grid that was placed for it.
#[derive(Debug, Clone)]
pub struct LogTable {
    /// The nodes.
    pub grid: Grid,
    /// The log density at each node, up to a constant.
    pub log_density: Vec<f64>,
    /// `log ∫ e^f dx`.
    pub log_mass: f64,
    /// `e^f dx / ∫ e^f dx` by node.
    pub mass: Vec<f64>,
    /// How much the total mass moves when every other node is left out: an estimate of the square root of the error.
    pub halving_change: f64,
}

impl LogTable {
    /// The table of a log density that is known at each of the grid's nodes.
    pub fn new(grid: Grid, log_density: Vec<f64>) -> LogTable {
        let high = log_density.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut mass: Vec<f64> =
            log_density.iter().zip(&grid.weight).map(|(&f, &w)| exp_of_nonpositive(f - high) * w).collect();
        let total: f64 = mass.iter().sum();
        let even: f64 = mass.iter().step_by(2).sum();
        for m in &mut mass {
            *m /= total;
        }
        LogTable {
            log_mass: high + libm::log(total),
            halving_change: (2.0 * even / total - 1.0).abs(),
            grid,
            log_density,
            mass,
        }
    }

    /// `E[h(x)]` under the normalised density.
    pub fn expect(&self, mut h: impl FnMut(f64) -> f64) -> f64 {
        self.grid.x.iter().zip(&self.mass).map(|(&x, &m)| m * h(x)).sum()
    }

    /// `E[h(x)]` of a costly h between 0 and 1, leaving out nodes with a mass of 1e-14 or less.
    pub fn expect_of_bulk(&self, mut h: impl FnMut(f64) -> f64) -> f64 {
        let counts = |(_, m): &(&f64, &f64)| **m > 1e-14;
        self.grid.x.iter().zip(&self.mass).filter(counts).map(|(&x, &m)| m * h(x)).sum()
    }

    /// The probability below `x`, by the indefinite trapezoid rule.
    pub fn cdf(&self, x: f64) -> f64 {
        below(&self.mass, self.grid.position(x))
    }

    /// Keeps nothing but the distribution function, in a quarter of the memory.
    pub fn into_cumulative(self) -> Cumulative {
        Cumulative { grid: Grid { x: Vec::new(), weight: Vec::new(), ..self.grid }, mass: self.mass }
    }

    /// The mass of the first node or of the last, whichever has more: where that counts the table does not hold all of it.
    pub fn mass_at_ends(&self) -> f64 {
        [self.mass.first(), self.mass.last()].into_iter().flatten().copied().fold(0.0, f64::max)
    }

    /// The mean of the normalised density.
    pub fn mean(&self) -> f64 {
        self.expect(|x| x)
    }

    /// The standard deviation of the normalised density.
    pub fn sd(&self) -> f64 {
        let mean = self.mean();
        libm::sqrt(self.expect(|x| (x - mean) * (x - mean)))
    }

    /// Mean and sd; of a density with a cliff its mode and the width of the cliff.
    pub fn sharpest(&self) -> Peak {
        let whole = Peak { centre: self.mean(), sd: self.sd() };
        self.steepest().filter(|cliff| cliff.sd < STEEP * whole.sd).unwrap_or(whole)
    }

    /// The mode, and the sd of a normal that falls away as fast as the density does on its steeper side.
    fn steepest(&self) -> Option<Peak> {
        /// Two standard deviations below its mode a normal's log density is lower by this.
        const FALL: f64 = 2.0;
        let f = &self.log_density;
        let mode = (0..f.len()).max_by(|&i, &j| f[i].total_cmp(&f[j]))?;
        let level = f[mode] - FALL;
        let crossing = |inner: usize, outer: usize| {
            let share = (f[inner] - level) / (f[inner] - f[outer]);
            self.grid.x[inner] + share.clamp(0.0, 1.0) * (self.grid.x[outer] - self.grid.x[inner])
        };
        let above = (mode + 1..f.len()).find(|&i| f[i] <= level).map(|i| crossing(i - 1, i));
        let below = (0..mode).rev().find(|&i| f[i] <= level).map(|i| crossing(i + 1, i));
        let widths = above.into_iter().chain(below).map(|x| 0.5 * (x - self.grid.x[mode]).abs());
        let sd = widths.fold(f64::INFINITY, f64::min);
        (sd > 0.0 && sd.is_finite()).then_some(Peak { centre: self.grid.x[mode], sd })
    }

    /// Median, and the sd of the normal with the same quartiles, by plain accumulation: for placing grids.
    pub fn rough_peak(&self) -> Peak {
        let at = |p: f64| {
            let mut below = 0.0;
            for (j, &m) in self.mass.iter().enumerate() {
                // A node's mass is spread over the cell around it.
                if below + m >= p {
                    let left =
                        if j == 0 { self.grid.x[0] } else { 0.5 * (self.grid.x[j - 1] + self.grid.x[j]) };
                    let right = if j + 1 == self.mass.len() {
                        self.grid.x[j]
                    } else {
                        0.5 * (self.grid.x[j] + self.grid.x[j + 1])
                    };
                    return left + (right - left) * ((p - below) / m).clamp(0.0, 1.0);
                }
                below += m;
            }
            self.grid.x[self.mass.len() - 1]
        };
        let (low, middle, high) = (at(0.25), at(0.5), at(0.75));
        Peak { centre: middle, sd: (high - low) / NORMAL_INTERQUARTILE_RANGE }
    }
}

/// The distribution function of a [`LogTable`].
#[derive(Debug, Clone)]
pub struct Cumulative {
    /// Without its nodes, which are where it places them.
    grid: Grid,
    mass: Vec<f64>,
}

impl Cumulative {
    /// The probability below `x`.
    pub fn cdf(&self, x: f64) -> f64 {
        below(&self.mass, self.grid.position(x))
    }

    /// How many nodes a value is summed over.
    pub fn nodes(&self) -> usize {
        self.mass.len()
    }
}

/// The share of the mass below a position among its nodes.
fn below(mass: &[f64], position: f64) -> f64 {
    if position <= -1.0 {
        return 0.0;
    }
    if position >= mass.len() as f64 {
        return 1.0;
    }
    cumulative_sum(mass, position).clamp(0.0, 1.0)
}

/// Tabulates `log_density` (up to a constant) where it matters, starting from a guess of where that is and moving until
/// the grid fits what it finds.
pub fn tabulate(guess: Peak, placement: Placement, mut log_density: impl FnMut(f64) -> f64) -> LogTable {
    tabulate_with(guess, placement, |x| (log_density(x), ())).0
}

/// As [`tabulate`], to a tolerance that depends on what the mass turns out to be: `tolerance` is asked once, with its
/// logarithm.
pub fn tabulate_to(
    guess: Peak,
    placement: Placement,
    tolerance: impl FnOnce(f64) -> f64,
    mut log_density: impl FnMut(f64) -> f64,
) -> LogTable {
    let mut log_density = |x| (log_density(x), ());
    let (peak, found) = settled(guess, placement, &mut log_density);
    let tolerance = tolerance(found.0.log_mass);
    refine(peak, Placement { tolerance, ..placement }, found, log_density).0
}

/// Tabulates outward from a peak that is known to be the right place for nodes, also returning what the evaluation of the
/// density gave beside it at each node.
pub fn tabulate_around<P>(
    peak: Peak,
    placement: Placement,
    mut log_density: impl FnMut(f64) -> (f64, P),
) -> (LogTable, Vec<P>) {
    walk(peak, placement, &mut log_density)
}

/// As [`tabulate`], also returning what the evaluation of the density gave beside it at each node.
pub fn tabulate_with<P>(
    guess: Peak,
    placement: Placement,
    mut log_density: impl FnMut(f64) -> (f64, P),
) -> (LogTable, Vec<P>) {
    let (peak, found) = settled(guess, placement, &mut log_density);
    refine(peak, placement, found, log_density)
}

/// Moves a guess until the grid around it fits what it finds.
fn settled<P>(
    guess: Peak,
    placement: Placement,
    log_density: &mut impl FnMut(f64) -> (f64, P),
) -> (Peak, (LogTable, Vec<P>)) {
    let mut peak = guess;
    let mut found = walk(peak, placement, log_density);
    for _ in 0..12 {
        let now = found.0.rough_peak();
        let ratio = now.sd / peak.sd;
        let off = (now.centre - peak.centre).abs() / peak.sd;
        if (0.6..=1.6).contains(&ratio) && off <= 1.0 {
            break;
        }
        // A density narrower than a cell shows the cell's width, so shrinking proceeds in bounded steps.
        peak = Peak { centre: now.centre, sd: peak.sd * ratio.clamp(0.05, 1e6) };
        found = walk(peak, placement, log_density);
    }
    (peak, found)
}

/// Smaller steps for a density that is sharper in places than its spread tells. Where it has a cliff, such as that of a
/// likelihood without events beside a wide prior, nodes are placed around the cliff: from there the stretch reaches all else.
fn refine<P>(
    mut peak: Peak,
    placement: Placement,
    (mut table, mut found_by_the_way): (LogTable, Vec<P>),
    mut log_density: impl FnMut(f64) -> (f64, P),
) -> (LogTable, Vec<P>) {
    for _ in 0..MOST_CLIFFS {
        if table.halving_change <= placement.tolerance {
            break;
        }
        let Some(cliff) = table.steepest().filter(|found| found.sd < STEEP * peak.sd) else { break };
        let (other, kept) = walk(cliff, placement, &mut log_density);
        if other.halving_change.is_nan() || other.halving_change >= table.halving_change {
            break;
        }
        (peak, table, found_by_the_way) = (cliff, other, kept);
    }
    let mut step = placement.step;
    for _ in 0..MOST_REFINEMENTS {
        if table.halving_change <= placement.tolerance || table.mass.len() > MOST_NODES {
            break;
        }
        step *= REFINEMENT;
        (table, found_by_the_way) = walk(peak, Placement { step, ..placement }, &mut log_density);
    }
    (table, found_by_the_way)
}

/// Nodes outward from the centre until the density has fallen away on both sides.
fn walk<P>(
    peak: Peak,
    placement: Placement,
    log_density: &mut impl FnMut(f64) -> (f64, P),
) -> (LogTable, Vec<P>) {
    let scale = EVEN_OVER * peak.sd;
    let step = placement.step / EVEN_OVER;
    let largest = (LARGEST_T / step) as i32;
    let log_unit = libm::log(scale * step);
    let shape = Stretch::of(placement.step);
    let mut high = f64::NEG_INFINITY;
    let mut side = |direction: i32, start: i32| {
        let (mut x, mut w, mut f) = (Vec::with_capacity(32), Vec::with_capacity(32), Vec::with_capacity(32));
        let mut kept = Vec::with_capacity(32);
        let mut below = 0;
        let mut j = start;
        while j.abs() <= largest {
            let node = shape.at(j);
            let xj = peak.centre + scale * node.sinh;
            let wj = scale * step * node.cosh;
            let (fj, by_the_way) = log_density(xj);
            kept.push(by_the_way);
            let weighted = fj + log_unit + node.log_cosh;
            high = high.max(weighted);
            x.push(xj);
            w.push(wj);
            f.push(fj);
            below = if weighted < high - CUT { below + 1 } else { 0 };
            if below >= 2 && j.abs() >= FEWEST && (xj - peak.centre).abs() >= placement.at_least {
                break;
            }
            j += direction;
        }
        (x, w, f, kept)
    };
    let (mut x_up, mut w_up, mut f_up, mut kept_up) = side(1, 0);
    let (mut x, mut w, mut f, mut kept) = side(-1, -1);
    let first = -(x.len() as i32);
    x.reverse();
    w.reverse();
    f.reverse();
    x.append(&mut x_up);
    w.append(&mut w_up);
    f.append(&mut f_up);
    kept.reverse();
    kept.append(&mut kept_up);
    (LogTable::new(Grid { centre: peak.centre, scale, step, first, x, weight: w }, f), kept)
}

#[cfg(test)]
mod tests {
    use super::super::{normal_cdf, normal_log_density};
    use super::*;

    #[test]
    fn a_normal_density_is_found_and_integrated_from_a_guess_that_is_far_off() {
        for guess in [
            Peak { centre: 0.0, sd: 1.0 },
            Peak { centre: 300.0, sd: 0.01 },
            Peak { centre: -40.0, sd: 900.0 },
        ] {
            let table = tabulate(guess, Placement { step: 0.33, tolerance: 1e-8, at_least: 0.0 }, |x| {
                normal_log_density(x, 2.0, 0.05)
            });
            assert!(table.log_mass.abs() < 1e-12, "{guess:?}: {}", table.log_mass);
            assert!((table.mean() - 2.0).abs() < 1e-12);
            assert!((table.sd() - 0.05).abs() < 1e-12);
            for x in [1.8, 1.97, 2.0, 2.011, 2.3] {
                let error = table.cdf(x) - normal_cdf((x - 2.0) / 0.05);
                assert!(error.abs() < 1e-9, "cdf at {x} is off by {error:e}");
            }
        }
    }

    #[test]
    fn a_cauchy_density_keeps_its_tails() {
        let table = tabulate(
            Peak { centre: 0.0, sd: 1.0 },
            Placement { step: 0.33, tolerance: 1e-8, at_least: 0.0 },
            |x| -libm::log1p(x * x),
        );
        let error = table.log_mass - libm::log(std::f64::consts::PI);
        assert!(error.abs() < 1e-7, "log mass is off by {error:e}");
        for x in [-1e6, -3.0, 0.4, 250.0] {
            let error = table.cdf(x) - (0.5 + libm::atan(x) / std::f64::consts::PI);
            assert!(error.abs() < 1e-5, "cdf at {x} is off by {error:e}");
        }
    }
}
