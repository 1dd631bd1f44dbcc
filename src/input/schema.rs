//! The JSON Schemas of model and decision files, for editors: the texts that are kept beside the shipped files. Tests derive
//! them from the types that read those files, so that the program carries no generator.

/// Of model files.
pub fn json_schema() -> &'static str {
    include_str!("../../models/model.schema.json")
}

/// Of decision files.
pub fn decision_schema() -> &'static str {
    include_str!("../../decisions/decision.schema.json")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{DecisionFile, ModelFile};
    use super::*;

    fn derived<T: schemars::JsonSchema>() -> String {
        let settings = schemars::generate::SchemaSettings::draft07();
        let schema = settings.into_generator().into_root_schema_for::<T>();
        serde_json::to_string_pretty(&schema).unwrap() + "\n"
    }

    /// `UPDATE_SCHEMA=1 cargo test --release --lib schema` writes the files anew.
    #[test]
    fn the_schemas_kept_are_those_the_files_are_read_by() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let both = [
            ("models/model.schema.json", json_schema(), derived::<ModelFile>()),
            ("decisions/decision.schema.json", decision_schema(), derived::<DecisionFile>()),
        ];
        for (path, kept, derived) in both {
            if std::env::var_os("UPDATE_SCHEMA").is_some() {
                std::fs::write(root.join(path), derived).unwrap();
            } else {
                assert!(
                    kept == derived,
                    "{path} is not what the program reads by: see the head of this test"
                );
            }
        }
    }
}
