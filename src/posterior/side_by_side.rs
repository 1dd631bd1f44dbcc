//! Four estimators of weighted effects under the same priors and pooling.

use super::direction::{mass_within, region};
use super::estimand::{Axis, Statement};
use super::observed::{Observed, normal};
use crate::exact::{ExactPosterior, Resolution};
use crate::model::Model;
use crate::parallel;
use crate::study::{Data, Study};
use crate::weighting::{ESTIMATORS, Estimator};

/// What one estimator comes to in the pooled model.
#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    /// How the risks were estimated.
    pub estimator: Estimator,
    /// Whether it is the one that the study's results are from.
    pub stated: bool,
    /// The odds ratio of each subgroup's patients alone, with 95 % limits that are normal on its logarithm.
    pub alone: Vec<Observed>,
    /// P(benefit) by subgroup; none where the exact engine does not cover the model.
    pub benefit: Vec<Option<f64>>,
}

/// Every estimator of a study of weighted patients, each fitted exactly; empty for other studies.
pub fn side_by_side(study: &Study) -> Vec<Side> {
    let Some((weighting, found)) = study.weighting.as_ref().and_then(|w| Some((w, w.weighted.as_ref()?)))
    else {
        return Vec::new();
    };
    let names = study.data.names();
    let of = |k: usize| {
        let none = || vec![None; names.len()];
        let estimates = weighting.estimates(k, &names).ok().flatten();
        let benefit = estimates.map_or_else(none, |estimates| {
            let study = Study { data: Data::Estimates(estimates), ..study.clone() };
            let posterior = ExactPosterior::new(&Model::of(&study), Resolution::default());
            posterior.map_or_else(|_| none(), |p| (0..names.len()).map(|g| benefit(&study, &p, g)).collect())
        });
        let (effects, covariance) = (found.effects(k), found.covariance(k));
        let own = |g: usize| normal(effects[g], libm::sqrt(covariance[g * names.len() + g]), true);
        let alone = (0..names.len()).map(own).collect();
        Side { estimator: ESTIMATORS[k], stated: k == found.own(), alone, benefit }
    };
    parallel::range(0..ESTIMATORS.len(), of)
}

fn benefit(study: &Study, posterior: &ExactPosterior, g: usize) -> Option<f64> {
    let theta = posterior.theta(g);
    let better = region(Statement::Benefit, 0.0, Axis::Additive, study.outcome.higher_is.sign());
    let p = mass_within(better, &|x| theta.cdf(x));
    theta.is_settled().then_some(p)
}
