//! `equipoise new DATA.csv`.

use std::path::Path;

use super::args::NewArgs;
use super::progress::reading;
use super::whole_file::write_whole;
use super::{Outcome, notice, print};
use crate::error::{Error, Result};
use crate::study::{Draft, draft};

/// Looks at a file of patients and writes a first model file for it.
pub fn run(args: &NewArgs) -> Result<Outcome> {
    let said = Draft {
        outcome: args.outcome.clone(),
        treatment: args.treatment.clone(),
        subgroup: args.subgroup.clone(),
        event: args.event.clone(),
        unknown: args.unknown.clone(),
        control: args.control.clone(),
        active: args.active.clone(),
        adjust: args.adjust.clone(),
        centre: args.centre.clone(),
        assignment: args.assignment.into(),
        higher_is: args.higher_is.into(),
        reading: (&args.reading).into(),
    };
    let Some(out) = &args.out else {
        let text = reading(|| draft(&args.data, &args.data.to_string_lossy(), &said))?;
        print(&text)?;
        return Ok(Outcome::Done);
    };
    if out.exists() {
        return Err(Error::new(format!("{} exists", out.display())).help("name another file with -o"));
    }
    let text = reading(|| draft(&args.data, &named_from(&args.data, out), &said))?;
    write_whole(out, text.as_bytes())?;
    notice(&format!("Written to {}; now run: equipoise check {}", out.display(), out.display()));
    Ok(Outcome::Done)
}

/// The data file as the model file is to name it: paths there start from its own folder.
fn named_from(data: &Path, model: &Path) -> String {
    let folder =
        |p: &Path| p.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_path_buf();
    let same = match (folder(data).canonicalize(), folder(model).canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    };
    let whole = || data.canonicalize().unwrap_or_else(|_| data.to_path_buf());
    match data.file_name() {
        Some(name) if same => name.to_string_lossy().into_owned(),
        _ => whole().to_string_lossy().into_owned(),
    }
}
