//! The arguments, and the help that teaches by example.

mod fit;
mod new;
mod results;
mod trial;
mod validate;
mod words;

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};

pub use fit::{CHAINS, CheckArgs, DRAWS, EngineArg, FitArgs, SamplingArgs, Save, WARMUP};
pub use new::{NewArgs, QuickArgs};
pub use results::{CompareArgs, DecideArgs, Picture, PicturesArgs, ReportArgs};
pub use trial::{MergeArgs, NextArgs, ShardArgs, SimulateArgs};

pub use validate::{ValidateArgs, ValidateEngine};

use crate::input::{Changes, Reading};
use crate::report::Length;

const EXAMPLES: &str = "\
Examples:
  equipoise                                   the default model's table
  equipoise quick 14/37 24/70 --higher-is worse --assignment randomised
  equipoise list                              the models shipped inside
  equipoise check ras-basilar-death           what was read, what the priors imply
  equipoise fit ras-basilar-death             the posterior; writes runs/ras-basilar-death
  equipoise compare ras-basilar-death         priors side by side, and what the answer depends on
  equipoise decide rescue-stenting            sizes, harms, rules and values before a panel
  equipoise next rescue-by-etiology           what a further trial would be worth and settle
  equipoise simulate rescue-by-etiology       error rates of its rules
  equipoise validate my-trial.toml            is the program right for this model? simulated studies
  equipoise new table.csv --help              a model file for a table or for rows of patients
  equipoise fit my-trial.toml --format csv    one long table, to standard output
  equipoise fit blocker --format json | jq '.probabilities[0]'

Exit status: 0 done; 1 the input or the call is wrong; 2 checks failed, or a validation;
130 interrupted: `fit` then writes what is sound and `validate` tells of what was simulated,
other commands write nothing.";

/// The program's arguments.
#[derive(Debug, Parser)]
#[command(
    name = "equipoise",
    version,
    about = "Bayesian reanalysis of trial subgroups: how probable it is that a treatment helps or harms in each, and what the priors did to it",
    long_about = "From a trial's subgroup table or published estimates to the posterior probability that a treatment helps or harms in each subgroup, beside what the priors alone would say.\n\nWithout a command: fits the default shipped model (real counts) and prints its table.",
    after_help = EXAMPLES,
    styles = STYLES,
    arg_required_else_help = false,
    disable_help_subcommand = true
)]
pub struct Parsed {
    #[command(subcommand)]
    pub command: Option<Command>,
}

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Yellow.on_default().bold())
    .usage(AnsiColor::Yellow.on_default().bold())
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(AnsiColor::Cyan.on_default());

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compute the posterior: print its table and write a run folder
    Fit(FitArgs),
    /// Fit counts given as arguments, control arm first, without a file; writes nothing
    Quick(QuickArgs),
    /// Read model and data, print the audit and what the priors imply; no posterior
    Check(CheckArgs),
    /// Put priors side by side, and show how far each conclusion depends on them
    Compare(CompareArgs),
    /// Lay before a panel: how large, for whom, at what harm, by which rule, on whose values
    Decide(DecideArgs),
    /// What the next trial would be worth, how large, whom to enrol, and whether a panel would then agree
    Next(Box<NextArgs>),
    /// Error rates of a declared rule: studies are simulated under stated truths, analysed, and the rule is asked
    Simulate(Box<SimulateArgs>),
    /// What all shards of `simulate` or `validate` come to
    Merge(MergeArgs),
    /// One self-contained HTML page of a study, and figures for a paper
    Report(ReportArgs),
    /// Simulate studies from a model's priors, fit them, and tell whether the posteriors are right
    Validate(ValidateArgs),
    /// Write a first model file for a table of counts or of estimates, or for rows of patients
    New(Box<NewArgs>),
    /// List the models and decisions shipped inside the program
    List(ListArgs),
    /// Write a completion script for a shell
    Completions(CompletionsArgs),
    /// Write the manual page
    Man(ManArgs),
}

/// How data files are read.
#[derive(Debug, Clone, Args, Default)]
pub struct ReadingArgs {
    /// Read a data file even if, unpacked, it holds more than 256 MB and more than 100 times what it takes on the disk
    #[arg(long)]
    pub large: bool,
}

impl From<&ReadingArgs> for Reading {
    fn from(said: &ReadingArgs) -> Reading {
        Reading { large: said.large, design: false }
    }
}

/// What is changed of a model when it is read.
#[derive(Debug, Clone, Args, Default)]
pub struct ChangesArgs {
    /// Fit under another prior in place of the stated one: a name of [priors], or one that [library] gives, such as pessimistic-moderate
    #[arg(long, value_name = "NAME")]
    pub prior: Option<String>,
    #[command(flatten)]
    pub set: SetArgs,
}

/// Keys that are set.
#[derive(Debug, Clone, Args, Default)]
pub struct SetArgs {
    /// Set a key of the file for this run, such as prior.effect='normal(0, 0.2)'; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

impl From<&ChangesArgs> for Changes {
    fn from(said: &ChangesArgs) -> Changes {
        Changes { prior: said.prior.clone(), ..(&said.set).into() }
    }
}

impl From<&SetArgs> for Changes {
    fn from(said: &SetArgs) -> Changes {
        Changes { set: said.set.clone(), prior: None }
    }
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables for people
    Text,
    /// Everything, numbers in full
    Json,
    /// One long table
    Csv,
}

/// How much of what was found is printed as text.
#[derive(Debug, Clone, Args, Default)]
pub struct LengthArgs {
    /// Show everything that the answer rests on; JSON and CSV always hold it
    #[arg(long)]
    pub full: bool,
}

impl From<&LengthArgs> for Length {
    fn from(said: &LengthArgs) -> Length {
        if said.full { Length::Full } else { Length::Short }
    }
}

/// Arguments of `list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Print the file of one shipped model or decision, as a start for your own
    #[arg(long, value_name = "NAME")]
    pub show: Option<String>,
    /// Print the JSON Schema of model files, or of decision files, for editors
    #[arg(long, value_enum, value_name = "KIND", num_args = 0..=1, default_missing_value = "model", conflicts_with = "show")]
    pub schema: Option<Kind>,
}

/// Kinds of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Model files
    Model,
    /// Decision files
    Decision,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write a page for the program and one for each command into this folder, instead of one page to standard output
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
