//! Room on the stack for high trees.
//!
//! Parsing and evaluation recurse. A level takes up to 12 KiB without optimization, so that the
//! highest trees allowed would not fit the stack of a usual thread.

use std::{panic, thread};

/// Trees up to this height fit any stack.
const HEIGHT_PLAIN: usize = 48;
/// Enough for more than 2000 levels; only what is used takes memory.
const STACK_BYTES: usize = 32 << 20;

/// Runs `work` on a thread with more stack, if a tree of that height needs it. `None` when there is
/// no thread to be had.
pub(crate) fn with_room<T: Send>(height: usize, work: impl FnOnce() -> T + Send) -> Option<T> {
    if height <= HEIGHT_PLAIN {
        return Some(work());
    }
    thread::scope(|scope| {
        let spawned = thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
        let finished = spawned.ok()?.join();
        Some(finished.unwrap_or_else(|cause| panic::resume_unwind(cause)))
    })
}
