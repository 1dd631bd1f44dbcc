//! `equipoise check MODEL`.

use super::args::{CheckArgs, Format};
use super::progress::opened;
use super::{Outcome, notice, print, start_threads};
use crate::error::Result;
use crate::posterior::{Options, prior_report};
use crate::report;

/// Reads, audits, and shows what the priors imply; writes nothing.
pub fn run(args: &CheckArgs) -> Result<Outcome> {
    start_threads(None)?;
    let study = opened(&args.model, (&args.reading).into(), &(&args.changes).into())?;
    let prior = prior_report(&study, Options::default());
    print(&match args.format {
        Format::Text => report::check_text(&study, prior.as_ref()),
        Format::Json => report::check_json(&study, prior.as_ref()),
        Format::Csv => report::check_csv(&study, prior.as_ref()),
    })?;
    if args.format != Format::Text {
        for statement in study.statements() {
            notice(&statement);
        }
    }
    Ok(Outcome::Done)
}
