//! How many effective draws a second the sampler makes.
//!
//! `cargo run --release --example effective_draws [MODEL]`
//!
//! Fits a shipped model (attention-ras-etiology if none is named) with the sampler alone, and takes the
//! least effective sample size, bulk or tail, over everything that is reported. Then the same chains are
//! sampled again, several times, for the time of sampling alone: finding the mode, warm-up and draws,
//! without summaries. The median time counts.

use std::error::Error;
use std::time::Instant;

use equipoise::input::open;
use equipoise::model::{Hierarchy, Model};
use equipoise::posterior::{Engine, Options, analyse};
use equipoise::sampler::{Settings, extend, start};

/// Of which the median is taken.
const TIMES: usize = 11;

fn main() -> Result<(), Box<dyn Error>> {
    let name = std::env::args().nth(1).unwrap_or_else(|| "attention-ras-etiology".to_string());
    let study = open(&name)?;
    let report = analyse(&study, Options { engine: Engine::Sampler, ..Options::default() });
    let ran = report.settings.sampler.ok_or("nothing was sampled")?;
    let bulk = report.checks.min_ess_bulk.ok_or("the draws are too few for an effective sample size")?;
    let tail = report.checks.min_ess_tail.ok_or("the draws are too few for an effective sample size")?;
    let effective = bulk.min(tail);

    let hierarchy = Hierarchy::new(&Model::of(&study));
    let settings = Settings { seed: ran.seed, chains: ran.chains, warmup: ran.warmup, ..Settings::default() };
    let mut seconds = [0.0; TIMES];
    for taken in &mut seconds {
        let begun = Instant::now();
        let mut chains = start(&hierarchy, hierarchy.middle(), &settings, &()).ok_or("no finite density")?;
        extend(&mut chains, ran.draws, &());
        *taken = begun.elapsed().as_secs_f64();
    }
    seconds.sort_by(f64::total_cmp);
    let median = seconds[TIMES / 2];

    println!("{name}: {} chains of {} draws, {} in all", ran.chains, ran.draws, ran.chains * ran.draws);
    println!("least effective sample size {effective:.0} (bulk {bulk:.0}, tail {tail:.0})");
    println!("sampling took {:.2} ms, its warm-up of {} a chain included", 1e3 * median, ran.warmup);
    println!("{:.0} effective draws a second", effective / median);
    Ok(())
}
