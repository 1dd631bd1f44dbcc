//! What was measured, as it is given to the builder.

use super::super::{HigherIs, Outcome, Scale};

/// An outcome, and what the study knows of it: events by arm, or published estimates.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    pub(crate) outcome: Outcome,
    pub(crate) counts: bool,
}

impl Endpoint {
    /// Events and patients by arm; effects are log odds ratios. The name says the time too: "death at 90 days".
    pub fn events(name: impl Into<String>, higher_is: HigherIs) -> Endpoint {
        Endpoint { counts: true, ..Endpoint::estimates(name, Scale::LogOddsRatio, higher_is) }
    }

    /// Published estimates of effects on this scale, with their standard errors or intervals.
    pub fn estimates(name: impl Into<String>, scale: Scale, higher_is: HigherIs) -> Endpoint {
        let outcome = Outcome { name: name.into(), higher_is, scale, event: "events".to_string() };
        Endpoint { outcome, counts: false }
    }

    /// What events are called, in the plural: "deaths". "events" unless this is said.
    #[must_use]
    pub fn called(mut self, event: impl Into<String>) -> Endpoint {
        self.outcome.event = event.into();
        self
    }
}
