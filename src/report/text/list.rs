//! The shipped models.

use super::layout::{bold, push};
use crate::input::{Shipped, open, open_decision};

/// The shipped models, then the shipped decisions, as text for a terminal.
pub fn list_text(models: &[Shipped], decisions: &[Shipped]) -> String {
    let rows = models
        .iter()
        .filter_map(|m| {
            let study = open(m.name).ok()?;
            let mut kind = study.assignment.in_words().to_string();
            if study.illustrative {
                kind += ", illustrative";
            }
            Some((m.name, study.title, kind))
        })
        .collect::<Vec<_>>();
    let mut out = String::new();
    let decisions = decisions.iter().filter_map(|d| {
        let decision = open_decision(d.name).ok()?;
        let kind = if decision.illustrative() { "decision, illustrative" } else { "decision" };
        Some((d.name, decision.question, kind.to_string()))
    });
    for (name, title, kind) in rows.into_iter().chain(decisions) {
        out.push_str(&bold(name));
        out.push('\n');
        push(&mut out, &format!("  {title} ({kind})"), 2);
    }
    out
}
