//! A study as a probability model: likelihood, pooling and priors as densities.

use std::sync::Arc;

use crate::study::{self, Data, Study};

mod between;
mod bias;
mod binomial;
mod density;
mod given_effect;
mod hierarchy;
mod hints;
mod labels;
mod level;
mod likelihood;
mod nuisance;
mod prior_slope;
mod rows;
mod seen;
mod simulate;

pub use crate::numeric::Instructions;
pub use crate::study::{
    BaselineOf, BaselinePrior, Confounder, HeterogeneityPrior, LocationPrior, Misclassification, Missing,
    NormalComponent, Nuisance, SubgroupBias,
};
pub use bias::{confounded, confounded_estimate, mix, unmix};
pub use density::LocationComponent;
pub use hierarchy::{Hierarchy, Parameters, Scratch};
pub use labels::{LabelShares, cells_of, labelled_arm};
pub use likelihood::{Arm, BinomialPair, Likelihood, NormalEstimate, Side};
pub use rows::{Rows, Standardised};
pub use simulate::Drawn;

/// How the subgroup effects θ are related.
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
    /// Where α lies between the arms' log odds.
    pub baseline_of: BaselineOf,
    /// Where the two subgroups' counts are by labels that may be wrong; θ and α are then those of the true subgroups.
    pub misclassification: Option<Misclassification>,
    /// Rows with covariates or centres, of which the counts are the sums; α and θ are then those at the covariates' means.
    /// The sampler always walks on the rows; the exact engine covers them where the counts' likelihoods are curves (see
    /// [`Model::effects_alone`]).
    pub rows: Option<Arc<Rows>>,
}

impl Model {
    /// The study's data under its priors.
    pub fn of(study: &Study) -> Model {
        let rows = study.adjustment.as_ref().map(|a| Arc::new(Rows::new(a, study.data.names().len())));
        let likelihood = match &study.data {
            Data::Estimates(_) if let Some(rows) = &rows => Likelihood::Counts(rows.integrated()),
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
            baseline: baseline.unwrap_or_else(|| BaselinePrior::Independent(LocationPrior::normal(0.0, 2.5))),
            baseline_of: study.priors.baseline_of,
            misclassification: study
                .bias
                .as_ref()
                .and_then(|b| b.misclassification.clone())
                .filter(|m| !m.is_perfect()),
            rows,
        }
    }

    /// An adjusted study as its subgroups' log odds ratios, under the same priors: coefficients and intercepts are held where the
    /// rows have them together, and what is not known of them is part of every effect's likelihood. Its model has nothing but
    /// effects that the exact engine covers, and no risks. None where there is nothing to adjust for.
    pub fn effects_alone(study: &Study) -> Option<Study> {
        let adjustment = study.adjustment.as_ref().filter(|_| study.data.has_risks())?;
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
            source: Some(source.clone()),
            citation: None,
        };
        let data = Data::Estimates(names.iter().zip(effects).map(row).collect());
        let thresholds = study.thresholds.only(study::Measure::OddsRatio);
        Some(Study { data, thresholds, ..study.clone() })
    }

    /// By how much the bias that the study allows for moves subgroup `g`'s own estimate, roughly, and the variance that it
    /// adds.
    pub fn moved_by_bias(&self, study: &Study, g: usize) -> (f64, f64) {
        if study.bias.is_none() {
            return (0.0, 0.0);
        }
        match (&self.likelihood, &study.data) {
            (Likelihood::Counts(counts), _) => {
                let [control, active] = [Side::Control, Side::Active].map(|side| {
                    let (own, seen) = (counts[g].own_hint(side), counts[g].hint(side));
                    let added = if own.1 > 0.0 { 1.0 / seen.1 - 1.0 / own.1 } else { 0.0 };
                    (own.0 - seen.0, added)
                });
                (active.0 - control.0, active.1 + control.1)
            }
            (Likelihood::Estimates(rows), Data::Estimates(published)) => {
                let ((x, information), own) = (rows[g].hint(), &published[g]);
                (own.estimate - x, 1.0 / information - own.se * own.se)
            }
            (Likelihood::Estimates(_), Data::Counts(_)) => (0.0, 0.0),
        }
    }

    /// Whether there are centres, but so few that their spread is hardly known.
    pub fn has_few_centres(&self) -> bool {
        const FEW: usize = 60;
        self.rows.as_ref().is_some_and(|rows| (1..FEW).contains(&rows.centres()))
    }

    /// Whether an arm has no events, or nothing but events, and the priors let effects or baselines run far beyond what such
    /// an arm can say.
    pub fn has_walls(&self) -> bool {
        /// Log odds, about the width of what half an event says.
        const FAR: f64 = 1.5;
        let Likelihood::Counts(counts) = &self.likelihood else { return false };
        let far = |prior: &HeterogeneityPrior| prior.far() > FAR;
        let effects = match &self.pooling {
            Pooling::Partial(prior) | Pooling::Separate(prior) => far(prior),
            Pooling::Complete => false,
        };
        let baselines = matches!(&self.baseline, BaselinePrior::Exchangeable { sd, .. } if far(sd));
        let one_sided = |c: &BinomialPair| c.control.open_side() != 0.0 || c.active.open_side() != 0.0;
        (effects || baselines) && counts.iter().any(one_sided)
    }

    pub fn subgroups(&self) -> usize {
        self.likelihood.subgroups()
    }

    /// The same model before any data: `subgroups` subgroups with nothing observed.
    pub fn without_data(&self, subgroups: usize) -> Model {
        Model {
            likelihood: self.likelihood.emptied(subgroups),
            misclassification: None,
            rows: None,
            ..self.clone()
        }
    }
}
