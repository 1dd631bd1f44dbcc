//! Where a command is to write, looked at before its work: what it reads is not replaced, and each place can be written.

use std::io;
use std::path::{Path, PathBuf};

use super::run_folder;
use crate::error::{Error, ErrorKind, Place, Result};

/// A file that is to be written, beside what the command reads.
pub fn file(path: &Path, read: &[PathBuf]) -> Result<()> {
    if path.is_dir() {
        return Err(Error::of(ErrorKind::Usage, format!("{} is a folder", path.display()))
            .help("name a file, such as page.html"));
    }
    not_read(path, read)?;
    // Devices and pipes are there already.
    if path.metadata().is_ok_and(|m| !m.is_file()) {
        return Ok(());
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    writable(folder).map_err(|e| {
        Error::of(ErrorKind::File, format!("can't write {}: {}", path.display(), in_words(&e)))
            .help("name a file in a folder that is there and that you may write to")
    })
}

/// A file that the command reads is not one that it writes.
pub fn not_read(path: &Path, read: &[PathBuf]) -> Result<()> {
    if read.iter().any(|input| same_file(input, path)) {
        return Err(Error::of(
            ErrorKind::Usage,
            format!("{} is read by this command and would be replaced", path.display()),
        )
        .help("name another file"));
    }
    Ok(())
}

/// A folder that is to be made where it is not there yet.
pub fn folder(path: &Path) -> Result<()> {
    let fault = |why: String| {
        Error::of(ErrorKind::File, format!("can't make the folder {}: {why}", path.display()))
            .help("name a folder that you may write to")
    };
    if path.exists() && !path.is_dir() {
        return Err(fault("a file has this name".to_string()));
    }
    writable(existing(path)).map_err(|e| fault(in_words(&e)))
}

/// A run folder: an earlier run, empty, or not there yet; and without anything that the command reads.
pub fn run_folder(path: &Path, read: &[PathBuf]) -> Result<()> {
    let here = || Place::File(path.display().to_string());
    run_folder::replaceable(path)?;
    if let Some(input) = read.iter().find(|input| lies_in(input, path)) {
        return Err(Error::of(
            ErrorKind::Usage,
            format!("this folder is replaced whole, and {} is read", input.display()),
        )
        .at(here())
        .help("choose another with --out, or copy the model out of it"));
    }
    // An earlier run changes places with a folder made beside it.
    let beside = if path.exists() { path.parent() } else { Some(existing(path)) };
    let beside = beside.filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    writable(beside).map_err(|e| {
        Error::of(ErrorKind::File, format!("can't be written: {}", in_words(&e)))
            .at(here())
            .help("choose another place with --out")
    })
}

/// Whether a path, there or not yet, lies in a folder, there or not yet.
pub fn lies_in(path: &Path, folder: &Path) -> bool {
    resolved(path).starts_with(resolved(folder))
}

/// Whether two paths lead to one file.
fn same_file(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let known = |path: &Path| path.metadata().ok().map(|m| (m.dev(), m.ino()));
        known(one).is_some_and(|place| known(other) == Some(place))
    }
    #[cfg(not(unix))]
    {
        matches!((one.canonicalize(), other.canonicalize()), (Ok(a), Ok(b)) if a == b)
    }
}

/// Without links, as far as the path is there.
fn resolved(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let there = existing(&path);
    let Ok(rest) = path.strip_prefix(there) else { return path };
    there.canonicalize().map_or_else(|_| path.clone(), |there| there.join(rest))
}

/// The deepest part of a path that is there; the working folder where none is.
fn existing(path: &Path) -> &Path {
    path.ancestors().find(|p| p.exists()).unwrap_or(Path::new("."))
}

/// Whether a file can be made in a folder: makes one, which goes at once.
fn writable(folder: &Path) -> io::Result<()> {
    tempfile::tempfile_in(folder).map(drop)
}

/// An error of the system, without the path of a file that nobody has named.
fn in_words(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::NotFound => "there is no such folder".to_string(),
        io::ErrorKind::NotADirectory => "a part of its path is a file".to_string(),
        io::ErrorKind::PermissionDenied => "its folder may not be written to".to_string(),
        _ => e.to_string(),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::{file, folder, lies_in};

    #[test]
    fn a_file_that_is_read_is_not_written_by_whatever_path() {
        let here = tempfile::tempdir().expect("a folder");
        let model = here.path().join("model.toml");
        fs::write(&model, "").expect("written");
        symlink(&model, here.path().join("link")).expect("linked");
        fs::hard_link(&model, here.path().join("twin")).expect("linked");
        let read = [model.clone()];
        for name in ["model.toml", "./model.toml", "link", "twin"] {
            let error = file(&here.path().join(name), &read).expect_err(name);
            assert!(error.message().contains("is read by this command"), "{error}");
        }
        file(&here.path().join("page.html"), &read).expect("another");
        let error = file(&here.path().join("none/page.html"), &read).expect_err("nowhere");
        assert!(error.message().contains("there is no such folder"), "{error}");
        folder(&here.path().join("some/figures")).expect("can be made");
        assert!(folder(&model.join("figures")).is_err());
        assert!(folder(&model).is_err());
    }

    #[test]
    fn a_path_lies_in_a_folder_whether_they_are_there_or_not() {
        let here = tempfile::tempdir().expect("a folder");
        fs::create_dir(here.path().join("real")).expect("made");
        symlink(here.path().join("real"), here.path().join("link")).expect("linked");
        let at = |path: &str| here.path().join(path);
        assert!(lies_in(&at("link/page.html"), &at("real")));
        assert!(lies_in(&at("run/new/page.html"), &at("run")));
        assert!(!lies_in(&at("running.html"), &at("run")));
        assert!(!lies_in(&at("page.html"), &at("run")));
    }
}
