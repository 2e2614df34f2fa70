//! What all sources count in: the recorder, what became of entries, and places in files.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use model::{tenant::TenantId, time::Timestamp, write::WriteBatch};
use requests::{entry::Entry, recorder::Recorder};

use crate::{
    config::SourceSettings,
    intake::Intake,
    kept::{FileMark, Kept, KeptFile},
};

/// What became of what a source said. Each line, datagram or entry is in exactly one of the first
/// seven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceStats {
    pub counted: u64,
    /// Counted in its tenant's kind for the excess.
    pub other: u64,
    /// Not in the format.
    pub malformed: u64,
    pub too_long: u64,
    /// Nobody's that the source may write for.
    pub unattributed: u64,
    /// Of a tenant that came after too many.
    pub dropped: u64,
    /// Written by Envoy while a request goes on.
    pub intermediate: u64,
    /// Files that were cut while they were followed.
    pub truncated: u64,
    /// Files that were not found again, or not in time: what was not read of them is not counted.
    pub lost_files: u64,
    /// Messages or streams of Envoy that were refused, with an unknown number of entries.
    pub refused: u64,
}

impl SourceStats {
    /// Each by name.
    pub fn pairs(&self) -> [(&'static str, u64); 10] {
        [
            ("counted", self.counted),
            ("other", self.other),
            ("malformed", self.malformed),
            ("too_long", self.too_long),
            ("unattributed", self.unattributed),
            ("dropped", self.dropped),
            ("intermediate", self.intermediate),
            ("truncated", self.truncated),
            ("lost_files", self.lost_files),
            ("refused", self.refused),
        ]
    }
}

/// Counts of all requests. Clones are the same. The lock is never held over I/O.
#[derive(Clone, Debug)]
pub struct Counting {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) recorder: Recorder,
    pub(crate) sources: Vec<Source>,
}

#[derive(Debug)]
pub(crate) struct Source {
    name: String,
    pub(crate) stats: SourceStats,
    /// How far its file is counted.
    pub(crate) file: Option<KeptFile>,
}

impl Counting {
    pub fn new(recorder: Recorder) -> Self {
        Self { shared: Arc::new(Mutex::new(Shared { recorder, sources: Vec::new() })) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts requests that come without a source.
    pub fn record<'a>(&self, entries: impl Iterator<Item = Entry<'a>>) {
        let mut shared = self.lock();
        for entry in entries {
            shared.recorder.record(&entry);
        }
    }

    /// A further source.
    pub fn intake(&self, settings: &SourceSettings) -> Intake {
        let mut shared = self.lock();
        let (name, stats) = (settings.name.clone(), SourceStats::default());
        shared.sources.push(Source { name, stats, file: None });
        let index = shared.sources.len() - 1;
        Intake::new(self.clone(), index, settings)
    }

    /// What became of what each source said, since the start.
    pub fn stats(&self) -> Vec<(String, SourceStats)> {
        let shared = self.lock();
        shared.sources.iter().map(|source| (source.name.clone(), source.stats)).collect()
    }

    /// Appends the totals as of `now` to the batch of each tenant. With `keep` it says as well what
    /// is to be kept, as of the same moment.
    pub fn flush(
        &self,
        now: Timestamp,
        batches: &mut BTreeMap<TenantId, WriteBatch>,
        keep: bool,
    ) -> Option<Kept> {
        let mut shared = self.lock();
        shared.recorder.flush(now, batches);
        keep.then(|| Kept {
            totals: shared.recorder.save(),
            files: shared
                .sources
                .iter()
                .filter_map(|source| Some((source.name.clone(), source.file.clone()?)))
                .collect(),
        })
    }
}

impl Source {
    /// Notes how far the file is counted.
    pub(crate) fn mark(&mut self, marks: &[FileMark]) {
        if let Some(file) = &mut self.file {
            file.marks.clear();
            file.marks.extend_from_slice(marks);
        }
    }
}
