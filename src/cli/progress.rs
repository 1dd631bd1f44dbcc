//! Progress of long runs on standard error, and stopping them.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use indicatif::{HumanCount, ProgressBar};

use super::notice;
use crate::compare::Steps;
use crate::error::Result;
use crate::sampler::Watch;
use crate::study::{Study, open, rows_read};

/// A run that takes no longer says nothing.
const PATIENCE: Duration = Duration::from_millis(500);

/// Between two words on a terminal, and elsewhere.
const BLINK: Duration = Duration::from_millis(120);
const SELDOM: Duration = Duration::from_secs(5);

/// The exit status of a program that was interrupted, as shells have it.
const INTERRUPTED: i32 = 130;

/// What the sampler has done so far, and whether it shall go on.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    transitions: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
}

impl Watch for Progress {
    fn advanced(&self, transitions: usize) {
        self.transitions.fetch_add(transitions, Ordering::Relaxed);
    }

    fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

/// Does the work with progress shown. The first interrupt stops the sampler cleanly, if it is `sampling`; the second, or the
/// first where there is no sampler to stop, ends the program.
pub fn watched<T>(sampling: bool, work: impl FnOnce(&Progress) -> T) -> T {
    watched_by(sampling, None, work)
}

/// The same of a comparison, with its rows counted.
pub fn watched_by<T>(sampling: bool, steps: Option<&Steps>, work: impl FnOnce(&Progress) -> T) -> T {
    let progress = Progress::default();
    let flag = Arc::clone(&progress.stopped);
    // Where no handler can be set an interrupt ends the program, as it would without one.
    let _ = ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) || !sampling {
            if !sampling {
                notice("Interrupted: stopped without a result.");
            }
            std::process::exit(INTERRUPTED);
        }
    });
    beside(sampling, || words(&progress, steps), || progress.stopped(), || work(&progress))
}

/// Opens a study, with the rows of a large data file counted as they are read.
pub fn opened(model: &str) -> Result<Study> {
    reading(|| open(model))
}

/// Reads a data file likewise.
pub fn reading<T>(work: impl FnOnce() -> T) -> T {
    beside(true, || format!("Reading: {} rows", HumanCount(rows_read())), || false, work)
}

/// Does the work and says `words` beside it, from time to time; once and no more where they are the `last`. Outside a
/// terminal only what is said `anywhere`.
fn beside<T>(
    anywhere: bool,
    words: impl Fn() -> String + Send,
    last: impl Fn() -> bool + Send,
    work: impl FnOnce() -> T,
) -> T {
    std::thread::scope(|scope| {
        // Dropped when the work is done, or has panicked: the other end then stops waiting.
        let (working, done) = channel::<()>();
        if anywhere || std::io::stderr().is_terminal() {
            scope.spawn(move || show(words, last, &done));
        }
        let result = work();
        drop(working);
        result
    })
}

fn show(words: impl Fn() -> String, last: impl Fn() -> bool, done: &Receiver<()>) {
    let over = |wait| done.recv_timeout(wait) != Err(RecvTimeoutError::Timeout);
    if over(PATIENCE) {
        return;
    }
    if std::io::stderr().is_terminal() {
        let bar = ProgressBar::new_spinner();
        while !over(BLINK) {
            bar.set_message(words());
            bar.tick();
        }
        bar.finish_and_clear();
    } else {
        loop {
            notice(&words());
            // Once is enough to say that it stops.
            let wait = if last() { Duration::MAX } else { SELDOM };
            if over(wait) {
                return;
            }
        }
    }
}

fn words(progress: &Progress, steps: Option<&Steps>) -> String {
    if let Some((done, planned)) = steps.map(Steps::so_far).filter(|(_, planned)| *planned > 0) {
        return format!("Comparing: {} of {} rows done (Ctrl-C stops)", done.min(planned), planned);
    }
    if progress.stopped() {
        return "Stopping; once more ends at once".to_string();
    }
    match progress.transitions.load(Ordering::Relaxed) {
        0 => "Computing (Ctrl-C stops)".to_string(),
        n => {
            format!("Computing: {} transitions (Ctrl-C stops and writes what is sound)", HumanCount(n as u64))
        }
    }
}
