//! The parameters of a model as keys.

use std::mem::discriminant;

use super::names::Names;
use crate::model::Side;

/// A parameter of the model; subgroups and terms by their places in the study.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parameter {
    /// μ: the mean of the subgroups' effects.
    Mu,
    /// τ: the standard deviation of the subgroups' effects.
    Tau,
    /// The mean of exchangeable baselines, in log odds.
    BaselineMean,
    /// The standard deviation of exchangeable baselines, in log odds.
    BaselineSd,
    /// θ: the effect of the subgroup at this place.
    Theta(usize),
    /// Of several arms: the mean effect of the active arm at this place, over subgroups.
    ArmMean(usize),
    /// Of several arms: the standard deviation of the arms' mean effects.
    TauArms,
    /// Of several arms: the standard deviation of what is left of effects after their arms' and subgroups' shares.
    TauInteraction,
    /// Of several arms: the effect in the subgroup at the first place of the active arm at the second.
    ThetaOf(usize, usize),
    /// Of several factors: the standard deviation of the effect's shifts by levels of the factor at this place.
    TauOf(usize),
    /// Of a horseshoe: its slab.
    Slab,
    /// Of several factors: by how much the effect is shifted at a level, by the places of the factor and of the level in it.
    Shift(usize, usize),
    /// Of several factors: the log odds of which each level's main effect is a part more.
    Intercept,
    /// Of several factors: by how much both arms' log odds are higher at a level.
    MainEffect(usize, usize),
    /// α: the baseline of the subgroup at this place, in log odds.
    Alpha(usize),
    /// By how much the log odds ratio at the cut at this place departs from the common one.
    Departure(usize),
    /// γ: the coefficient of the term at this place, in log odds for one standard deviation.
    Gamma(usize),
    /// σ: the standard deviation of the centres' intercepts, in log odds.
    CentreSd,
    /// By how much a bias moves the effect that is seen in the subgroup at this place.
    Bias(usize),
    /// Where labels may be wrong: P(labelled positive | truly positive) in one arm, or if none, in both alike.
    Sensitivity(Option<Side>),
    /// Where labels may be wrong: P(labelled as the other | truly the other) in one arm, or if none, in both alike.
    Specificity(Option<Side>),
    /// Where labels may be wrong: the true share of the positive subgroup in one arm, or if none, in both alike.
    Prevalence(Option<Side>),
}

impl Parameter {
    /// The parameter's name in results and draws, such as `mu`, `theta[NAME]` or `sensitivity[control]`.
    pub fn name(self, names: &Names) -> String {
        let of = |stem: &str, name: &str| format!("{stem}[{name}]");
        let by_arm = |stem: &str, arm: Option<Side>| match arm {
            None => stem.to_string(),
            Some(arm) => of(stem, arm.in_words()),
        };
        match self {
            Parameter::Mu => "mu".to_string(),
            Parameter::Tau => "tau".to_string(),
            Parameter::BaselineMean => "baseline_mean".to_string(),
            Parameter::BaselineSd => "baseline_sd".to_string(),
            Parameter::Theta(g) => of("theta", names.subgroup(g)),
            Parameter::ArmMean(a) => of("mu", names.arm(a)),
            Parameter::TauArms => "tau_arms".to_string(),
            Parameter::TauInteraction => "tau_interaction".to_string(),
            Parameter::ThetaOf(g, a) => format!("theta[{},{}]", names.subgroup(g), names.arm(a)),
            Parameter::TauOf(f) => of("tau", names.factor(f)),
            Parameter::Slab => "slab".to_string(),
            Parameter::Shift(f, l) => format!("shift[{}={}]", names.factor(f), names.level(f, l)),
            Parameter::Intercept => "alpha".to_string(),
            Parameter::MainEffect(f, l) => format!("main[{}={}]", names.factor(f), names.level(f, l)),
            Parameter::Alpha(g) => of("alpha", names.subgroup(g)),
            Parameter::Departure(k) => {
                let level = names.levels.get(k).map_or("", String::as_str);
                of("departure", &format!("above {level}"))
            }
            Parameter::Gamma(j) => of("gamma", names.term(j)),
            Parameter::CentreSd => "centre_sd".to_string(),
            Parameter::Bias(g) => of("bias", names.subgroup(g)),
            Parameter::Sensitivity(arm) => by_arm("sensitivity", arm),
            Parameter::Specificity(arm) => by_arm("specificity", arm),
            Parameter::Prevalence(arm) => by_arm("prevalence", arm),
        }
    }

    /// Whether the other is the same kind of parameter, whatever the subgroup, term or arm.
    pub fn is_like(self, other: Parameter) -> bool {
        discriminant(&self) == discriminant(&other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subgroup_whose_name_holds_a_bracket_is_no_other_parameter() {
        let names = Names {
            subgroups: vec!["mu".to_string(), "alpha[x]".to_string()],
            terms: vec!["AGE".to_string()],
            ..Names::default()
        };
        assert_eq!(Parameter::Theta(1).name(&names), "theta[alpha[x]]");
        assert_eq!(Parameter::Theta(0).name(&names), "theta[mu]");
        assert_eq!(Parameter::Gamma(0).name(&names), "gamma[AGE]");
        assert_eq!(Parameter::Sensitivity(Some(Side::Active)).name(&names), "sensitivity[active]");
        assert_eq!(Parameter::Prevalence(None).name(&names), "prevalence");
        assert!(Parameter::Theta(1).is_like(Parameter::Theta(0)));
        assert!(!Parameter::Theta(1).is_like(Parameter::Alpha(1)));
        assert!(Parameter::Sensitivity(None).is_like(Parameter::Sensitivity(Some(Side::Control))));
    }
}
