//! What was changed of a model for one run.

use serde::{Deserialize, Serialize};

/// What was changed of a model file as it was read: every number is one of the model so changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Changed {
    /// The name of the prior that stands in place of the stated one; none where the stated one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prior: Option<String>,
    /// Keys that were set, with their values in TOML: `model.pooling = "none"`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<String>,
}

impl Changed {
    /// Whether the model is the file as it lies there.
    pub fn is_empty(&self) -> bool {
        self.prior.is_none() && self.set.is_empty()
    }

    /// What a reader of the numbers has to know of it, in sentences.
    pub fn statements(&self) -> Vec<String> {
        let prior = self.prior.iter();
        let prior = prior.map(|name| format!("Fitted under the prior `{name}` in place of the stated one."));
        prior.chain(self.set.iter().map(|one| format!("Set for this run: {one}."))).collect()
    }

    /// Whether a prior is not the stated one.
    pub fn has_other_prior(&self) -> bool {
        self.prior.is_some() || self.set.iter().any(|one| one.starts_with("prior."))
    }

    /// What the prior is called that the model is fitted under.
    pub fn name_of_prior(&self) -> &str {
        match &self.prior {
            Some(name) => name,
            None if self.has_other_prior() => "set for this run",
            None => "stated",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Changed;

    #[test]
    fn a_prior_is_called_stated_only_where_it_is() {
        let set = |set: &[&str]| set.iter().map(|one| (*one).to_string()).collect();
        let name = |changed: Changed| changed.name_of_prior().to_string();
        assert_eq!(name(Changed { prior: None, set: set(&["model.pooling = \"none\""]) }), "stated");
        assert_eq!(name(Changed { prior: None, set: set(&["prior.effect = \"flat\""]) }), "set for this run");
        assert_eq!(name(Changed { prior: Some("mine".to_string()), set: set(&[]) }), "mine");
    }
}
