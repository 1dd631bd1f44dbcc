//! What is assumed of several active arms.

use super::{HeterogeneityPrior, Written};

/// How the effects of several active arms are related.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum RelatedArms {
    /// From a common normal distribution whose mean and spread are estimated, as of variants of one treatment.
    #[default]
    Exchangeable,
    /// Each around a mean of its own, as of different treatments.
    Separate,
}

/// What is assumed of the active arms of a study that has several.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmPriors {
    /// How their effects are related.
    pub related: RelatedArms,
    /// Of the standard deviation of the arms' mean effects; none where these are not drawn together.
    pub between: Option<Written<HeterogeneityPrior>>,
    /// Of the standard deviation of what is left of an effect after its arm's and its subgroup's share; none where subgroups
    /// are not pooled, or are all alike.
    pub interaction: Option<Written<HeterogeneityPrior>>,
}

/// The arm priors without their words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ArmDistributions<'a> {
    related: RelatedArms,
    between: Option<&'a HeterogeneityPrior>,
    interaction: Option<&'a HeterogeneityPrior>,
}

impl ArmPriors {
    pub(super) fn distributions(&self) -> ArmDistributions<'_> {
        ArmDistributions {
            related: self.related,
            between: self.between.as_ref().map(|p| &p.distribution),
            interaction: self.interaction.as_ref().map(|p| &p.distribution),
        }
    }
}
