//! Who decided? Shapley values of the data and of both priors in every probability.

use rayon::prelude::*;
use serde::Serialize;

use super::question::Question;
use super::reference::Reference;
use super::refit::variant;
use crate::model::{HeterogeneityPrior, LocationPrior};
use crate::posterior::{Measure, Options, Probability, Report, Statement, analyse};
use crate::study::{Pooling, Study};

/// A probability in parts: `baseline + data + effect_prior + heterogeneity_prior = probability`.
#[derive(Debug, Clone, Serialize)]
pub struct WhoDecided {
    pub subgroup: String,
    pub statement: Statement,
    pub measure: Measure,
    pub threshold: f64,
    /// Without data and under the reference priors.
    pub baseline: Option<f64>,
    /// Shifts of the probability, averaged over the orders in which the three can be switched on.
    pub data: Option<f64>,
    pub effect_prior: Option<f64>,
    pub heterogeneity_prior: Option<f64>,
    /// With everything as stated.
    pub probability: Option<f64>,
    pub corners: Vec<Corner>,
}

/// One of eight fits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Corner {
    pub data: bool,
    /// As stated; otherwise the reference.
    pub effect_prior: bool,
    pub heterogeneity_prior: bool,
    pub probability: Option<f64>,
}

/// Every question's parts. The four fits carry the prior's values beside the posterior's: eight corners.
pub fn who_decided(study: &Study, questions: &[Question], options: Options) -> Vec<WhoDecided> {
    let reference = Reference::of(study);
    let (wide, broad) = (reference.effect(), reference.heterogeneity());
    let stated: &LocationPrior = &study.priors.effect.distribution;
    let own = study.priors.heterogeneity.as_ref().map(|h| h.distribution);
    let fit = |k: usize| -> Report {
        let effect = if k & 1 == 1 { stated } else { &wide };
        let tau: Option<&HeterogeneityPrior> =
            if k & 2 == 2 { own.as_ref() } else { own.as_ref().map(|_| &broad) };
        let pooling = if own.is_some() { study.pooling } else { Pooling::Complete };
        analyse(&variant(study, pooling, (effect, "", tau)), options)
    };
    let fits: Vec<Report> = (0..4).into_par_iter().map(fit).collect();
    questions
        .iter()
        .map(|q| {
            // Bits: data, effect prior, heterogeneity prior.
            let corner = |bits: usize| {
                let row = q.row(&fits[bits >> 1]);
                if bits & 1 == 1 { row.and_then(Probability::best) } else { row.and_then(|r| r.prior) }
            };
            let corners: [Option<f64>; 8] = std::array::from_fn(corner);
            let values = corners.iter().copied().collect::<Option<Vec<f64>>>();
            let parts = values.map(|v| [1, 2, 4].map(|player| shapley(&v, player)));
            WhoDecided {
                subgroup: q.name.clone(),
                statement: q.statement,
                measure: q.measure,
                threshold: q.threshold,
                baseline: corners[0],
                data: parts.map(|p| p[0]),
                effect_prior: parts.map(|p| p[1]),
                heterogeneity_prior: parts.map(|p| p[2]),
                probability: corners[7],
                corners: (0..8)
                    .map(|bits| Corner {
                        data: bits & 1 == 1,
                        effect_prior: bits & 2 == 2,
                        heterogeneity_prior: bits & 4 == 4,
                        probability: corners[bits],
                    })
                    .collect(),
            }
        })
        .collect()
}

/// The mean over all orders of what switching `player` (a bit) on does to the value of three players' game.
fn shapley(values: &[f64], player: usize) -> f64 {
    const WEIGHTS: [f64; 3] = [1.0 / 3.0, 1.0 / 6.0, 1.0 / 3.0];
    (0..8usize)
        .filter(|set| set & player == 0)
        .map(|set| WEIGHTS[set.count_ones() as usize] * (values[set | player] - values[set]))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_and_idle_players_get_nothing() {
        let values = [0.5, 0.9, 0.55, 0.8, 0.5, 0.9, 0.55, 0.8];
        let parts = [1, 2, 4].map(|p| shapley(&values, p));
        assert!((parts.iter().sum::<f64>() - 0.3).abs() < 1e-15);
        assert_eq!(parts[2], 0.0);
        // Two players left: the mean of two orders.
        assert!((parts[0] - 0.5 * (0.4 + 0.25)).abs() < 1e-15);
    }
}
