//! `equipoise man`.

use clap::CommandFactory;

use super::args::{ManArgs, Parsed};
use super::{Outcome, notice, print};
use crate::error::{Error, Place, Result};

/// One page to standard output, or a page per command into a folder.
pub fn run(args: &ManArgs) -> Result<Outcome> {
    let Some(folder) = &args.out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Parsed::command())
            .render(&mut page)
            .map_err(|e| Error::new(format!("the manual page can't be made: {e}")))?;
        print(&String::from_utf8_lossy(&page))?;
        return Ok(Outcome::Done);
    };
    let fault = |e: std::io::Error| {
        Error::new(format!("the manual pages can't be written: {e}"))
            .at(Place::File(folder.display().to_string()))
    };
    std::fs::create_dir_all(folder).map_err(fault)?;
    clap_mangen::generate_to(Parsed::command(), folder).map_err(fault)?;
    notice(&format!("Written to {}", folder.display()));
    Ok(Outcome::Done)
}
