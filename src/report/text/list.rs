//! The shipped models.

use super::layout::{bold, push};
use crate::study::{Assignment, Shipped, open};

/// The shipped models.
pub fn list_text(models: &[Shipped]) -> String {
    let rows = models
        .iter()
        .filter_map(|m| {
            let study = open(m.name).ok()?;
            let mut kind = match study.assignment {
                Assignment::Randomised => "randomised".to_string(),
                Assignment::Observational => "observational".to_string(),
            };
            if study.illustrative {
                kind += ", illustrative";
            }
            Some((m.name, study.title, kind))
        })
        .collect::<Vec<_>>();
    let mut out = String::new();
    for (name, title, kind) in rows {
        out.push_str(&bold(name));
        out.push('\n');
        push(&mut out, &format!("  {title} ({kind})"), 2);
    }
    out
}
