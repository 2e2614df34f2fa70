//! The timeline: every event of every tenant, durable, in order, and live.
//!
//! Events are rare (a handful per incident), so each append is written through and synced before it
//! is acknowledged. The newest [`EVENTS_MAX`] are kept in memory for readers; the journal's oldest
//! segments are dropped beyond [`SEGMENTS_MAX`].

use std::{
    collections::VecDeque,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use disk::{
    Disk,
    journal::{Journal, Record},
};
use model::{event::Event, time::Timestamp};
use tenancy::access::Tenants;
use tokio::sync::{broadcast, watch};

/// Events that readers can go back to.
pub const EVENTS_MAX: usize = 100_000;
/// Journal segments kept on disk.
pub const SEGMENTS_MAX: u64 = 8;
const SEGMENT_BYTES: u64 = 16 << 20;
/// Events that a slow live reader may lag behind before it has to ask again.
const LIVE_QUEUE: usize = 4096;
/// Memory that they may take, in bytes.
const RECENT_BYTES_MAX: usize = 256 << 20;
/// Events of one page, in bytes of memory.
const PAGE_BYTES_MAX: usize = 4 << 20;
/// Longest reason, in bytes; what is longer is cut.
const REASON_BYTES_MAX: usize = 2048;
/// Longest name or detail, in bytes; what is longer is cut.
const NAME_BYTES_MAX: usize = 256;
/// Most details of one event.
const DETAILS_MAX: usize = 32;
/// The type of the journal's records: one event as JSON.
const RECORD_EVENT: u8 = 1;

/// The timeline. Clones are the same.
#[derive(Clone)]
pub struct Timeline {
    inner: Arc<Inner>,
}

struct Inner {
    /// Held while appending, so that ids, journal and memory agree on the order.
    writer: Mutex<Writer>,
    recent: Mutex<Recent>,
    live: broadcast::Sender<Event>,
    last: watch::Sender<u64>,
}

struct Writer {
    journal: Journal,
    /// The last id given out. An id whose write failed is not given out again: the journal may
    /// still write that record later.
    last: u64,
}

impl Writer {
    fn write(&mut self, events: Vec<Event>) -> Result<Vec<Event>, TimelineError> {
        let mut stored = Vec::with_capacity(events.len());
        for mut event in events {
            self.last += 1;
            event.id = self.last;
            bound(&mut event);
            let payload = serde_json::to_vec(&event).map_err(TimelineError::Encode)?;
            self.journal.append(RECORD_EVENT, &payload).map_err(TimelineError::Append)?;
            stored.push(event);
        }
        self.journal.sync().map_err(TimelineError::Append)?;
        Ok(stored)
    }
}

#[derive(Default)]
struct Recent {
    events: VecDeque<Event>,
    /// Estimated memory.
    bytes: usize,
}

impl std::fmt::Debug for Timeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Timeline").field("last", &self.last_id()).finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum TimelineError {
    #[error("cannot open the timeline: {0}")]
    Open(#[source] disk::journal::JournalError),
    #[error("cannot write the timeline: {0}")]
    Append(#[source] disk::journal::JournalError),
    #[error("cannot write an event as JSON: {0}")]
    Encode(#[source] serde_json::Error),
}

impl Timeline {
    /// Opens or creates the timeline in `dir`. A record that cannot be read is skipped and counted
    /// in the log, not fatal.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path) -> Result<Self, TimelineError> {
        let mut recent = Recent::default();
        let mut unreadable = 0u64;
        let (journal, replay) =
            Journal::open(disk, dir, journal_options(), &mut |record| match decode(&record) {
                Some(event) => recent.push(event),
                None => unreadable += 1,
            })
            .map_err(TimelineError::Open)?;
        if unreadable > 0 || replay.corrupt > 0 {
            tracing::error!(unreadable, corrupt = replay.corrupt, "timeline records lost");
        }
        let last = recent.events.back().map_or(0, |event| event.id);
        let inner = Inner {
            writer: Mutex::new(Writer { journal, last }),
            recent: Mutex::new(recent),
            live: broadcast::Sender::new(LIVE_QUEUE),
            last: watch::Sender::new(last),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Gives the events their ids, makes them durable, then shows them to readers. Blocks on the
    /// disk.
    pub fn append(&self, events: Vec<Event>) -> Result<Vec<Event>, TimelineError> {
        let mut writer = self.inner.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = match writer.write(events) {
            Ok(stored) => stored,
            Err(error) => {
                // The sender will send them again: none of them may stay behind to be written then.
                writer.journal.discard_pending();
                return Err(error);
            }
        };
        let oldest = (writer.journal.segment() + 1).saturating_sub(SEGMENTS_MAX);
        if let Err(error) = writer.journal.remove_before(oldest) {
            tracing::warn!(%error, "old parts of the timeline were not removed");
        }
        let mut recent = self.inner.recent.lock().unwrap_or_else(PoisonError::into_inner);
        for event in &stored {
            recent.push(event.clone());
        }
        drop(recent);
        self.inner.last.send_replace(writer.last);
        for event in &stored {
            if self.inner.live.send(event.clone()).is_err() {
                break; // nobody listens
            }
        }
        Ok(stored)
    }

    /// Does something while no event is being written.
    pub(crate) fn hold<T>(&self, act: impl FnOnce() -> T) -> T {
        let _writer = self.inner.writer.lock().unwrap_or_else(PoisonError::into_inner);
        act()
    }

    /// The id of the newest event, 0 when there is none.
    pub fn last_id(&self) -> u64 {
        *self.inner.last.borrow()
    }

    /// Changes whenever events are added.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.last.subscribe()
    }

    pub fn live(&self) -> broadcast::Receiver<Event> {
        self.inner.live.subscribe()
    }

    /// At most `limit` events after `after` that `query` lets through: the oldest first when
    /// `after` is given, otherwise the newest `limit` of all, oldest first.
    pub fn read(&self, query: &Query<'_>, after: Option<u64>, limit: usize) -> Vec<Event> {
        let recent = self.inner.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = 0;
        let mut fits = |event: &&Event| {
            bytes += size(event);
            bytes <= PAGE_BYTES_MAX
        };
        match after {
            Some(after) => {
                let from = recent.events.partition_point(|event| event.id <= after);
                let later = recent.events.range(from..).filter(|event| query.admits(event));
                later.take(limit).take_while(&mut fits).cloned().collect()
            }
            None => {
                let newest = recent.events.iter().rev().filter(|event| query.admits(event));
                let mut found: Vec<Event> =
                    newest.take(limit).take_while(&mut fits).cloned().collect();
                found.reverse();
                found
            }
        }
    }
}

pub(crate) fn journal_options() -> disk::journal::Options {
    disk::journal::Options { segment_bytes: SEGMENT_BYTES, ..Default::default() }
}

/// The event of a record; `None` when it is none.
pub(crate) fn decode(record: &Record<'_>) -> Option<Event> {
    (record.kind == RECORD_EVENT).then(|| serde_json::from_slice(record.payload).ok())?
}

/// Which events a reader may and wants to see.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    pub tenants: &'a Tenants,
    pub tenant: Option<&'a str>,
    pub app: Option<&'a str>,
    pub since: Timestamp,
}

impl Query<'_> {
    pub fn admits(&self, event: &Event) -> bool {
        self.tenants.contains(&event.target.tenant)
            && self.tenant.is_none_or(|tenant| tenant == event.target.tenant.as_str())
            && self.app.is_none_or(|app| app == event.target.app)
            && self.since <= event.time
    }
}

impl Recent {
    fn push(&mut self, event: Event) {
        self.bytes += size(&event);
        self.events.push_back(event);
        while self.events.len() > EVENTS_MAX || self.bytes > RECENT_BYTES_MAX {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= size(&oldest);
        }
    }
}

/// Cuts what a hostile or broken sender made too large.
fn bound(event: &mut Event) {
    cut(&mut event.reason, REASON_BYTES_MAX);
    for text in [
        &mut event.incident,
        &mut event.target.app,
        &mut event.target.component,
        &mut event.target.instance,
        &mut event.target.node,
    ] {
        cut(text, NAME_BYTES_MAX);
    }
    let details = std::mem::take(&mut event.details);
    event.details = details
        .into_iter()
        .take(DETAILS_MAX)
        .map(|(mut name, mut value)| {
            cut(&mut name, NAME_BYTES_MAX);
            cut(&mut value, NAME_BYTES_MAX);
            (name, value)
        })
        .collect();
}

fn cut(text: &mut String, bytes_max: usize) {
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max));
        text.push('…');
    }
}

/// Memory that an event takes, roughly.
fn size(event: &Event) -> usize {
    let details: usize =
        event.details.iter().map(|(name, value)| name.len() + value.len() + 64).sum();
    let target = &event.target;
    let names =
        target.app.len() + target.component.len() + target.instance.len() + target.node.len();
    256 + event.reason.len() + event.incident.len() + names + details
}

#[cfg(test)]
mod tests;
