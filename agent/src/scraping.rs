//! Scraping: discovery, the scrapers, and their way into the queue.

mod jobs;
mod reporting;

use std::sync::Arc;

use daemon::{control::ControlClient, metrics::Metrics, stop::Stop};
use model::write::WriteBatch;
use prometheus_client::metrics::{counter::Counter, gauge::Gauge};
use scrape::{
    config::Settings,
    pool::Change,
    runner::{Runner, Shared, Sink, UPDATES_MAX},
    scraped::Outcome,
    status::Status,
};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinHandle,
};

use crate::{push::Queue, sources::NodeLabels};
use jobs::Jobs;
use reporting::Reporter;

pub use jobs::Reload;

/// Why scraping does not begin.
#[derive(Debug, thiserror::Error)]
pub enum ScrapeStartError {
    #[error("agent.scrape: {0}")]
    Job(#[from] scrape::config::InvalidJob),
    #[error("agent.scrape: {0}")]
    Client(#[from] scrape::fetch::FetchError),
    #[error("agent.scrape: {0}")]
    Discovery(#[from] discovery::DiscoveryError),
    #[error("the scrapers have stopped")]
    Stopped,
}

/// What scraping needs to know.
pub(crate) struct Scraping<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) labels: &'a NodeLabels,
    pub(crate) control: &'a ControlClient,
    pub(crate) reload: Reload,
    pub(crate) stop: &'a Stop,
}

impl Scraping<'_> {
    /// Starts discovery, the scrapers, and what tells of them.
    pub(crate) async fn start(
        self,
        queue: Queue,
        status: Status,
        metrics: &Metrics,
    ) -> Result<Vec<JoinHandle<()>>, ScrapeStartError> {
        // From before the start, so that a reload asked for meanwhile is not lost.
        let reloads = self.stop.reloads();
        let external = self.labels.pairs().into_iter().filter(|(_, value)| !value.is_empty());
        let external: Vec<(String, String)> =
            external.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let counts = Counts::register(metrics);
        let reported = reporting::Counts::register(metrics);
        let sink = Arc::new(Pushed { queue, status: status.clone(), counts });
        let shared = Shared {
            sink,
            status: status.clone(),
            now: daemon::clock::now,
            external: external.into(),
            permits: Arc::new(Semaphore::new(self.settings.concurrency.max(1))),
        };
        let (updates, found) = mpsc::channel(UPDATES_MAX);
        let (sender, changes) = mpsc::channel(1);
        let runner = Runner::new(shared).run(found, changes, self.stop.clone());
        let mut tasks = vec![tokio::spawn(runner)];
        let mut jobs = Jobs::new(updates, sender, self.stop.clone());
        jobs.apply(self.settings).await?;
        let reporter = Reporter {
            node: self.labels.node.clone(),
            client: self.control.clone(),
            status,
            counts: reported,
        };
        tasks.push(tokio::spawn(reporter.run(self.stop.clone())));
        tasks.push(tokio::spawn(jobs::follow(jobs, self.reload, reloads, metrics)));
        Ok(tasks)
    }
}

/// Scrapes go into the agent's queue, and are counted.
struct Pushed {
    queue: Queue,
    status: Status,
    counts: Counts,
}

impl Sink for Pushed {
    fn push(&self, batch: WriteBatch) {
        self.queue.push(batch);
    }

    fn scraped(&self, outcome: &Outcome) {
        let counts = &self.counts;
        counts.scrapes.inc();
        counts.failures.inc_by(u64::from(outcome.error.is_some()));
        counts.samples.inc_by(outcome.scraped);
        counts.duplicates.inc_by(outcome.duplicates);
        counts.stale.inc_by(outcome.stale);
        counts.contradictory.inc_by(outcome.contradictory);
        self.show_targets();
    }

    fn changed(&self, change: &Change) {
        self.counts.unusable.inc_by((change.invalid + change.beyond_limit) as u64);
        self.show_targets();
    }
}

impl Pushed {
    fn show_targets(&self) {
        let [up, down, unknown] = self.status.counts();
        let Counts { targets_up, targets_down, targets_unknown, .. } = &self.counts;
        for (gauge, count) in [(targets_up, up), (targets_down, down), (targets_unknown, unknown)] {
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
}

/// What the agent says of its scraping.
#[derive(Default)]
struct Counts {
    scrapes: Counter,
    failures: Counter,
    samples: Counter,
    duplicates: Counter,
    stale: Counter,
    contradictory: Counter,
    unusable: Counter,
    targets_up: Gauge,
    targets_down: Gauge,
    targets_unknown: Gauge,
}

impl Counts {
    fn register(metrics: &Metrics) -> Self {
        let own = Self::default();
        let counters = [
            ("agent_scrapes", "Scrapes of targets, good and bad", &own.scrapes),
            ("agent_scrape_failures", "Scrapes that failed", &own.failures),
            ("agent_scrape_samples", "Samples that targets exposed", &own.samples),
            (
                "agent_scrape_duplicates",
                "Samples left out because their series had one already",
                &own.duplicates,
            ),
            ("agent_scrape_stale", "Series marked stale", &own.stale),
            (
                "agent_scrape_contradictory_histograms",
                "Classic histograms left out because their rows contradict each other",
                &own.contradictory,
            ),
            (
                "agent_scrape_unusable_targets",
                "Targets found that could not be scraped, at each look",
                &own.unusable,
            ),
        ];
        let gauges = [
            ("agent_scrape_targets_up", "Targets whose last scrape was good", &own.targets_up),
            ("agent_scrape_targets_down", "Targets whose last scrape failed", &own.targets_down),
            ("agent_scrape_targets_unknown", "Targets not scraped yet", &own.targets_unknown),
        ];
        metrics.register(|registry| {
            for (name, help, counter) in counters {
                registry.register(name, help, counter.clone());
            }
            for (name, help, gauge) in gauges {
                registry.register(name, help, gauge.clone());
            }
        });
        own
    }
}
