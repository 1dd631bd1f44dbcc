//! Where a run is written: a worse one beside a better one, and no draws are removed without a word.

use std::fs;
use std::path::{Path, PathBuf};

use super::outputs;
use super::run_folder::{Content, DRAWS, Of, Standing, holds_draws, run_of, standing, write_folder};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::study::Changed;

/// A run that is to be written.
pub struct NewRun<'a> {
    /// Its folder, which may hold an earlier run.
    pub folder: &'a Path,
    pub files: &'a [Content<'a>],
    pub standing: Standing,
    /// What it is of.
    pub of: Of,
    /// What the command reads.
    pub read: &'a [PathBuf],
    /// A page that is to be written too, which lies in no run folder.
    pub page: Option<&'a Path>,
}

/// Where a run was written.
pub struct Written {
    /// What became of it and of an earlier run, in sentences.
    pub told: Vec<String>,
    /// Whether a better run has kept the folder, and this one stands beside it.
    pub beside: bool,
}

/// Writes the run: into its folder, or beside it where the run there is better. An earlier run under other --prior or --set
/// steps aside, and so does one whose draws would go without new ones in their place.
pub fn write(run: &NewRun<'_>) -> Result<Written> {
    let folder = run.folder;
    let beside = standing(folder).filter(|earlier| *earlier > run.standing);
    let place = match beside {
        None => folder.to_path_buf(),
        Some(_) => {
            let word = if run.standing == Standing::Interrupted { "interrupted" } else { "failed" };
            run.free(word, |place| standing(place).is_none_or(|earlier| earlier <= run.standing))?
        }
    };
    let keeps_draws = run.files.iter().any(|(name, _)| DRAWS.contains(name));
    let earlier = standing(&place).zip(run_of(&place));
    let had_draws = earlier.is_some() && holds_draws(&place);
    // A run that failed has nothing to lose but its draws.
    let precious = earlier.as_ref().filter(|(standing, _)| *standing > Standing::Failed).map(|(_, of)| of);
    let is_otherwise_changed = precious.is_some_and(|of| of.changed != run.of.changed);
    let is_of_another = precious.is_some_and(|of| of.sha256 != run.of.sha256);
    let mut told = Vec::new();
    let is_aside = is_otherwise_changed || had_draws && !keeps_draws;
    if is_aside {
        let aside = run.free("earlier", |place| !place.exists())?;
        fs::rename(&place, &aside).map_err(|e| {
            Error::of(ErrorKind::File, format!("can't step aside for this run: {e}"))
                .at(Place::File(place.display().to_string()))
                .help("choose another place with --out")
        })?;
        let why = match precious.filter(|_| is_otherwise_changed) {
            Some(of) => format!("was fitted {}", fitted(&of.changed)),
            None => "has draws and this one keeps none".to_string(),
        };
        told.push(format!("The earlier run {why}: it is now {}.", aside.display()));
    }
    write_folder(&place, run.files)?;
    let written = match beside {
        Some(earlier) => {
            let kept = if earlier == Standing::Finished { "finished" } else { "sound" };
            let why = match run.standing {
                Standing::Interrupted => "was interrupted",
                _ => "failed its checks",
            };
            format!(
                "{} holds a {kept} run and stays as it is. This one {why}: written to {}",
                folder.display(),
                place.display()
            )
        }
        None if !is_aside && (is_of_another || had_draws) => {
            let what = if is_of_another { "of another model or other data" } else { "and its draws" };
            format!(
                "Written to {}, in place of an earlier run {what} (--out DIR keeps both)",
                place.display()
            )
        }
        None => format!("Written to {}", place.display()),
    };
    told.push(written);
    Ok(Written { told, beside: beside.is_some() })
}

/// "as the file states it", or "with --prior sceptical".
fn fitted(changed: &Changed) -> String {
    let prior = changed.prior.iter().map(|name| format!("--prior {name}"));
    let set = changed.set.iter().map(|one| format!("--set {one}"));
    let all: Vec<String> = prior.chain(set).collect();
    if all.is_empty() { "as the file states it".to_string() } else { format!("with {}", all.join(" ")) }
}

impl NewRun<'_> {
    /// The first of `NAME-word`, `NAME-word-2`, … that is fit and may be written.
    fn free(&self, word: &str, is_fit: impl Fn(&Path) -> bool) -> Result<PathBuf> {
        const MOST: usize = 1000;
        let name = self.folder.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_else(|| "run".to_string());
        let numbered = |k: usize| match k {
            1 => format!("{name}-{word}"),
            k => format!("{name}-{word}-{k}"),
        };
        let places = (1..=MOST).map(|k| self.folder.with_file_name(numbered(k)));
        let mut free = places.filter(|place| {
            is_fit(place)
                && outputs::run_folder(place, self.read).is_ok()
                && !self.page.is_some_and(|page| outputs::lies_in(page, place))
        });
        free.next().ok_or_else(|| {
            Error::of(ErrorKind::File, format!("no folder {name}-{word} beside it can be written"))
                .at(Place::File(self.folder.display().to_string()))
                .help("choose another place with --out")
        })
    }
}
