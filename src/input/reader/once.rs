//! Data that can be read only once. A data file is read from its start for its kind, for its records and for its checksum;
//! what comes through a pipe is kept in a temporary file for that.

use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Place, Result};

/// A data file that can be read again and again.
pub struct DataFile {
    shown: String,
    path: PathBuf,
    /// Removes what was kept of a pipe.
    #[cfg(any(feature = "cli", feature = "parquet"))]
    _kept: Option<tempfile::TempPath>,
}

impl DataFile {
    /// The file at a path; of a pipe or a device its whole content, up to 256 MB.
    pub fn at(path: &Path) -> Result<DataFile> {
        let shown = path.display().to_string();
        let again = std::fs::metadata(path).is_ok_and(|m| m.is_file() || m.is_dir());
        if again || !path.exists() {
            return Ok(DataFile {
                shown,
                path: path.to_path_buf(),
                #[cfg(any(feature = "cli", feature = "parquet"))]
                _kept: None,
            });
        }
        DataFile::kept(path, shown)
    }

    #[cfg(any(feature = "cli", feature = "parquet"))]
    fn kept(path: &Path, shown: String) -> Result<DataFile> {
        use std::io::Read;

        const MOST: u64 = 256 << 20;
        let copy = || -> std::io::Result<(tempfile::NamedTempFile, u64)> {
            let mut kept = tempfile::NamedTempFile::new()?;
            let copied = std::io::copy(&mut std::fs::File::open(path)?.take(MOST + 1), &mut kept)?;
            Ok((kept, copied))
        };
        let here = || Place::File(shown.clone());
        let (kept, copied) = copy().map_err(|e| super::source::unreadable(&e).at(here()))?;
        if copied > MOST {
            return Err(Error::of(ErrorKind::Limit, "more than 256 MB come through this pipe")
                .at(here())
                .help("save them as a file, and name that"));
        }
        let kept = kept.into_temp_path();
        Ok(DataFile { path: kept.to_path_buf(), shown, _kept: Some(kept) })
    }

    #[cfg(not(any(feature = "cli", feature = "parquet")))]
    fn kept(_: &Path, shown: String) -> Result<DataFile> {
        Err(Error::of(ErrorKind::File, "this is no file that can be read again")
            .at(Place::File(shown))
            .help("save the data as a file, and name that"))
    }

    /// Where it is read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What errors call it.
    pub fn shown(&self) -> &str {
        &self.shown
    }
}
