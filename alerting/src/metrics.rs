//! Alerting's own metrics: the counts of `remediation` and of rules, as they are when asked for.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use daemon::metrics::Metrics;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};
use remediation::Stats;
use rules::RosterStats;

use crate::ruler::notify::Notified;

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

/// What the ruler counts. Clones are the same. No metric names a group: whoever reaches the port may
/// read them, and `/api/v1/rules` tells each caller of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct RulerCounts(Arc<Ruled>);

#[derive(Debug, Default)]
struct Ruled {
    stats: Mutex<RosterStats>,
    written: AtomicU64,
    lost: AtomicU64,
    panicked: AtomicU64,
    reloaded: AtomicBool,
    notified: Arc<Notified>,
}

impl RulerCounts {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let counts = Self::default();
        let collector = counts.clone();
        metrics.register(|registry| registry.register_collector(Box::new(collector)));
        counts
    }

    pub(crate) fn set(&self, stats: RosterStats) {
        *self.0.stats.lock().unwrap_or_else(PoisonError::into_inner) = stats;
    }

    /// What is counted of alerts that are told.
    pub(crate) fn notified(&self) -> Arc<Notified> {
        Arc::clone(&self.0.notified)
    }

    /// Samples that were stored.
    pub(crate) fn written(&self, samples: u64) {
        self.0.written.fetch_add(samples, Ordering::Relaxed);
    }

    /// Whether an evaluation panicked.
    pub(crate) fn panicked(&self, panicked: bool) {
        self.0.panicked.fetch_add(u64::from(panicked), Ordering::Relaxed);
    }

    /// Ends of series that were given up.
    pub(crate) fn lost(&self, samples: u64) {
        self.0.lost.fetch_add(samples, Ordering::Relaxed);
    }

    pub(crate) fn reloaded(&self, succeeded: bool) {
        self.0.reloaded.store(succeeded, Ordering::Relaxed);
    }
}

impl Collector for RulerCounts {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let stats = *self.0.stats.lock().unwrap_or_else(PoisonError::into_inner);
        let counters = [
            ("alerting_rule_evaluations", "Evaluations of rules", stats.evaluations),
            ("alerting_rule_evaluation_failures", "Evaluations that failed", stats.failures),
            ("alerting_rule_group_iterations", "Evaluations of groups", stats.iterations),
            (
                "alerting_rule_group_iterations_missed",
                "Evaluations left out because an earlier one took too long",
                stats.missed,
            ),
            (
                "alerting_rule_samples_written",
                "Samples of rules that were stored",
                self.0.written.load(Ordering::Relaxed),
            ),
            (
                "alerting_rule_series_ends_lost",
                "Ends of series of removed rules that could not be stored",
                self.0.lost.load(Ordering::Relaxed),
            ),
            (
                "alerting_rule_group_panics",
                "Evaluations of groups that a fault of the program ended",
                self.0.panicked.load(Ordering::Relaxed),
            ),
            (
                "alerting_notifications_sent",
                "Alerts that an Alertmanager took",
                self.0.notified.sent.load(Ordering::Relaxed),
            ),
            (
                "alerting_notification_failures",
                "Alerts that an Alertmanager did not take",
                self.0.notified.failed.load(Ordering::Relaxed),
            ),
            (
                "alerting_notifications_dropped",
                "Alerts dropped because too many waited",
                self.0.notified.dropped.load(Ordering::Relaxed),
            ),
        ];
        for (name, help, value) in counters {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)?;
        }
        let reloaded = u64::from(self.0.reloaded.load(Ordering::Relaxed));
        let gauges = [
            ("alerting_rule_groups", "Groups of rules", stats.groups as f64),
            ("alerting_rules", "Rules", stats.rules as f64),
            (
                "alerting_rule_group_last_duration_seconds",
                "How long the last evaluation of a group took",
                stats.last_duration.as_secs_f64(),
            ),
            (
                "alerting_config_last_reload_successful",
                "Whether the last reload of rules succeeded",
                reloaded as f64,
            ),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        Ok(())
    }
}
