//! The decision file as it stands in TOML. Its meaning is checked in `build`.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

#[cfg(test)]
use super::super::level_words::UtilityWords;
use super::super::level_words::WordOrNumbers;
use super::super::model_file::LocationEntry;
#[cfg(test)]
use super::super::model_file::LocationWords;
use super::super::number::Real;
use crate::study::CredibilitySection;

/// A question, the outcomes that bear on it, and who judges them by what.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, schemars(title = "equipoise decision file"))]
pub struct DecisionFile {
    /// What is asked.
    #[cfg_attr(test, schemars(with = "QuestionSection"))]
    pub decision: Spanned<QuestionSection>,
    /// Outcomes of one treatment, each a model; the first is the one that matters most.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<OutcomeEntry>"))]
    pub outcome: Vec<Spanned<OutcomeEntry>>,
    /// Rules of one or several criteria.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<RuleEntry>"))]
    pub rule: Vec<Spanned<RuleEntry>>,
    /// Members with priors and values of their own.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<MemberEntry>"))]
    pub panel: Vec<Spanned<MemberEntry>>,
    /// A procedure that works, with a layer inside it that may not.
    #[cfg_attr(test, schemars(with = "Option<LayersSection>"))]
    pub layers: Option<Spanned<LayersSection>>,
    /// What treatment and a gained unit of utility cost.
    #[cfg_attr(test, schemars(with = "Option<CostsSection>"))]
    pub costs: Option<Spanned<CostsSection>>,
    /// What only the reader of the protocol can say of a subgroup claim.
    pub credibility: Option<CredibilitySection>,
}

/// What is asked.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct QuestionSection {
    /// In one line; heads every output.
    pub question: String,
    /// The two arms of the models, or of several two at least, in the order in which they are to be shown. Default: active arms,
    /// then control.
    #[cfg_attr(test, schemars(with = "Option<Vec<String>>"))]
    pub actions: Option<Spanned<Vec<Spanned<String>>>>,
    /// Whether values, rules or members are made up: every output then carries a banner.
    #[serde(default)]
    pub illustrative: bool,
}

/// The same within a model file, `[decision]`: the model is then the first outcome, unless one is listed without `model`.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ModelDecision {
    /// In one line; heads every output.
    pub question: String,
    /// The two arms of the model, in the order in which they are to be shown. Default: active, control.
    #[cfg_attr(test, schemars(with = "Option<[String; 2]>"))]
    pub actions: Option<Spanned<Vec<Spanned<String>>>>,
    /// Whether values, rules or members are made up: every output then carries a banner.
    #[serde(default)]
    pub illustrative: bool,
    /// `[[decision.outcome]]`: without `model` the model itself.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<OutcomeEntry>"))]
    pub outcome: Vec<Spanned<OutcomeEntry>>,
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<RuleEntry>"))]
    pub rule: Vec<Spanned<RuleEntry>>,
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<MemberEntry>"))]
    pub panel: Vec<Spanned<MemberEntry>>,
    #[cfg_attr(test, schemars(with = "Option<LayersSection>"))]
    pub layers: Option<Spanned<LayersSection>>,
    #[cfg_attr(test, schemars(with = "Option<CostsSection>"))]
    pub costs: Option<Spanned<CostsSection>>,
    pub credibility: Option<CredibilitySection>,
}

/// One outcome: its model, what it is worth, and which sizes of effect matter.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OutcomeEntry {
    /// A shipped model by name, or a file by its path from this one.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub model: Option<Spanned<String>>,
    /// What rules and members call it. Default: the model's name.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub name: Option<Spanned<String>>,
    /// What an event and its absence are worth, from 0 (as good as dead) to 1 (full health); below 0 is worse than dead.
    #[cfg_attr(test, schemars(with = "Option<UtilityEntry>"))]
    pub utility: Option<Spanned<UtilityEntry>>,
    /// Instead: what an event takes away, 0 to 1, where events are bad.
    #[cfg_attr(test, schemars(with = "Option<Real>"))]
    pub disutility: Option<Spanned<Real>>,
    /// Instead, of an ordinal outcome: what each level is worth, a published set by name or one number a level.
    #[cfg_attr(test, schemars(with = "Option<UtilityWords>"))]
    pub utilities: Option<Spanned<WordOrNumbers>>,
    /// Three sizes that part trivial, small, moderate and large: { risk_difference = [0.02, 0.05, 0.10] }.
    pub bands: Option<DifferencesEntry>,
    /// Sizes whose probabilities are listed. Default: the model's own.
    pub thresholds: Option<DifferencesEntry>,
    /// The control risk of the patients decided for. With it the decision is also taken for a further similar subgroup;
    /// published estimates, which have no risks, need it.
    #[cfg_attr(test, schemars(with = "Option<Real>"))]
    pub baseline_risk: Option<Spanned<Real>>,
}

/// Values of an outcome.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UtilityEntry {
    #[cfg_attr(test, schemars(with = "Real"))]
    pub event: Spanned<Real>,
    #[cfg_attr(test, schemars(with = "Real"))]
    pub no_event: Spanned<Real>,
}

/// Risk differences as proportions: five percentage points are 0.05.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DifferencesEntry {
    #[cfg_attr(test, schemars(with = "Vec<Real>"))]
    pub risk_difference: Spanned<Vec<Spanned<Real>>>,
}

/// A rule: yes where all its criteria hold, no where one does not.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RuleEntry {
    #[cfg_attr(test, schemars(with = "String"))]
    pub name: Spanned<String>,
    #[cfg_attr(test, schemars(with = "Vec<CriterionEntry>"))]
    pub all: Spanned<Vec<Spanned<CriterionEntry>>>,
}

/// One criterion: a size of benefit or harm, and how probable it must be or may be.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CriterionEntry {
    /// An outcome's name.
    #[cfg_attr(test, schemars(with = "String"))]
    pub outcome: Spanned<String>,
    /// A benefit of at least this risk difference; 0 is any benefit.
    #[cfg_attr(test, schemars(with = "Option<Real>"))]
    pub at_least: Option<Spanned<Real>>,
    /// A harm of at least this risk difference; 0 is any harm.
    #[cfg_attr(test, schemars(with = "Option<Real>"))]
    pub harm_at_least: Option<Spanned<Real>>,
    /// The least probability that it must have.
    #[cfg_attr(test, schemars(with = "Option<Real>"))]
    pub probability: Option<Spanned<Real>>,
    /// The probability below which it must stay.
    #[cfg_attr(test, schemars(with = "Option<Real>"))]
    pub probability_below: Option<Spanned<Real>>,
}

/// A member of the panel: what is left out is as the models and the decision have it.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MemberEntry {
    #[cfg_attr(test, schemars(with = "String"))]
    pub member: Spanned<String>,
    /// The prior of the mean effect on the first outcome, as in a model file.
    #[cfg_attr(test, schemars(with = "Option<LocationWords>"))]
    pub effect: Option<Spanned<LocationEntry>>,
    /// The prior of τ on the first outcome.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub heterogeneity: Option<Spanned<String>>,
    /// Of the first outcome.
    #[cfg_attr(test, schemars(with = "Option<UtilityEntry>"))]
    pub utility: Option<Spanned<UtilityEntry>>,
    /// Of the first outcome.
    #[cfg_attr(test, schemars(with = "Option<Real>"))]
    pub disutility: Option<Spanned<Real>>,
    /// Instead, of an ordinal outcome: what each level is worth, a published set by name or one number a level.
    #[cfg_attr(test, schemars(with = "Option<UtilityWords>"))]
    pub utilities: Option<Spanned<WordOrNumbers>>,
    /// The same on other outcomes, by name.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, ViewEntry>"))]
    pub on: BTreeMap<Spanned<String>, Spanned<ViewEntry>>,
    /// In the pools, above 0. Default 1.
    #[cfg_attr(test, schemars(with = "Option<Real>"))]
    pub weight: Option<Spanned<Real>>,
}

/// A member's prior and values on one outcome.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ViewEntry {
    #[cfg_attr(test, schemars(with = "Option<LocationWords>"))]
    pub effect: Option<Spanned<LocationEntry>>,
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub heterogeneity: Option<Spanned<String>>,
    #[cfg_attr(test, schemars(with = "Option<UtilityEntry>"))]
    pub utility: Option<Spanned<UtilityEntry>>,
    #[cfg_attr(test, schemars(with = "Option<Real>"))]
    pub disutility: Option<Spanned<Real>>,
    /// Instead, of an ordinal outcome: what each level is worth, a published set by name or one number a level.
    #[cfg_attr(test, schemars(with = "Option<UtilityWords>"))]
    pub utilities: Option<Spanned<WordOrNumbers>>,
}

/// A procedure with a layer inside: two models of the same outcome.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LayersSection {
    /// The whole procedure against none.
    #[cfg_attr(test, schemars(with = "String"))]
    pub outer: Spanned<String>,
    /// The layer against the procedure without it, among patients of the outer model's active arm.
    #[cfg_attr(test, schemars(with = "String"))]
    pub inner: Spanned<String>,
}

/// What the actions cost.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CostsSection {
    /// "EUR".
    pub unit: String,
    /// Willingness to pay: what one unit of utility is worth.
    #[cfg_attr(test, schemars(with = "Real"))]
    pub per_utility: Spanned<Real>,
    /// By action; one left out costs nothing.
    #[cfg_attr(test, schemars(with = "BTreeMap<String, Real>"))]
    pub actions: BTreeMap<Spanned<String>, Spanned<Real>>,
}

impl From<ModelDecision> for DecisionFile {
    fn from(m: ModelDecision) -> DecisionFile {
        let question =
            QuestionSection { question: m.question, actions: m.actions, illustrative: m.illustrative };
        DecisionFile {
            decision: Spanned::new(0..0, question),
            outcome: m.outcome,
            rule: m.rule,
            panel: m.panel,
            layers: m.layers,
            costs: m.costs,
            credibility: m.credibility,
        }
    }
}
