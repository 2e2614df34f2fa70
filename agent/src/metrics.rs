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
    pub(crate) ticks_missed: Counter,
    pub(crate) collect_seconds: Histogram,
    pub(crate) groups: Gauge,
    pub(crate) events_sent: Counter,
    pub(crate) events_dropped: Counter,
    pub(crate) restarts: Counter,
    pub(crate) commands_refused: Counter,
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
            ticks_missed: Counter::default(),
            collect_seconds: Histogram::new(exponential_buckets(0.0001, 2.0, 14)),
            groups: Gauge::default(),
            events_sent: Counter::default(),
            events_dropped: Counter::default(),
            restarts: Counter::default(),
            commands_refused: Counter::default(),
        };
        let counters = [
            ("agent_samples_collected", "Samples collected", &own.samples_collected),
            ("agent_samples_sent", "Samples that the aggregator acknowledged", &own.samples_sent),
            (
                "agent_samples_dropped",
                "Samples dropped because the queue was full",
                &own.samples_dropped,
            ),
            (
                "agent_samples_refused",
                "Samples in requests that the aggregator refused",
                &own.samples_refused,
            ),
            (
                "agent_send_failures",
                "Attempts to send that have to be repeated",
                &own.send_failures,
            ),
            (
                "agent_ticks_missed",
                "Ticks left out because the one before took too long",
                &own.ticks_missed,
            ),
            ("agent_events_sent", "Events that the aggregator acknowledged", &own.events_sent),
            ("agent_events_dropped", "Events dropped because too many waited", &own.events_dropped),
            ("agent_restarts", "Restarts carried out", &own.restarts),
            ("agent_commands_refused", "Commands not carried out", &own.commands_refused),
        ];
        metrics.register(|registry| {
            for (name, help, counter) in counters {
                registry.register(name, help, counter.clone());
            }
            registry.register(
                "agent_sent_bytes",
                "Bytes of bodies sent by protocol, repeats included",
                own.bytes_sent.clone(),
            );
            registry.register(
                "agent_queue_bytes",
                "Samples waiting, in bytes",
                own.queue_bytes.clone(),
            );
            registry.register(
                "agent_groups",
                "Containers, units and processes watched",
                own.groups.clone(),
            );
            registry.register(
                "agent_collect_duration_seconds",
                "Time to collect one tick",
                own.collect_seconds.clone(),
            );
        });
        own
    }
}
