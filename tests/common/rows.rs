//! Made-up patients with covariates and centres.
#![allow(dead_code, reason = "each test program uses its own part")]

use std::sync::Arc;

use equipoise::model::{Cells, HeterogeneityPrior, LocationPrior, Model, Observation, Rows};
use equipoise::sampler::{Purpose, stream};
use equipoise::study::{Adjustment, Centres, Covariate, Form, Patterns, Population, PriorFor, Term, Written};
use rand_distr::{Distribution, StandardNormal, StandardUniform};

/// How many of each.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub subgroups: usize,
    pub patterns: usize,
    pub terms: usize,
    pub centres: usize,
}

/// Patterns with normal covariates, one in four of them three patients; outcomes by a coin.
pub fn adjustment(
    sizes: Sizes,
    centre_sd: HeterogeneityPrior,
    population: Population,
    seed: u64,
) -> Adjustment {
    let mut rng = stream(seed, 0, Purpose::Simulation);
    let mut uniform = || -> f64 { StandardUniform.sample(&mut rng) };
    let mut patterns = Patterns { columns: vec![Vec::new(); sizes.terms], ..Patterns::default() };
    for i in 0..sizes.patterns {
        patterns.subgroup.push((uniform() * sizes.subgroups as f64) as u32);
        patterns.arm.push(u8::from(uniform() < 0.5));
        if sizes.centres > 0 {
            patterns.centre.push((uniform() * sizes.centres as f64) as u32);
        }
        let total = if i % 4 == 0 { 3.0 } else { 1.0 };
        patterns.totals.push(total);
        patterns.events.push(if uniform() < 0.4 { total } else { 0.0 });
    }
    let mut rng = stream(seed, 1, Purpose::Simulation);
    for column in &mut patterns.columns {
        column.extend((0..sizes.patterns).map(|_| -> f64 { StandardNormal.sample(&mut rng) }));
    }
    let name = |k: usize| format!("x{k}");
    let prior = || Written { distribution: LocationPrior::normal(0.1, 0.8), words: String::new() };
    let centres = (sizes.centres > 0).then(|| Centres {
        column: "centre".to_string(),
        names: (0..sizes.centres).map(|c| c.to_string()).collect(),
        sd: Written { distribution: centre_sd, words: String::new() },
    });
    Adjustment {
        covariates: (0..sizes.terms)
            .map(|k| Covariate { column: name(k), form: Form::Linear, per: None, unit: None })
            .collect(),
        terms: (0..sizes.terms)
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
        centres,
        population,
        patterns,
    }
}

/// A model of counts that are the sums of these rows.
pub fn of_rows(model: Model, adjustment: &Adjustment, subgroups: usize) -> Model {
    with_rows(&model, Rows::new(adjustment, subgroups))
}

/// The same model of these rows.
pub fn with_rows(model: &Model, rows: Rows) -> Model {
    let cells = model.observation.cells().expect("a model of counts");
    model.observing(Observation::Cells(Cells::of_rows(Arc::new(rows), cells.baselines().clone())))
}
