//! Whatever stands in a model file is read and checked, or refused in words.
#![no_main]

use equipoise::posterior::{Options, prior_report};
use equipoise::input::open;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.toml");
    std::fs::write(&path, bytes).expect("written");
    match open(&path) {
        Ok(study) => drop(prior_report(&study, Options::default())),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
