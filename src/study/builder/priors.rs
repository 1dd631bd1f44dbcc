//! Priors as they are given to the builder.

use super::super::rules::NamedChanges;
use super::super::{
    BaselineOf, BaselinePrior, External, HeterogeneityPrior, LocationPrior, Pooling, Priors, StandAlone,
    Study, Written,
};

/// The priors of effects, with how subgroups borrow from each other under them.
#[derive(Debug, Clone, PartialEq)]
pub struct PooledPriors {
    pub(crate) pooling: Pooling,
    pub(crate) effect: Written<LocationPrior>,
    pub(crate) heterogeneity: Option<Written<HeterogeneityPrior>>,
    pub(crate) degrees: Option<f64>,
    pub(crate) alone: Option<StandAlone>,
}

impl Priors {
    /// Each effect from a common normal distribution: priors of its mean μ and of its standard deviation τ.
    pub fn partial(
        effect: impl Into<Written<LocationPrior>>,
        heterogeneity: impl Into<Written<HeterogeneityPrior>>,
    ) -> PooledPriors {
        let heterogeneity = Some(heterogeneity.into());
        PooledPriors {
            pooling: Pooling::Partial,
            effect: effect.into(),
            heterogeneity,
            degrees: None,
            alone: None,
        }
    }

    /// Each subgroup alone, under the prior that partial pooling would give a single one.
    pub fn none(
        effect: impl Into<Written<LocationPrior>>,
        heterogeneity: impl Into<Written<HeterogeneityPrior>>,
    ) -> PooledPriors {
        PooledPriors { pooling: Pooling::None, ..Priors::partial(effect, heterogeneity) }
    }

    /// One effect for all subgroups.
    pub fn complete(effect: impl Into<Written<LocationPrior>>) -> PooledPriors {
        PooledPriors {
            pooling: Pooling::Complete,
            effect: effect.into(),
            heterogeneity: None,
            degrees: None,
            alone: None,
        }
    }

    /// Each effect from the common normal distribution of partial pooling, with probability `exchangeable` (0 to 1), or else
    /// from a normal prior of its own; without one, from the normal that has the mean and the variance of a single effect
    /// under partial pooling.
    pub fn exchangeable_or_not(
        effect: impl Into<Written<LocationPrior>>,
        heterogeneity: impl Into<Written<HeterogeneityPrior>>,
        exchangeable: f64,
        stand_alone: Option<Written<LocationPrior>>,
    ) -> PooledPriors {
        PooledPriors {
            pooling: Pooling::ExchangeableOrNot,
            alone: Some(StandAlone { exchangeable, prior: stand_alone }),
            ..Priors::partial(effect, heterogeneity)
        }
    }

    /// As partial pooling, but each effect from a Student t distribution with `df` degrees of freedom around μ, τ being its
    /// scale.
    pub fn student_t(
        effect: impl Into<Written<LocationPrior>>,
        heterogeneity: impl Into<Written<HeterogeneityPrior>>,
        df: f64,
    ) -> PooledPriors {
        PooledPriors {
            pooling: Pooling::StudentT,
            degrees: Some(df),
            ..Priors::partial(effect, heterogeneity)
        }
    }
}

/// Further priors: what they change of the study's own. They have to change something.
#[derive(Debug, Clone, Default)]
pub struct PriorChanges(pub(crate) NamedChanges);

impl PriorChanges {
    /// Nothing yet.
    pub fn new() -> PriorChanges {
        PriorChanges::default()
    }

    /// Another prior of the mean effect; beside [`PriorChanges::made_from`], the part that is not taken from those.
    #[must_use]
    pub fn effect(mut self, prior: impl Into<Written<LocationPrior>>) -> PriorChanges {
        self.0.effect = Some(prior.into());
        self
    }

    /// Another prior of the heterogeneity.
    #[must_use]
    pub fn heterogeneity(mut self, prior: impl Into<Written<HeterogeneityPrior>>) -> PriorChanges {
        self.0.heterogeneity = Some(prior.into());
        self
    }

    /// Another prior of the baselines.
    #[must_use]
    pub fn baseline(mut self, prior: impl Into<Written<BaselinePrior>>) -> PriorChanges {
        self.0.baseline = Some(prior.into());
        self
    }

    /// What the other baseline prior is of.
    #[must_use]
    pub fn baseline_of(mut self, of: BaselineOf) -> PriorChanges {
        self.0.baseline_of = Some(of);
        self
    }

    /// An effect prior that is what these studies' fits predict for a further subgroup, with a weight from 0 (not believed) to
    /// 1 (taken whole). They have the same outcome, scale and direction.
    #[must_use]
    pub fn made_from(mut self, sources: impl IntoIterator<Item = Study>, weight: f64) -> PriorChanges {
        self.0.external = Some(External { sources: sources.into_iter().collect(), weight });
        self
    }
}
