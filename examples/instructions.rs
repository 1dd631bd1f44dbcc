//! A fixed piece of work, to have its instructions counted: `tests/instructions.py` runs it under valgrind.
//!
//! `instructions WORK REPETITIONS`, where WORK is
//!
//! - `gradient-2`, `gradient-22`: the log density and its gradient with so many subgroups, at eight points;
//! - `chain`: one chain on the model with 2 subgroups, 50 transitions of warm-up and 100 draws.
//!
//! Everything happens in one thread, without the clock or the platform's mathematics, so that the program's
//! own instructions are the same in every run. Without arguments each piece of work is done once.

use std::hint::black_box;

use equipoise::density::LogDensity;
use equipoise::input::open;
use equipoise::model::{Hierarchy, Model};
use equipoise::sampler::laplace::laplace;
use equipoise::sampler::warmup::schedule;
use equipoise::sampler::{Chain, Purpose, Settings, stream};

/// Of 2 and of 22 subgroups.
const SMALL: &str = "attention-ras-etiology";
const LARGE: &str = "blocker";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => ["gradient-2", "gradient-22", "chain"].iter().for_each(|work| run(work, 1)),
        [work, repetitions] => run(work, repetitions.parse().expect("a number of repetitions")),
        _ => panic!("expected: instructions WORK REPETITIONS"),
    }
}

fn run(work: &str, repetitions: usize) {
    let sum = match work {
        "gradient-2" => gradients(SMALL, repetitions),
        "gradient-22" => gradients(LARGE, repetitions),
        "chain" => chains(SMALL, repetitions),
        _ => panic!("{work} is none of gradient-2, gradient-22, chain"),
    };
    println!("{work}: {sum}");
}

fn hierarchy(name: &str) -> Hierarchy {
    Hierarchy::new(&Model::of(&open(name).expect("shipped")))
}

/// The sum of the log densities.
fn gradients(name: &str, repetitions: usize) -> f64 {
    let hierarchy = hierarchy(name);
    let mut scratch = hierarchy.scratch();
    let mut gradient = vec![0.0; hierarchy.dim()];
    // On both sides of the middle; coordinates have a scale of about 1.
    let points: Vec<Vec<f64>> =
        (0..8).map(|i| hierarchy.middle().iter().map(|m| m + 0.5 * (f64::from(i) - 3.5)).collect()).collect();
    (0..repetitions)
        .map(|i| hierarchy.evaluate(black_box(&points[i % points.len()]), &mut gradient, &mut scratch))
        .sum()
}

/// The sum of the last positions.
fn chains(name: &str, repetitions: usize) -> f64 {
    let hierarchy = hierarchy(name);
    let metric = laplace(&hierarchy, hierarchy.middle()).expect("a finite density");
    let Settings { seed, max_depth, target_acceptance, .. } = Settings::default();
    (0..repetitions)
        .map(|_| {
            let (start, motion) = (stream(seed, 0, Purpose::Start), stream(seed, 0, Purpose::Motion));
            let limits = (max_depth, target_acceptance);
            let mut chain =
                Chain::new(&hierarchy, metric.clone(), start, motion, limits).expect("a finite density");
            schedule(50).into_iter().for_each(|stage| chain.warm_up(stage, &|| false));
            for _ in 0..100 {
                black_box(chain.transition());
            }
            chain.position().iter().sum::<f64>()
        })
        .sum()
}
