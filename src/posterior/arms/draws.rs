//! Draws of a study with several arms as columns.

use super::rows::{pairs, ranks};
use crate::density::LogDensity;
use crate::model::{ArmSpread, ArmsModel, LinearDensity};
use crate::numeric::{logistic, logit};
use crate::parallel;
use crate::posterior::estimand::{Arms, Estimand, Measure, Whom};
use crate::posterior::parameter::Parameter;
use crate::posterior::sampled::Column;
use crate::sampler::{Purpose, Recorded, Transition, stream};
use crate::study::Study;

/// Draws of every arm's log odds in every subgroup, and of what they are made from. Every column has length `chains` ·
/// `draws`.
#[derive(Debug, Clone, Default)]
pub struct ArmDraws {
    chains: usize,
    draws: usize,
    arms: usize,
    /// The sampler's transition to each draw, chains one after another; empty for draws from a prior.
    pub transitions: Vec<Transition>,
    /// The sampler's step size in each chain; empty for draws from a prior.
    pub step_sizes: Vec<f64>,
    /// Parameters of the model.
    parameters: Vec<(Parameter, Column)>,
    /// Log odds, by subgroup and arm.
    log_odds: Vec<Column>,
    /// Mean effects, by active arm; empty where effects have no common mean.
    means: Vec<Column>,
    /// Each subgroup's share of the study's patients.
    shares: Vec<f64>,
}

/// The log odds and the risks of every arm, of one subgroup or of all patients.
pub struct OfArms {
    /// By arm.
    pub log_odds: Vec<Column>,
    /// By arm.
    pub risks: Vec<Column>,
}

impl ArmDraws {
    /// The draws of the chains.
    pub fn of_chains(
        model: &ArmsModel,
        density: &LinearDensity,
        chains: &[Recorded<'_, LinearDensity>],
    ) -> ArmDraws {
        let parts = parallel::range(0..chains.len(), |c| {
            let recorded = &chains[c];
            let mut part = ArmDraws::empty(model, recorded.transitions.len());
            part.transitions.clone_from(&recorded.transitions);
            part.step_sizes.push(recorded.step_size());
            part.put(model, density, &recorded.draws);
            part
        });
        ArmDraws::joined(parts)
    }

    /// Any points in the coordinates of the density, without regard to weights.
    pub(in crate::posterior) fn of_points(
        model: &ArmsModel,
        density: &LinearDensity,
        points: &[f64],
    ) -> ArmDraws {
        let mut all = ArmDraws::empty(model, points.len() / density.dim());
        all.put(model, density, points);
        all
    }

    /// The draws at these points.
    fn put(&mut self, model: &ArmsModel, density: &LinearDensity, points: &[f64]) {
        let mut scratch = density.scratch();
        for q in points.chunks_exact(density.dim()) {
            let at = density.at(q, &mut scratch);
            self.push(model, at.scales, at.coefficients, at.predictors);
        }
    }

    /// Draws from the priors, in pairs of mirror images; none where one of the priors is flat.
    pub fn of_prior(model: &ArmsModel, seed: u64, draws: usize) -> Option<ArmDraws> {
        /// Pieces of work, each with its own stream.
        const PIECES: usize = 8;
        let pairs = draws.div_ceil(2 * PIECES);
        let linear = &model.linear;
        let parts = parallel::range(0..PIECES, |i| {
            let mut rng = stream(seed, i, Purpose::Prior);
            let mut part = ArmDraws::empty(model, 2 * pairs);
            let mut scales = vec![0.0; linear.scales.len()];
            let mut coefficients = vec![0.0; linear.coefficients.len()];
            let mut predictors = vec![0.0; linear.cells.len()];
            for _ in 0..pairs {
                let again = rng.clone();
                let mut put = |rng: &mut _, sign| {
                    let drawn = linear.draw_prior((rng, sign), (&mut scales, &mut coefficients));
                    linear.predictors(&coefficients, &mut predictors);
                    part.push(model, &scales, &coefficients, &predictors);
                    drawn
                };
                if !(put(&mut rng, 1.0) && put(&mut again.clone(), -1.0)) {
                    return None;
                }
            }
            Some(part)
        });
        Some(ArmDraws::joined(parts.into_iter().collect::<Option<_>>()?))
    }

    /// No draws yet, with room for `n`.
    fn empty(model: &ArmsModel, n: usize) -> ArmDraws {
        let column = || Vec::with_capacity(n);
        let columns = |n: usize| (0..n).map(|_| column()).collect::<Vec<Column>>();
        let sizes: Vec<f64> = (0..model.subgroups)
            .map(|g| (0..model.arms).map(|a| model.linear.patients(model.cell(g, a))).sum())
            .collect();
        let all: f64 = sizes.iter().sum();
        let equal = 1.0 / model.subgroups as f64;
        ArmDraws {
            chains: 1,
            draws: n,
            arms: model.arms,
            parameters: parameters(model).into_iter().map(|p| (p, column())).collect(),
            log_odds: columns(model.subgroups * model.arms),
            means: columns(model.means.len()),
            shares: sizes.into_iter().map(|n| if all > 0.0 { n / all } else { equal }).collect(),
            ..ArmDraws::default()
        }
    }

    /// One draw: standard deviations, coefficients, log odds.
    fn push(&mut self, model: &ArmsModel, scales: &[f64], coefficients: &[f64], log_odds: &[f64]) {
        self.log_odds.iter_mut().zip(log_odds).for_each(|(column, &x)| column.push(x));
        let sum = |parts: &[usize]| parts.iter().map(|&j| coefficients[j]).sum::<f64>();
        self.means.iter_mut().zip(&model.means).for_each(|(column, parts)| column.push(sum(parts)));
        for (parameter, column) in &mut self.parameters {
            let value = match *parameter {
                // The last coefficient that all exchangeable arms share.
                Parameter::Mu => model.means.first().and_then(|parts| parts.last()).map(|&j| coefficients[j]),
                Parameter::ArmMean(a) => model.means.get(a - 1).map(|parts| sum(parts)),
                Parameter::ThetaOf(g, a) => Some(log_odds[model.cell(g, a)] - log_odds[model.cell(g, 0)]),
                Parameter::Alpha(g) => model.baselines.get(g).map(|parts| sum(parts)),
                Parameter::BaselineMean => model.baseline_mean.map(|j| coefficients[j]),
                spread => model.scales.iter().find(|(of, _)| named(*of) == spread).map(|(_, s)| scales[*s]),
            };
            column.push(value.unwrap_or(f64::NAN));
        }
    }

    fn joined(parts: Vec<ArmDraws>) -> ArmDraws {
        let mut parts = parts.into_iter();
        let Some(mut all) = parts.next() else { return ArmDraws::default() };
        for part in parts {
            all.chains += part.chains;
            all.transitions.extend(part.transitions);
            all.step_sizes.extend(part.step_sizes);
            let own = part.parameters.into_iter().map(|(_, column)| column);
            let columns = own.chain(part.log_odds).chain(part.means);
            let into = all.parameters.iter_mut().map(|(_, column)| column);
            let into = into.chain(&mut all.log_odds).chain(&mut all.means);
            into.zip(columns).for_each(|(all, part)| all.extend(part));
        }
        all
    }

    /// The number of chains.
    pub fn chains(&self) -> usize {
        self.chains
    }

    /// Draws of each chain.
    pub fn draws(&self) -> usize {
        self.draws
    }

    /// How many arms there are, the control arm among them.
    pub fn arms(&self) -> usize {
        self.arms
    }

    /// Every quantity that is reported: parameters, then risks and comparisons of subgroups and of all patients.
    pub(in crate::posterior) fn columns(&self, study: &Study) -> Vec<Column> {
        let parameters = self.parameters.iter().map(|(_, column)| column.clone());
        parameters.chain(self.estimands(study).into_iter().map(|(_, column)| column)).collect()
    }

    /// Draws of every risk and of every comparison of two arms, of all patients and by subgroup, on the measure's own scale;
    /// and of every arm's rank.
    pub fn estimands(&self, study: &Study) -> Vec<(Estimand, Column)> {
        let all = std::iter::once(Whom::Overall).chain((0..self.subgroups()).map(Whom::Subgroup));
        let all: Vec<Whom> = all.collect();
        let sign = study.outcome.higher_is.sign();
        let of = |whom: &Whom| self.of(*whom).map_or_else(Vec::new, |of| of.estimands(*whom, sign));
        parallel::map(&all, of).into_iter().flatten().collect()
    }

    /// How many subgroups there are.
    pub fn subgroups(&self) -> usize {
        self.shares.len()
    }

    /// Every parameter with its draws.
    pub fn parameters(&self) -> &[(Parameter, Column)] {
        &self.parameters
    }

    /// Mean effects by active arm; empty where effects have no common mean.
    pub fn means(&self) -> &[Column] {
        &self.means
    }

    /// Every arm's log odds and risk: of one subgroup, or averaged over the study's patients. None of anyone else.
    pub fn of(&self, whom: Whom) -> Option<OfArms> {
        match whom {
            Whom::Subgroup(g) => {
                let log_odds = self.log_odds.get(g * self.arms..(g + 1) * self.arms)?.to_vec();
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
        let mut all = vec![0.0; self.chains * self.draws];
        for (share, of_subgroup) in self.shares.iter().zip(self.log_odds.chunks(self.arms)) {
            all.iter_mut().zip(&of_subgroup[arm]).for_each(|(sum, &x)| *sum += share * logistic(x));
        }
        all
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
