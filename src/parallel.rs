//! Work done beside other work, with results in the order of what they were made from.
//!
//! rayon's machinery is compiled here once, over bodies behind a pointer, instead of anew for every closure that runs in
//! parallel: that was an eighth of all the code of this crate. A call through a pointer is nothing beside pieces of work
//! worth a thread.

use std::ops::Range;
use std::sync::Mutex;

use rayon::prelude::*;

/// How many threads work beside each other.
#[cfg(feature = "cli")]
pub fn threads() -> usize {
    rayon::current_num_threads()
}

/// `f` of every item, in their order.
pub fn map<A: Sync, T: Send>(items: &[A], f: impl Fn(&A) -> T + Sync) -> Vec<T> {
    range(0..items.len(), |i| f(&items[i]))
}

/// `f` of every item, taken, in their order.
pub fn map_taken<A: Send, T: Send>(items: Vec<A>, f: impl Fn(A) -> T + Sync) -> Vec<T> {
    let items: Vec<Mutex<Option<A>>> = items.into_iter().map(Some).map(Mutex::new).collect();
    let taken = |i: usize| items[i].lock().ok().and_then(|mut item| item.take());
    range(0..items.len(), |i| taken(i).map(&f)).into_iter().flatten().collect()
}

/// `f` of every index, in their order.
pub fn range<T: Send>(indices: Range<usize>, f: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let slots: Vec<Mutex<Option<T>>> = indices.clone().map(|_| Mutex::new(None)).collect();
    let first = indices.start;
    each(indices, &|i| {
        let made = f(i);
        if let Ok(mut slot) = slots[i - first].lock() {
            *slot = Some(made);
        }
    });
    // None is empty: a body that panics takes its caller with it.
    slots.into_iter().filter_map(|slot| slot.into_inner().ok().flatten()).collect()
}

/// What both give, made beside each other.
pub fn join<A: Send, B: Send>(a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    let (mut a, mut b) = (Half::Open(a), Half::Open(b));
    both(&mut || a.close(), &mut || b.close());
    (a.made(), b.made())
}

/// Work that is done at most once, and what it gave.
enum Half<F, T> {
    Open(F),
    Closing,
    Closed(T),
}

impl<T, F: FnOnce() -> T> Half<F, T> {
    fn close(&mut self) {
        *self = match std::mem::replace(self, Half::Closing) {
            Half::Open(work) => Half::Closed(work()),
            closed => closed,
        };
    }

    /// What it gave; done now if it has not been.
    fn made(mut self) -> T {
        loop {
            match self {
                Half::Closed(made) => return made,
                _ => self.close(),
            }
        }
    }
}

fn each(indices: Range<usize>, body: &(dyn Fn(usize) + Sync)) {
    indices.into_par_iter().for_each(body);
}

fn both(a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send)) {
    rayon::join(a, b);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_what_they_were_made_from() {
        let items: Vec<usize> = (0..1000).collect();
        let twice: Vec<usize> = items.iter().map(|i| 2 * i).collect();
        assert_eq!(map(&items, |i| 2 * i), twice);
        assert_eq!(range(3..1000, |i| 2 * i), twice[3..]);
        assert_eq!(map_taken(items.iter().map(ToString::to_string).collect(), |s| s.len())[998..], [3, 3]);
        assert!(range(5..5, |i| i).is_empty());
    }

    #[test]
    fn both_halves_are_done_once_even_within_each_other() {
        let (a, (b, c)) = join(|| 1, || join(|| "two".to_string(), || vec![3; 3]));
        assert_eq!((a, b.as_str(), c), (1, "two", vec![3, 3, 3]));
    }

    #[test]
    fn a_panic_goes_on_to_the_caller() {
        let caught = std::panic::catch_unwind(|| range(0..100, |i| assert!(i != 50)));
        assert!(caught.is_err());
        let caught = std::panic::catch_unwind(|| join(|| 1, || assert_eq!(1, 2)));
        assert!(caught.is_err());
    }
}
