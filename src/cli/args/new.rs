//! Arguments of what needs no model file.

use std::path::PathBuf;

use clap::Args;

use super::super::lists::{List, Pairs, list, pairs, points_of_column, values_of_column};
use super::super::quick::{Pair, pair};
use super::words::{AssignmentArg, DecimalArg, HigherArg, RowsArg, ScaleArg};
use super::{Format, ReadingArgs};

const NEW_EXAMPLES: &str = "\
Examples:
  equipoise new counts.xlsx --assignment observational --higher-is worse -o counts.toml
  equipoise new trial.csv --assignment randomised --higher-is worse -o trial.toml
  equipoise new ist.csv --outcome OCCODE --treatment RXASP --subgroup STYPE \\
    --event 1,2 --unknown 0,8,9 --adjust AGE,RSBP,RCONSC \\
    --assignment randomised --higher-is worse
  equipoise new stroke.csv --outcome mrs --above 3 --treatment arm --subgroup sex \\
    --assignment randomised --higher-is worse
  equipoise new trial.csv --subgroup age --cut age=65,80 --adjust age --where country=DE,FR \\
    --assignment randomised --higher-is worse

CSV (plain or gzipped), Parquet or Excel. A row is a subgroup with the events and totals of two arms (columns such as
placebo_events, placebo_total, drug_events, drug_total) or with a published estimate (or, lower, upper; log_hr, se); an arm
of a subgroup (arm, events, total), or an ordered level of it (arm, level, patients); or a patient. Which it is shows in the columns' names; --rows and --columns say it.
Of patients, columns with usual names (outcome, death, treatment, arm, subgroup …) and values with usual ones (0 and 1,
N and Y) are found. What stays open is asked for, and the file's columns are listed. The file drafted runs as it is through
check, fit and compare; its priors and thresholds are suggestions.

Where an option takes several values, commas stand between them, or the option is repeated. A name that holds a comma stands
in quotes of its own: --adjust 'age,\"weight, kg\"'.";

/// Arguments of `new`.
#[derive(Debug, Args)]
#[command(after_help = NEW_EXAMPLES)]
pub struct NewArgs {
    /// A table with a row a subgroup or arm, or rows of patients: CSV (plain or gzipped), Parquet, or Excel (.xlsx)
    pub data: PathBuf,
    /// How patients came to be treated: it decides the wording of every sentence
    #[arg(long, value_enum)]
    pub assignment: AssignmentArg,
    /// Whether more events, or higher levels, are better or worse: every sign derives from it
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
    /// Of an outcome with ordered levels, all of them, lowest first; 0-6 stands for each. Numbers need no list
    #[arg(long, value_name = "VALUE,…", value_parser = list)]
    pub levels: Vec<List>,
    /// Of ordered levels, the one above which the primary cut lies: risks are of the levels above it
    #[arg(long, value_name = "LEVEL")]
    pub above: Option<String>,
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
