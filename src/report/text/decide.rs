//! A decision discussion at 80 columns.

use super::layout::{push, push_failures_and_notices, push_passage, push_title, push_warning};
use crate::decide::Discussion;
use crate::report::decide_json::decide_statements;
use crate::report::discussion;
use crate::study::Decision;

/// A decision discussion as text for a terminal: the question, what it comes to, and a section for everything that bears
/// on it.
pub fn decide_text(decision: &Decision, d: &Discussion) -> String {
    let mut out = String::new();
    push_title(&mut out, &decision.question);
    push_passage(&mut out, &discussion::about(decision));
    for statement in decide_statements(decision, d) {
        push_warning(&mut out, &statement);
    }
    out.push('\n');
    let failed = (!d.ok).then_some("No result: a run did not pass its checks.");
    push_failures_and_notices(&mut out, failed, &d.reasons, &d.notices);
    if !d.ok {
        return out;
    }
    for section in discussion::sections(decision, d) {
        push_passage(&mut out, &section);
        out.push('\n');
    }
    push(&mut out, discussion::METHOD, 2);
    push(&mut out, "`--format json` has every number in full, `--format csv` every list.", 2);
    out
}
