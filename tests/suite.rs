//! The integration tests, one program: linking is dear, and each would be linked with the whole library.
//!
//! `cargo test --release --test suite cli_bias` runs those of one file. `allocation.rs` counts allocations and
//! stays a program of its own.

mod common;

#[path = "../examples/registry.rs"]
#[allow(dead_code, reason = "the example's own output")]
mod registry;

#[path = "../examples/ordinal_registry.rs"]
#[allow(dead_code, reason = "the example's own output")]
mod ordinal_registry;

#[path = "../examples/technique_registry.rs"]
#[allow(dead_code, reason = "the example's own output")]
mod technique_registry;

mod adjusted;
mod arms;
mod baselines;
mod between_arms;
mod bias;
mod bias_reference;
mod brute_force;
mod builder;
mod calibration;
mod cli;
mod cli_bias;
mod cli_compare;
mod cli_decide;
mod compare;
mod compare_baselines;
mod compare_words;
mod conflict;
mod correlated;
mod damaged_inputs;
mod data_lattice;
mod decide;
mod density;
mod drafts;
mod exnex;
mod factors;
mod files_as_they_come;
mod fitted_elsewhere;
mod fitted_once;
mod golden;
mod hostile_files;
mod invariances;
mod lattice;
mod levels;
mod levels_compared;
mod levels_read;
mod levels_reference;
mod levels_reweighted;
mod levels_told;
mod model_checks;
mod newcomer;
mod patient_files;
mod patients;
mod priors_alone;
mod random_studies;
mod reading_errors;
mod readme;
mod references;
mod report;
mod rows;
mod runs;
mod runs_retold;
mod sampler;
mod sampler_extremes;
mod sentences;
mod short_answers;
mod table_files;
mod third_party;
mod tree;
mod trial;
mod trial_reference;
mod user_files;
mod validate;
mod weighting;
mod weighting_arms;
mod weighting_files;

/// A file that nobody declares would be left out in silence.
#[test]
fn every_file_of_tests_belongs_to_a_program() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).expect("a manifest");
    for entry in std::fs::read_dir(root.join("tests")).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "rs") {
            let name = path.file_stem().and_then(|s| s.to_str()).expect("a name");
            let of_suite = include_str!("suite.rs").lines().any(|line| line == format!("mod {name};"));
            let apart = manifest.contains(&format!("[[test]]\nname = \"{name}\"\n"));
            assert!(of_suite != apart, "tests/{name}.rs is in no program, or in two");
        }
    }
}
