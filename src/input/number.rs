//! Numbers in a model file, with errors that say what was found.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected, Visitor};

use crate::study::rules::MOST_PATIENTS;

/// A count: a whole number, 0 or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count(pub u64);

#[cfg(test)]
impl schemars::JsonSchema for Count {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Count".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", "minimum": 0 })
    }
}

struct CountVisitor;

impl Visitor<'_> for CountVisitor {
    type Value = Count;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a count: a whole number, 0 or more")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Count, E> {
        u64::try_from(value)
            .map_err(|_| E::custom(format!("found {value}, expected a count of 0 or more")))
            .and_then(|v| self.visit_u64(v))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Count, E> {
        if value > MOST_PATIENTS {
            return Err(E::custom(format!("found {value}; a count is at most a thousand million")));
        }
        Ok(Count(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Count, E> {
        if value.is_nan() {
            return Err(E::custom("found nan, expected a count: a whole number, 0 or more"));
        }
        Err(E::custom(format!("found {value:?}, expected a whole number without a decimal point")))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Count, E> {
        Err(E::invalid_type(Unexpected::Str(value), &self))
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Count, D::Error> {
        deserializer.deserialize_any(CountVisitor)
    }
}

/// A finite number, whole or not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Real(pub f64);

#[cfg(test)]
impl schemars::JsonSchema for Real {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Real".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "number" })
    }
}

struct RealVisitor;

impl Visitor<'_> for RealVisitor {
    type Value = Real;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Real, E> {
        Ok(Real(value as f64))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Real, E> {
        Ok(Real(value as f64))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Real, E> {
        if value.is_finite() {
            Ok(Real(value))
        } else {
            Err(E::custom(format!("found {value}, expected a finite number")))
        }
    }
}

impl<'de> Deserialize<'de> for Real {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Real, D::Error> {
        deserializer.deserialize_any(RealVisitor)
    }
}
