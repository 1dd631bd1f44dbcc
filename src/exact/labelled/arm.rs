//! One arm's part of the likelihood of two effects, on even nodes of both true subgroups' log odds.

use super::Unsettled;
use crate::exact::Resolution;
use crate::model::{LocationPrior, Nuisance};
use crate::numeric::{ln_of_normal, log_add_exp, logistic, sum_exp_shifted};
use crate::parallel;

/// Logs of an arm's part at even nodes of both log odds.
pub struct ArmTable {
    pub first: [i64; 2],
    pub size: [usize; 2],
    pub log: Vec<f64>,
    pub highest: f64,
}

/// The even nodes of both log odds of an arm.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    pub first: [i64; 2],
    pub size: [usize; 2],
}

/// A value is left out where it is this far, as a logarithm, below the largest.
const CUT: f64 = 27.0;

/// Nodes of one arm's table at most.
const LARGEST_TABLE: usize = 400_000;

/// Known values of sensitivity and specificity as log odds, with the log of their weight.
pub type Accuracy = ([f64; 2], f64);

/// Where θ may lie before the data: mean and sd.
pub type Reach = (f64, f64);

/// One arm's data and priors.
pub struct Arm<'a> {
    pub cells: [f64; 4],
    pub positive: usize,
    pub share: &'a Nuisance,
    /// Of both log odds: in the control arm alone, and there only where baselines are the control arm's.
    pub prior: Option<&'a LocationPrior>,
    pub reach: Reach,
    pub resolution: Resolution,
}

/// What labels and true shares make of the two risks: the parts of the positive subgroup and of the other among those
/// labelled positive, and among those labelled otherwise; and the log of the weight.
#[derive(Clone, Copy)]
pub struct Blend {
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
    pub fn blends(&self, ([se, sp], weight): &Accuracy) -> Vec<Blend> {
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

    pub fn table(&self, window: &Window, step: f64, blends: &[Blend]) -> ArmTable {
        let axes = [0, 1].map(|k| {
            let x = (0..window.size[k] as i64).map(|i| step * (window.first[k] + i) as f64);
            x.map(|x| (Risk::at(x), self.log_prior(x))).collect::<Vec<(Risk, f64)>>()
        });
        let rows: Vec<Vec<f64>> = parallel::map(&axes[0], |(p, f)| {
            let mut terms = Vec::with_capacity(blends.len());
            axes[1].iter().map(|(q, g)| f + g + self.log_part([*p, *q], blends, &mut terms)).collect()
        });
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
pub fn windows(
    arms: &[Arm<'_>; 2],
    of_outer: &[(f64, [Vec<Blend>; 2])],
    step: f64,
) -> Result<[Window; 2], Unsettled> {
    let scans: Vec<Scan> =
        parallel::map(of_outer, |(w, blends)| (*w, [0, 1].map(|a| arms[a].scan(&blends[a]))));
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
    pub fn scaled(&self) -> Vec<f64> {
        self.log.iter().map(|x| libm::exp(x - self.highest)).collect()
    }
}
