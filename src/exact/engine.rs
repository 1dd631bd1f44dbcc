//! The engine's front: a model in, distributions out.

use super::Resolution;
use super::counts::{CountsPosterior, Observed};
use super::distribution::{Distribution, Negated, PointMass};
use super::effect_likelihood::Baseline;
use super::gaussian::EstimatesPosterior;
use super::labelled::{LabelledPosterior, Unsettled};
use super::pair::IndependentPair;
use super::risks::RiskMeasure;
use super::scale::NotConverged;
use crate::model::{
    BaselinePrior, HeterogeneityPrior, Likelihood, LocationPrior, Model, NormalEstimate, Pooling,
};

/// Why the exact engine has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    #[error("exchangeable baselines tie all subgroups' control risks together, which needs sampling")]
    ExchangeableBaselines,
    #[error("covariates and centres are shared by all subgroups, which needs sampling")]
    Covariates,
    #[error("the integral over the heterogeneity did not settle")]
    NotConverged,
    #[error(
        "of subgroups whose labels may be wrong it covers the effects, under normal effect priors and with pooling, where sensitivity and specificity are known or the study is small"
    )]
    WrongLabels,
}

impl From<NotConverged> for Unavailable {
    fn from(_: NotConverged) -> Unavailable {
        Unavailable::NotConverged
    }
}

/// A posterior by integration.
pub struct ExactPosterior {
    kind: Kind,
}

enum Kind {
    /// One μ and one τ (or none).
    Counts(CountsPosterior),
    /// Each subgroup alone.
    SeparateCounts(Vec<CountsPosterior>),
    Estimates(EstimatesPosterior),
    SeparateEstimates(Vec<EstimatesPosterior>, Resolution),
    /// Two subgroups whose labels may be wrong.
    Labelled(Box<LabelledPosterior>),
}

/// Two subgroups' effects together.
pub struct Pair<'a> {
    /// The first effect minus the second, on the scale of θ.
    pub difference: Box<dyn Distribution + 'a>,
    /// P(first > 0 and second < 0).
    pub first_above_second_below: f64,
    /// P(first < 0 and second > 0).
    pub first_below_second_above: f64,
    /// Where not, the integral over the two effects missed part of the mass, and nothing here can be believed.
    pub settled: bool,
}

type Dynamic<'a> = Option<Box<dyn Distribution + 'a>>;

impl ExactPosterior {
    /// Integrates the model.
    pub fn new(model: &Model, resolution: Resolution) -> Result<ExactPosterior, Unavailable> {
        if model.rows.is_some() && !model.likelihood.is_by_curves() {
            return Err(Unavailable::Covariates);
        }
        let heterogeneity = match model.pooling {
            Pooling::Partial(prior) | Pooling::Separate(prior) => prior,
            Pooling::Complete => HeterogeneityPrior::Fixed { value: 0.0 },
        };
        let separate = matches!(model.pooling, Pooling::Separate(_));
        if let (Some(m), Likelihood::Counts(counts)) = (&model.misclassification, &model.likelihood) {
            let BaselinePrior::Independent(baseline) = &model.baseline else {
                return Err(Unavailable::ExchangeableBaselines);
            };
            if separate || counts.len() != 2 || !baseline.is_proper() {
                return Err(Unavailable::WrongLabels);
            }
            let baseline = Baseline { prior: baseline.clone(), of: model.baseline_of };
            let posterior =
                LabelledPosterior::new(counts, m, &model.effect, &heterogeneity, &baseline, resolution);
            let posterior = posterior.map_err(|why| match why {
                Unsettled::NotConverged => Unavailable::NotConverged,
                Unsettled::TooLarge | Unsettled::NotNormal => Unavailable::WrongLabels,
            })?;
            return Ok(ExactPosterior { kind: Kind::Labelled(Box::new(posterior)) });
        }
        let kind = match &model.likelihood {
            Likelihood::Counts(counts) => {
                let BaselinePrior::Independent(baseline) = &model.baseline else {
                    return Err(Unavailable::ExchangeableBaselines);
                };
                let observed = counts.iter().cloned().map(Observed::Counts).collect();
                let baseline = Baseline { prior: baseline.clone(), of: model.baseline_of };
                curves_posterior(observed, &model.effect, heterogeneity, &baseline, separate, resolution)?
            }
            Likelihood::Estimates(estimates) if estimates.iter().any(|e| e.bias().is_some()) => {
                let observed = estimates.iter().cloned().map(Observed::Estimate).collect();
                let none = Baseline { prior: LocationPrior::normal(0.0, 1.0), of: model.baseline_of };
                curves_posterior(observed, &model.effect, heterogeneity, &none, separate, resolution)?
            }
            Likelihood::Estimates(estimates) => {
                let alone = |e: &[NormalEstimate]| {
                    EstimatesPosterior::new(e, &model.effect, &heterogeneity, resolution)
                };
                if separate {
                    let each: Result<Vec<_>, NotConverged> =
                        estimates.iter().map(|e| alone(std::slice::from_ref(e))).collect();
                    Kind::SeparateEstimates(each?, resolution)
                } else {
                    Kind::Estimates(alone(estimates)?)
                }
            }
        };
        Ok(ExactPosterior { kind })
    }

    /// The mean of the subgroup effects; none where nothing is shared.
    pub fn mu(&self) -> Dynamic<'_> {
        match &self.kind {
            Kind::Counts(shared) => Some(Box::new(shared.mu())),
            Kind::Estimates(shared) => Some(Box::new(shared.mu())),
            Kind::Labelled(shared) => Some(Box::new(shared.mu())),
            Kind::SeparateCounts(_) | Kind::SeparateEstimates(..) => None,
        }
    }

    /// The standard deviation of the subgroup effects; none where it is not estimated.
    pub fn tau(&self) -> Option<&dyn Distribution> {
        match &self.kind {
            Kind::Counts(shared) => shared.tau().map(|t| t as &dyn Distribution),
            Kind::Estimates(shared) => shared.tau.as_ref().map(|t| t as &dyn Distribution),
            Kind::Labelled(shared) => shared.tau().map(|t| t as &dyn Distribution),
            Kind::SeparateCounts(_) | Kind::SeparateEstimates(..) => None,
        }
    }

    /// The effect of a further similar subgroup; none where nothing is shared.
    pub fn theta_new(&self) -> Dynamic<'_> {
        match &self.kind {
            Kind::Counts(shared) => Some(Box::new(shared.theta_new())),
            Kind::Estimates(shared) => Some(Box::new(shared.theta_new())),
            Kind::Labelled(shared) => Some(Box::new(shared.theta_new())),
            Kind::SeparateCounts(_) | Kind::SeparateEstimates(..) => None,
        }
    }

    /// The effect of subgroup `g` on the scale of θ.
    pub fn theta(&self, g: usize) -> Box<dyn Distribution + '_> {
        match &self.kind {
            Kind::Counts(shared) => Box::new(&shared.subgroup(g).theta),
            Kind::SeparateCounts(each) => Box::new(&each[g].subgroup(0).theta),
            Kind::Estimates(shared) => Box::new(shared.theta(g)),
            Kind::Labelled(shared) => Box::new(shared.theta(g)),
            Kind::SeparateEstimates(each, ..) => Box::new(each[g].theta(0)),
        }
    }

    /// A function of the risks of subgroup `g`; none for estimates, which have no risks.
    pub fn risk(&self, g: usize, measure: RiskMeasure) -> Dynamic<'_> {
        match &self.kind {
            Kind::Counts(shared) => shared.subgroup(g).risk(measure),
            Kind::SeparateCounts(each) => each[g].subgroup(0).risk(measure),
            Kind::Estimates(_) | Kind::SeparateEstimates(..) | Kind::Labelled(_) => None,
        }
    }

    /// Two subgroups' effects together.
    pub fn pair(&self, a: usize, b: usize) -> Pair<'_> {
        let one_effect = || Pair {
            difference: Box::new(PointMass(0.0)) as Box<dyn Distribution>,
            first_above_second_below: 0.0,
            first_below_second_above: 0.0,
            settled: true,
        };
        match &self.kind {
            Kind::Counts(shared) => match shared.pair(a, b) {
                Some(pair) => Pair {
                    first_above_second_below: pair.first_above_second_below,
                    first_below_second_above: pair.first_below_second_above,
                    settled: pair.settled,
                    difference: Box::new(pair),
                },
                None => one_effect(),
            },
            Kind::SeparateCounts(each) => {
                let [first, second] = [a, b].map(|g| &each[g].subgroup(0).theta);
                let pair = IndependentPair { first, second };
                Pair {
                    first_above_second_below: pair.first_above_second_below(),
                    first_below_second_above: pair.first_below_second_above(),
                    settled: true,
                    difference: Box::new(pair),
                }
            }
            Kind::Labelled(shared) => match shared.pair() {
                None => one_effect(),
                Some(pair) => {
                    let signs = [pair.first_above_second_below, pair.first_below_second_above];
                    let turned = a > b;
                    Pair {
                        first_above_second_below: signs[usize::from(turned)],
                        first_below_second_above: signs[usize::from(!turned)],
                        settled: pair.settled,
                        difference: if turned { Box::new(Negated(pair)) } else { Box::new(pair) },
                    }
                }
            },
            Kind::Estimates(shared) if shared.is_one_effect() => one_effect(),
            Kind::Estimates(shared) => Pair {
                difference: Box::new(shared.difference(a, b)),
                first_above_second_below: shared.opposite_signs(a, b),
                first_below_second_above: shared.opposite_signs(b, a),
                settled: true,
            },
            Kind::SeparateEstimates(each, resolution) => {
                let (first, second) = (each[a].theta(0), each[b].theta(0));
                let (p, q) = (first.cdf(0.0), second.cdf(0.0));
                Pair {
                    difference: first.minus(&second, *resolution),
                    first_above_second_below: (1.0 - p) * q,
                    first_below_second_above: p * (1.0 - q),
                    settled: true,
                }
            }
        }
    }

    /// For every kind of patient in subgroup `g` (control arm without and with the event, then active arm), the log
    /// probability of one such patient's outcome given all the others: none where there is no such patient, and for
    /// estimates, whose patients are not known.
    pub fn leave_one_out(&self, g: usize) -> Option<[Option<f64>; 4]> {
        match &self.kind {
            Kind::Counts(shared) => shared.subgroup(g).leave_one_out(),
            Kind::SeparateCounts(each) => each[g].subgroup(0).leave_one_out(),
            Kind::Estimates(_) | Kind::SeparateEstimates(..) | Kind::Labelled(_) => None,
        }
    }

    /// Log of the probability of the data before they were seen; none where each subgroup is alone, or the effect prior
    /// is flat.
    pub fn log_marginal_likelihood(&self) -> Option<f64> {
        match &self.kind {
            Kind::Counts(shared) => Some(shared.log_marginal_likelihood),
            Kind::Estimates(shared) => Some(shared.log_marginal_likelihood),
            Kind::Labelled(shared) => Some(shared.log_marginal_likelihood),
            Kind::SeparateCounts(_) | Kind::SeparateEstimates(..) => None,
        }
    }
}

/// Log of the probability of the data before they were seen. Under a flat effect prior it has no meaning.
pub fn log_marginal_likelihood(model: &Model, resolution: Resolution) -> Result<f64, Unavailable> {
    // Posteriors of single effects are made when they are asked for: none is here.
    let posterior = ExactPosterior::new(model, resolution)?;
    Ok(match &posterior.kind {
        Kind::Counts(shared) => shared.log_marginal_likelihood,
        Kind::Estimates(shared) => shared.log_marginal_likelihood,
        Kind::Labelled(shared) => shared.log_marginal_likelihood,
        Kind::SeparateCounts(each) => each.iter().map(|p| p.log_marginal_likelihood).sum(),
        Kind::SeparateEstimates(each, ..) => each.iter().map(|p| p.log_marginal_likelihood).sum(),
    })
}

fn curves_posterior(
    observed: Vec<Observed>,
    effect: &LocationPrior,
    heterogeneity: HeterogeneityPrior,
    baseline: &Baseline,
    separate: bool,
    resolution: Resolution,
) -> Result<Kind, NotConverged> {
    use rayon::prelude::*;
    let fit = |observed: Vec<Observed>| {
        CountsPosterior::new(observed, effect, &heterogeneity, baseline, resolution)
    };
    if separate {
        let each: Result<Vec<_>, NotConverged> = observed.into_par_iter().map(|o| fit(vec![o])).collect();
        Ok(Kind::SeparateCounts(each?))
    } else {
        Ok(Kind::Counts(fit(observed)?))
    }
}
