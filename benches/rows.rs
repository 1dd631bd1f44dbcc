//! Wall time of rows with covariates: one gradient by each set of instructions, standardisation, and whole fits.
//!
//! `cargo bench --profile dist --bench rows`, as what is shipped is built
//!
//! The figure below a gradient's time is rows a second: its inverse is the time a row.

use std::sync::Arc;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use equipoise::density::LogDensity;
use equipoise::model::{
    BaselineOf, BaselinePrior, Baselines, Cells, HeterogeneityPrior, Hierarchy, Instructions, LevelRows,
    Levels, LocationPrior, Model, Observation, Pooling, Rows,
};
use equipoise::sampler::{Purpose, Settings, extend, start, stream};
use equipoise::study::{Adjustment, Covariate, Form, Patterns, Population, PriorFor, Term, Written};
use rand_distr::{Distribution, StandardNormal, StandardUniform};

fn main() {
    divan::main();
}

const SUBGROUPS: usize = 10;

/// Rows by subgroup and arm with normal covariates, without outcomes.
fn adjustment(rows: usize, terms: usize) -> Adjustment {
    let mut rng = stream(1, 0, Purpose::Simulation);
    let mut uniform = || -> f64 { StandardUniform.sample(&mut rng) };
    let mut patterns = Patterns { columns: vec![Vec::new(); terms], ..Patterns::default() };
    for _ in 0..rows {
        patterns.subgroup.push((uniform() * SUBGROUPS as f64) as u32);
        patterns.arm.push(u8::from(uniform() < 0.5));
        patterns.totals.push(1.0);
        patterns.events.push(0.0);
    }
    let mut rng = stream(1, 1, Purpose::Simulation);
    for column in &mut patterns.columns {
        column.extend((0..rows).map(|_| -> f64 { StandardNormal.sample(&mut rng) }));
    }
    let name = |k: usize| format!("x{k}");
    let prior = || Written { distribution: LocationPrior::normal(0.0, 1.0), words: String::new() };
    Adjustment {
        covariates: (0..terms)
            .map(|k| Covariate { column: name(k), form: Form::Linear, per: None, unit: None })
            .collect(),
        terms: (0..terms)
            .map(|k| Term {
                name: name(k),
                covariate: k,
                level: None,
                mean: 0.0,
                sd: 1.0,
                prior: prior(),
                prior_for: PriorFor::StandardDeviation,
            })
            .collect(),
        centres: None,
        population: Population::All,
        patterns,
    }
}

/// Outcomes of a model with small effects.
fn model(rows: usize, terms: usize) -> Model {
    let adjustment = adjustment(rows, terms);
    let empty = Rows::new(&adjustment, SUBGROUPS);
    let cells: Vec<f64> = (0..2 * SUBGROUPS).map(|i| -0.5 + 0.02 * i as f64).collect();
    let gamma: Vec<f64> = (0..terms).map(|k| 0.3 - 0.1 * k as f64).collect();
    let drawn = empty.with_drawn_outcomes(&cells, (&gamma, &[]), &mut stream(1, 2, Purpose::Simulation));
    Model {
        observation: of_rows(drawn),
        pooling: Pooling::Partial(HeterogeneityPrior::HalfNormal { scale: 0.25 }),
        effect: LocationPrior::normal(0.0, 0.355),
    }
}

fn of_rows(rows: Rows) -> Observation {
    let prior = BaselinePrior::Independent(LocationPrior::normal(0.0, 1.5));
    Observation::Cells(Cells::of_rows(Arc::new(rows), Baselines { prior, of: BaselineOf::Arms }))
}

/// The same patients on seven ordered levels with shared cut points.
fn levels(rows: usize, terms: usize) -> Model {
    const SHARES: [f64; 7] = [0.08, 0.14, 0.15, 0.2, 0.18, 0.08, 0.17];
    let mut of = adjustment(rows, terms);
    let mut rng = stream(1, 3, Purpose::Simulation);
    let mut levels = Levels {
        counts: vec![[vec![0.0; 7], vec![0.0; 7]]; SUBGROUPS],
        primary: 3,
        shared: true,
        concentrations: vec![1.0; 7],
        departure: None,
    };
    for i in 0..of.patterns.len() {
        let mut left: f64 = StandardUniform.sample(&mut rng);
        let level = SHARES.iter().position(|share| {
            left -= share;
            left < 0.0
        });
        let level = level.unwrap_or(6);
        let (g, arm) = (of.patterns.subgroup[i] as usize, usize::from(of.patterns.arm[i]));
        levels.counts[g][arm][level] += 1.0;
        of.patterns.level.push(level as u32);
    }
    let (a, b) = levels.risk();
    let prior = BaselinePrior::Exchangeable {
        mean: LocationPrior::LogitBeta { a, b },
        sd: HeterogeneityPrior::HalfNormal { scale: 1.0 },
    };
    let rows = LevelRows::new(Arc::new(of), &levels);
    let baselines = Baselines { prior, of: BaselineOf::Control };
    Model {
        observation: Observation::Cells(Cells::of_levels(levels, Some(rows), baselines)),
        pooling: Pooling::Partial(HeterogeneityPrior::HalfNormal { scale: 0.25 }),
        effect: LocationPrior::normal(0.0, 0.355),
    }
}

const SIZES: [(usize, usize); 5] = [(20_000, 1), (20_000, 6), (20_000, 20), (200_000, 6), (200_000, 20)];

#[divan::bench(args = SIZES, consts = [0, 1, 2])]
fn gradient<const WIDTH: usize>(bencher: Bencher, (rows, terms): (usize, usize)) {
    let all = Instructions::available();
    let instructions = all[WIDTH.min(all.len() - 1)];
    let model = model(rows, terms);
    let model = model.observing(of_rows(model.observation.rows().expect("rows").by(instructions)));
    let hierarchy = Hierarchy::new(&model);
    let mut scratch = hierarchy.scratch();
    let mut gradient = vec![0.0; hierarchy.dim()];
    let q = hierarchy.middle();
    bencher
        .counter(ItemsCount::new(rows))
        .bench_local(|| hierarchy.evaluate(black_box(&q), black_box(&mut gradient), &mut scratch));
}

/// Of seven levels, to be held against the gradient of a binary outcome.
#[divan::bench(args = [(221, 4), (20_000, 6), (200_000, 6)])]
fn gradient_of_levels(bencher: Bencher, (rows, terms): (usize, usize)) {
    let hierarchy = Hierarchy::new(&levels(rows, terms));
    let mut scratch = hierarchy.scratch();
    let mut gradient = vec![0.0; hierarchy.dim()];
    let q = hierarchy.middle();
    bencher
        .counter(ItemsCount::new(rows))
        .bench_local(|| hierarchy.evaluate(black_box(&q), black_box(&mut gradient), &mut scratch));
}

/// Both risks of every subgroup over all rows, once.
#[divan::bench(args = SIZES)]
fn standardisation(bencher: Bencher, (rows, terms): (usize, usize)) {
    let model = model(rows, terms);
    let adjusted = model.observation.rows().expect("rows");
    let (alpha, theta, gamma) = ([-0.4; SUBGROUPS], [0.1; SUBGROUPS], vec![0.1; terms]);
    let mut risks = [[0.0; 2]; SUBGROUPS];
    bencher
        .counter(ItemsCount::new(rows))
        .bench_local(|| adjusted.standardised((&alpha, &theta), (black_box(&gamma), &[]), &mut risks));
}

/// Four chains of 1,000 draws after the usual warm-up.
#[divan::bench(args = [(20_000, 6), (200_000, 6)], sample_count = 1, sample_size = 1)]
fn draws(bencher: Bencher, (rows, terms): (usize, usize)) {
    let model = model(rows, terms);
    bencher.bench_local(|| {
        let hierarchy = Hierarchy::new(&model);
        let mut chains =
            start(&hierarchy, hierarchy.middle(), &Settings::default(), &()).expect("a point to begin at");
        extend(&mut chains, 1_000, &());
        black_box(chains.iter().map(|c| c.draws.len()).sum::<usize>())
    });
}
