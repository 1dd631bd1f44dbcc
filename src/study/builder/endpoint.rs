//! What was measured, as it is given to the builder.

use super::super::problem::Problem;
use super::super::rules::{level_scale, utilities};
use super::super::{HigherIs, Outcome, Scale, Utilities};

/// An outcome, and what the study knows of it: events by arm, or published estimates.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    pub(crate) outcome: Outcome,
    pub(crate) counts: bool,
    pub(crate) ordinal: Option<Ordinal>,
}

/// Levels as they are given.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ordinal {
    pub names: Vec<String>,
    pub above: Option<String>,
    pub utilities: Option<Utilities>,
}

impl Endpoint {
    /// Events and patients by arm; effects are log odds ratios. The name says the time too: "death at 90 days".
    pub fn events(name: impl Into<String>, higher_is: HigherIs) -> Endpoint {
        Endpoint { counts: true, ..Endpoint::estimates(name, Scale::LogOddsRatio, higher_is) }
    }

    /// Published estimates of effects on this scale, with their standard errors or intervals.
    pub fn estimates(name: impl Into<String>, scale: Scale, higher_is: HigherIs) -> Endpoint {
        let outcome =
            Outcome { name: name.into(), higher_is, scale, event: "events".to_string(), levels: None };
        Endpoint { outcome, counts: false, ordinal: None }
    }

    /// Patients by ordered level, lowest first, and arm; effects are common log odds ratios of a higher level. Risks are of the
    /// levels above the primary cut, which [`Endpoint::above`] names.
    ///
    /// ```
    /// use equipoise::study::distributions::{half_normal, normal};
    /// use equipoise::study::{Assignment, Cutpoints, Endpoint, HigherIs, Priors, Study, Utilities};
    ///
    /// let worth = Utilities { values: vec![1.0, 0.7, 0.2, 0.0], set: None };
    /// let study = Study::builder("A trial of ours", Assignment::Randomised)
    ///     .outcome(
    ///         Endpoint::ordinal("state at 90 days", HigherIs::Worse, ["well", "disabled", "dependent", "dead"])
    ///             .above("disabled")
    ///             .utilities(worth)
    ///             .called("patients dependent or dead"),
    ///     )
    ///     .arms("placebo", "drug")
    ///     .group_by_level("men", [vec![31, 42, 28, 19], vec![40, 41, 22, 16]])
    ///     .group_by_level("women", [vec![25, 30, 24, 16], vec![27, 33, 24, 15]])
    ///     .cutpoints(Cutpoints::BySubgroup)
    ///     .priors(Priors::partial(normal(0.0, 0.355), half_normal(0.5)))
    ///     .build()?;
    /// let levels = study.data.levels().map(|levels| levels.by_level());
    /// assert_eq!(levels, Some(vec![123, 146, 98, 66]));
    /// // Risks are of what lies above the primary cut.
    /// assert_eq!(study.data.counts().map(|counts| counts[0].arms[1].events), Some(22 + 16));
    /// # Ok::<(), equipoise::study::Problem>(())
    /// ```
    pub fn ordinal<L: Into<String>>(
        name: impl Into<String>,
        higher_is: HigherIs,
        levels: impl IntoIterator<Item = L>,
    ) -> Endpoint {
        let names = levels.into_iter().map(Into::into).collect();
        let ordinal = Some(Ordinal { names, above: None, utilities: None });
        Endpoint { ordinal, ..Endpoint::events(name, higher_is) }
    }

    /// Of an ordinal outcome, the level above which the primary cut lies. Required of more than two levels.
    #[must_use]
    pub fn above(mut self, level: impl Into<String>) -> Endpoint {
        if let Some(ordinal) = &mut self.ordinal {
            ordinal.above = Some(level.into());
        }
        self
    }

    /// Of an ordinal outcome, what each level is worth, in the order of the levels; the best level is worth the most.
    #[must_use]
    pub fn utilities(mut self, utilities: Utilities) -> Endpoint {
        if let Some(ordinal) = &mut self.ordinal {
            ordinal.utilities = Some(utilities);
        }
        self
    }

    /// With its levels checked and in their place.
    pub(crate) fn with_levels(mut self) -> Result<Endpoint, Problem> {
        let Some(ordinal) = self.ordinal.take() else { return Ok(self) };
        let mut scale = level_scale(ordinal.names, ordinal.above.as_deref())?;
        if let Some(given) = ordinal.utilities {
            utilities(&scale, self.outcome.higher_is, &given)?;
            scale.utilities = Some(given);
        }
        if self.outcome.event == "events" {
            self.outcome.event = format!("patients {}", scale.cut_in_words(scale.primary));
        }
        self.outcome.levels = Some(scale);
        Ok(self)
    }

    /// What events are called, in the plural: "deaths". "events" unless this is said.
    #[must_use]
    pub fn called(mut self, event: impl Into<String>) -> Endpoint {
        self.outcome.event = event.into();
        self
    }
}
