//! Levels, their worth, and departures from proportional odds as they stand in the model file.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use super::number::Real;

/// A level's name: "3", or 3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(pub String);

#[cfg(test)]
impl schemars::JsonSchema for Name {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Name".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": ["string", "integer"] })
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Name, D::Error> {
        struct NameVisitor;
        impl Visitor<'_> for NameVisitor {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a level's name, such as \"3\" or \"dead\"")
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<Name, E> {
                Ok(Name(value.to_string()))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Name, E> {
                Ok(Name(value.to_string()))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Name, E> {
                Err(E::custom(format_args!(
                    "a level called {value}, a number with a point; write it in quotes as it is called: \"{value}\""
                )))
            }
        }
        deserializer.deserialize_any(NameVisitor)
    }
}

/// A word, or numbers.
#[derive(Debug, Clone)]
pub enum WordOrNumbers {
    Word(String),
    Numbers(Vec<f64>),
}

/// A published set by name, or one number a level.
pub type UtilityEntry = WordOrNumbers;

/// "death", "linear", "unconstrained", or one number a cut.
pub type DepartureEntry = WordOrNumbers;

impl<'de> Deserialize<'de> for WordOrNumbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<WordOrNumbers, D::Error> {
        struct EntryVisitor;
        impl<'de> Visitor<'de> for EntryVisitor {
            type Value = WordOrNumbers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name in quotes, or a list of numbers")
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<WordOrNumbers, E> {
                Ok(WordOrNumbers::Word(value.trim().to_string()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<WordOrNumbers, A::Error> {
                let mut all = Vec::new();
                while let Some(Real(x)) = list.next_element()? {
                    all.push(x);
                }
                Ok(WordOrNumbers::Numbers(all))
            }
        }
        deserializer.deserialize_any(EntryVisitor)
    }
}

/// What levels are worth.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "describes UtilityEntry to editors")]
pub enum UtilityWords {
    /// A published set: "dawn", "eq-5d", "who-gbd", "japan".
    Set(String),
    /// One number a level, in the order of the levels.
    Numbers(Vec<f64>),
}

/// How far odds depart from proportional ones.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "describes DepartureEntry to editors")]
pub enum DepartureWords {
    /// "death", "linear" or "unconstrained".
    Shape(String),
    /// One number a cut: the log odds ratio there is θ + δ times it.
    Numbers(Vec<f64>),
}
