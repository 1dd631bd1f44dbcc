//! `equipoise list`.

use super::args::ListArgs;
use super::{Outcome, print};
use crate::error::Result;
use crate::report;
use crate::study::{Source, json_schema, shipped};

/// The shipped models, one of their files, or the schema of all model files.
pub fn run(args: &ListArgs) -> Result<Outcome> {
    if args.schema {
        print(&json_schema())?;
    } else if let Some(name) = &args.show {
        print(&Source::shipped(name)?.text)?;
    } else {
        print(&report::list_text(shipped()))?;
    }
    Ok(Outcome::Done)
}
