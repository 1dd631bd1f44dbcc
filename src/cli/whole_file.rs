//! Files that are written whole or not at all.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// Beside its place first, then renamed: a reader sees the old file or the new one. Devices and pipes are written into.
pub fn write_whole(path: &Path, content: &[u8]) -> Result<()> {
    let fault = |e: std::io::Error| {
        Error::of(ErrorKind::File, format!("can't write {}: {e}", path.display()))
            .help("name a file in a folder that you may write to")
    };
    if path.metadata().is_ok_and(|m| !m.is_file()) {
        return fs::write(path, content).map_err(fault);
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = open_to_others().tempfile_in(folder).map_err(fault)?;
    file.write_all(content).map_err(fault)?;
    // On the disk before it takes its name: a machine that stops leaves the old file or the new one.
    file.as_file().sync_all().map_err(fault)?;
    file.persist(path).map_err(|e| fault(e.error))?;
    Ok(())
}

/// The same, but a file that is there already stays as it is.
pub fn write_first(path: &Path, content: &[u8]) -> Result<()> {
    let fault = |e: std::io::Error| {
        Error::of(ErrorKind::File, format!("can't write {}: {e}", path.display()))
            .help("name a place that you may write to")
    };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = open_to_others().tempfile_in(folder).map_err(fault)?;
    file.write_all(content).map_err(fault)?;
    file.as_file().sync_all().map_err(fault)?;
    match file.persist_noclobber(path) {
        Err(e) if e.error.kind() != std::io::ErrorKind::AlreadyExists => Err(fault(e.error)),
        _ => Ok(()),
    }
}

/// A temporary file is its owner's alone; what is written here has the usual permissions.
fn open_to_others() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder
}
