//! Where one write's series go.

use std::collections::BTreeSet;

use model::{
    labels::METRIC_NAME,
    time::Timestamp,
    write::{Sample, WriteBatch},
};

use super::{DEVICES_MAX, NodeWritten};

/// One write: the node's labels, the time, and what was written so far.
pub(super) struct Out<'a> {
    labels: &'a [(Box<str>, Box<str>)],
    batch: &'a mut WriteBatch,
    pub(super) time: Timestamp,
    pub(super) written: NodeWritten,
}

impl<'a> Out<'a> {
    pub(super) fn new(
        labels: &'a [(Box<str>, Box<str>)],
        batch: &'a mut WriteBatch,
        time: Timestamp,
    ) -> Self {
        Self { labels, batch, time, written: NodeWritten::default() }
    }

    /// Appends one sample. A label of the metric's own wins over one of the node's.
    pub(super) fn put(&mut self, metric: &str, own: &[(&str, &str)], value: f64) {
        let taken = |name: &str| own.iter().any(|(own, _)| *own == name);
        let node = self.labels.iter().map(|(name, value)| (&**name, &**value));
        let mut labels: Vec<(&str, &str)> = node
            .filter(|(name, _)| !taken(name))
            .chain([(METRIC_NAME, metric)])
            .chain(own.iter().copied())
            .collect();
        if self.batch.begin_series(&mut labels).is_ok() {
            self.batch.push_sample(Sample { time: self.time.millis(), value, start: 0 });
            self.written.series += 1;
        }
    }

    /// Whether something with this name is new and still has room.
    pub(super) fn admit<T: Ord>(&mut self, seen: &mut BTreeSet<T>, name: T) -> bool {
        if seen.len() >= DEVICES_MAX {
            self.written.dropped += 1;
            return false;
        }
        seen.insert(name)
    }
}
