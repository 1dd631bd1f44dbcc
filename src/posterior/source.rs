//! Where a row's numbers come from: the exact engine, chains, or draws from the prior. All answer the same questions.

use std::borrow::Cow;

use super::diagnostics::Workspace;
use super::estimand::{Estimand, Whom};
use super::parameter::Parameter;
use super::quantity::{Chance, Quantity};
use super::reweighted::{Weighed, Weights};
use super::sampled::{Column, Risks, SampledPosterior};
use super::sampled_levels::of_levels;
use crate::exact::{ExactPosterior, RiskMeasure};
use crate::study::Study;

/// One side's answers; a question without one is answered by none.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    Exact(&'a ExactPosterior),
    /// `alone` where there is no exact engine beside it.
    Sampled {
        posterior: &'a SampledPosterior,
        alone: bool,
    },
    /// Draws from the prior; `whole` where the exact engine does not have the rest.
    Simulated {
        prior: &'a SampledPosterior,
        whole: bool,
    },
    /// Draws of fits under other priors of the effects, with weights.
    Reweighted {
        posterior: &'a SampledPosterior,
        weights: &'a Weights,
    },
    Nothing,
}

/// Quantities of the two risks in one subgroup or over all.
pub struct RiskQuantities<'a> {
    pub control: Option<Quantity<'a>>,
    pub active: Option<Quantity<'a>>,
    pub difference: Option<Quantity<'a>>,
    pub ratio: Option<Quantity<'a>>,
}

/// Two subgroups' effects together.
pub struct PairQuantities<'a> {
    /// The first effect minus the second.
    pub difference: Option<Quantity<'a>>,
    pub first_above_second_below: Chance,
    pub first_below_second_above: Chance,
    /// Both are the same effect.
    pub one_effect: bool,
    /// The exact engine's integral missed part of the mass.
    pub unsettled: bool,
}

impl<'a> Source<'a> {
    /// Draws of what the exact engine may have too.
    fn draws(&self) -> Option<&'a SampledPosterior> {
        match self {
            Source::Sampled { posterior, .. } => Some(posterior),
            Source::Simulated { prior, whole: true } => Some(prior),
            _ => None,
        }
    }

    /// Draws of what the exact engine never has.
    fn draws_of_the_rest(&self) -> Option<&'a SampledPosterior> {
        match self {
            Source::Sampled { posterior, .. } => Some(posterior),
            Source::Simulated { prior, .. } => Some(prior),
            _ => None,
        }
    }

    fn quantity(&self, values: Cow<'a, [f64]>) -> Quantity<'a> {
        match self {
            Source::Sampled { posterior, alone } => {
                Quantity::Sampled { values, chains: posterior.chains, alone: *alone }
            }
            _ => Quantity::Simulated(values),
        }
    }

    fn column(&self, column: Option<&'a Column>) -> Option<Quantity<'a>> {
        column.map(|c| self.quantity(Cow::Borrowed(c)))
    }

    /// Weighted draws of what is of subgroup `g`, or of all.
    fn reweighted(&self, g: Option<usize>, values: Cow<'a, [f64]>) -> Option<Quantity<'a>> {
        let Source::Reweighted { weights, .. } = self else { return None };
        let own = g.map(|g| weights.of(g)).or_else(|| weights.of_all())?;
        let efficiency = weights.efficiency;
        Some(Quantity::Reweighted(Weighed { values, weights: own, efficiency }))
    }

    /// A column of what the exact engine never has.
    fn alone(&self, values: Column) -> Quantity<'a> {
        match self.quantity(Cow::Owned(values)) {
            Quantity::Sampled { values, chains, .. } => Quantity::Sampled { values, chains, alone: true },
            other => other,
        }
    }

    /// The mean of the effects.
    pub fn mu(&self) -> Option<Quantity<'a>> {
        match self {
            Source::Exact(p) => p.mu().map(Quantity::Exact),
            Source::Reweighted { weights, .. } => weights.mu().map(Quantity::Reweighted),
            _ => self.column(self.draws()?.mu.as_ref()),
        }
    }

    /// Their sd.
    pub fn tau(&self) -> Option<Quantity<'a>> {
        match self {
            Source::Exact(p) => p.tau().map(|d| Quantity::Exact(Box::new(d))),
            Source::Reweighted { weights, .. } => weights.tau().map(Quantity::Reweighted),
            _ => self.column(self.draws()?.tau.as_ref()),
        }
    }

    /// Mean and sd of exchangeable baselines.
    pub fn baseline(&self) -> [Option<Quantity<'a>>; 2] {
        let draws = self.draws();
        [draws.and_then(|d| d.baseline_mean.as_ref()), draws.and_then(|d| d.baseline_sd.as_ref())]
            .map(|column| self.column(column))
    }

    /// Coefficients, and what is sampled of a bias; the exact engine has neither.
    pub fn extras(&self) -> Vec<(Parameter, Quantity<'a>)> {
        let Some(draws) = self.draws_of_the_rest() else { return Vec::new() };
        draws.extras().into_iter().map(|(key, c)| (key, self.quantity(Cow::Borrowed(c)))).collect()
    }

    /// The effect of a further similar subgroup.
    pub fn theta_new(&self) -> Option<Quantity<'a>> {
        match self {
            Source::Exact(p) => p.theta_new().map(Quantity::Exact),
            Source::Reweighted { weights, .. } => weights.theta_new().map(Quantity::Reweighted),
            _ => self.column(self.draws()?.theta_new.as_ref()),
        }
    }

    /// The effect of subgroup `g`.
    pub fn theta(&self, g: usize) -> Option<Quantity<'a>> {
        match self {
            Source::Exact(p) => Some(Quantity::Exact(p.theta(g))),
            Source::Reweighted { posterior, .. } => {
                self.reweighted(Some(g), Cow::Borrowed(posterior.theta.get(g)?))
            }
            _ => self.column(self.draws()?.theta.get(g)),
        }
    }

    /// Whether the effect of subgroup `g` is from its own prior and not from the common distribution.
    pub fn stands_alone(&self, g: usize) -> Chance {
        match self {
            Source::Exact(p) => p.stands_alone(g).map_or_else(Chance::default, |p| Chance::of_exact(p, true)),
            _ => Chance::default(),
        }
    }

    /// The control arm's log odds in subgroup `g`.
    pub fn alpha(&self, g: usize) -> Option<Quantity<'a>> {
        match self {
            Source::Exact(p) => p.risk(g, RiskMeasure::Baseline).map(Quantity::Exact),
            _ => self.column(self.draws()?.alpha.get(g)),
        }
    }

    /// Both risks in subgroup `g`.
    pub fn risks(&self, g: usize) -> RiskQuantities<'a> {
        match self {
            Source::Exact(p) => {
                let risk = |measure| p.risk(g, measure).map(Quantity::Exact);
                RiskQuantities {
                    control: risk(RiskMeasure::Control),
                    active: risk(RiskMeasure::Active),
                    difference: risk(RiskMeasure::Difference),
                    ratio: risk(RiskMeasure::Ratio),
                }
            }
            Source::Reweighted { posterior, .. } => {
                let risks = posterior.risks(g);
                let of = |column: Option<Column>| self.reweighted(Some(g), Cow::Owned(column?));
                RiskQuantities {
                    control: None,
                    active: None,
                    difference: of(risks.as_ref().map(Risks::difference)),
                    ratio: of(risks.as_ref().map(Risks::ratio)),
                }
            }
            _ => {
                let draws = self.draws();
                let risks = draws.and_then(|d| d.risks(g));
                // Where labels may be wrong, and of ordered levels, the exact engine has effects alone.
                let alone = draws.is_some_and(|d| !d.labels.is_empty() || d.levels.is_some());
                self.of_risks(risks.as_ref(), |column| {
                    if alone { self.alone(column) } else { self.quantity(Cow::Owned(column)) }
                })
            }
        }
    }

    /// What is made of the probabilities of ordered levels, by estimand; empty where outcomes have none. The exact engine has none
    /// of it.
    pub fn levels(&self, study: &Study, whom: Whom) -> Vec<(Estimand, Quantity<'a>)> {
        if let (Source::Reweighted { posterior, .. }, Whom::Subgroup(g)) = (self, whom) {
            let made = posterior.above(g).map(|above| of_levels(study, whom, &above)).unwrap_or_default();
            let weighed =
                |(estimand, column)| Some((estimand, self.reweighted(Some(g), Cow::Owned(column))?));
            return made.into_iter().filter_map(weighed).collect();
        }
        let draws = self.draws_of_the_rest();
        let above = draws.and_then(|draws| match whom {
            Whom::Subgroup(g) => draws.above(g),
            Whom::Overall => draws.overall_above(),
            _ => None,
        });
        let made = above.map(|above| of_levels(study, whom, &above)).unwrap_or_default();
        made.into_iter().map(|(estimand, column)| (estimand, self.alone(column))).collect()
    }

    /// Risks over the study's patients, and their odds ratio.
    pub fn overall(&self) -> (RiskQuantities<'a>, Option<Quantity<'a>>) {
        let (risks, odds_ratio) = self.draws_of_the_rest().and_then(SampledPosterior::overall).unzip();
        let quantities = self.of_risks(risks.as_ref(), |column| self.alone(column));
        (quantities, odds_ratio.map(|column| self.alone(column)))
    }

    fn of_risks(
        &self,
        risks: Option<&Risks>,
        quantity: impl Fn(Column) -> Quantity<'a>,
    ) -> RiskQuantities<'a> {
        RiskQuantities {
            control: risks.map(|r| quantity(r.control.clone())),
            active: risks.map(|r| quantity(r.active.clone())),
            difference: risks.map(|r| quantity(r.difference())),
            ratio: risks.map(|r| quantity(r.ratio())),
        }
    }

    /// Two subgroups' effects together.
    pub fn pair(&self, a: usize, b: usize, workspace: &mut Workspace) -> PairQuantities<'a> {
        let nothing = |unsettled| PairQuantities {
            difference: None,
            first_above_second_below: Chance::default(),
            first_below_second_above: Chance::default(),
            one_effect: false,
            unsettled,
        };
        if let Source::Exact(p) = self {
            let pair = p.pair(a, b);
            if !pair.settled {
                return nothing(true);
            }
            let exact = |p: f64| Chance::of_exact(p, true);
            return PairQuantities {
                one_effect: pair.difference.sd() == Some(0.0),
                unsettled: false,
                difference: Some(Quantity::Exact(pair.difference)),
                first_above_second_below: exact(pair.first_above_second_below),
                first_below_second_above: exact(pair.first_below_second_above),
            };
        }
        if let Source::Reweighted { posterior, .. } = self {
            let of = |column| self.reweighted(None, Cow::Owned(column));
            let above = |column| of(column).map_or_else(Chance::default, |q| q.above_zero(workspace));
            let opposed = [(a, b), (b, a)].map(|(a, b)| posterior.above_and_below(a, b)).map(above);
            return PairQuantities {
                first_above_second_below: opposed[0],
                first_below_second_above: opposed[1],
                difference: of(posterior.difference(a, b)),
                one_effect: false,
                unsettled: false,
            };
        }
        let Some(draws) = self.draws() else { return nothing(false) };
        let mut joint = |a, b| self.quantity(Cow::Owned(draws.above_and_below(a, b))).above_zero(workspace);
        PairQuantities {
            first_above_second_below: joint(a, b),
            first_below_second_above: joint(b, a),
            difference: Some(self.quantity(Cow::Owned(draws.difference(a, b)))),
            one_effect: false,
            unsettled: false,
        }
    }

    /// The first subgroup's risk difference minus the second's.
    pub fn difference_of_risk_differences(&self, a: usize, b: usize) -> Option<Quantity<'a>> {
        let draws = self.draws_of_the_rest()?;
        draws.difference_of_risk_differences(a, b).map(|column| self.alone(column))
    }
}
