//! Where a function of both risks has a given value: the bound on θ, seen from one arm.

use super::joint::OuterArm;
use crate::numeric::{logistic, logit};

/// A function of both risks at one value.
#[derive(Debug, Clone, Copy)]
pub enum Contrast {
    /// active − control ≤ value
    Difference(f64),
    /// active / control ≤ value
    Ratio(f64),
    /// The baseline, control log odds + share · (active log odds − control log odds), at most `value`; 0 < share < 1.
    Baseline { value: f64, share: f64 },
    /// control arm's share with (or without) the event / active arm's share with (or without) it ≤ ratio
    Shares { ratio: f64, control_event: bool, active_event: bool },
}

/// The log odds of a number that may lie outside [0, 1]: infinite there.
pub fn log_odds_of(p: f64) -> f64 {
    if p <= 0.0 {
        f64::NEG_INFINITY
    } else if p >= 1.0 {
        f64::INFINITY
    } else {
        logit(p)
    }
}

/// θ at which the baseline has a value, given one arm's log odds.
fn baseline_bound(outer: OuterArm, value: f64, share: f64, log_odds: f64) -> f64 {
    match outer {
        OuterArm::Control => (value - log_odds) / share,
        OuterArm::Active => (log_odds - value) / (1.0 - share),
    }
}

/// The risk, or its complement: either turns one into the other.
fn share(event: bool, x: f64) -> f64 {
    if event { x } else { 1.0 - x }
}

impl Contrast {
    /// Whether the function grows with θ while the outer arm's risk stays. Then it is at most the value where θ is at most
    /// the bound, else where θ is at least the bound.
    pub fn rises_with_effect(self, outer: OuterArm) -> bool {
        match (self, outer) {
            (Contrast::Difference(_) | Contrast::Ratio(_), _) => true,
            (Contrast::Baseline { .. }, outer) => outer == OuterArm::Control,
            (Contrast::Shares { active_event, .. }, OuterArm::Control) => !active_event,
            (Contrast::Shares { control_event, .. }, OuterArm::Active) => !control_event,
        }
    }

    /// The other arm's risk at which the function has this value; may lie outside [0, 1].
    fn other_risk(self, outer: OuterArm, risk: f64) -> f64 {
        match (self, outer) {
            // Its bound is finite everywhere, and asked for directly.
            (Contrast::Baseline { .. }, _) => risk,
            (Contrast::Difference(x), OuterArm::Control) => risk + x,
            (Contrast::Difference(x), OuterArm::Active) => risk - x,
            (Contrast::Ratio(x), OuterArm::Control) => risk * x,
            (Contrast::Ratio(x), OuterArm::Active) => risk / x,
            (Contrast::Shares { ratio, control_event, active_event }, OuterArm::Control) => {
                share(active_event, share(control_event, risk) / ratio)
            }
            (Contrast::Shares { ratio, control_event, active_event }, OuterArm::Active) => {
                share(control_event, share(active_event, risk) * ratio)
            }
        }
    }

    /// The outer arm's risks at which the other arm's lies in (0, 1).
    pub fn reach(self, outer: OuterArm) -> (f64, f64) {
        let up_to = |event: bool, end: f64| {
            let end = end.min(1.0);
            if event { (0.0, end) } else { (1.0 - end, 1.0) }
        };
        let shift = match (self, outer) {
            (Contrast::Baseline { .. }, _) => return (0.0, 1.0),
            (Contrast::Difference(x), OuterArm::Control) => -x,
            (Contrast::Difference(x), OuterArm::Active) => x,
            (Contrast::Ratio(x), OuterArm::Control) => return up_to(true, 1.0 / x),
            (Contrast::Ratio(x), OuterArm::Active) => return up_to(true, x),
            (Contrast::Shares { ratio, control_event, .. }, OuterArm::Control) => {
                return up_to(control_event, ratio);
            }
            (Contrast::Shares { ratio, active_event, .. }, OuterArm::Active) => {
                return up_to(active_event, 1.0 / ratio);
            }
        };
        (shift.max(0.0), (1.0 + shift).min(1.0))
    }

    /// Inward of an end of the reach the bound comes from infinity: the outer arm's log odds where it passes the bulk of θ, which
    /// may be within a thousandth of the end. `below` is the distribution function of θ given the outer arm's log odds there.
    pub fn rises(
        self,
        outer: OuterArm,
        (end, inward): (f64, f64),
        below: impl Fn(f64) -> f64,
    ) -> impl Iterator<Item = f64> {
        /// Probabilities of θ below: its bulk, and where its tails begin to matter.
        const PLACES: [f64; 5] = [1e-4, 0.02, 0.5, 0.98, 0.9999];
        PLACES.into_iter().filter_map(move |p| {
            let at = |log_distance: f64| end + inward * libm::exp(log_distance);
            let is_above = |log_distance: f64| below(self.bound(outer, at(log_distance))) > p;
            let (mut near, mut far) = (-27.0, 2.0);
            let from = is_above(near);
            if is_above(far) == from {
                return None;
            }
            for _ in 0..12 {
                let middle = 0.5 * (near + far);
                if is_above(middle) == from { near = middle } else { far = middle }
            }
            Some(at(far))
        })
    }

    /// θ at which the function has the value, given the outer arm's log odds.
    pub fn bound(self, outer: OuterArm, log_odds: f64) -> f64 {
        if let Contrast::Baseline { value, share } = self {
            return baseline_bound(outer, value, share, log_odds);
        }
        let null = match self {
            Contrast::Baseline { .. } => false,
            Contrast::Difference(x) => x == 0.0,
            Contrast::Ratio(x) => x == 1.0,
            Contrast::Shares { ratio, control_event, active_event } => {
                ratio == 1.0 && control_event == active_event
            }
        };
        if null {
            return 0.0;
        }
        let other = log_odds_of(self.other_risk(outer, logistic(log_odds)));
        match outer {
            OuterArm::Control => other - log_odds,
            OuterArm::Active => log_odds - other,
        }
    }
}
