//! What was observed in each subgroup.

use crate::numeric::log_binomial_coefficient;
use crate::study::{ArmCounts, SubgroupCounts};

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
}

/// Two arms of one subgroup, each binomial.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BinomialPair {
    pub control: Arm,
    pub active: Arm,
}

impl BinomialPair {
    pub const EMPTY: BinomialPair =
        BinomialPair { control: Arm { events: 0.0, total: 0.0 }, active: Arm { events: 0.0, total: 0.0 } };

    pub fn of(counts: &SubgroupCounts) -> BinomialPair {
        let arm = |a: &ArmCounts| Arm { events: a.events as f64, total: a.total as f64 };
        BinomialPair { control: arm(&counts.control), active: arm(&counts.active) }
    }

    /// The constant that [`Arm::log_likelihood`] leaves out, both arms.
    pub fn log_coefficient(&self) -> f64 {
        log_binomial_coefficient(self.control.total, self.control.events)
            + log_binomial_coefficient(self.active.total, self.active.events)
    }

    /// One patient fewer, of this arm and outcome; none where there is no such patient.
    pub fn without(&self, active: bool, event: bool) -> Option<BinomialPair> {
        let mut rest = *self;
        let arm = if active { &mut rest.active } else { &mut rest.control };
        let there = if event { arm.events } else { arm.total - arm.events };
        if there < 1.0 {
            return None;
        }
        arm.total -= 1.0;
        arm.events -= f64::from(u8::from(event));
        Some(rest)
    }

    /// The same with every patient counted `power` times: the likelihood raised to that power.
    pub fn powered(&self, power: f64) -> BinomialPair {
        let arm = |a: &Arm| Arm { events: power * a.events, total: power * a.total };
        BinomialPair { control: arm(&self.control), active: arm(&self.active) }
    }

    /// Whether the likelihood says anything about the effect: without an active arm it does not.
    pub fn informs_effect(&self) -> bool {
        self.active.total > 0.0
    }

    /// Whether the likelihood of the effect falls away on both sides: events and non-events in the active arm.
    pub fn bounds_effect(&self) -> bool {
        self.active.events > 0.0 && self.active.events < self.active.total
    }
}

/// A published estimate with its standard error, on the scale of θ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormalEstimate {
    pub estimate: f64,
    /// Infinite for a subgroup without data.
    pub se: f64,
}

/// The observations of all subgroups.
#[derive(Debug, Clone, PartialEq)]
pub enum Likelihood {
    Counts(Vec<BinomialPair>),
    Estimates(Vec<NormalEstimate>),
}

impl Likelihood {
    pub fn subgroups(&self) -> usize {
        match self {
            Likelihood::Counts(counts) => counts.len(),
            Likelihood::Estimates(estimates) => estimates.len(),
        }
    }

    /// Raised to a power.
    pub fn powered(&self, power: f64) -> Likelihood {
        match self {
            Likelihood::Counts(counts) => {
                Likelihood::Counts(counts.iter().map(|c| c.powered(power)).collect())
            }
            Likelihood::Estimates(rows) => Likelihood::Estimates(
                rows.iter()
                    .map(|e| NormalEstimate { estimate: e.estimate, se: e.se / libm::sqrt(power) })
                    .collect(),
            ),
        }
    }

    /// The same kind of observations, with nothing observed.
    pub fn emptied(&self, subgroups: usize) -> Likelihood {
        match self {
            Likelihood::Counts(_) => Likelihood::Counts(vec![BinomialPair::EMPTY; subgroups]),
            Likelihood::Estimates(_) => {
                Likelihood::Estimates(vec![NormalEstimate { estimate: 0.0, se: f64::INFINITY }; subgroups])
            }
        }
    }
}
