//! `equipoise fit MODEL`, and `equipoise` alone.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::args::{EngineArg, FitArgs, Format, SamplingArgs, Save};
use super::progress::{opened, watched};
use super::report::{Page, format_of, write_page};
use super::run_folder::{Content, DRAWS, FILES, Of, Standing, text};
use super::run_place::{self, NewRun};
use super::{Outcome, notice, outputs, print, start_threads, two_arms};
use crate::error::{Error, ErrorKind, Result};
use crate::input::{open, shipped};
use crate::posterior::{
    Analysis, Engine, Integrals, Options, Report, Sampling, Stopped, ToldDraws, analyse_watched,
};
use crate::report;
use crate::study::{Pooling, Study};

/// The default shipped model's table; nothing is written.
pub fn default_model() -> Result<Outcome> {
    start_threads(None)?;
    let study = open(shipped()[0].name)?;
    let Analysis { report, .. } =
        watched(true, |progress| analyse_watched(&study, Options::default(), Integrals::default(), progress));
    print(&report::fit_text(&study, &report))?;
    notice(
        "`equipoise fit MODEL` fits your own; `equipoise list` shows the shipped models; `equipoise --help` the rest.",
    );
    Ok(outcome(&report))
}

/// Fits, prints, and writes the run folder.
pub fn run(args: &FitArgs) -> Result<Outcome> {
    start_threads(args.threads)?;
    let started = jiff::Timestamp::now();
    let clock = Instant::now();
    let study = opened(&args.model, (&args.reading).into(), &(&args.changes).into())?;
    let folder = args.out.clone().unwrap_or_else(|| Path::new("runs").join(&study.name));
    outputs::run_folder(&folder, &study.files)?;
    if let Some(page) = &args.report {
        if outputs::lies_in(page, &folder) {
            return Err(Error::of(ErrorKind::Usage, format!("{} lies in the run folder", page.display()))
                .help("a run folder is replaced whole, and holds nothing else: name a file beside it"));
        }
        outputs::file(page, &study.files)?;
        format_of(page)?;
    }
    if args.report.is_some() {
        two_arms(&study, "a page")?;
    }
    let options = options(args, study.data.names().len())?;
    if options.engine == Engine::Sampler && study.pooling.is_integrated_alone() {
        return Err(unsampled(study.pooling));
    }
    let analysis = watched(options.engine != Engine::Exact, |progress| {
        analyse_watched(&study, options, Integrals::default(), progress)
    });
    let report = &analysis.report;
    if options.engine == Engine::Exact && !report.checks.exact.available {
        return Err(uncovered(&study.name, report.checks.exact.reason.as_deref().unwrap_or_default()));
    }
    let json = report::fit_json(&study, report);
    let seconds = clock.elapsed().as_secs_f64();
    let from = folder_of(&args.model);
    let threads = rayon::current_num_threads();
    let about = report::run_json(&started.to_string(), seconds, threads, from.as_deref());
    // Draws have no column for what must stand beside them.
    let statements: String = report::statements(&study, report).iter().map(|s| format!("{s}\n")).collect();
    let mut files = vec![text(FILES[0], &json), text(FILES[1], &study.text), text(FILES[2], &about)];
    let keep = args.save == Save::Csv && (report.checks.ok || args.show_unreliable);
    if let (true, Some(sampled)) = (keep, &report.sampled) {
        let (study, estimands) = (&study, (sampled, report.settings.pairs));
        files.push((DRAWS[0], Box::new(move |to| report::write_parameter_draws(study, sampled, to))));
        files.push((DRAWS[1], Box::new(move |to| report::write_estimand_draws(study, estimands, to))));
        files.push((DRAWS[2], Box::new(move |to| report::write_diagnostics(sampled, to))));
    }
    if let (true, Some(drawn)) = (keep, &report.arms) {
        files.extend(drawn_files(&study, drawn));
    }
    if let (true, Some(drawn)) = (keep, &report.factors) {
        files.extend(drawn_files(&study, drawn));
    }
    if !statements.is_empty() {
        files.push(text(FILES[6], &statements));
    }
    let interrupted = report.settings.sampler.as_ref().is_some_and(|s| s.stopped == Stopped::Interrupted);
    let written = run_place::write(&NewRun {
        folder: &folder,
        files: &files,
        standing: Standing::of(report.checks.ok, interrupted),
        of: Of::study(&study),
        read: &study.files,
        page: args.report.as_deref(),
    })?;
    print(&match args.format {
        Format::Text => report::fit_text(&study, report),
        Format::Json => json.clone(),
        Format::Csv => report::fit_csv(&study, report),
    })?;
    if args.format != Format::Text {
        tell(&study, report);
    }
    let outcome = outcome(report);
    written.told.iter().for_each(|sentence| notice(sentence));
    drop(files);
    match &args.report {
        Some(page) if interrupted || written.beside && page.exists() => {
            notice(&format!("{} is not written.", page.display()));
        }
        Some(page) => write_page(&study, Page { run: options.sampling.into(), done: Some(analysis) }, page)?,
        None => {}
    }
    Ok(outcome)
}

/// The draws of a study with several arms or factors.
fn drawn_files<'a, D: ToldDraws + Sync>(study: &'a Study, drawn: &'a D) -> [Content<'a>; 3] {
    [
        (DRAWS[0], Box::new(move |to| report::write_told_parameter_draws(study, drawn, to))),
        (DRAWS[1], Box::new(move |to| report::write_told_estimand_draws(study, drawn, to))),
        (DRAWS[2], Box::new(move |to| report::write_diagnostics(drawn, to))),
    ]
}

/// The exact engine alone was asked for, and has no numbers.
fn uncovered(model: &str, why: &str) -> Error {
    Error::of(ErrorKind::Unavailable, format!("the exact engine does not cover {model}: {why}"))
        .help("the sampler does: leave out `--engine exact`, or choose `--engine sampler`")
}

/// The sampler alone was asked for, and does not cover the model.
fn unsampled(pooling: Pooling) -> Error {
    let what = match pooling {
        Pooling::StudentT => "Student t effects",
        _ => "effects that are exchangeable or not",
    };
    Error::of(ErrorKind::Unavailable, format!("the sampler does not cover {what}"))
        .help("they are integrated: leave out `--engine sampler`")
}

/// Where a model file's data files are looked for; none for a shipped model.
fn folder_of(model: &Path) -> Option<PathBuf> {
    if shipped().iter().any(|s| model == Path::new(s.name)) {
        return None;
    }
    if model == Path::new("-") {
        return std::env::current_dir().ok();
    }
    model.canonicalize().ok()?.parent().map(Path::to_path_buf)
}

fn options(args: &FitArgs, subgroups: usize) -> Result<Options> {
    let engine = match args.engine {
        EngineArg::Both => Engine::Both,
        EngineArg::Sampler => Engine::Sampler,
        EngineArg::Exact => Engine::Exact,
    };
    let SamplingArgs { seed, chains, warmup, draws, mcse } = args.sampling;
    if engine == Engine::Exact {
        let given = [
            ("--seed", seed.is_some()),
            ("--chains", chains.is_some()),
            ("--warmup", warmup.is_some()),
            ("--draws", draws.is_some()),
            ("--mcse", mcse.is_some()),
        ];
        if let Some((name, _)) = given.iter().find(|(_, given)| *given) {
            return Err(Error::of(
                ErrorKind::Usage,
                format!("{name} speaks of sampling, and `--engine exact` samples nothing"),
            )
            .help(format!("leave out {name}, or choose `--engine both`")));
        }
    }
    let usual = Sampling::default();
    let sampling = Sampling {
        seed: seed.unwrap_or(usual.seed),
        chains: chains.map_or(usual.chains, usize::from),
        warmup: warmup.map_or(usual.warmup, |n| n as usize),
        draws: draws.map(|n| n as usize),
        mcse: mcse.unwrap_or(usual.mcse),
    };
    kept(&sampling, subgroups)?;
    Ok(Options {
        engine,
        all_pairs: args.pairs,
        sampling,
        show_unreliable: args.show_unreliable,
        ..Options::default()
    })
}

/// Draws that are asked for can be held.
pub fn kept(sampling: &Sampling, subgroups: usize) -> Result<()> {
    /// Numbers of draws that are kept at most: some three thousand million bytes.
    const MOST_NUMBERS: usize = 400_000_000;
    let numbers = sampling.chains * sampling.draws.unwrap_or(0) * (2 * subgroups + 4);
    if numbers > MOST_NUMBERS {
        return Err(Error::of(
            ErrorKind::Limit,
            format!("{numbers} numbers would be drawn, more than are kept ({MOST_NUMBERS})"),
        )
        .help("ask for fewer --draws or --chains"));
    }
    Ok(())
}

/// What a reader of a table without headings should hear: the statements, and why there is no number.
pub fn tell(study: &Study, report: &Report) {
    for statement in study.statements() {
        notice(&statement);
    }
    for reason in &report.checks.reasons {
        notice(&format!("Check failed: {reason}"));
    }
}

/// How the program ends, with a word on what stopped the sampler.
pub fn outcome(report: &Report) -> Outcome {
    let stopped = report.settings.sampler.as_ref().map(|s| (s.stopped, s.draws));
    match stopped {
        Some((Stopped::Interrupted, 0)) => notice("Interrupted: nothing was sampled."),
        Some((Stopped::Interrupted, n)) => notice(&format!("Interrupted after {n} draws of each chain.")),
        Some((Stopped::Diverged, n)) => {
            notice(&format!("Sampling stopped after {n} draws a chain: trajectories diverged."));
        }
        Some((Stopped::Limit, n)) => {
            notice(&format!("Sampling stopped at its limit of {n} draws a chain, not yet as sure as asked."));
        }
        _ => {}
    }
    match stopped {
        Some((Stopped::Interrupted, _)) => Outcome::Interrupted,
        _ if report.checks.ok => Outcome::Done,
        _ => Outcome::ChecksFailed,
    }
}
