//! What is ranked.

use super::chosen;
use crate::model::{Model, Pooling, Side};
use crate::posterior::{Names, Parameter};
use crate::study::Nuisance;

/// Subgroups of which there are more are not all ranked.
const SUBGROUPS: usize = 4;

/// A quantity whose true value is ranked among what its posterior says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// A parameter of the model.
    Parameter(Parameter),
    /// The effect of a further, similar subgroup.
    NewEffect,
    /// The effect of the subgroup at this place, counted in the direction in which its own data lie from the middle of its prior.
    /// That direction is a function of the data, so ranks of it are uniform too; among draws of a posterior that ignores the data
    /// they are high, and of one that believes them too much low.
    TowardsData(usize),
    /// The risk difference of the subgroup at this place, averaged over its patients where these differ.
    RiskDifference(usize),
    /// The risk difference averaged over all patients.
    OverallRiskDifference,
    /// The first subgroup's risk of the last level in the control arm.
    LastLevel,
    /// The log likelihood of the data at the parameters (of rows, levels and biases one like it, which is quicker). Ranks of
    /// parameters alone can't tell the posterior from the prior; these can.
    LogLikelihood,
}

impl Quantity {
    /// Its name in files: that of the parameter, or such as `risk_difference[NAME]`.
    pub fn key(self, names: &Names) -> String {
        match self {
            Quantity::Parameter(parameter) => parameter.name(names),
            Quantity::NewEffect => "theta_new".to_string(),
            Quantity::TowardsData(g) => format!("theta_towards_data[{}]", names.subgroup(g)),
            Quantity::RiskDifference(g) => format!("risk_difference[{}]", names.subgroup(g)),
            Quantity::OverallRiskDifference => "risk_difference_overall".to_string(),
            Quantity::LastLevel => "risk_of_last_level".to_string(),
            Quantity::LogLikelihood => "log_likelihood".to_string(),
        }
    }
}

/// What may be ranked of a model with two arms and one factor; what it has not has no value.
pub fn candidates(model: &Model) -> Vec<Quantity> {
    let own = |key| Quantity::Parameter(key);
    let subgroups = chosen(model.subgroups(), SUBGROUPS);
    let mut all = vec![own(Parameter::Mu), own(Parameter::Tau)];
    // One effect of all is the mean.
    let differ = model.pooling != Pooling::Complete;
    all.extend(subgroups.iter().filter(|_| differ).map(|&g| own(Parameter::Theta(g))));
    all.extend(subgroups.iter().map(|&g| Quantity::TowardsData(g)));
    all.extend(differ.then_some(Quantity::NewEffect));
    let Some(cells) = model.observation.cells() else {
        all.push(Quantity::LogLikelihood);
        return all;
    };
    all.extend(subgroups.iter().map(|&g| Quantity::RiskDifference(g)));
    all.push(Quantity::OverallRiskDifference);
    all.extend(subgroups.iter().map(|&g| own(Parameter::Alpha(g))));
    all.extend([own(Parameter::BaselineMean), own(Parameter::BaselineSd)]);
    if let Some(levels) = cells.levels() {
        let ends = [0, levels.cuts() - 1];
        all.extend(ends.into_iter().filter(|k| *k != levels.primary).map(|k| own(Parameter::Departure(k))));
        all.push(Quantity::LastLevel);
    }
    if let Some(rows) = cells.rows() {
        all.extend((0..rows.gamma_priors.len().min(SUBGROUPS)).map(|j| own(Parameter::Gamma(j))));
        all.push(own(Parameter::CentreSd));
    }
    if let Some(m) = cells.misclassification() {
        let by_arm = |shared| if shared { vec![None] } else { vec![Some(Side::Control), Some(Side::Active)] };
        let unknown = |of: &[Nuisance; 2]| of.iter().any(|n| !matches!(n, Nuisance::Known(_)));
        if unknown(&m.sensitivity) {
            all.extend(by_arm(m.sensitivity_shared).into_iter().map(|a| own(Parameter::Sensitivity(a))));
        }
        if unknown(&m.specificity) {
            all.extend(by_arm(m.specificity_shared).into_iter().map(|a| own(Parameter::Specificity(a))));
        }
        if unknown(&m.share) {
            all.extend(by_arm(false).into_iter().map(|a| own(Parameter::Prevalence(a))));
        }
    }
    all.push(Quantity::LogLikelihood);
    all
}
