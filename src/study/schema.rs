//! The JSON Schema of model files, for editors.

use super::ModelFile;

/// Generated from the types that read model files; `models/model.schema.json` is this text.
pub fn json_schema() -> String {
    let schema =
        schemars::generate::SchemaSettings::draft07().into_generator().into_root_schema_for::<ModelFile>();
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}
