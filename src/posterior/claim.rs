//! Claims as data: the only source of sentences about results, in every command.

use serde::{Serialize, Serializer};

use super::answer::{
    Belief, Drive, Stands, StandsWhere, UnderBias, UnderBiasOfAll, Verdicts, WithoutProportionalOdds,
};
use super::effect_conflict::EffectConflict;
use super::estimand::{Measure, Scope, Statement};
use super::result::Quantiles;
use crate::study::{Assignment, Study};

/// The direction of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The active treatment is better than control.
    Benefit,
    /// The active treatment is worse than control.
    Harm,
}

impl Direction {
    /// The direction of a statement: harm for statements of harm, benefit for all others.
    pub fn of(statement: Statement) -> Direction {
        match statement {
            Statement::Harm | Statement::HarmAtLeast => Direction::Harm,
            _ => Direction::Benefit,
        }
    }
}

/// How a number was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// By the deterministic engine.
    Exact,
    /// From draws of the sampler.
    Sampled,
}

/// What a claim is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Topic {
    /// An effect, in this measure.
    Effect(Measure),
    /// The heterogeneity τ of the subgroups' effects.
    Heterogeneity,
    /// The utilities of the actions of a decision.
    Utility,
}

impl Topic {
    /// The topic's name in JSON: a measure's key, "tau" or "utility".
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

/// A statement about a result, as data. Its sentence is made from these fields alone, by `report`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Claim {
    /// What it says, with the numbers that only this kind of claim has.
    #[serde(flatten)]
    pub says: Says,
    /// What it is about.
    pub estimand: Topic,
    /// Whether it is about one subgroup, all patients, the mean effect or a new subgroup.
    pub scope: Scope,
    /// The subgroup's name; none where it is not about a single subgroup.
    pub subgroup: Option<String>,
    /// Benefit or harm; none where the claim has no direction.
    pub direction: Option<Direction>,
    /// The size of effect that it is about, as a magnitude; none where it is about any size.
    pub threshold: Option<f64>,
    /// The probability of what it says; none where the claim gives none.
    pub probability: Option<f64>,
    /// The precision of the probability: no digit finer than twice this is known. None where it is exact.
    pub resolution: Option<f64>,
    /// The name of the prior under which it holds; [`STATED`] for the model's own.
    pub prior: String,
    /// How its numbers were computed.
    pub method: Method,
    /// The study that it is about.
    #[serde(flatten)]
    pub about: About,
}

/// The study behind a claim, as far as sentences need it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct About {
    /// How patients came to be treated, which decides between causal and associational wording.
    pub assignment: Assignment,
    /// What the active arm had.
    pub active: String,
    /// What the control arm had.
    pub control: String,
    /// The outcome's name.
    pub outcome: String,
    /// What the subgroups are, such as "cohort".
    pub kind_of_subgroup: String,
    /// What several subgroups are called, such as "cohorts".
    pub subgroups: String,
    /// Whether the effects are adjusted, by covariates or centres or by those who published them.
    pub adjusted: bool,
    /// For whom effects of weighted patients are, such as "overlap population"; none of other effects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub population: Option<&'static str>,
}

impl About {
    /// The details of this study.
    pub fn study(study: &Study) -> About {
        About {
            assignment: study.assignment,
            active: study.treatment.active().to_string(),
            control: study.treatment.control().to_string(),
            outcome: study.outcome.name.clone(),
            kind_of_subgroup: study.subgroup_name.clone(),
            subgroups: study.subgroups().to_string(),
            adjusted: study.is_adjusted(),
            population: study.weighted_population(),
        }
    }

    /// Whether a difference between the arms may be told as what treatment does to so many patients: where treatment was
    /// assigned at random, or the analysis adjusts for who received it. Elsewhere it is a difference between groups.
    pub fn is_effect(&self) -> bool {
        self.assignment == Assignment::Randomised || self.adjusted
    }
}

/// What a claim says, with the numbers that only this kind of claim has.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Says {
    /// A subgroup's effect leans towards benefit or harm; at a probability of exactly one half, neither way.
    Leaning(Leaning),
    /// A subgroup's risks in natural frequencies: events among patients under control, and how many more or fewer
    /// with the active treatment.
    Frequencies {
        /// What events are called, in the plural.
        event: String,
        /// The median risk in the control arm, a probability.
        control: f64,
        /// The risk difference, as a proportion.
        difference: Quantiles,
    },
    /// The data have hardly changed the distribution of τ.
    HeterogeneityUnlearned {
        /// The largest distance between the distribution functions of τ before and after the data.
        distance: f64,
    },
    /// The prior of τ decides whether a subgroup's probability exceeds a line.
    HeterogeneityDecides {
        /// The probability that is to be exceeded.
        line: f64,
        /// The scales of the prior of τ at which it is exceeded, as intervals; an interval without an end is
        /// unbounded there.
        intervals: Vec<[Option<f64>; 2]>,
        /// The scale of the prior of τ in the model file.
        stated_scale: f64,
    },
    /// The prior of τ moves no probability across a line, within a factor of its stated scale.
    HeterogeneityDecidesNothing {
        /// The probabilities that none crosses.
        lines: Vec<f64>,
        /// The factor by which the scale was divided and multiplied.
        factor: f64,
    },
    /// What was observed is improbable under a prior.
    PriorAtOdds {
        /// The two-sided probability, under the prior, of a mean effect at least as surprising.
        tail_probability: f64,
    },
    /// How many subgroups' own effects lie beyond what the others predict of them.
    AgainstOthers {
        /// Those that do, the farthest first.
        beyond: Vec<BeyondOthers>,
        /// How many could be told.
        of: usize,
    },
    /// No statement about a subgroup is more probable than a line.
    NothingStands {
        /// The probability that none exceeds.
        line: f64,
    },
    /// Under how many of the priors compared a conclusion about a subgroup, the average or a further subgroup stands; the
    /// claim's probability is that under the stated ones.
    Stands(Stands),
    /// The same, of all subgroups at once.
    StandsWhere(StandsWhere),
    /// What moved the probabilities of the subgroups' conclusions.
    Drove {
        /// The shifts, by subgroup.
        shifts: Vec<Drive>,
        /// The number of sets of priors that are compared, the stated one among them.
        priors: usize,
    },
    /// What one would have to believe for conclusions no longer to stand.
    Overturns {
        /// The probability above which a conclusion stands.
        line: f64,
        /// The beliefs, by subgroup, for those whose conclusions stand.
        beliefs: Vec<Belief>,
        /// Whether what lies between two fits is interpolated, so that one digit is known.
        is_rough: bool,
    },
    /// A subgroup's conclusion beside the bias that would undo it, or make it; the claim's probability allows for the bias
    /// that the model states.
    UnderBias(UnderBias),
    /// The same, of all subgroups at once.
    UnderBiasOfAll(UnderBiasOfAll),
    /// How far the subgroups' conclusions move where odds need not be proportional.
    WithoutProportionalOdds(WithoutProportionalOdds),
    /// The verdicts of a rule, for whom it says what.
    Verdicts(Verdicts),
    /// Two outcomes move at once.
    Both {
        /// The name of the second outcome; the first is the claim's own.
        outcome_b: String,
        /// The direction of the second outcome; that of the first is the claim's own.
        direction_b: Direction,
        /// How the rate of events of either outcome moves with the active treatment.
        rates: [Rate; 2],
        /// The probability of both.
        both: Bounded,
    },
    /// The verdict of a rule.
    Rule {
        /// The rule's name.
        rule: String,
        /// Whether the rule is met.
        verdict: Verdict,
        /// The criteria on which the verdict depends.
        criteria: Vec<CriterionRow>,
    },
    /// One action has the higher expected utility.
    Action {
        /// That action's name.
        action: String,
        /// By how much its expected utility is higher, per patient.
        gain: f64,
        /// The probability that it is the better action.
        best: Bounded,
        /// The expected loss of utility per patient from choosing it.
        expected_loss: f64,
    },
    /// Of several actions the one with the highest expected utility; the claim's probability is that it is the best.
    BestAction {
        /// That action's name.
        action: String,
        /// The action with the second highest expected utility.
        next: String,
        /// By how much its expected utility is higher than that of the next, per patient.
        gain: f64,
        /// The expected loss of utility per patient from choosing it.
        expected_loss: f64,
    },
    /// Under which other priors the choice of action would change.
    PriorsFlip {
        /// The action chosen under the stated priors.
        action: String,
        /// The other action.
        other: String,
        /// The names of the priors under which the other action has the higher expected utility; may be empty.
        priors: Vec<String>,
        /// How many other priors were tried.
        of: usize,
    },
    /// Which members of the panel would choose the other action, and why.
    Dissent {
        /// The action chosen by the analysis as stated.
        action: String,
        /// The other action.
        other: String,
        /// The members who would choose the other action; may be empty.
        members: Vec<Dissenter>,
        /// How many members there are.
        of: usize,
    },
    /// A procedure is of benefit, while a layer of it is of harm in a subgroup, and both hold at once.
    Layers {
        /// The procedure's name.
        outer: String,
        /// How patients came to have the procedure.
        outer_assignment: Assignment,
        /// How the rate of events moves with the procedure, and with the layer.
        rates: [Rate; 2],
        /// The probability that the procedure is of benefit.
        outer_probability: f64,
        /// The probability that the layer is of harm in the subgroup.
        inner_probability: f64,
        /// The probability of both.
        both: Bounded,
    },
    /// What the procedure would do without the layer, were the associations with the layer causal.
    WithoutLayer {
        /// The procedure's name.
        outer: String,
        /// How the rate of events would move with the procedure.
        rate: Rate,
        /// The risk difference of the procedure as it was done, with the layer, as a proportion.
        with: Quantiles,
        /// The risk difference of the procedure without the layer, as a proportion.
        without: Quantiles,
        /// Monte Carlo errors of the median and of both ends of `without`.
        errors: [f64; 3],
    },
    /// Which arm of several is most probably the best; the claim's probability is that it is.
    BestArm {
        /// What that arm had.
        arm: String,
        /// Whether the probability is at least [`CLEAR`], so that it may be told as a finding.
        clear: bool,
        /// The probability under the prior alone; none where it is not known.
        prior_probability: Option<f64>,
    },
    /// Pooling draws the subgroups' effects together.
    Shrinkage {
        /// The part of the spread of their medians that is lost: 1 less the ratio of the standard deviations with and
        /// without pooling.
        share: f64,
    },
    /// Benefit in one subgroup and harm in another.
    QualitativeInteraction {
        /// Its probability under the prior alone; none where it is not known.
        prior_probability: Option<f64>,
    },
}

/// A subgroup's result, as it is told in one sentence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Leaning {
    /// Whether the probability is at least [`CLEAR`], so that its direction may be told as a finding.
    pub clear: bool,
    /// The sampler's probability of the claim with its Monte Carlo error, where the reported one is exact and was
    /// checked against it; otherwise none.
    pub sampled: Option<(f64, f64)>,
    /// The probability of the claim under the prior alone; none where it is not known.
    pub prior_probability: Option<f64>,
    /// The measure in which the effect is given.
    pub measure: Measure,
    /// The effect's median and 95 % interval, on the measure's own scale.
    pub effect: Quantiles,
    /// Monte Carlo errors of the effect's median and of both ends of its interval; none where they are exact.
    pub effect_errors: Option<[f64; 3]>,
    /// The number needed to treat in words; none where there are no risks, and where a difference between the arms is
    /// none that treatment makes ([`About::is_effect`]).
    pub nnt: Option<String>,
}

/// A subgroup whose own effect lies beyond the central 95 % of what the others predict of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BeyondOthers {
    /// The subgroup's name.
    pub subgroup: String,
    /// P(replicate < observed) + ½ P(replicate = observed) without the subgroup's own data, 0 to 1.
    pub tail_probability: f64,
}

/// How the rate of an outcome's events moves with the active treatment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rate {
    /// Events are more frequent.
    Higher,
    /// Events are less frequent.
    Lower,
}

impl Rate {
    /// How the rate of the study's events moves where the effect is in this direction.
    pub fn of(study: &Study, direction: Direction) -> Rate {
        use crate::study::HigherIs;
        let better = study.outcome.higher_is == HigherIs::Better;
        if better == (direction == Direction::Benefit) { Rate::Higher } else { Rate::Lower }
    }
}

/// The probability that several things hold at once: its bounds under any dependence between them, and its value
/// under independence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bounded {
    /// The lowest probability under any dependence.
    pub low: f64,
    /// The highest probability under any dependence.
    pub high: f64,
    /// The probability under independence.
    pub independent: f64,
}

/// The verdict of a rule, or of one of its criteria.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is met.
    Yes,
    /// It is not met.
    No,
    /// Neither: a number is missing, or too uncertain to be placed on one side of its bound.
    Undecided,
}

/// One criterion of a rule, with the probability by which it is judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CriterionRow {
    /// The name of the outcome within the decision.
    pub outcome: String,
    /// The name of the outcome in its own model, for sentences.
    pub of: String,
    /// Whether it is about benefit or harm.
    pub direction: Direction,
    /// The risk difference that benefit or harm must reach, as a magnitude; 0 for any benefit or harm.
    pub threshold: f64,
    /// The bound on the probability.
    pub required: f64,
    /// Whether the probability must reach the bound; otherwise it must stay below it.
    pub at_least: bool,
    /// The probability of benefit or harm of that size; none where the outcome is not reported in this population.
    pub probability: Option<f64>,
    /// Whether the criterion is met.
    pub verdict: Verdict,
}

/// A member of the panel who would choose the other action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dissenter {
    /// The member's name.
    pub member: String,
    /// Which of the member's views leads to the other choice.
    pub by: By,
}

/// Which of a member's views leads to another choice than that of the analysis as stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The prior: with the stated values it is enough, and the member's values with the stated prior are not.
    Prior,
    /// The values: with the stated prior they are enough, and the member's prior with the stated values is not.
    Values,
    /// The prior or the values, either alone.
    Either,
    /// The prior and the values together, neither alone.
    Both,
}

impl Claim {
    /// Which arm of several is most probably the best, in a subgroup or among all patients.
    pub fn best_arm(
        study: &Study,
        (scope, subgroup): (Scope, Option<String>),
        (arm, probability, resolution): (&str, f64, Option<f64>),
        prior_probability: Option<f64>,
    ) -> Claim {
        let clear = probability >= CLEAR;
        let says = Says::BestArm { arm: arm.to_string(), clear, prior_probability };
        let claim = Claim::of_all(study, Topic::Effect(Measure::Rank), Method::Sampled, says);
        Claim { scope, subgroup, probability: Some(probability), resolution, ..claim }
    }

    /// The claim about a subgroup's result, from the probability of benefit and its resolution. `leaning` holds the
    /// probabilities of benefit, which are turned where the subgroup leans towards harm; whether that is clear is found
    /// here.
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
        leaning.clear = turned(benefit) >= CLEAR;
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

    /// That the data lie far from what the effect prior of this name predicts; none where they do not.
    pub fn prior_at_odds(study: &Study, prior: &str, conflict: &EffectConflict) -> Option<Claim> {
        let says = Says::PriorAtOdds { tail_probability: conflict.tail_probability };
        let effect = Topic::Effect(Measure::of(study.outcome.scale));
        let claim = Claim::of_all(study, effect, Method::Exact, says);
        conflict.is_told().then(|| Claim { scope: Scope::Mean, prior: prior.to_string(), ..claim })
    }

    /// A claim about all subgroups at once, under the stated priors.
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

/// The least probability of benefit or of harm that is told as a direction; below it there is no clear one.
pub const CLEAR: f64 = 0.75;

/// The name of the model file's own priors.
pub const STATED: &str = "stated";
