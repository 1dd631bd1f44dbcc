//! Local polynomial interpolation of a smooth log density between uneven nodes.

use super::finder::Finder;

/// Nodes that share in one interpolated value: six on each side.
const STENCIL: usize = 12;

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
        let mut newton = vec![[0.0; STENCIL]; x.len()];
        // Divided differences of one order for all places, then of the next: a run's coefficients start with it.
        let mut differences = values.to_vec();
        for order in 0..STENCIL {
            if order > 0 {
                for i in 0..differences.len() - 1 {
                    differences[i] = (differences[i + 1] - differences[i]) / (x[i + order] - x[i]);
                }
                differences.pop();
            }
            for (run, &difference) in newton.iter_mut().zip(&differences) {
                run[order] = difference;
            }
        }
        let pieces = (0..x.len() - 1)
            .map(|left| {
                // As many nodes on either side: towards the ends fewer, since lopsided polynomials swing.
                let side = (STENCIL / 2).min(left + 1).min(x.len() - 1 - left);
                let start = left + 1 - side;
                Piece::new(&x[start..start + 2 * side], &newton[start], x[left], x[left + 1])
            })
            .collect();
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

impl Piece {
    /// Newton's form on `nodes`, expanded about the middle of `left … right`.
    fn new(nodes: &[f64], newton: &[f64; STENCIL], left: f64, right: f64) -> Piece {
        let middle = 0.5 * (left + right);
        let half = 0.5 * (right - left);
        let mut c = [0.0; STENCIL];
        let degree = nodes.len() - 1;
        c[0] = newton[degree];
        for i in (0..degree).rev() {
            // c ← c · (half · v + middle − nodeᵢ) + newtonᵢ
            let offset = middle - nodes[i];
            for k in (1..=degree - i).rev() {
                c[k] = c[k] * offset + c[k - 1] * half;
            }
            c[0] = c[0] * offset + newton[i];
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
