//! Samples that the log has told before their series.

use std::sync::Arc;

use model::histogram::Histogram;

use super::Owner;
use crate::head::histogram_bytes;

/// What a thread keeps, in bytes of memory.
const KEPT_BYTES_MAX: usize = 64 << 20;

/// A sample whose series is not known. It is told twice, in two records, so if one is damaged the
/// other may be still to come.
#[derive(Debug)]
pub(super) struct Orphan {
    pub(super) owner: Owner,
    pub(super) series: u32,
    pub(super) time: i64,
    pub(super) start: i64,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    Float(f64),
    Histogram(Arc<Histogram>),
    /// A key frame of a group, whose number stands for the series.
    Frame(Box<[u8]>),
}

impl Orphan {
    fn bytes(&self) -> usize {
        let beside = match &self.value {
            Value::Float(_) => 0,
            Value::Histogram(histogram) => histogram_bytes(histogram),
            Value::Frame(payload) => payload.len(),
        };
        size_of::<Self>() + beside
    }
}

/// The orphans of a thread.
#[derive(Debug, Default)]
pub(super) struct Orphans {
    kept: Vec<Orphan>,
    bytes: usize,
}

impl Orphans {
    /// Keeps an orphan if there is room. Returns whether there was.
    #[must_use]
    pub(super) fn keep(&mut self, orphan: Orphan) -> bool {
        let bytes = self.bytes.saturating_add(orphan.bytes());
        let has_room = bytes <= KEPT_BYTES_MAX;
        if has_room {
            self.bytes = bytes;
            self.kept.push(orphan);
        }
        has_room
    }

    /// Forgets those of an owner.
    pub(super) fn forget(&mut self, owner: Owner) {
        self.kept.retain(|orphan| orphan.owner != owner);
        self.bytes = self.kept.iter().map(Orphan::bytes).sum();
    }

    /// Gives them out in the order in which they came.
    pub(super) fn take(&mut self) -> Vec<Orphan> {
        self.bytes = 0;
        std::mem::take(&mut self.kept)
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT_BYTES_MAX, Orphan, Orphans, Owner, Value};

    fn frame(tenant: u32, bytes: usize) -> Orphan {
        let owner = Owner { run: 1, tenant };
        let value = Value::Frame(vec![0; bytes].into());
        Orphan { owner, series: 0, time: 0, start: 0, value }
    }

    #[test]
    fn they_are_bounded_by_their_bytes() {
        let mut orphans = Orphans::default();
        let half = KEPT_BYTES_MAX / 2 - size_of::<Orphan>();
        assert!(orphans.keep(frame(1, half)));
        assert!(orphans.keep(frame(2, half)));
        assert!(!orphans.keep(frame(3, 0)), "both halves are taken");
        orphans.forget(Owner { run: 1, tenant: 2 });
        assert!(!orphans.keep(frame(3, half + 1)));
        assert!(orphans.keep(frame(3, half)));
        let taken: Vec<u32> = orphans.take().iter().map(|orphan| orphan.owner.tenant).collect();
        assert_eq!(taken, [1, 3]);
        assert!(orphans.keep(frame(1, 2 * half)), "there is room again");
    }
}
