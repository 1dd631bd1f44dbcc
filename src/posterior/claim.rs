//! Typed claims: the only source of sentences about results, in every command.

use serde::{Serialize, Serializer};

use super::estimand::{Measure, Scope, Statement};
use super::result::Quantiles;
use crate::study::{Assignment, Study};

/// Benefit or harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Benefit,
    Harm,
}

impl Direction {
    pub fn of(statement: Statement) -> Direction {
        match statement {
            Statement::Harm | Statement::HarmAtLeast => Direction::Harm,
            _ => Direction::Benefit,
        }
    }
}

/// How a number came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    Exact,
    Sampled,
}

/// What a claim is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Topic {
    /// A measure of effect.
    Effect(Measure),
    /// τ.
    Heterogeneity,
    /// What an action is worth.
    Utility,
}

impl Topic {
    /// Its name in JSON.
    pub fn key(self) -> &'static str {
        match self {
            Topic::Effect(measure) => measure.key(),
            Topic::Heterogeneity => "tau",
            Topic::Utility => "utility",
        }
    }
}

impl Serialize for Topic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}

/// Something said about a result. What the sentence says stands here, and nothing else; `report` renders it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Claim {
    #[serde(flatten)]
    pub says: Says,
    /// What it is about.
    pub estimand: Topic,
    pub scope: Scope,
    pub subgroup: Option<String>,
    pub direction: Option<Direction>,
    /// The size of effect that is spoken of, as a magnitude.
    pub threshold: Option<f64>,
    pub probability: Option<f64>,
    /// No digit finer than twice this is known of the probability; none where it is exact.
    pub resolution: Option<f64>,
    /// The name of the prior under which it holds: `stated` for the model's own.
    pub prior: String,
    pub method: Method,
    #[serde(flatten)]
    pub about: About,
}

/// Whose result it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct About {
    pub assignment: Assignment,
    pub active: String,
    pub control: String,
    pub outcome: String,
    pub kind_of_subgroup: String,
}

impl About {
    pub fn study(study: &Study) -> About {
        About {
            assignment: study.assignment,
            active: study.treatment.active().to_string(),
            control: study.treatment.control().to_string(),
            outcome: study.outcome.name.clone(),
            kind_of_subgroup: study.subgroup_name.clone(),
        }
    }
}

/// What is said, with the numbers proper to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Says {
    /// A subgroup leans one way; at exactly one half, neither.
    Leaning(Leaning),
    /// The same in natural frequencies: events among 1,000 under control, and more or fewer with the active treatment.
    Frequencies { event: String, control: f64, difference: Quantiles },
    /// τ has hardly moved.
    HeterogeneityUnlearned { distance: f64 },
    /// The prior of τ decides whether a probability exceeds a line: in these intervals of its scale it does.
    HeterogeneityDecides { line: f64, intervals: Vec<[Option<f64>; 2]>, stated_scale: f64 },
    /// It moves no probability across a line, within a factor of the stated scale.
    HeterogeneityDecidesNothing { lines: Vec<f64>, factor: f64 },
    /// A prior calls what was seen improbable.
    PriorAtOdds { tail_probability: f64 },
    /// No statement's probability exceeds the line.
    NothingStands { line: f64 },
    /// Two outcomes move at once; whatever their dependence, and under independence.
    Both { outcome_b: String, direction_b: Direction, rates: [Rate; 2], both: Bounded },
    /// A rule's verdict, with the criteria that it depends on.
    Rule { rule: String, verdict: Verdict, criteria: Vec<CriterionRow> },
    /// One action has the higher expected utility.
    Action { action: String, gain: f64, best: Bounded, expected_loss: f64 },
    /// Priors under which the other action has the higher expected utility; of how many.
    PriorsFlip { action: String, other: String, priors: Vec<String>, of: usize },
    /// Members who would choose the other action, and why; of how many.
    Dissent { action: String, other: String, members: Vec<Dissenter>, of: usize },
    /// A procedure does well, a layer inside it badly in a subgroup, and both at once.
    Layers {
        outer: String,
        outer_assignment: Assignment,
        rates: [Rate; 2],
        outer_probability: f64,
        inner_probability: f64,
        both: Bounded,
    },
    /// What the procedure would do without the layer.
    WithoutLayer {
        outer: String,
        rate: Rate,
        with: Quantiles,
        without: Quantiles,
        /// Monte Carlo errors of the three numbers without.
        errors: [f64; 3],
    },
    /// How much closer the subgroups' medians lie than without pooling.
    Shrinkage { share: f64 },
    /// Benefit in one subgroup and harm in another.
    QualitativeInteraction { prior_probability: Option<f64> },
}

/// A subgroup's result in one sentence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Leaning {
    /// The same by the sampler with its Monte Carlo error, where the probability is exact and was checked so.
    pub sampled: Option<(f64, f64)>,
    /// The same under the prior alone.
    pub prior_probability: Option<f64>,
    pub measure: Measure,
    /// As printed beside the sentence.
    pub effect: Quantiles,
    /// The Monte Carlo errors of its three numbers, where they were sampled.
    pub effect_errors: Option<[f64; 3]>,
    pub nnt: Option<String>,
}

/// Which way the rate of an outcome's events moves with the active treatment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rate {
    Higher,
    Lower,
}

impl Rate {
    pub fn of(study: &Study, direction: Direction) -> Rate {
        use crate::study::HigherIs;
        let better = study.outcome.higher_is == HigherIs::Better;
        if better == (direction == Direction::Benefit) { Rate::Higher } else { Rate::Lower }
    }
}

/// A probability whatever the dependence between what it is made of, and under independence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bounded {
    pub low: f64,
    pub high: f64,
    pub independent: f64,
}

/// Of a rule, or of one of its criteria.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Yes,
    No,
    Undecided,
}

/// One criterion of a rule with the number that it is judged by.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CriterionRow {
    pub outcome: String,
    /// The outcome in words.
    pub of: String,
    pub direction: Direction,
    pub threshold: f64,
    /// The bound, and whether the probability must reach it (else stay below).
    pub required: f64,
    pub at_least: bool,
    /// None where the outcome is not reported in this population.
    pub probability: Option<f64>,
    pub verdict: Verdict,
}

/// A member who would choose otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dissenter {
    pub member: String,
    pub by: By,
}

/// What makes a member choose otherwise than the analysis as stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The member's prior with the stated values is enough, the values with the stated prior are not.
    Prior,
    /// The other way round.
    Values,
    /// Either is enough.
    Either,
    /// Neither is alone, both together are.
    Both,
}

impl Claim {
    /// A subgroup's leaning, from the probability of benefit.
    pub fn leaning(
        study: &Study,
        subgroup: &str,
        (benefit, resolution): (f64, Option<f64>),
        mut leaning: Leaning,
        method: Method,
    ) -> Claim {
        let direction = if benefit >= 0.5 { Direction::Benefit } else { Direction::Harm };
        let turned = |p: f64| if direction == Direction::Benefit { p } else { 1.0 - p };
        leaning.sampled = leaning.sampled.map(|(p, mcse)| (turned(p), mcse));
        leaning.prior_probability = leaning.prior_probability.map(turned);
        Claim {
            estimand: Topic::Effect(leaning.measure),
            says: Says::Leaning(leaning),
            scope: Scope::Subgroup,
            subgroup: Some(subgroup.to_string()),
            direction: Some(direction),
            threshold: None,
            probability: Some(turned(benefit)),
            resolution,
            prior: STATED.to_string(),
            method,
            about: About::study(study),
        }
    }

    /// Of all subgroups at once, under the stated priors.
    pub fn of_all(study: &Study, estimand: Topic, method: Method, says: Says) -> Claim {
        Claim {
            says,
            estimand,
            scope: Scope::Overall,
            subgroup: None,
            direction: None,
            threshold: None,
            probability: None,
            resolution: None,
            prior: STATED.to_string(),
            method,
            about: About::study(study),
        }
    }
}

/// The name of the model file's own priors.
pub const STATED: &str = "stated";
