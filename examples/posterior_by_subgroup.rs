//! A study from a model file, its report, and one number out of it: the library in ten lines.
//!
//! `cargo run --release --example posterior_by_subgroup`

use equipoise::error::Result;
use equipoise::input::open;
use equipoise::posterior::{Estimand, Measure, Options, Statement, analyse};

fn main() -> Result<()> {
    let study = open("ras-basilar-death")?;
    let report = analyse(&study, Options::default());
    for (g, name) in study.data.names().into_iter().enumerate() {
        let difference = Estimand::of_subgroup(g, Measure::RiskDifference);
        let row = report.probability(difference, Statement::Benefit, 0.0);
        if let Some(p) = row.and_then(|row| row.probability) {
            println!("{name:<20} P(fewer deaths with {}) = {p:.3}", study.treatment.active());
        }
    }
    for statement in study.statements() {
        println!("{statement}");
    }
    Ok(())
}
