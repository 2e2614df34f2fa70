//! What a store says about itself.

use disk::journal::ReplayStats;
use model::tenant::TenantId;

use crate::{limits::Limits, outcome::RejectReason};

/// How far opening has come. Called from the opening thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub phase: Phase,
    /// Done and expected, in units of the phase.
    pub done: u64,
    pub total: u64,
}

/// What opening is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Opening blocks, counted in blocks.
    Blocks,
    /// Replaying the write-ahead log, counted in bytes.
    Wal,
}

/// What opening found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenStats {
    pub blocks: u64,
    /// Blocks that could not be opened; they are left where they are and are not read.
    pub blocks_damaged: u64,
    pub wal: ReplayStats,
    /// Samples taken from the log.
    pub samples: u64,
    pub series: u64,
    pub tenants: u64,
    /// Samples in the log whose series was lost with a damaged record.
    pub orphaned_samples: u64,
    /// One sentence for each thing that was lost or set aside.
    pub problems: Vec<String>,
}

/// What a maintenance call did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaintenanceStats {
    /// Samples written from the head to blocks.
    pub flushed_samples: u64,
    pub blocks_written: u64,
    pub blocks_compacted: u64,
    pub blocks_expired: u64,
    pub series_dropped: u64,
    pub wal_segments_removed: u64,
    /// What failed; it will be tried again.
    pub errors: Vec<String>,
}

/// The state of a store, for its metrics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    pub tenants: Vec<TenantStats>,
    pub series: u64,
    /// Float samples and histograms taken since the store was opened.
    pub samples_appended: u64,
    pub exemplars_appended: u64,
    /// One count per [`RejectReason::ALL`].
    pub rejected: Vec<(RejectReason, u64)>,
    /// Estimated memory of the head in bytes: samples, and index with labels.
    pub head_sample_bytes: u64,
    pub head_index_bytes: u64,
    pub wal_bytes: u64,
    pub wal_syncs: u64,
    pub wal_failures: u64,
    pub blocks: u64,
    pub block_bytes: u64,
    /// Samples in blocks.
    pub block_samples: u64,
    /// Log and blocks together.
    pub disk_bytes: u64,
    /// Whether writes are refused for want of room.
    pub disk_full: bool,
    /// Bytes of queried data that failed their checksum since the store was opened.
    pub damaged_reads: u64,
    pub last_error: Option<String>,
}

/// What a set of tenants has in one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockStats {
    /// The block's number.
    pub id: u64,
    /// Times of the first and last sample, in milliseconds.
    pub min: i64,
    pub max: i64,
    pub samples: u64,
    pub series: u64,
    /// How often the samples have been compacted.
    pub level: u32,
    /// Numbers of the blocks that it was compacted from.
    pub sources: Vec<u64>,
}

/// One tenant's share.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantStats {
    pub tenant: TenantId,
    /// Active series.
    pub series: u64,
    pub samples_appended: u64,
    pub rejected: u64,
    /// The same by reason, in the order of [`RejectReason::ALL`].
    pub rejected_for: [u64; RejectReason::ALL.len()],
    /// Estimated memory in bytes: samples, and index with labels.
    pub sample_bytes: u64,
    pub index_bytes: u64,
    pub limits: Limits,
}
