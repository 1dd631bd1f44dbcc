//! A study from a model file, its report, and one number out of it: the library in ten lines.
//!
//! `cargo run --release --example posterior_by_subgroup`

use equipoise::error::Result;
use equipoise::input::open;
use equipoise::posterior::{Measure, Options, Scope, Statement, analyse};

fn main() -> Result<()> {
    let study = open("ras-basilar-death")?;
    let report = analyse(&study, Options::default());
    for row in &report.probabilities {
        let wanted = row.scope == Scope::Subgroup
            && row.statement == Statement::Benefit
            && row.measure == Measure::RiskDifference;
        if let (true, Some(name), Some(p)) = (wanted, &row.subgroup, row.probability) {
            println!("{name:<20} P(fewer deaths with {}) = {p:.3}", study.treatment.active());
        }
    }
    for statement in study.statements() {
        println!("{statement}");
    }
    Ok(())
}
