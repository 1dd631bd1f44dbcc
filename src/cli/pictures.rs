//! Figures as files: `--figures DIR --as svg,png`.

use std::fs;
use std::path::{Path, PathBuf};

use super::args::{Picture, PicturesArgs};
use super::whole_file::write_whole;
use super::{notice, outputs};
use crate::error::{Error, ErrorKind, Result};
use crate::parallel;
use crate::report::{self, Figure};

/// Before anything is computed: whether the folder that is asked for can be written to.
pub fn asked(args: &PicturesArgs) -> Result<()> {
    args.figures.as_deref().map_or(Ok(()), outputs::folder)
}

/// Makes the folder, unless a figure would take the place of a file that was read.
pub fn prepare(args: &PicturesArgs, figures: &[Figure], read: &[PathBuf]) -> Result<()> {
    let Some(folder) = &args.figures else { return Ok(()) };
    for path in written(folder, figures, &args.formats) {
        outputs::not_read(&path, read)?;
    }
    fs::create_dir_all(folder)
        .map_err(|e| Error::of(ErrorKind::File, format!("can't make the folder {}: {e}", folder.display())))
}

/// Every figure in the formats that are asked for, and its numbers as CSV beside it.
pub fn write(args: &PicturesArgs, figures: &[Figure]) -> Result<()> {
    let Some(folder) = &args.figures else { return Ok(()) };
    write_figures(folder, figures, &args.formats)?;
    notice(&format!("{} figures with their numbers written to {}", figures.len(), folder.display()));
    Ok(())
}

/// The files that figures are written to.
fn written(folder: &Path, figures: &[Figure], formats: &[Picture]) -> Vec<PathBuf> {
    let pictures = [(Picture::Png, "png"), (Picture::Svg, "svg")];
    let pictures = pictures.into_iter().filter(|(format, _)| formats.contains(format)).map(|(_, end)| end);
    let ends: Vec<&str> = pictures.chain(["csv"]).collect();
    let of = |f: &Figure| ends.iter().map(|end| folder.join(format!("{}.{end}", f.name))).collect::<Vec<_>>();
    figures.iter().flat_map(of).collect()
}

/// Every figure in the formats that are asked for, and its numbers as CSV beside it.
fn write_figures(folder: &Path, figures: &[Figure], formats: &[Picture]) -> Result<()> {
    if formats.contains(&Picture::Png) {
        let drawn: Result<Vec<Vec<u8>>> =
            parallel::map(figures, |f| report::png(&f.svg)).into_iter().collect();
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
