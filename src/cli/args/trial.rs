//! Arguments of what looks at studies that are not there yet.

use std::path::PathBuf;

use clap::Args;

use super::{ChangesArgs, Format, LengthArgs, ReadingArgs};
use crate::trial::next::{ArmShare, MOST_DRAWS, SubgroupShares};

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
        _ => Err("a number between 0 and 1 is wanted, such as 0.8".to_string()),
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
