//! Wall time of the exact engine, of a whole analysis, and of the whole process.
//!
//! `cargo bench --profile dist`, as what is shipped is built

use std::process::{Command, Stdio};

use divan::{Bencher, black_box};
use equipoise::compare::{Request, compare};
use equipoise::exact::{Baseline, CellsOfSubgroup, ExactPosterior, Extent, Lattice, Resolution};
use equipoise::input::open;
use equipoise::model::{BaselineOf, BinomialPair, HeterogeneityPrior, LocationPrior, Model};
use equipoise::posterior::{Options, analyse};

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

/// Every prior, curve, search and the grid of priors.
#[divan::bench(args = ["attention-ras-etiology", "ras-basilar-function", "ist-aspirin-subtype"], sample_count = 5)]
fn comparison(bencher: Bencher, name: &str) {
    let study = open(name).expect("shipped");
    let request = Request { grid: true, ..Request::default() };
    bencher.bench(|| compare(black_box(&study), &request).expect("all priors"));
}

/// A whole page of a fit with 4 × 1000 draws: the fit again, every other prior, biases, figures, HTML.
#[divan::bench(args = ["attention-ras-etiology", "ras-basilar-function", "solvd"])]
fn page(bencher: Bencher, name: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let equipoise = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_equipoise"))
            .args(arguments)
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("runs")
    };
    equipoise(&["fit", name, "--draws", "1000", "--out", "run"]);
    bencher.bench(|| equipoise(&["report", "run"]));
}

/// A lattice of one study, and one refit on it.
#[divan::bench(args = ["attention-ras-etiology", "blocker"])]
fn lattice(bencher: Bencher, name: &str) {
    bencher.bench(|| lattice_of(black_box(name)));
}

#[divan::bench(args = ["attention-ras-etiology", "blocker"])]
fn refit_on_lattice(bencher: Bencher, name: &str) {
    let lattice = lattice_of(name);
    let (effect, tau) = (LocationPrior::normal(0.1, 0.3), HeterogeneityPrior::HalfNormal { scale: 0.4 });
    bencher.bench(|| lattice.under(black_box(&effect), &tau).expect("resolved"));
}

fn lattice_of(name: &str) -> Lattice {
    let model = Model::of(&open(name).expect("shipped"));
    let baseline = Baseline { prior: LocationPrior::normal(0.0, 2.5), of: BaselineOf::Arms };
    let cells = model.observation.cells().expect("counts");
    let subgroup = |pair: &BinomialPair| CellsOfSubgroup { pair: pair.clone(), baseline: baseline.clone() };
    let subgroups: Vec<_> = cells.pairs().iter().map(subgroup).collect();
    let extent = Extent { typical: 0.35, fixed_tau: None, reach: 250.0, narrowest: 0.05 };
    Lattice::new(&subgroups, extent, &[0.0], Resolution::default())
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
