//! Arguments of `fit` and `check`.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ChangesArgs, Format, PicturesArgs, ReadingArgs};

const FIT_EXAMPLES: &str = "\
Examples:
  equipoise fit ras-basilar-function
  equipoise fit my-trial.toml --out results/my-trial
  equipoise fit my-trial.toml --format json > result.json
  equipoise fit blocker --pairs --format csv
  equipoise fit my-trial.toml --seed 7 --mcse 0.002     more certain, with other random numbers
  equipoise fit my-trial.toml --draws 1000 --save none  a fixed number, draws not kept
  equipoise fit my-trial.toml --engine exact            integration alone, nothing sampled
  equipoise fit my-trial.toml --prior pessimistic-strong
  equipoise fit my-trial.toml --set prior.effect='normal(0, 0.2)' --set model.pooling=none

Both engines run and check each other: numerical integration, and the No-U-Turn sampler. Sampling goes on until every
probability's Monte Carlo error is at most --mcse and every effective sample size at least 400. Ctrl-C stops it and
writes what is sound.

A run whose checks failed, or that was interrupted, never replaces a better one: it is written beside it, as DIR-failed or
DIR-interrupted. An earlier run under another --prior or --set becomes DIR-earlier, and so does one with draws where the
new run keeps none.

The run folder holds result.json (schema equipoise/result/2), model.toml as read, draws_parameters.csv,
draws_estimands.csv and draws_diagnostics.csv (columns .chain, .iteration, .draw first; the last has what the sampler
did at each draw, under Stan's names), and run.json with clock and host.";

/// Arguments of `fit`.
#[derive(Debug, Args)]
#[command(after_help = FIT_EXAMPLES)]
pub struct FitArgs {
    /// A model file, the name of a shipped model (see `equipoise list`), or - for a model through standard input
    pub model: PathBuf,
    /// The run folder; an earlier run there is replaced whole, unless it is better or of other priors [default: runs/<model>]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// What is printed to standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Report pairs of subgroups even where there are more than 6 subgroups
    #[arg(long)]
    pub pairs: bool,
    /// Which engines to use
    #[arg(long, value_enum, default_value_t = EngineArg::Both)]
    pub engine: EngineArg,
    #[command(flatten)]
    pub sampling: SamplingArgs,
    /// The most threads to use; results are the same for any number [default: all processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Write a page too, as `equipoise report` does
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Which draws to write into the run folder
    #[arg(long, value_enum, default_value_t = Save::Csv)]
    pub save: Save,
    /// Print and write numbers even where the run fails its checks; the exit status stays 2
    #[arg(long)]
    pub show_unreliable: bool,
    #[command(flatten)]
    pub changes: ChangesArgs,
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// Chains, and transitions of each before and after its warm-up, that can be asked for.
pub const CHAINS: RangeInclusive<i64> = 1..=64;

pub const WARMUP: RangeInclusive<i64> = 0..=1_000_000;

pub const DRAWS: RangeInclusive<i64> = 4..=10_000_000;

/// What is asked of the sampler.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Sampling")]
pub struct SamplingArgs {
    /// Seed of the random numbers [default: 1]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Chains [default: 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(CHAINS))]
    pub chains: Option<u16>,
    /// Transitions of each chain before its draws, not kept [default: 200]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(WARMUP))]
    pub warmup: Option<u32>,
    /// Draws of each chain: a fixed number, instead of sampling until the answer is sure
    #[arg(long, value_name = "N", conflicts_with = "mcse", value_parser = clap::value_parser!(u32).range(DRAWS))]
    pub draws: Option<u32>,
    /// The largest Monte Carlo error of a probability [default: 0.005]
    #[arg(long, value_name = "X", value_parser = monte_carlo_error)]
    pub mcse: Option<f64>,
}

/// Which engines compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EngineArg {
    /// Each checks the other
    Both,
    /// The No-U-Turn sampler alone
    Sampler,
    /// Numerical integration alone
    Exact,
}

/// What of the draws is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Save {
    /// Draws of parameters and of estimands, and the sampler's diagnostics of each, as CSV
    Csv,
    /// Nothing
    None,
}

fn monte_carlo_error(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if (1e-4..=0.1).contains(&x) => Ok(x),
        Ok(_) => Err("a Monte Carlo error between 0.0001 and 0.1 is expected, such as 0.005".to_string()),
        Err(_) => Err("a number such as 0.005 is expected".to_string()),
    }
}

const CHECK_EXAMPLES: &str = "\
Examples:
  equipoise check ras-basilar-function
  equipoise check my-trial.toml --format json
  equipoise check my-registry.toml --figures figures    balance and overlap of weighted patients

Of patients who are weighted no outcome is read.";

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub struct CheckArgs {
    /// A model file, the name of a shipped model, or - for standard input
    pub model: PathBuf,
    /// What is printed to standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    #[command(flatten)]
    pub pictures: PicturesArgs,
    #[command(flatten)]
    pub changes: ChangesArgs,
    #[command(flatten)]
    pub reading: ReadingArgs,
}
