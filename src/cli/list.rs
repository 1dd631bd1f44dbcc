//! `equipoise list`.

use super::args::{Kind, ListArgs};
use super::{Outcome, print};
use crate::error::Result;
use crate::input::{Source, decision_schema, json_schema, shipped, shipped_decisions};
use crate::report;

/// What is shipped, one of the files, or the schema of all model or decision files.
pub fn run(args: &ListArgs) -> Result<Outcome> {
    if let Some(kind) = args.schema {
        print(match kind {
            Kind::Model => json_schema(),
            Kind::Decision => decision_schema(),
        })?;
    } else if let Some(name) = &args.show {
        match shipped_decisions().iter().find(|d| d.name == name) {
            Some(decision) => print(decision.text)?,
            None => print(&Source::shipped(name)?.text)?,
        }
    } else {
        print(&report::list_text(shipped(), shipped_decisions()))?;
    }
    Ok(Outcome::Done)
}
