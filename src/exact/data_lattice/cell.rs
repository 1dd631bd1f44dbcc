//! One subgroup's plane of both arms' log odds, with everything on it that no data can change.
//!
//! Nodes are even and the same distance apart in both arms, so that those of one effect θ = x₁ − x₀ lie on a diagonal. What is
//! asked of a posterior is a sum over the plane of the likelihoods f₀(x₀) f₁(x₁) times a table: the baseline's prior, the same
//! times the risk difference, and the same times the part of a node's mass that lies beyond a risk difference (the indefinite
//! integral of the band-limited function through the nodes, see `numeric::Weights`).

use super::super::effect_range::effect_range;
use crate::model::{
    Arm, BaselineOf, BinomialPair, HeterogeneityPrior, LocationComponent, LocationPrior, Pooling, Side,
};
use crate::numeric::{Weights, logistic, logit, softplus, sum_of_products};

/// Node distance in standard deviations of the sharpest posterior that data of these sizes can give.
const STEP: f64 = 1.0;

/// The plane ends where the largest density that data can give it has fallen by this much (as a logarithm).
const CUT: f64 = 26.0;

/// Likelihoods below this part of their greatest are nothing.
const NOTHING: f64 = 1e-15;

/// As far as log odds are looked at.
const FARTHEST: f64 = 45.0;

/// Nodes on one side, and on the plane, at most.
const MOST_NODES: usize = 1500;
const MOST_CELLS: usize = 2_000_000;

/// Counts of both arms of one subgroup.
pub type Counts = [Arm; 2];

/// What data a subgroup's plane must hold.
#[derive(Debug, Clone)]
pub struct CellData<'a> {
    /// Data that are always there, perhaps distorted by a bias.
    pub standing: Option<&'a BinomialPair>,
    /// The most patients that come to them, by arm.
    pub patients: [f64; 2],
    /// The counts at the lower and the upper end of what may come, by arm: they say where the plane ends.
    pub ends: [[Arm; 2]; 2],
}

/// The priors of one subgroup.
#[derive(Debug, Clone, Copy)]
pub struct CellPriors<'a> {
    pub effect: &'a LocationPrior,
    pub pooling: &'a Pooling,
    pub baseline: &'a LocationPrior,
    pub of: BaselineOf,
}

/// One diagonal: where it begins on both sides, how long it is, and where in the tables.
#[derive(Debug, Clone, Copy)]
struct Diagonal {
    from: [usize; 2],
    len: usize,
    at: usize,
}

/// The plane of one subgroup.
#[derive(Debug)]
pub struct Cell {
    pub step: f64,
    /// Log odds of the nodes, by arm, and log(1 + eˣ) there.
    pub x: [Vec<f64>; 2],
    softplus: [Vec<f64>; 2],
    /// The log likelihood of the standing data, by arm.
    standing: [Vec<f64>; 2],
    diagonals: Vec<Diagonal>,
    /// The effect of every diagonal.
    pub theta: Vec<f64>,
    /// The baseline's prior density; times the risk difference; times the part beyond each bound.
    tables: Vec<Vec<f64>>,
}

/// What a plane comes to under some data: sums over its diagonals, table by table, and the likelihoods.
#[derive(Debug, Default, Clone)]
pub struct CellSums {
    pub likelihood: [Vec<f64>; 2],
    pub sums: Vec<Vec<f64>>,
    /// The mass at the plane's ends, by diagonal.
    pub edge: Vec<f64>,
    /// The first diagonal on which there is anything: sums are of those from there on.
    pub first: usize,
}

/// The least variance that data of these sizes can leave to an effect, and the information of both arms, at most.
pub struct Sharpness {
    pub arms: [f64; 2],
    pub variance: f64,
    pub range: [(f64, f64); 2],
}

impl Sharpness {
    /// None where the data leave an arm unbounded.
    pub fn of(data: &CellData<'_>, priors: CellPriors<'_>) -> Option<Sharpness> {
        let range = [range(data, priors, 0)?, range(data, priors, 1)?];
        let total = |arm: usize| {
            let standing = data.standing.map_or(0.0, |pair| [pair.control, pair.active][arm].total);
            standing + data.patients[arm]
        };
        let information = |arm: usize| {
            // Greatest at the log odds nearest to 0.
            let (low, high) = range[arm];
            let p = logistic(0.0_f64.clamp(low, high));
            total(arm) * p * (1.0 - p)
        };
        let arms = [information(0), information(1)];
        let variance = arms.iter().map(|i| 1.0 / i.max(1e-9)).sum();
        Some(Sharpness { arms, variance, range })
    }

    /// The effects that both ranges allow.
    pub fn effects(&self) -> (f64, f64) {
        (self.range[1].0 - self.range[0].1, self.range[1].1 - self.range[0].0)
    }
}

/// Where an arm's log odds may lie under the data at either end.
fn range(data: &CellData<'_>, priors: CellPriors<'_>, arm: usize) -> Option<(f64, f64)> {
    const STEP: f64 = 0.05;
    let last = (FARTHEST / STEP) as i64;
    let envelope = envelope(priors, arm);
    let side = [Side::Control, Side::Active][arm];
    let mut ends: Option<(f64, f64)> = None;
    for counts in &data.ends[arm] {
        let log_density: Vec<f64> = (-last..=last)
            .map(|j| {
                let x = STEP * j as f64;
                let standing = data.standing.map_or(0.0, |pair| pair.log_likelihood(side, x));
                envelope(x) + standing + counts.log_likelihood(x)
            })
            .collect();
        let high = log_density.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let counts = |value: &f64| *value > high - CUT;
        let (first, end) = (log_density.iter().position(counts)?, log_density.iter().rposition(counts)?);
        if first == 0 || end == log_density.len() - 1 {
            return None;
        }
        let at = |j: usize| STEP * (j as i64 - last) as f64;
        let (low, high) = ends.unwrap_or((f64::INFINITY, f64::NEG_INFINITY));
        ends = Some((low.min(at(first)), high.max(at(end))));
    }
    ends
}

/// An upper bound of an arm's prior, up to a constant: over effects within six standard deviations.
fn envelope(priors: CellPriors<'_>, arm: usize) -> impl Fn(f64) -> f64 {
    let heterogeneity = priors.pooling.heterogeneity().unwrap_or(HeterogeneityPrior::Fixed { value: 0.0 });
    let wide = effect_range(priors.effect, &heterogeneity);
    let components: Vec<LocationComponent> = priors.baseline.components();
    let below = priors.of.control_share();
    let shift = if arm == 0 { below } else { below - 1.0 };
    move |x| {
        (-12..=12)
            .map(|u| {
                let z = 0.5 * f64::from(u);
                let alpha = x + shift * (wide.centre + z * wide.sd);
                let density: f64 = components.iter().map(|c| libm::exp(c.log_density(alpha))).sum();
                libm::log(density) - 0.5 * z * z
            })
            .fold(f64::NEG_INFINITY, f64::max)
    }
}

impl Cell {
    /// The plane for data as sharp as this, beside others that inform the effect by `others`; `beyond` are the risk differences
    /// whose probability is asked for. None where it would be too large.
    pub fn new(
        data: &CellData<'_>,
        priors: CellPriors<'_>,
        (sharpness, others): (&Sharpness, f64),
        beyond: &[f64],
    ) -> Option<Cell> {
        let narrowest = match priors.baseline {
            LocationPrior::Normals(normals) => normals.iter().map(|n| n.sd).fold(f64::INFINITY, f64::min),
            LocationPrior::StudentT { scale, .. } => *scale,
            LocationPrior::LogitBeta { a, b } => libm::sqrt(1.0 / a + 1.0 / b),
            LocationPrior::Flat => f64::INFINITY,
        };
        let precision = sharpness.arms[0] + sharpness.arms[1] + 1.0 / (narrowest * narrowest) + others;
        let step = STEP / libm::sqrt(precision);
        let first = sharpness.range.map(|(low, _)| libm::floor(low / step) as i64);
        let last = sharpness.range.map(|(_, high)| libm::ceil(high / step) as i64);
        let count = [0, 1].map(|arm| (last[arm] - first[arm] + 1).max(1) as usize);
        if count.iter().any(|n| *n > MOST_NODES) {
            return None;
        }
        let x = [0, 1]
            .map(|arm| (0..count[arm]).map(|j| (first[arm] + j as i64) as f64 * step).collect::<Vec<f64>>());
        let wide = effect_range(
            priors.effect,
            &priors.pooling.heterogeneity().unwrap_or(HeterogeneityPrior::Fixed { value: 0.0 }),
        );
        let mut diagonals = Vec::new();
        let mut theta = Vec::new();
        let mut at = 0;
        for d in 1 - count[0] as i64..count[1] as i64 {
            let effect = (first[1] - first[0] + d) as f64 * step;
            if (effect - wide.centre).abs() > wide.reach + step {
                continue;
            }
            let from = [(-d).max(0) as usize, d.max(0) as usize];
            let len = (count[0] - from[0]).min(count[1] - from[1]);
            diagonals.push(Diagonal { from, len, at });
            theta.push(effect);
            at += len;
        }
        if at > MOST_CELLS || diagonals.is_empty() {
            return None;
        }
        let softplus = x.each_ref().map(|x| x.iter().map(|x| softplus(*x)).collect());
        let standing = [(0, Side::Control), (1, Side::Active)].map(|(arm, side)| {
            x[arm].iter().map(|x| data.standing.map_or(0.0, |pair| pair.log_likelihood(side, *x))).collect()
        });
        let tables = vec![vec![0.0; at]; 2 + beyond.len()];
        let mut cell = Cell { step, x, softplus, standing, diagonals, theta, tables };
        cell.fill(priors, beyond);
        Some(cell)
    }

    fn fill(&mut self, priors: CellPriors<'_>, beyond: &[f64]) {
        let components = priors.baseline.components();
        let below = priors.of.control_share();
        let risks = self.x.each_ref().map(|x| x.iter().map(|x| logistic(*x)).collect::<Vec<f64>>());
        // The place among the active arm's nodes of the active risk that lies this far from each control risk.
        let start = self.x[1][0];
        let bounds: Vec<Vec<Option<Weights>>> = beyond
            .iter()
            .map(|difference| {
                let place = |(&x, risk): (&f64, &f64)| {
                    let active = risk + difference;
                    let bound = if *difference == 0.0 {
                        x
                    } else if active <= 0.0 {
                        f64::NEG_INFINITY
                    } else if active >= 1.0 {
                        f64::INFINITY
                    } else {
                        logit(active)
                    };
                    bound.is_finite().then(|| Weights::at((bound - start) / self.step))
                };
                self.x[0].iter().zip(&risks[0]).map(place).collect()
            })
            .collect();
        for (diagonal, theta) in self.diagonals.iter().zip(&self.theta) {
            for k in 0..diagonal.len {
                let (i, j, at) = (diagonal.from[0] + k, diagonal.from[1] + k, diagonal.at + k);
                let alpha = self.x[0][i] + below * theta;
                let prior: f64 = components.iter().map(|c| libm::exp(c.log_density(alpha))).sum();
                self.tables[0][at] = prior;
                self.tables[1][at] = prior * (risks[1][j] - risks[0][i]);
                for (b, difference) in beyond.iter().enumerate() {
                    let above = match &bounds[b][i] {
                        Some(weights) => 1.0 - weights.of(j),
                        None if risks[0][i] + difference <= 0.0 => 1.0,
                        None => 0.0,
                    };
                    self.tables[2 + b][at] = prior * above;
                }
            }
        }
    }

    /// The number of tables.
    pub fn tables(&self) -> usize {
        self.tables.len()
    }

    /// The sums over all diagonals under these new data beside the standing ones.
    pub fn sums(&self, counts: &Counts, found: &mut CellSums) {
        for (arm, (Arm { events, total }, f)) in counts.iter().zip(&mut found.likelihood).enumerate() {
            f.clear();
            let nodes = self.x[arm].iter().zip(&self.softplus[arm]).zip(&self.standing[arm]);
            f.extend(nodes.map(|((x, s), standing)| standing + events * x - total * s));
            let high = f.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            f.iter_mut().for_each(|l| *l = libm::exp(*l - high));
        }
        found.sums.resize_with(self.tables.len(), Vec::new);
        let [f0, f1] = &found.likelihood;
        // Where the likelihoods are anything: a part of every diagonal, and of few of them.
        let windows = [window(f0), window(f1)];
        let part = |d: &Diagonal| {
            let start = (0..2).map(|arm| windows[arm].0.saturating_sub(d.from[arm])).max().unwrap_or(0);
            let end = (0..2).map(|arm| windows[arm].1.saturating_sub(d.from[arm])).min().unwrap_or(0);
            (start, end.min(d.len).max(start))
        };
        let is_any = |d: &Diagonal| {
            let (start, end) = part(d);
            start < end
        };
        let first = self.diagonals.iter().position(is_any).unwrap_or(0);
        let last = self.diagonals.iter().rposition(is_any).unwrap_or(0);
        found.first = first;
        let diagonals = &self.diagonals[first..=last];
        for (sums, table) in found.sums.iter_mut().zip(&self.tables) {
            sums.clear();
            sums.extend(diagonals.iter().map(|d| {
                let (start, end) = part(d);
                sum_of_products(
                    &table[d.at + start..d.at + end],
                    &f0[d.from[0] + start..d.from[0] + end],
                    &f1[d.from[1] + start..d.from[1] + end],
                )
            }));
        }
        found.edge.clear();
        found.edge.extend(diagonals.iter().map(|d| {
            let term = |k: usize| self.tables[0][d.at + k] * f0[d.from[0] + k] * f1[d.from[1] + k];
            term(0) + term(d.len - 1)
        }));
    }

    /// The position of an effect among all diagonals.
    pub fn position(&self, theta: f64) -> f64 {
        (theta - self.theta[0]) / self.step
    }
}

/// From where to where a likelihood is anything.
fn window(f: &[f64]) -> (usize, usize) {
    let is_any = |x: &f64| *x > NOTHING;
    (f.iter().position(is_any).unwrap_or(0), f.iter().rposition(is_any).map_or(0, |last| last + 1))
}
