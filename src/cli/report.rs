//! `equipoise report MODEL`, or a run folder.

use std::fs;
use std::io::Write;
use std::path::Path;

use rayon::prelude::*;
use serde_json::Value;

use super::args::{Picture, ReportArgs};
use super::progress::watched;
use super::{Outcome, limit_threads, notice};
use crate::compare::bias::shift_surface;
use crate::compare::{Request, compare};
use crate::decide::Fit;
use crate::error::{Error, Result};
use crate::figure::Gallery;
use crate::posterior::Sampling;
use crate::report::{self, Figure, Presentation, RESULT_SCHEMA, Shown};
use crate::study::{Study, open};

/// Beyond this many subgroups neither priors by priors nor biases are refitted: no figure shows them.
const REFITTED_UP_TO: usize = 5;

/// Fits, compares, and writes the page, and the figures where they are asked for.
pub fn run(args: &ReportArgs) -> Result<Outcome> {
    let (study, seed) = asked(&args.model)?;
    let page = args.out.clone().unwrap_or_else(|| Path::new("report.html").to_path_buf());
    is_no_folder(&page)?;
    let usual = Sampling::default();
    let sampling = Sampling { seed: args.seed.or(seed).unwrap_or(usual.seed), ..usual };
    limit_threads(args.threads);
    let (ok, figures) = write_page(&study, sampling, &page)?;
    if let Some(folder) = &args.figures {
        write_figures(folder, &figures, &args.formats)?;
        notice(&format!("{} figures with their numbers written to {}", figures.len(), folder.display()));
    }
    Ok(if ok { Outcome::Done } else { Outcome::ChecksFailed })
}

/// A page is a file.
pub fn is_no_folder(page: &Path) -> Result<()> {
    if page.is_dir() {
        return Err(
            Error::new(format!("{} is a folder", page.display())).help("name a file, such as report.html")
        );
    }
    Ok(())
}

/// Whether the checks passed, and the page's figures.
pub fn write_page(study: &Study, sampling: Sampling, page: &Path) -> Result<(bool, Vec<Figure>)> {
    let (ok, html, figures) = made(study, sampling)?;
    write_whole(page, html.as_bytes())?;
    notice(&format!("Written to {}", page.display()));
    Ok((ok, figures))
}

/// The study, and the seed of the run where it is a run folder.
fn asked(model: &str) -> Result<(Study, Option<u64>)> {
    let folder = Path::new(model);
    if !folder.is_dir() {
        return Ok((open(model)?, None));
    }
    let path = folder.join("result.json");
    let fault = |what: String| {
        Error::new(format!("{}: {what}", path.display()))
            .help("name a model, or a folder that `equipoise fit` has written")
    };
    let text = fs::read_to_string(&path).map_err(|e| fault(format!("can't be read: {e}")))?;
    let result: Value = serde_json::from_str(&text).map_err(|e| fault(format!("is no JSON: {e}")))?;
    let schema = result["schema"].as_str().unwrap_or("none");
    if schema != RESULT_SCHEMA {
        return Err(Error::new(format!(
            "{}: the schema is `{schema}`, and this program reads `{RESULT_SCHEMA}`",
            path.display()
        ))
        .help("fit the model again: equipoise fit MODEL"));
    }
    let file = folder.join("model.toml");
    let mut study = open(&file.to_string_lossy())?;
    // The copy is called model.toml whatever the model was called.
    if let Some(name) = result["model"]["name"].as_str() {
        study.name = name.to_string();
    }
    Ok((study, result["settings"]["sampler"]["seed"].as_u64()))
}

/// Whether the checks passed, the page, and its figures.
fn made(study: &Study, sampling: Sampling) -> Result<(bool, String, Vec<Figure>)> {
    let few = study.data.names().len() <= REFITTED_UP_TO;
    let request = Request { sampling, grid: few, ..Request::default() };
    let (fit, (comparison, shifts)) = watched(false, |_| {
        rayon::join(
            || Fit::checked(study, sampling),
            || (compare(study, &request), if few { shift_surface(study) } else { Vec::new() }),
        )
    });
    let comparison = comparison?;
    let shown = match &fit {
        Err(reasons) => Err(reasons.as_slice()),
        Ok(fit) => Ok(fit),
    };
    let gallery = shown.ok().and_then(|fit| Gallery::of(study, fit, sampling));
    let shown = match (shown, &gallery) {
        (Ok(fit), Some(gallery)) => match fit.report() {
            Some(report) => Ok(Shown { fit, report, gallery, comparison: &comparison, shifts: &shifts }),
            None => Err(&[][..]),
        },
        (Ok(_), None) => Err(&[][..]),
        (Err(reasons), _) => Err(reasons),
    };
    let figures = shown.map_or_else(|_| Vec::new(), |shown| report::figures(study, shown));
    let ok = shown.is_ok();
    let html = report::page(&Presentation { study, shown }, &figures)?;
    Ok((ok, html, figures))
}

/// Every figure in the formats that are asked for, and its numbers as CSV beside it.
fn write_figures(folder: &Path, figures: &[Figure], formats: &[Picture]) -> Result<()> {
    fs::create_dir_all(folder)
        .map_err(|e| Error::new(format!("can't make the folder {}: {e}", folder.display())))?;
    if formats.contains(&Picture::Png) {
        let drawn: Result<Vec<Vec<u8>>> = figures.par_iter().map(|f| report::png(&f.svg)).collect();
        for (figure, bytes) in figures.iter().zip(drawn?) {
            write_whole(&folder.join(format!("{}.png", figure.name)), &bytes)?;
        }
        let texts: String = figures.iter().map(|f| f.svg.as_str()).collect();
        let missing = report::uncovered(&texts);
        if !missing.is_empty() {
            notice(&format!("The PNG's font has no {missing}: take the SVG for them."));
        }
    }
    for figure in figures {
        if formats.contains(&Picture::Svg) {
            write_whole(&folder.join(format!("{}.svg", figure.name)), figure.svg.as_bytes())?;
        }
        write_whole(&folder.join(format!("{}.csv", figure.name)), report::figure_csv(figure).as_bytes())?;
    }
    Ok(())
}

/// Beside its place first, then renamed: a reader sees the old file or the new one.
fn write_whole(path: &Path, content: &[u8]) -> Result<()> {
    let fault = |e: std::io::Error| {
        Error::new(format!("can't write {}: {e}", path.display()))
            .help("name a file in a folder that you may write to")
    };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(fault)?;
    file.write_all(content).map_err(fault)?;
    file.persist(path).map_err(|e| fault(e.error))?;
    Ok(())
}
