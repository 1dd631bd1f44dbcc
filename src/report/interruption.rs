//! What is said of a run that somebody stopped.

use super::text::grouped;
use crate::posterior::{Report, Stopped};

/// How far an interrupted run came, in a sentence; none where it came to its end.
pub fn interruption(report: &Report) -> Option<String> {
    let sampler = report.settings.sampler.as_ref().filter(|s| s.stopped == Stopped::Interrupted)?;
    let drawn = grouped(sampler.draws as u64);
    let so_far = match (sampler.draws_asked, sampler.mcse) {
        (Some(asked), _) => format!("{drawn} of {} draws of each chain", grouped(asked as u64)),
        (None, Some(mcse)) => {
            format!("{drawn} draws of each chain, before every Monte Carlo error was at most {mcse}")
        }
        (None, None) => format!("{drawn} draws of each chain"),
    };
    let is_integrated = sampler.draws == 0 && report.checks.exact.available;
    let rest = if is_integrated { "; every number is by numerical integration" } else { "" };
    Some(format!("INTERRUPTED: {so_far}{rest}."))
}
