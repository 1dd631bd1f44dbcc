//! Curves over log odds, from integrals over numbers that are not known.

use super::super::nuisance::Part;
use super::view::View;
use crate::numeric::{Grid, LogInterpolant, Peak, Placement, log_add_exp, log_sum_exp, tabulate};
use crate::study::Nuisance;

/// Distances between nodes are this part of the curve's narrowest feature in its bulk, and grow with the distance from it.
const SPACING: f64 = 0.3;

/// Log odds beyond which a curve is continued with its slope.
const REACH: f64 = 40.0;

/// For the integrals over one unknown number: the error is about the square of the tolerance.
const INTEGRAL: Placement = Placement { step: 0.5, tolerance: 2e-5, at_least: 0.0 };

/// `log ∫ p(ratio) e^f(x; ratio)` over all x at once: an even rule over the prior, halved until that changes nothing.
pub fn averaged(ratio: &Nuisance, placed: Peak, at_ratio: impl Fn(f64) -> View) -> View {
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
pub fn tabulated(peak: Peak, blur: f64, mut f: impl FnMut(f64) -> f64) -> View {
    let grid = grid(peak, blur);
    let middle = grid.x.partition_point(|&x| x < peak.centre);
    let mut values = vec![0.0; grid.x.len()];
    for i in (middle..grid.x.len()).chain((0..middle).rev()) {
        values[i] = f(grid.x[i]);
    }
    View::Curve(Box::new(LogInterpolant::new(&grid, &values)))
}

/// The mean of `e^f` under a prior, found again and again for integrands that differ a little.
pub struct Integral {
    parts: Vec<(Part, Peak)>,
    known: Option<f64>,
}

impl Integral {
    pub fn over(nuisance: &Nuisance) -> Integral {
        let peak = |p: &Part| {
            let (centre, sd) = p.rough();
            Peak { centre, sd }
        };
        let parts = nuisance.parts().into_iter().map(|p| (p, peak(&p))).collect();
        Integral { parts, known: nuisance.known() }
    }

    pub fn log_mean(&mut self, f: impl Fn(f64) -> f64) -> f64 {
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
