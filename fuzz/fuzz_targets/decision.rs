//! Whatever stands in a decision file is read, or refused in words.
#![no_main]

use equipoise::input::open_decision;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("decision.toml");
    std::fs::write(&path, bytes).expect("written");
    if let Err(error) = open_decision(&path) {
        assert!(!error.to_string().is_empty());
    }
});
