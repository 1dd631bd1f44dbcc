//! A study built in code, without a model file: its subgroups, its priors, and what is probable after the data and before.
//!
//! `cargo run --release --example study_in_code`

use std::error::Error;

use equipoise::posterior::{Estimand, Measure, Options, Statement, analyse};
use equipoise::study::distributions::{half_normal, normal};
use equipoise::study::{Assignment, Endpoint, HigherIs, PriorChanges, Priors, Study};

fn main() -> Result<(), Box<dyn Error>> {
    let study = Study::builder("A trial of ours", Assignment::Randomised)
        .outcome(Endpoint::events("death at 90 days", HigherIs::Worse).called("deaths"))
        .arms("placebo", "drug")
        .subgroup_name("sex")
        .group("men", [(30, 120), (19, 118)])
        .group("women", [(22, 95), (21, 99)])
        .priors(Priors::partial(normal(0.0, 0.355), half_normal(0.5)))
        .named("sceptic", PriorChanges::new().effect(normal(0.0, 0.1)))
        .thresholds(Measure::RiskDifference, [0.02, 0.05])
        .primary(Measure::RiskDifference, 0.05)
        .build()?;
    let report = analyse(&study, Options::default());
    for (g, name) in study.data.names().into_iter().enumerate() {
        let difference = Estimand::of_subgroup(g, Measure::RiskDifference);
        let row = report.probability(difference, Statement::BenefitAtLeast, 0.05);
        if let Some((p, before)) = row.and_then(|row| row.best().zip(row.prior)) {
            println!("{name:<6} P(at least 5 points fewer deaths) = {p:.2}, before the data {before:.2}");
        }
    }
    // The same study as a model file, for the program and for readers.
    println!("\n{}", study.text);
    Ok(())
}
