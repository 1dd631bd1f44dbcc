//! A study as a probability model: likelihood, pooling and priors as densities.

use crate::study::{self, Study};

mod arms;
mod bias;
mod binomial;
mod density;
mod effects;
mod factors;
mod given_effect;
mod hierarchy;
mod labels;
mod level;
mod levels;
mod linear;
mod nuisance;
mod observation;
mod prior_slope;
mod rows;
mod scratch;
mod seen;
mod simulate;

pub use crate::numeric::Instructions;
pub use crate::study::{
    BaselineOf, BaselinePrior, Confounder, HeterogeneityPrior, LocationPrior, Misclassification, Missing,
    NormalComponent, Nuisance, Spread, SubgroupBias,
};
pub use arms::{ArmSpread, ArmsModel};
pub use bias::{confounded, confounded_estimate, mix, unmix};
pub use density::LocationComponent;
pub use factors::{FactorSpread, FactorsModel};
pub use hierarchy::{Hierarchy, Parameters};
pub use labels::{LabelShares, cells_of, labelled_arm};
pub use levels::{Departure as LevelDeparture, DrawnLevels, Levels, log_likelihood_of_levels};
pub use linear::{
    At, Cell, Coefficient, Linear, LinearDensity, LinearRows, LinearScratch, Resembling, ScalePrior, Seen,
};
pub use observation::{
    Arm, Baselines, BinomialPair, Cells, CorrelatedEstimates, LevelRows, NormalEstimate, Observation, Side,
};
pub use rows::{Rows, Standardised};
pub use scratch::Scratch;
pub use simulate::Drawn;

/// How the subgroups' effects θ are related.
#[derive(Debug, Clone, PartialEq)]
pub enum Pooling {
    /// θ_g ~ N(μ, τ²), with one μ and one τ; holds the prior of τ.
    Partial(HeterogeneityPrior),
    /// θ_g ~ N(μ_g, τ_g²), each subgroup with a μ and a τ of its own: the same marginal prior, with nothing shared.
    /// Holds the prior of every τ_g.
    Separate(HeterogeneityPrior),
    /// θ_g = μ: one effect for all subgroups.
    Complete,
    /// θ_g around one μ with one τ, but not normal; holds the prior of τ.
    Shaped(HeterogeneityPrior, Spread),
}

impl Pooling {
    /// A study's pooling under its priors, but for the prior of τ. Complete where that is none.
    pub fn of(study: &Study, pooling: study::Pooling, heterogeneity: Option<&HeterogeneityPrior>) -> Pooling {
        Pooling::under(&study.priors, pooling, heterogeneity)
    }

    /// As [`Pooling::of`], under these priors.
    pub fn under(
        priors: &study::Priors,
        pooling: study::Pooling,
        heterogeneity: Option<&HeterogeneityPrior>,
    ) -> Pooling {
        match (pooling, heterogeneity, priors.spread(pooling)) {
            (study::Pooling::Partial, Some(prior), _) => Pooling::Partial(*prior),
            (study::Pooling::None, Some(prior), _) => Pooling::Separate(*prior),
            (_, Some(prior), Some(spread)) => Pooling::Shaped(*prior, spread),
            _ => Pooling::Complete,
        }
    }

    /// The prior of τ; none under complete pooling.
    pub fn heterogeneity(&self) -> Option<HeterogeneityPrior> {
        match self {
            Pooling::Partial(prior) | Pooling::Separate(prior) | Pooling::Shaped(prior, _) => Some(*prior),
            Pooling::Complete => None,
        }
    }

    /// Whether effects are not normal around their mean: integrated, and not sampled.
    pub fn is_integrated_alone(&self) -> bool {
        matches!(self, Pooling::Shaped(..))
    }
}

/// A study as a probability model: how effects are related, their prior, and what was observed.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// The data as a likelihood, with the biases between them and the effects, and with the baselines where there are
    /// any.
    pub observation: Observation,
    /// How the subgroups' effects are related.
    pub pooling: Pooling,
    /// The prior of μ, on the scale of the effect: a log ratio or a difference.
    pub effect: LocationPrior,
}

impl Model {
    /// The model of a study under its stated priors. Of several active arms it is that of the first against control; all of
    /// them are in an [`ArmsModel`].
    pub fn of(study: &Study) -> Model {
        let heterogeneity = study.priors.heterogeneity.as_ref().map(|h| &h.distribution);
        Model {
            observation: Observation::of(study),
            pooling: Pooling::of(study, study.pooling, heterogeneity),
            effect: study.priors.effect.distribution.clone(),
        }
    }

    /// An adjusted study reduced to its subgroups' log odds ratios, under the same priors. Coefficients and
    /// intercepts are fixed at their estimates from the rows, and their uncertainty becomes part of every effect's
    /// likelihood. The model of this study has effects only, which the exact engine covers, and no risks. None where
    /// the study is not adjusted, and of ordered levels, whose cut points are shared by rows as coefficients are.
    pub fn effects_alone(study: &Study) -> Option<Study> {
        let adjustment =
            study.adjustment.as_ref().filter(|_| study.data.has_risks() && study.data.levels().is_none())?;
        let names = study.data.names();
        let rows = Rows::new(adjustment, names.len());
        if !rows.is_settled() {
            return None;
        }
        let effects = rows.rough_effects();
        let source = format!("adjusted for {}", adjustment.in_words());
        let row = |(name, (estimate, se)): (&&str, (f64, f64))| study::SubgroupEstimate {
            name: (*name).to_string(),
            estimate,
            se,
            interval: None,
            source: Some(source.clone()),
            citation: None,
            adjusted_for: None,
        };
        let rows: Vec<study::SubgroupEstimate> = names.iter().zip(effects).map(row).collect();
        let data = study::Data::Estimates(rows.into());
        let thresholds = study.thresholds.only(study::Measure::OddsRatio);
        Some(Study { data, thresholds, ..study.clone() })
    }

    /// By how much the bias that the study allows for moves subgroup `g`'s own estimate, roughly, and the variance
    /// that it adds; both 0 without a bias.
    pub fn moved_by_bias(&self, study: &Study, g: usize) -> (f64, f64) {
        if study.bias.is_none() {
            return (0.0, 0.0);
        }
        self.observation.moved_by_bias(study.data.own_effects()[g], g)
    }

    /// Whether there are centres, but so few (below 60) that the data hardly determine the standard deviation of
    /// their intercepts.
    pub fn has_few_centres(&self) -> bool {
        const FEW: usize = 60;
        self.observation.rows().is_some_and(|rows| (1..FEW).contains(&rows.centres()))
    }

    /// Whether an arm has no events, or nothing but events, while the priors let effects or baselines run far beyond
    /// what such an arm can rule out.
    pub fn has_walls(&self) -> bool {
        /// Log odds, about the width of what half an event says.
        const FAR: f64 = 1.5;
        let Some(cells) = self.observation.cells() else { return false };
        let far = |prior: &HeterogeneityPrior| prior.far() > FAR;
        let effects = self.pooling.heterogeneity().as_ref().is_some_and(far);
        let baselines = matches!(&cells.baselines().prior, BaselinePrior::Exchangeable { sd, .. } if far(sd));
        let one_sided = |c: &BinomialPair| c.control.open_side() != 0.0 || c.active.open_side() != 0.0;
        (effects || baselines) && cells.pairs().iter().any(one_sided)
    }

    /// How many subgroups there are.
    pub fn subgroups(&self) -> usize {
        self.observation.subgroups()
    }

    /// The same model before any data, with `subgroups` subgroups in which nothing is observed.
    pub fn without_data(&self, subgroups: usize) -> Model {
        Model { observation: self.observation.emptied(subgroups), ..self.clone() }
    }

    /// The same model with nothing observed in subgroup `g`, so that its effect is what the priors and the other subgroups
    /// predict. None where subgroups share more than effects, so that leaving one out is no matter of its own cells: patients with
    /// covariates or in two subgroups by labels that may be wrong, and estimates with correlated errors.
    pub fn without_subgroup(&self, g: usize) -> Option<Model> {
        Some(self.observing(self.observation.without_subgroup(g)?))
    }

    /// The same priors of the effects, without data and without baselines, for `subgroups` subgroups.
    #[must_use]
    pub fn of_effects_alone(&self, subgroups: usize) -> Model {
        Model { observation: Observation::nothing(subgroups), ..self.clone() }
    }

    /// The same model with this prior of the baselines; unchanged for published estimates, which have no baselines.
    #[must_use]
    pub fn with_baseline(&self, prior: BaselinePrior) -> Model {
        let of = self.observation.cells().map(|cells| cells.baselines().of).unwrap_or_default();
        self.observing(self.observation.clone().with_baselines(Baselines { prior, of }))
    }

    /// The same model with its baselines placed between the arms' log odds as `of` says; unchanged for published
    /// estimates, which have no baselines.
    #[must_use]
    pub fn with_baseline_of(&self, of: BaselineOf) -> Model {
        let prior = self.observation.baseline_prior().cloned();
        let baselines = prior.map(|prior| Baselines { prior, of });
        baselines.map_or_else(|| self.clone(), |b| self.observing(self.observation.clone().with_baselines(b)))
    }

    /// The same model where the labels of its two subgroups may be wrong; unchanged unless it has the counts of two
    /// subgroups.
    #[must_use]
    pub fn labelled(&self, misclassification: &Misclassification) -> Model {
        self.observing(self.observation.clone().labelled(misclassification))
    }

    /// The same model with other observations.
    #[must_use]
    pub fn observing(&self, observation: Observation) -> Model {
        Model { observation, ..self.clone() }
    }
}
