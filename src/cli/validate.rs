//! `equipoise validate [MODEL ...]`.

use std::path::{Path, PathBuf};

use super::args::{Format, ValidateArgs, ValidateEngine};
use super::progress::{opened, watched_counting};
use super::report::format_of;
use super::whole_file::write_whole;
use super::{Outcome, again, notice, outputs, pictures, print, start_threads};
use crate::calibrate::{Calibration, Fitter, Validation};
use crate::error::{Error, ErrorKind, Result};
use crate::input::shipped;
use crate::report::{self, Made, Validated};
use crate::sampler::Watch;
use crate::study::Study;

/// The seed where nobody says it, as of `fit`.
const SEED: u64 = 1;

/// Shipped models that take too long to be validated where none is named: from twenty seconds to minutes on two processors.
const SLOW: [&str; 4] = ["ras-basilar-confounded", "ist-aspirin-subtype", "ist-aspirin-shift", "blocker"];

/// A model to be validated by one engine.
struct Asked<'a> {
    study: &'a Study,
    calibration: Calibration,
    replications: u64,
}

/// Simulates, fits, prints whether the posteriors are right, and writes the page and the figures that are asked for.
pub fn run(args: &ValidateArgs) -> Result<Outcome> {
    start_threads(args.threads)?;
    let started = jiff::Timestamp::now();
    let studies = studies(args)?;
    let read: Vec<PathBuf> = studies.iter().flat_map(|study| study.files.clone()).collect();
    if let Some(page) = &args.out {
        outputs::file(page, &read)?;
        format_of(page)?;
    }
    pictures::asked(&args.pictures)?;
    let mut asked = Vec::new();
    for study in &studies {
        asked.extend(of_study(study, args)?);
    }
    let planned = asked.iter().map(|a| a.replications).sum();
    let (found, stopped) = watched_counting(planned, |progress| {
        let mut found: Vec<(&Asked<'_>, Validation)> = Vec::new();
        for one in &asked {
            let rows = one.calibration.replicate_all(0..one.replications, progress);
            if !rows.is_empty() {
                found.push((one, one.calibration.summary(&rows)));
            }
        }
        (found, progress.stopped())
    });
    if found.is_empty() {
        notice("Interrupted: nothing was simulated.");
        return Ok(Outcome::Interrupted);
    }
    let told: Vec<Validated<'_>> =
        found.iter().map(|(one, v)| Validated::new(one.study, v, one.replications)).collect();
    print(&match args.format {
        Format::Text => report::validate_text(&told, (&args.length).into()),
        Format::Json => report::validate_json(&told),
        Format::Csv => report::validate_csv(&told),
    })?;
    if args.format != Format::Text {
        studies.iter().flat_map(Study::statements).for_each(|statement| notice(&statement));
    }
    let figures = report::validation_figures(&told);
    pictures::prepare(&args.pictures, &figures, &read)?;
    if let Some(page) = &args.out {
        let made = Made { date: &started.to_string(), command: &again::command() };
        let text = report::validation_page(&told, &figures, format_of(page)?, &made)?;
        write_whole(page, text.as_bytes())?;
        notice(&format!("Written to {}", page.display()));
    }
    pictures::write(&args.pictures, &figures)?;
    if stopped {
        notice("Interrupted: what is told is of the studies that were simulated.");
        return Ok(Outcome::Interrupted);
    }
    let right = found.iter().all(|(_, validation)| validation.is_calibrated());
    Ok(if right { Outcome::Done } else { Outcome::ChecksFailed })
}

/// Those that are named, each once, or the shipped ones that are quick enough.
fn studies(args: &ValidateArgs) -> Result<Vec<Study>> {
    let named: Vec<&Path> = match args.models.as_slice() {
        [] => {
            notice(&format!(
                "The quick ones of the shipped models; to be named, because they take longer: {}.",
                SLOW.join(", ")
            ));
            shipped().iter().map(|s| s.name).filter(|name| !SLOW.contains(name)).map(Path::new).collect()
        }
        models => models.iter().map(PathBuf::as_path).collect(),
    };
    let mut all: Vec<Study> = Vec::new();
    for model in named {
        let study = opened(model, (&args.reading).into(), &(&args.changes).into())?;
        if all.iter().any(|known| known.name == study.name) {
            return Err(Error::of(ErrorKind::Usage, format!("two models are called {}", study.name))
                .help("name each once: what is told of a model is told under its name"));
        }
        all.push(study);
    }
    Ok(all)
}

/// By each engine that is asked for.
fn of_study<'a>(study: &'a Study, args: &ValidateArgs) -> Result<Vec<Asked<'a>>> {
    let fitters: &[Option<Fitter>] = match args.engine {
        None => &[None],
        Some(ValidateEngine::Exact) => &[Some(Fitter::Exact)],
        Some(ValidateEngine::Sampler) => &[Some(Fitter::Sampler)],
        Some(ValidateEngine::Both) => &[Some(Fitter::Exact), Some(Fitter::Sampler)],
    };
    let one = |fitter: &Option<Fitter>| {
        let calibration = Calibration::of(study, *fitter, args.seed.unwrap_or(SEED))?;
        let usual = calibration.fitter().usual_replications();
        Ok(Asked { study, calibration, replications: args.replications.unwrap_or(usual) })
    };
    fitters.iter().map(one).collect()
}
