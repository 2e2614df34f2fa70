//! Evaluates series on several threads and hands the results over in order.

use super::Exec;
use crate::{annotations::Notes, error::EvalError};

/// Series that a thread takes at a time.
const BLOCK: usize = 64;

/// Work on one item, by number. `S` is scratch memory that a thread reuses.
type Work<'w, S, T> = dyn Fn(usize, &mut S, &mut Notes) -> Result<Option<T>, EvalError> + Sync + 'w;

/// What a thread made of its share.
struct Share<T> {
    results: Vec<T>,
    notes: Notes,
    error: Option<EvalError>,
}

impl Exec<'_> {
    /// Runs `work` for the numbers below `count`; results go to `sink` in order of the numbers.
    pub(super) fn in_order<S: Default + Send, T: Send>(
        &self,
        count: usize,
        work: &Work<'_, S, T>,
        sink: &mut dyn FnMut(T) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        let threads = self.settings.parallelism.min(count.div_ceil(BLOCK));
        if threads <= 1 {
            return self.serially(count, work, sink);
        }
        let mut next = 0;
        while next < count {
            let end = count.min(next + threads * BLOCK);
            for share in self.shares(next, end, threads, work) {
                self.merge_notes(share.notes);
                for result in share.results {
                    sink(result)?;
                }
                if let Some(error) = share.error {
                    return Err(error);
                }
            }
            next = end;
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

    /// Splits numbers among threads, the first share being the caller's own.
    fn shares<S: Default + Send, T: Send>(
        &self,
        start: usize,
        end: usize,
        threads: usize,
        work: &Work<'_, S, T>,
    ) -> Vec<Share<T>> {
        let length = (end - start).div_ceil(threads);
        let part = |thread: usize| {
            let first = end.min(start + thread * length);
            first..end.min(first + length)
        };
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads)
                .map(|thread| scope.spawn(move || self.share(part(thread), work)))
                .collect();
            let mut shares = vec![self.share(part(0), work)];
            for other in others {
                match other.join() {
                    Ok(share) => shares.push(share),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            shares
        })
    }

    fn share<S: Default, T>(
        &self,
        numbers: std::ops::Range<usize>,
        work: &Work<'_, S, T>,
    ) -> Share<T> {
        let mut share = Share { results: Vec::new(), notes: Notes::default(), error: None };
        let mut scratch = S::default();
        for number in numbers {
            let result = self.check().and_then(|()| work(number, &mut scratch, &mut share.notes));
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
