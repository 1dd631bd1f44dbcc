//! Events of two arms, each binomial.

use std::sync::Arc;

use crate::model::seen::{PairSeen, View};
use crate::numeric::{log_binomial_coefficient, logistic, logit};
use crate::study::{ArmCounts, BaselineOf, LocationPrior, SubgroupBias, SubgroupCounts};

/// Events among the patients of one arm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arm {
    pub events: f64,
    pub total: f64,
}

impl Arm {
    /// The log likelihood of these counts at log odds `x`, without the binomial coefficient.
    #[inline]
    pub fn log_likelihood(&self, x: f64) -> f64 {
        if self.total == 0.0 { 0.0 } else { self.events * x - self.total * crate::numeric::softplus(x) }
    }

    /// Slope of the log likelihood, and minus its bend.
    #[inline]
    pub fn slope_and_curvature(&self, x: f64) -> (f64, f64) {
        let p = logistic(x);
        (self.events - self.total * p, self.total * p * (1.0 - p))
    }

    /// Log odds and their information, half an event and half a non-event added; no information without patients.
    pub fn hint(&self) -> (f64, f64) {
        let (events, others) = (self.events + 0.5, self.total - self.events + 0.5);
        let information = events * others / (events + others);
        (libm::log(events) - libm::log(others), if self.total > 0.0 { information } else { 0.0 })
    }

    /// To which side the counts leave the log odds open: −1 without events, +1 with nothing but events, else 0.
    pub fn open_side(&self) -> f64 {
        if self.total == 0.0 {
            0.0
        } else if self.events == 0.0 {
            -1.0
        } else if self.events == self.total {
            1.0
        } else {
            0.0
        }
    }

    /// Log odds of the shrunken rate.
    pub fn empirical_log_odds(&self) -> f64 {
        logit((self.events + 0.5) / (self.total + 1.0))
    }
}

/// Two arms of one subgroup, each binomial, perhaps seen through a bias.
#[derive(Debug, Clone, PartialEq)]
pub struct BinomialPair {
    pub control: Arm,
    pub active: Arm,
    seen: Option<Arc<PairSeen>>,
}

/// Control arm or active arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Control,
    Active,
}

impl Side {
    /// "control" or "active".
    pub fn in_words(self) -> &'static str {
        match self {
            Side::Control => "control",
            Side::Active => "active",
        }
    }
}

impl BinomialPair {
    pub const EMPTY: BinomialPair =
        BinomialPair::new(Arm { events: 0.0, total: 0.0 }, Arm { events: 0.0, total: 0.0 });

    pub const fn new(control: Arm, active: Arm) -> BinomialPair {
        BinomialPair { control, active, seen: None }
    }

    pub fn of(counts: &SubgroupCounts) -> BinomialPair {
        let arm = |a: &ArmCounts| Arm { events: a.events as f64, total: a.total as f64 };
        BinomialPair::new(arm(counts.control()), arm(counts.active()))
    }

    /// The same counts, seen through a bias; parts of it that change nothing are left out.
    #[must_use]
    pub fn through(self, bias: &SubgroupBias) -> BinomialPair {
        let bias = bias.simplified();
        let arms = [self.control, self.active];
        let seen = match self.curves() {
            Some(curves) => Some(Arc::new(PairSeen::of_curves(arms, curves.clone(), bias))),
            None => (!bias.is_none()).then(|| Arc::new(PairSeen::new(arms, bias))),
        };
        BinomialPair { seen, ..self }
    }

    /// The same counts, whose arms' likelihoods are these curves over their log odds.
    #[must_use]
    pub fn by_curves(self, curves: [Arc<View>; 2]) -> BinomialPair {
        let seen = PairSeen::of_curves([self.control, self.active], curves, SubgroupBias::default());
        BinomialPair { seen: Some(Arc::new(seen)), ..self }
    }

    /// Whether its likelihoods are curves over the arms' log odds, and its counts are there for their sizes alone.
    pub fn is_curve(&self) -> bool {
        self.curves().is_some()
    }

    fn curves(&self) -> Option<&[Arc<View>; 2]> {
        self.seen.as_ref()?.curves()
    }

    /// What stands between effect and data, if anything does.
    pub fn bias(&self) -> Option<&SubgroupBias> {
        self.seen.as_ref().map(|seen| seen.bias())
    }

    pub fn arm(&self, side: Side) -> &Arm {
        match side {
            Side::Control => &self.control,
            Side::Active => &self.active,
        }
    }

    /// The log likelihood of one arm at log odds `x`, without the binomial coefficient, what is not known of the bias
    /// integrated out.
    #[inline]
    pub fn log_likelihood(&self, side: Side, x: f64) -> f64 {
        match &self.seen {
            None => self.arm(side).log_likelihood(x),
            Some(seen) => seen.log_likelihood(side, x),
        }
    }

    /// Its slope and curvature, the latter where it is positive: of the log likelihood of counts it is.
    #[inline]
    pub fn slope_and_curvature(&self, side: Side, x: f64) -> (f64, f64) {
        match &self.seen {
            None => self.arm(side).slope_and_curvature(x),
            Some(seen) => seen.slope_and_curvature(side, x),
        }
    }

    /// What one arm says of its log odds, roughly: estimate and information, half an event and half a non-event added;
    /// no information in an empty arm.
    pub fn hint(&self, side: Side) -> (f64, f64) {
        let own = self.arm(side).hint();
        match &self.seen {
            None => own,
            Some(seen) => seen.hint(side, own),
        }
    }

    /// The same before any bias.
    pub fn own_hint(&self, side: Side) -> (f64, f64) {
        match self.curves().and_then(|curves| curves[side as usize].peak()) {
            Some(peak) => (peak.centre, 1.0 / (peak.sd * peak.sd)),
            None => self.arm(side).hint(),
        }
    }

    /// The constant that [`BinomialPair::log_likelihood`] leaves out, both arms; none is left out of a curve.
    pub fn log_coefficient(&self) -> f64 {
        log_binomial_coefficient(self.control.total, self.control.events)
            + log_binomial_coefficient(self.active.total, self.active.events)
    }

    /// One patient fewer, of this arm and outcome; none where there is no such patient.
    pub fn without(&self, active: bool, event: bool) -> Option<BinomialPair> {
        // Patients behind a curve are not alike.
        if self.curves().is_some() {
            return None;
        }
        let [mut control, mut active_arm] = [self.control, self.active];
        let arm = if active { &mut active_arm } else { &mut control };
        let there = if event { arm.events } else { arm.total - arm.events };
        if there < 1.0 {
            return None;
        }
        arm.total -= 1.0;
        arm.events -= f64::from(u8::from(event));
        let rest = BinomialPair::new(control, active_arm);
        Some(match self.bias() {
            Some(bias) => rest.through(bias),
            None => rest,
        })
    }

    /// The likelihood raised to a power: for plain counts the same with every patient counted `power` times.
    pub fn powered(&self, power: f64) -> BinomialPair {
        let arm = |a: &Arm| Arm { events: power * a.events, total: power * a.total };
        let seen = self.seen.as_ref().map(|seen| Arc::new(seen.powered(power)));
        BinomialPair { control: arm(&self.control), active: arm(&self.active), seen }
    }

    /// Whether the likelihood says anything about the effect: without an active arm it does not where the baseline is the
    /// control arm's; where it is the arms' mean, one arm alone says as much as the prior of the mean does.
    pub fn informs_effect(&self, baseline_of: BaselineOf) -> bool {
        match baseline_of {
            BaselineOf::Arms => self.control.total + self.active.total > 0.0,
            BaselineOf::Control => self.active.total > 0.0,
        }
    }

    /// Moments of order below this exist of the effect's likelihood, the baseline integrated out: infinite where it falls
    /// away on both sides faster than any power, 0 where on one side it does not fall away at all.
    ///
    /// A large effect is ruled out by the two arms together (events in one, non-events in the other), or by one of them
    /// together with the tail of the baseline's prior, which then has to follow.
    pub fn moment_limit(&self, baseline_of: BaselineOf, baseline: &LocationPrior) -> f64 {
        let some = |a: &Arm| [a.total - a.events > 0.0, a.events > 0.0];
        let ([control_others, control_events], [active_others, active_events]) =
            (some(&self.control), some(&self.active));
        let one_side = |active_bounds: bool, control_bounds: bool| {
            let by_prior = match baseline_of {
                BaselineOf::Arms => active_bounds || control_bounds,
                BaselineOf::Control => active_bounds,
            };
            if active_bounds && control_bounds {
                f64::INFINITY
            } else if by_prior {
                baseline.moment_limit()
            } else {
                0.0
            }
        };
        one_side(active_others, control_events).min(one_side(active_events, control_others))
    }
}
