//! Ticks that wait to be sent: one line of them, with as many ends as there are destinations.
//!
//! The newest ticks are in memory, bounded in bytes; older ones are in the spool, if there is one. A
//! tick that leaves memory before a destination took it, and is not in the spool, is lost to that
//! destination and counted ([`super::losses`]). Destinations do not wait for each other.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::SyncSender,
    },
};

use model::write::WriteBatch;
use spool::Dropped;
use tokio::sync::watch;

use super::losses::Losses;
use crate::metrics::AgentMetrics;

/// One tick, encoded when it is sent.
#[derive(Debug)]
pub(super) struct Tick {
    /// Ascending for ever, restarts included, where there is a spool.
    pub(super) number: u64,
    pub(super) batch: WriteBatch,
    /// Estimated memory in bytes.
    bytes: usize,
    pub(super) samples: u64,
    /// The spool has it, or will say that it could not take it.
    spooled: AtomicBool,
}

impl Tick {
    pub(super) fn new(number: u64, batch: WriteBatch, spooled: bool) -> Self {
        let (bytes, samples) = (estimate(&batch), batch.sample_count() as u64);
        Self { number, batch, bytes, samples, spooled: AtomicBool::new(spooled) }
    }
}

/// Stands for the number of the tick that a spool is at, where there is none.
const NO_SPOOL: u64 = u64::MAX;

/// The line's entrance. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    /// The spool's entrance, until the queue is closed.
    spool: Mutex<Option<SyncSender<Arc<Tick>>>>,
    /// Changes when there may be something new to take.
    changed: watch::Sender<()>,
    bytes_max: usize,
    losses: Losses,
    metrics: AgentMetrics,
}

#[derive(Debug)]
struct State {
    /// In memory, numbers ascending.
    ticks: VecDeque<Arc<Tick>>,
    bytes: usize,
    /// The number of the next tick.
    next: u64,
    /// What the spool has taken or given up: every tick before this one. [`NO_SPOOL`] without one.
    spooled: u64,
    /// The next tick of each destination.
    taken: Vec<u64>,
    /// Ticks before this one are in the memory of the destination's reader, if it is not behind them.
    held: Vec<u64>,
    /// Estimated memory of what was handed to the spool and is not yet written.
    spooling: usize,
}

impl State {
    fn remembers(&self, number: u64) -> bool {
        let at = self.ticks.partition_point(|tick| tick.number < number);
        self.ticks.get(at).is_some_and(|tick| tick.number == number)
    }

    fn pop(&mut self) -> Option<Arc<Tick>> {
        let tick = self.ticks.pop_front()?;
        self.bytes -= tick.bytes;
        Some(tick)
    }

    /// A destination needs nothing before `until`. Lets go of what every destination has.
    fn pass(&mut self, destination: usize, until: u64) {
        if let Some(next) = self.taken.get_mut(destination) {
            *next = (*next).max(until);
        }
        let all = self.taken.iter().copied().min().unwrap_or(self.next);
        while self.ticks.front().is_some_and(|tick| tick.number < all) {
            self.pop();
        }
    }
}

/// Where a queue begins, and what it leads to.
pub(super) struct Beginning {
    pub(super) destinations: Vec<String>,
    /// The next tick of each destination.
    pub(super) taken: Vec<u64>,
    /// The number of the next tick to come.
    pub(super) next: u64,
    pub(super) spool: Option<SyncSender<Arc<Tick>>>,
}

/// What a destination is to be given next.
pub(super) enum Next {
    Tick(Arc<Tick>),
    /// Nothing yet.
    Nothing,
    /// What the spool has in this range, if anything; memory has no more of it.
    Spooled {
        from: u64,
        until: u64,
    },
}

impl Queue {
    pub(super) fn new(bytes_max: usize, beginning: Beginning, metrics: AgentMetrics) -> Self {
        let Beginning { destinations, taken, next, spool } = beginning;
        let spooled = if spool.is_some() { next } else { NO_SPOOL };
        let losses = Losses::new(destinations, metrics.clone());
        let held = vec![0; taken.len()];
        let ticks = VecDeque::new();
        let state = State { ticks, bytes: 0, next, spooled, taken, held, spooling: 0 };
        let inner = Inner {
            state: Mutex::new(state),
            spool: Mutex::new(spool),
            changed: watch::Sender::new(()),
            bytes_max,
            losses,
            metrics,
        };
        Self { inner: Arc::new(inner) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn losses(&self) -> &Losses {
        &self.inner.losses
    }

    /// Queues a tick. The oldest make room when memory is full; a tick that is larger than all of
    /// the memory costs no other its place.
    pub(crate) fn push(&self, batch: WriteBatch) {
        let mut state = self.state();
        let tick = Arc::new(Tick::new(state.next, batch, false));
        state.next += 1;
        self.spool(&mut state, &tick);
        if tick.bytes > self.inner.bytes_max {
            self.lose(&state, &tick);
        } else {
            state.bytes += tick.bytes;
            state.ticks.push_back(tick);
        }
        while state.bytes > self.inner.bytes_max
            && let Some(oldest) = state.pop()
        {
            self.lose(&state, &oldest);
        }
        self.changed(&state);
    }

    /// Hands a tick to the spool. One that is busy for long misses some, and memory has them: what
    /// waits for the disk takes no more memory than the queue may.
    fn spool(&self, state: &mut State, tick: &Arc<Tick>) {
        let spool = self.inner.spool.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(spool) = &*spool else { return };
        tick.spooled.store(true, Ordering::Relaxed);
        let has_room = state.spooling == 0 || state.spooling + tick.bytes <= self.inner.bytes_max;
        if has_room && spool.try_send(Arc::clone(tick)).is_ok() {
            state.spooling += tick.bytes;
        } else {
            tick.spooled.store(false, Ordering::Relaxed);
            self.inner.metrics.spool_failures.inc();
        }
    }

    /// Counts a tick that left memory for those who did not take it, unless the spool has it.
    fn lose(&self, state: &State, tick: &Tick) {
        if tick.spooled.load(Ordering::Relaxed) {
            return;
        }
        let missing = state.taken.iter().enumerate().filter(|(_, next)| **next <= tick.number);
        for (destination, _) in missing {
            self.inner.losses.batch(destination, &tick.batch);
        }
    }

    fn changed(&self, state: &State) {
        self.inner.metrics.queue_bytes.set(i64::try_from(state.bytes).unwrap_or(i64::MAX));
        self.inner.changed.send_replace(());
    }

    /// Told when there may be something new to take.
    pub(super) fn watch(&self) -> watch::Receiver<()> {
        self.inner.changed.subscribe()
    }

    /// What a destination is to be given next. It stays so until it is [`Self::taken`].
    pub(super) fn next(&self, destination: usize) -> Next {
        let mut state = self.state();
        let Some(from) = state.taken.get(destination).copied() else { return Next::Nothing };
        let at = state.ticks.partition_point(|tick| tick.number < from);
        let tick = state.ticks.get(at).map(Arc::clone);
        let until = tick.as_ref().map_or(state.next, |tick| tick.number).min(state.spooled);
        match tick {
            Some(tick) if tick.number == from => Next::Tick(tick),
            // There is none, or it is on its way to the disk.
            _ if until <= from => Next::Nothing,
            _ if state.spooled != NO_SPOOL => Next::Spooled { from, until },
            tick => {
                // What is passed over was counted when it left memory.
                state.pass(destination, until);
                tick.map_or(Next::Nothing, Next::Tick)
            }
        }
    }

    /// The spool has nothing for a destination before this tick: what was there was counted when it
    /// was lost.
    pub(super) fn pass(&self, destination: usize, until: u64) {
        self.state().pass(destination, until);
    }

    /// A destination has taken a tick, or will never.
    pub(super) fn taken(&self, destination: usize, number: u64) {
        let mut state = self.state();
        state.pass(destination, number.saturating_add(1));
        self.inner.metrics.queue_bytes.set(i64::try_from(state.bytes).unwrap_or(i64::MAX));
    }

    /// Nobody will take what waits for this destination: counts what no spool keeps. Returns how
    /// many samples that are.
    pub(super) fn abandon(&self, destination: usize) -> u64 {
        let state = self.state();
        let next = state.taken.get(destination).copied().unwrap_or(u64::MAX);
        let waiting = state.ticks.iter().filter(|tick| tick.number >= next);
        let lost = waiting.filter(|tick| !tick.spooled.load(Ordering::Relaxed));
        lost.map(|tick| {
            self.inner.losses.batch(destination, &tick.batch);
            tick.samples
        })
        .sum()
    }

    /// The spool is done with these ticks, of which some are lost.
    pub(super) fn spooled(&self, ticks: &[Arc<Tick>], lost: impl Fn(u64) -> bool) {
        let mut state = self.state();
        for tick in ticks {
            state.spooled = state.spooled.max(tick.number.saturating_add(1));
            state.spooling = state.spooling.saturating_sub(tick.bytes);
            if !lost(tick.number) {
                continue;
            }
            self.inner.metrics.spool_failures.inc();
            tick.spooled.store(false, Ordering::Relaxed);
            if !state.remembers(tick.number) {
                // It has left memory, on the word that it would be in the spool.
                self.lose(&state, tick);
            }
        }
        self.changed(&state);
    }

    /// A destination has read all ticks before this one from the disk, and will take them.
    pub(super) fn holds(&self, destination: usize, until: u64) {
        if let Some(held) = self.state().held.get_mut(destination) {
            *held = until;
        }
    }

    /// These are no longer in the spool.
    pub(super) fn dropped(&self, dropped: &Dropped) {
        let state = self.state();
        let in_memory = state.ticks.iter().take_while(|tick| tick.number < dropped.end);
        for tick in in_memory {
            tick.spooled.store(false, Ordering::Relaxed);
        }
        for (number, tenants) in dropped.ticks.iter().filter(|(n, _)| !state.remembers(*n)) {
            let next = state.taken.iter().zip(&state.held).map(|(taken, held)| taken.max(held));
            let missing = next.enumerate().filter(|(_, next)| **next <= *number);
            for (destination, _) in missing {
                for (tenant, samples) in tenants {
                    self.inner.losses.add(destination, tenant, *samples);
                }
            }
        }
    }

    /// Estimated memory of what waits for the disk.
    #[cfg(test)]
    fn spooling(&self) -> usize {
        self.state().spooling
    }

    /// The next tick of each destination.
    pub(super) fn cursors(&self) -> Vec<u64> {
        self.state().taken.clone()
    }

    /// Nothing more goes to the spool, whose thread ends once it has written what it was given.
    pub(crate) fn close(&self) {
        self.inner.spool.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Memory that a batch takes: about 40 bytes a sample, and its labels and histograms.
fn estimate(batch: &WriteBatch) -> usize {
    let series = batch.series().map(|series| {
        let buckets: usize = series
            .histograms
            .iter()
            .map(|sample| sample.value.positive_buckets.len() + sample.value.negative_buckets.len())
            .sum();
        series.labels.len() + 64 + buckets * 8 + series.histograms.len() * 200
    });
    series.sum::<usize>() + batch.sample_count() * 40
}

#[cfg(test)]
mod tests;
