//! One destination's end of the queue.

use std::sync::Arc;

use spool::{Read, Reader, SpoolError};
use tokio::sync::watch;

use super::queue::{Next, Queue, Tick};
use crate::metrics::AgentMetrics;

/// A part of the spool that could not be read so many times is given up.
const ATTEMPTS_MAX: u32 = 10;

/// Gives a destination its ticks in order, from memory or from disk.
pub(super) struct Line {
    queue: Queue,
    destination: usize,
    changed: watch::Receiver<()>,
    reader: Option<Reader>,
    attempts: u32,
    metrics: AgentMetrics,
}

impl Line {
    pub(super) fn new(
        queue: Queue,
        destination: usize,
        reader: Option<Reader>,
        metrics: AgentMetrics,
    ) -> Self {
        let changed = queue.watch();
        Self { queue, destination, changed, reader, attempts: 0, metrics }
    }

    /// Returns when something has changed since the last call.
    pub(super) async fn changed(&mut self) {
        // It cannot end: the queue is ours.
        drop(self.changed.changed().await);
    }

    /// The next tick, if there is one yet. The same until [`Self::taken`].
    pub(super) async fn next(&mut self) -> Option<Arc<Tick>> {
        loop {
            let (from, until) = match self.queue.next(self.destination) {
                Next::Tick(tick) => {
                    self.rest();
                    return Some(tick);
                }
                Next::Nothing => return None,
                Next::Spooled { from, until } => (from, until),
            };
            match self.read(from).await {
                Ok(Some(read)) if read.number < until => {
                    self.attempts = 0;
                    self.metrics.spool_damaged_ticks.inc_by(read.damaged);
                    self.queue.losses().add(self.destination, "", read.skipped);
                    self.queue.holds(self.destination, read.held);
                    return Some(Arc::new(Tick::new(read.number, read.batch, true)));
                }
                Ok(_) => {}
                Err(error) if self.attempts < ATTEMPTS_MAX => {
                    self.attempts += 1;
                    tracing::warn!(
                        error = daemon::telemetry::chain(&error),
                        "the spool cannot be read"
                    );
                    return None;
                }
                Err(_) => {
                    tracing::error!(from, until, "ticks in the spool are given up");
                    self.metrics.spool_damaged_ticks.inc_by(until.saturating_sub(from));
                }
            }
            self.attempts = 0;
            self.queue.pass(self.destination, until);
        }
    }

    async fn read(&mut self, from: u64) -> Result<Option<Read>, SpoolError> {
        let Some(reader) = &self.reader else { return Ok(None) };
        // A copy of what is in memory would be dear: the reader itself goes, and comes back. Where
        // it does not, because this future was dropped, the one that stays begins anew.
        let mut reading = reader.another();
        if let Some(reader) = &mut self.reader {
            std::mem::swap(reader, &mut reading);
        }
        let read = tokio::task::spawn_blocking(move || {
            let result = reading.read(from);
            (reading, result)
        });
        match read.await {
            Ok((reading, result)) => {
                self.reader = Some(reading);
                result
            }
            // It was cancelled: the runtime ends.
            Err(_) => Ok(None),
        }
    }

    /// Memory has what comes next.
    fn rest(&mut self) {
        if let Some(reader) = &mut self.reader {
            reader.rest();
        }
    }

    /// The destination has it, or will never take it.
    pub(super) fn taken(&self, tick: &Tick) {
        self.queue.taken(self.destination, tick.number);
    }

    /// Nobody will take what waits. Returns how many samples are lost by that.
    pub(super) fn abandon(&self) -> u64 {
        self.queue.abandon(self.destination)
    }
}
