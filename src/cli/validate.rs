//! `equipoise validate [MODEL ...]`.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::args::{Format, ValidateArgs, ValidateEngine};
use super::progress::{opened, watched_counting};
use super::report::format_of;
use super::shards::{self, Numbered, Plan, Shard};
use super::simulate::of_changes;
use super::whole_file::write_whole;
use super::{Outcome, again, notice, outputs, pictures, print, start_threads};
use crate::calibrate::{Calibration, Fitter, Row, Validation};
use crate::error::{Error, ErrorKind, Result};
use crate::input::shipped;
use crate::parallel;
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
    let shard = shards::asked(&args.shards, &args.models)?;
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
    let planned: u64 = asked.iter().map(|a| a.replications).sum();
    if let Some((shard, folder)) = shard {
        refuse_results(args)?;
        let plan = plan(args, &studies, shard, planned);
        return watched_counting(planned.div_ceil(shard.count() as u64), |progress| {
            shards::work(folder, shard, &plan, |numbers, done| rows_of(&asked, numbers, progress, done))
        });
    }
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
    let right = tell(args, (&studies, &read), &found, (started, &again::command()))?;
    if stopped {
        notice("Interrupted: what is told is of the studies that were simulated.");
        return Ok(Outcome::Interrupted);
    }
    Ok(if right { Outcome::Done } else { Outcome::ChecksFailed })
}

/// What the shards of a folder come to.
pub fn merged(args: &ValidateArgs, folder: &Path, plan: &Plan) -> Result<Outcome> {
    let started = jiff::Timestamp::now();
    let studies = studies(args)?;
    let read: Vec<PathBuf> = studies.iter().flat_map(|study| study.files.clone()).collect();
    let mut asked = Vec::new();
    for study in &studies {
        asked.extend(of_study(study, args)?);
    }
    let planned: u64 = asked.iter().map(|a| a.replications).sum();
    let now = self::plan(args, &studies, plan.first(), planned);
    let rows: Vec<NumberedRow> = shards::gathered(folder, plan, &now)?;
    let mut rows = rows.into_iter().map(|r| r.row);
    let mut found = Vec::new();
    for one in &asked {
        let mine: Vec<Row> = rows.by_ref().take(one.replications as usize).collect();
        found.push((one, one.calibration.summary(&mine)));
    }
    let right = tell(args, (&studies, &read), &found, (started, &plan.command()))?;
    Ok(if right { Outcome::Done } else { Outcome::ChecksFailed })
}

/// A replication by its number among those of all models.
#[derive(serde::Serialize, serde::Deserialize)]
struct NumberedRow {
    number: u64,
    row: Row,
}

impl Numbered for NumberedRow {
    fn number(&self) -> u64 {
        self.number
    }
}

/// Replications by their numbers among those of all models, until it is told to stop.
fn rows_of(
    asked: &[Asked<'_>],
    numbers: &[u64],
    watch: &dyn Watch,
    done: &mut dyn FnMut(&[NumberedRow]) -> Result<()>,
) -> Result<Vec<NumberedRow>> {
    let make = |number: &u64| {
        let mut place = *number;
        for one in asked {
            if place < one.replications {
                let row = one.calibration.replicate(place);
                watch.advanced(1);
                return Some(NumberedRow { number: *number, row });
            }
            place -= one.replications;
        }
        None
    };
    let mut rows = Vec::new();
    // No more than are worked on at once, so that an interrupt is soon heard.
    for batch in numbers.chunks(2 * parallel::threads()) {
        if watch.stopped() {
            break;
        }
        rows.extend(parallel::map(batch, make).into_iter().flatten());
        done(&rows)?;
    }
    Ok(rows)
}

/// A shard has no result of its own.
fn refuse_results(args: &ValidateArgs) -> Result<()> {
    if args.out.is_none() && args.pictures.figures.is_none() {
        return Ok(());
    }
    Err(Error::of(ErrorKind::Usage, "--out and --figures beside --shard")
        .help("a shard has no result of its own: give them to `equipoise merge` when all are there"))
}

/// The command in one form, and what it reads.
fn plan(args: &ValidateArgs, studies: &[Study], shard: Shard, replications: u64) -> Plan {
    let mut arguments = vec!["validate".to_string()];
    if let Some(n) = args.replications {
        arguments.extend(["--replications".to_string(), n.to_string()]);
    }
    arguments.extend(["--seed".to_string(), args.seed.unwrap_or(SEED).to_string()]);
    if let Some(engine) = args.engine.and_then(|engine| engine.to_possible_value()) {
        arguments.extend(["--engine".to_string(), engine.get_name().to_string()]);
    }
    of_changes(&args.changes, args.reading.large, &mut arguments);
    if !args.models.is_empty() {
        arguments.push("--".to_string());
        arguments.extend(args.models.iter().map(|model| model.display().to_string()));
    }
    let read = studies.iter().flat_map(|s| [s.model_sha256.clone(), s.data_sha256.clone()]).collect();
    Plan::new(arguments, read, shard, replications)
}

/// Prints and writes what was found; whether everything is calibrated.
fn tell(
    args: &ValidateArgs,
    (studies, read): (&[Study], &[PathBuf]),
    found: &[(&Asked<'_>, Validation)],
    (started, command): (jiff::Timestamp, &str),
) -> Result<bool> {
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
    pictures::prepare(&args.pictures, &figures, read)?;
    if let Some(page) = &args.out {
        let made = Made { date: &started.to_string(), command };
        let text = report::validation_page(&told, &figures, format_of(page)?, &made)?;
        write_whole(page, text.as_bytes())?;
        notice(&format!("Written to {}", page.display()));
    }
    pictures::write(&args.pictures, &figures)?;
    Ok(found.iter().all(|(_, validation)| validation.is_calibrated()))
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
