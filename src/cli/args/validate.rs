//! Arguments of `validate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ChangesArgs, Format, LengthArgs, PicturesArgs, ReadingArgs, ShardArgs};

const EXAMPLES: &str = "\
Examples:
  equipoise validate ras-basilar-function
  equipoise validate my-trial.toml --replications 5000  sees smaller faults
  equipoise validate my-trial.toml --engine both        both engines, one after the other
  equipoise validate my-trial.toml --out validation.html --figures figures --as svg,png
  equipoise validate my-trial.toml --set prior.effect='normal(0, 0.2)' --format json
  equipoise validate my-trial.toml --shard 3/40 --into shards    a part of it; see `merge`
  equipoise validate                                    the shipped models that are quick enough

Simulation-based calibration: parameters are drawn from the model's own priors, data of the study's size from the
parameters; the program fits these, and the true value of every quantity is ranked in its posterior. If the program is
right for the model the ranks are uniform, whatever the priors. The answer is a line a model: calibrated, or which
quantity is not and in which way. The exit status is 2 where a model is not.

Where nobody says it 1,000 studies are simulated for the exact engine, and 200 for the sampler. Priors have to be proper.";

/// Arguments of `validate`.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct ValidateArgs {
    /// Model files or names of shipped models [default: the shipped models that are quick enough]
    #[arg(value_name = "MODEL")]
    pub models: Vec<PathBuf>,
    /// Simulated studies for each model, from 20 to 20,000 [default: 1000 for the exact engine, 200 for the sampler]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(20..=20_000))]
    pub replications: Option<u64>,
    /// Seed of the random numbers [default: 1]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Which engine fits [default: the exact one where it covers the model, else the sampler]
    #[arg(long, value_enum)]
    pub engine: Option<ValidateEngine>,
    /// What is printed to standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    #[command(flatten)]
    pub length: LengthArgs,
    /// A report of the validation, which ends in .html, or in .md
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub pictures: PicturesArgs,
    #[command(flatten)]
    pub shards: ShardArgs,
    /// The most threads to use; results are the same for any number [default: all processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    #[command(flatten)]
    pub changes: ChangesArgs,
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// Which engines fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ValidateEngine {
    /// Numerical integration
    Exact,
    /// The No-U-Turn sampler
    #[value(alias = "nuts")]
    Sampler,
    /// One after the other
    Both,
}
