//! What became of a call: counts of what was stored, reasons for what was not, errors.

use std::{fmt, io, path::PathBuf};

/// What an append stored. When it returns, all of it is durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Float samples taken, those that were already there included.
    pub samples: u64,
    pub histograms: u64,
    pub exemplars: u64,
    pub series_created: u64,
    /// Descriptions of metrics without room, or too long.
    pub metadata_dropped: u64,
    /// What was refused, one entry per reason.
    pub rejected: Vec<Rejected>,
}

impl Appended {
    /// How many samples, histograms and exemplars were refused.
    pub fn rejected_count(&self) -> u64 {
        self.rejected.iter().map(|rejected| rejected.count).sum()
    }

    /// Whether a frame was refused because its group has to be registered again.
    pub fn is_group_unknown(&self) -> bool {
        self.rejected.iter().any(|rejected| rejected.reason == RejectReason::UnknownGroup)
    }

    /// Adds what became of another part of the same request.
    pub fn merge(&mut self, other: Self) {
        self.samples += other.samples;
        self.histograms += other.histograms;
        self.exemplars += other.exemplars;
        self.series_created += other.series_created;
        self.metadata_dropped += other.metadata_dropped;
        for Rejected { reason, count, example } in other.rejected {
            self.reject(reason, count, || example);
        }
    }

    pub(crate) fn reject(
        &mut self,
        reason: RejectReason,
        count: u64,
        example: impl FnOnce() -> String,
    ) {
        if count == 0 {
            return;
        }
        match self.rejected.iter_mut().find(|rejected| rejected.reason == reason) {
            Some(rejected) => rejected.count += count,
            None => self.rejected.push(Rejected { reason, count, example: example() }),
        }
    }
}

/// What became of a request of several parts. Those that were stored whole are only counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppendedAll {
    /// Of all parts together.
    pub appended: Appended,
    /// Which parts were frames of groups that have to be registered again, ascending.
    pub unknown_groups: Vec<usize>,
    /// Of which other parts something was refused, ascending.
    pub refused: Vec<usize>,
}

impl AppendedAll {
    pub(crate) fn add(&mut self, at: usize, part: Appended) {
        if part.is_group_unknown() {
            self.unknown_groups.push(at);
        } else if !part.rejected.is_empty() {
            self.refused.push(at);
        }
        self.appended.merge(part);
    }
}

/// Samples refused for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    pub reason: RejectReason,
    pub count: u64,
    /// The first of them: its series and what was wrong with it.
    pub example: String,
}

/// Why a sample was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RejectReason {
    /// Older than the retention.
    TooOld,
    /// Further ahead of `now` than allowed.
    TooFarInFuture,
    /// The series has another value at this time.
    DuplicateTimestamp,
    /// The tenant has as many active series as it may.
    SeriesLimit,
    /// The tenant creates series faster than it may.
    SeriesRate,
    /// The tenant sends samples faster than it may.
    SampleRate,
    /// The tenant sends bytes faster than it may.
    ByteRate,
    /// Too many labels, too long ones, or none at all.
    Labels,
    /// The histogram contradicts itself.
    InvalidHistogram,
    /// The store has as many tenants as it may.
    TenantLimit,
    /// An exemplar without room, or older than the ones there are.
    Exemplar,
    /// A frame of a group that is not, or no longer, known, or that does not follow its last frame:
    /// the group has to be registered again.
    UnknownGroup,
}

impl RejectReason {
    /// All reasons, in order.
    pub const ALL: [Self; 12] = [
        Self::TooOld,
        Self::TooFarInFuture,
        Self::DuplicateTimestamp,
        Self::SeriesLimit,
        Self::SeriesRate,
        Self::SampleRate,
        Self::ByteRate,
        Self::Labels,
        Self::InvalidHistogram,
        Self::TenantLimit,
        Self::Exemplar,
        Self::UnknownGroup,
    ];

    /// A name for metrics and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooOld => "too_old",
            Self::TooFarInFuture => "too_far_in_future",
            Self::DuplicateTimestamp => "duplicate_timestamp",
            Self::SeriesLimit => "series_limit",
            Self::SeriesRate => "series_rate",
            Self::SampleRate => "sample_rate",
            Self::ByteRate => "byte_rate",
            Self::Labels => "labels",
            Self::InvalidHistogram => "invalid_histogram",
            Self::TenantLimit => "tenant_limit",
            Self::Exemplar => "exemplar",
            Self::UnknownGroup => "unknown_group",
        }
    }

    /// Whether the same sample may be taken later: the sender should slow down and retry.
    pub fn is_temporary(self) -> bool {
        matches!(self, Self::SeriesRate | Self::SampleRate | Self::ByteRate)
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why nothing of a batch is known to be durable. Sending it again does no harm.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// There is no room; the store takes writes again by itself once there is.
    #[error("the disk is full")]
    DiskFull,
    #[error("the store is closed")]
    Closed,
    #[error("cannot write the log: {0}")]
    Io(String),
}

/// Why a store could not be opened. Damaged data is no reason: it is set aside and reported in
/// [`crate::stats::OpenStats`].
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{dir} is in use by another process")]
    Locked { dir: PathBuf },
    #[error("{path} was written by a newer version ({found}, this one reads up to {known})")]
    NewerFormat { path: PathBuf, found: u32, known: u32 },
    #[error("cannot {action} {path}")]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot open the write-ahead log")]
    Wal(#[from] disk::journal::JournalError),
}

/// Why the store could not do what an operator asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the disk is full")]
    DiskFull,
    #[error("the store is closed")]
    Closed,
    #[error("cannot {action}: {message}")]
    Io { action: &'static str, message: String },
    #[error("stored data is damaged: {0}")]
    Damaged(String),
    /// Blocks are being rewritten for them; there is room again once some are done.
    #[error("{limit} deletions wait to be carried out")]
    DeletionsWaiting { limit: usize },
}

impl StoreError {
    pub(crate) fn io(action: &'static str, error: &io::Error) -> Self {
        if disk::is_full(error) {
            return Self::DiskFull;
        }
        Self::Io { action, message: error.to_string() }
    }

    pub(crate) fn wal(action: &'static str, error: &disk::journal::JournalError) -> Self {
        if error.is_full() {
            return Self::DiskFull;
        }
        Self::Io { action, message: crate::store::describe(error) }
    }
}
