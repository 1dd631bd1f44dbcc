//! Panics of libraries that were given bytes they did not expect.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether this thread is inside a library whose panics are caught.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// The hook that says nothing of panics that are caught here stands once; all others go to the one before it.
static QUIET: Once = Once::new();

/// What the work gives, or none where it panics. Nothing is printed of that panic; what panics elsewhere, on this thread or
/// on others, is printed as ever.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    QUIET.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            // A thread that is ending has no flag any more.
            if !GUARDED.try_with(Cell::get).unwrap_or(false) {
                before(info);
            }
        }));
    });
    let outer = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    result.ok()
}

#[cfg(test)]
mod tests {
    use std::panic::{catch_unwind, set_hook, take_hook};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::guarded;

    #[test]
    fn only_panics_that_are_caught_here_are_silent() {
        static TOLD: AtomicUsize = AtomicUsize::new(0);
        const OURS: &str = "told of by this test";
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if info.payload().downcast_ref::<&str>() == Some(&OURS) {
                TOLD.fetch_add(1, Ordering::SeqCst);
            } else {
                before(info);
            }
        }));
        // The quiet hook stands on top of this one only where no test before has read a file.
        let quiet = guarded(|| -> u8 { std::panic::panic_any(OURS) });
        assert_eq!(quiet, None);
        assert_eq!(guarded(|| guarded(|| 1).unwrap_or(0) + 1), Some(2));
        let inside = TOLD.load(Ordering::SeqCst);
        assert!(catch_unwind(|| std::panic::panic_any(OURS)).is_err());
        assert_eq!(TOLD.load(Ordering::SeqCst), inside + 1);
    }
}
