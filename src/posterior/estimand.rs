//! What is asked of a posterior: of whom, what is measured, and which statement.

use serde::{Serialize, Serializer};

use super::names::Names;
use crate::study::Study;
pub use crate::study::{Axis, Measure};

/// Of whom a number speaks; subgroups by their places in the study.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Whom {
    /// One subgroup.
    Subgroup(usize),
    /// This study's patients, all subgroups at their sizes.
    Overall,
    /// μ: the average subgroup.
    Mean,
    /// A further similar subgroup.
    New,
    /// Two subgroups.
    Pair(usize, usize),
}

/// Which kind of [`Whom`]: the word that stands in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// One subgroup.
    Subgroup,
    /// This study's patients, all subgroups at their sizes.
    Overall,
    /// μ: the average subgroup.
    Mean,
    /// A further similar subgroup.
    New,
    /// Two subgroups.
    Pair,
}

impl Whom {
    /// Those who are no single subgroup, in the order in which they are shown.
    pub const SHARED: [Whom; 3] = [Whom::Overall, Whom::Mean, Whom::New];

    pub fn scope(self) -> Scope {
        match self {
            Whom::Subgroup(_) => Scope::Subgroup,
            Whom::Overall => Scope::Overall,
            Whom::Mean => Scope::Mean,
            Whom::New => Scope::New,
            Whom::Pair(..) => Scope::Pair,
        }
    }

    /// The subgroup; of a pair the first one.
    pub fn subgroup(self) -> Option<usize> {
        match self {
            Whom::Subgroup(g) | Whom::Pair(g, _) => Some(g),
            _ => None,
        }
    }

    /// A pair's second subgroup.
    pub fn second(self) -> Option<usize> {
        match self {
            Whom::Pair(_, b) => Some(b),
            _ => None,
        }
    }

    /// The two subgroups of a pair the other way round; anyone else is the same.
    #[must_use]
    pub fn swapped(self) -> Whom {
        match self {
            Whom::Pair(a, b) => Whom::Pair(b, a),
            other => other,
        }
    }
}

impl Scope {
    /// Its name in JSON and CSV.
    pub fn key(self) -> &'static str {
        match self {
            Scope::Subgroup => "subgroup",
            Scope::Overall => "overall",
            Scope::Mean => "mean",
            Scope::New => "new",
            Scope::Pair => "pair",
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}

/// What is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimand {
    pub whom: Whom,
    pub measure: Measure,
}

impl Estimand {
    pub fn new(whom: Whom, measure: Measure) -> Estimand {
        Estimand { whom, measure }
    }

    /// A measure in one subgroup.
    pub fn of_subgroup(g: usize, measure: Measure) -> Estimand {
        Estimand::new(Whom::Subgroup(g), measure)
    }

    /// Whether both are the same measure of the same kind of whom.
    pub fn is_like(self, other: Estimand) -> bool {
        self.measure == other.measure && self.whom.scope() == other.whom.scope()
    }

    /// Its name among draws: of a subgroup `measure[NAME]`, of a pair `measure[A,B]`, else `scope.measure`.
    pub fn name(self, names: &Names) -> String {
        let measure = self.measure.key();
        match self.whom {
            Whom::Subgroup(g) => format!("{measure}[{}]", names.subgroup(g)),
            Whom::Pair(a, b) => format!("{measure}[{},{}]", names.subgroup(a), names.subgroup(b)),
            shared => format!("{}.{measure}", shared.scope().key()),
        }
    }
}

/// What a probability is the probability of. Directions derive from `higher_is`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Statement {
    Benefit,
    Harm,
    BenefitAtLeast,
    HarmAtLeast,
    /// Smaller than the threshold in either direction.
    Equivalent,
    /// A pair: benefit in the first, harm in the second.
    BenefitAndHarm,
    /// A pair: the first does better by the treatment than the second.
    GreaterBenefit,
}

impl Statement {
    /// Its name in JSON and CSV.
    pub fn key(self) -> &'static str {
        match self {
            Statement::Benefit => "benefit",
            Statement::Harm => "harm",
            Statement::BenefitAtLeast => "benefit_at_least",
            Statement::HarmAtLeast => "harm_at_least",
            Statement::Equivalent => "equivalent",
            Statement::BenefitAndHarm => "benefit_and_harm",
            Statement::GreaterBenefit => "greater_benefit",
        }
    }
}

impl Serialize for Statement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}

/// Which measure matters most in this study, and the size of effect that does: the primary threshold, else the first of the
/// usual measure.
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
        let names = Names { subgroups: vec!["a[1]".to_string(), "b".to_string()], terms: Vec::new() };
        let name = |whom, measure| Estimand::new(whom, measure).name(&names);
        assert_eq!(name(Whom::Subgroup(0), Measure::OddsRatio), "odds_ratio[a[1]]");
        assert_eq!(name(Whom::Pair(1, 0), Measure::RatioOfOddsRatios), "ratio_of_odds_ratios[b,a[1]]");
        assert_eq!(name(Whom::Overall, Measure::RiskControl), "overall.risk_control");
        assert_eq!(name(Whom::New, Measure::Difference), "new.difference");
    }
}
