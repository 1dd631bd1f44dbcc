//! A study as a probability model: likelihood, pooling and priors as densities.

use crate::study::{self, Data, Study};

mod between;
mod bias;
mod binomial;
mod density;
mod hierarchy;
mod labels;
mod level;
mod likelihood;
mod nuisance;
mod prior_slope;
mod seen;
mod simulate;

pub use crate::study::{
    BaselinePrior, Confounder, HeterogeneityPrior, LocationPrior, Misclassification, Missing,
    NormalComponent, Nuisance, SubgroupBias,
};
pub use bias::{confounded, confounded_estimate, mix, unmix};
pub use density::LocationComponent;
pub use hierarchy::{Hierarchy, Parameters, Scratch};
pub use labels::{LabelShares, cells_of, labelled_arm};
pub use likelihood::{Arm, BinomialPair, Likelihood, NormalEstimate, Side};
pub use simulate::Drawn;

/// How the subgroup effects θ hang together.
#[derive(Debug, Clone, PartialEq)]
pub enum Pooling {
    /// θ_g ~ N(μ, τ²), one μ and one τ.
    Partial(HeterogeneityPrior),
    /// θ_g ~ N(μ_g, τ_g²), each subgroup with a μ and a τ of its own: the same marginal prior, nothing shared.
    Separate(HeterogeneityPrior),
    /// θ_g = μ.
    Complete,
}

/// All that an engine needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub likelihood: Likelihood,
    pub pooling: Pooling,
    /// The prior of μ, on the log scale of the effect measure (or its own scale for differences).
    pub effect: LocationPrior,
    /// The prior of α; unused for estimates.
    pub baseline: BaselinePrior,
    /// Where the two subgroups' counts are by labels that may be wrong; θ and α are then those of the true subgroups.
    pub misclassification: Option<Misclassification>,
}

impl Model {
    /// The study's data under its priors.
    pub fn of(study: &Study) -> Model {
        let likelihood = match &study.data {
            Data::Counts(rows) => Likelihood::Counts(rows.iter().map(BinomialPair::of).collect()),
            Data::Estimates(rows) => {
                Likelihood::Estimates(rows.iter().map(|r| NormalEstimate::new(r.estimate, r.se)).collect())
            }
        };
        let likelihood = match &study.bias {
            Some(bias) => likelihood.through(&bias.subgroups),
            None => likelihood,
        };
        let heterogeneity = study.priors.heterogeneity.as_ref().map(|h| h.distribution);
        let pooling = match (study.pooling, heterogeneity) {
            (study::Pooling::Partial, Some(prior)) => Pooling::Partial(prior),
            (study::Pooling::None, Some(prior)) => Pooling::Separate(prior),
            _ => Pooling::Complete,
        };
        let baseline = study.priors.baseline.as_ref().map(|b| b.distribution.clone());
        Model {
            likelihood,
            pooling,
            effect: study.priors.effect.distribution.clone(),
            baseline: baseline.unwrap_or_else(|| BaselinePrior::Independent(LocationPrior::normal(0.0, 1.5))),
            misclassification: study
                .bias
                .as_ref()
                .and_then(|b| b.misclassification.clone())
                .filter(|m| !m.is_perfect()),
        }
    }

    pub fn subgroups(&self) -> usize {
        self.likelihood.subgroups()
    }

    /// The same model before any data: `subgroups` subgroups with nothing observed.
    pub fn without_data(&self, subgroups: usize) -> Model {
        Model { likelihood: self.likelihood.emptied(subgroups), misclassification: None, ..self.clone() }
    }
}
