//! Alerting's own metrics: the counts of `remediation`, as they are when asked for.

use std::sync::{Arc, Mutex, PoisonError};

use daemon::metrics::Metrics;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter},
};
use remediation::Stats;

/// The newest counts. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts(Arc<Mutex<Stats>>);

impl Counts {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let counts = Self::default();
        let collector = counts.clone();
        metrics.register(|registry| registry.register_collector(Box::new(collector)));
        counts
    }

    pub(crate) fn set(&self, stats: Stats) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = stats;
    }
}

impl Collector for Counts {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let stats = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counters = [
            ("alerting_events", "Events read from the timeline", stats.events),
            ("alerting_events_stale", "Events about a run that was over", stats.stale),
            ("alerting_events_dropped", "Events dropped at a limit", stats.dropped),
            ("alerting_restarts_decided", "Restarts decided", stats.decided),
            ("alerting_commands_sent", "Commands handed to nodes", stats.sent),
            ("alerting_restarts_withdrawn", "Decisions taken back before acting", stats.withdrawn),
            ("alerting_restarts_refused", "Restarts that a guardrail refused", stats.refused),
            ("alerting_recoveries", "Incidents that ended well", stats.recovered),
            ("alerting_quarantines", "Instances left to a person", stats.quarantined),
            ("alerting_pages", "Times a person was called", stats.paged),
        ];
        for (name, help, value) in counters {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)?;
        }
        Ok(())
    }
}
