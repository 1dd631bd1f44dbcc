//! The arguments, and the help that teaches by example.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::lists::{List, Pairs, list, pairs, points_of_column, values_of_column};
use super::quick::{Pair, pair};
use crate::input::{Changes, Decimal, Reading, Rows};
use crate::report::Length;
use crate::study::{Assignment, HigherIs, Scale};

const EXAMPLES: &str = "\
Examples:
  equipoise                                   the default model's table
  equipoise quick 14/37 24/70 --higher-is worse --assignment randomised
  equipoise list                              the models shipped inside
  equipoise check ras-basilar-death           what was read, what the priors imply
  equipoise fit ras-basilar-death             the posterior; writes runs/ras-basilar-death
  equipoise compare ras-basilar-death         priors side by side, and what the answer depends on
  equipoise decide rescue-stenting            sizes, harms, rules and values before a panel
  equipoise new table.csv --help              a model file for a table or for rows of patients
  equipoise fit my-trial.toml --format csv    one long table, to standard output
  equipoise fit blocker --format json | jq '.probabilities[0]'

Exit status: 0 done; 1 the input or the call is wrong; 2 the run's checks failed;
130 interrupted: `fit` then writes what is sound, other commands write nothing.";

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

const CHECK_EXAMPLES: &str = "\
Examples:
  equipoise check ras-basilar-function
  equipoise check my-trial.toml --format json";

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

const REPORT_EXAMPLES: &str = "\
Examples:
  equipoise report attention-ras-etiology               writes attention-ras-etiology.html
  equipoise report rescue-stenting                      the page of a decision
  equipoise report my-trial.toml -o page.html --figures figures --as svg,png
  equipoise report runs/my-trial -o methods.md          as Markdown, for a paper

The page needs no network and no program but a browser. Its sliders show the numbers of
`fit` at any size of effect. A model file with [decision] gives the decision's page;
`fit --report` the model's own.";

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
    /// One self-contained HTML page of a study, and figures for a paper
    Report(ReportArgs),
    /// Write a first model file for a table of counts or of estimates, or for rows of patients
    New(NewArgs),
    /// List the models and decisions shipped inside the program
    List(ListArgs),
    /// Write a completion script for a shell
    Completions(CompletionsArgs),
    /// Write the manual page
    Man(ManArgs),
}

const NEW_EXAMPLES: &str = "\
Examples:
  equipoise new counts.xlsx --assignment observational --higher-is worse -o counts.toml
  equipoise new trial.csv --assignment randomised --higher-is worse -o trial.toml
  equipoise new ist.csv --outcome OCCODE --treatment RXASP --subgroup STYPE \\
    --event 1,2 --unknown 0,8,9 --adjust AGE,RSBP,RCONSC \\
    --assignment randomised --higher-is worse
  equipoise new trial.csv --subgroup age --cut age=65,80 --adjust age --where country=DE,FR \\
    --assignment randomised --higher-is worse

CSV (plain or gzipped), Parquet or Excel. A row is a subgroup with the events and totals of two arms (columns such as
placebo_events, placebo_total, drug_events, drug_total) or with a published estimate (or, lower, upper; log_hr, se); an arm
of a subgroup (arm, events, total); or a patient. Which it is shows in the columns' names; --rows and --columns say it.
Of patients, columns with usual names (outcome, death, treatment, arm, subgroup …) and values with usual ones (0 and 1,
N and Y) are found. What stays open is asked for, and the file's columns are listed. The file drafted runs as it is through
check, fit and compare; its priors and thresholds are suggestions.

Where an option takes several values, commas stand between them, or the option is repeated. A name that holds a comma stands
in quotes of its own: --adjust 'age,\"weight, kg\"'.";

/// How data files are read.
#[derive(Debug, Args, Default)]
pub struct ReadingArgs {
    /// Read a data file even if, unpacked, it holds more than 256 MB and more than 100 times what it takes on the disk
    #[arg(long)]
    pub large: bool,
}

impl From<&ReadingArgs> for Reading {
    fn from(said: &ReadingArgs) -> Reading {
        Reading { large: said.large }
    }
}

/// What is changed of a model when it is read.
#[derive(Debug, Args, Default)]
pub struct ChangesArgs {
    /// Fit under another prior in place of the stated one: a name of [priors], or one that [library] gives, such as pessimistic-moderate
    #[arg(long, value_name = "NAME")]
    pub prior: Option<String>,
    #[command(flatten)]
    pub set: SetArgs,
}

/// Keys that are set.
#[derive(Debug, Args, Default)]
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

const QUICK_EXAMPLES: &str = "\
Examples:
  equipoise quick 14/37 24/70 --higher-is worse --assignment randomised
  equipoise quick 30/120 19/118 22/95 21/99 --subgroups men,women --arms placebo,drug \\
    --higher-is worse --assignment randomised --threshold 0.05

Each arm is events/patients, and each subgroup two arms: control first, then active. Priors are neutral and moderate, and
stand in the output; one subgroup is fitted alone. For other priors, names and estimates write a model file (`equipoise new`).";

/// Arguments of `quick`.
#[derive(Debug, Args)]
#[command(after_help = QUICK_EXAMPLES)]
pub struct QuickArgs {
    /// Events and patients of each arm: control, active; then those of the next subgroup
    #[arg(value_name = "EVENTS/PATIENTS", required = true, num_args = 2.., value_parser = pair)]
    pub arms_of_subgroups: Vec<Pair>,
    /// Whether more events are better or worse: every sign derives from it; has to be said
    #[arg(long, value_enum)]
    pub higher_is: Option<HigherArg>,
    /// How patients came to be treated: it decides the wording of every sentence; has to be said
    #[arg(long, value_enum)]
    pub assignment: Option<AssignmentArg>,
    /// What the subgroups are called, in the order of their counts
    #[arg(long, value_name = "NAME,…", value_parser = list)]
    pub subgroups: Vec<List>,
    /// What the arms are called, control first
    #[arg(long, value_name = "CONTROL,ACTIVE", value_parser = list)]
    pub arms: Vec<List>,
    /// Risk differences to ask about, above 0; the first matters most
    #[arg(long, value_name = "X,…", value_delimiter = ',')]
    pub threshold: Vec<f64>,
    /// What is printed to standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Arguments of `new`.
#[derive(Debug, Args)]
#[command(after_help = NEW_EXAMPLES)]
pub struct NewArgs {
    /// A table with a row a subgroup or arm, or rows of patients: CSV (plain or gzipped), Parquet, or Excel (.xlsx)
    pub data: PathBuf,
    /// How patients came to be treated: it decides the wording of every sentence
    #[arg(long, value_enum)]
    pub assignment: AssignmentArg,
    /// Whether more events are better or worse: every sign derives from it
    #[arg(long, value_enum)]
    pub higher_is: HigherArg,
    /// What a row is, where the columns' names do not tell
    #[arg(long, value_enum, value_name = "KIND")]
    pub rows: Option<RowsArg>,
    /// A table's columns, such as control_events=deaths_p: keys as in a model file's [data] columns
    #[arg(long, value_name = "KEY=COLUMN,…", value_parser = pairs)]
    pub columns: Vec<Pairs>,
    /// The scale of a table's estimates, where their column's name does not tell
    #[arg(long, value_enum)]
    pub scale: Option<ScaleArg>,
    /// The outcome's column
    #[arg(long, value_name = "COLUMN")]
    pub outcome: Option<String>,
    /// The treatment's column
    #[arg(long, value_name = "COLUMN")]
    pub treatment: Option<String>,
    /// The subgroup's column
    #[arg(long, value_name = "COLUMN")]
    pub subgroup: Option<String>,
    /// All patients are one subgroup
    #[arg(long, conflicts_with = "subgroup")]
    pub no_subgroup: bool,
    /// Values of the outcome that are events; the others are none. A range of whole numbers, 0-3, stands for each
    #[arg(long, value_name = "VALUE,…", value_parser = list)]
    pub event: Vec<List>,
    /// Values of the outcome that mean that it is not known
    #[arg(long, value_name = "VALUE,…", value_parser = list)]
    pub unknown: Vec<List>,
    /// Values of the treatment that are the control arm, or its name in a table's columns. Of more than two arms, --active is
    /// needed too: rows of the others are left out and counted
    #[arg(long, value_name = "VALUE,…", value_parser = list)]
    pub control: Vec<List>,
    /// Values of the treatment that are the active arm, or its name in a table's columns
    #[arg(long, value_name = "VALUE,…", value_parser = list)]
    pub active: Vec<List>,
    /// Covariates to adjust for: numbers as they are, levels against the most frequent one
    #[arg(long, value_name = "COLUMN,…", value_parser = list)]
    pub adjust: Vec<List>,
    /// The column of the centres, which then have intercepts of their own
    #[arg(long, value_name = "COLUMN")]
    pub centre: Option<String>,
    /// Cut a column of numbers into levels, subgroups or those of a covariate: age=65,80 says where they begin; may be repeated
    #[arg(long, value_name = "COLUMN=NUMBER,…", value_parser = points_of_column)]
    pub cut: Vec<(String, Vec<f64>)>,
    /// Take only rows that have one of these values in a column: country=DE,FR; may be repeated
    #[arg(long = "where", value_name = "COLUMN=VALUE,…", value_parser = values_of_column)]
    pub keep: Vec<(String, Vec<String>)>,
    /// The worksheet of an Excel workbook [default: the first that has a table]
    #[arg(long, value_name = "SHEET")]
    pub sheet: Option<String>,
    /// What stands before the decimals of numbers in the file
    #[arg(long, value_enum, value_name = "MARK", default_value = ".")]
    pub decimal: DecimalArg,
    /// The model file; an existing one is left alone [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// What stands before decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DecimalArg {
    #[value(name = ".")]
    Point,
    #[value(name = ",")]
    Comma,
}

impl From<DecimalArg> for Decimal {
    fn from(said: DecimalArg) -> Decimal {
        match said {
            DecimalArg::Point => Decimal::Point,
            DecimalArg::Comma => Decimal::Comma,
        }
    }
}

/// What a row of a data file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RowsArg {
    /// Events and totals of a subgroup, or of one arm of it
    Counts,
    /// A published estimate of a subgroup
    Estimates,
    /// One patient
    Patients,
}

impl From<RowsArg> for Rows {
    fn from(said: RowsArg) -> Rows {
        match said {
            RowsArg::Counts => Rows::Counts,
            RowsArg::Estimates => Rows::Estimates,
            RowsArg::Patients => Rows::Patients,
        }
    }
}

/// Scales of estimates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScaleArg {
    /// Odds ratios, or their logarithms
    #[value(alias = "log_odds_ratio")]
    LogOddsRatio,
    /// Risk ratios, or their logarithms
    #[value(alias = "log_risk_ratio")]
    LogRiskRatio,
    /// Hazard ratios, or their logarithms
    #[value(alias = "log_hazard_ratio")]
    LogHazardRatio,
    /// Differences
    Difference,
}

impl From<ScaleArg> for Scale {
    fn from(said: ScaleArg) -> Scale {
        match said {
            ScaleArg::LogOddsRatio => Scale::LogOddsRatio,
            ScaleArg::LogRiskRatio => Scale::LogRiskRatio,
            ScaleArg::LogHazardRatio => Scale::LogHazardRatio,
            ScaleArg::Difference => Scale::Difference,
        }
    }
}

/// How patients came to be treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AssignmentArg {
    /// By chance
    Randomised,
    /// By judgement or circumstance
    Observational,
}

impl From<AssignmentArg> for Assignment {
    fn from(said: AssignmentArg) -> Assignment {
        match said {
            AssignmentArg::Randomised => Assignment::Randomised,
            AssignmentArg::Observational => Assignment::Observational,
        }
    }
}

/// Which way is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HigherArg {
    /// Such as recoveries
    Better,
    /// Such as deaths
    Worse,
}

impl From<HigherArg> for HigherIs {
    fn from(said: HigherArg) -> HigherIs {
        match said {
            HigherArg::Better => HigherIs::Better,
            HigherArg::Worse => HigherIs::Worse,
        }
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
    pub changes: ChangesArgs,
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// How much of what was found is printed as text.
#[derive(Debug, Args, Default)]
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

/// Arguments of `report`.
#[derive(Debug, Args)]
#[command(after_help = REPORT_EXAMPLES)]
pub struct ReportArgs {
    /// A model or decision file, the name of a shipped one, or a folder that `fit` has written
    pub model: PathBuf,
    /// The page, which ends in .html, or in .md for its words and tables as Markdown [default: <model>.html]
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
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

/// Formats of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Picture {
    /// For papers and for editing
    Svg,
    /// At 300 dpi, with its fonts drawn
    Png,
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
