//! What the places that keys hold are called.

use crate::study::Study;

/// The names of a study's subgroups and of its adjustment's terms, in the study's order. Keys
/// ([`Parameter`](super::Parameter), [`Estimand`](super::Estimand)) hold places in these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    pub subgroups: Vec<String>,
    pub terms: Vec<String>,
}

impl Names {
    pub fn of(study: &Study) -> Names {
        let terms = study.adjustment.as_ref().map(|a| a.terms.iter().map(|t| t.name.clone()).collect());
        Names {
            subgroups: study.data.names().into_iter().map(str::to_string).collect(),
            terms: terms.unwrap_or_default(),
        }
    }

    /// The name of subgroup `g`; empty where there is none.
    pub fn subgroup(&self, g: usize) -> &str {
        self.subgroups.get(g).map_or("", String::as_str)
    }

    /// The place of the subgroup of this name.
    pub fn place(&self, subgroup: &str) -> Option<usize> {
        self.subgroups.iter().position(|name| name == subgroup)
    }

    /// The name of term `j`; empty where there is none.
    pub fn term(&self, j: usize) -> &str {
        self.terms.get(j).map_or("", String::as_str)
    }
}
