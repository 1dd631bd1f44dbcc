//! Arguments of what goes on from fits.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ChangesArgs, Format, LengthArgs, ReadingArgs, SetArgs};

const COMPARE_EXAMPLES: &str = "\
Examples:
  equipoise compare attention-ras-etiology              the answer in a few lines
  equipoise compare attention-ras-etiology --full       and every table that it rests on
  equipoise compare my-trial.toml --priors library
  equipoise compare my-trial.toml --priors neutral-strong,optimistic-moderate,my-prior
  equipoise compare my-trial.toml --grid --format json > compare.json

The stated priors, [prior], are always among them. `library` is the reanalysis library's nine (Zampieri 2021), which needs
[library] expected_odds_ratio; names are those of [priors.NAME] in the model file. Everything is fitted again under every
prior; nothing is reweighted that can be refitted.";

/// Arguments of `compare`.
#[derive(Debug, Args)]
#[command(after_help = COMPARE_EXAMPLES)]
pub struct CompareArgs {
    /// A model file, the name of a shipped model, or - for standard input
    pub model: PathBuf,
    /// Which priors beside the stated ones: names, `library`, or `all` [default: all]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub priors: Vec<String>,
    /// Refit every effect prior under five heterogeneity priors and all poolings
    #[arg(long)]
    pub grid: bool,
    /// Compare biases instead of priors: unmeasured confounding, missing outcomes, misjudged subgroups, and what would tip
    #[arg(long, conflicts_with_all = ["priors", "grid"])]
    pub bias: bool,
    #[command(flatten)]
    pub length: LengthArgs,
    /// What is printed to standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Seed of the random numbers, where the exact engine does not cover the model [default: 1]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// The most threads to use; results are the same for any number [default: all processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    #[command(flatten)]
    pub changes: SetArgs,
    #[command(flatten)]
    pub reading: ReadingArgs,
}

const DECIDE_EXAMPLES: &str = "\
Examples:
  equipoise decide rescue-stenting                      the answer in a few lines
  equipoise decide rescue-stenting --full               and every table that it rests on
  equipoise decide my-decision.toml --format json > decision.json
  equipoise decide attention-evt                        a model alone: sizes and bounds, no values

A decision file has [decision] with the question and [[outcome]] for every model that
bears on it, with utilities and bands of size; then what is wanted of [[rule]],
[[panel]], [layers], [costs] and [credibility]. `equipoise list --show
rescue-stenting` prints a whole one, `equipoise list --schema decision` its schema. A
model file may hold the same: [decision], [[decision.outcome]] and so on.";

/// Arguments of `decide`.
#[derive(Debug, Args)]
#[command(after_help = DECIDE_EXAMPLES)]
pub struct DecideArgs {
    /// A decision file, a model file, the name of a shipped one, or - for standard input
    pub decision: PathBuf,
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

const REPORT_EXAMPLES: &str = "\
Examples:
  equipoise report attention-ras-etiology               writes attention-ras-etiology.html
  equipoise report rescue-stenting                      the page of a decision
  equipoise report my-trial.toml -o page.html --figures figures --as svg,png
  equipoise report runs/my-trial -o methods.md          as Markdown, for a paper

The page needs no network and no program but a browser. Its sliders show the numbers of
`fit` at any size of effect. A model file with [decision] gives the decision's page;
`fit --report` the model's own.";

/// Arguments of `report`.
#[derive(Debug, Args)]
#[command(after_help = REPORT_EXAMPLES)]
pub struct ReportArgs {
    /// A model or decision file, the name of a shipped one, or a folder that `fit` has written
    pub model: PathBuf,
    /// The page, which ends in .html, or in .md for its words and tables as Markdown [default: <model>.html]
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub pictures: PicturesArgs,
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

/// Where figures are written, and as what.
#[derive(Debug, Clone, Args)]
pub struct PicturesArgs {
    /// A folder for the figures, each with its numbers as CSV
    #[arg(long, value_name = "DIR")]
    pub figures: Option<PathBuf>,
    /// What the figures are written as: svg, or png at 300 dpi, or both
    #[arg(
        long = "as",
        value_enum,
        value_name = "FORMAT,…",
        value_delimiter = ',',
        default_value = "svg",
        requires = "figures"
    )]
    pub formats: Vec<Picture>,
}

/// Formats of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Picture {
    /// For papers and for editing
    Svg,
    /// At 300 dpi, with its fonts drawn
    Png,
}
