//! `equipoise report` of a model, a run folder or a decision.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::args::{CHAINS, DRAWS, ReportArgs, WARMUP};
use super::progress::{opened, reading, watched};
use super::run_folder::FILES;
use super::whole_file::write_whole;
use super::{Outcome, again, notice, outputs, pictures, start_threads, two_arms};
use crate::decide::decide;
use crate::error::{Error, ErrorKind, Result};
use crate::figure::Portrait;
use crate::input::{Changes, Reading, is_decision, open_copy, open_decision_changed, read_at_most};
use crate::posterior::{Analysis, Fit, Sampling, Stopped};
use crate::report::{self, Figure, PageFormat, Presentation, RESULT_SCHEMA, Shown};
use crate::study::{Changed, Decision, Study};

/// A larger `result.json` is none: one of the most subgroups, with all their pairs, has a tenth of it.
const LARGEST_RESULT: u64 = 1 << 30;

/// A page, whether its checks passed, and its figures.
struct Made {
    ok: bool,
    text: String,
    figures: Vec<Figure>,
}

/// Fits, compares, and writes the page, and the figures where they are asked for.
pub fn run(args: &ReportArgs) -> Result<Outcome> {
    start_threads(args.threads)?;
    let page_of = |name: &str, files: &[PathBuf]| -> Result<PathBuf> {
        let page = args.out.clone().unwrap_or_else(|| named_after(name));
        outputs::file(&page, files)?;
        format_of(&page)?;
        pictures::asked(&args.pictures)?;
        Ok(page)
    };
    let (files, page);
    let made = if !args.model.is_dir() && is_decision(&args.model)? {
        let decision =
            reading(|| open_decision_changed(&args.model, (&args.reading).into(), &(&args.changes).into()))?;
        page = page_of(&decision.name, &decision.files)?;
        files = decision.files.clone();
        let usual = Sampling::default();
        of_decision(
            &decision,
            Sampling { seed: args.seed.unwrap_or(usual.seed), ..usual },
            format_of(&page)?,
        )?
    } else {
        let (study, run) = asked(&args.model, (&args.reading).into(), &(&args.changes).into())?;
        page = page_of(&study.name, &study.files)?;
        files = study.files.clone();
        // Under another seed it is another run, which nobody interrupted.
        let run = match args.seed {
            Some(seed) => Run { sampling: Sampling { seed, ..run.sampling_in_full() }, interrupted: None },
            None => run,
        };
        of_study(&study, Page { run, done: None }, format_of(&page)?)?
    };
    pictures::prepare(&args.pictures, &made.figures, &files)?;
    write_whole(&page, made.text.as_bytes())?;
    notice(&format!("Written to {}", page.display()));
    pictures::write(&args.pictures, &made.figures)?;
    Ok(if made.ok { Outcome::Done } else { Outcome::ChecksFailed })
}

/// The page of what has this name, in the folder where the program was called.
fn named_after(name: &str) -> PathBuf {
    // A run folder's copy of a name is as much input as all else: no folder is taken from it.
    let name = Path::new(name).file_name().and_then(|name| name.to_str()).unwrap_or("report");
    PathBuf::from(format!("{name}.html"))
}

/// What a page is written as, by the end of its name; a name without one is HTML.
pub fn format_of(page: &Path) -> Result<PageFormat> {
    let Some(ending) = page.extension() else { return Ok(PageFormat::Html) };
    match ending.to_ascii_lowercase().to_str() {
        Some("html" | "htm") => Ok(PageFormat::Html),
        Some("md" | "markdown") => Ok(PageFormat::Markdown),
        _ => Err(Error::of(
            ErrorKind::Usage,
            format!("{}: no page is written as .{}", page.display(), ending.display()),
        )
        .help("a page ends in .html (or .htm), or in .md (or .markdown) for its words and tables")
        .help("for a PDF, print the .html from a browser; for figures, add --figures DIR --as svg,png")),
    }
}

/// How the sampler ran, or is to run.
pub struct Run {
    pub sampling: Sampling,
    /// Of a run that was interrupted: how many draws of each chain were asked for, and how sure it was to be.
    interrupted: Option<(Option<usize>, f64)>,
}

impl From<Sampling> for Run {
    fn from(sampling: Sampling) -> Run {
        Run { sampling, interrupted: None }
    }
}

impl Run {
    /// As it was asked for, had nobody interrupted it.
    fn sampling_in_full(&self) -> Sampling {
        match self.interrupted {
            Some((draws, mcse)) => Sampling { draws, mcse, ..self.sampling },
            None => self.sampling,
        }
    }
}

/// How a page's study is fitted.
pub struct Page {
    pub run: Run,
    /// An analysis that is there already, under the same sampling.
    pub done: Option<Analysis>,
}

/// The page of a study, written.
pub fn write_page(study: &Study, how: Page, page: &Path) -> Result<()> {
    let made = of_study(study, how, format_of(page)?)?;
    write_whole(page, made.text.as_bytes())?;
    notice(&format!("Written to {}", page.display()));
    Ok(())
}

/// The study, and how a run folder's run was sampled: the same settings give the same numbers again.
fn asked(folder: &Path, how: Reading, changes: &Changes) -> Result<(Study, Run)> {
    let (study, run) = read(folder, how, changes)?;
    two_arms(&study, "a page")?;
    Ok((study, run))
}

fn read(folder: &Path, how: Reading, changes: &Changes) -> Result<(Study, Run)> {
    if !folder.is_dir() {
        return Ok((opened(folder, how, changes)?, Sampling::default().into()));
    }
    if !changes.is_empty() {
        return Err(Error::of(
            ErrorKind::Usage,
            format!("{} is a run, and --set and --prior would make another of it", folder.display()),
        )
        .help("name the model instead, or fit it so: equipoise fit MODEL --set KEY=VALUE"));
    }
    let path = folder.join("result.json");
    let fault = |kind, what: String| {
        Error::of(kind, format!("{}: {what}", path.display()))
            .help("name a model, or a folder that `equipoise fit` has written")
    };
    let bytes = read_at_most(LARGEST_RESULT, &path)
        .map_err(|e| fault(ErrorKind::File, format!("can't be read: {e}")))?
        .ok_or_else(|| {
            fault(
                ErrorKind::Limit,
                format!("holds more than {} MB, and no result does", LARGEST_RESULT >> 20),
            )
        })?;
    let result: Value =
        serde_json::from_slice(&bytes).map_err(|e| fault(ErrorKind::Syntax, format!("is no JSON: {e}")))?;
    let schema = result["schema"].as_str().unwrap_or("none");
    if schema != RESULT_SCHEMA {
        return Err(Error::of(
            ErrorKind::Syntax,
            format!("{}: the schema is `{schema}`, and this program reads `{RESULT_SCHEMA}`", path.display()),
        )
        .help("fit the model again: equipoise fit MODEL"));
    }
    let mut study = reading(|| open_copy(&folder.join("model.toml"), original_folder(folder), how))?;
    if result["data"]["sha256"].as_str().is_some_and(|s| s != study.data_sha256) {
        return Err(Error::of(
            ErrorKind::Data,
            format!("{}: the data are no longer those that were fitted", folder.display()),
        )
        .help("fit the model again: equipoise fit MODEL"));
    }
    // The copy is called model.toml whatever the model was called.
    if let Some(name) = result["model"]["name"].as_str() {
        study.name = name.to_string();
    }
    // The copy is the model as it was changed, and only the result knows what it was changed from.
    study.changed = Changed::deserialize(&result["model"]["changed"]).unwrap_or_default();
    // The rest of the run is no place for a page either.
    study.files.extend(FILES.iter().map(|name| folder.join(name)));
    let sampler = &result["settings"]["sampler"];
    let run = run_of(sampler);
    if sampler["stopped"] == Stopped::Interrupted.key() && run.interrupted.is_none() {
        let what =
            format!("{}: the run was interrupted before it had drawn what a page needs", path.display());
        return Err(Error::of(ErrorKind::Unavailable, what).help("fit the model again: equipoise fit MODEL"));
    }
    super::fit::kept(&run.sampling_in_full(), study.data.names().len()).map_err(|e| {
        Error::of(e.kind(), format!("{}: {}", path.display(), e.message()))
            .help("no run has kept so many: fit the model again, equipoise fit MODEL")
    })?;
    Ok((study, run))
}

/// Where the model file lay that a run folder's copy was made of; the run folder itself where that is not known.
fn original_folder(run: &Path) -> PathBuf {
    let bytes = read_at_most(LARGEST_RESULT, &run.join("run.json")).ok().flatten().unwrap_or_default();
    let about: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    about["folder"].as_str().map_or_else(|| run.to_path_buf(), PathBuf::from)
}

/// How a result says that it was sampled; in the usual way where it does not say, as of a run that sampled nothing. One that
/// was interrupted is drawn again as far as it came.
fn run_of(sampler: &Value) -> Run {
    let usual = Sampling::default();
    let count = |key: &str, possible: RangeInclusive<i64>| {
        sampler[key].as_i64().filter(|n| possible.contains(n)).map(|n| n as usize)
    };
    // Draws were asked for where no Monte Carlo error was.
    let draws = if sampler["mcse"].is_null() { count("draws", DRAWS) } else { None };
    let sampling = Sampling {
        seed: sampler["seed"].as_u64().unwrap_or(usual.seed),
        chains: count("chains", CHAINS).unwrap_or(usual.chains),
        warmup: count("warmup", WARMUP).unwrap_or(usual.warmup),
        draws,
        mcse: sampler["mcse"].as_f64().filter(|x| *x > 0.0).unwrap_or(usual.mcse),
    };
    match count("draws", DRAWS) {
        Some(drawn) if sampler["stopped"] == Stopped::Interrupted.key() => Run {
            sampling: Sampling { draws: Some(drawn), ..sampling },
            interrupted: Some((count("draws_asked", DRAWS), sampling.mcse)),
        },
        _ => sampling.into(),
    }
}

fn of_decision(decision: &Decision, sampling: Sampling, format: PageFormat) -> Result<Made> {
    let discussion = watched(false, |_| decide(decision, sampling))?;
    let figures = report::decision_figures(decision, &discussion);
    let text = report::decision_page(decision, &discussion, &figures, format, Some(&again::command()))?;
    Ok(Made { ok: discussion.ok, text, figures })
}

fn of_study(study: &Study, Page { run, done }: Page, format: PageFormat) -> Result<Made> {
    let sampling = run.sampling;
    let portrait = watched(false, |_| {
        let mut analysis = Fit::analysed(study, done, sampling);
        let sampler = analysis.report.settings.sampler.as_mut();
        if let (Some((draws_asked, mcse)), Some(sampler)) = (run.interrupted, sampler) {
            sampler.stopped = Stopped::Interrupted;
            sampler.draws_asked = draws_asked;
            sampler.mcse = draws_asked.is_none().then_some(mcse);
        }
        Portrait::of(study, Some(analysis), sampling)
    })?;
    let shown = match &portrait {
        Ok(portrait) => Shown::of(portrait).ok_or(&[][..]),
        Err(reasons) => Err(reasons.as_slice()),
    };
    let figures = shown.map_or_else(|_| Vec::new(), |shown| report::figures(study, shown));
    let ok = shown.is_ok();
    let text =
        report::page(&Presentation { study, shown, command: Some(&again::command()) }, &figures, format)?;
    Ok(Made { ok, text, figures })
}
