//! What is on the heap, told apart by whose it is: what the simulator holds is no part of what a wait costs.
//!
//! Everything runs on one thread, so that what the heap grows by while the simulator is at work is the simulator's.

use std::sync::atomic::{AtomicI64, Ordering};

use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Bytes that the simulator holds.
static SIMULATOR: AtomicI64 = AtomicI64::new(0);

fn live() -> i64 {
    i64::try_from(HEAP.current_usage()).expect("a size")
}

/// Does something for which the simulator answers: what it leaves on the heap is the simulator's, and so is what it frees.
pub(crate) fn simulator<T>(work: impl FnOnce() -> T) -> T {
    let before = live();
    let outcome = work();
    SIMULATOR.fetch_add(live() - before, Ordering::Relaxed);
    outcome
}

/// Bytes on the heap that are not the simulator's.
pub(crate) fn ours() -> i64 {
    live() - SIMULATOR.load(Ordering::Relaxed)
}
