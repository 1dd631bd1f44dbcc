//! Rows of the result from draws of a linear model.

use crate::posterior::block::{Block, estimate, parameter, probability, statements};
use crate::posterior::diagnostics::Workspace;
use crate::posterior::estimand::{Estimand, Measure};
use crate::posterior::nnt::Nnt;
use crate::posterior::observed::Observed;
use crate::posterior::parameter::Parameter;
use crate::posterior::quantity::{Quantity, Reporting, Scale};
use crate::posterior::sampled::Column;
use crate::study::Study;

/// What rows are made from: draws of the posterior, or independent ones of the prior.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum From {
    Posterior,
    Prior,
}

/// Rows in the making.
pub struct Filling<'a> {
    pub study: &'a Study,
    pub from: From,
    pub chains: usize,
    pub workspace: Workspace,
    pub block: Block,
}

impl<'a> Filling<'a> {
    pub fn new(study: &'a Study, from: From, chains: usize) -> Filling<'a> {
        Filling { study, from, chains, workspace: Workspace::default(), block: Block::default() }
    }

    pub fn quantity<'q>(&self, values: &'q Column) -> Quantity<'q> {
        match self.from {
            From::Posterior => Quantity::Sampled { values: values.into(), chains: self.chains, alone: true },
            From::Prior => Quantity::Simulated(values.into()),
        }
    }

    pub fn parameter(&mut self, key: Parameter, column: &Column) {
        let found = self.quantity(column).summary(&mut self.workspace);
        self.block.parameters.push(parameter(key, found));
    }

    /// An estimate, with what the data alone say of it; `logarithm` where the column is that of the measure's.
    pub fn estimate(
        &mut self,
        estimand: Estimand,
        column: &Column,
        logarithm: bool,
        observed: Option<Observed>,
    ) {
        let quantity = self.quantity(column);
        let own = quantity.summary(&mut self.workspace);
        let scale = Scale { measure: estimand.measure, logarithm };
        let found = Reporting { quantity: &quantity, scale }.rescaled(own);
        let mut row = estimate(estimand, found, None);
        row.observed = observed;
        self.block.estimates.push(row);
    }

    /// An estimate with its statements: benefit and harm, and the thresholds of its measure.
    pub fn effect(
        &mut self,
        estimand: Estimand,
        column: &Column,
        logarithm: bool,
        observed: Option<Observed>,
    ) {
        self.estimate(estimand, column, logarithm, observed);
        let measure = estimand.measure;
        let thresholds = self.study.thresholds.of(measure);
        let of_effect = measure == Measure::of(self.study.outcome.scale);
        if measure == Measure::RiskRatio && thresholds.is_empty() && !of_effect {
            return;
        }
        let asked = statements(measure.null(), thresholds);
        let quantity = self.quantity(column);
        let reporting = Reporting { quantity: &quantity, scale: Scale { measure, logarithm } };
        let sign = self.study.outcome.higher_is.sign();
        let chances = reporting.chances(&asked, sign, &mut self.workspace);
        for (asked, chance) in asked.into_iter().zip(chances) {
            self.block.probabilities.push(probability(estimand, asked, chance, None));
        }
    }

    /// Gives the last estimate, a risk difference, its number needed to treat.
    pub fn nnt(&mut self) {
        let sign = self.study.outcome.higher_is.sign();
        let Some(row) = self.block.estimates.last_mut() else { return };
        let errors = row.reported.mcse_quantiles;
        row.nnt = row.best().map(|q| Nnt::of(&q, errors, sign));
    }
}

pub fn minus(a: &Column, b: &Column) -> Column {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}
