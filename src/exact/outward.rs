//! The likelihood of an effect beyond the bulk of its table, as far as other data, or heavy tails, may pull the effect.

use super::effect_likelihood::EffectRange;
use crate::numeric::{Grid, LogInterpolant};

/// Where ℓ has become a line to this part, it is a line from there on: both arms' risks are at their ends.
const LINE: f64 = 1e-12;

const LEAST_SLOPE: f64 = 1e-6;

/// So far on a log scale at least before ℓ may count as a line.
const FARTHEST_BEND: f64 = 30.0;

/// The nodes beyond the bulk of a table.
pub struct Beyond<'a> {
    pub grid: &'a Grid,
    pub range: EffectRange,
    /// Below it nothing is left of the likelihood.
    pub floor: f64,
}

/// Why a walk outward ended.
enum End {
    /// Nothing is left of the likelihood.
    Fallen,
    /// No effect lies farther out.
    Reached,
    /// From here on ℓ is a line.
    Line,
}

impl Beyond<'_> {
    /// Values at the nodes beyond `end`, as far as any effect may lie or until nothing is left of the likelihood. Once ℓ is
    /// a line it is continued as one. `inside` are the values up to the end, in the order of the walk. Also how far ℓ is
    /// known then.
    pub fn outward(
        &self,
        end: i32,
        direction: i32,
        inside: &[f64],
        at: &impl Fn(f64) -> f64,
    ) -> (Vec<f64>, f64) {
        let node = |k: i32| self.grid.node(end + direction * k);
        let is_beyond = |k: i32| (node(k) - self.range.centre).abs() > self.range.reach;
        let mut leaps = Leaps::new(inside, self.grid.step);
        let why = loop {
            let [before, (k, here)] = leaps.latest();
            if here < self.floor {
                break End::Fallen;
            }
            if is_beyond(k) {
                break End::Reached;
            }
            let next = k + leaps.stride;
            let x = node(next);
            let found = at(x);
            let continued = on_their_line([(node(before.0), before.1), (node(k), here)], x);
            if x.abs() > FARTHEST_BEND && (found - continued).abs() <= LINE * found.abs().max(1.0) {
                leaps.push(next, found);
                break End::Line;
            }
            leaps.take(next, found, x.abs() > FARTHEST_FEATURE);
        };
        // What was leapt over is told from nodes on both sides.
        let mut bearing = leaps.clone();
        if leaps.has_leapt() && !matches!(why, End::Fallen) {
            for _ in 1..Leaps::SUPPORT {
                let [before, (k, here)] = bearing.latest();
                let (next, last_two) = (k + bearing.stride, [(node(before.0), before.1), (node(k), here)]);
                let x = node(next);
                bearing.push(next, if matches!(why, End::Line) { on_their_line(last_two, x) } else { at(x) });
            }
        }
        let mut values = bearing.filled(leaps.latest()[1].0);
        if matches!(why, End::Line) {
            loop {
                let k = values.len() as i32;
                let value = |k: i32| {
                    if k > 0 {
                        values[k as usize - 1]
                    } else {
                        inside[(inside.len() as i32 - 1 + k) as usize]
                    }
                };
                if value(k) < self.floor || is_beyond(k) {
                    break;
                }
                let last_two = [k - 1, k].map(|k| (node(k), value(k)));
                values.push(on_their_line(last_two, node(k + 1)));
            }
        }
        if !matches!(why, End::Reached) {
            return (values, f64::from(direction) * f64::INFINITY);
        }
        while values.len() > 1 && is_beyond(values.len() as i32 - 1) {
            values.pop();
        }
        let known = node(values.len() as i32);
        (values, known)
    }
}

/// The line through two points of ℓ, at `x`.
fn on_their_line([(x0, y0), (x1, y1)]: [(f64, f64); 2], x: f64) -> f64 {
    let slope = (y1 - y0) / (x1 - x0);
    // Either no patient counts there or at least one does: a smaller slope is rounding, and far out would be more.
    let slope = if slope.abs() < LEAST_SLOPE { 0.0 } else { slope };
    y1 + slope * (x - x1)
}

/// Values at nodes that become rarer where what lies between them can be told from them: far out ℓ changes with the logarithm
/// of the effect, if at all, and each of its values is an integral.
#[derive(Debug, Clone)]
struct Leaps {
    /// Nodes counted from the end of the bulk, negative inside it, and values there.
    at: Vec<f64>,
    values: Vec<f64>,
    stride: i32,
    longest: i32,
}

/// Nearer than this, in log odds, nothing is leapt over.
const FARTHEST_FEATURE: f64 = 64.0;

impl Leaps {
    /// Nodes that foretell the next one, and on either side bear what lies between.
    const SUPPORT: usize = 6;
    /// A leap at most, in the logarithm of the effect.
    const LONGEST: f64 = 0.6;
    /// The part of a value by which it may be foretold wrongly: beyond the first the leap is taken back and shortened, below the
    /// second the next one is longer. What lies between six nodes on either side errs by about the square of what lies beyond
    /// six, and the last digits of an integral, which a polynomial exaggerates beyond its nodes, not between them.
    const WRONG: f64 = 1e-5;
    const RIGHT: f64 = 1e-7;

    /// From the values inside, `step` the distance of nodes in the stretched coordinate.
    fn new(inside: &[f64], step: f64) -> Leaps {
        let kept = inside.len().min(2 * Leaps::SUPPORT);
        let first = 1 - kept as i32;
        Leaps {
            at: (0..kept as i32).map(|k| f64::from(first + k)).collect(),
            values: inside[inside.len() - kept..].to_vec(),
            stride: 1,
            longest: ((Leaps::LONGEST / step) as i32).max(1),
        }
    }

    /// The last two nodes and their values.
    fn latest(&self) -> [(i32, f64); 2] {
        let n = self.at.len();
        [n - 2, n - 1].map(|i| (self.at[i] as i32, self.values[i]))
    }

    fn has_leapt(&self) -> bool {
        self.at.windows(2).any(|pair| pair[1] - pair[0] > 1.0)
    }

    fn push(&mut self, k: i32, value: f64) {
        self.at.push(f64::from(k));
        self.values.push(value);
    }

    /// Takes the value at node `k`, or takes the leap there back. Only `far` out leaps are made longer.
    fn take(&mut self, k: i32, value: f64, far: bool) {
        let foretold = if far { self.foretold(f64::from(k)) } else { f64::INFINITY };
        let wrong = (value - foretold).abs() / value.abs().max(1.0);
        if self.stride > 1 && (wrong > Leaps::WRONG || wrong.is_nan()) {
            self.stride = (self.stride / 4).max(1);
            return;
        }
        self.push(k, value);
        if wrong <= Leaps::RIGHT {
            self.stride = (2 * self.stride).min(self.longest);
        }
    }

    /// By the polynomial through the latest nodes.
    fn foretold(&self, k: f64) -> f64 {
        let first = self.at.len() - Leaps::SUPPORT;
        let (at, values) = (&self.at[first..], &self.values[first..]);
        let term = |i: usize| {
            let others = (0..at.len()).filter(|&j| j != i);
            values[i] * others.map(|j| (k - at[j]) / (at[i] - at[j])).product::<f64>()
        };
        (0..at.len()).map(term).sum()
    }

    /// Values at all nodes from 1 to `last`.
    fn filled(&self, last: i32) -> Vec<f64> {
        let between = self.has_leapt().then(|| LogInterpolant::on_nodes(self.at.clone(), &self.values));
        let mut known = self.at.iter().zip(&self.values).skip_while(|(k, _)| **k < 1.0).peekable();
        (1..=last)
            .map(f64::from)
            .map(|k| match (known.next_if(|(at, _)| **at == k), &between) {
                (Some((_, &value)), _) => value,
                (None, Some(between)) => between.at(k),
                (None, None) => f64::NAN,
            })
            .collect()
    }
}
