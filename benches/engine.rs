//! Wall time of the exact engine, of a whole analysis, and of the whole process.
//!
//! `cargo bench`

use std::process::{Command, Stdio};

use divan::{Bencher, black_box};
use equipoise::exact::{ExactPosterior, Resolution};
use equipoise::model::Model;
use equipoise::posterior::{Options, analyse};
use equipoise::study::open;

const MODELS: [&str; 6] = [
    "attention-ras-etiology",
    "ras-basilar-function",
    "ras-basilar-sich",
    "ist-aspirin-subtype",
    "blocker",
    "eight-schools",
];

fn main() {
    divan::main();
}

/// The posterior alone: all integrals, no summaries.
#[divan::bench(args = MODELS)]
fn exact_engine(bencher: Bencher, name: &str) {
    let study = open(name).expect("shipped");
    let model = Model::of(&study);
    bencher.bench(|| ExactPosterior::new(black_box(&model), Resolution::default()));
}

/// Posterior, prior, and every row of the result.
#[divan::bench(args = MODELS)]
fn whole_analysis(bencher: Bencher, name: &str) {
    let study = open(name).expect("shipped");
    bencher.bench(|| analyse(black_box(&study), Options::default()));
}

/// `equipoise fit MODEL`, with reading, printing and writing the run folder.
#[divan::bench(args = MODELS)]
fn whole_process(bencher: Bencher, name: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    bencher.bench(|| {
        Command::new(env!("CARGO_BIN_EXE_equipoise"))
            .args(["fit", name, "--out", "run"])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("runs")
    });
}
