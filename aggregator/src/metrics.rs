//! The aggregator's own metrics.

use daemon::metrics::Metrics;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeLabelValue, EncodeMetric},
    metrics::{
        MetricType,
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::{ConstGauge, Gauge},
        histogram::{Histogram, exponential_buckets},
    },
};
use tsdb::store::Store;

mod tenants;

/// How a request to write ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum WriteOutcome {
    Stored,
    Partial,
    Refused,
    Unavailable,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct WriteLabels {
    pub(crate) outcome: WriteOutcome,
}

/// What became of a data point of delta temporality.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum DeltaOutcome {
    Added,
    Restarted,
    Repeated,
    OutOfOrder,
    OverLimit,
    InFuture,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct DeltaLabels {
    pub(crate) outcome: DeltaOutcome,
}

/// What is told of delta streams.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeltaMetrics {
    pub(crate) streams: Gauge,
    pub(crate) points: Family<DeltaLabels, Counter>,
}

/// Counters that handlers touch.
#[derive(Clone, Debug)]
pub(crate) struct AggregatorMetrics {
    pub(crate) events: Counter,
    pub(crate) writes: Family<WriteLabels, Counter>,
    pub(crate) samples_skipped: Counter,
    pub(crate) deltas: DeltaMetrics,
    pub(crate) queries: Counter,
    pub(crate) query_seconds: Histogram,
    pub(crate) reload_succeeded: Gauge,
}

impl AggregatorMetrics {
    /// `tenants_max` tenants are named. What is counted from before the store opens comes in.
    pub(crate) fn register(
        metrics: &Metrics,
        store: Store,
        tenants_max: usize,
        unauthorized: Counter,
    ) -> Self {
        let own = Self {
            events: Counter::default(),
            writes: Family::default(),
            samples_skipped: Counter::default(),
            deltas: DeltaMetrics::default(),
            queries: Counter::default(),
            query_seconds: Histogram::new(exponential_buckets(0.0005, 2.0, 18)),
            reload_succeeded: Gauge::default(),
        };
        own.reload_succeeded.set(1);
        metrics.register(|registry| {
            registry.register(
                "aggregator_unauthorized_requests",
                "Requests without a valid token",
                unauthorized,
            );
            registry.register(
                "aggregator_events",
                "Events appended to the timeline",
                own.events.clone(),
            );
            registry.register(
                "aggregator_write_requests",
                "Requests to write, by how they ended",
                own.writes.clone(),
            );
            registry.register(
                "aggregator_write_samples_skipped",
                "Samples of well-formed requests that were not stored",
                own.samples_skipped.clone(),
            );
            registry.register(
                "aggregator_otlp_delta_streams",
                "Series of delta temporality that are being added up",
                own.deltas.streams.clone(),
            );
            registry.register(
                "aggregator_otlp_delta_points",
                "Data points of delta temporality, by what became of them",
                own.deltas.points.clone(),
            );
            registry.register("aggregator_queries", "Queries evaluated", own.queries.clone());
            registry.register(
                "aggregator_query_duration_seconds",
                "Time to evaluate a query",
                own.query_seconds.clone(),
            );
            registry.register(
                "aggregator_config_last_reload_successful",
                "1 when the last reload was taken, 0 when it was refused",
                own.reload_succeeded.clone(),
            );
            registry.register_collector(Box::new(StoreCollector { store, tenants_max }));
        });
        own
    }
}

/// The store's statistics, read when asked for. Whoever reaches the port may read this, so tenants are
/// named only where the configuration says so.
struct StoreCollector {
    store: Store,
    tenants_max: usize,
}

impl std::fmt::Debug for StoreCollector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoreCollector")
    }
}

impl Collector for StoreCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let mut stats = self.store.stats();
        let gauges = [
            ("tsdb_head_series", "Active series", stats.series),
            ("tsdb_tenants", "Tenants with active series", stats.tenants.len() as u64),
            (
                "tsdb_head_sample_bytes",
                "Memory of samples not in blocks yet",
                stats.head_sample_bytes,
            ),
            ("tsdb_head_index_bytes", "Memory of the index of the head", stats.head_index_bytes),
            ("tsdb_wal_bytes", "Length of the write-ahead log", stats.wal_bytes),
            ("tsdb_blocks", "Blocks on disk", stats.blocks),
            ("tsdb_block_bytes", "Bytes of blocks on disk", stats.block_bytes),
            (
                "tsdb_disk_full",
                "1 while writes are refused for want of room",
                u64::from(stats.disk_full),
            ),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        let counters = [
            ("tsdb_samples_appended", "Samples taken", stats.samples_appended),
            ("tsdb_exemplars_appended", "Exemplars taken", stats.exemplars_appended),
            ("tsdb_wal_syncs", "Times the log was synced", stats.wal_syncs),
            ("tsdb_wal_failures", "Failed writes of the log", stats.wal_failures),
            ("tsdb_damaged_reads", "Bytes read that failed their checksum", stats.damaged_reads),
        ];
        for (name, help, value) in counters {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)?;
        }
        let mut rejected = encoder.encode_descriptor(
            "tsdb_samples_rejected",
            "Samples refused, by reason",
            None,
            MetricType::Counter,
        )?;
        for (reason, count) in &stats.rejected {
            let labels = [("reason", reason.as_str())];
            ConstCounter::new(*count).encode(rejected.encode_family(&labels)?)?;
        }
        if self.tenants_max > 0 {
            tenants::encode(&mut encoder, &mut stats.tenants, self.tenants_max)?;
        }
        Ok(())
    }
}
