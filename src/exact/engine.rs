//! The front of the exact engine: a model in, distributions out.

use super::Resolution;
use super::curves::{CurvesPosterior, EffectPriors};
use super::distribution::Distribution;
use super::effect_likelihood::Baseline;
use super::gaussian::{self, EstimatesPosterior};
use super::integrated::{Dynamic, Integrated, Pair};
use super::joint_normal::JointNormal;
use super::kernel::Kernel;
use super::labelled::{LabelledPosterior, Unsettled};
use super::levels::LevelsOfSubgroup;
use super::linked::Linked;
use super::risks::RiskMeasure;
use super::scale::NotConverged;
use super::separate::{SeparateCurves, SeparateEstimates};
use super::subgroup::{CellsOfSubgroup, SubgroupData};
use crate::model::{
    BaselinePrior, Cells, CorrelatedEstimates, HeterogeneityPrior, Levels, Model, NormalEstimate, Pooling,
    Side,
};
use crate::parallel;

/// Why the exact engine has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// Baselines have a common distribution.
    #[error("exchangeable baselines tie all subgroups' control risks together, which needs sampling")]
    ExchangeableBaselines,
    /// The model has covariates or centres.
    #[error("covariates and centres are shared by all subgroups, which needs sampling")]
    Covariates,
    /// Cut points are shared.
    #[error("shared cut points tie all subgroups together, which needs sampling")]
    SharedCutPoints,
    /// Odds are not proportional.
    #[error("departures from proportional odds are shared by all subgroups, which needs sampling")]
    Departure,
    /// An integral did not converge.
    #[error("the integral over the heterogeneity did not settle")]
    NotConverged,
    /// Correlated estimates without pooling.
    #[error(
        "of correlated estimates without pooling every subgroup's prior is an integral of its own, and together they have as many dimensions as there are subgroups; it covers a flat effect prior, and a normal one with a fixed heterogeneity"
    )]
    CorrelatedAlone,
    /// Correlated estimates that a bias moves by an amount that is neither known nor normal.
    #[error("of correlated estimates it covers biases that are known, or are normal and added")]
    CorrelatedBias,
    /// Correlated estimates of effects that are not normal.
    #[error("of correlated estimates it covers effects that are normal around their mean")]
    CorrelatedShaped,
    /// Labels of subgroups may be wrong in a way that the engine does not cover.
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

/// A posterior computed by deterministic integration, without sampling.
pub struct ExactPosterior(Box<dyn Integrated>);

impl ExactPosterior {
    /// Integrates the model. The error says why the engine has no answer.
    pub fn new(model: &Model, resolution: Resolution) -> Result<ExactPosterior, Unavailable> {
        let engine = Engine::of(model, resolution);
        let found = match (model.observation.cells(), model.observation.correlated()) {
            (Some(cells), _) => engine.of_cells(cells),
            (None, Some(correlated)) => engine.of_correlated(correlated),
            (None, None) => engine.of_estimates(model.observation.estimates().unwrap_or_default()),
        };
        let links = model.observation.linked();
        found.map(|found| {
            ExactPosterior(if links.is_empty() { found } else { Box::new(Linked::new(found, links)) })
        })
    }

    /// The mean μ of the subgroups' effects; none where subgroups share nothing.
    pub fn mu(&self) -> Dynamic<'_> {
        self.0.mu()
    }

    /// The standard deviation τ of the subgroups' effects; none where it is not estimated.
    pub fn tau(&self) -> Option<&dyn Distribution> {
        self.0.tau()
    }

    /// The effect θ of a further, similar subgroup; none where subgroups share nothing.
    pub fn theta_new(&self) -> Dynamic<'_> {
        self.0.theta_new()
    }

    /// The effect θ of subgroup `g`, on the scale of the model.
    pub fn theta(&self, g: usize) -> Box<dyn Distribution + '_> {
        self.0.theta(g)
    }

    /// A function of the risks of subgroup `g`; none where the posterior has no risks, as for published estimates.
    pub fn risk(&self, g: usize, measure: RiskMeasure) -> Dynamic<'_> {
        self.0.risk(g, measure)
    }

    /// The effect of subgroup `g` as the priors and the other subgroups' data predict it, on the scale of the model. None where the
    /// integrals made with its data do not serve without them: the model with that subgroup emptied
    /// ([`Model::without_subgroup`]) has it then as its `theta`.
    pub fn left_out(&self, g: usize) -> Dynamic<'_> {
        self.0.left_out(g)
    }

    /// One arm's log odds in subgroup `g` as nodes with weights that sum to 1, a node no farther from the next than a third of
    /// the distribution's standard deviation; none where the posterior has no risks, or the integral is not proven.
    pub fn log_odds(&self, g: usize, side: Side) -> Option<Vec<(f64, f64)>> {
        self.0.log_odds(g, side)
    }

    /// The effects of subgroups `a` and `b` together.
    pub fn pair(&self, a: usize, b: usize) -> Pair<'_> {
        self.0.pair(a, b)
    }

    /// The probability that the effect of subgroup `g` is from its own prior and not from the common distribution; none where
    /// there is no such choice, and NaN where the integral is not proven.
    pub fn stands_alone(&self, g: usize) -> Option<f64> {
        self.0.stands_alone(g)
    }

    /// For every kind of patient in subgroup `g` (control arm without and with the event, then active arm), the log
    /// probability of one such patient's outcome given all other patients; none where there is no such patient. None
    /// at all for published estimates, whose patients are not known.
    pub fn leave_one_out(&self, g: usize) -> Option<[Option<f64>; 4]> {
        self.0.leave_one_out(g)
    }

    /// The log marginal likelihood: the log probability of the data before they were seen. None where each subgroup
    /// is modelled alone, or the effect prior is flat.
    pub fn log_marginal_likelihood(&self) -> Option<f64> {
        self.0.is_shared().then(|| self.0.log_marginal_likelihood())
    }
}

/// The log marginal likelihood of a model: the log probability of the data before they were seen. Meaningless under a
/// flat effect prior. The error says why the engine has no answer.
pub fn log_marginal_likelihood(model: &Model, resolution: Resolution) -> Result<f64, Unavailable> {
    // Posteriors of single effects are made when they are asked for: none is here.
    Ok(ExactPosterior::new(model, resolution)?.0.log_marginal_likelihood())
}

/// The log density of effects before the data, up to a constant; none where they don't differ.
pub fn log_prior_of_effects(model: &Model, theta: &[f64]) -> Option<f64> {
    match &model.pooling {
        Pooling::Partial(prior) => gaussian::log_prior_of_effects(theta, &model.effect, prior),
        Pooling::Shaped(..) => None,
        Pooling::Separate(prior) => {
            let one = |x: &f64| gaussian::log_prior_of_effects(std::slice::from_ref(x), &model.effect, prior);
            theta.iter().map(one).sum()
        }
        Pooling::Complete => None,
    }
}

/// Each subgroup's data as a curve of its effect, where nothing but the effects ties subgroups together; or why there are none.
pub fn curves_of(cells: &Cells) -> Result<Vec<Box<dyn SubgroupData>>, Unavailable> {
    if cells.level_rows().is_some() || cells.rows().is_some() && !cells.holds_coefficients() {
        return Err(Unavailable::Covariates);
    }
    if let Some(levels) = cells.levels() {
        return curves_of_levels(cells, levels);
    }
    let BaselinePrior::Independent(prior) = &cells.baselines().prior else {
        return Err(Unavailable::ExchangeableBaselines);
    };
    let baseline = Baseline { prior: prior.clone(), of: cells.baselines().of };
    let of = |pair: &_| CellsOfSubgroup { pair: Clone::clone(pair), baseline: baseline.clone() };
    Ok(cells.pairs().iter().map(|pair| Box::new(of(pair)) as _).collect())
}

fn curves_of_levels(cells: &Cells, levels: &Levels) -> Result<Vec<Box<dyn SubgroupData>>, Unavailable> {
    if levels.shared {
        return Err(Unavailable::SharedCutPoints);
    }
    if levels.departure.is_some() {
        return Err(Unavailable::Departure);
    }
    let of = |g: usize| LevelsOfSubgroup::new(levels, g, cells.pairs()[g].bias().cloned());
    Ok((0..levels.counts.len()).map(|g| Box::new(of(g)) as _).collect())
}

type Found = Result<Box<dyn Integrated>, Unavailable>;

/// A model's priors, and how finely they are integrated.
struct Engine<'a> {
    model: &'a Model,
    heterogeneity: HeterogeneityPrior,
    /// Each subgroup alone.
    separate: bool,
    /// How effects are spread around μ; none where they are normal.
    kernel: Option<Kernel>,
    resolution: Resolution,
}

impl Engine<'_> {
    fn of(model: &Model, resolution: Resolution) -> Engine<'_> {
        let heterogeneity = model.pooling.heterogeneity().unwrap_or(HeterogeneityPrior::Fixed { value: 0.0 });
        let separate = matches!(model.pooling, Pooling::Separate(_));
        let kernel = match model.pooling {
            Pooling::Shaped(_, spread) => Kernel::of(spread, resolution),
            _ => None,
        };
        Engine { model, heterogeneity, separate, kernel, resolution }
    }

    /// Whether effects are stated not to be normal around μ.
    fn is_shaped(&self) -> bool {
        self.model.pooling.is_integrated_alone()
    }

    fn of_cells(&self, cells: &Cells) -> Found {
        if cells.misclassification().is_some()
            && let BaselinePrior::Independent(prior) = &cells.baselines().prior
        {
            return self.of_labels(cells, &Baseline { prior: prior.clone(), of: cells.baselines().of });
        }
        self.of_curves(curves_of(cells)?)
    }

    fn of_labels(&self, cells: &Cells, baseline: &Baseline) -> Found {
        let covered = !self.separate && !self.is_shaped() && baseline.prior.is_proper();
        let Some(m) = cells.misclassification().filter(|_| covered) else {
            return Err(Unavailable::WrongLabels);
        };
        let (effect, heterogeneity) = (&self.model.effect, &self.heterogeneity);
        let posterior =
            LabelledPosterior::new(cells.pairs(), m, effect, heterogeneity, baseline, self.resolution);
        match posterior {
            Ok(posterior) => Ok(Box::new(posterior)),
            Err(Unsettled::NotConverged) => Err(Unavailable::NotConverged),
            Err(Unsettled::TooLarge | Unsettled::NotNormal) => Err(Unavailable::WrongLabels),
        }
    }

    fn of_estimates(&self, estimates: &[NormalEstimate]) -> Found {
        if self.kernel.is_some() || estimates.iter().any(|e| e.bias().is_some()) {
            return self.of_curves(estimates.iter().map(|e| Box::new(e.clone()) as _).collect());
        }
        let fit = |e: &[NormalEstimate]| {
            EstimatesPosterior::new(e, &self.model.effect, &self.heterogeneity, self.resolution)
        };
        if self.separate {
            let each: Result<Vec<_>, NotConverged> =
                estimates.iter().map(|e| fit(std::slice::from_ref(e))).collect();
            Ok(Box::new(SeparateEstimates { each: each?, resolution: self.resolution }))
        } else {
            Ok(Box::new(fit(estimates)?))
        }
    }

    fn of_correlated(&self, estimates: &CorrelatedEstimates) -> Found {
        if estimates.has_bias() {
            return Err(Unavailable::CorrelatedBias);
        }
        if self.is_shaped() {
            return Err(Unavailable::CorrelatedShaped);
        }
        let (effect, heterogeneity) = (&self.model.effect, &self.heterogeneity);
        if self.separate {
            let joint = JointNormal::new(estimates, effect, heterogeneity);
            return joint.map_or(Err(Unavailable::CorrelatedAlone), |joint| Ok(Box::new(joint)));
        }
        Ok(Box::new(EstimatesPosterior::correlated(estimates, effect, heterogeneity, self.resolution)?))
    }

    fn of_curves(&self, data: Vec<Box<dyn SubgroupData>>) -> Found {
        let fit = |data: Vec<Box<dyn SubgroupData>>| {
            let priors = EffectPriors {
                effect: &self.model.effect,
                heterogeneity: self.heterogeneity,
                kernel: self.kernel.clone(),
            };
            CurvesPosterior::new(data, priors, self.resolution)
        };
        if self.separate {
            let each: Result<Vec<_>, NotConverged> =
                parallel::map_taken(data, |one| fit(vec![one])).into_iter().collect();
            Ok(Box::new(SeparateCurves(each?)))
        } else {
            Ok(Box::new(fit(data)?))
        }
    }
}
