//! A bias with one typical value in place of what is not known of it.

use crate::model::{
    BinomialPair, Confounder, LocationPrior, Missing, Model, Nuisance, Observation, SubgroupBias,
};

/// The same counts where what is not known of a bias has one typical value. Any function of data and parameters may be ranked,
/// and this one is the log likelihood but for an integral over three unknown numbers, which takes most of the time of all
/// replications.
pub fn with_typical_bias(observed: &Model) -> Model {
    let Some(cells) = observed.observation.cells().filter(|c| c.pairs().iter().any(|p| p.bias().is_some()))
    else {
        return observed.clone();
    };
    let pair = |p: &BinomialPair| {
        let own = BinomialPair::new(p.control, p.active);
        match p.bias() {
            Some(bias) => own.through(&known(bias)),
            None => own,
        }
    };
    let pairs = cells.pairs().iter().map(pair).collect();
    observed.observing(Observation::Cells(cells.with_pairs(pairs)))
}

fn known(bias: &SubgroupBias) -> SubgroupBias {
    SubgroupBias {
        confounder: bias.confounder.as_ref().map(|c| Confounder {
            prevalence: c.prevalence.each_ref().map(typical),
            log_odds_ratio: typical(&c.log_odds_ratio),
        }),
        shift: bias.shift.as_ref().map(typical),
        missing: bias
            .missing
            .each_ref()
            .map(|m| m.as_ref().map(|m| Missing { share: m.share, shift: typical(&m.shift) })),
    }
}

fn typical(unknown: &Nuisance) -> Nuisance {
    Nuisance::Known(match unknown {
        Nuisance::Known(x) => *x,
        Nuisance::LogitBeta { a, b } | Nuisance::Location(LocationPrior::LogitBeta { a, b }) => {
            libm::log(a / b)
        }
        Nuisance::Location(LocationPrior::Normals(normals)) => normals.first().map_or(0.0, |n| n.mean),
        Nuisance::Location(LocationPrior::StudentT { location, .. }) => *location,
        Nuisance::Location(LocationPrior::Flat) => 0.0,
    })
}
