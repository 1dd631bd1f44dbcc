//! For whom outcomes are reported, and what is known of them there.

use std::sync::Arc;

use super::risks::{MeanRisks, Risks};
use super::{Known, Population};
use crate::parallel;
use crate::posterior::{Fit, Scope};
use crate::study::{DecisionOutcome, Pooling};

/// Subgroups in the order in which outcomes name them, then a further one where a control risk is stated.
pub fn populations(outcomes: &[DecisionOutcome]) -> Vec<Population> {
    let mut all: Vec<Population> = Vec::new();
    for name in outcomes.iter().flat_map(|o| o.study.data.names()) {
        let found = Population { scope: Scope::Subgroup, subgroup: Some(name.to_string()) };
        if !all.contains(&found) {
            all.push(found);
        }
    }
    let further = |o: &DecisionOutcome| {
        o.baseline_risk.is_some() && o.study.pooling != Pooling::None && !o.study.exhaustive
    };
    if outcomes.iter().any(further) {
        all.push(Population { scope: Scope::New, subgroup: None });
    }
    all
}

/// Every outcome in every population in which it is reported.
pub fn known<'a>(
    outcomes: &[DecisionOutcome],
    fits: &'a [Arc<Fit>],
    populations: &[Population],
) -> Vec<Known<'a>> {
    let mut all = Vec::new();
    for (p, population) in populations.iter().enumerate() {
        for (k, (outcome, fit)) in outcomes.iter().zip(fits).enumerate() {
            let risks = Risks::of(fit, outcome, population);
            all.extend(risks.map(|risks| Known { population: p, outcome: k, risks }));
        }
    }
    all
}

/// Mean risks of control and active, by population.
pub type Means = Vec<Option<MeanRisks>>;

/// Mean risks of one outcome in every population.
pub fn means(outcome: &DecisionOutcome, fit: &Fit, populations: &[Population]) -> Means {
    parallel::map(populations, |p| Risks::of(fit, outcome, p).map(|r| r.mean_risks())).into_iter().collect()
}
