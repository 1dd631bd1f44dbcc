//! Sampling allocates nothing but room for the record of draws.
//!
//! The allocator of this test program counts, each thread apart. Chains are warmed up and extended in a
//! pool of one thread, so that neither the test harness nor another test disturbs the count.

#![allow(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use equipoise::input::open;
use equipoise::model::{HeterogeneityPrior, Hierarchy, Model};
use equipoise::sampler::{Settings, extend, start};
use equipoise::study::Population;
use rows::{Sizes, adjustment, of_rows};

#[path = "common/rows.rs"]
mod rows;

thread_local! {
    /// How often this thread asked for memory.
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, with a count.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count() {
    ASKED.set(ASKED.get() + 1);
}

// SAFETY: every call is handed on unchanged; the count is a number that needs no memory and no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the system allocator's contract; the arguments are passed on as they are.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the system allocator's contract; the arguments are passed on as they are.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the system allocator's contract; the arguments are passed on as they are.
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the system allocator's contract; the arguments are passed on as they are.
        unsafe { System.dealloc(old, layout) }
    }
}

/// How often memory is asked for while four chains with 100 draws get `more`.
fn allocations_of(name: &str, more: usize) -> usize {
    allocations_of_model(&Model::of(&open(name).expect("shipped")), more)
}

fn allocations_of_model(model: &Model, more: usize) -> usize {
    let hierarchy = Hierarchy::new(model);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    pool.install(|| {
        let mut chains =
            start(&hierarchy, hierarchy.middle(), &Settings::default(), &()).expect("a finite density");
        extend(&mut chains, 100, &());
        let before = ASKED.get();
        extend(&mut chains, 100 + more, &());
        ASKED.get() - before
    })
}

#[test]
fn further_draws_allocate_their_record_and_nothing_else() {
    // Counts of 2 and of 22 subgroups, and estimates.
    for name in ["attention-ras-etiology", "blocker", "eight-schools"] {
        for more in [1, 200, 2000] {
            // Each of the four chains makes room for its draws and for its transitions.
            assert_eq!(allocations_of(name, more), 2 * 4, "{more} more draws of {name}");
        }
    }
}

#[test]
fn rows_with_covariates_and_centres_allocate_no_more() {
    let sizes = Sizes { subgroups: 3, patterns: 400, terms: 3, centres: 6 };
    let centre_sd = HeterogeneityPrior::HalfNormal { scale: 1.0 };
    let adjustment = adjustment(sizes, centre_sd, Population::All, 1);
    let model = of_rows(Model::of(&open("blocker").expect("shipped")), &adjustment, sizes.subgroups);
    for more in [1, 200] {
        assert_eq!(allocations_of_model(&model, more), 2 * 4, "{more} more draws");
    }
}

#[test]
fn the_allocator_counts() {
    let before = ASKED.get();
    drop(std::hint::black_box(vec![0_u8; 10]));
    assert_eq!(ASKED.get() - before, 1);
}
