//! How the arms of a subgroup differ, given its patients and its number of events in all.
//!
//! Given these totals the number of events in the active arm has Fisher's noncentral hypergeometric distribution, in which only the
//! log odds ratio θ is left:
//!
//! ```text
//! P(y | m, θ) ∝ C(n₁, y) C(n₀, m − y) e^{θ y}
//! ```
//!
//! It is averaged over θ. As in Fisher's exact test the total is taken to say nothing of θ: what it says through a baseline prior is
//! left out.

use super::effect::Nodes;
use super::{Method, Predictive};
use crate::study::ArmCounts;

/// Terms that are smaller than this part of the largest are left out.
const NOTHING: f64 = 1e-18;

/// Both arms' patients, and their events in all.
#[derive(Debug, Clone, Copy)]
pub struct Totals {
    control: u64,
    active: u64,
    events: u64,
    /// Events in the active arm.
    observed: u64,
}

impl Totals {
    /// None where an arm has no patients.
    pub fn of(control: &ArmCounts, active: &ArmCounts) -> Option<Totals> {
        (control.total > 0 && active.total > 0).then(|| Totals {
            control: control.total,
            active: active.total,
            events: control.events + active.events,
            observed: active.events,
        })
    }

    /// Patients of both arms.
    pub fn patients(&self) -> u64 {
        self.control + self.active
    }

    /// The risk difference with so many events in the active arm.
    fn difference(&self, active: u64) -> f64 {
        active as f64 / self.active as f64 - (self.events - active) as f64 / self.control as f64
    }

    /// What was observed.
    pub fn observed(&self) -> f64 {
        self.difference(self.observed)
    }

    /// Half the width, in log odds ratios, of what the totals can tell at best: an average over θ needs nodes as close as that.
    pub fn finest(&self) -> f64 {
        let all = (self.control + self.active) as f64;
        let risk = (self.events as f64 + 0.5) / (all + 1.0);
        let of = |n: u64| 1.0 / ((n as f64 + 1.0) * risk * (1.0 - risk));
        0.5 * libm::sqrt(of(self.control) + of(self.active))
    }

    fn least(&self) -> u64 {
        self.events.saturating_sub(self.control)
    }

    fn most(&self) -> u64 {
        self.events.min(self.active)
    }

    /// The probability of every possible number of events in the active arm, averaged over the effect, from the least on.
    fn probabilities(&self, theta: &Nodes) -> Vec<f64> {
        let (least, most) = (self.least(), self.most());
        let mut all = vec![0.0; (most - least) as usize + 1];
        let mut terms: Vec<f64> = Vec::new();
        for (theta, weight) in &theta.0 {
            let mode = self.mode(*theta);
            let odds = libm::exp(theta.clamp(-700.0, 700.0));
            // P(y + 1) over P(y).
            let ratio = |y: u64| {
                let left = (self.events - y) as f64 * (self.active - y) as f64;
                let right = (y + 1) as f64 * (self.control + y + 1 - self.events) as f64;
                odds * left / right
            };
            terms.clear();
            let mut term = 1.0;
            let mut y = mode;
            while y > least && term > NOTHING {
                term /= ratio(y - 1);
                y -= 1;
                terms.push(term);
            }
            let first = y;
            terms.reverse();
            terms.push(1.0);
            (term, y) = (1.0, mode);
            while y < most && term > NOTHING {
                term *= ratio(y);
                y += 1;
                terms.push(term);
            }
            let share = weight / terms.iter().sum::<f64>();
            let from = (first - least) as usize;
            all.iter_mut().skip(from).zip(&terms).for_each(|(sum, term)| *sum += share * term);
        }
        all
    }

    /// Where the probabilities are largest: the last number to which they rise.
    fn mode(&self, theta: f64) -> u64 {
        let (mut low, mut high) = (self.least(), self.most());
        let rises_to = |y: u64| {
            let left = libm::log((self.events - y + 1) as f64) + libm::log((self.active - y + 1) as f64);
            let right = libm::log(y as f64) + libm::log((self.control + y - self.events) as f64);
            theta + left - right >= 0.0
        };
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if rises_to(middle) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        low
    }

    /// What is predicted of the risk difference.
    pub fn predicted(&self, theta: &Nodes, method: Method) -> Predictive {
        let all = self.probabilities(theta);
        let at = |k: usize| self.difference(self.least() + k as u64);
        let mean = all.iter().enumerate().map(|(k, p)| p * at(k)).sum();
        let end = |p: f64| {
            let mut below = 0.0;
            let reached = all.iter().position(|q| {
                below += q;
                below >= p
            });
            at(reached.unwrap_or(all.len() - 1))
        };
        let observed = (self.observed - self.least()) as usize;
        let below: f64 = all.iter().take(observed).sum();
        let tie = all.get(observed).copied().unwrap_or(0.0);
        Predictive {
            mean: Some(mean),
            interval: [end(0.025), end(0.975)],
            tail_probability: (below + 0.5 * tie).clamp(0.0, 1.0),
            method,
        }
    }
}
