//! `equipoise check MODEL`.

use super::args::{CheckArgs, Format};
use super::progress::opened;
use super::{Outcome, notice, pictures, print, start_threads};
use crate::error::{Error, ErrorKind, Result};
use crate::input::Reading;
use crate::posterior::{Options, prior_report};
use crate::report::{self, Figure};
use crate::study::Study;

/// Reads, audits, and shows what the priors imply; writes nothing but the figures that are asked for.
pub fn run(args: &CheckArgs) -> Result<Outcome> {
    start_threads(None)?;
    // Of a study that is weighted no outcome is read: what is checked here is settled before it.
    let reading = Reading { design: true, ..(&args.reading).into() };
    let study = opened(&args.model, reading, &(&args.changes).into())?;
    if args.pictures.figures.is_some() {
        let figures = figures(&study)?;
        pictures::asked(&args.pictures)?;
        pictures::prepare(&args.pictures, &figures, &study.files)?;
        pictures::write(&args.pictures, &figures)?;
    }
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

/// Balance and overlap of weighted patients.
fn figures(study: &Study) -> Result<Vec<Figure>> {
    let figures = report::design_figures(study);
    if figures.is_empty() {
        let why = match &study.weighting {
            None => "there is no [adjustment]",
            Some(_) => "no covariate is named in `propensity`",
        };
        let message = format!("`check --figures` draws balance and overlap of weighted patients, and {why}");
        return Err(Error::of(ErrorKind::Unavailable, message)
            .help("`equipoise report --figures DIR` draws the figures of any other study"));
    }
    Ok(figures)
}
