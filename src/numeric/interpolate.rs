//! Local polynomial interpolation of a smooth log density between uneven nodes.

use super::finder::Finder;
use super::instructions::{Instructions, compiled_for_each};

/// Nodes that share in one interpolated value: six on each side.
const STENCIL: usize = 12;

/// Pieces that are made beside each other, whatever the width of the processor's vectors.
const LANES: usize = 8;

/// A polynomial through twelve neighbouring nodes (fewer near the ends) for every interval between two.
///
/// A Gaussian's log density is a parabola, which this reproduces exactly; what is interpolated in practice is a log
/// density's departure from one. Outside the nodes the end's slope is continued.
#[derive(Debug, Clone)]
pub struct LogInterpolant {
    x: Vec<f64>,
    finder: Finder,
    pieces: Vec<Piece>,
    /// Value and slope at the first node and the last.
    ends: [(f64, f64); 2],
}

/// `Σ cₖ vᵏ` with `v = (x − middle) · inverse_half`, between −1 and 1 on the piece's own interval.
#[derive(Debug, Clone, Copy)]
struct Piece {
    middle: f64,
    inverse_half: f64,
    c: [f64; STENCIL],
}

impl LogInterpolant {
    /// `grid` must hold at least twelve nodes and `values` as many.
    pub fn new(grid: &super::Grid, values: &[f64]) -> LogInterpolant {
        LogInterpolant::on_nodes(grid.x.clone(), values)
    }

    /// Values at `start`, `start + step`, …; at least twelve of them.
    pub fn even(start: f64, step: f64, values: &[f64]) -> LogInterpolant {
        LogInterpolant::on_nodes((0..values.len()).map(|j| start + step * j as f64).collect(), values)
    }

    /// Values at uneven nodes, which increase; at least twelve of them.
    pub fn on_nodes(x: Vec<f64>, values: &[f64]) -> LogInterpolant {
        assert!(x.len() >= STENCIL && values.len() == x.len());
        let pieces = pieces(Instructions::best(), &x, values);
        let finder = Finder::new(&x);
        let mut interpolant = LogInterpolant { ends: [(0.0, 0.0); 2], finder, pieces, x };
        interpolant.ends = [interpolant.x[0], interpolant.x[interpolant.x.len() - 1]].map(|end| {
            let (value, slope, _) = interpolant.with_derivatives(end);
            (value, slope)
        });
        interpolant
    }

    /// Whether `x` lies between the first node and the last.
    pub fn covers(&self, x: f64) -> bool {
        x >= self.x[0] && x <= self.x[self.x.len() - 1]
    }

    /// The point between the first node and the last that is nearest to `x`.
    pub fn nearest(&self, x: f64) -> f64 {
        x.clamp(self.x[0], self.x[self.x.len() - 1])
    }

    fn piece(&self, x: f64) -> &Piece {
        &self.pieces[self.finder.interval(&self.x, x)]
    }

    /// The interpolated value; beyond the nodes, that of the line that continues the curve.
    pub fn at(&self, x: f64) -> f64 {
        let [low, high] = [self.x[0], self.x[self.x.len() - 1]];
        if x < low {
            self.ends[0].0 + self.ends[0].1 * (x - low)
        } else if x > high {
            self.ends[1].0 + self.ends[1].1 * (x - high)
        } else {
            self.piece(x).at(x)
        }
    }

    /// First and second derivative; beyond the nodes those of the line that continues the curve.
    pub fn slope_and_bend(&self, x: f64) -> (f64, f64) {
        if x < self.x[0] {
            (self.ends[0].1, 0.0)
        } else if x > self.x[self.x.len() - 1] {
            (self.ends[1].1, 0.0)
        } else {
            let (_, slope, bend) = self.with_derivatives(x);
            (slope, bend)
        }
    }

    /// Value, first and second derivative at an `x` that the nodes cover.
    pub fn with_derivatives(&self, x: f64) -> (f64, f64, f64) {
        let piece = self.piece(x);
        let v = (x - piece.middle) * piece.inverse_half;
        let (mut value, mut slope, mut bend) = (piece.c[STENCIL - 1], 0.0, 0.0);
        for &c in piece.c[..STENCIL - 1].iter().rev() {
            bend = bend * v + 2.0 * slope;
            slope = slope * v + value;
            value = value * v + c;
        }
        (value, slope * piece.inverse_half, bend * piece.inverse_half * piece.inverse_half)
    }
}

compiled_for_each! {
    fn pieces(x: &[f64], values: &[f64]) -> Vec<Piece> = all_pieces;
}

/// The piece of every interval between two nodes. As many nodes on either side: towards the ends fewer, since lopsided
/// polynomials swing.
#[inline(always)]
fn all_pieces(x: &[f64], values: &[f64]) -> Vec<Piece> {
    const SIDE: usize = STENCIL / 2;
    let newton = divided_differences(x, values);
    let intervals = x.len() - 1;
    // From here to there the stencil is whole.
    let (first, last) = (SIDE - 1, intervals - (SIDE - 1));
    let one = |left: usize| {
        let side = SIDE.min(left + 1).min(intervals - left);
        let start = left + 1 - side;
        Piece::new(&x[start..start + 2 * side], |order| newton[order][start], x[left], x[left + 1])
    };
    let mut pieces = Vec::with_capacity(intervals);
    pieces.extend((0..first).map(one));
    while pieces.len() + LANES <= last {
        pieces.extend(whole_pieces(x, &newton, pieces.len()));
    }
    pieces.extend((pieces.len()..intervals).map(one));
    pieces
}

/// By order, then by the first of the nodes that share in them.
#[inline(always)]
fn divided_differences(x: &[f64], values: &[f64]) -> [Vec<f64>; STENCIL] {
    let mut newton: [Vec<f64>; STENCIL] = Default::default();
    newton[0] = values.to_vec();
    for order in 1..STENCIL {
        let pairs = newton[order - 1].iter().zip(&newton[order - 1][1..]);
        let places = x.iter().zip(&x[order..]);
        newton[order] = pairs.zip(places).map(|((f, next), (x, far))| (next - f) / (far - x)).collect();
    }
    newton
}

/// [`Piece::new`] for neighbouring intervals from `left` on, all of which have their whole stencil.
#[inline(always)]
fn whole_pieces(x: &[f64], newton: &[Vec<f64>; STENCIL], left: usize) -> [Piece; LANES] {
    const DEGREE: usize = STENCIL - 1;
    let start = left + 1 - STENCIL / 2;
    let lanes = |from: &[f64], first: usize| -> [f64; LANES] {
        let from = &from[first..first + LANES];
        std::array::from_fn(|lane| from[lane])
    };
    let (lefts, rights) = (lanes(x, left), lanes(x, left + 1));
    let middle: [f64; LANES] = std::array::from_fn(|lane| 0.5 * (lefts[lane] + rights[lane]));
    let half: [f64; LANES] = std::array::from_fn(|lane| 0.5 * (rights[lane] - lefts[lane]));
    let mut c = [[0.0; LANES]; STENCIL];
    c[0] = lanes(&newton[DEGREE], start);
    for i in (0..DEGREE).rev() {
        let (nodes, constants) = (lanes(x, start + i), lanes(&newton[i], start));
        let offset: [f64; LANES] = std::array::from_fn(|lane| middle[lane] - nodes[lane]);
        for k in (1..=DEGREE - i).rev() {
            for lane in 0..LANES {
                c[k][lane] = c[k][lane] * offset[lane] + c[k - 1][lane] * half[lane];
            }
        }
        for lane in 0..LANES {
            c[0][lane] = c[0][lane] * offset[lane] + constants[lane];
        }
    }
    std::array::from_fn(|lane| Piece {
        middle: middle[lane],
        inverse_half: 1.0 / half[lane],
        c: std::array::from_fn(|k| c[k][lane]),
    })
}

impl Piece {
    /// Newton's form on `nodes`, of which `newton` has the coefficient of each order, expanded about the middle of
    /// `left … right`.
    #[inline(always)]
    fn new(nodes: &[f64], newton: impl Fn(usize) -> f64, left: f64, right: f64) -> Piece {
        let middle = 0.5 * (left + right);
        let half = 0.5 * (right - left);
        let mut c = [0.0; STENCIL];
        let degree = nodes.len() - 1;
        c[0] = newton(degree);
        for i in (0..degree).rev() {
            // c ← c · (half · v + middle − nodeᵢ) + newtonᵢ
            let offset = middle - nodes[i];
            for k in (1..=degree - i).rev() {
                c[k] = c[k] * offset + c[k - 1] * half;
            }
            c[0] = c[0] * offset + newton(i);
        }
        Piece { middle, inverse_half: 1.0 / half, c }
    }

    /// Estrin's scheme: the twelve terms in four levels instead of a chain of eleven.
    #[inline]
    fn at(&self, x: f64) -> f64 {
        let v = (x - self.middle) * self.inverse_half;
        let c = &self.c;
        let v2 = v * v;
        let v4 = v2 * v2;
        let low = (c[0] + c[1] * v) + (c[2] + c[3] * v) * v2;
        let middle = (c[4] + c[5] * v) + (c[6] + c[7] * v) * v2;
        let high = (c[8] + c[9] * v) + (c[10] + c[11] * v) * v2;
        low + (middle + high * v4) * v4
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Peak, Placement, softplus, tabulate};
    use super::*;

    #[test]
    fn pieces_made_beside_each_other_are_those_made_one_by_one_by_every_width_of_instructions() {
        for n in [STENCIL, 13, 18, 19, 20, 27, 28, 61] {
            let x: Vec<f64> = (0..n).map(|i| libm::sinh(0.1 * (i as f64 - 20.0))).collect();
            let values: Vec<f64> = x.iter().map(|x| libm::sin(3.0 * x) - 0.5 * x * x).collect();
            let newton = divided_differences(&x, &values);
            let bits = |p: &Piece| {
                [&[p.middle, p.inverse_half], &p.c[..]].concat().iter().map(|x| x.to_bits()).collect()
            };
            let one_by_one: Vec<Vec<u64>> = (0..n - 1)
                .map(|left| {
                    let side = (STENCIL / 2).min(left + 1).min(n - 1 - left);
                    let start = left + 1 - side;
                    let nodes = &x[start..start + 2 * side];
                    bits(&Piece::new(nodes, |order| newton[order][start], x[left], x[left + 1]))
                })
                .collect();
            for with in Instructions::available() {
                let beside: Vec<Vec<u64>> = pieces(with, &x, &values).iter().map(bits).collect();
                assert_eq!(beside, one_by_one, "{with:?}, {n} nodes");
            }
        }
    }

    #[test]
    fn a_binomial_log_likelihood_is_interpolated_far_below_the_grid_tolerance() {
        let f = |x: f64| 6.0 * x - 14.0 * softplus(x);
        let table = tabulate(
            Peak { centre: 0.0, sd: 0.5 },
            Placement { step: 0.33, tolerance: 1e-8, at_least: 0.0 },
            f,
        );
        let interpolant = LogInterpolant::new(&table.grid, &table.log_density);
        for i in 0..400 {
            let x = -2.0 + 0.01 * f64::from(i);
            let error = (interpolant.at(x) - f(x)).abs();
            assert!(error < 1e-7, "at {x}: {error:e}");
        }
        let (_, slope, bend) = interpolant.with_derivatives(0.3);
        let p = super::super::logistic(0.3);
        assert!((slope - (6.0 - 14.0 * p)).abs() < 1e-6);
        assert!((bend + 14.0 * p * (1.0 - p)).abs() < 1e-4);
    }
}
