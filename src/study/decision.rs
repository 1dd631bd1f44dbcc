//! A decision as data: a question about one or several models, with values, rules and the members of a panel.

use std::path::PathBuf;

use super::{
    Assignment, Changed, HeterogeneityPrior, LevelScale, LocationPrior, Scale, Study, Utilities, Written,
};

/// The most outcomes that a decision may have.
pub const MOST_OUTCOMES: usize = 8;

/// The most members of a panel.
pub const MOST_MEMBERS: usize = 50;

/// The banner of a decision whose own numbers are made up.
const ILLUSTRATIVE: &str = "ILLUSTRATIVE: this decision's values (such as utilities), rules or members are made up. Do not cite or act on what follows from them.";

/// A decision, read and checked.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The name of the shipped decision or model, or that of the file without its extension.
    pub name: String,
    /// The question that is to be decided, in one line.
    pub question: String,
    /// Whether its own values, rules or members are made up, whatever its studies are.
    pub illustrative: bool,
    /// The arms of the treatment as actions, in the order in which they are shown: both, or of several arms two at least.
    pub actions: Vec<Action>,
    /// The outcomes, most important first. All are of the same treatment and the same kind of subgroup.
    pub outcomes: Vec<DecisionOutcome>,
    /// Rules that are checked in every population; may be empty.
    pub rules: Vec<Rule>,
    /// The members of the panel; may be empty.
    pub panel: Vec<Member>,
    /// A procedure and a layer of it, where the question has this form.
    pub layers: Option<Layers>,
    /// What the actions cost; none where costs are left out.
    pub costs: Option<Costs>,
    /// Answers to what only a reader of the protocol can tell about a subgroup claim.
    pub credibility: CredibilitySection,
    /// What a reader should know although it is not an error.
    pub notices: Vec<String>,
    /// What was changed of the decision file for this run; its models know what was changed of them.
    pub changed: Changed,
    /// All files that were read: the decision's own and those of its models.
    pub files: Vec<PathBuf>,
    /// The file as read.
    pub text: String,
    /// The SHA-256 of the file, in hexadecimal.
    pub sha256: String,
}

/// One of the actions that are decided between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The arm's name.
    pub name: String,
    /// Whether it is an active arm of the models.
    pub active: bool,
    /// The arm's place in the models; 0 is the control arm.
    pub arm: usize,
}

/// An outcome that bears on the decision.
#[derive(Debug, Clone)]
pub struct DecisionOutcome {
    /// The name that rules and members refer to it by.
    pub name: String,
    /// Its model and data.
    pub study: Study,
    /// What an event and its absence, or each level of an ordinal outcome, are worth; none where neither the decision file nor the
    /// model says.
    pub values: Option<Worth>,
    /// The three risk differences that separate trivial, small, moderate and large effects, as magnitudes.
    pub bands: Option<[f64; 3]>,
    /// Risk differences whose probabilities are listed, as increasing magnitudes.
    pub thresholds: Vec<f64>,
    /// The control risk of the patients decided for, between 0 and 1; none where the study's own risks are used.
    pub baseline_risk: Option<f64>,
}

/// The utilities of an event and of its absence, from −1 to 1: 1 is full health and 0 is death.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Values {
    /// The utility of having the event.
    pub event: f64,
    /// The utility of not having the event.
    pub no_event: f64,
}

impl Values {
    /// The utility of one more event: that of the event minus that of its absence.
    pub fn gap(self) -> f64 {
        self.event - self.no_event
    }
}

/// What an outcome is worth.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(untagged)]
pub enum Worth {
    /// An event, at an ordinal outcome's primary cut, and its absence.
    Event(Values),
    /// Each level of an ordinal outcome, from −1 to 1: 1 is full health and 0 is death.
    Levels(Utilities),
}

impl Worth {
    /// The utility of the event minus that of its absence, of the highest level minus that of the lowest.
    pub fn gap(&self) -> f64 {
        match self {
            Worth::Event(values) => values.gap(),
            Worth::Levels(u) => {
                u.values.last().zip(u.values.first()).map_or(0.0, |(last, first)| last - first)
            }
        }
    }

    /// Whether anything is worth more than anything else.
    pub fn differs(&self) -> bool {
        match self {
            Worth::Event(values) => values.gap() != 0.0,
            Worth::Levels(u) => u.values.windows(2).any(|w| w[0] != w[1]),
        }
    }

    /// The same as one value a level: an event and its absence stand for the levels above and below the primary cut.
    #[must_use]
    pub fn by_level(&self, scale: &LevelScale) -> Vec<f64> {
        match self {
            Worth::Event(v) => {
                (0..scale.levels()).map(|k| if k > scale.primary { v.event } else { v.no_event }).collect()
            }
            Worth::Levels(u) => u.values.clone(),
        }
    }
}

/// A rule: it says yes where all its criteria hold, and no where one fails.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The rule's name.
    pub name: String,
    /// The criteria, all of which must hold.
    pub criteria: Vec<Criterion>,
}

/// A size of effect in one direction, and a bound on its probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Criterion {
    /// The place of its outcome in [`Decision::outcomes`].
    pub outcome: usize,
    /// Whether it is about harm; otherwise it is about benefit.
    pub harm: bool,
    /// The risk difference that benefit or harm must reach, as a magnitude; 0 for any benefit or harm.
    pub threshold: f64,
    /// What is required of the probability.
    pub bound: Bound,
}

/// What a criterion requires of a probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// It is at least this.
    AtLeast(f64),
    /// It is below this.
    Below(f64),
}

/// A member of the panel, with priors and values of their own.
#[derive(Debug, Clone)]
pub struct Member {
    /// The member's name.
    pub name: String,
    /// The member's weight when the panel is pooled, above 0; 1 unless the decision file says otherwise.
    pub weight: f64,
    /// One view per outcome, in the order of [`Decision::outcomes`].
    pub views: Vec<View>,
}

/// A member's priors and values for one outcome; where a field is none, the model or the decision applies.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The member's prior of the mean effect μ.
    pub effect: Option<Written<LocationPrior>>,
    /// The member's prior of the heterogeneity τ.
    pub heterogeneity: Option<Written<HeterogeneityPrior>>,
    /// The member's utilities.
    pub values: Option<Worth>,
}

/// Two models of one outcome: a procedure, and a layer of it that not all patients had.
#[derive(Debug, Clone)]
pub struct Layers {
    /// The whole procedure against none.
    pub outer: Study,
    /// The layer against the procedure without it, among patients of the outer model's active arm.
    pub inner: Study,
}

/// What the actions cost, and what a unit of utility is worth in money.
#[derive(Debug, Clone, PartialEq)]
pub struct Costs {
    /// The unit of money, such as "EUR".
    pub unit: String,
    /// What one unit of utility is worth in money, above 0 (the willingness to pay).
    pub per_utility: f64,
    /// The cost per patient of every arm, the control arm first.
    pub of_arm: Vec<f64>,
}

impl Decision {
    /// The study of the first outcome, after which arms and kind of subgroup are named.
    pub fn first(&self) -> &Study {
        &self.outcomes[0].study
    }

    /// Of two actions the one that is the active arm of the models, or the one that is not.
    pub fn action(&self, active: bool) -> &Action {
        self.actions.iter().find(|action| action.active == active).unwrap_or(&self.actions[0])
    }

    /// Whether it is between several active arms, or some of them and the control arm.
    pub fn is_of_several_arms(&self) -> bool {
        self.first().treatment.has_several_arms()
    }

    /// The statements that must accompany every number, each once.
    pub fn statements(&self) -> Vec<String> {
        let layers = self.layers.iter().flat_map(|l| [&l.outer, &l.inner]);
        let studies: Vec<&Study> = self.outcomes.iter().map(|o| &o.study).chain(layers).collect();
        let mut caveats: Vec<String> = studies.iter().filter_map(|s| s.assignment_statement()).collect();
        caveats.sort();
        caveats.dedup();
        let mut all = self.changed.statements();
        if self.illustrative {
            all.push(ILLUSTRATIVE.to_string());
        }
        for study in &studies {
            for mut statement in study.statements() {
                // Where outcomes differ in what they are adjusted for, or not all are changed, each says whose it is.
                let is_change = study.changed.statements().contains(&statement);
                let of_some = is_change && studies.iter().any(|s| s.changed != study.changed);
                if of_some || caveats.len() > 1 && caveats.contains(&statement) {
                    statement = format!("{}: {statement}", study.outcome.name);
                }
                if !all.contains(&statement) {
                    all.push(statement);
                }
            }
        }
        all.extend(self.held_by_members());
        all
    }

    /// Whose prior a changed one is: members have their own, or the model's. Nothing of parts of the prior that were not changed.
    fn held_by_members(&self) -> Vec<String> {
        type Own = fn(&View) -> bool;
        let parts: [(&str, &str, Own); 2] = [
            ("effect", "an effect prior", |view| view.effect.is_some()),
            ("heterogeneity", "a heterogeneity prior", |view| view.heterogeneity.is_some()),
        ];
        let mut said: Vec<(String, Vec<&str>)> = Vec::new();
        for (part, one, has_own) in parts {
            for (k, outcome) in self.outcomes.iter().enumerate() {
                if self.panel.is_empty() || !outcome.study.changed.has_other(part) {
                    continue;
                }
                let (own, none): (Vec<&Member>, Vec<&Member>) =
                    self.panel.iter().partition(|member| has_own(&member.views[k]));
                let names =
                    |of: &[&Member]| of.iter().map(|m| m.name.as_str()).collect::<Vec<_>>().join(", ");
                let whose = match (own.is_empty(), none.is_empty()) {
                    (true, _) => format!("every member holds that {part} prior too"),
                    (_, true) => format!("every member keeps {one} of their own"),
                    _ => format!(
                        "members without {one} of their own hold that one too ({}); the others keep theirs ({})",
                        names(&none),
                        names(&own)
                    ),
                };
                let name = outcome.study.outcome.name.as_str();
                match said.iter_mut().find(|(words, _)| *words == whose) {
                    Some((_, outcomes)) => outcomes.push(name),
                    None => said.push((whose, vec![name])),
                }
            }
        }
        said.into_iter().map(|(whose, of)| format!("Panel, on {}: {whose}.", of.join(" and "))).collect()
    }

    /// [`Assignment::Randomised`] only where every outcome's study is randomised.
    pub fn assignment(&self) -> Assignment {
        let mut all = self.outcomes.iter().map(|o| o.study.assignment);
        if all.any(|a| a == Assignment::Observational) {
            Assignment::Observational
        } else {
            Assignment::Randomised
        }
    }

    /// Whether its own numbers or those of any of its studies are made up.
    pub fn illustrative(&self) -> bool {
        let layers = self.layers.iter().flat_map(|l| [&l.outer, &l.inner]);
        self.illustrative || self.outcomes.iter().map(|o| &o.study).chain(layers).any(|s| s.illustrative)
    }

    /// Whether expected utilities can be computed: at least one outcome has values.
    pub fn has_values(&self) -> bool {
        self.outcomes.iter().any(|o| o.values.is_some())
    }
}

/// Whether a decision on this study needs a control risk, because its data have no risks of their own.
pub fn needs_baseline(study: &Study) -> bool {
    !study.data.has_risks()
}

/// The active arm's risk, from the control risk and the effect θ on its scale.
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
