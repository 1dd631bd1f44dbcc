//! The folder of a run: written beside its place, and put there whole.
//!
//! The new run and an earlier one change places in one step where the system can do that (Linux and macOS, on most of their
//! file systems), so that at every moment one of the two stands at the place. Elsewhere the earlier run steps aside first: a
//! program killed between the two steps leaves it in a hidden folder beside its place, and the next run puts it back.
//!
//! Hidden folders of programs that are gone are swept up by the next run beside them. One that is being written is locked
//! by whoever writes it, and the lock ends with the program however that ends.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tempfile::TempDir;

use crate::error::{Error, ErrorKind, Place, Result};
use crate::parallel;
use crate::study::{Changed, Study};

/// What a run folder holds; a folder that holds anything else is never replaced.
pub const FILES: [&str; 7] = [
    "result.json",
    "model.toml",
    "run.json",
    "draws_parameters.csv",
    "draws_estimands.csv",
    "draws_diagnostics.csv",
    "statements.txt",
];

/// Those of them that hold draws.
pub const DRAWS: [&str; 3] = [FILES[3], FILES[4], FILES[5]];

/// How the schema of every `result.json` begins.
const RESULTS: &str = "equipoise/result/";

/// How the names of hidden folders begin: of a new run, and of one that stepped aside.
const NEW: &str = ".equipoise-new-";
const ASIDE: &str = ".equipoise-old-";

/// Characters that make the name of a hidden folder its own.
const RANDOM: usize = 6;

/// An earlier run's folder may be replaced, an empty or absent one filled; anything else is left alone.
pub fn replaceable(folder: &Path) -> Result<()> {
    let here = || Place::File(folder.display().to_string());
    if folder.is_symlink() {
        return Err(Error::of(ErrorKind::File, "the run folder's name is taken by a symbolic link")
            .at(here())
            .help("choose another with --out"));
    }
    if !folder.exists() {
        return Ok(());
    }
    if !folder.is_dir() {
        return Err(Error::of(ErrorKind::File, "the run folder's name is taken by a file")
            .at(here())
            .help("choose another with --out"));
    }
    let mut entries = fs::read_dir(folder)
        .map_err(|e| Error::of(ErrorKind::File, format!("can't be read: {e}")).at(here()))?;
    if entries.next().is_none() || is_a_run(folder) {
        return Ok(());
    }
    Err(Error::of(ErrorKind::File, "this folder holds something other than a run")
        .at(here())
        .help("a run folder is replaced whole; choose another with --out"))
}

/// Whether a folder is an earlier run.
fn is_a_run(folder: &Path) -> bool {
    Earlier::run(folder).is_some()
}

/// How good a run is, the best last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Its checks failed.
    Failed,
    /// Somebody stopped it, and what was there passed its checks.
    Interrupted,
    /// It came to its end and passed its checks.
    Finished,
}

impl Standing {
    pub fn of(ok: bool, interrupted: bool) -> Standing {
        match (ok, interrupted) {
            (false, _) => Standing::Failed,
            (true, true) => Standing::Interrupted,
            (true, false) => Standing::Finished,
        }
    }
}

/// How good the run in a folder is; none where there is no run.
pub fn standing(folder: &Path) -> Option<Standing> {
    let earlier = Earlier::run(folder)?;
    let stopped = earlier.settings.sampler.and_then(|s| s.stopped);
    Some(Standing::of(earlier.checks.ok, stopped.as_deref() == Some("interrupted")))
}

/// What a run is of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Of {
    /// What was changed of the model file for it.
    pub changed: Changed,
    /// The SHA-256 of the model as it was run, and of its data.
    pub sha256: [String; 2],
}

impl Of {
    pub fn study(study: &Study) -> Of {
        let sha256 = [&study.model_sha256, &study.data_sha256].map(String::clone);
        Of { changed: study.changed.clone(), sha256 }
    }
}

/// What the run in a folder is of; none where there is no run.
pub fn run_of(folder: &Path) -> Option<Of> {
    let Earlier { model, data, .. } = Earlier::run(folder)?;
    Some(Of { changed: model.changed, sha256: [model.sha256, data.sha256] })
}

/// Whether draws lie in a folder.
pub fn holds_draws(folder: &Path) -> bool {
    DRAWS.iter().any(|name| folder.join(name).exists())
}

/// What is asked of an earlier run's `result.json`; all else is passed over.
#[derive(Deserialize)]
struct Earlier {
    schema: String,
    #[serde(default)]
    model: Model,
    #[serde(default)]
    data: Data,
    #[serde(default)]
    settings: Settings,
    #[serde(default)]
    checks: Checks,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Model {
    sha256: String,
    changed: Changed,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Data {
    sha256: String,
}

#[derive(Deserialize, Default)]
struct Checks {
    #[serde(default)]
    ok: bool,
}

#[derive(Deserialize, Default)]
struct Settings {
    sampler: Option<Sampler>,
}

#[derive(Deserialize)]
struct Sampler {
    stopped: Option<String>,
}

impl Earlier {
    /// Of a folder that is an earlier run: its `result.json` is one of this program's, and nothing else lies there.
    fn run(folder: &Path) -> Option<Earlier> {
        let path = folder.join(FILES[0]);
        if !holds_only_files_of_runs(folder) || !path.symlink_metadata().ok()?.is_file() {
            return None;
        }
        let earlier: Earlier = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        earlier.schema.starts_with(RESULTS).then_some(earlier)
    }
}

/// A file of a run: its name, and what writes it.
pub type Content<'a> = (&'a str, Box<dyn Fn(&mut (dyn Write + Send)) -> io::Result<()> + Sync + 'a>);

/// A file that is this text.
pub fn text<'a>(name: &'a str, text: &'a str) -> Content<'a> {
    (name, Box::new(move |to| to.write_all(text.as_bytes())))
}

/// Writes all files beside the folder first, then puts the whole in its place.
pub fn write_folder(folder: &Path, files: &[Content<'_>]) -> Result<()> {
    let fault = |what: &str, e: &io::Error| {
        Error::of(ErrorKind::File, format!("{what}: {e}"))
            .at(Place::File(folder.display().to_string()))
            .help("choose another place with --out")
    };
    let unwritten = |e: io::Error| fault("can't be written", &e);
    let parent: PathBuf = match folder.parent() {
        Some(p) if !p.as_os_str().is_empty() => p.to_path_buf(),
        _ => PathBuf::from("."),
    };
    fs::create_dir_all(&parent).map_err(|e| fault("its parent folder can't be made", &e))?;
    sweep(&parent);
    let new = Hidden::make(&parent, NEW).map_err(unwritten)?;
    let write = |(name, content): &Content<'_>| -> io::Result<()> {
        let mut file = File::create(new.path().join(name))?;
        content(&mut file)?;
        // On the disk before it takes its place: a machine that stops leaves the old run or the new one.
        file.sync_all()
    };
    // Beside each other, as each waits for the disk.
    parallel::map(files, write).into_iter().collect::<io::Result<()>>().map_err(unwritten)?;
    open_to_others(new.path()).map_err(unwritten)?;
    flush_names(new.path());
    if !folder.exists() {
        return new.place(folder).map_err(unwritten);
    }
    match exchange(new.path(), folder) {
        // What is hidden now is the earlier run, and goes when the disk knows of the exchange.
        Ok(()) => {
            flush_names(&parent);
            Ok(())
        }
        Err(e) if e.kind() == io::ErrorKind::Unsupported => {
            step_aside(&parent, folder, new).map_err(unwritten)
        }
        Err(e) => Err(unwritten(e)),
    }
}

/// In two steps: the earlier run under its own name in a hidden folder, then the new one in its place.
fn step_aside(parent: &Path, folder: &Path, new: Hidden) -> io::Result<()> {
    let aside = Hidden::make(parent, ASIDE)?;
    let old = aside.path().join(folder.file_name().unwrap_or(OsStr::new("run")));
    fs::rename(folder, &old)?;
    new.place(folder).inspect_err(|_| {
        let _ = fs::rename(&old, folder);
    })
}

/// A hidden folder that is locked while it is written, and is gone afterwards.
struct Hidden {
    folder: TempDir,
    /// Holds the lock.
    _lock: Option<File>,
}

impl Hidden {
    /// Another program may take the folder for one of the dead between its making and its locking: then another is made.
    fn make(parent: &Path, prefix: &str) -> io::Result<Hidden> {
        const ATTEMPTS: usize = 8;
        for _ in 0..ATTEMPTS {
            let folder = tempfile::Builder::new().prefix(prefix).rand_bytes(RANDOM).tempdir_in(parent)?;
            // Where folders can't be locked nobody sweeps them.
            let lock = File::open(folder.path()).ok().filter(|f| f.lock().is_ok());
            if folder.path().exists() {
                return Ok(Hidden { folder, _lock: lock });
            }
        }
        Err(io::Error::other("a folder that was made is gone at once"))
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Renames it to its place.
    fn place(self, folder: &Path) -> io::Result<()> {
        fs::rename(self.folder.path(), folder)?;
        // There is nothing left under the hidden name.
        let _ = self.folder.keep();
        Ok(())
    }
}

/// Two folders change places in one step; `Unsupported` where the system or the file system can't do that.
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).map_err(|e| match e {
            Errno::INVAL | Errno::NOSYS | Errno::NOTSUP => io::ErrorKind::Unsupported.into(),
            e => e.into(),
        })
    }
    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    {
        let _ = (one, other);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Removes hidden folders that programs left behind which are gone, and puts a run back that had stepped aside.
///
/// A folder is taken for one only by its name, by holding nothing but a run's files, and by a lock that nobody holds. What
/// can't be removed stays.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let is = |prefix: &str| {
            let rest = name.to_str().and_then(|name| name.strip_prefix(prefix));
            rest.is_some_and(|rest| rest.len() == RANDOM && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
        };
        if !(is(NEW) || is(ASIDE)) || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let Ok(lock) = File::open(&path) else { continue };
        if lock.try_lock().is_err() {
            continue;
        }
        if is(ASIDE) {
            put_back(&path, parent);
        } else if holds_only_files_of_runs(&path) {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

/// The run that stepped aside goes back to its place, unless there is another by now.
fn put_back(aside: &Path, parent: &Path) {
    for entry in fs::read_dir(aside).into_iter().flatten().flatten() {
        let (old, place) = (entry.path(), parent.join(entry.file_name()));
        if !holds_only_files_of_runs(&old) {
            return;
        }
        let _ = if place.exists() { fs::remove_dir_all(&old) } else { fs::rename(&old, &place) };
    }
    // Only where it is empty.
    let _ = fs::remove_dir(aside);
}

/// Whether a folder holds nothing but what a run writes.
fn holds_only_files_of_runs(folder: &Path) -> bool {
    let ours = |entry: io::Result<fs::DirEntry>| {
        entry.is_ok_and(|entry| {
            FILES.iter().any(|f| entry.file_name() == *f)
                && entry.file_type().is_ok_and(|kind| kind.is_file())
        })
    };
    fs::read_dir(folder).is_ok_and(|mut entries| entries.all(ours))
}

/// Puts a folder's list of names on the disk, where the system can do that.
fn flush_names(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

/// A temporary folder is its owner's alone; a run folder has the usual permissions.
fn open_to_others(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    }
    let _ = folder;
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{self, File};
    use std::path::Path;

    use super::{ASIDE, Hidden, NEW, step_aside, sweep, write_folder};

    fn written(folder: &Path, text: &str) {
        write_folder(folder, &[super::text("result.json", text)]).expect("written");
    }

    fn hidden(parent: &Path) -> Vec<String> {
        let names = fs::read_dir(parent).expect("a folder").flatten();
        let mut names: Vec<String> = names.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| name.starts_with('.'));
        names.sort();
        names
    }

    #[test]
    fn a_run_replaces_an_earlier_one_and_leaves_nothing_hidden() {
        let here = tempfile::tempdir().expect("a folder");
        let run = here.path().join("run");
        for text in ["one", "two"] {
            written(&run, text);
            assert_eq!(fs::read_to_string(run.join("result.json")).expect("there"), text);
            assert!(hidden(here.path()).is_empty());
        }
        // In two steps, as where folders can't change places in one.
        let new = Hidden::make(here.path(), NEW).expect("made");
        fs::write(new.path().join("result.json"), "three").expect("written");
        step_aside(here.path(), &run, new).expect("placed");
        assert_eq!(fs::read_to_string(run.join("result.json")).expect("there"), "three");
        assert!(hidden(here.path()).is_empty());
    }

    #[test]
    fn hidden_folders_go_only_where_they_are_runs_of_the_dead() {
        let here = tempfile::tempdir().expect("a folder");
        let make = |name: &str, file: &str| {
            fs::create_dir(here.path().join(name)).expect("made");
            fs::write(here.path().join(name).join(file), "").expect("written");
        };
        make(".equipoise-new-AbCd12", "result.json");
        make(".equipoise-new-locked", "result.json");
        make(".equipoise-new-others", "thesis.tex");
        make(".equipoise-new-longer-name", "result.json");
        make(".equipoise-notes", "result.json");
        let lock = File::open(here.path().join(".equipoise-new-locked")).expect("there");
        lock.try_lock().expect("locked");
        sweep(here.path());
        assert_eq!(
            hidden(here.path()),
            [
                ".equipoise-new-locked",
                ".equipoise-new-longer-name",
                ".equipoise-new-others",
                ".equipoise-notes"
            ]
        );
        drop(lock);
        sweep(here.path());
        assert!(!here.path().join(".equipoise-new-locked").exists());
    }

    #[test]
    fn a_run_that_stepped_aside_for_one_that_never_came_is_put_back() {
        let here = tempfile::tempdir().expect("a folder");
        let aside = here.path().join(format!("{ASIDE}AbCd12"));
        fs::create_dir_all(aside.join("trial")).expect("made");
        fs::write(aside.join("trial").join("result.json"), "old").expect("written");
        sweep(here.path());
        assert_eq!(fs::read_to_string(here.path().join("trial/result.json")).expect("back"), "old");
        assert!(hidden(here.path()).is_empty());
        // Where another stands by now, that one stays.
        fs::create_dir_all(aside.join("trial")).expect("made");
        fs::write(aside.join("trial").join("result.json"), "older").expect("written");
        sweep(here.path());
        assert_eq!(fs::read_to_string(here.path().join("trial/result.json")).expect("there"), "old");
        assert!(hidden(here.path()).is_empty());
    }
}
