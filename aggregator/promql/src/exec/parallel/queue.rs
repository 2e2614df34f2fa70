//! Hands out blocks of work and keeps what is done until it is its turn.

use std::{
    collections::BTreeMap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

pub(super) struct Queue<T> {
    /// How many blocks there are.
    blocks: usize,
    /// How many may be claimed before the first of them is taken.
    ahead: usize,
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    /// The next block to be claimed.
    free: usize,
    /// The next block to be taken.
    next: usize,
    done: BTreeMap<usize, T>,
    workers: usize,
    stopped: bool,
}

/// A worker that is there; its going is noticed even if it panics.
pub(super) struct Worker<'q, T> {
    queue: &'q Queue<T>,
}

impl<T> Drop for Worker<'_, T> {
    fn drop(&mut self) {
        self.queue.lock().workers -= 1;
        self.queue.changed.notify_all();
    }
}

/// Stops the queue when it goes, so that workers do not wait for one who panicked.
pub(super) struct Stop<'q, T> {
    queue: &'q Queue<T>,
}

impl<T> Drop for Stop<'_, T> {
    fn drop(&mut self) {
        self.queue.lock().stopped = true;
        self.queue.changed.notify_all();
    }
}

impl<T> State<T> {
    fn claim(&mut self, blocks: usize, ahead: usize) -> Option<usize> {
        let block = self.free;
        (!self.stopped && block < blocks && block < self.next + ahead).then(|| {
            self.free += 1;
            block
        })
    }
}

impl<T> Queue<T> {
    pub(super) fn new(blocks: usize, ahead: usize) -> Self {
        let state = State { free: 0, next: 0, done: BTreeMap::new(), workers: 0, stopped: false };
        Self { blocks, ahead, state: Mutex::new(state), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for_change<'s>(&self, state: MutexGuard<'s, State<T>>) -> MutexGuard<'s, State<T>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn enter(&self) -> Worker<'_, T> {
        self.lock().workers += 1;
        Worker { queue: self }
    }

    /// A block to work on, once one may be begun; `None` when there are no more.
    pub(super) fn claim(&self) -> Option<usize> {
        let mut state = self.lock();
        loop {
            if state.stopped || state.free >= self.blocks {
                return None;
            }
            if let Some(block) = state.claim(self.blocks, self.ahead) {
                return Some(block);
            }
            state = self.wait_for_change(state);
        }
    }

    /// A block to work on, if one may be begun now.
    pub(super) fn claim_now(&self) -> Option<usize> {
        self.lock().claim(self.blocks, self.ahead)
    }

    pub(super) fn finish(&self, block: usize, result: T) {
        self.lock().done.insert(block, result);
        self.changed.notify_all();
    }

    /// The result of the block whose turn it is, if it is done.
    pub(super) fn take(&self, block: usize) -> Option<T> {
        let mut state = self.lock();
        let done = state.done.remove(&block)?;
        state.next = block + 1;
        drop(state);
        self.changed.notify_all();
        Some(done)
    }

    /// Waits until a block is done. False if nobody is left who could do it.
    pub(super) fn wait(&self, block: usize) -> bool {
        let mut state = self.lock();
        while !state.done.contains_key(&block) {
            if state.workers == 0 && state.free > block {
                return false;
            }
            state = self.wait_for_change(state);
        }
        true
    }

    /// No further blocks are handed out once the guard is gone.
    pub(super) fn stop_at_end(&self) -> Stop<'_, T> {
        Stop { queue: self }
    }
}

#[cfg(test)]
mod tests;
