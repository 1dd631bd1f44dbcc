//! Four estimators of weighted effects under the same priors and pooling.

use std::sync::Arc;

use super::arms;
use super::direction::{mass_within, region};
use super::estimand::{Arms, Axis, Estimand, Measure, Statement, Whom};
use super::observed::{Observed, normal};
use super::options::{Options, Sampling};
use crate::exact::{ExactPosterior, Resolution};
use crate::model::Model;
use crate::parallel;
use crate::study::{Data, Study, Weighting};
use crate::weighting::{ESTIMATORS, Estimator};

/// What one estimator comes to in the pooled model.
#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    /// How the risks were estimated.
    pub estimator: Estimator,
    /// Whether it is the one that the study's results are from.
    pub stated: bool,
    /// The odds ratio of each subgroup's patients alone, with 95 % limits that are normal on its logarithm; of several active
    /// arms, each against control.
    pub alone: Vec<Observed>,
    /// P(benefit) of the same; none where the exact engine does not cover the model.
    pub benefit: Vec<Option<f64>>,
}

/// Every estimator of a study of weighted patients, each fitted exactly, or of several active arms by sampling; empty for other
/// studies.
pub fn side_by_side(study: &Study, sampling: Sampling) -> Vec<Side> {
    let Some((weighting, found)) = study.weighting.as_ref().and_then(|w| Some((w, w.weighted.as_ref()?)))
    else {
        return Vec::new();
    };
    let names = study.data.names();
    let of = |k: usize| {
        let (effects, covariance) = (found.effects(k), found.covariance(k));
        let own = |c: usize| normal(effects[c], libm::sqrt(covariance[c * effects.len() + c]), true);
        let (estimator, stated) = (ESTIMATORS[k], k == found.own());
        let alone = (0..effects.len()).map(own).collect();
        if weighting.has_several_arms() {
            let benefit = if stated { vec![None; effects.len()] } else { of_several(study, k, sampling) };
            return Side { estimator, stated, alone, benefit };
        }
        let none = || vec![None; names.len()];
        let estimates = weighting.estimates(k, &names).ok().flatten();
        let benefit = estimates.map_or_else(none, |estimates| {
            let study = Study { data: Data::Estimates(estimates), ..study.clone() };
            let posterior = ExactPosterior::new(&Model::of(&study), Resolution::default());
            posterior.map_or_else(|_| none(), |p| (0..names.len()).map(|g| benefit(&study, &p, g)).collect())
        });
        Side { estimator, stated, alone, benefit }
    };
    parallel::range(0..ESTIMATORS.len(), of)
}

/// P(benefit) of every active arm against control, subgroup by subgroup, sampled as the study is under another estimator; none
/// where that has no numbers.
fn of_several(study: &Study, estimator: usize, sampling: Sampling) -> Vec<Option<f64>> {
    let Some(weighting) = &study.weighting else { return Vec::new() };
    let (subgroups, arms) = (weighting.design.subgroups.len(), study.treatment.arms.len());
    let arms_said = weighting.log_odds(estimator);
    let report = arms_said.and_then(|said| {
        let weighting = Weighting { arms: Some(said), ..weighting.as_ref().clone() };
        let study = Study { weighting: Some(Arc::new(weighting)), ..study.clone() };
        arms::analyse(&study, Options { sampling, ..Options::default() }, &())
    });
    let benefit = |g: usize, arm: usize| {
        let whom = Estimand::new(Whom::Subgroup(g), Measure::OddsRatio).of_arms(Arms::Pair(arm, 0));
        report.as_ref()?.probability(whom, Statement::Benefit, Measure::OddsRatio.null())?.best()
    };
    (0..subgroups).flat_map(|g| (1..arms).map(move |arm| (g, arm))).map(|(g, arm)| benefit(g, arm)).collect()
}

fn benefit(study: &Study, posterior: &ExactPosterior, g: usize) -> Option<f64> {
    let theta = posterior.theta(g);
    let better = region(Statement::Benefit, 0.0, Axis::Additive, study.outcome.higher_is.sign());
    let p = mass_within(better, &|x| theta.cdf(x));
    theta.is_settled().then_some(p)
}
