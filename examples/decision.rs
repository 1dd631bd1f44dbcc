//! A decision from the library: what a shipped decision comes to, and where another value would change it.
//!
//! `cargo run --release --example decision`

use std::error::Error;

use equipoise::decide::decide;
use equipoise::input::open_decision;
use equipoise::posterior::{Sampling, Topic};
use equipoise::report::sentence;

fn main() -> Result<(), Box<dyn Error>> {
    let decision = open_decision("rescue-stenting")?;
    let discussion = decide(&decision, Sampling::default())?;
    if !discussion.ok {
        return Err(discussion.reasons.join("; ").into());
    }
    println!("{}", decision.question);
    for statement in decision.statements() {
        println!("! {statement}");
    }
    for claim in discussion.claims.iter().filter(|c| c.estimand == Topic::Utility) {
        println!("{}", sentence(claim));
    }
    for flip in discussion.flips.iter().filter(|f| f.required_gain == 0.05) {
        let whom = flip.population.subgroup.as_deref().unwrap_or("a further similar one");
        if let Some(value) = flip.value {
            println!("{whom}: {} from a value of {value:.2} on, were a gain of 0.05 required", flip.above);
        }
    }
    Ok(())
}
