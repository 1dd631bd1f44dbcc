//! What was changed of a model for one run.

use serde::{Deserialize, Serialize};

/// What was changed of a model file as it was read: every number is one of the model so changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Changed {
    /// The name of the prior that stands in place of the stated one; none where the stated one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prior: Option<String>,
    /// The keys of the stated prior that it stands in place of, such as "effect".
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<String>,
    /// Keys that were set, with their values in TOML: `model.pooling = "none"`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<String>,
}

impl Changed {
    /// What a prior is called of which keys were set.
    pub const SET: &str = "set for this run";

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
        self.prior.is_some() || self.set_keys().any(|key| key == "prior" || key.starts_with("prior."))
    }

    /// Whether one part of the prior, such as "effect", is not the stated one.
    pub fn has_other(&self, part: &str) -> bool {
        let within = |key: &str| {
            let rest = key.strip_prefix("prior.").and_then(|rest| rest.strip_prefix(part));
            key == "prior" || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.replaced.iter().any(|key| key == part) || self.set_keys().any(within)
    }

    fn set_keys(&self) -> impl Iterator<Item = &str> {
        self.set.iter().map(|one| one.split(" = ").next().unwrap_or_default())
    }

    /// What the prior is called that the model is fitted under.
    pub fn name_of_prior(&self) -> &str {
        match &self.prior {
            Some(name) => name,
            None if self.has_other_prior() => Changed::SET,
            None => "stated",
        }
    }

    /// What the effect prior is called that the model is fitted under.
    pub fn name_of_effect_prior(&self) -> &str {
        if self.has_other("effect") { self.name_of_prior() } else { "stated" }
    }
}

#[cfg(test)]
mod tests {
    use super::Changed;

    #[test]
    fn a_prior_is_called_stated_only_where_it_is() {
        let set = |set: &[&str]| set.iter().map(|one| (*one).to_string()).collect();
        let name = |changed: Changed| changed.name_of_prior().to_string();
        let of_set = |keys: &[&str]| Changed { set: set(keys), ..Changed::default() };
        assert_eq!(name(of_set(&["model.pooling = \"none\""])), "stated");
        assert_eq!(name(of_set(&["prior.effect = \"flat\""])), "set for this run");
        assert_eq!(name(of_set(&["prior = { effect = \"flat\" }"])), "set for this run");
        let mine =
            Changed { prior: Some("mine".to_string()), replaced: set(&["heterogeneity"]), set: set(&[]) };
        assert_eq!(name(mine.clone()), "mine");
        assert!(mine.has_other("heterogeneity") && !mine.has_other("effect"));
        assert_eq!(mine.name_of_effect_prior(), "stated");
        assert_eq!(of_set(&["prior.baseline.mean = \"flat\""]).name_of_effect_prior(), "stated");
        assert!(of_set(&["prior.baseline.mean = \"flat\""]).has_other("baseline"));
        assert!(!of_set(&["prior.baseline_of = \"arms\""]).has_other("baseline"));
    }
}
