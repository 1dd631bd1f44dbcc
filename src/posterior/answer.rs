//! What the answer of a comparison or a decision says, as data: parts of [`Says`](super::Says).

use serde::Serialize;

use super::claim::Direction;
use super::estimand::Scope;

/// How many of the priors that are compared support a conclusion about one subgroup.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stands {
    /// The probability above which a conclusion stands.
    pub line: f64,
    /// The number of priors under which the probability exceeds the line, the stated one among them.
    pub under: usize,
    /// The number of priors under which the probability is known.
    pub of: usize,
    /// The prior under which the conclusion is least probable.
    pub lowest: UnderPrior,
    /// The prior under which the conclusion is most probable.
    pub highest: UnderPrior,
}

/// A probability under one prior.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnderPrior {
    /// The prior's name.
    pub prior: String,
    /// The probability of the conclusion under it.
    pub probability: f64,
}

/// In which subgroups a conclusion stands under every prior, under some and under none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StandsWhere {
    /// The probability above which a conclusion stands.
    pub line: f64,
    /// The number of priors that are compared.
    pub of: usize,
    /// Subgroups in which P(better) exceeds the line under every prior.
    pub better_under_all: Vec<String>,
    /// Subgroups in which P(worse) exceeds the line under every prior.
    pub worse_under_all: Vec<String>,
    /// Subgroups in which either exceeds the line under some priors only.
    pub under_some: Vec<String>,
    /// Subgroups in which neither exceeds the line under any prior.
    pub under_none: Vec<String>,
}

/// By how much the data and each prior move the probability of one subgroup's conclusion.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drive {
    /// The subgroup's name.
    pub subgroup: String,
    /// The conclusion: whichever direction is the more probable one.
    pub direction: Direction,
    /// The probability without data, under the reference priors.
    pub reference: f64,
    /// The shift by the data (Shapley value).
    pub data: f64,
    /// The shift by the stated effect prior in place of the reference.
    pub effect_prior: f64,
    /// The shift by the stated heterogeneity prior in place of the reference.
    pub heterogeneity_prior: f64,
    /// The shift by the stated baseline prior in place of the reference; none for published estimates.
    pub baseline_prior: Option<f64>,
}

impl Drive {
    /// The prior that moves the probability furthest, in words, and by how much.
    pub fn strongest_prior(&self) -> (&'static str, f64) {
        let effect = ("the effect prior", self.effect_prior);
        let rest = [
            ("the heterogeneity prior", self.heterogeneity_prior),
            ("the baseline prior", self.baseline_prior.unwrap_or(0.0)),
        ];
        rest.into_iter().fold(effect, |most, one| if one.1.abs() > most.1.abs() { one } else { most })
    }

    /// Whether some prior moves the probability further than the data do.
    pub fn is_by_prior(&self) -> bool {
        self.strongest_prior().1.abs() > self.data.abs()
    }
}

/// What one would have to believe for a subgroup's conclusion no longer to stand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Belief {
    /// The subgroup's name.
    pub subgroup: String,
    /// The conclusion that is to fall.
    pub direction: Direction,
    /// The largest sd of a prior centred on no effect that brings its probability down to the line, on the scale of θ.
    pub sceptical_sd: Option<f64>,
    /// The equivalent sample size of that prior; none for estimates.
    pub patients: Option<f64>,
    /// The centre to which the stated prior must be moved, on the measure's own scale.
    pub centre: Option<f64>,
    /// Whether even the widest prior centred on no effect brings it there.
    pub widest_is_enough: bool,
}

/// How far the subgroups' conclusions at the primary cut move where odds need not be proportional.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WithoutProportionalOdds {
    /// The probability above which a conclusion stands.
    pub line: f64,
    /// Which cuts depart, as model files have it.
    pub shape: String,
    /// The sd of the prior of departures, a normal around 0 on the log odds ratio.
    pub scale: f64,
    /// Whether the model states a departure of its own.
    pub stated: bool,
    /// The moves, by subgroup.
    pub moves: Vec<MovesWithoutProportionalOdds>,
}

/// One subgroup's conclusion with and without proportional odds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MovesWithoutProportionalOdds {
    /// The subgroup's name.
    pub subgroup: String,
    /// The direction that is the more probable one under proportional odds.
    pub direction: Direction,
    /// The probability of that direction under proportional odds.
    pub with: f64,
    /// The same where odds need not be proportional.
    pub without: f64,
    /// Whether one is above the line and the other not, by more than chance.
    pub changes: bool,
}

impl WithoutProportionalOdds {
    /// Whether it changes a verdict.
    pub fn changes(&self) -> bool {
        self.moves.iter().any(|m| m.changes)
    }
}

/// A subgroup's conclusion beside the bias that would undo it, or make it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnderBias {
    /// The probability above which a conclusion stands.
    pub line: f64,
    /// The conclusion's probability without the bias that the model states; none where it states none.
    pub without: Option<f64>,
    /// The bias of the effect nearest to none that brings the probability without a stated bias to the line, on the
    /// measure's own scale; none where none was found.
    pub bias: Option<f64>,
    /// Whether such a bias was searched for.
    pub searched: bool,
    /// The E-values of the median and of the interval's end nearest to no effect, without any bias allowed for; none on
    /// the scale of differences.
    pub e_values: Option<[f64; 2]>,
}

/// How many subgroups' conclusions stand, and the smallest bias that undoes one of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnderBiasOfAll {
    /// The probability above which a conclusion stands.
    pub line: f64,
    /// The number of subgroups in which P(better) or P(worse) exceeds it without a stated bias.
    pub above: usize,
    /// The number of subgroups.
    pub of: usize,
    /// The subgroup whose conclusion the smallest bias undoes, and that bias on the measure's own scale.
    pub least: Option<(String, f64)>,
}

/// The verdicts of one rule: for whom it says what.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdicts {
    /// The rule's name.
    pub rule: String,
    /// For whom it is met.
    pub yes: Vec<Whose>,
    /// For whom it is not met.
    pub no: Vec<Whose>,
    /// For whom neither is known.
    pub undecided: Vec<Whose>,
}

/// Whom a verdict is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Whose {
    /// One subgroup, or a further similar one.
    pub scope: Scope,
    /// The subgroup's name; none for a further similar one.
    pub subgroup: Option<String>,
}
