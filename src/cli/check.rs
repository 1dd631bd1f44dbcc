//! `equipoise check MODEL`.

use super::args::{CheckArgs, Format};
use super::progress::opened;
use super::{Outcome, notice, print, start_threads};
use crate::error::Result;
use crate::input::Reading;
use crate::posterior::{Options, prior_report};
use crate::report;

/// Reads, audits, and shows what the priors imply; writes nothing.
pub fn run(args: &CheckArgs) -> Result<Outcome> {
    start_threads(None)?;
    // Of a study that is weighted no outcome is read: what is checked here is settled before it.
    let reading = Reading { design: true, ..(&args.reading).into() };
    let study = opened(&args.model, reading, &(&args.changes).into())?;
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
