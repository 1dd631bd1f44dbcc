//! Two subgroups that may have been judged wrongly: how the contrast between them widens or fades.

use serde::Serialize;

use super::biased::Biased;
use crate::exact::{ExactPosterior, Resolution};
use crate::model::{Cells, Misclassification, Model, Nuisance, Observation};
use crate::numeric::logit;
use crate::parallel;
use crate::posterior::Quantiles;

/// The two subgroups under known sensitivity and specificity, the same in both arms.
#[derive(Debug, Clone, Serialize)]
pub struct LabelPoint {
    /// The name of the subgroup that counts as positive: sensitivity is about its patients.
    pub positive: String,
    /// The name of the other subgroup: specificity is about its patients.
    pub other: String,
    /// The probability that a patient of the positive subgroup is labelled so, the same in both arms.
    pub sensitivity: f64,
    /// The probability that a patient of the other subgroup is labelled so, the same in both arms.
    pub specificity: f64,
    /// P(benefit) in the positive subgroup; none where the posterior is unavailable.
    pub benefit_positive: Option<f64>,
    /// P(benefit) in the other subgroup; none where the posterior is unavailable.
    pub benefit_other: Option<f64>,
    /// P(more benefit in the positive subgroup); none where the integral does not settle.
    pub greater_in_positive: Option<f64>,
    /// The positive subgroup's odds ratio over the other's: median and central 95 % interval; none where the integral
    /// does not settle.
    pub contrast: Option<Quantiles>,
    /// Why there are no numbers; none where there are.
    pub unavailable: Option<String>,
}

const ACCURACIES: [f64; 4] = [1.0, 0.95, 0.9, 0.8];

/// Empty unless there are the counts of two subgroups with independent baselines; of ordered levels there are no numbers.
pub fn labels(biased: &Biased<'_>) -> Vec<LabelPoint> {
    let counts = biased.study.data.has_risks() && biased.study.data.levels().is_none();
    if !counts || biased.names.len() != 2 {
        return Vec::new();
    }
    let stated = biased.study.bias.as_ref().and_then(|b| b.misclassification.as_ref());
    let positive = stated.map_or(0, |m| m.positive);
    let share = stated.map_or_else(
        || [Nuisance::LogitBeta { a: 1.0, b: 1.0 }, Nuisance::LogitBeta { a: 1.0, b: 1.0 }],
        |m| m.share.clone(),
    );
    let places: Vec<(f64, f64)> = ACCURACIES.iter().flat_map(|&se| ACCURACIES.map(|sp| (se, sp))).collect();
    parallel::map_taken(places, |(sensitivity, specificity)| {
        let known = |p: f64| [Nuisance::Known(logit(p)), Nuisance::Known(logit(p))];
        let misclassification = Misclassification {
            positive,
            sensitivity: known(sensitivity),
            specificity: known(specificity),
            sensitivity_shared: true,
            specificity_shared: true,
            share: share.clone(),
        };
        let stated = biased.with_data(biased.study.data.clone());
        let model = match stated.observation.cells().cloned().map(Cells::of_patients_alike) {
            Some(cells) if misclassification.is_perfect() => stated.observing(Observation::Cells(cells)),
            Some(cells) => stated.observing(Observation::Cells(cells).labelled(&misclassification)),
            None => stated,
        };
        point(biased, &model, positive, (sensitivity, specificity))
    })
}

fn point(
    biased: &Biased<'_>,
    model: &Model,
    positive: usize,
    (sensitivity, specificity): (f64, f64),
) -> LabelPoint {
    let other = 1 - positive;
    let mut point = LabelPoint {
        positive: biased.names[positive].clone(),
        other: biased.names[other].clone(),
        sensitivity,
        specificity,
        benefit_positive: None,
        benefit_other: None,
        greater_in_positive: None,
        contrast: None,
        unavailable: None,
    };
    match ExactPosterior::new(model, Resolution::default()) {
        Err(why) => point.unavailable = Some(why.to_string()),
        Ok(posterior) => {
            let benefit = |g: usize| Some(biased.benefit(posterior.theta(g).cdf(0.0)));
            (point.benefit_positive, point.benefit_other) = (benefit(positive), benefit(other));
            let pair = posterior.pair(positive, other);
            if pair.settled && pair.difference.sd() != Some(0.0) {
                let q = |p: f64| libm::exp(pair.difference.quantile(p));
                point.greater_in_positive = biased.greater_of(&pair);
                point.contrast = Some(Quantiles { median: q(0.5), q2_5: q(0.025), q97_5: q(0.975) });
            }
        }
    }
    point
}
