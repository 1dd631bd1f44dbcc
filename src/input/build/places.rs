//! Where in the model file each part of a study is written.

use std::ops::Range;

use toml::Spanned;

use super::super::matrix_words::MatrixEntry;
use super::super::model_file::{DataSection, Kind, ModelFile, ThresholdsSection};
use super::super::number::Real;
use super::super::source::Source;
use crate::error::{Error, ErrorKind, Place};
use crate::study::{Figure, MOST_SUBGROUPS, Measure, Part, PriorPart, Problem};

/// A model file, and the text that it was read from.
pub struct Places<'a> {
    pub source: &'a Source,
    pub file: &'a ModelFile,
}

/// A problem as an error at a place.
pub fn error(problem: Problem, place: Place) -> Error {
    Error::from(problem).at(place)
}

impl Places<'_> {
    /// A problem as an error at the place where its part is written.
    pub fn error(&self, problem: Problem) -> Error {
        let label = match (&problem.part, problem.kind) {
            (Part::Cell { .. }, ErrorKind::Rule) if self.file.outcome.kind == Kind::Binary => {
                Some("more than the total")
            }
            (Part::Prior(PriorPart::Heterogeneity), ErrorKind::Missing) => Some("beside this one"),
            _ => None,
        };
        let place = match (&problem.part, problem.kind) {
            (Part::Title, ErrorKind::Missing) => self.source.place(0..0),
            (part, _) => match self.span(part) {
                Some(span) => self.source.place(span),
                None => Place::File(self.source.file.clone()),
            },
        };
        let error = error(problem, place);
        match label {
            Some(label) => error.label(label),
            None => error,
        }
    }

    /// None of what concerns the file as a whole.
    fn span(&self, part: &Part) -> Option<Range<usize>> {
        let file = self.file;
        match part {
            Part::Title
            | Part::Description
            | Part::Outcome
            | Part::Event
            | Part::Treatment
            | Part::SubgroupName
            | Part::Named { .. } => None,
            Part::Arm(0) => None,
            Part::Arm(a) => {
                let arms = file.treatment.get_ref().arms.as_ref()?;
                Some(arms.get_ref().get(a - 1).map_or_else(|| arms.span(), Spanned::span))
            }
            Part::Factors => {
                let section = file.subgroup.as_ref()?;
                let factors = section.get_ref().factors.as_ref().map(Spanned::span);
                Some(factors.unwrap_or_else(|| section.span()))
            }
            Part::Groups => Some(row(&file.data, MOST_SUBGROUPS).unwrap_or_else(|| of_data(&file.data))),
            Part::Group(g) => Some(name(&file.data, *g).unwrap_or_else(|| of_data(&file.data))),
            Part::Cell { group, arm } => {
                Some(events(file, (*group, *arm)).unwrap_or_else(|| of_data(&file.data)))
            }
            Part::Estimate { group, figure } => {
                let found = figure_of(&file.data, (*group, *figure)).or_else(|| row(&file.data, *group));
                Some(found.unwrap_or_else(|| of_data(&file.data)))
            }
            Part::Together { row } => together(&file.data, *row),
            Part::Levels => Some(file.outcome.levels.as_ref()?.span()),
            Part::Above => {
                let above = file.outcome.above.as_ref().map(Spanned::span);
                above.or_else(|| Some(file.outcome.levels.as_ref()?.span()))
            }
            Part::Utilities => Some(file.outcome.utilities.as_ref()?.span()),
            Part::Departure => Some(file.model.departure.as_ref()?.span()),
            Part::Prior(PriorPart::Pooling) => {
                let pooling = file.model.pooling.as_ref().map(Spanned::span);
                Some(pooling.unwrap_or_else(|| file.prior.effect.span()))
            }
            Part::Prior(PriorPart::Effects) => {
                let effects = file.model.effects.as_ref().map(Spanned::span);
                Some(effects.unwrap_or_else(|| file.prior.effect.span()))
            }
            Part::Prior(part) => Some(of_prior(file, *part)),
            Part::ExpectedOddsRatio => Some(file.library.as_ref()?.expected_odds_ratio.span()),
            Part::Threshold { measure, index } => {
                Some(listed(file.thresholds.as_ref()?, *measure)?.get(*index)?.span())
            }
            Part::Primary => {
                let primary = file.thresholds.as_ref()?.primary.as_ref()?;
                primary.get_ref().values().next().map(Spanned::span)
            }
        }
    }
}

/// The observations as a whole.
fn of_data(data: &Spanned<DataSection>) -> Range<usize> {
    let section = data.get_ref();
    if let Some(counts) = &section.counts {
        counts.span()
    } else if let Some(estimates) = &section.estimates {
        estimates.span()
    } else {
        section.file.as_ref().map_or_else(|| data.span(), Spanned::span)
    }
}

/// The matrix of the estimates' errors, or a row of it.
fn together(data: &Spanned<DataSection>, row: Option<usize>) -> Option<Range<usize>> {
    let section = data.get_ref();
    let entry = section.covariance.as_ref().or(section.correlation.as_ref())?;
    let row = match entry.get_ref() {
        MatrixEntry::Rows(rows) => row.and_then(|row| rows.get(row)).map(Spanned::span),
        MatrixEntry::File(_) => None,
    };
    Some(row.unwrap_or_else(|| entry.span()))
}

/// A subgroup's row.
fn row(data: &Spanned<DataSection>, group: usize) -> Option<Range<usize>> {
    let section = data.get_ref();
    match (&section.counts, &section.estimates) {
        (Some(rows), _) => rows.get_ref().get(group).map(Spanned::span),
        (_, Some(rows)) => rows.get_ref().get(group).map(Spanned::span),
        _ => None,
    }
}

fn name(data: &Spanned<DataSection>, group: usize) -> Option<Range<usize>> {
    let section = data.get_ref();
    let name = match (&section.counts, &section.estimates) {
        (Some(rows), _) => rows.get_ref().get(group)?.get_ref().subgroup.as_ref(),
        (_, Some(rows)) => rows.get_ref().get(group)?.get_ref().subgroup.as_ref(),
        _ => return None,
    };
    name.map(Spanned::span)
}

fn events(file: &ModelFile, (group, arm): (usize, usize)) -> Option<Range<usize>> {
    let row = file.data.get_ref().counts.as_ref()?.get_ref().get(group)?.get_ref();
    let arm = match (arm, file.treatment.get_ref().arms.as_ref()) {
        (0, _) => row.control.as_ref()?,
        (_, None) => row.active.as_ref()?,
        (_, Some(arms)) => {
            let name = arms.get_ref().get(arm - 1)?.get_ref();
            row.arms.iter().find(|(key, _)| key.get_ref() == name).map(|(_, entry)| entry)?
        }
    };
    let (events, levels) = (&arm.get_ref().events, &arm.get_ref().levels);
    Some(match (events, levels) {
        (Some(events), _) => events.span(),
        (None, Some(levels)) => levels.span(),
        (None, None) => arm.span(),
    })
}

fn figure_of(data: &Spanned<DataSection>, (group, figure): (usize, Figure)) -> Option<Range<usize>> {
    let row = data.get_ref().estimates.as_ref()?.get_ref().get(group)?.get_ref();
    match figure {
        Figure::Whole => None,
        Figure::Ratio => row.ratio.as_ref().map(Spanned::span),
        Figure::Interval => row.ci.as_ref().map(Spanned::span),
        Figure::StandardError => row.se.as_ref().map(Spanned::span),
    }
}

/// A part that is not written is told of beside the effect, which always is.
fn of_prior(file: &ModelFile, part: PriorPart) -> Range<usize> {
    let prior = &file.prior;
    let found = match part {
        PriorPart::Heterogeneity => prior.heterogeneity.as_ref().map(Spanned::span),
        PriorPart::Exchangeable => prior.exchangeable.as_ref().map(Spanned::span),
        PriorPart::StandAlone => prior.stand_alone.as_ref().map(Spanned::span),
        PriorPart::Baseline => prior.baseline.as_ref().map(Spanned::span),
        PriorPart::BaselineOf => prior.baseline_of.as_ref().map(Spanned::span),
        PriorPart::Levels => prior.levels.as_ref().map(Spanned::span),
        PriorPart::Shift => prior.shift.as_ref().map(Spanned::span),
        PriorPart::Departure => prior.departure.as_ref().map(Spanned::span),
        PriorPart::Arms => {
            let stated = prior.arms.as_ref().map(Spanned::span);
            stated.or_else(|| file.model.arms.as_ref().map(Spanned::span))
        }
        PriorPart::Interaction => prior.interaction.as_ref().map(Spanned::span),
        PriorPart::Interactions => file.model.interactions.as_ref().map(Spanned::span),
        PriorPart::MainEffects => prior.main_effects.as_ref().map(Spanned::span),
        _ => None,
    };
    found.unwrap_or_else(|| prior.effect.span())
}

/// The thresholds of a measure as written, where they are.
pub fn listed(section: &ThresholdsSection, measure: Measure) -> Option<&Vec<Spanned<Real>>> {
    match measure {
        Measure::RiskDifference => section.risk_difference.as_ref(),
        Measure::OddsRatio => section.odds_ratio.as_ref(),
        Measure::RiskRatio => section.risk_ratio.as_ref(),
        Measure::HazardRatio => section.hazard_ratio.as_ref(),
        Measure::Difference => section.difference.as_ref(),
        Measure::UtilityDifference => section.utility_difference.as_ref(),
        Measure::WinProbability => section.win_probability.as_ref(),
        Measure::WinOdds => section.win_odds.as_ref(),
        Measure::WinRatio => section.win_ratio.as_ref(),
        Measure::NetBenefit => section.net_benefit.as_ref(),
        Measure::LevelDifference => section.level_difference.as_ref(),
        _ => None,
    }
}
