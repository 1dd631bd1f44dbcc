//! Wall time of weighting: 2,000 draws of the whole-estimator bootstrap, and replays, of the made-up registry.
//!
//! `cargo bench --profile dist --bench weighting`, as what is shipped is built

#[path = "../examples/registry.rs"]
#[allow(dead_code, reason = "the example's own output")]
mod registry;

use divan::{Bencher, black_box};
use equipoise::weighting::{Cohort, Estimand, Method, Plan, SlopePrior, weighted};
use registry::patients;

fn main() {
    divan::main();
}

/// Age, NIHSS and how the thrombectomy went, standardised.
fn cohort(n: usize) -> Cohort {
    let all = patients(n, 1);
    let mut columns: Vec<Vec<f64>> = vec![
        all.iter().map(|p| p.age).collect(),
        all.iter().map(|p| p.nihss).collect(),
        all.iter().map(|p| f64::from(u8::from(p.failed))).collect(),
    ];
    for column in &mut columns {
        let mean = column.iter().sum::<f64>() / n as f64;
        let sd = (column.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n as f64 - 1.0)).sqrt();
        column.iter_mut().for_each(|x| *x = (*x - mean) / sd);
    }
    let subgroup: Vec<u32> = all.iter().map(|p| p.etiology as u32).collect();
    let arm: Vec<u8> = all.iter().map(|p| u8::from(p.stented)).collect();
    let events: Vec<f64> = all.iter().map(|p| f64::from(u8::from(p.good))).collect();
    Cohort::of_patterns((3, 2), (&subgroup, &arm), (&events, &vec![1.0; n]), &columns, None)
}

fn plan(replicates: usize, replays: usize) -> Plan {
    Plan {
        method: Method::Overlap,
        estimand: Estimand::Overlap,
        by_subgroup: true,
        prior: SlopePrior::Flat,
        truncate: None,
        replicates,
        replays,
        seed: 1,
    }
}

#[divan::bench(args = [221, 2_000, 20_000], sample_count = 5)]
fn bootstrap_of_2000(bencher: Bencher<'_, '_>, n: usize) {
    let (cohort, plan) = (cohort(n), plan(2_000, 0));
    bencher.bench(|| weighted(black_box(&cohort), &plan).map(|found| found.shares));
}

#[divan::bench(args = [221, 2_000], sample_count = 5)]
fn replay_of_1000(bencher: Bencher<'_, '_>, n: usize) {
    let (cohort, plan) = (cohort(n), plan(2, 1_000));
    bencher.bench(|| weighted(black_box(&cohort), &plan).map(|found| found.shares));
}
