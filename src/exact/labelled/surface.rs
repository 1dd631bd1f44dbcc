//! The likelihood of two effects under labels that may be wrong, everything else integrated out:
//!
//! `L(θ_A, θ_B) = ∫∫ C₀(α_A, α_B) p(α_A) p(α_B) C₁(α_A + θ_A, α_B + θ_B) dα_A dα_B`,
//!
//! `C_a` the probability of arm a's four cells with the true share of the subgroups summed out, and sensitivity and
//! specificity too where an arm has its own. On even nodes of one step in all log odds this is a correlation of two tables;
//! unknowns that both arms share are summed over outside.

use rayon::prelude::*;

use super::Unsettled;
use crate::exact::Resolution;
use crate::model::{BinomialPair, LocationPrior, Misclassification, Nuisance, cells_of};
use crate::numeric::{LogInterpolant, ln_of_normal, log_add_exp, logistic, sum_exp_shifted};

/// L at even nodes: θ = step · (first + i), rows by θ_A.
#[derive(Debug, Clone)]
pub struct Surface {
    pub step: f64,
    pub first: [i64; 2],
    pub size: [usize; 2],
    /// Row by row.
    pub log: Vec<f64>,
}

/// Logs of an arm's part at even nodes of both log odds.
struct ArmTable {
    first: [i64; 2],
    size: [usize; 2],
    log: Vec<f64>,
    highest: f64,
}

/// The even nodes of both log odds of an arm.
#[derive(Debug, Clone, Copy)]
struct Window {
    first: [i64; 2],
    size: [usize; 2],
}

/// A value is left out where it is this far, as a logarithm, below the largest.
const CUT: f64 = 27.0;

/// Multiplications and additions beyond which the surface is not made.
const BUDGET: f64 = 8e9;

/// Terms of both arms' tables at most.
const MOST_TERMS: f64 = 6e7;

/// Pairs of sensitivity and specificity that both arms share, at most.
const MOST_SHARED: usize = 100;

/// Nodes of one arm's table at most.
const LARGEST_TABLE: usize = 400_000;

/// Accuracies count while their largest value is within this of the largest of all.
const NEGLIGIBLE: f64 = 18.0;

/// A surface is nowhere lower than this below its largest value: a smooth end for what no prior that goes with it reaches.
const FLOOR: f64 = 30.0;

/// How far the density of an accuracy falls off, as a logarithm, before it is left out.
const TAIL: f64 = 22.0;

/// In standard deviations.
const STEP_OF_ACCURACY: f64 = 0.95;

/// By how much the total may move when every other node of all four log odds is left out. The trapezoid rule's error with
/// all of them is then about its fourth power.
const HALVING: f64 = 0.02;

/// Known values of sensitivity and specificity as log odds, with the log of their weight.
type Accuracy = ([f64; 2], f64);

/// Where θ may lie before the data: mean and sd.
pub type Reach = (f64, f64);

impl Surface {
    pub fn new(
        counts: &[BinomialPair],
        m: &Misclassification,
        baseline: &LocationPrior,
        effect: Reach,
        resolution: Resolution,
    ) -> Result<Surface, Unsettled> {
        // What both arms share is summed outside, what an arm has of its own inside its table.
        let list = |n: &Nuisance, wanted: bool, patients: f64| {
            if wanted { accuracy_nodes(n, patients, resolution) } else { vec![(0.0, 0.0)] }
        };
        // So many patients can tell of sensitivity, and of specificity, in each arm.
        let total =
            |a: usize, g: usize| if a == 0 { counts[g].control.total } else { counts[g].active.total };
        let told = [m.positive, 1 - m.positive].map(|g| [total(0, g), total(1, g)]);
        let (se_shared, sp_shared) = (m.sensitivity_shared, m.specificity_shared);
        let both = told.map(|t| t[0] + t[1]);
        let outer =
            pairs(&list(&m.sensitivity[0], se_shared, both[0]), &list(&m.specificity[0], sp_shared, both[1]));
        let inner: [Vec<Accuracy>; 2] = [0, 1].map(|a| {
            pairs(
                &list(&m.sensitivity[a], !se_shared, told[0][a]),
                &list(&m.specificity[a], !sp_shared, told[1][a]),
            )
        });
        let arms = [0, 1].map(|a| Arm {
            cells: cells_of(counts, m.positive, a == 1),
            positive: m.positive,
            share: &m.share[a],
            prior: if a == 0 { Some(baseline) } else { None },
            reach: reach_of(baseline, effect, a == 1),
            resolution,
        });
        let step = step(counts, baseline, resolution);
        let of_outer: Vec<(f64, [Vec<Blend>; 2])> = outer
            .iter()
            .map(|o| {
                let own = |a: usize| {
                    let choose = |i: &Accuracy| -> Accuracy {
                        let of = |k: usize, shared: bool| if shared { o.0[k] } else { i.0[k] };
                        ([of(0, se_shared), of(1, sp_shared)], i.1)
                    };
                    inner[a].iter().flat_map(|i| arms[a].blends(&choose(i))).collect()
                };
                (o.1, [own(0), own(1)])
            })
            .collect();
        let blends = |a: usize| of_outer.iter().map(|o| o.1[a].len()).sum::<usize>();
        // Many accuracies to be shared make many correlations, and even the search for where they lie takes long.
        if outer.len() > MOST_SHARED {
            return Err(Unsettled::TooLarge);
        }
        let windows = windows(&arms, &of_outer, step)?;
        let terms = |(w, b): (&Window, usize)| (w.size[0] * w.size[1] * b) as f64;
        if [0, 1].map(|a| terms((&windows[a], blends(a)))).iter().sum::<f64>() > MOST_TERMS {
            return Err(Unsettled::TooLarge);
        }
        let tables: Vec<(f64, [ArmTable; 2])> = of_outer
            .par_iter()
            .map(|(w, blends)| (*w, [0, 1].map(|a| arms[a].table(&windows[a], step, &blends[a]))))
            .collect();
        let scale_of = |(w, [c, a]): &(f64, [ArmTable; 2])| w + c.highest + a.highest;
        let scale = tables.iter().map(scale_of).fold(f64::NEG_INFINITY, f64::max);
        let counted: Vec<_> = tables.iter().filter(|t| scale_of(t) > scale - NEGLIGIBLE).collect();
        let work = |w: &Window| (w.size[0] * w.size[1]) as f64;
        if counted.len() as f64 * work(&windows[0]) * work(&windows[1]) > BUDGET {
            return Err(Unsettled::TooLarge);
        }
        let parts: Vec<Surface> =
            counted.par_iter().map(|t| correlated(&t.1, libm::exp(scale_of(t) - scale), step)).collect();
        let coarse: f64 = counted.iter().map(|t| halved_total(&t.1) * libm::exp(scale_of(t) - scale)).sum();
        let mut parts = parts.into_iter();
        let Some(mut surface) = parts.next() else { return Err(Unsettled::NotConverged) };
        for part in parts {
            surface.log.iter_mut().zip(&part.log).for_each(|(all, x)| *all += x);
        }
        // The same sum over every other node of every log odds.
        let total: f64 = surface.log.iter().sum();
        let change = (16.0 * coarse / total - 1.0).abs();
        if change.is_nan() || change > HALVING {
            return Err(Unsettled::NotConverged);
        }
        let log_step = 2.0 * libm::log(step);
        let floor = libm::exp(-FLOOR) * surface.log.iter().copied().fold(0.0, f64::max);
        surface.log.iter_mut().for_each(|x| *x = libm::log(*x + floor) + scale + log_step);
        Ok(surface.cropped())
    }

    pub fn theta(&self, axis: usize, i: usize) -> f64 {
        self.step * (self.first[axis] + i as i64) as f64
    }

    pub fn at(&self, i: usize, j: usize) -> f64 {
        self.log[i * self.size[1] + j]
    }

    /// Rows and columns in which nothing counts are left out.
    fn cropped(&self) -> Surface {
        let high = self.log.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let counts = |x: f64| x > high - FLOOR;
        let rows: Vec<usize> =
            (0..self.size[0]).filter(|&i| (0..self.size[1]).any(|j| counts(self.at(i, j)))).collect();
        let columns: Vec<usize> =
            (0..self.size[1]).filter(|&j| (0..self.size[0]).any(|i| counts(self.at(i, j)))).collect();
        let (Some((&i0, &i1)), Some((&j0, &j1))) =
            (rows.first().zip(rows.last()), columns.first().zip(columns.last()))
        else {
            return self.clone();
        };
        let log =
            (i0..=i1).flat_map(|i| (j0..=j1).map(move |j| (i, j))).map(|(i, j)| self.at(i, j)).collect();
        Surface {
            step: self.step,
            first: [self.first[0] + i0 as i64, self.first[1] + j0 as i64],
            size: [i1 - i0 + 1, j1 - j0 + 1],
            log,
        }
    }

    /// Half the step, interpolated.
    pub fn refined(&self) -> Surface {
        let [n, m] = self.size;
        let finer = |values: &[f64]| -> Vec<f64> {
            let f = LogInterpolant::even(0.0, 1.0, values);
            (0..2 * values.len() - 1)
                .map(|i| if i % 2 == 0 { values[i / 2] } else { f.at(0.5 * i as f64) })
                .collect()
        };
        let rows: Vec<Vec<f64>> = self.log.par_chunks(m).map(finer).collect();
        let columns: Vec<Vec<f64>> = (0..2 * m - 1)
            .into_par_iter()
            .map(|j| finer(&rows.iter().map(|r| r[j]).collect::<Vec<f64>>()))
            .collect();
        let log = (0..2 * n - 1).flat_map(|i| columns.iter().map(move |c| c[i])).collect();
        Surface { step: 0.5 * self.step, first: self.first.map(|f| 2 * f), size: [2 * n - 1, 2 * m - 1], log }
    }
}

/// The products of two lists of nodes, as far as both together count.
fn pairs(a: &[(f64, f64)], b: &[(f64, f64)]) -> Vec<Accuracy> {
    let both = a.iter().flat_map(|&(x, w)| b.iter().map(move |&(y, v)| ([x, y], w + v)));
    let high = both.clone().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max);
    both.filter(|p| p.1 > high - TAIL).collect()
}

/// Log odds of an accuracy with the logs of their weights: one that is known, or even nodes over the prior, as close as
/// the posterior may be narrow were so many patients to tell of it.
fn accuracy_nodes(n: &Nuisance, patients: f64, resolution: Resolution) -> Vec<(f64, f64)> {
    if let Some(x) = n.known() {
        return vec![(x, 0.0)];
    }
    // A beta prior of the log odds falls off like an exponential: as far out as it still counts.
    let (centre, variance) = n.rough();
    let told = patients * logistic(centre) * logistic(-centre);
    let step = STEP_OF_ACCURACY / libm::sqrt(1.0 / variance + told) / resolution.refinement;
    let at = |j: i32| centre + step * f64::from(j);
    let high = n.log_density(centre);
    let counts = |j: &i32| n.log_density(at(*j)) > high - TAIL;
    let above = (0..200).take_while(counts);
    let below = (1..200).map(|j| -j).take_while(counts);
    above.chain(below).map(|j| (at(j), n.log_density(at(j)) + libm::log(step))).collect()
}

/// The middle and spread of an arm's log odds before the data.
fn reach_of(baseline: &LocationPrior, effect: Reach, active: bool) -> Reach {
    let (centre, variance) = Nuisance::Location(baseline.clone()).rough();
    if active {
        (centre + effect.0, libm::hypot(libm::sqrt(variance), effect.1))
    } else {
        (centre, libm::sqrt(variance))
    }
}

/// Fine enough for the product of both arms' parts along any log odds.
fn step(counts: &[BinomialPair], baseline: &LocationPrior, resolution: Resolution) -> f64 {
    let (_, variance) = Nuisance::Location(baseline.clone()).rough();
    let of = |arm: fn(&BinomialPair) -> (f64, f64)| counts.iter().map(arm).map(|h| h.1).fold(0.0, f64::max);
    let information = of(|c| c.control.hint()) + of(|c| c.active.hint());
    1.05 / libm::sqrt(information + 1.0 / variance) / resolution.refinement
}

/// One arm's data and priors.
struct Arm<'a> {
    cells: [f64; 4],
    positive: usize,
    share: &'a Nuisance,
    /// Of both log odds: in the control arm alone.
    prior: Option<&'a LocationPrior>,
    reach: Reach,
    resolution: Resolution,
}

/// What labels and true shares make of the two risks: the parts of the positive subgroup and of the other among those
/// labelled positive, and among those labelled otherwise; and the log of the weight.
#[derive(Clone, Copy)]
struct Blend {
    parts: [f64; 4],
    log_weight: f64,
}

/// A risk and its complement.
#[derive(Clone, Copy)]
struct Risk(f64, f64);

impl Risk {
    fn at(x: f64) -> Risk {
        Risk(logistic(x), logistic(-x))
    }
}

impl Arm<'_> {
    /// Of one accuracy: the true share's log odds on even nodes wherever the labels and the prior leave any mass.
    fn blends(&self, ([se, sp], weight): &Accuracy) -> Vec<Blend> {
        let (s, miss) = (logistic(*se), logistic(-se));
        let (c, false_alarm) = (logistic(*sp), logistic(-sp));
        let blend = |x: f64, log_weight: f64| {
            let (share, rest) = (logistic(x), logistic(-x));
            Blend {
                parts: [share * s, rest * false_alarm, share * miss, rest * c],
                log_weight: weight + log_weight,
            }
        };
        if let Some(x) = self.share.known() {
            return vec![blend(x, 0.0)];
        }
        let [labelled, others] = [self.cells[0] + self.cells[1], self.cells[2] + self.cells[3]];
        let log_density = |x: f64| {
            let p = logistic(x) * s + logistic(-x) * false_alarm;
            let part = |n: f64, log: f64| if n > 0.0 { n * log } else { 0.0 };
            part(labelled, libm::log(p)) + part(others, libm::log1p(-p)) + self.share.log_density(x)
        };
        let coarse: Vec<(f64, f64)> =
            (-160..=160).map(|j| 0.125 * f64::from(j)).map(|x| (x, log_density(x))).collect();
        let high = coarse.iter().map(|c| c.1).fold(f64::NEG_INFINITY, f64::max);
        let mut counting = coarse.iter().filter(|(_, f)| *f > high - CUT).map(|(x, _)| *x);
        let low = counting.next().unwrap_or(0.0) - 0.125;
        let end = counting.next_back().unwrap_or(low) + 0.125;
        let (mut total, mut mean, mut square) = (0.0, 0.0, 0.0);
        for (x, f) in &coarse {
            let mass = libm::exp(f - high);
            total += mass;
            mean += mass * x;
            square += mass * x * x;
        }
        let variance = square / total - (mean / total) * (mean / total);
        // Outcomes tell of the share too, at most as much again as labels do; a share near an end has a longer tail, but no
        // finer features.
        let step = 0.75 * libm::sqrt(variance).min(1.2) / self.resolution.refinement;
        let n = libm::ceil((end - low) / step) as i32;
        (0..=n)
            .map(|j| low + step * f64::from(j))
            .filter(|x| log_density(*x) > high - CUT)
            .map(|x| blend(x, self.share.log_density(x) + libm::log(step)))
            .collect()
    }

    /// log of the arm's part at the risks of subgroups 0 and 1, the prior left out.
    fn log_part(&self, risks: [Risk; 2], blends: &[Blend], terms: &mut Vec<f64>) -> f64 {
        let (Risk(p, q), Risk(other_p, other_q)) = (risks[self.positive], risks[1 - self.positive]);
        let part = |k: f64, probability: f64| if k > 0.0 { k * ln_of_normal(probability) } else { 0.0 };
        let [a, b, c, d] = self.cells;
        let mut high = f64::NEG_INFINITY;
        terms.clear();
        for blend in blends {
            let [w_p, w_n, v_p, v_n] = blend.parts;
            let term = blend.log_weight
                + part(a, w_p * p + w_n * other_p)
                + part(b, w_p * q + w_n * other_q)
                + part(c, v_p * p + v_n * other_p)
                + part(d, v_p * q + v_n * other_q);
            high = high.max(term);
            terms.push(term);
        }
        high + libm::log(sum_exp_shifted(terms, high))
    }

    /// Log prior of the log odds of one subgroup.
    fn log_prior(&self, x: f64) -> f64 {
        let Some(prior) = self.prior else { return 0.0 };
        prior.components().iter().map(|c| c.log_density(x)).fold(f64::NEG_INFINITY, log_add_exp)
    }

    /// The arm's part on coarse nodes of both log odds, with the largest.
    fn scan(&self, blends: &[Blend]) -> (Vec<f64>, f64) {
        /// So many of the blends show where the rest are.
        const FEW: usize = 40;
        let stride = blends.len().div_ceil(FEW).max(1);
        let few: Vec<Blend> = blends.iter().step_by(stride).copied().collect();
        // Where the control arm and the effect prior leave the active arm.
        let rough = |x: f64| {
            let z = (x - self.reach.0) / self.reach.1;
            if self.prior.is_some() { self.log_prior(x) } else { -0.5 * z * z }
        };
        let axis: Vec<(Risk, f64)> = coarse_nodes().map(|x| (Risk::at(x), rough(x))).collect();
        let mut terms = Vec::new();
        let mut found = Vec::with_capacity(axis.len() * axis.len());
        for (p, f) in &axis {
            found.extend(axis.iter().map(|(q, g)| f + g + self.log_part([*p, *q], &few, &mut terms)));
        }
        let high = found.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (found, high)
    }

    fn table(&self, window: &Window, step: f64, blends: &[Blend]) -> ArmTable {
        let axes = [0, 1].map(|k| {
            let x = (0..window.size[k] as i64).map(|i| step * (window.first[k] + i) as f64);
            x.map(|x| (Risk::at(x), self.log_prior(x))).collect::<Vec<(Risk, f64)>>()
        });
        let rows: Vec<Vec<f64>> = axes[0]
            .par_iter()
            .map(|(p, f)| {
                let mut terms = Vec::with_capacity(blends.len());
                axes[1].iter().map(|(q, g)| f + g + self.log_part([*p, *q], blends, &mut terms)).collect()
            })
            .collect();
        let log = rows.concat();
        let highest = log.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        ArmTable { first: window.first, size: window.size, log, highest }
    }
}

/// Both arms' parts on coarse nodes with their largest, under one weighted pair of shared accuracies.
type Scan = (f64, [(Vec<f64>, f64); 2]);

const COARSE: f64 = 0.6;

fn coarse_nodes() -> impl Iterator<Item = f64> {
    (-24..=24).map(|k| COARSE * f64::from(k))
}

/// The even nodes at which either arm's part counts under any of the shared accuracies, found on coarse nodes.
fn windows(
    arms: &[Arm<'_>; 2],
    of_outer: &[(f64, [Vec<Blend>; 2])],
    step: f64,
) -> Result<[Window; 2], Unsettled> {
    let scans: Vec<Scan> =
        of_outer.par_iter().map(|(w, blends)| (*w, [0, 1].map(|a| arms[a].scan(&blends[a])))).collect();
    let bound = |(w, [c, a]): &Scan| w + c.1 + a.1;
    let best = scans.iter().map(bound).fold(f64::NEG_INFINITY, f64::max);
    let axis: Vec<f64> = coarse_nodes().collect();
    let of_arm = |a: usize| -> Result<Window, Unsettled> {
        let (mut low, mut end) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for scan in &scans {
            let (values, high) = &scan.1[a];
            let level = best - CUT - (bound(scan) - high);
            for (i, _) in values.iter().enumerate().filter(|(_, f)| **f > level) {
                // A narrow peak may lie between coarse nodes: what lies next to what counts counts too.
                for (k, x) in [axis[i / axis.len()], axis[i % axis.len()]].into_iter().enumerate() {
                    low[k] = low[k].min(x - COARSE);
                    end[k] = end[k].max(x + COARSE);
                }
            }
        }
        let first = low.map(|x| libm::floor(x / step) as i64);
        let last = end.map(|x| libm::ceil(x / step) as i64);
        let size = [0, 1].map(|k| (last[k] - first[k] + 1).max(1) as usize);
        let fits = size[0].saturating_mul(size[1]) <= LARGEST_TABLE;
        if fits { Ok(Window { first, size }) } else { Err(Unsettled::TooLarge) }
    };
    Ok([of_arm(0)?, of_arm(1)?])
}

impl ArmTable {
    fn scaled(&self) -> Vec<f64> {
        self.log.iter().map(|x| libm::exp(x - self.highest)).collect()
    }
}

/// `Σ C₀(α) C₁(α + θ)` at every θ that the two tables reach, times a factor; not yet a logarithm. Products far below the
/// floor are left out.
fn correlated([control, active]: &[ArmTable; 2], factor: f64, step: f64) -> Surface {
    /// Rows know where their values exceed e^-4k.
    const LEVELS: usize = 10;
    const PER_LEVEL: f64 = 4.0;
    let (c, a) = (control.scaled(), active.scaled());
    let size = [0, 1].map(|k| control.size[k] + active.size[k] - 1);
    let first = [0, 1].map(|k| active.first[k] - (control.first[k] + control.size[k] as i64 - 1));
    let mut log = vec![0.0; size[0] * size[1]];
    let ranges: Vec<[(usize, usize); LEVELS]> = a
        .chunks(active.size[1])
        .map(|row| {
            std::array::from_fn(|level| {
                let least = libm::exp(-PER_LEVEL * level as f64);
                let from = row.iter().position(|x| *x > least).unwrap_or(row.len());
                (from, row.iter().rposition(|x| *x > least).map_or(from, |i| i + 1))
            })
        })
        .collect();
    let log_factor = libm::log(factor);
    for (i, (from, logs)) in c.chunks(control.size[1]).zip(control.log.chunks(control.size[1])).enumerate() {
        let levels: Vec<Option<usize>> = logs
            .iter()
            .map(|x| {
                let left = x - control.highest + log_factor + FLOOR + 2.0;
                (left > 0.0).then(|| (libm::ceil(left / PER_LEVEL) as usize).min(LEVELS - 1))
            })
            .collect();
        for (r, (to, ranges)) in a.chunks(active.size[1]).zip(&ranges).enumerate() {
            let row = r + control.size[0] - 1 - i;
            let out = &mut log[row * size[1]..(row + 1) * size[1]];
            for (j, (&value, level)) in from.iter().zip(&levels).enumerate() {
                let Some(level) = level else { continue };
                let (start, end) = ranges[*level];
                let weight = value * factor;
                let offset = start + control.size[1] - 1 - j;
                let to = &to[start..end];
                for (sum, &other) in out[offset..offset + to.len()].iter_mut().zip(to) {
                    *sum += weight * other;
                }
            }
        }
    }
    Surface { step, first, size, log }
}

/// The total over every other node of every log odds: of both tables it is the product of their sums.
fn halved_total([control, active]: &[ArmTable; 2]) -> f64 {
    let of = |t: &ArmTable| {
        let rows = t.scaled();
        let rows = rows.chunks(t.size[1]).step_by(2);
        rows.map(|r| r.iter().step_by(2).sum::<f64>()).sum::<f64>()
    };
    of(control) * of(active)
}
