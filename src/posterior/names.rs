//! The names of what keys hold by place.

use crate::study::Study;

/// The names of a study's subgroups and of the terms it is adjusted for, in the study's order. Keys
/// ([`Parameter`](super::Parameter), [`Estimand`](super::Estimand)) hold places in these lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// The subgroups' names.
    pub subgroups: Vec<String>,
    /// The terms' names; empty where the study is not adjusted.
    pub terms: Vec<String>,
    /// The levels' names of an ordinal outcome, lowest first; empty for others.
    pub levels: Vec<String>,
    /// The arms' names where there are several active ones, the control arm first; empty where there is one.
    pub arms: Vec<String>,
    /// The factors' names with those of their levels where there are several; empty where there is one.
    pub factors: Vec<(String, Vec<String>)>,
}

impl Names {
    /// The names in this study.
    pub fn of(study: &Study) -> Names {
        let terms = study.adjustment.as_ref().map(|a| a.terms.iter().map(|t| t.name.clone()).collect());
        let factors = study.factors.as_deref().map(|factors| &factors.all);
        let factors = factors.into_iter().flatten().map(|f| (f.name.clone(), f.levels.clone()));
        Names {
            factors: factors.collect(),
            subgroups: study.data.names().into_iter().map(str::to_string).collect(),
            terms: terms.unwrap_or_default(),
            levels: study.outcome.levels.as_ref().map(|l| l.names.clone()).unwrap_or_default(),
            arms: if study.treatment.has_several_arms() { study.treatment.arms.clone() } else { Vec::new() },
        }
    }

    /// The name of arm `a`, 0 being the control arm; empty where there is one active arm.
    pub fn arm(&self, a: usize) -> &str {
        self.arms.get(a).map_or("", String::as_str)
    }

    /// The name of factor `f`; empty where there are not several.
    pub fn factor(&self, f: usize) -> &str {
        self.factors.get(f).map_or("", |(name, _)| name)
    }

    /// The name of level `l` of factor `f`; empty where there is none.
    pub fn level(&self, f: usize, l: usize) -> &str {
        self.factors.get(f).and_then(|(_, levels)| levels.get(l)).map_or("", String::as_str)
    }

    /// The name of subgroup `g`; empty where there is none.
    pub fn subgroup(&self, g: usize) -> &str {
        self.subgroups.get(g).map_or("", String::as_str)
    }

    /// The place of the subgroup with this name; none where there is no such subgroup.
    pub fn place(&self, subgroup: &str) -> Option<usize> {
        self.subgroups.iter().position(|name| name == subgroup)
    }

    /// The name of term `j`; empty where there is none.
    pub fn term(&self, j: usize) -> &str {
        self.terms.get(j).map_or("", String::as_str)
    }
}
