//! Indefinite integration on an even grid.
//!
//! The integral up to `x` of the band-limited function through values `fⱼ` at whole numbers is `Σ fⱼ H(x − j)`, with
//! `H(x) = 1/2 + Si(πx)/π` (Haber, "Two formulas for numerical indefinite integration", Math. Comp. 1993). It is as
//! accurate as the values are well sampled, at any `x`.

use std::f64::consts::{FRAC_PI_2, PI};
use std::sync::OnceLock;

use super::lanes::rippled;

/// The table runs to this distance; beyond it the asymptotic series of Si is used.
const TABLE_END: usize = 16;
/// Entries for one unit of distance.
const PER_UNIT: usize = 32;

struct Table {
    /// H, and its first two derivatives in units of one table step.
    entries: Vec<[f64; 3]>,
}

/// `H(x) = 1/2 + Si(πx)/π`: how much of node 0 lies below `x`; from 0 far left to 1 far right, with small ripples.
pub fn cumulative_weight(x: f64) -> f64 {
    Weights::at(x).of(0)
}

/// `Σ massⱼ H(position − j)`: the integral up to `position`, in nodes from the first, of the band-limited function through
/// the nodes.
pub fn cumulative_sum(mass: &[f64], position: f64) -> f64 {
    let weights = Weights::at(position);
    // Nodes nearer than the table's end one by one; the others, on either side, share the functions of the position.
    let count = mass.len();
    let near_from = whole(position - TABLE_END as f64 + 1.0, count);
    let near_to = whole(libm::ceil(position + TABLE_END as f64), count).max(near_from);
    let (below, rest) = mass.split_at(near_from);
    let (near, above) = rest.split_at(near_to - near_from);
    let sum: f64 = near.iter().enumerate().map(|(j, &m)| m * weights.of(near_from + j)).sum();
    sum + weights.far(below, 0) + weights.far(above, near_to)
}

/// A normal of at least this many node distances is summed on the nodes.
const RESOLVED: f64 = 1.1;

/// The weights of `count` nodes, one unit apart from 0 on, whose sum over values is the mean of the band-limited function
/// through the values under a normal with this mean and standard deviation (in nodes). A normal that is narrower than the nodes
/// is met by interpolation between them.
pub fn smeared(mean: f64, sd: f64, count: usize) -> Vec<f64> {
    /// Beyond so many standard deviations a normal is nothing.
    const NOTHING: f64 = 8.8;
    /// A function varies so little within a few of these that two nodes, or six, give its mean under the normal.
    const TWO: f64 = 0.05;
    const SIX: f64 = 0.3;
    if sd >= RESOLVED {
        let density = |j: usize| match ((j as f64 - mean) / sd).abs() > NOTHING {
            true => 0.0,
            false => libm::exp(super::normal_log_density(j as f64, mean, sd)),
        };
        return (0..count).map(density).collect();
    }
    let rule: &[(f64, f64)] = match sd {
        _ if sd == 0.0 => &[(0.0, 1.0)],
        _ if sd < TWO => &[(-1.0, 0.5), (1.0, 0.5)],
        _ if sd < SIX => super::short_normal_rule(),
        _ => super::normal_rule(),
    };
    let mut weights = vec![0.0; count];
    for (z, share) in rule {
        let at = mean + sd * z;
        let nearest = libm::round(at);
        let sine = libm::sin(PI * (at - nearest)) / PI;
        for (j, weight) in weights.iter_mut().enumerate() {
            let distance = at - j as f64;
            *weight += share
                * if distance.abs() < 1e-9 {
                    1.0
                } else if (nearest as i64 - j as i64) % 2 == 0 {
                    sine / distance
                } else {
                    -sine / distance
                };
        }
    }
    weights
}

/// The whole number at or below `x`, between 0 and `most`.
fn whole(x: f64, most: usize) -> usize {
    // `as` takes what is below 0, or no number, to 0.
    (x as usize).min(most)
}

/// The weights of all nodes for one position: their distances share a fraction, and with it all the costly parts.
pub struct Weights {
    table: &'static Table,
    position: f64,
    /// Quintic Hermite basis for nodes to the left of the position, and to its right.
    left: [f64; 6],
    right: [f64; 6],
    /// sin and cos of π times the distance, up to sign, and the whole number it was counted from.
    sin: f64,
    cos: f64,
    nearest: i64,
}

impl Weights {
    /// The weights for a position in units of nodes, 0 at the first.
    pub fn at(position: f64) -> Weights {
        let position = position.clamp(-1e9, 1e9);
        let nearest = libm::round(position);
        let (sin, cos) = libm::sincos(PI * (position - nearest));
        let entries = position * PER_UNIT as f64;
        let fraction = entries - libm::floor(entries);
        Weights {
            table: table(),
            position,
            left: hermite(fraction),
            right: hermite(1.0 - fraction),
            sin,
            cos,
            nearest: nearest as i64,
        }
    }

    /// The weight of node `j`: H(position − j).
    #[inline]
    pub fn of(&self, j: usize) -> f64 {
        let x = self.position - j as f64;
        let distance = x.abs();
        let half = if distance < TABLE_END as f64 {
            self.interpolate(x, distance)
        } else {
            self.asymptotic(distance, x < 0.0, j)
        };
        if x < 0.0 { 0.5 - half } else { 0.5 + half }
    }

    /// `Σ massⱼ H(position − j − start)` over neighbouring nodes that all lie below the position or all above it, none nearer
    /// than the table's end.
    fn far(&self, mass: &[f64], start: usize) -> f64 {
        if mass.is_empty() {
            return 0.0;
        }
        let first = self.position - start as f64;
        if first < 0.0 {
            let [_, ripple] = rippled(mass, (-first, 1.0), self.cos, -self.sin);
            self.sign(start) * ripple / PI
        } else {
            let [whole, ripple] = rippled(mass, (first, -1.0), self.cos, self.sin);
            whole - self.sign(start) * ripple / PI
        }
    }

    /// (−1) to the power of the nodes between `j` and the one nearest to the position.
    #[inline]
    fn sign(&self, j: usize) -> f64 {
        if (self.nearest - j as i64) % 2 != 0 { -1.0 } else { 1.0 }
    }

    #[inline]
    fn interpolate(&self, x: f64, distance: f64) -> f64 {
        let entries = distance * PER_UNIT as f64;
        let (basis, cell) = if x < 0.0 {
            // On this side the fraction runs the other way; at 0 it is a whole cell.
            (&self.right, (libm::ceil(entries) as usize).max(1) - 1)
        } else {
            (&self.left, entries as usize)
        };
        let [y0, d0, c0] = self.table.entries[cell];
        let [y1, d1, c1] = self.table.entries[cell + 1];
        (y0 * basis[0] + d0 * basis[1] + c0 * basis[2]) + (y1 * basis[3] + d1 * basis[4] + c1 * basis[5])
    }

    /// `Si(πx)/π` for `x ≥ 16`.
    fn asymptotic(&self, x: f64, mirrored: bool, j: usize) -> f64 {
        let z = PI * x;
        let inverse = 1.0 / (z * z);
        let f = (1.0 - inverse * (2.0 - inverse * (24.0 - inverse * (720.0 - inverse * 40_320.0)))) / z;
        let g =
            (1.0 - inverse * (6.0 - inverse * (120.0 - inverse * (5_040.0 - inverse * 362_880.0)))) * inverse;
        let sign = self.sign(j);
        let sin = if mirrored { -self.sin } else { self.sin };
        (FRAC_PI_2 - sign * (f * self.cos + g * sin)) / PI
    }
}

/// Weights of value, slope and bend at 0, then at 1, for quintic interpolation at `t` in [0, 1].
fn hermite(t: f64) -> [f64; 6] {
    let t2 = t * t;
    let t3 = t2 * t;
    let rise = t3 * (10.0 - t * (15.0 - 6.0 * t));
    [
        1.0 - rise,
        t - t3 * (6.0 - t * (8.0 - 3.0 * t)),
        0.5 * (t2 - t3 * (3.0 - t * (3.0 - t))),
        rise,
        -t3 * (4.0 - t * (7.0 - 3.0 * t)),
        0.5 * t3 * (1.0 - t * (2.0 - t)),
    ]
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(build)
}

fn build() -> Table {
    let h = 1.0 / PER_UNIT as f64;
    let mut entries = Vec::with_capacity(TABLE_END * PER_UNIT + 2);
    // sinc and its first two derivatives, by series near zero.
    let sinc = |x: f64| -> [f64; 3] {
        let z = PI * x;
        if z < 0.2 {
            let q = z * z;
            let value = 1.0 - q / 6.0 * (1.0 - q / 20.0 * (1.0 - q / 42.0 * (1.0 - q / 72.0)));
            let first = -z / 3.0 * (1.0 - q / 10.0 * (1.0 - q / 28.0 * (1.0 - q / 54.0)));
            let second = -1.0 / 3.0 + q / 10.0 * (1.0 - q / 16.8 * (1.0 - q / 38.571_428_571_428_57));
            [value, PI * first, PI * PI * second]
        } else {
            let (sin, cos) = libm::sincos(z);
            let value = sin / z;
            let first = (cos - value) / z;
            [value, PI * first, PI * PI * (-value - 2.0 * first / z)]
        }
    };
    let mut total = 0.0;
    let mut previous = sinc(0.0);
    for i in 0..=(TABLE_END * PER_UNIT + 1) {
        let here = if i == 0 { previous } else { sinc(i as f64 * h) };
        if i > 0 {
            // Integral of the quintic Hermite interpolant over one cell.
            total += h
                * (0.5 * (previous[0] + here[0])
                    + h * 0.1 * (previous[1] - here[1])
                    + h * h / 120.0 * (previous[2] + here[2]));
        }
        entries.push([total, h * here[0], h * h * here[1]]);
        previous = here;
    }
    Table { entries }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cumulative_weight_meets_known_values_of_the_sine_integral() {
        // Si(π) and Si(2π): Abramowitz & Stegun, table 5.3 and the Wilbraham–Gibbs constant.
        assert!((cumulative_weight(1.0) - (0.5 + 1.851_937_051_982_466 / PI)).abs() < 1e-11);
        assert!((cumulative_weight(2.0) - (0.5 + 1.418_151_576_132_628_6 / PI)).abs() < 1e-11);
        assert_eq!(cumulative_weight(0.0), 0.5);
    }

    #[test]
    fn table_and_series_meet_without_a_step_and_the_two_sides_mirror() {
        let end = TABLE_END as f64;
        for x in [end - 0.013, end - 0.25, end - 0.5, end - 0.77] {
            for signed in [x, -x] {
                let weights = Weights::at(signed);
                let table = weights.interpolate(signed, x);
                let series = weights.asymptotic(x, signed < 0.0, 0);
                assert!((table - series).abs() < 1e-11, "at {signed}: {table} {series}");
            }
        }
        for x in [0.3, 4.9, 40.2] {
            assert!((cumulative_weight(x) + cumulative_weight(-x) - 1.0).abs() < 1e-15);
        }
    }

    #[test]
    fn the_sum_over_many_nodes_is_that_of_the_weights_one_by_one() {
        for count in [0, 1, 20, 33, 150] {
            let mass: Vec<f64> = (0..count).map(|j| 1.0 + libm::sin(2.7 * f64::from(j))).collect();
            for position in
                [-40.3, -16.0, -0.5, 0.0, 3.0, 15.99, 16.0, 16.2, 74.5, 133.0, 149.0, 166.0, 180.7, 1e6]
            {
                let weights = Weights::at(position);
                let expected: f64 = mass.iter().enumerate().map(|(j, &m)| m * weights.of(j)).sum();
                let error = cumulative_sum(&mass, position) - expected;
                assert!(error.abs() < 1e-12, "{count} nodes, to {position}: off by {error:e}");
            }
        }
    }
}
