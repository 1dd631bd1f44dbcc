//! The parameters of a model by key.

use std::mem::discriminant;

use super::names::Names;
use crate::model::Side;

/// A parameter of the model; subgroups and terms by their places in the study.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parameter {
    /// μ: the mean of the subgroups' effects.
    Mu,
    /// τ: their standard deviation.
    Tau,
    /// The mean of exchangeable baselines.
    BaselineMean,
    /// Their standard deviation.
    BaselineSd,
    /// θ: a subgroup's effect.
    Theta(usize),
    /// α: a subgroup's baseline, on the log odds scale.
    Alpha(usize),
    /// γ: the coefficient of a term.
    Gamma(usize),
    /// The standard deviation of the centres' intercepts.
    CentreSd,
    /// By how much a bias moves what is seen of a subgroup's effect.
    Bias(usize),
    /// Of labels that may be wrong: how often the positive one is recognised, in one arm or in both alike.
    Sensitivity(Option<Side>),
    /// How often the other one is.
    Specificity(Option<Side>),
    /// The true share of the positive one.
    Prevalence(Option<Side>),
}

impl Parameter {
    /// Its name in results and draws: `mu`, `theta[NAME]`, `sensitivity[control]`.
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
            Parameter::Alpha(g) => of("alpha", names.subgroup(g)),
            Parameter::Gamma(j) => of("gamma", names.term(j)),
            Parameter::CentreSd => "centre_sd".to_string(),
            Parameter::Bias(g) => of("bias", names.subgroup(g)),
            Parameter::Sensitivity(arm) => by_arm("sensitivity", arm),
            Parameter::Specificity(arm) => by_arm("specificity", arm),
            Parameter::Prevalence(arm) => by_arm("prevalence", arm),
        }
    }

    /// Whether both are the same, but for the subgroup, the term or the arm.
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
