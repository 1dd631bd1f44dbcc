//! The command line: one file per command. The only folder that prints.

mod again;
mod args;
mod check;
mod compare;
mod completions;
mod decide;
mod fit;
mod list;
mod lists;
mod man;
mod merge;
mod new;
mod next;
mod outputs;
mod pictures;
mod progress;
mod quick;
mod report;
mod run_folder;
mod run_place;
mod shards;
mod simulate;
mod validate;
mod whole_file;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::error::{Error, ErrorKind};
use crate::study::Study;
use crate::terminal::{shown, shown_with_emphasis};
use args::{Command, Parsed};

/// How a command that did not fail ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The work is done.
    Done,
    /// The run finished, but its checks, or a validation, did not pass.
    ChecksFailed,
    /// Stopped from outside; what was sound is written or printed.
    Interrupted,
}

/// The exit status of a program that was interrupted, as shells have it.
const INTERRUPTED: u8 = 130;

/// Runs the program: reads the arguments, does the work, reports, and says with which status to leave.
pub fn main() -> ExitCode {
    let parsed = match Parsed::try_parse() {
        Ok(parsed) => parsed,
        Err(e) => {
            // Help and version are asked for; everything else is a wrong call.
            return match e.print() {
                Err(fault) if !e.use_stderr() => ended(unprinted(fault).map(|()| Outcome::Done)),
                _ => ExitCode::from(if e.use_stderr() { 1 } else { 0 }),
            };
        }
    };
    let result = match parsed.command {
        None => fit::default_model(),
        Some(Command::Fit(args)) => fit::run(&args),
        Some(Command::Quick(args)) => quick::run(&args),
        Some(Command::Check(args)) => check::run(&args),
        Some(Command::Compare(args)) => compare::run(&args),
        Some(Command::Decide(args)) => decide::run(&args),
        Some(Command::Simulate(args)) => simulate::run(&args),
        Some(Command::Merge(args)) => merge::run(&args),
        Some(Command::Next(args)) => next::run(&args),
        Some(Command::Report(args)) => report::run(&args),
        Some(Command::Validate(args)) => validate::run(&args),
        Some(Command::New(args)) => new::run(&args),
        Some(Command::List(args)) => list::run(&args),
        Some(Command::Completions(args)) => completions::run(&args),
        Some(Command::Man(args)) => man::run(&args),
    };
    ended(result)
}

/// The exit status, with the word that belongs to it.
fn ended(result: Result<Outcome, Error>) -> ExitCode {
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::ChecksFailed) => ExitCode::from(2),
        Ok(Outcome::Interrupted) => ExitCode::from(INTERRUPTED),
        Err(e) => {
            let styled = std::io::stderr().is_terminal();
            styled_notice(&e.render(styled));
            ExitCode::from(1)
        }
    }
}

/// What is of two arms is not asked of several.
fn two_arms(study: &Study, what: &str) -> Result<(), Error> {
    if study.factors.is_some() {
        let message = format!("{what} is of subgroups of one kind, and {} has several factors", study.name);
        return Err(Error::of(ErrorKind::Unavailable, message).help(
            "`equipoise fit` and `equipoise check` take several; or take one of them, without `factors`, as the subgroups",
        ));
    }
    if !study.treatment.has_several_arms() {
        return Ok(());
    }
    let arms = study.treatment.arms.len() - 1;
    Err(Error::of(ErrorKind::Unavailable, format!("{what} is of two arms, and {} has {arms} active ones", study.name))
        .help("`equipoise fit`, `check` and `decide` take several; or name two of them: active = \"…\" in [treatment] in place of `arms`, and of patient rows control and active in [data.levels]"))
}

/// Starts the threads that compute: as many as are asked for, or one per processor.
fn start_threads(threads: Option<u16>) -> Result<(), Error> {
    // Zero is one per processor. The pool is built once in a run of the program.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.map_or(0, usize::from));
    pool.build_global().map_err(|e| {
        Error::of(ErrorKind::Unavailable, format!("the system starts no more threads: {e}"))
            .help("ask for fewer with --threads, or raise the limit of processes or of memory (`ulimit -a` shows them)")
    })
}

/// Writes to standard output; a reader that has gone away is no error.
fn print(text: &str) -> Result<(), Error> {
    let mut out = anstream::AutoStream::auto(std::io::stdout());
    out.write_all(shown_with_emphasis(text).as_bytes()).and_then(|()| out.flush()).or_else(unprinted)
}

/// What standard output could not take is an error, unless its reader has gone away.
fn unprinted(e: std::io::Error) -> Result<(), Error> {
    if e.kind() == std::io::ErrorKind::BrokenPipe {
        return Ok(());
    }
    Err(Error::of(ErrorKind::File, format!("can't write to standard output: {e}")).help("is the disk full?"))
}

/// Writes to standard error; if that fails there is nobody to tell.
fn notice(text: &str) {
    styled_notice(&shown(text));
}

/// Writes a text that may hold the terminal's colours to standard error.
fn styled_notice(text: &str) {
    let mut err = anstream::AutoStream::auto(std::io::stderr());
    let _ = writeln!(err, "{text}");
}
