//! How a store is set up.

use std::time::Duration;

use crate::limits::Limits;

/// Settings of a store. The defaults suit one machine with a few gigabytes of memory.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long samples are kept. Older ones are refused and dropped.
    pub retention: Duration,
    /// How far a sample's time may be ahead of `now`.
    pub future_max: Duration,
    /// Limits of tenants that have none of their own.
    pub limits: Limits,
    /// Most tenants with recent samples.
    pub tenants_max: usize,
    /// Length of a segment of the write-ahead log, in bytes.
    pub wal_segment_bytes: u64,
    /// The head is written to a block when the log is longer than this, in bytes.
    pub wal_bytes_max: u64,
    /// The head is written to a block when its samples take more memory than this, in bytes.
    pub head_bytes_max: u64,
    /// The head is written to a block when it holds samples for longer than this.
    pub head_age_max: Duration,
    /// A series without a new sample for so long is no longer active, once its samples are in a
    /// block.
    pub active_window: Duration,
    /// Memory for pages of blocks that were read lately, in bytes.
    pub cache_bytes: usize,
    /// Writes are refused when the disk has less room than this, in bytes: what is left serves
    /// the compaction that makes room.
    pub reserve_bytes: u64,
    /// Most exemplars kept per tenant; the oldest make room.
    pub exemplars_per_tenant: usize,
    /// Most metric names per tenant of which type, help and unit are kept.
    pub metadata_per_tenant: usize,
    /// Threads that replay the log at start.
    pub replay_threads: usize,
    /// The key of the series hash; drawn at random when `None`. Fixed only by tests.
    pub hash_key: Option<[u64; 2]>,
}

impl Default for Options {
    fn default() -> Self {
        const DAY: u64 = 24 * 3600;
        Self {
            retention: Duration::from_secs(15 * DAY),
            future_max: Duration::from_secs(600),
            limits: Limits::default(),
            tenants_max: 100_000,
            wal_segment_bytes: 64 << 20,
            wal_bytes_max: 1 << 30,
            head_bytes_max: 512 << 20,
            head_age_max: Duration::from_secs(3600),
            active_window: Duration::from_secs(1800),
            cache_bytes: 128 << 20,
            reserve_bytes: 256 << 20,
            exemplars_per_tenant: 10_000,
            metadata_per_tenant: 10_000,
            replay_threads: std::thread::available_parallelism().map_or(1, usize::from).min(8),
            hash_key: None,
        }
    }
}
