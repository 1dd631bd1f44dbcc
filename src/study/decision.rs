//! A decision as a panel writes it: a question over one or several models, values, rules, members.

use std::path::PathBuf;

use super::{Assignment, HeterogeneityPrior, LocationPrior, Scale, Study, Written};

/// The most outcomes that a decision may have.
pub const MOST_OUTCOMES: usize = 8;

/// The most members of a panel.
pub const MOST_MEMBERS: usize = 50;

/// A decision, read and validated.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The shipped decision's or model's name, or the file's without its extension.
    pub name: String,
    pub question: String,
    /// The treatment's two arms in the order in which they are shown.
    pub actions: [Action; 2],
    /// The first matters most. All of the same treatment and kind of subgroup.
    pub outcomes: Vec<DecisionOutcome>,
    pub rules: Vec<Rule>,
    pub panel: Vec<Member>,
    pub layers: Option<Layers>,
    pub costs: Option<Costs>,
    pub credibility: CredibilitySection,
    /// What a reader should know that is not an error.
    pub notices: Vec<String>,
    /// The files that it was read from: its own, and those of its models.
    pub files: Vec<PathBuf>,
    pub text: String,
    pub sha256: String,
}

/// One of the two things that can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    pub name: String,
    /// The models' active arm.
    pub active: bool,
}

/// An outcome that bears on the decision.
#[derive(Debug, Clone)]
pub struct DecisionOutcome {
    /// What rules and members call it.
    pub name: String,
    pub study: Study,
    pub values: Option<Values>,
    /// Risk differences that part trivial, small, moderate and large, as magnitudes.
    pub bands: Option<[f64; 3]>,
    /// Risk differences whose probabilities are listed, as magnitudes in increasing order.
    pub thresholds: Vec<f64>,
    /// The control risk of the patients decided for.
    pub baseline_risk: Option<f64>,
}

/// What an event and its absence are worth, in units of full health.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Values {
    pub event: f64,
    pub no_event: f64,
}

impl Values {
    /// What one event more is worth.
    pub fn gap(self) -> f64 {
        self.event - self.no_event
    }
}

/// A rule of several criteria.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub name: String,
    pub criteria: Vec<Criterion>,
}

/// A size of effect in one direction, and its probability's bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Criterion {
    /// Its place among the decision's outcomes.
    pub outcome: usize,
    pub harm: bool,
    /// A risk difference as a magnitude; 0 is any.
    pub threshold: f64,
    pub bound: Bound,
}

/// What a criterion asks of a probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    AtLeast(f64),
    Below(f64),
}

/// A member of the panel.
#[derive(Debug, Clone)]
pub struct Member {
    pub name: String,
    pub weight: f64,
    /// One an outcome, in their order.
    pub views: Vec<View>,
}

/// A member's prior and values on one outcome, where they are the member's own.
#[derive(Debug, Clone, Default)]
pub struct View {
    pub effect: Option<Written<LocationPrior>>,
    pub heterogeneity: Option<Written<HeterogeneityPrior>>,
    pub values: Option<Values>,
}

/// A procedure and a layer of it.
#[derive(Debug, Clone)]
pub struct Layers {
    pub outer: Study,
    pub inner: Study,
}

/// What the actions cost, in money, and what money a unit of utility is worth.
#[derive(Debug, Clone, PartialEq)]
pub struct Costs {
    pub unit: String,
    pub per_utility: f64,
    /// Of the control arm and the active arm.
    pub of_arm: [f64; 2],
}

impl Decision {
    /// The study that the arms and kinds of subgroup are named by: the first outcome's.
    pub fn first(&self) -> &Study {
        &self.outcomes[0].study
    }

    /// The action that is the models' active arm, or the other.
    pub fn action(&self, active: bool) -> &Action {
        let [first, second] = &self.actions;
        if first.active == active { first } else { second }
    }

    /// What must stand wherever a number stands, each said once.
    pub fn statements(&self) -> Vec<String> {
        let layers = self.layers.iter().flat_map(|l| [&l.outer, &l.inner]);
        let mut all: Vec<String> = Vec::new();
        for study in self.outcomes.iter().map(|o| &o.study).chain(layers) {
            for statement in study.statements() {
                if !all.contains(&statement) {
                    all.push(statement);
                }
            }
        }
        all
    }

    /// Randomised only where every outcome's study is.
    pub fn assignment(&self) -> Assignment {
        let mut all = self.outcomes.iter().map(|o| o.study.assignment);
        if all.any(|a| a == Assignment::Observational) {
            Assignment::Observational
        } else {
            Assignment::Randomised
        }
    }

    /// Whether any of its studies is made up.
    pub fn illustrative(&self) -> bool {
        let layers = self.layers.iter().flat_map(|l| [&l.outer, &l.inner]);
        self.outcomes.iter().map(|o| &o.study).chain(layers).any(|s| s.illustrative)
    }

    /// Whether expected utilities can be told: an outcome has values.
    pub fn has_values(&self) -> bool {
        self.outcomes.iter().any(|o| o.values.is_some())
    }
}

/// Whether the effect is on a scale from which a known control risk gives the active arm's.
pub fn needs_baseline(study: &Study) -> bool {
    !study.data.has_risks()
}

/// Log ratios and differences turn a known control risk into the active arm's.
pub fn active_risk(scale: Scale, control: f64, theta: f64) -> f64 {
    use crate::numeric::{logistic, logit};
    match scale {
        Scale::LogOddsRatio => logistic(logit(control) + theta),
        Scale::LogRiskRatio => (control * libm::exp(theta)).min(1.0),
        Scale::LogHazardRatio => -libm::expm1(libm::exp(theta) * libm::log1p(-control)),
        Scale::Difference => (control + theta).clamp(0.0, 1.0),
    }
}

/// What only the reader of the protocol can say of a subgroup claim, in words. What is left out is shown as "not stated".
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CredibilitySection {
    /// Whether the direction was hypothesised before the data.
    pub direction: Option<String>,
    /// What earlier studies say of it.
    pub prior_evidence: Option<String>,
    /// How many effect modifiers were tested.
    pub modifiers_tested: Option<String>,
    /// How a continuous modifier was cut.
    pub cut_points: Option<String>,
}
