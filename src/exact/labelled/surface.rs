//! The likelihood of two effects under labels that may be wrong, everything else integrated out:
//!
//! `L(θ_A, θ_B) = ∫∫ C₀(α_A, α_B) p(α_A) p(α_B) C₁(α_A + θ_A, α_B + θ_B) dα_A dα_B`,
//!
//! for baselines that are the control arm's; where they are the means of the arms' log odds,
//!
//! `L(θ_A, θ_B) = ∫∫ C₀(x_A, x_B) C₁(x_A + θ_A, x_B + θ_B) p(x_A + θ_A/2) p(x_B + θ_B/2) dx_A dx_B`,
//!
//! `C_a` the probability of arm a's four cells with the true share of the subgroups summed out, and sensitivity and
//! specificity too where an arm has its own. On even nodes of one step in all log odds this is a correlation of two tables;
//! unknowns that both arms share are summed over outside.

use super::super::effect_likelihood::Baseline;
use super::Unsettled;
use super::arm::{Accuracy, Arm, ArmTable, Blend, Reach, Window, windows};
use crate::exact::Resolution;
use crate::model::{BaselineOf, BinomialPair, LocationPrior, Misclassification, Nuisance, cells_of};
use crate::numeric::{LogInterpolant, logistic};
use crate::parallel;

/// L at even nodes: θ = step · (first + i), rows by θ_A.
#[derive(Debug, Clone)]
pub struct Surface {
    pub step: f64,
    pub first: [i64; 2],
    pub size: [usize; 2],
    /// Row by row.
    pub log: Vec<f64>,
}

/// Multiplications and additions beyond which the surface is not made.
const BUDGET: f64 = 8e9;

/// Terms of both arms' tables at most.
const MOST_TERMS: f64 = 6e7;

/// Pairs of sensitivity and specificity that both arms share, at most.
const MOST_SHARED: usize = 100;

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

impl Surface {
    pub fn new(
        counts: &[BinomialPair],
        m: &Misclassification,
        baseline: &Baseline,
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
            prior: (a == 0 && baseline.of == BaselineOf::Control).then_some(&baseline.prior),
            reach: reach_of(baseline, effect, a == 1),
            resolution,
        });
        let step = step(counts, &baseline.prior, resolution);
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
        let tables: Vec<(f64, [ArmTable; 2])> = parallel::map(&of_outer, |(w, blends)| {
            (*w, [0, 1].map(|a| arms[a].table(&windows[a], step, &blends[a])))
        });
        let scale_of = |(w, [c, a]): &(f64, [ArmTable; 2])| w + c.highest + a.highest;
        let scale = tables.iter().map(scale_of).fold(f64::NEG_INFINITY, f64::max);
        let counted: Vec<_> = tables.iter().filter(|t| scale_of(t) > scale - NEGLIGIBLE).collect();
        let work = |w: &Window| (w.size[0] * w.size[1]) as f64;
        if counted.len() as f64 * work(&windows[0]) * work(&windows[1]) > BUDGET {
            return Err(Unsettled::TooLarge);
        }
        let means = counted.first().and_then(|t| Means::of(baseline, &t.1, step));
        let factor = |t: &(f64, [ArmTable; 2])| libm::exp(scale_of(t) - scale);
        let parts: Vec<Surface> =
            parallel::map(&counted, |t| correlated(&t.1, means.as_ref(), factor(t), step));
        let coarse: f64 =
            parallel::map(&counted, |t| halved_total(&t.1, means.as_ref()) * factor(t)).iter().sum();
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
        let rows: Vec<Vec<f64>> = parallel::range(0..n, |i| finer(&self.log[i * m..(i + 1) * m]));
        let columns: Vec<Vec<f64>> =
            parallel::range(0..2 * m - 1, |j| finer(&rows.iter().map(|r| r[j]).collect::<Vec<f64>>()));
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
fn reach_of(baseline: &Baseline, effect: Reach, active: bool) -> Reach {
    let (centre, variance) = Nuisance::Location(baseline.prior.clone()).rough();
    let [control_part, active_part] = baseline.of.log_odds(0.0, 1.0);
    let part = if active { active_part } else { control_part };
    (centre + part * effect.0, libm::hypot(libm::sqrt(variance), part * effect.1))
}

/// The prior of both subgroups' means of their arms' log odds, by the sum of the control arm's node and the active arm's.
struct Means([Vec<f64>; 2]);

impl Means {
    /// None where the baseline is the control arm's, whose table has the prior already.
    fn of(baseline: &Baseline, [control, active]: &[ArmTable; 2], step: f64) -> Option<Means> {
        if baseline.of == BaselineOf::Control {
            return None;
        }
        let components = baseline.prior.components();
        let density = |x: f64| components.iter().map(|c| libm::exp(c.log_density(x))).sum::<f64>();
        let of_subgroup = |k: usize| {
            let first = control.first[k] + active.first[k];
            let sums = control.size[k] + active.size[k] - 1;
            (0..sums as i64).map(|s| density(0.5 * step * (first + s) as f64)).collect()
        };
        Some(Means([of_subgroup(0), of_subgroup(1)]))
    }
}

/// Fine enough for the product of both arms' parts along any log odds.
fn step(counts: &[BinomialPair], baseline: &LocationPrior, resolution: Resolution) -> f64 {
    let (_, variance) = Nuisance::Location(baseline.clone()).rough();
    let of = |arm: fn(&BinomialPair) -> (f64, f64)| counts.iter().map(arm).map(|h| h.1).fold(0.0, f64::max);
    let information = of(|c| c.control.hint()) + of(|c| c.active.hint());
    1.05 / libm::sqrt(information + 1.0 / variance) / resolution.refinement
}

/// `Σ C₀(α) C₁(α + θ)` at every θ that the two tables reach, times a factor; not yet a logarithm. Products far below the
/// floor are left out.
fn correlated([control, active]: &[ArmTable; 2], means: Option<&Means>, factor: f64, step: f64) -> Surface {
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
                let offset = start + control.size[1] - 1 - j;
                let to = &to[start..end];
                let out = out[offset..offset + to.len()].iter_mut();
                match means {
                    None => {
                        let weight = value * factor;
                        out.zip(to).for_each(|(sum, &other)| *sum += weight * other);
                    }
                    Some(Means([first, second])) => {
                        let weight = value * factor * first[i + r];
                        let second = &second[j + start..j + end];
                        out.zip(to).zip(second).for_each(|((sum, &other), p)| *sum += weight * other * p);
                    }
                }
            }
        }
    }
    Surface { step, first, size, log }
}

/// The total over every other node of every log odds. Without a prior of means it is the product of both tables' sums.
fn halved_total([control, active]: &[ArmTable; 2], means: Option<&Means>) -> f64 {
    let (c, a) = (control.scaled(), active.scaled());
    let rows = |values: &[f64], t: &ArmTable| -> Vec<Vec<f64>> {
        values.chunks(t.size[1]).step_by(2).map(|r| r.iter().step_by(2).copied().collect()).collect()
    };
    let (c, a) = (rows(&c, control), rows(&a, active));
    let Some(Means([first, second])) = means else {
        let of = |rows: &[Vec<f64>]| rows.iter().map(|r| r.iter().sum::<f64>()).sum::<f64>();
        return of(&c) * of(&a);
    };
    let second: Vec<f64> = second.iter().step_by(2).copied().collect();
    let mut total = 0.0;
    for (i, from) in c.iter().enumerate() {
        for (r, to) in a.iter().enumerate() {
            let row: f64 = from
                .iter()
                .enumerate()
                .filter(|(_, value)| **value > 1e-12)
                .map(|(j, value)| value * to.iter().zip(&second[j..]).map(|(x, p)| x * p).sum::<f64>())
                .sum();
            total += first[2 * (i + r)] * row;
        }
    }
    total
}
