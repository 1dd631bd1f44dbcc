//! `equipoise new DATA`.

use std::path::{Path, PathBuf};

use super::args::NewArgs;
use super::lists::{Pairs, all};
use super::progress::reading;
use super::whole_file::write_whole;
use super::{Outcome, notice, outputs, print, start_threads};
use crate::error::{Error, ErrorKind, Result};
use crate::input::{Draft, Form, draft, open_text};

/// Looks at a data file and writes a first model file for it.
pub fn run(args: &NewArgs) -> Result<Outcome> {
    start_threads(None)?;
    let said = Draft {
        rows: args.rows.map(Into::into),
        columns: args.columns.iter().flat_map(|Pairs(each)| each.iter().cloned()).collect(),
        scale: args.scale.map(Into::into),
        outcome: args.outcome.clone(),
        treatment: args.treatment.clone(),
        subgroup: args.subgroup.clone(),
        event: all(&args.event),
        levels: all(&args.levels),
        above: args.above.clone(),
        unknown: all(&args.unknown),
        control: all(&args.control),
        active: all(&args.active),
        adjust: all(&args.adjust),
        centre: args.centre.clone(),
        cut: args.cut.clone(),
        keep: args.keep.clone(),
        no_subgroup: args.no_subgroup,
        form: Form { sheet: args.sheet.clone(), decimal: args.decimal.into() },
        assignment: args.assignment.into(),
        higher_is: args.higher_is.into(),
        reading: (&args.reading).into(),
    };
    let Some(out) = &args.out else {
        // Paths start from the working folder, where standard output is likely to be put.
        let text = drafted(&args.data, args.data.clone(), &said, Path::new("model.toml"))?;
        print(&text)?;
        taken_as_no_event(&text, &said);
        return Ok(Outcome::Done);
    };
    if out.exists() {
        return Err(
            Error::of(ErrorKind::File, format!("{} exists", out.display())).help("name another file with -o")
        );
    }
    outputs::file(out, &[])?;
    let text = drafted(&args.data, named_from(&args.data, out), &said, out)?;
    write_whole(out, text.as_bytes())?;
    taken_as_no_event(&text, &said);
    notice(&format!("Written to {}; now run: equipoise check {}", out.display(), out.display()));
    Ok(Outcome::Done)
}

/// Says which values of the outcome are patients without the event where only those with it were named: codes of outcomes that
/// are not known may be among them.
fn taken_as_no_event(text: &str, said: &Draft) {
    let rest: Vec<String> = text
        .parse::<toml::Table>()
        .ok()
        .as_ref()
        .and_then(|file| file.get("data")?.get("levels")?.get("no_event"))
        .and_then(|values| values.as_array())
        .map(|values| values.iter().filter_map(|v| v.as_str()).map(|v| format!("`{v}`")).collect())
        .unwrap_or_default();
    if !said.event.is_empty() && rest.len() > 1 {
        notice(&format!(
            "Taken as patients without the event: {}. Where one stands for an outcome that is not known, name it: --unknown VALUE,…",
            rest.join(", ")
        ));
    }
}

/// The text of a model file that `check` takes, were it at `place`.
fn drafted(data: &Path, named: PathBuf, said: &Draft, place: &Path) -> Result<String> {
    let named = named.into_os_string().into_string().map_err(|named| {
        Error::of(
            ErrorKind::Usage,
            format!("{} is not UTF-8, and a model file can name no such path", named.display()),
        )
        .help("rename the file or its folder")
    })?;
    reading(|| {
        let text = draft(data, &named, said)?;
        match open_text(&text, place, said.reading) {
            Ok(_) => Ok(text),
            Err(e) => {
                Err(e.help("the model file that these options ask for could not be read: it is not written"))
            }
        }
    })
}

/// The data file as the model file is to name it: paths there start from its own folder.
fn named_from(data: &Path, model: &Path) -> PathBuf {
    let folder =
        |p: &Path| p.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_path_buf();
    let same = match (folder(data).canonicalize(), folder(model).canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    };
    let whole = || data.canonicalize().unwrap_or_else(|_| data.to_path_buf());
    match data.file_name() {
        Some(name) if same => name.into(),
        _ => whole(),
    }
}
