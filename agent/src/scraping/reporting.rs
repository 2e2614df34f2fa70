//! Tells the aggregator how the targets are: when something changed, and every now and then.

use std::time::Duration;

use codec::inflate::{Compression, compress};
use daemon::{control::ControlClient, metrics::Metrics, stop::Stop};
use model::target::REPORT_EVERY;
use prometheus_client::metrics::counter::Counter;
use scrape::status::Status;
use tokio::time::Instant;

/// The shortest time from one report to the next. Large reports wait longer, so that they never
/// take much of a node or of the aggregator.
const GAP: Duration = Duration::from_secs(1);
/// More time from one report to the next for each MiB of it, before compression.
const GAP_PER_MIB: Duration = Duration::from_secs(2);

/// After this time a report that was not taken is made anew.
const RETRY: Duration = Duration::from_secs(5);

/// How reporting goes.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    sent: Counter,
    failed: Counter,
    left_out: Counter,
}

impl Counts {
    pub(super) fn register(metrics: &Metrics) -> Self {
        let own = Self::default();
        let counters = [
            ("agent_target_reports", "Reports on targets that were sent", &own.sent),
            (
                "agent_target_report_failures",
                "Reports on targets that the aggregator did not take",
                &own.failed,
            ),
            (
                "agent_target_report_left_out",
                "Targets and lists of metrics that had no room in a report, at each report",
                &own.left_out,
            ),
        ];
        metrics.register(|registry| {
            for (name, help, counter) in counters {
                registry.register(name, help, counter.clone());
            }
        });
        own
    }
}

/// Reports until the agent stops.
pub(super) struct Reporter {
    pub(super) node: String,
    pub(super) client: ControlClient,
    pub(super) status: Status,
    pub(super) counts: Counts,
}

impl Reporter {
    pub(super) async fn run(self, stop: Stop) {
        tokio::select! {
            () = self.follow() => {}
            () = stop.stopped() => {}
        }
    }

    async fn follow(&self) {
        let mut changes = self.status.changes();
        // Without any job there is nothing to say, until there was one.
        while self.status.is_empty() {
            if changes.changed().await.is_err() {
                return;
            }
        }
        loop {
            changes.mark_unchanged();
            let began = Instant::now();
            let (bytes, is_taken) = self.send().await;
            let mebibytes = u32::try_from(bytes >> 20).unwrap_or(u32::MAX);
            tokio::time::sleep_until(began + GAP + GAP_PER_MIB.saturating_mul(mebibytes)).await;
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return },
                () = tokio::time::sleep_until(began + if is_taken { REPORT_EVERY } else { RETRY }) => {}
            }
        }
    }

    /// Sends one report. Returns how long it is before compression, and whether it was taken, or
    /// refused for good.
    async fn send(&self) -> (usize, bool) {
        let (status, node) = (self.status.clone(), self.node.clone());
        let written = tokio::task::spawn_blocking(move || {
            let report = status.report(&node);
            let left_out = report.left_out + report.families_left_out;
            let json = serde_json::to_vec(&report).map_err(|error| error.to_string())?;
            let mut packed = Vec::new();
            compress(Compression::Zstd, &json, &mut packed).map_err(|error| error.to_string())?;
            Ok((packed, json.len(), left_out))
        });
        let written = written.await.unwrap_or_else(|error| Err(error.to_string()));
        let (packed, bytes, left_out) = match written {
            Ok(written) => written,
            Err(error) => {
                tracing::error!(error, "the report on targets cannot be written");
                self.counts.failed.inc();
                return (0, true);
            }
        };
        self.counts.left_out.inc_by(left_out);
        match self.client.put_targets(&self.node, packed).await {
            Ok(()) => {
                self.counts.sent.inc();
                (bytes, true)
            }
            Err(error) => {
                self.counts.failed.inc();
                let text = daemon::telemetry::chain(&error);
                if error.is_temporary() {
                    tracing::debug!(error = text, "the report on targets waits");
                } else {
                    tracing::warn!(error = text, "the aggregator refuses the report on targets");
                }
                (bytes, !error.is_temporary())
            }
        }
    }
}
