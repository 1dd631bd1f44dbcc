//! The `[bias]` section as it stands in TOML. Its meaning is checked in `bias_words`.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

/// What may stand between the effects that are asked for and the data. Every number is given with and without it.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BiasSection {
    /// Added to the log odds ratio: what is seen is the effect plus this. One for all subgroups (each has its own draw from
    /// it), or a table by subgroup.
    #[cfg_attr(test, schemars(with = "Option<ShiftBySubgroup>"))]
    pub log_odds_ratio: Option<Spanned<toml::Value>>,
    /// The same for published risk ratios.
    #[cfg_attr(test, schemars(with = "Option<ShiftBySubgroup>"))]
    pub log_risk_ratio: Option<Spanned<toml::Value>>,
    /// The same for published hazard ratios.
    #[cfg_attr(test, schemars(with = "Option<ShiftBySubgroup>"))]
    pub log_hazard_ratio: Option<Spanned<toml::Value>>,
    /// The same for published differences, in the outcome's units.
    #[cfg_attr(test, schemars(with = "Option<ShiftBySubgroup>"))]
    pub difference: Option<Spanned<toml::Value>>,
    /// A binary covariate that was not adjusted for.
    #[cfg_attr(test, schemars(with = "Option<ConfounderSection>"))]
    pub confounder: Option<Spanned<ConfounderSection>>,
    /// How the outcomes that are missing may differ from those that are known.
    #[cfg_attr(test, schemars(with = "Option<MissingSection>"))]
    pub missing: Option<Spanned<MissingSection>>,
    /// How well patients were assigned to two subgroups.
    #[cfg_attr(test, schemars(with = "Option<MisclassificationSection>"))]
    pub misclassification: Option<Spanned<MisclassificationSection>>,
    /// For E-values of published odds or hazard ratios: whether the outcome is rare (below 15 %). Taken as common if not said.
    #[cfg_attr(test, schemars(with = "Option<bool>"))]
    pub rare_outcome: Option<Spanned<bool>>,
}

/// An unmeasured binary confounder.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConfounderSection {
    /// What it is, in words.
    pub name: String,
    /// Its prevalence in the control arm.
    #[cfg_attr(test, schemars(with = "Share"))]
    pub control: Spanned<toml::Value>,
    /// Its prevalence in the active arm.
    #[cfg_attr(test, schemars(with = "Share"))]
    pub active: Spanned<toml::Value>,
    /// Its odds ratio with the outcome's events, the same in both arms.
    #[cfg_attr(test, schemars(with = "Option<Strength>"))]
    pub odds_ratio: Option<Spanned<toml::Value>>,
    /// For published risk ratios: its risk ratio.
    #[cfg_attr(test, schemars(with = "Option<Strength>"))]
    pub risk_ratio: Option<Spanned<toml::Value>>,
    /// For published hazard ratios: its hazard ratio.
    #[cfg_attr(test, schemars(with = "Option<Strength>"))]
    pub hazard_ratio: Option<Spanned<toml::Value>>,
    /// What differs in single subgroups.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, ConfounderOverride>"))]
    pub subgroups: BTreeMap<Spanned<String>, Spanned<ConfounderOverride>>,
}

/// What differs from the confounder's section in one subgroup.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConfounderOverride {
    #[cfg_attr(test, schemars(with = "Option<Share>"))]
    pub control: Option<Spanned<toml::Value>>,
    #[cfg_attr(test, schemars(with = "Option<Share>"))]
    pub active: Option<Spanned<toml::Value>>,
    #[cfg_attr(test, schemars(with = "Option<Strength>"))]
    pub odds_ratio: Option<Spanned<toml::Value>>,
    #[cfg_attr(test, schemars(with = "Option<Strength>"))]
    pub risk_ratio: Option<Spanned<toml::Value>>,
    #[cfg_attr(test, schemars(with = "Option<Strength>"))]
    pub hazard_ratio: Option<Spanned<toml::Value>>,
}

/// The log odds of an event among patients whose outcome is missing, minus those among the others. An arm that is left out
/// is taken as missing at random.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MissingSection {
    #[cfg_attr(test, schemars(with = "Option<Shift>"))]
    pub control: Option<Spanned<toml::Value>>,
    #[cfg_attr(test, schemars(with = "Option<Shift>"))]
    pub active: Option<Spanned<toml::Value>>,
}

/// Labels of two subgroups that may be wrong.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MisclassificationSection {
    /// The subgroup that sensitivity is about.
    #[cfg_attr(test, schemars(with = "String"))]
    pub positive: Spanned<String>,
    /// P(labelled `positive` | truly so); one for both arms, or { control, active }.
    #[cfg_attr(test, schemars(with = "ShareByArm"))]
    pub sensitivity: Spanned<toml::Value>,
    /// P(labelled the other | truly the other).
    #[cfg_attr(test, schemars(with = "ShareByArm"))]
    pub specificity: Spanned<toml::Value>,
    /// The true share of `positive` among an arm's patients. Default "beta(1, 1)" in each arm.
    #[cfg_attr(test, schemars(with = "Option<ShareByArm>"))]
    pub prevalence: Option<Spanned<toml::Value>>,
}

/// A bias on the scale of the log ratio.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "describes values to editors")]
pub enum Shift {
    /// Known.
    Known(f64),
    /// A distribution such as "normal(0, 0.3)", "student-t(4, 0, 0.3)" or a mixture of normals.
    Distribution(String),
    /// The normal with this mass between two odds ratios.
    OddsRatio {
        odds_ratio: [f64; 2],
        mass: f64,
    },
    RiskRatio {
        risk_ratio: [f64; 2],
        mass: f64,
    },
    HazardRatio {
        hazard_ratio: [f64; 2],
        mass: f64,
    },
    Difference {
        difference: [f64; 2],
        mass: f64,
    },
}

/// A bias for all subgroups, or by subgroup.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "describes values to editors")]
pub enum ShiftBySubgroup {
    All(Shift),
    BySubgroup(BTreeMap<String, Shift>),
}

/// How strongly a confounder goes with the outcome: a ratio.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "describes values to editors")]
pub enum Strength {
    /// The ratio itself, above 0.
    Known(f64),
    /// A distribution of its logarithm, such as "normal(0.9, 0.25)".
    Distribution(String),
    /// The normal on the log scale with this mass between two ratios.
    OddsRatio {
        odds_ratio: [f64; 2],
        mass: f64,
    },
    RiskRatio {
        risk_ratio: [f64; 2],
        mass: f64,
    },
    HazardRatio {
        hazard_ratio: [f64; 2],
        mass: f64,
    },
}

/// A proportion.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "describes values to editors")]
pub enum Share {
    /// Known, from 0 to 1.
    Known(f64),
    /// "beta(a, b)".
    Distribution(String),
    /// The normal on the log odds with this mass between two proportions.
    Between { proportion: [f64; 2], mass: f64 },
}

/// A proportion for both arms, or by arm.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "describes values to editors")]
pub enum ShareByArm {
    /// The same in both arms.
    Both(Share),
    ByArm {
        control: Share,
        active: Share,
    },
}
