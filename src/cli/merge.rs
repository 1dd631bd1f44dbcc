//! `equipoise merge DIR`.

use clap::Parser;

use super::args::{Command, MergeArgs, Parsed};
use super::shards::Plan;
use super::{Outcome, simulate, start_threads, validate};
use crate::error::{Error, ErrorKind, Place, Result};

/// Prints what all shards of a folder come to, as one run would have.
pub fn run(args: &MergeArgs) -> Result<Outcome> {
    start_threads(args.threads)?;
    let plan = Plan::read(&args.folder)?;
    let words = std::iter::once("equipoise").chain(plan.arguments.iter().map(String::as_str));
    let command = Parsed::try_parse_from(words).ok().and_then(|parsed| parsed.command);
    match command {
        Some(Command::Simulate(mut told)) => {
            if args.out.is_some() || args.pictures.figures.is_some() {
                return Err(Error::of(ErrorKind::Usage, "--out and --figures are of shards of `validate`")
                    .help("`--format json` and `--format csv` hold everything about `simulate`"));
            }
            (told.format, told.length.full) = (args.format, args.length.full);
            simulate::merged(&told, &args.folder, &plan).map_err(|e| of_plan(e, &plan))
        }
        Some(Command::Validate(mut told)) => {
            (told.format, told.length.full) = (args.format, args.length.full);
            (told.out, told.pictures) = (args.out.clone(), args.pictures.clone());
            validate::merged(&told, &args.folder, &plan).map_err(|e| of_plan(e, &plan))
        }
        _ => Err(Error::of(
            ErrorKind::Value,
            format!("the plan's command is none that has shards: {}", plan.command()),
        )
        .at(Place::File(args.folder.join("plan.json").display().to_string()))
        .help("only `simulate` and `validate` have shards")),
    }
}

/// A model that is not found is looked for from another folder than its shards were.
fn of_plan(e: Error, plan: &Plan) -> Error {
    match e.kind() {
        ErrorKind::Unknown | ErrorKind::File => e.help(format!(
            "the plan's command is `{}`: run `merge` in the folder that its shards were started in",
            plan.command()
        )),
        _ => e,
    }
}
