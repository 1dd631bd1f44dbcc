//! A validation as JSON, schema `equipoise/validate/1`, and as CSV.

use serde::Serialize;

use super::super::json::{ModelHead, model_head, pretty};
use super::super::records::{Cell, Records, record};
use super::Validated;
use crate::calibrate::{Checked, FALSE_ALARM, Fault};

const SCHEMA: &str = "equipoise/validate/1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    version: &'static str,
    /// Whether all models are.
    calibrated: bool,
    models: Vec<OfModel<'a>>,
}

#[derive(Serialize)]
struct OfModel<'a> {
    model: ModelHead<'a>,
    statements: Vec<String>,
    engine: &'static str,
    seed: u64,
    /// Simulated studies, those that were asked for, those with a number that was not proven, and those whose sampler diverged.
    replications: usize,
    asked: u64,
    unanswered: usize,
    diverged: usize,
    calibrated: bool,
    /// The probability that ranks of a right fit are called wrong, of all quantities together, and the p-value at which one is.
    false_alarm: f64,
    limit: f64,
    quantities: Vec<OfQuantity>,
}

#[derive(Serialize)]
struct OfQuantity {
    quantity: String,
    ranks: usize,
    /// Null without ranks, as those that follow.
    p_value: Option<f64>,
    mean_rank: Option<f64>,
    within_50: Option<f64>,
    within_90: Option<f64>,
    faults: Vec<Fault>,
    /// For k = 1 … 99 the number of ranks below k, and the fewest and the most that the band allows.
    below: Vec<usize>,
    band: Vec<[usize; 2]>,
}

fn known(x: f64) -> Option<f64> {
    x.is_finite().then_some(x)
}

fn of_quantity(told: &Validated<'_>, c: &Checked) -> OfQuantity {
    OfQuantity {
        quantity: told.key(c.quantity),
        ranks: c.ranks,
        p_value: known(c.p_value),
        mean_rank: known(c.mean_rank),
        within_50: known(c.within_half),
        within_90: known(c.within_ninety),
        faults: c.faults.clone(),
        below: c.below.clone(),
        band: c.band.clone(),
    }
}

fn of_model<'a>(told: &'a Validated<'_>) -> OfModel<'a> {
    let v = told.validation;
    OfModel {
        model: model_head(told.study),
        statements: told.study.statements(),
        engine: told.fitter_key(),
        seed: v.seed,
        replications: v.replications,
        asked: told.asked,
        unanswered: v.unanswered,
        diverged: v.diverged,
        calibrated: v.is_calibrated(),
        false_alarm: FALSE_ALARM,
        limit: v.limit,
        quantities: v.checked.iter().map(|c| of_quantity(told, c)).collect(),
    }
}

/// All models as one JSON document.
pub fn validate_json(all: &[Validated<'_>]) -> String {
    pretty(&Document {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        calibrated: all.iter().all(|told| told.validation.is_calibrated()),
        models: all.iter().map(of_model).collect(),
    })
}

record! {
    /// A quantity of a model; `faults` has a space between two, and is empty where ranks stay within their band.
    Row {
        model, engine, seed, replications, quantity, ranks, p_value, limit, mean_rank, within_50, within_90, faults, caveat,
    }
}

/// All models' quantities as one CSV table, with the studies' statements.
pub fn validate_csv(all: &[Validated<'_>]) -> String {
    let rows = all.iter().flat_map(|told| {
        let v = told.validation;
        let caveat = Cell::from(told.study.statements().join(" "));
        v.checked.iter().map(move |c| Row {
            model: (&told.study.name).into(),
            engine: told.fitter_key().into(),
            seed: (v.seed as f64).into(),
            replications: (v.replications as f64).into(),
            quantity: told.key(c.quantity).into(),
            ranks: (c.ranks as f64).into(),
            p_value: c.p_value.into(),
            limit: v.limit.into(),
            mean_rank: c.mean_rank.into(),
            within_50: c.within_half.into(),
            within_90: c.within_ninety.into(),
            faults: faults(&c.faults).into(),
            caveat: caveat.clone(),
        })
    });
    Records::of(rows).csv()
}

fn faults(all: &[Fault]) -> String {
    let word = |f: &Fault| serde_json::to_value(f).ok()?.as_str().map(str::to_string);
    all.iter().filter_map(word).collect::<Vec<String>>().join(" ")
}
