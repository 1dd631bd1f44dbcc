//! Arguments of what looks at studies that are not there yet.

use std::path::PathBuf;

use clap::Args;

use super::super::shards::Shard;
use super::{ChangesArgs, Format, LengthArgs, PicturesArgs, ReadingArgs};
use crate::trial::next::{ArmShare, MOST_DRAWS, SubgroupShares};
use crate::trial::simulate::MOST_REPLICATIONS;

const NEXT_EXAMPLES: &str = "\
Examples:
  equipoise next rescue-by-etiology                        ten sizes around this study's
  equipoise next rescue-by-etiology --full                 by subgroup, assurance, the panel by member
  equipoise next my-decision.toml --patients 200,400,800 --arms 1:2 --subgroups equal
  equipoise next my-decision.toml --population 20000 --trial-cost 500000 --patient-cost 2000
  equipoise next my-decision.toml --format json > next.json

Trials are drawn from the posterior, and every posterior that they lead to is exact. The
value of a trial needs utilities (see `decide`); assurance needs a rule ([[rule]]);
agreement needs a panel. Costs are in the unit of the decision's [costs].";

/// Arguments of `next`.
#[derive(Debug, Args)]
#[command(after_help = NEXT_EXAMPLES)]
pub struct NextArgs {
    /// A decision file, a model file, the name of a shipped one, or - for standard input
    pub decision: PathBuf,
    /// Patients of the trial, in all: one number or several [default: ten sizes around this study's]
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = clap::value_parser!(u64).range(2..=1_000_000))]
    pub patients: Vec<u64>,
    /// How they are divided among subgroups: as-here, equal, or shares by name such as women=2,men=1
    #[arg(long, value_name = "HOW", value_parser = subgroups, default_value = "as-here")]
    pub subgroups: SubgroupShares,
    /// How they are divided between the arms: equal, as-here, or control to active such as 1:2
    #[arg(long, value_name = "HOW", value_parser = arms, default_value = "equal")]
    pub arms: ArmShare,
    /// Trials drawn of each size
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = draws)]
    pub draws: usize,
    /// Future patients who would be treated by the result: net benefit is then shown
    #[arg(long, value_name = "N", value_parser = amount)]
    pub population: Option<f64>,
    /// What the trial costs whatever its size
    #[arg(long, value_name = "COST", value_parser = amount, requires = "population", default_value_t = 0.0)]
    pub trial_cost: f64,
    /// What every patient of the trial costs
    #[arg(long, value_name = "COST", value_parser = amount, requires = "population", default_value_t = 0.0)]
    pub patient_cost: f64,
    /// The probability of a yes whose size is looked for
    #[arg(long, value_name = "P", value_parser = probability, default_value_t = 0.8)]
    pub assurance: f64,
    #[command(flatten)]
    pub length: LengthArgs,
    /// What is printed to standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Seed of the random numbers [default: 1]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// The most threads to use; results are the same for any number [default: all processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    #[command(flatten)]
    pub changes: ChangesArgs,
    #[command(flatten)]
    pub reading: ReadingArgs,
}

fn draws(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if (100..=MOST_DRAWS).contains(&n) => Ok(n),
        _ => Err(format!("a whole number from 100 to {MOST_DRAWS} is wanted")),
    }
}

fn amount(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x.is_finite() && x >= 0.0 => Ok(x),
        _ => Err("a number of 0 or more is wanted".to_string()),
    }
}

/// A probability that is neither 0 nor 1.
pub fn probability(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(p) if p > 0.0 && p < 1.0 => Ok(p),
        _ => Err("a number between 0 and 1 is wanted".to_string()),
    }
}

fn arms(text: &str) -> Result<ArmShare, String> {
    let expected = || "equal, as-here, or control to active such as 1:2, is wanted".to_string();
    match text {
        "equal" => Ok(ArmShare::Equal),
        "as-here" => Ok(ArmShare::AsHere),
        _ => {
            let (control, active) = text.split_once(':').ok_or_else(expected)?;
            let of = |part: &str| part.trim().parse::<f64>().ok().filter(|x| x.is_finite() && *x > 0.0);
            Ok(ArmShare::Ratio(of(control).ok_or_else(expected)?, of(active).ok_or_else(expected)?))
        }
    }
}

fn subgroups(text: &str) -> Result<SubgroupShares, String> {
    match text {
        "equal" => Ok(SubgroupShares::Equal),
        "as-here" => Ok(SubgroupShares::AsHere),
        _ => {
            let mut shares: Vec<(String, f64)> = Vec::new();
            for part in text.split(',') {
                let found = part.rsplit_once('=').and_then(|(name, share)| {
                    let share = share.trim().parse::<f64>().ok()?;
                    (share.is_finite() && share >= 0.0).then(|| (name.trim().to_string(), share))
                });
                let Some((name, share)) = found else {
                    return Err(
                        "as-here, equal, or shares by name such as women=2,men=1, is wanted".to_string()
                    );
                };
                if shares.iter().any(|(known, _)| *known == name) {
                    return Err(format!("`{name}` stands twice"));
                }
                shares.push((name, share));
            }
            Ok(SubgroupShares::Given(shares))
        }
    }
}

const SIMULATE_EXAMPLES: &str = "\
Examples:
  equipoise simulate rescue-by-etiology                    error rates of its rules at this study's sizes
  equipoise simulate my-decision.toml --truth truths.toml --replications 10000
  equipoise simulate my-decision.toml --calibrate 0.025    the bound whose error is no more than that
  equipoise simulate my-decision.toml --shard 3/40 --into shards    the third of 40 parts, anywhere
  equipoise merge shards                                   what all parts come to: as one run

Studies of this study's size are drawn under every truth, each is analysed under the
stated priors ([prior], the analysis prior), and every rule is asked. Truths are
[[design.truth]] with a name, control and active (or odds_ratio), in the model file or
in a file of its own (--truth); [design] with effect, heterogeneity or baseline is the
design prior, from which truths are drawn. Without either: no effect, the risks as
observed, and draws from the analysis prior.";

/// Arguments of `simulate`.
#[derive(Debug, Clone, Args)]
#[command(after_help = SIMULATE_EXAMPLES)]
pub struct SimulateArgs {
    /// A decision file, a model file with [decision], the name of a shipped one, or - for standard input
    pub decision: PathBuf,
    /// A file with [design]: what is taken to be true, in place of the section in the model of the first outcome
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    /// Simulated studies under every truth
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = replications)]
    pub replications: usize,
    /// Find the lowest bound on each rule's probability at which a wrong yes is no more probable than this, and try it on as many fresh studies
    #[arg(long, value_name = "ERROR", value_parser = probability)]
    pub calibrate: Option<f64>,
    /// Of a wrong yes in any subgroup, not in each
    #[arg(long, requires = "calibrate")]
    pub familywise: bool,
    #[command(flatten)]
    pub shards: ShardArgs,
    #[command(flatten)]
    pub length: LengthArgs,
    /// What is printed to standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Seed of the random numbers [default: 1]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// The most threads to use; results are the same for any number [default: all processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    #[command(flatten)]
    pub changes: ChangesArgs,
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// One part of the work.
#[derive(Debug, Clone, Default, Args)]
pub struct ShardArgs {
    /// Work on one part of the simulated studies, such as 3/40, and leave it in a folder; a part that was interrupted is gone on with
    #[arg(long, value_name = "K/N", requires = "into")]
    pub shard: Option<Shard>,
    /// The folder of all parts, for `merge`
    #[arg(long, value_name = "DIR", requires = "shard")]
    pub into: Option<PathBuf>,
}

const MERGE_EXAMPLES: &str = "\
Examples:
  seq 1 40 | xargs -P 8 -I{} equipoise simulate my-decision.toml --threads 1 --shard {}/40 --into shards
  equipoise merge shards
  equipoise merge shards --format json > operating-characteristics.json

What all shards of `simulate` or `validate` come to, byte for byte as one run would have
printed it. A shard that is missing is named.";

/// Arguments of `merge`.
#[derive(Debug, Args)]
#[command(after_help = MERGE_EXAMPLES)]
pub struct MergeArgs {
    /// The folder that shards were written into
    pub folder: PathBuf,
    #[command(flatten)]
    pub length: LengthArgs,
    /// What is printed to standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Of `validate`: a report of the validation, which ends in .html, or in .md
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub pictures: PicturesArgs,
    /// The most threads to use [default: all processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

fn replications(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if (1..=MOST_REPLICATIONS).contains(&n) => Ok(n),
        Ok(0) => {
            Err("nothing can be told from no simulated study: 1 at least, some thousands usually".to_string())
        }
        _ => Err(format!("a whole number from 1 to {MOST_REPLICATIONS} is wanted")),
    }
}
