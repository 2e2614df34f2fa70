//! The agent's own metrics.

use daemon::metrics::Metrics;
use prometheus_client::metrics::{
    counter::Counter,
    family::Family,
    gauge::Gauge,
    histogram::{Histogram, exponential_buckets},
};

/// Counters that the agent's parts touch. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct AgentMetrics {
    pub(crate) samples_collected: Counter,
    pub(crate) samples_sent: Counter,
    pub(crate) samples_dropped: Counter,
    pub(crate) samples_refused: Counter,
    pub(crate) bytes_sent: Family<[(&'static str, &'static str); 1], Counter>,
    pub(crate) send_failures: Counter,
    pub(crate) queue_bytes: Gauge,
    pub(crate) spool_bytes: Gauge,
    pub(crate) spool_failures: Counter,
    pub(crate) spool_damaged_ticks: Counter,
    pub(crate) ticks_missed: Counter,
    pub(crate) collect_seconds: Histogram,
    pub(crate) groups: Gauge,
    pub(crate) events_sent: Counter,
    pub(crate) events_dropped: Counter,
    pub(crate) restarts: Counter,
    pub(crate) commands_refused: Counter,
    pub(crate) access_log_entries: Family<[(&'static str, String); 2], Counter>,
    pub(crate) requests_keep_failures: Counter,
}

impl AgentMetrics {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let own = Self {
            samples_collected: Counter::default(),
            samples_sent: Counter::default(),
            samples_dropped: Counter::default(),
            samples_refused: Counter::default(),
            bytes_sent: Family::default(),
            send_failures: Counter::default(),
            queue_bytes: Gauge::default(),
            spool_bytes: Gauge::default(),
            spool_failures: Counter::default(),
            spool_damaged_ticks: Counter::default(),
            ticks_missed: Counter::default(),
            collect_seconds: Histogram::new(exponential_buckets(0.0001, 2.0, 14)),
            groups: Gauge::default(),
            events_sent: Counter::default(),
            events_dropped: Counter::default(),
            restarts: Counter::default(),
            commands_refused: Counter::default(),
            access_log_entries: Family::default(),
            requests_keep_failures: Counter::default(),
        };
        metrics.register(|registry| {
            for (name, help, counter) in own.counters() {
                registry.register(name, help, counter.clone());
            }
            for (name, help, gauge) in own.gauges() {
                registry.register(name, help, gauge.clone());
            }
            registry.register(
                "agent_sent_bytes",
                "Bytes of bodies sent by protocol, repeats included",
                own.bytes_sent.clone(),
            );
            registry.register(
                "agent_access_log_entries",
                "What became of what access logs said, by source",
                own.access_log_entries.clone(),
            );
            registry.register(
                "agent_collect_duration_seconds",
                "Time to collect one tick",
                own.collect_seconds.clone(),
            );
        });
        own
    }

    fn gauges(&self) -> [(&'static str, &'static str, &Gauge); 3] {
        [
            ("agent_queue_bytes", "Samples waiting in memory, in bytes", &self.queue_bytes),
            ("agent_spool_bytes", "Samples on disk, in bytes", &self.spool_bytes),
            ("agent_groups", "Containers, units and processes watched", &self.groups),
        ]
    }

    fn counters(&self) -> [(&'static str, &'static str, &Counter); 13] {
        [
            ("agent_samples_collected", "Samples collected", &self.samples_collected),
            ("agent_samples_sent", "Samples that the aggregator acknowledged", &self.samples_sent),
            (
                "agent_samples_dropped",
                "Samples that a destination will never get because queue and spool were full",
                &self.samples_dropped,
            ),
            (
                "agent_samples_refused",
                "Samples in requests that the aggregator refused",
                &self.samples_refused,
            ),
            (
                "agent_send_failures",
                "Attempts to send that have to be repeated",
                &self.send_failures,
            ),
            (
                "agent_spool_failures",
                "Ticks that could not be written to the spool; they stay in memory while there is room",
                &self.spool_failures,
            ),
            (
                "agent_spool_damaged_ticks",
                "Ticks in the spool that could not be read back",
                &self.spool_damaged_ticks,
            ),
            (
                "agent_ticks_missed",
                "Ticks left out because the one before took too long",
                &self.ticks_missed,
            ),
            ("agent_events_sent", "Events that the aggregator acknowledged", &self.events_sent),
            (
                "agent_events_dropped",
                "Events dropped because too many waited",
                &self.events_dropped,
            ),
            ("agent_restarts", "Restarts carried out", &self.restarts),
            ("agent_commands_refused", "Commands not carried out", &self.commands_refused),
            (
                "agent_requests_keep_failures",
                "Ticks whose totals of requests could not be kept for a restart",
                &self.requests_keep_failures,
            ),
        ]
    }
}
