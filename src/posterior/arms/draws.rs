//! Draws of a study with several arms as columns.

use super::rows::{pairs, ranks};
use crate::model::{ArmSpread, ArmsModel, At, Linear};
use crate::numeric::{logistic, logit};
use crate::parallel;
use crate::posterior::estimand::{Arms, Estimand, Measure, Whom};
use crate::posterior::linear::{Keeps, Kept, ToldDraws};
use crate::posterior::parameter::Parameter;
use crate::posterior::sampled::Column;
use crate::study::Study;

/// Draws of every arm's log odds in every subgroup, and of what they are made from. Every column has length `chains` ·
/// `draws`.
#[derive(Debug, Clone, Default)]
pub struct ArmDraws {
    arms: usize,
    /// Which parameters the first columns are; log odds by subgroup and arm follow, and mean effects by active arm.
    parameters: Vec<Parameter>,
    /// Each subgroup's share of those over whom risks are averaged.
    shares: Vec<f64>,
    kept: Kept,
}

/// The log odds and the risks of every arm, of one subgroup or of all patients.
pub struct OfArms {
    /// By arm.
    pub log_odds: Vec<Column>,
    /// By arm.
    pub risks: Vec<Column>,
}

/// What is kept of a draw of a model: parameters, log odds, and mean effects, which there are none of without a common mean.
pub(super) struct Keeping<'m> {
    pub model: &'m ArmsModel,
    pub parameters: Vec<Parameter>,
}

impl<'m> Keeping<'m> {
    pub fn of(model: &'m ArmsModel) -> Keeping<'m> {
        Keeping { model, parameters: parameters(model) }
    }
}

impl Keeps for Keeping<'_> {
    fn linear(&self) -> &Linear {
        &self.model.linear
    }

    fn width(&self) -> usize {
        self.parameters.len() + self.model.subgroups * self.model.arms + self.model.means.len()
    }

    fn keep(&self, at: At<'_>, columns: &mut [Column]) {
        let model = self.model;
        let At { scales, coefficients, predictors } = at;
        let log_odds = &predictors[..model.subgroups * model.arms];
        let sum = |parts: &[usize]| parts.iter().map(|&j| coefficients[j]).sum::<f64>();
        let of_parameters = self.parameters.iter().map(|parameter| {
            let value = match *parameter {
                // The last coefficient that all exchangeable arms share.
                Parameter::Mu => model.means.first().and_then(|parts| parts.last()).map(|&j| coefficients[j]),
                Parameter::ArmMean(a) => model.means.get(a - 1).map(|parts| sum(parts)),
                Parameter::ThetaOf(g, a) => Some(log_odds[model.cell(g, a)] - log_odds[model.cell(g, 0)]),
                Parameter::Alpha(g) => model.baselines.get(g).map(|parts| sum(parts)),
                Parameter::BaselineMean => model.baseline_mean.map(|j| coefficients[j]),
                spread => model.scales.iter().find(|(of, _)| named(*of) == spread).map(|(_, s)| scales[*s]),
            };
            value.unwrap_or(f64::NAN)
        });
        let means = model.means.iter().map(|parts| sum(parts));
        let values = of_parameters.chain(log_odds.iter().copied()).chain(means);
        columns.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
    }
}

impl ArmDraws {
    pub(super) fn new(keeping: &Keeping<'_>, kept: Kept) -> ArmDraws {
        let model = keeping.model;
        ArmDraws {
            arms: model.arms,
            parameters: keeping.parameters.clone(),
            shares: model.shares.clone(),
            kept,
        }
    }

    /// The number of chains.
    pub fn chains(&self) -> usize {
        self.kept.chains
    }

    /// Draws of each chain.
    pub fn draws(&self) -> usize {
        self.kept.draws
    }

    /// Log odds, by subgroup and arm.
    fn log_odds(&self) -> &[Column] {
        let from = self.parameters.len();
        &self.kept.columns[from..from + self.shares.len() * self.arms]
    }

    /// How many arms there are, the control arm among them.
    pub fn arms(&self) -> usize {
        self.arms
    }

    /// Every quantity that is reported: parameters, then risks and comparisons of subgroups and of all patients.
    pub(in crate::posterior) fn columns(&self, study: &Study) -> Vec<Column> {
        let parameters = self.parameters().map(|(_, column)| column.clone());
        parameters.chain(ToldDraws::estimands(self, study).into_iter().map(|(_, column)| column)).collect()
    }

    /// How many subgroups there are.
    pub fn subgroups(&self) -> usize {
        self.shares.len()
    }

    /// Every parameter with its draws.
    pub fn parameters(&self) -> impl Iterator<Item = (Parameter, &Column)> {
        self.parameters.iter().copied().zip(&self.kept.columns)
    }

    /// Mean effects by active arm; empty where effects have no common mean.
    pub fn means(&self) -> &[Column] {
        &self.kept.columns[self.parameters.len() + self.log_odds().len()..]
    }

    /// Every arm's log odds and risk: of one subgroup, or averaged over the study's patients. None of anyone else.
    pub fn of(&self, whom: Whom) -> Option<OfArms> {
        match whom {
            Whom::Subgroup(g) => {
                let log_odds = self.log_odds().get(g * self.arms..(g + 1) * self.arms)?.to_vec();
                let risks = log_odds.iter().map(|x| x.iter().map(|&x| logistic(x)).collect()).collect();
                Some(OfArms { log_odds, risks })
            }
            Whom::Overall => {
                let risks: Vec<Column> = (0..self.arms).map(|a| self.averaged(a)).collect();
                let log_odds = risks.iter().map(|p| p.iter().map(|&p| logit(p)).collect()).collect();
                Some(OfArms { log_odds, risks })
            }
            _ => None,
        }
    }

    fn averaged(&self, arm: usize) -> Column {
        let mut all = vec![0.0; self.chains() * self.draws()];
        for (share, of_subgroup) in self.shares.iter().zip(self.log_odds().chunks(self.arms)) {
            all.iter_mut().zip(&of_subgroup[arm]).for_each(|(sum, &x)| *sum += share * logistic(x));
        }
        all
    }
}

impl ToldDraws for ArmDraws {
    fn kept(&self) -> &Kept {
        &self.kept
    }

    fn parameters(&self) -> Vec<(Parameter, &[f64])> {
        ArmDraws::parameters(self).map(|(key, column)| (key, column.as_slice())).collect()
    }

    /// Draws of every risk and of every comparison of two arms, of all patients and by subgroup, on the measure's own scale;
    /// and of every arm's rank.
    fn estimands(&self, study: &Study) -> Vec<(Estimand, Column)> {
        let all = std::iter::once(Whom::Overall).chain((0..self.subgroups()).map(Whom::Subgroup));
        let all: Vec<Whom> = all.collect();
        let sign = study.outcome.higher_is.sign();
        let of = |whom: &Whom| self.of(*whom).map_or_else(Vec::new, |of| of.estimands(*whom, sign));
        parallel::map(&all, of).into_iter().flatten().collect()
    }
}

/// What a spread is called among parameters.
fn named(spread: ArmSpread) -> Parameter {
    match spread {
        ArmSpread::Arms => Parameter::TauArms,
        ArmSpread::Subgroups => Parameter::Tau,
        ArmSpread::Interaction => Parameter::TauInteraction,
        ArmSpread::Baselines => Parameter::BaselineSd,
    }
}

/// The parameters of a model, in the order in which they are reported.
fn parameters(model: &ArmsModel) -> Vec<Parameter> {
    let mut all = Vec::new();
    let exchangeable = model.scales.iter().any(|(of, _)| *of == ArmSpread::Arms);
    if exchangeable {
        all.push(Parameter::Mu);
    }
    all.extend((1..=model.means.len()).map(Parameter::ArmMean));
    let order = [ArmSpread::Arms, ArmSpread::Subgroups, ArmSpread::Interaction, ArmSpread::Baselines];
    let is_sampled = |of: &ArmSpread| {
        let place = model.scales.iter().find(|(known, _)| known == of).map(|(_, place)| *place);
        place.is_some_and(|place| model.linear.samples_scale(place))
    };
    let spreads = order.into_iter().filter(is_sampled).map(named);
    let mean = model.baseline_mean.map(|_| Parameter::BaselineMean);
    let effects = (0..model.subgroups).flat_map(|g| (1..model.arms).map(move |a| Parameter::ThetaOf(g, a)));
    all.extend(spreads.chain(mean).chain(effects));
    all.extend((0..model.subgroups).map(Parameter::Alpha));
    all
}

impl OfArms {
    fn estimands(self, whom: Whom, sign: f64) -> Vec<(Estimand, Column)> {
        let arms = self.risks.len();
        let mut all = Vec::new();
        for (arm, against) in pairs(arms) {
            let of = |measure| Estimand::new(whom, measure).of_arms(Arms::Pair(arm, against));
            let by = |columns: &[Column], f: fn(f64, f64) -> f64| -> Column {
                columns[arm].iter().zip(&columns[against]).map(|(a, b)| f(*a, *b)).collect()
            };
            all.push((of(Measure::OddsRatio), by(&self.log_odds, |a, b| libm::exp(a - b))));
            all.push((of(Measure::RiskDifference), by(&self.risks, |a, b| a - b)));
            all.push((of(Measure::RiskRatio), by(&self.risks, |a, b| a / b)));
        }
        let of = |measure, a| Estimand::new(whom, measure).of_arms(Arms::One(a));
        let ranks = ranks(&self, sign).into_iter().map(|ranks| ranks.into_iter().map(|r| r as f64).collect());
        all.extend(ranks.enumerate().map(|(a, ranks)| (of(Measure::Rank, a), ranks)));
        all.extend(self.risks.into_iter().enumerate().map(|(a, risk)| (of(Measure::Risk, a), risk)));
        all
    }
}
