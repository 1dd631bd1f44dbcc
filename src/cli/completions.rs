//! `equipoise completions SHELL`.

use clap::CommandFactory;

use super::args::{CompletionsArgs, Parsed};
use super::{Outcome, print};
use crate::error::Result;

/// The script, to standard output.
pub fn run(args: &CompletionsArgs) -> Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Parsed::command(), "equipoise", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Outcome::Done)
}
