//! Counts of two subgroups by labels that may be wrong, the true subgroup of every patient summed out.
//!
//! In one arm a share π of the patients truly belongs to the positive subgroup P, the rest to the other, N. With
//! sensitivity s, specificity c and the true subgroups' risks p the four cells are multinomial:
//!
//! ```text
//! P(label P, event)    = π s p_P + (1 − π)(1 − c) p_N        P(label N, event)    = π (1 − s) p_P + (1 − π) c p_N
//! P(label P, no event) = π s q_P + (1 − π)(1 − c) q_N        P(label N, no event) = π (1 − s) q_P + (1 − π) c q_N
//! ```

use super::observation::Slot;
use super::{BinomialPair, Misclassification};
use crate::numeric::logistic;

/// The likelihood of labelled counts, with coordinates for what is not known of the labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Labels {
    /// Index of the positive subgroup.
    positive: usize,
    arms: [LabelledArm; 2],
    /// The active arm has no sensitivity or specificity of its own.
    shared: [bool; 2],
}

#[derive(Debug, Clone, PartialEq)]
struct LabelledArm {
    /// Labelled P with and without event, labelled N likewise.
    cells: [f64; 4],
    /// Log odds of sensitivity, specificity and share.
    sensitivity: Slot,
    specificity: Slot,
    share: Slot,
}

/// The proportions behind labels that may be wrong, each in the control arm and in the active arm.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LabelShares {
    /// P(labelled positive | truly positive), by arm.
    pub sensitivity: [f64; 2],
    /// P(labelled as the other | truly the other), by arm.
    pub specificity: [f64; 2],
    /// The true share of the positive subgroup among an arm's patients, by arm.
    pub share: [f64; 2],
}

impl LabelShares {
    /// The log odds of sensitivity, specificity and share in one arm: 0 is the control arm, 1 the active arm.
    pub fn log_odds(&self, arm: usize) -> [f64; 3] {
        [self.sensitivity[arm], self.specificity[arm], self.share[arm]].map(crate::numeric::logit)
    }
}

/// The log likelihood of one arm's labelled counts, with its slopes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ArmSlopes {
    /// The log likelihood, without the multinomial coefficient.
    pub log_likelihood: f64,
    /// The slope by the log odds of an event in the positive subgroup.
    pub by_positive: f64,
    /// The slope by the log odds of an event in the other subgroup.
    pub by_other: f64,
    /// The slopes by the log odds of sensitivity, specificity and share.
    pub by_labels: [f64; 3],
}

/// The log likelihood of one arm's four cells: labelled positive with and without event, labelled as the other with
/// and without event. `x_p` and `x_n` are the log odds of an event in the true positive subgroup and in the other
/// one, `labels` those of sensitivity, specificity and share.
#[inline]
pub fn labelled_arm(cells: &[f64; 4], [x_p, x_n]: [f64; 2], labels: [f64; 3]) -> ArmSlopes {
    let [(s, miss), (c, false_alarm), (share, rest)] = labels.map(|l| (logistic(l), logistic(-l)));
    let (p_p, q_p, p_n, q_n) = (logistic(x_p), logistic(-x_p), logistic(x_n), logistic(-x_n));
    // Weights of P and N among those labelled P, and among those labelled N.
    let weights = [[share * s, rest * false_alarm], [share * miss, rest * c]];
    let mut log_likelihood = 0.0;
    // Σ k/P of each label's two cells, weighted by the risks: e is the part of P, f that of N.
    let (mut by_risk_p, mut by_risk_n) = (0.0, 0.0);
    let (mut e, mut f) = ([0.0; 2], [0.0; 2]);
    for (label, [w_p, w_n]) in weights.into_iter().enumerate() {
        for (event, (r_p, r_n, sign)) in [(p_p, p_n, 1.0), (q_p, q_n, -1.0)].into_iter().enumerate() {
            let count = cells[2 * label + event];
            if count == 0.0 {
                continue;
            }
            let probability = w_p * r_p + w_n * r_n;
            log_likelihood += count * libm::log(probability);
            let per = count / probability;
            by_risk_p += sign * per * w_p;
            by_risk_n += sign * per * w_n;
            e[label] += per * r_p;
            f[label] += per * r_n;
        }
    }
    ArmSlopes {
        log_likelihood,
        by_positive: p_p * q_p * by_risk_p,
        by_other: p_n * q_n * by_risk_n,
        by_labels: [
            s * miss * share * (e[0] - e[1]),
            c * false_alarm * rest * (f[1] - f[0]),
            share * rest * (s * e[0] + miss * e[1] - false_alarm * f[0] - c * f[1]),
        ],
    }
}

/// The four cells of one arm of two subgroups: labelled positive with and without event, labelled as the other with
/// and without event.
pub fn cells_of(counts: &[BinomialPair], positive: usize, active: bool) -> [f64; 4] {
    let of = |g: usize| {
        let arm = if active { counts[g].active } else { counts[g].control };
        [arm.events, arm.total - arm.events]
    };
    let ([a, b], [c, d]) = (of(positive), of(1 - positive));
    [a, b, c, d]
}

impl Labels {
    /// Coordinates begin at `next`, which is moved on.
    pub fn new(counts: &[BinomialPair], m: &Misclassification, next: &mut usize) -> Labels {
        let mut arm = |a: usize, first: Option<&LabelledArm>| {
            let shared = |own: bool, of_first: fn(&LabelledArm) -> &Slot| {
                first.filter(|_| own).map(|f| of_first(f).clone())
            };
            let sensitivity = shared(m.sensitivity_shared, |f| &f.sensitivity)
                .unwrap_or_else(|| Slot::new(&m.sensitivity[a], next));
            let specificity = shared(m.specificity_shared, |f| &f.specificity)
                .unwrap_or_else(|| Slot::new(&m.specificity[a], next));
            let share = Slot::new(&m.share[a], next);
            LabelledArm { cells: cells_of(counts, m.positive, a == 1), sensitivity, specificity, share }
        };
        let control = arm(0, None);
        let active = arm(1, Some(&control));
        Labels {
            positive: m.positive,
            arms: [control, active],
            shared: [m.sensitivity_shared, m.specificity_shared],
        }
    }

    /// Log likelihood and log priors of the labels' coordinates; `x` are the log odds of the cells, control arms, then active
    /// arms, `slopes` their slopes.
    pub fn log_density(&self, x: &[f64], q: &[f64], gradient: &mut [f64], slopes: &mut [f64]) -> f64 {
        let (p, n) = (self.positive, 1 - self.positive);
        let mut log_density = 0.0;
        let mut first = [0.0; 2];
        for (a, arm) in self.arms.iter().enumerate() {
            let slots = [&arm.sensitivity, &arm.specificity, &arm.share];
            let mut priors = [0.0; 3];
            let mut labels = [0.0; 3];
            for i in 0..3 {
                let again = a == 1 && i < 2 && self.shared[i];
                labels[i] = if again {
                    slots[i].value(q)
                } else {
                    slots[i].forward(q, &mut log_density, &mut priors[i])
                };
            }
            let found = labelled_arm(&arm.cells, [x[2 * a + p], x[2 * a + n]], labels);
            log_density += found.log_likelihood;
            slopes[2 * a + p] = found.by_positive;
            slopes[2 * a + n] = found.by_other;
            for i in 0..3 {
                let by_value = found.by_labels[i] + priors[i];
                if a == 0 && i < 2 {
                    first[i] = by_value;
                }
                let again = a == 1 && i < 2 && self.shared[i];
                slots[i].back(if again { first[i] + by_value } else { by_value }, gradient);
            }
        }
        log_density
    }

    /// The labels' proportions at a point.
    pub fn shares(&self, q: &[f64]) -> LabelShares {
        let of =
            |slot: fn(&LabelledArm) -> &Slot| self.arms.each_ref().map(|arm| logistic(slot(arm).value(q)));
        LabelShares {
            sensitivity: of(|a| &a.sensitivity),
            specificity: of(|a| &a.specificity),
            share: of(|a| &a.share),
        }
    }
}
