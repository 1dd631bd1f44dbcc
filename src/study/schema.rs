//! The JSON Schemas of model and decision files, for editors.

use schemars::JsonSchema;

use super::{DecisionFile, ModelFile};

/// Generated from the types that read model files; `models/model.schema.json` is this text.
pub fn json_schema() -> String {
    schema_of::<ModelFile>()
}

/// The same of decision files; `decisions/decision.schema.json` is this text.
pub fn decision_schema() -> String {
    schema_of::<DecisionFile>()
}

fn schema_of<T: JsonSchema>() -> String {
    let schema = schemars::generate::SchemaSettings::draft07().into_generator().into_root_schema_for::<T>();
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}
