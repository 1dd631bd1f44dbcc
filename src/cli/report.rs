//! `equipoise report MODEL`.

use std::fs;
use std::io::Write;
use std::path::Path;

use rayon::prelude::*;

use super::args::{Picture, ReportArgs};
use super::progress::watched;
use super::{Outcome, limit_threads, notice};
use crate::compare::{Request, compare};
use crate::decide::Fit;
use crate::error::{Error, Result};
use crate::figure::Gallery;
use crate::posterior::Sampling;
use crate::report::{self, Figure, Presentation, Shown};
use crate::study::open;

/// Fits, compares, and writes the page, and the figures where they are asked for.
pub fn run(args: &ReportArgs) -> Result<Outcome> {
    let study = open(&args.model)?;
    let page = args.out.clone().unwrap_or_else(|| Path::new("report.html").to_path_buf());
    if page.is_dir() {
        return Err(Error::new(format!("{} is a folder", page.display())).help("name a file: -o report.html"));
    }
    let usual = Sampling::default();
    let sampling = Sampling { seed: args.seed.unwrap_or(usual.seed), ..usual };
    limit_threads(args.threads);
    let request = Request { sampling, ..Request::default() };
    let (fit, comparison) =
        watched(false, |_| rayon::join(|| Fit::checked(&study, sampling), || compare(&study, &request)));
    let comparison = comparison?;
    let gallery = fit.as_ref().ok().and_then(|fit| Gallery::of(&study, fit, sampling));
    let shown = match (&fit, &gallery) {
        (Ok(fit), Some(gallery)) => match fit.report() {
            Some(report) => Ok(Shown { fit, report, gallery, comparison: &comparison }),
            None => Err(&[][..]),
        },
        (Err(reasons), _) => Err(reasons.as_slice()),
        (Ok(_), None) => Err(&[][..]),
    };
    let figures = shown.map_or_else(|_| Vec::new(), |shown| report::figures(&study, shown));
    let ok = shown.is_ok();
    let html = report::page(&Presentation { study: &study, shown }, &figures)?;
    write_whole(&page, html.as_bytes())?;
    notice(&format!("Written to {}", page.display()));
    if let Some(folder) = &args.figures {
        write_figures(folder, &figures, &args.formats)?;
        notice(&format!("{} figures with their numbers written to {}", figures.len(), folder.display()));
    }
    Ok(if ok { Outcome::Done } else { Outcome::ChecksFailed })
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
