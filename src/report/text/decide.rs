//! A decision discussion at 80 columns.

use super::answer::{Length, as_many_as_fit, push_rest};
use super::layout::{push, push_failures_and_notices, push_passage, push_title, push_warning};
use crate::decide::Discussion;
use crate::posterior::Says;
use crate::report::decide_json::decide_statements;
use crate::report::discussion;
use crate::study::Decision;

/// A decision discussion as text for a terminal: the question, what it comes to, and at full length a section for
/// everything that bears on it.
pub fn decide_text(decision: &Decision, d: &Discussion, length: Length) -> String {
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
    let sections = discussion::named_sections(decision, d);
    if length == Length::Short {
        let (answer, left_out) = as_many_as_fit(&d.claims, importance);
        if !answer.is_empty() {
            out.push_str(&answer);
            out.push('\n');
        }
        let more = format!("{left_out} more sentence{} of the answer", if left_out == 1 { "" } else { "s" });
        let rest =
            sections.into_iter().filter(|(name, _)| !name.is_empty()).map(|(name, _)| name.to_string());
        let rest: Vec<String> = (left_out > 0).then_some(more).into_iter().chain(rest).collect();
        push_rest(&mut out, &rest);
        return out;
    }
    for (_, section) in sections {
        push_passage(&mut out, &section);
        out.push('\n');
    }
    if !decision.is_of_several_arms() {
        push(&mut out, discussion::METHOD, 2);
    }
    push(&mut out, "`--format json` has every number in full, `--format csv` every list.", 2);
    out
}

/// Which sentences a short answer has room for first.
fn importance(says: &Says) -> Option<usize> {
    match says {
        Says::Verdicts(_) => Some(0),
        Says::Action { .. } | Says::BestAction { .. } => Some(1),
        Says::Dissent { .. } => Some(2),
        Says::Leaning(_) | Says::BestArm { .. } => Some(3),
        Says::PriorsFlip { .. } => Some(4),
        _ => None,
    }
}
