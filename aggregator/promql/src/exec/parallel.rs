//! Evaluates series on several threads and hands the results over in order.

mod queue;

use super::Exec;
use crate::{annotations::Notes, error::EvalError};
use queue::Queue;

/// Series that a thread takes at a time: so many, or fewer where that leaves threads without work;
/// but less than the least are not worth the start of a thread.
const BLOCK_MAX: usize = 64;
const BLOCK_MIN: usize = 8;
/// Blocks that each thread should get, so that one slow block does not make the others wait.
const BLOCKS_PER_THREAD: usize = 4;
/// Blocks per thread that may be done before it is their turn, which bounds what is held.
const BLOCKS_AHEAD: usize = 2;

/// Work on one item, by number. `S` is scratch memory that a thread reuses.
type Work<'w, S, T> = dyn Fn(usize, &mut S, &mut Notes) -> Result<Option<T>, EvalError> + Sync + 'w;

/// What came of a block.
struct Share<T> {
    results: Vec<T>,
    notes: Notes,
    error: Option<EvalError>,
}

impl Exec<'_> {
    /// Runs `work` for the numbers below `count`; results go to `sink` in order of the numbers.
    pub(super) fn in_order<S: Default, T: Send>(
        &self,
        count: usize,
        work: &Work<'_, S, T>,
        sink: &mut dyn FnMut(T) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        let share = count.div_ceil(self.settings.parallelism.max(1) * BLOCKS_PER_THREAD);
        let size = share.clamp(BLOCK_MIN, BLOCK_MAX);
        let blocks = count.div_ceil(size);
        let threads = self.settings.parallelism.min(blocks);
        if threads <= 1 {
            return self.serially(count, work, sink);
        }
        let queue = Queue::new(blocks, threads * BLOCKS_AHEAD);
        let share = |block: usize, scratch: &mut S| {
            let first = block * size;
            self.share(first..count.min(first + size), scratch, work)
        };
        std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(|| {
                    let _worker = queue.enter();
                    let mut scratch = S::default();
                    while let Some(block) = queue.claim() {
                        queue.finish(block, share(block, &mut scratch));
                    }
                });
            }
            let _stop = queue.stop_at_end();
            self.take_in_order(&queue, blocks, &share, sink)
        })
    }

    /// Passes on what is done in order, and lends a hand while the next block is not.
    fn take_in_order<S: Default, T>(
        &self,
        queue: &Queue<Share<T>>,
        blocks: usize,
        share: &dyn Fn(usize, &mut S) -> Share<T>,
        sink: &mut dyn FnMut(T) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        let mut scratch = S::default();
        for next in 0..blocks {
            let done = loop {
                if let Some(done) = queue.take(next) {
                    break done;
                }
                match queue.claim_now() {
                    Some(block) => queue.finish(block, share(block, &mut scratch)),
                    // Without workers a block that is neither free nor done went with its worker,
                    // whose panic goes on when the threads are joined.
                    None if !queue.wait(next) => return Err(EvalError::Cancelled),
                    None => {}
                }
            };
            self.merge_notes(done.notes);
            for result in done.results {
                sink(result)?;
            }
            if let Some(error) = done.error {
                return Err(error);
            }
        }
        Ok(())
    }

    fn serially<S: Default, T>(
        &self,
        count: usize,
        work: &Work<'_, S, T>,
        sink: &mut dyn FnMut(T) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        let mut scratch = S::default();
        let mut notes = Notes::default();
        for number in 0..count {
            self.check()?;
            if let Some(result) = work(number, &mut scratch, &mut notes)? {
                sink(result)?;
            }
        }
        self.merge_notes(notes);
        Ok(())
    }

    fn share<S, T>(
        &self,
        numbers: std::ops::Range<usize>,
        scratch: &mut S,
        work: &Work<'_, S, T>,
    ) -> Share<T> {
        let mut share = Share { results: Vec::new(), notes: Notes::default(), error: None };
        for number in numbers {
            let result = self.check().and_then(|()| work(number, scratch, &mut share.notes));
            match result {
                Ok(result) => share.results.extend(result),
                Err(error) => {
                    share.error = Some(error);
                    break;
                }
            }
        }
        share
    }
}
