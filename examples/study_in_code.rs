//! A study built in code, without a model file: its subgroups, its priors, and what is probable after the data and before.
//!
//! `cargo run --release --example study_in_code`

use std::error::Error;

use equipoise::posterior::{Measure, Options, Scope, Statement, analyse};
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
    for row in &report.probabilities {
        let wanted = row.scope == Scope::Subgroup
            && row.statement == Statement::BenefitAtLeast
            && row.measure == Measure::RiskDifference;
        if let (true, Some(name), Some(p), Some(before)) = (wanted, &row.subgroup, row.best(), row.prior) {
            println!(
                "{name:<6} P(at least {} fewer deaths) = {p:.2}, before the data {before:.2}",
                row.threshold
            );
        }
    }
    // The same study as a model file, for the program and for readers.
    println!("\n{}", study.text);
    Ok(())
}
