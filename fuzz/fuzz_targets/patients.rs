//! Whatever stands in a file of patients, CSV, gzip, Parquet or Excel, is read within its own size, or refused in words.
#![no_main]

use equipoise::input::{Reading, survey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("patients");
    std::fs::write(&path, bytes).expect("written");
    if let Err(error) = survey(&path, Reading::default()) {
        assert!(!error.to_string().is_empty());
    }
});
