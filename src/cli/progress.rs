//! Progress of long runs on standard error, and stopping them.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use indicatif::{HumanCount, HumanDuration, ProgressBar};

use super::{INTERRUPTED, notice};
use crate::compare::Steps;
use crate::error::Result;
use crate::input::{Changes, Reading, open_changed, rows_read};
use crate::posterior::Observer;
use crate::sampler::Watch;
use crate::study::Study;

/// A run that takes no longer than this shows no progress.
const PATIENCE: Duration = Duration::from_millis(500);

/// Between two words on a terminal, and between two looks elsewhere, where there is nothing to say before an interrupt.
const BLINK: Duration = Duration::from_millis(120);

/// What the sampler has done so far, or how many studies are simulated, and whether it shall go on.
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

impl Observer for Progress {}

/// Who is told of an interrupt: a sampler that stops cleanly, if there is one.
static LISTENER: Mutex<Option<Arc<AtomicBool>>> = Mutex::new(None);

/// Does the work with progress shown. The first interrupt stops the sampler cleanly, if it is `sampling`; the second, or the
/// first where there is no sampler to stop, ends the program.
pub fn watched<T>(sampling: bool, work: impl FnOnce(&Progress) -> T) -> T {
    watched_by(sampling, None, work)
}

/// As [`watched`], with the fits of a comparison counted.
pub fn watched_by<T>(sampling: bool, steps: Option<&Steps>, work: impl FnOnce(&Progress) -> T) -> T {
    let progress = Progress::default();
    let listener = sampling.then(|| Arc::clone(&progress.stopped));
    interruptible(listener, || beside(|| words(&progress, steps), || progress.stopped(), || work(&progress)))
}

/// As [`watched`], of work that counts studies it simulates, so many in all. The first interrupt stops it after those that have
/// begun.
pub fn watched_counting<T>(planned: u64, work: impl FnOnce(&Progress) -> T) -> T {
    let progress = Progress::default();
    let began = Instant::now();
    let words = || simulating(&progress, planned, began.elapsed());
    let listener = Some(Arc::clone(&progress.stopped));
    interruptible(listener, || beside(words, || progress.stopped(), || work(&progress)))
}

/// As [`watched`], of work whose parts are counted as they are done; an interrupt ends the program.
pub fn watched_parts<T>(steps: &Steps, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let words = || {
        let (done, planned) = steps.so_far();
        match (done, planned) {
            (0, _) => "Computing (Ctrl-C stops)".to_string(),
            _ => {
                let left = began.elapsed().mul_f64(planned.saturating_sub(done) as f64 / done as f64);
                format!(
                    "Computing: {done} of {planned} parts, about {} left (Ctrl-C stops)",
                    HumanDuration(left)
                )
            }
        }
    };
    interruptible(None, || beside(words, || false, work))
}

/// How many studies are simulated, and how long the others will take if they are like these.
fn simulating(progress: &Progress, planned: u64, elapsed: Duration) -> String {
    if progress.stopped() {
        return "Stopping after the studies that are being fitted; once more ends at once".to_string();
    }
    let done = progress.transitions.load(Ordering::Relaxed) as u64;
    let left = elapsed.mul_f64(planned.saturating_sub(done) as f64 / done.max(1) as f64);
    let left = if done == 0 { String::new() } else { format!(", about {} left", HumanDuration(left)) };
    format!(
        "Simulating: {} of {} studies{left} (Ctrl-C stops and tells of these)",
        HumanCount(done),
        HumanCount(planned)
    )
}

/// Opens a study, with the rows of a large data file counted as they are read.
pub fn opened(model: &Path, how: Reading, changes: &Changes) -> Result<Study> {
    reading(|| open_changed(model, how, changes))
}

/// Reads a data file while its rows are counted; an interrupt ends the program.
pub fn reading<T>(work: impl FnOnce() -> T) -> T {
    let words = || format!("Reading: {} rows (Ctrl-C stops)", HumanCount(rows_read()));
    interruptible(None, || beside(words, || false, work))
}

/// Does the work while interrupts (Ctrl-C, and the signal to terminate) are told to the listener. Without one, or where it was
/// told already, an interrupt ends the program at once, with a word: files are written beside their place and renamed, so
/// that none is left half-written.
fn interruptible<T>(listener: Option<Arc<AtomicBool>>, work: impl FnOnce() -> T) -> T {
    static HANDLER: Once = Once::new();
    set_listener(listener);
    // Where no handler can be set an interrupt ends the program too, without a word.
    HANDLER.call_once(|| {
        let _ = ctrlc::set_handler(|| {
            let listener = LISTENER.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if listener.is_none_or(|told| told.swap(true, Ordering::Relaxed)) {
                notice("Interrupted: nothing is left half-written.");
                std::process::exit(INTERRUPTED.into());
            }
        });
    });
    let result = work();
    set_listener(None);
    result
}

fn set_listener(listener: Option<Arc<AtomicBool>>) {
    *LISTENER.lock().unwrap_or_else(PoisonError::into_inner) = listener;
}

/// Does the work and says `words` beside it, from time to time, on a terminal; elsewhere once, where they are the `last`.
fn beside<T>(
    words: impl Fn() -> String + Send,
    last: impl Fn() -> bool + Send,
    work: impl FnOnce() -> T,
) -> T {
    std::thread::scope(|scope| {
        // Dropped when the work is done, or has panicked: the other end then stops waiting.
        let (working, done) = channel::<()>();
        // Where the system has no thread for it the work is done without a word.
        let _ = Builder::new().spawn_scoped(scope, move || show(words, last, &done));
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
        while !last() {
            if over(BLINK) {
                return;
            }
        }
        notice(&words());
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
