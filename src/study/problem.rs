//! What is wrong with a study, and with which part of it.

use std::fmt;

use super::Measure;
use super::estimates::Figure;
use crate::error::{Error, ErrorKind};

/// A part of a study. Subgroups, arms, thresholds and sources are counted from 0, in the order in which they were given.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The title.
    Title,
    /// What only describes: the study's name, its citations, its note, who was eligible, when follow-up starts.
    Description,
    /// The outcome, or what it is called.
    Outcome,
    /// What events are called.
    Event,
    /// The levels of an ordinal outcome.
    Levels,
    /// Its primary cut.
    Above,
    /// What its levels are worth.
    Utilities,
    /// How far effects may depart from proportional odds.
    Departure,
    /// What the treatment is called.
    Treatment,
    /// What an arm is called; 0 is the control arm.
    Arm(usize),
    /// What the subgroups are, such as "cohort".
    SubgroupName,
    /// The subgroups as a whole.
    Groups,
    /// Several subgroup factors.
    Factors,
    /// A subgroup and its name.
    Group(usize),
    /// The counts of one arm of a subgroup.
    Cell {
        /// The subgroup.
        group: usize,
        /// 0 is the control arm.
        arm: usize,
    },
    /// A subgroup's published estimate.
    Estimate {
        /// The subgroup.
        group: usize,
        /// Which of its figures.
        figure: Figure,
    },
    /// How the errors of the published estimates belong together.
    Together {
        /// One row of the matrix; none of all of it.
        row: Option<usize>,
    },
    /// The study's own priors.
    Prior(PriorPart),
    /// Further priors, by their name.
    Named {
        /// As it was given.
        name: String,
        /// Which part of them.
        part: PriorPart,
    },
    /// The effect that was expected, for the reanalysis library of priors.
    ExpectedOddsRatio,
    /// One of the thresholds of a measure.
    Threshold {
        /// The measure.
        measure: Measure,
        /// Its place among those of the measure.
        index: usize,
    },
    /// The threshold that matters most.
    Primary,
}

/// A part of a set of priors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PriorPart {
    /// All of it.
    Whole,
    /// Its name.
    Name,
    /// The prior of the mean effect μ.
    Effect,
    /// The prior of the heterogeneity τ.
    Heterogeneity,
    /// How subgroups borrow from each other.
    Pooling,
    /// The distribution of the effects around their mean.
    Effects,
    /// The probability that a subgroup is exchangeable with the others.
    Exchangeable,
    /// The prior of an effect that stands alone.
    StandAlone,
    /// The prior of the baselines.
    Baseline,
    /// Where a baseline lies between the arms.
    BaselineOf,
    /// The prior of the probabilities of levels.
    Levels,
    /// The prior of the subgroups' shifts of shared cut points.
    Shift,
    /// The prior of the departure from proportional odds.
    Departure,
    /// How several active arms are related, and the prior of the spread between them.
    Arms,
    /// The prior of what is left of an effect after its arm's and its subgroup's share.
    Interaction,
    /// How several factors are drawn together.
    Interactions,
    /// The prior of factors' main effects.
    MainEffects,
    /// How much of the effect prior other studies make up.
    Weight,
    /// One of those studies.
    Source(usize),
}

/// Something that a study may not be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Where it is.
    pub part: Part,
    /// What sort of thing is wrong.
    pub kind: ErrorKind,
    /// What is wrong.
    pub message: String,
    /// What was expected, and what to do; in the words of a model file where it is about words.
    pub help: Vec<String>,
}

impl Problem {
    pub(crate) fn new(part: Part, kind: ErrorKind, message: impl Into<String>) -> Problem {
        Problem { part, kind, message: message.into(), help: Vec::new() }
    }

    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Problem {
        self.help.push(help.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.help.iter().try_for_each(|help| write!(f, "\nhelp: {help}"))
    }
}

impl std::error::Error for Problem {}

impl From<Problem> for Error {
    /// The same without its part, which has a place in a file only where it was read from one.
    fn from(problem: Problem) -> Error {
        let error = Error::of(problem.kind, problem.message);
        problem.help.into_iter().fold(error, Error::help)
    }
}

/// What is wrong with a value, wherever it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub kind: ErrorKind,
    pub message: String,
    pub help: String,
}

impl Fault {
    pub fn new(kind: ErrorKind, message: impl Into<String>, help: impl Into<String>) -> Fault {
        Fault { kind, message: message.into(), help: help.into() }
    }

    /// As a problem of this part.
    pub fn of(self, part: Part) -> Problem {
        Problem::new(part, self.kind, self.message).help(self.help)
    }
}
