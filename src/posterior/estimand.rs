//! What is asked of a posterior: about whom, in which measure, and which statement.

use serde::{Serialize, Serializer};

use super::names::Names;
use crate::study::Study;
pub use crate::study::{Axis, Measure};

/// Whom a number is about; subgroups by their places in the study.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Whom {
    /// One subgroup.
    Subgroup(usize),
    /// This study's patients: all subgroups, each with its share of the patients.
    Overall,
    /// The average subgroup: μ.
    Mean,
    /// A further, similar subgroup.
    New,
    /// Two subgroups, compared with each other.
    Pair(usize, usize),
    /// Of several factors: the patients of one level, by the places of the factor and of the level in it.
    Level(usize, usize),
    /// Of several factors: two levels of the factor at the first place, compared with each other.
    LevelPair(usize, usize, usize),
}

/// The kind of [`Whom`], without places; it has a name in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// One subgroup.
    Subgroup,
    /// This study's patients: all subgroups, each with its share of the patients.
    Overall,
    /// The average subgroup: μ.
    Mean,
    /// A further, similar subgroup.
    New,
    /// Two subgroups, compared with each other; or two levels of a factor.
    Pair,
    /// Of several factors: the patients of one level.
    Level,
}

impl Whom {
    /// All that are neither a subgroup nor a pair, in the order in which they are shown.
    pub const SHARED: [Whom; 3] = [Whom::Overall, Whom::Mean, Whom::New];

    /// The kind of whom this is.
    pub fn scope(self) -> Scope {
        match self {
            Whom::Subgroup(_) => Scope::Subgroup,
            Whom::Overall => Scope::Overall,
            Whom::Mean => Scope::Mean,
            Whom::New => Scope::New,
            Whom::Pair(..) | Whom::LevelPair(..) => Scope::Pair,
            Whom::Level(..) => Scope::Level,
        }
    }

    /// The place of the subgroup, or of the first subgroup of a pair; otherwise none.
    pub fn subgroup(self) -> Option<usize> {
        match self {
            Whom::Subgroup(g) | Whom::Pair(g, _) => Some(g),
            _ => None,
        }
    }

    /// The place of the second subgroup of a pair; otherwise none.
    pub fn second(self) -> Option<usize> {
        match self {
            Whom::Pair(_, b) => Some(b),
            _ => None,
        }
    }

    /// The place of the factor, where it is about levels of one; otherwise none.
    pub fn factor(self) -> Option<usize> {
        match self {
            Whom::Level(f, _) | Whom::LevelPair(f, ..) => Some(f),
            _ => None,
        }
    }

    /// The name of the subgroup or of the level, or of the first of two; otherwise none.
    pub fn first_name(self, names: &Names) -> Option<&str> {
        match self {
            Whom::Level(f, l) | Whom::LevelPair(f, l, _) => Some(names.level(f, l)),
            whom => whom.subgroup().map(|g| names.subgroup(g)),
        }
    }

    /// The name of the second subgroup or level of a pair; otherwise none.
    pub fn second_name(self, names: &Names) -> Option<&str> {
        match self {
            Whom::LevelPair(f, _, b) => Some(names.level(f, b)),
            whom => whom.second().map(|g| names.subgroup(g)),
        }
    }

    /// A pair with its two subgroups exchanged; anyone else unchanged.
    #[must_use]
    pub fn swapped(self) -> Whom {
        match self {
            Whom::Pair(a, b) => Whom::Pair(b, a),
            Whom::LevelPair(f, a, b) => Whom::LevelPair(f, b, a),
            other => other,
        }
    }
}

impl Scope {
    /// The scope's name in JSON and CSV.
    pub fn key(self) -> &'static str {
        match self {
            Scope::Subgroup => "subgroup",
            Scope::Overall => "overall",
            Scope::Mean => "mean",
            Scope::New => "new",
            Scope::Pair => "pair",
            Scope::Level => "level",
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}

/// Which arms of several a number is about, by their places: 0 is the control arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Arms {
    /// One arm.
    One(usize),
    /// The first against the second.
    Pair(usize, usize),
}

impl Arms {
    /// The arm, or the first of two.
    pub fn first(self) -> usize {
        match self {
            Arms::One(arm) | Arms::Pair(arm, _) => arm,
        }
    }

    /// The arm that the first is compared with; none of one arm.
    pub fn against(self) -> Option<usize> {
        match self {
            Arms::One(_) => None,
            Arms::Pair(_, against) => Some(against),
        }
    }
}

/// What is estimated: a measure, and whom it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimand {
    /// Whom it is about.
    pub whom: Whom,
    /// What is measured.
    pub measure: Measure,
    /// At which cut of ordered levels; none for measures that are of no single one, or of the primary one.
    pub cut: Option<usize>,
    /// Which arms, where there are several active ones; none where active is compared with control.
    pub arms: Option<Arms>,
}

impl Estimand {
    /// The estimand of this measure about these patients.
    pub fn new(whom: Whom, measure: Measure) -> Estimand {
        Estimand { whom, measure, cut: None, arms: None }
    }

    /// The same at a cut of ordered levels.
    #[must_use]
    pub fn at_cut(self, cut: usize) -> Estimand {
        Estimand { cut: Some(cut), ..self }
    }

    /// The same of these arms.
    #[must_use]
    pub fn of_arms(self, arms: Arms) -> Estimand {
        Estimand { arms: Some(arms), ..self }
    }

    /// The estimand of a measure in subgroup `g`.
    pub fn of_subgroup(g: usize, measure: Measure) -> Estimand {
        Estimand::new(Whom::Subgroup(g), measure)
    }

    /// Whether the other has the same measure and the same scope, whatever the subgroups.
    pub fn is_like(self, other: Estimand) -> bool {
        self.measure == other.measure
            && self.cut == other.cut
            && self.arms == other.arms
            && self.whom.scope() == other.whom.scope()
    }

    /// Its column's name among draws: `measure[NAME]` for a subgroup, `measure[A,B]` for a pair, otherwise
    /// `scope.measure`.
    pub fn name(self, names: &Names) -> String {
        if let Some(arms) = self.arms {
            let mut within = vec![names.arm(arms.first())];
            within.extend(arms.against().map(|a| names.arm(a)));
            within.extend(self.whom.subgroup().map(|g| names.subgroup(g)));
            let scope = match self.whom {
                Whom::Subgroup(_) | Whom::Pair(..) => String::new(),
                shared => format!("{}.", shared.scope().key()),
            };
            return format!("{scope}{}[{}]", self.measure.key(), within.join(","));
        }
        let measure = match self.cut.and_then(|cut| names.levels.get(cut)) {
            Some(level) => format!("{}_above_{level}", self.measure.key().trim_end_matches("_at_cut")),
            None => self.measure.key().to_string(),
        };
        match self.whom {
            Whom::Subgroup(g) => format!("{measure}[{}]", names.subgroup(g)),
            Whom::Pair(a, b) => format!("{measure}[{},{}]", names.subgroup(a), names.subgroup(b)),
            Whom::Level(f, l) => format!("{measure}[{}={}]", names.factor(f), names.level(f, l)),
            Whom::LevelPair(f, a, b) => {
                format!("{measure}[{}={},{}]", names.factor(f), names.level(f, a), names.level(f, b))
            }
            shared => format!("{}.{measure}", shared.scope().key()),
        }
    }
}

/// What a probability is the probability of. Directions follow from `higher_is`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Statement {
    /// The active treatment is better than control.
    Benefit,
    /// The active treatment is worse than control.
    Harm,
    /// Benefit of at least the threshold.
    BenefitAtLeast,
    /// Harm of at least the threshold.
    HarmAtLeast,
    /// An effect smaller than the threshold in either direction.
    Equivalent,
    /// Of a pair: benefit in the first subgroup and harm in the second.
    BenefitAndHarm,
    /// Of one arm of several: no other arm is better.
    Best,
    /// Of one arm of several: its rank is the threshold, 1 being the best.
    Ranked,
    /// Of a pair: the effect is more favourable in the first subgroup than in the second.
    GreaterBenefit,
    /// Of a subgroup that may not be exchangeable with the others: its effect is from its own prior, and not from the common
    /// distribution.
    StandsAlone,
}

impl Statement {
    /// The statement's name in JSON and CSV.
    pub fn key(self) -> &'static str {
        match self {
            Statement::Benefit => "benefit",
            Statement::Harm => "harm",
            Statement::BenefitAtLeast => "benefit_at_least",
            Statement::HarmAtLeast => "harm_at_least",
            Statement::Equivalent => "equivalent",
            Statement::BenefitAndHarm => "benefit_and_harm",
            Statement::GreaterBenefit => "greater_benefit",
            Statement::Best => "best",
            Statement::Ranked => "ranked",
            Statement::StandsAlone => "stands_alone",
        }
    }
}

impl Serialize for Statement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}

/// The measure that matters most in this study, and the size of effect that does: the primary threshold, otherwise
/// the usual measure with its first threshold, if it has one.
pub fn primary(study: &Study) -> (Measure, Option<f64>) {
    let measure = Measure::usual(study);
    match study.thresholds.primary {
        Some((measure, t)) => (measure, Some(t)),
        None => (measure, study.thresholds.of(measure).first().copied()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_of_estimands_are_named_by_whom_and_measure() {
        let names = Names {
            subgroups: vec!["a[1]".to_string(), "b".to_string()],
            levels: vec!["0".to_string(), "1".to_string()],
            ..Names::default()
        };
        let name = |whom, measure| Estimand::new(whom, measure).name(&names);
        assert_eq!(name(Whom::Subgroup(0), Measure::OddsRatio), "odds_ratio[a[1]]");
        assert_eq!(name(Whom::Pair(1, 0), Measure::RatioOfOddsRatios), "ratio_of_odds_ratios[b,a[1]]");
        assert_eq!(name(Whom::Overall, Measure::RiskControl), "overall.risk_control");
        assert_eq!(name(Whom::New, Measure::Difference), "new.difference");
        let at_cut = Estimand::new(Whom::Subgroup(1), Measure::CutOddsRatio).at_cut(0);
        assert_eq!(at_cut.name(&names), "odds_ratio_above_0[b]");
    }
}
