//! What whoever runs the aggregator should know now: conditions that hold, and those that ended.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use model::time::Timestamp;
use serde::Serialize;
use tokio::sync::broadcast;

/// Changes that a slow follower may lag behind before it is told the whole state again.
const CHANGES_MAX: usize = 64;

/// What there can be to tell. Each holds or does not, so what is kept is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Condition {
    Starting,
    ReloadFailed,
    DiskFull,
    MaintenanceFails,
    DataDamaged,
    ShuttingDown,
}

impl Condition {
    fn text(self) -> &'static str {
        match self {
            Self::Starting => "The aggregator is starting and replays its write-ahead log.",
            Self::ReloadFailed => {
                "The configuration could not be reloaded; the old one stays in force."
            }
            Self::DiskFull => "Writes are refused: the disk is full or cannot be written to.",
            Self::MaintenanceFails => {
                "The store cannot write, merge or remove blocks; it keeps trying."
            }
            Self::DataDamaged => "Stored data was damaged when the store was opened; see the log.",
            Self::ShuttingDown => "The aggregator is shutting down.",
        }
    }
}

/// One notification as clients of the API see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Notification {
    text: &'static str,
    /// In RFC 3339.
    date: String,
    active: bool,
}

impl Notification {
    fn of(condition: Condition, since: Timestamp, active: bool) -> Self {
        let date = jiff::Timestamp::from_millisecond(since.millis()).unwrap_or_default();
        Self { text: condition.text(), date: date.to_string(), active }
    }
}

/// The conditions that hold. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Notifications(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Since when each holds.
    active: Mutex<BTreeMap<Condition, Timestamp>>,
    changes: broadcast::Sender<Notification>,
}

impl Default for Notifications {
    fn default() -> Self {
        let changes = broadcast::Sender::new(CHANGES_MAX);
        Self(Arc::new(Shared { active: Mutex::default(), changes }))
    }
}

impl Notifications {
    /// Says that a condition holds, once more if it did already.
    pub(crate) fn raise(&self, condition: Condition, now: Timestamp) {
        let mut active = self.0.active.lock().unwrap_or_else(PoisonError::into_inner);
        active.insert(condition, now);
        // Nobody may be listening.
        drop(self.0.changes.send(Notification::of(condition, now, true)));
    }

    /// Says that a condition does not hold.
    pub(crate) fn clear(&self, condition: Condition) {
        let mut active = self.0.active.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(since) = active.remove(&condition) {
            drop(self.0.changes.send(Notification::of(condition, since, false)));
        }
    }

    /// Says whether a condition holds, which is news only when that has changed.
    pub(crate) fn set(&self, condition: Condition, holds: bool, now: Timestamp) {
        if !holds {
            self.clear(condition);
        } else if !self.holds(condition) {
            self.raise(condition, now);
        }
    }

    fn holds(&self, condition: Condition) -> bool {
        let active = self.0.active.lock().unwrap_or_else(PoisonError::into_inner);
        active.contains_key(&condition)
    }

    /// Those that hold, the oldest first.
    pub(crate) fn all(&self) -> Vec<Notification> {
        let active = self.0.active.lock().unwrap_or_else(PoisonError::into_inner);
        Self::list(&active)
    }

    fn list(active: &BTreeMap<Condition, Timestamp>) -> Vec<Notification> {
        let mut all: Vec<_> = active.iter().collect();
        all.sort_by_key(|(_, since)| **since);
        all.into_iter()
            .map(|(condition, since)| Notification::of(*condition, *since, true))
            .collect()
    }

    /// Those that hold and what changes from then on, without a gap in between.
    pub(crate) fn follow(&self) -> (Vec<Notification>, broadcast::Receiver<Notification>) {
        let active = self.0.active.lock().unwrap_or_else(PoisonError::into_inner);
        (Self::list(&active), self.0.changes.subscribe())
    }
}

#[cfg(test)]
mod tests;
