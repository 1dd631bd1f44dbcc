//! Wall time of the sampler, from one gradient to a whole fit.
//!
//! `cargo bench --profile dist --bench sampler`, as what is shipped is built
//!
//! A leapfrog can't be called from outside. `leapfrogs` therefore times the same transitions as `draws` and
//! counts their steps: the figure below the time is leapfrogs a second, each with its share of the tree's
//! work.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use equipoise::density::LogDensity;
use equipoise::input::open;
use equipoise::model::{Hierarchy, Model};
use equipoise::posterior::{Engine, Options, analyse};
use equipoise::sampler::{Recorded, Settings, extend, start};

/// Of 2, 5 and 22 subgroups.
const MODELS: [&str; 3] = ["attention-ras-etiology", "ist-aspirin-subtype", "blocker"];

/// Transitions that are timed together.
const DRAWS: usize = 1000;

fn main() {
    divan::main();
}

fn hierarchy(name: &str) -> Hierarchy {
    Hierarchy::new(&Model::of(&open(name).expect("shipped")))
}

/// The log density and its gradient, near the middle of the coordinates.
#[divan::bench(args = MODELS, sample_size = 1000)]
fn gradient(bencher: Bencher, name: &str) {
    let hierarchy = hierarchy(name);
    let mut scratch = hierarchy.scratch();
    let mut gradient = vec![0.0; hierarchy.dim()];
    let q: Vec<f64> = hierarchy.middle().iter().map(|m| m + 0.3).collect();
    bencher.bench_local(|| hierarchy.evaluate(black_box(&q), black_box(&mut gradient), &mut scratch));
}

/// A thousand transitions of one chain after its warm-up, with their record.
#[divan::bench(args = MODELS)]
fn draws(bencher: Bencher, name: &str) {
    let hierarchy = hierarchy(name);
    let mut chain = warmed_up(&hierarchy);
    bencher.counter(ItemsCount::new(DRAWS)).bench_local(|| go_on(&mut chain));
}

/// The same transitions by their leapfrog steps, whose mean number is taken from twenty thousand others.
#[divan::bench(args = MODELS)]
fn leapfrogs(bencher: Bencher, name: &str) {
    const OTHERS: usize = 20;
    let hierarchy = hierarchy(name);
    let mut chain = warmed_up(&hierarchy);
    let steps: u32 = (0..OTHERS).map(|_| go_on(&mut chain)).sum();
    bencher.counter(ItemsCount::new(steps as usize / OTHERS)).bench_local(|| go_on(&mut chain));
}

fn warmed_up(hierarchy: &Hierarchy) -> Vec<Recorded<'_, Hierarchy>> {
    let settings = Settings { chains: 1, ..Settings::default() };
    start(hierarchy, hierarchy.middle(), &settings, &()).expect("a finite density")
}

/// A thousand draws more; returns their leapfrog steps. The record is emptied first, lest it grow.
fn go_on(chain: &mut [Recorded<'_, Hierarchy>]) -> u32 {
    for recorded in &mut *chain {
        recorded.draws.clear();
        recorded.transitions.clear();
    }
    extend(chain, DRAWS, &());
    chain.iter().flat_map(|recorded| &recorded.transitions).map(|t| t.steps).sum()
}

/// Both engines, the priors, and every row of the result.
#[divan::bench(args = MODELS)]
fn both_engines(bencher: Bencher, name: &str) {
    whole_fit(bencher, name, Engine::Both);
}

/// The sampler, the priors, and every row of the result.
#[divan::bench(args = MODELS)]
fn sampler_alone(bencher: Bencher, name: &str) {
    whole_fit(bencher, name, Engine::Sampler);
}

fn whole_fit(bencher: Bencher, name: &str, engine: Engine) {
    let study = open(name).expect("shipped");
    let options = Options { engine, ..Options::default() };
    bencher.bench(|| analyse(black_box(&study), options));
}
