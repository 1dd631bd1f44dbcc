//! How far a comparison has come: whole fits, those done and those that are to be done.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A shared counter of the fits that a comparison makes: the comparison counts, and progress is read from it.
#[derive(Debug, Clone, Default)]
pub struct Steps(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    planned: AtomicUsize,
    done: AtomicUsize,
}

impl Steps {
    pub(crate) fn plan(&self, more: usize) {
        self.0.planned.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn did(&self, more: usize) {
        self.0.done.fetch_add(more, Ordering::Relaxed);
    }

    /// The number of fits done, and of all fits as far as they are known.
    pub fn so_far(&self) -> (usize, usize) {
        (self.0.done.load(Ordering::Relaxed), self.0.planned.load(Ordering::Relaxed))
    }
}
