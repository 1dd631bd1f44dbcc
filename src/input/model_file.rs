//! The model file as it stands in TOML. Its meaning is checked in `build`.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use toml::Spanned;

use super::adjust_section::{AdjustEntry, PopulationEntry};
#[cfg(test)]
use super::adjust_section::{AdjustWords, PopulationWords};
use super::adjustment_section::AdjustmentSection;
use super::bias_section::BiasSection;
pub use super::data_section::{ArmEntry, CountsEntry, DataSection, EstimateEntry, Levels, MissingRows, Rows};
use super::decision::ModelDecision;
use super::level_words::{DepartureEntry, Name, UtilityEntry};
#[cfg(test)]
use super::level_words::{DepartureWords, UtilityWords};
use super::number::Real;
use super::truths::DesignSection;
use crate::study::{Assignment, BaselineOf, Cutpoints, HigherIs, Pooling, RelatedArms, Scale};

/// A study, its data, the model and its priors.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, schemars(title = "equipoise model file"))]
pub struct ModelFile {
    /// The question in one line; heads every output.
    pub title: String,
    /// Where the figures come from: PubMed numbers, DOIs, references.
    #[serde(default)]
    pub citation: Vec<String>,
    /// True for made-up numbers: every output then carries a banner.
    #[serde(default)]
    pub illustrative: bool,
    /// A remark on the data, shown in the audit.
    pub note: Option<String>,
    /// How patients came to be treated, and what the design was.
    pub study: StudySection,
    /// What was measured, and which way is good.
    pub outcome: OutcomeSection,
    /// What was compared with what.
    #[cfg_attr(test, schemars(with = "TreatmentSection"))]
    pub treatment: Spanned<TreatmentSection>,
    /// What the subgroups are. A study without subgroups has none.
    #[cfg_attr(test, schemars(with = "Option<SubgroupSection>"))]
    pub subgroup: Option<Spanned<SubgroupSection>>,
    /// The observations by subgroup, here or in a data file.
    #[cfg_attr(test, schemars(with = "DataSection"))]
    pub data: Spanned<DataSection>,
    /// How the subgroups borrow from each other, and what effects are adjusted for.
    #[serde(default)]
    pub model: ModelSection,
    /// The priors that the study is fitted under.
    pub prior: PriorSection,
    /// Further priors by name, for `equipoise compare`. What one leaves out is taken from `prior`.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, NamedPriorSection>"))]
    pub priors: BTreeMap<Spanned<String>, Spanned<NamedPriorSection>>,
    /// What the priors of the reanalysis library are made for.
    pub library: Option<LibrarySection>,
    /// Sizes of effect worth asking about.
    pub thresholds: Option<ThresholdsSection>,
    /// Weighting for treatment that was not randomised.
    #[cfg_attr(test, schemars(with = "Option<AdjustmentSection>"))]
    pub adjustment: Option<Spanned<AdjustmentSection>>,
    /// What may stand between effects and data.
    #[cfg_attr(test, schemars(with = "Option<BiasSection>"))]
    pub bias: Option<Spanned<BiasSection>>,
    /// What is taken to be true when studies are simulated: for `equipoise simulate`.
    #[cfg_attr(test, schemars(with = "Option<DesignSection>"))]
    pub design: Option<Spanned<DesignSection>>,
    /// For `equipoise decide`.
    #[cfg_attr(test, schemars(with = "Option<ModelDecision>"))]
    pub decision: Option<Spanned<ModelDecision>>,
}

/// How the study was done.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StudySection {
    /// Whether treatment was given by chance or otherwise. Decides the wording of every sentence.
    pub assignment: Assignment,
    /// Who was eligible, in words.
    pub eligibility: Option<String>,
    /// When follow-up starts, in words.
    pub time_zero: Option<String>,
}

/// What was measured.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OutcomeSection {
    /// In words, with its time: "mRS 0–3 at 90 days".
    pub name: String,
    pub kind: Kind,
    /// Which way is good. Declared once; every sign, label and sentence derives from it.
    pub higher_is: HigherIs,
    /// For kind = "estimate": the scale of the estimates.
    #[cfg_attr(test, schemars(with = "Option<Scale>"))]
    pub scale: Option<Spanned<Scale>>,
    /// For kind = "binary" and "ordinal": what the events are called, in the plural ("deaths").
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub event: Option<Spanned<String>>,
    /// For kind = "ordinal": all levels, lowest first: ["0", "1", "2", "3", "4", "5", "6"].
    #[cfg_attr(test, schemars(with = "Option<Vec<Name>>"))]
    pub levels: Option<Spanned<Vec<Name>>>,
    /// For kind = "ordinal": the level above which the primary cut lies. Risks are of the levels above it.
    #[cfg_attr(test, schemars(with = "Option<Name>"))]
    pub above: Option<Spanned<Name>>,
    /// For kind = "ordinal": what each level is worth, one number a level; or a published set by name (`equipoise list`).
    #[cfg_attr(test, schemars(with = "Option<UtilityWords>"))]
    pub utilities: Option<Spanned<UtilityEntry>>,
}

/// What the data are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Events and patients by arm.
    Binary,
    /// Patients by ordered level and arm.
    Ordinal,
    /// Published estimates with their standard errors or intervals.
    Estimate,
}

/// What was compared.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TreatmentSection {
    pub name: String,
    /// What the control arm had.
    pub control: String,
    /// What the active arm had.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub active: Option<Spanned<String>>,
    /// In place of `active`: what each of several active arms had.
    #[cfg_attr(test, schemars(with = "Option<Vec<String>>"))]
    pub arms: Option<Spanned<Vec<Spanned<String>>>>,
}

/// What the subgroups are.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SubgroupSection {
    /// Such as "cohort", "etiology", "trial". Beside `factors` it may be left out.
    pub name: Option<String>,
    /// In place of one kind of subgroups, several factors whose levels are crossed: ["etiology", "sex", "age group"]. One model
    /// has them all.
    #[cfg_attr(test, schemars(with = "Option<Vec<String>>"))]
    pub factors: Option<Spanned<Vec<Spanned<String>>>>,
    /// What several are called: "cohorts", "etiologies". Default "subgroups".
    pub plural: Option<String>,
    /// True where there are no further ones of the kind, as with the two sexes: nothing is then reported of a further one.
    #[serde(default)]
    pub exhaustive: bool,
}

/// How the subgroups are related.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ModelSection {
    /// "partial" unless this is said; a study without subgroups has nothing to pool.
    #[cfg_attr(test, schemars(with = "Option<Pooling>"))]
    pub pooling: Option<Spanned<Pooling>>,
    /// For several active arms: "exchangeable" (the default), with effects from a common distribution; or "separate", each arm
    /// around a mean of its own.
    #[cfg_attr(test, schemars(with = "Option<RelatedArms>"))]
    pub arms: Option<Spanned<RelatedArms>>,
    /// For several factors: how the effect's shifts at their levels are drawn together. "by factor" (the default), with one standard
    /// deviation a factor; or "regularised horseshoe", which leaves large shifts large.
    #[cfg_attr(test, schemars(with = "Option<InteractionsEntry>"))]
    pub interactions: Option<Spanned<InteractionsEntry>>,
    /// The distribution of the effects around their mean under partial pooling: "normal" (the default), or
    /// "student-t(4)", of these degrees of freedom and of scale τ.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub effects: Option<Spanned<String>>,
    /// Covariates of a data file, beside subgroup and arm. A column by its name is a number, linear on the log odds; a table
    /// says more.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<AdjustWords>"))]
    pub adjust: Vec<Spanned<AdjustEntry>>,
    /// For kind = "ordinal": whose cut points are whose. "shared" (the default): one set, which every subgroup shifts; "by
    /// subgroup": each its own.
    #[cfg_attr(test, schemars(with = "Option<Cutpoints>"))]
    pub cutpoints: Option<Spanned<Cutpoints>>,
    /// For kind = "ordinal": how far odds may depart from proportional ones. "death" (the last cut), "linear", one number a
    /// cut, or "unconstrained". Without it odds are proportional.
    #[cfg_attr(test, schemars(with = "Option<DepartureWords>"))]
    pub departure: Option<Spanned<DepartureEntry>>,
    /// Whose risks are averaged where there are covariates or centres: "all" (the default), "treated", or { baseline_risk = 0.3 }.
    #[cfg_attr(test, schemars(with = "Option<PopulationWords>"))]
    pub population: Option<Spanned<PopulationEntry>>,
}

/// How shifts of the effect at levels of factors are drawn together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum InteractionsEntry {
    #[serde(rename = "by factor")]
    ByFactor,
    #[serde(rename = "regularised horseshoe")]
    Horseshoe,
}

/// The slab of a regularised horseshoe, on the scale of the effect.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SlabEntry {
    #[cfg_attr(test, schemars(with = "Option<Real>"))]
    pub scale: Option<Real>,
    #[cfg_attr(test, schemars(with = "Option<Real>"))]
    pub df: Option<Real>,
}

/// Priors. Each binds to the quantity it names.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PriorSection {
    /// For the mean effect μ, on the log odds ratio (or the scale of the estimates): "normal(0, 0.355)",
    /// "student-t(4, 0, 0.5)", "0.8 * normal(-0.3, 0.2) + 0.2 * normal(0, 1)", "flat"; or in clinical words.
    #[cfg_attr(test, schemars(with = "LocationWords"))]
    pub effect: Spanned<LocationEntry>,
    /// For τ, the standard deviation of the subgroup effects: "half-normal(0.5)", "half-student-t(4, 0.5)",
    /// "half-cauchy(0.5)", "exponential(0.5)" (its mean), "log-normal(-1, 0.7)", "uniform(0, 2)", "fixed(0.3)".
    /// Required unless pooling is complete.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub heterogeneity: Option<Spanned<String>>,
    /// For pooling = "exchangeable or not": the probability that a subgroup is exchangeable with the others, 0 to 1. Default
    /// 0.5.
    #[cfg_attr(test, schemars(with = "Option<Real>"))]
    pub exchangeable: Option<Spanned<Real>>,
    /// For pooling = "exchangeable or not": for the effect of a subgroup that is not, a normal prior as `effect` has it.
    /// Default: the normal with the mean and the variance of a single effect under partial pooling.
    #[cfg_attr(test, schemars(with = "Option<LocationWords>"))]
    pub stand_alone: Option<Spanned<LocationEntry>>,
    /// For a subgroup's baseline, which `baseline_of` says what it is: a distribution of its log odds, "beta(a, b)" of the
    /// risk, a risk in clinical words, or { mean, sd } for exchangeable baselines. Default "normal(0, 2.5)".
    #[cfg_attr(test, schemars(with = "Option<BaselineWords>"))]
    pub baseline: Option<Spanned<LocationEntry>>,
    /// What a baseline is: "arms", the mean of the arms' log odds, whose prior takes neither arm's side; or "control", the
    /// control arm's log odds, for knowledge of the control risk. Default "arms".
    #[cfg_attr(test, schemars(with = "Option<BaselineOf>"))]
    pub baseline_of: Option<Spanned<BaselineOf>>,
    /// For kind = "ordinal": of the control arm's probabilities of levels, "dirichlet(1)" for all levels alike or one number a
    /// level, or "rmsb", that package's. Default "dirichlet(1)".
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub levels: Option<Spanned<String>>,
    /// For shared cut points: of the standard deviation of the subgroups' shifts, on the log odds. Default "half-normal(1)".
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub shift: Option<Spanned<String>>,
    /// For `departure` in [model]: of δ, on the log odds ratio. Default "normal(0, 0.3)".
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub departure: Option<Spanned<String>>,
    /// For several active arms that are exchangeable: of the standard deviation of their mean effects. Default `heterogeneity`.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub arms: Option<Spanned<String>>,
    /// For several active arms: of the standard deviation of what is left of an effect after its arm's and its subgroup's share.
    /// Default `heterogeneity`.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub interaction: Option<Spanned<String>>,
    /// For several factors: of each level's share of the log odds in both arms alike, in log odds. Default "normal(0, 1.77)".
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub main_effects: Option<Spanned<String>>,
    /// For interactions = "regularised horseshoe", whose global scale has the prior `heterogeneity`: the Student t distribution
    /// that bounds large shifts. Default { scale = 2, df = 4 }.
    #[cfg_attr(test, schemars(with = "Option<SlabEntry>"))]
    pub slab: Option<Spanned<SlabEntry>>,
    /// For the standard deviation of the centres' intercepts, on the log odds. Default "half-normal(1)".
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub centre: Option<Spanned<String>>,
}

/// A further set of priors, `[priors.NAME]`: what it leaves out is taken from `[prior]`.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NamedPriorSection {
    /// As in `[prior]`; with `from`, the part that is not taken from other models.
    #[cfg_attr(test, schemars(with = "Option<LocationWords>"))]
    pub effect: Option<Spanned<LocationEntry>>,
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub heterogeneity: Option<Spanned<String>>,
    #[cfg_attr(test, schemars(with = "Option<BaselineWords>"))]
    pub baseline: Option<Spanned<LocationEntry>>,
    /// What `baseline` beside it is of; without it, what `[prior]` says.
    #[cfg_attr(test, schemars(with = "Option<BaselineOf>"))]
    pub baseline_of: Option<Spanned<BaselineOf>>,
    /// Other models, shipped ones by name or files by path: the effect prior is then what their fits predict for a further
    /// subgroup, several in equal parts. Same outcome, scale and direction.
    #[cfg_attr(test, schemars(with = "Option<Vec<String>>"))]
    pub from: Option<Spanned<Vec<Spanned<String>>>>,
    /// How far the other models are believed to speak of this one, 0 to 1: the rest of the prior is `effect`.
    #[cfg_attr(test, schemars(with = "Option<Real>"))]
    pub weight: Option<Spanned<Real>>,
}

/// For the reanalysis library of priors.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LibrarySection {
    /// A magnitude, above 1 and toward benefit; the program derives the sign.
    #[cfg_attr(test, schemars(with = "Real"))]
    pub expected_odds_ratio: Spanned<Real>,
}

/// Sizes of effect to ask about, as magnitudes: risk differences and differences above 0, ratios above 1.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ThresholdsSection {
    #[cfg_attr(test, schemars(with = "Option<Vec<Real>>"))]
    pub risk_difference: Option<Vec<Spanned<Real>>>,
    #[cfg_attr(test, schemars(with = "Option<Vec<Real>>"))]
    pub odds_ratio: Option<Vec<Spanned<Real>>>,
    #[cfg_attr(test, schemars(with = "Option<Vec<Real>>"))]
    pub risk_ratio: Option<Vec<Spanned<Real>>>,
    #[cfg_attr(test, schemars(with = "Option<Vec<Real>>"))]
    pub hazard_ratio: Option<Vec<Spanned<Real>>>,
    #[cfg_attr(test, schemars(with = "Option<Vec<Real>>"))]
    pub difference: Option<Vec<Spanned<Real>>>,
    /// For kind = "ordinal" with utilities.
    #[cfg_attr(test, schemars(with = "Option<Vec<Real>>"))]
    pub utility_difference: Option<Vec<Spanned<Real>>>,
    /// For kind = "ordinal": probabilities from 0.5 to 1.
    #[cfg_attr(test, schemars(with = "Option<Vec<Real>>"))]
    pub win_probability: Option<Vec<Spanned<Real>>>,
    #[cfg_attr(test, schemars(with = "Option<Vec<Real>>"))]
    pub win_odds: Option<Vec<Spanned<Real>>>,
    #[cfg_attr(test, schemars(with = "Option<Vec<Real>>"))]
    pub win_ratio: Option<Vec<Spanned<Real>>>,
    #[cfg_attr(test, schemars(with = "Option<Vec<Real>>"))]
    pub net_benefit: Option<Vec<Spanned<Real>>>,
    #[cfg_attr(test, schemars(with = "Option<Vec<Real>>"))]
    pub level_difference: Option<Vec<Spanned<Real>>>,
    /// The one that matters most: { risk_difference = 0.05 }.
    #[cfg_attr(test, schemars(with = "Option<BTreeMap<String, Real>>"))]
    pub primary: Option<Spanned<BTreeMap<String, Spanned<Real>>>>,
}

/// A prior as written: a string, or a table of words.
#[derive(Debug, Clone)]
pub enum LocationEntry {
    Text(String),
    Words(BTreeMap<String, Spanned<toml::Value>>),
}

impl<'de> Deserialize<'de> for LocationEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<LocationEntry, D::Error> {
        struct EntryVisitor;
        impl<'de> Visitor<'de> for EntryVisitor {
            type Value = LocationEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a prior such as \"normal(0, 0.355)\" or { odds_ratio = [0.5, 2.0], mass = 0.95 }",
                )
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<LocationEntry, E> {
                Ok(LocationEntry::Text(value.to_string()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LocationEntry, A::Error> {
                let mut words = BTreeMap::new();
                while let Some((key, value)) = map.next_entry()? {
                    words.insert(key, value);
                }
                Ok(LocationEntry::Words(words))
            }
        }
        deserializer.deserialize_any(EntryVisitor)
    }
}

/// A prior for an effect, as a distribution or in clinical words.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "describes LocationEntry to editors")]
pub enum LocationWords {
    /// A distribution, such as "normal(0, 0.355)".
    Distribution(String),
    /// The normal with this mass between two odds ratios.
    OddsRatio { odds_ratio: [f64; 2], mass: f64 },
    /// The normal with this mass between two risk ratios.
    RiskRatio { risk_ratio: [f64; 2], mass: f64 },
    /// The normal with this mass between two hazard ratios.
    HazardRatio { hazard_ratio: [f64; 2], mass: f64 },
    /// The normal with this mass between two differences.
    Difference { difference: [f64; 2], mass: f64 },
    /// The normal centred on this ratio (or difference), with this probability on the other side of no effect.
    Expected { expected: f64, beyond_null: f64 },
}

/// A prior for a baseline.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "describes LocationEntry to editors")]
pub enum BaselineWords {
    /// A distribution of the log odds, such as "normal(0, 2.5)", or of the risk: "beta(4, 36)".
    Distribution(String),
    /// The normal on the log odds with this mass between two risks.
    Risk { risk: [f64; 2], mass: f64 },
    /// Exchangeable baselines: priors on the mean of the log odds and on their standard deviation.
    Exchangeable { mean: String, sd: String },
}
