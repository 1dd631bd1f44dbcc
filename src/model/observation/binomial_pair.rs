//! Events of two arms, each binomial.

use std::sync::Arc;

use crate::model::seen::{PairSeen, View};
use crate::numeric::{log_binomial_coefficient, logistic, logit};
use crate::study::{ArmCounts, BaselineOf, LocationPrior, SubgroupBias, SubgroupCounts};

/// Events and patients of one arm, as real numbers, since data may be raised to a power.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arm {
    /// Patients with the event.
    pub events: f64,
    /// Patients with a known outcome.
    pub total: f64,
}

impl Arm {
    /// The log likelihood of these counts at log odds `x`, without the binomial coefficient.
    #[inline]
    pub fn log_likelihood(&self, x: f64) -> f64 {
        if self.total == 0.0 { 0.0 } else { self.events * x - self.total * crate::numeric::softplus(x) }
    }

    /// The slope of the log likelihood at log odds `x`, and its negative second derivative.
    #[inline]
    pub fn slope_and_curvature(&self, x: f64) -> (f64, f64) {
        let p = logistic(x);
        (self.events - self.total * p, self.total * p * (1.0 - p))
    }

    /// A rough estimate of the log odds and its information, with half an event and half a non-event added; without
    /// patients the information is 0.
    pub fn hint(&self) -> (f64, f64) {
        let (events, others) = (self.events + 0.5, self.total - self.events + 0.5);
        let information = events * others / (events + others);
        (libm::log(events) - libm::log(others), if self.total > 0.0 { information } else { 0.0 })
    }

    /// The side on which the counts leave the log odds unbounded: −1 without events, +1 with nothing but events,
    /// otherwise 0.
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

    /// The log odds of (events + ½) / (total + 1).
    pub fn empirical_log_odds(&self) -> f64 {
        logit((self.events + 0.5) / (self.total + 1.0))
    }
}

/// The counts of the two arms of one subgroup, each binomial, perhaps distorted by a bias.
#[derive(Debug, Clone, PartialEq)]
pub struct BinomialPair {
    /// The control arm.
    pub control: Arm,
    /// The active arm.
    pub active: Arm,
    seen: Option<Arc<PairSeen>>,
}

/// One of the two arms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The control arm.
    Control,
    /// The active arm.
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
    /// Two arms without patients.
    pub const EMPTY: BinomialPair =
        BinomialPair::new(Arm { events: 0.0, total: 0.0 }, Arm { events: 0.0, total: 0.0 });

    /// Two arms that are seen as they are, without a bias.
    pub const fn new(control: Arm, active: Arm) -> BinomialPair {
        BinomialPair { control, active, seen: None }
    }

    /// The control arm and the active arm of these counts, without a bias.
    pub fn of(counts: &SubgroupCounts) -> BinomialPair {
        let arm = |a: &ArmCounts| Arm { events: a.events as f64, total: a.total as f64 };
        BinomialPair::new(arm(counts.control()), arm(counts.active()))
    }

    /// The same counts, distorted by a bias; the parts of it that change nothing are left out.
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

    /// The same counts, with these curves over the arms' log odds in place of the binomial likelihoods.
    #[must_use]
    pub fn by_curves(self, curves: [Arc<View>; 2]) -> BinomialPair {
        let seen = PairSeen::of_curves([self.control, self.active], curves, SubgroupBias::default());
        BinomialPair { seen: Some(Arc::new(seen)), ..self }
    }

    /// Whether the likelihoods are curves over the arms' log odds, so that the counts only give sizes.
    pub fn is_curve(&self) -> bool {
        self.curves().is_some()
    }

    fn curves(&self) -> Option<&[Arc<View>; 2]> {
        self.seen.as_ref()?.curves()
    }

    /// The bias that distorts the counts; none where there is none.
    pub fn bias(&self) -> Option<&SubgroupBias> {
        self.seen.as_ref().map(|seen| seen.bias())
    }

    /// The counts of one arm.
    pub fn arm(&self, side: Side) -> &Arm {
        match side {
            Side::Control => &self.control,
            Side::Active => &self.active,
        }
    }

    /// The log likelihood of one arm at log odds `x`, without the binomial coefficient and with the unknown numbers
    /// of a bias integrated out.
    #[inline]
    pub fn log_likelihood(&self, side: Side, x: f64) -> f64 {
        match &self.seen {
            None => self.arm(side).log_likelihood(x),
            Some(seen) => seen.log_likelihood(side, x),
        }
    }

    /// The slope of one arm's log likelihood at log odds `x`, and its negative second derivative where this is
    /// positive. For counts without a bias it always is.
    #[inline]
    pub fn slope_and_curvature(&self, side: Side, x: f64) -> (f64, f64) {
        match &self.seen {
            None => self.arm(side).slope_and_curvature(x),
            Some(seen) => seen.slope_and_curvature(side, x),
        }
    }

    /// A rough estimate of one arm's log odds, corrected for the bias, and its information, with half an event and
    /// half a non-event added; without patients the information is 0.
    pub fn hint(&self, side: Side) -> (f64, f64) {
        let own = self.arm(side).hint();
        match &self.seen {
            None => own,
            Some(seen) => seen.hint(side, own),
        }
    }

    /// A rough estimate of one arm's log odds and its information, as in [`BinomialPair::hint`] but without regard to
    /// the bias.
    pub fn own_hint(&self, side: Side) -> (f64, f64) {
        match self.curves().and_then(|curves| curves[side as usize].peak()) {
            Some(peak) => (peak.centre, 1.0 / (peak.sd * peak.sd)),
            None => self.arm(side).hint(),
        }
    }

    /// The constant that [`BinomialPair::log_likelihood`] leaves out, summed over both arms: the log binomial
    /// coefficients.
    pub fn log_coefficient(&self) -> f64 {
        log_binomial_coefficient(self.control.total, self.control.events)
            + log_binomial_coefficient(self.active.total, self.active.events)
    }

    /// The same counts with one patient fewer, of this arm and outcome; none where there is no such patient, or
    /// likelihoods are curves.
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

    /// The likelihood raised to a power; for plain counts this is as if every patient counted `power` times.
    pub fn powered(&self, power: f64) -> BinomialPair {
        let arm = |a: &Arm| Arm { events: power * a.events, total: power * a.total };
        let seen = self.seen.as_ref().map(|seen| Arc::new(seen.powered(power)));
        BinomialPair { control: arm(&self.control), active: arm(&self.active), seen }
    }

    /// Whether the likelihood has any information about the effect. Where the baseline is the control arm's, it needs
    /// patients in the active arm; where it is the arms' mean, patients in one arm are enough, since the prior of the
    /// mean then constrains the other.
    pub fn informs_effect(&self, baseline_of: BaselineOf) -> bool {
        match baseline_of {
            BaselineOf::Arms => self.control.total + self.active.total > 0.0,
            BaselineOf::Control => self.active.total > 0.0,
        }
    }

    /// The order below which moments of the effect's likelihood exist, with the baseline integrated out: infinite where it
    /// falls off on both sides faster than any power, 0 where on one side it does not fall off at all.
    ///
    /// A large effect is ruled out by the two arms together (events in one, non-events in the other), or by one of them
    /// together with the tail of the baseline's prior.
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
