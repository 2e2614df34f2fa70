//! Jobs that run: targets come, go and come back.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use daemon::stop::Stop;
use model::{columns::is_stale, labels::Labels, write::WriteBatch};
use scrape::{
    config::Settings,
    group::{Group, Update},
    pool::Change,
    runner::{Runner, Shared, Sink},
    scraped::Outcome,
    status::Status,
};
use tokio::sync::{Semaphore, mpsc};

use crate::targets::{serve, text};

/// Far more than a test lets wait.
const BATCHES_MAX: usize = 10_000;

/// Scrapes that run at the same time.
const CONCURRENCY: usize = 4;

/// Hands batches to the test.
struct Watched {
    batches: mpsc::Sender<WriteBatch>,
    /// How many places were free when a scrape was handed on, at most.
    free: Arc<AtomicUsize>,
    permits: Arc<Semaphore>,
}

impl Sink for Watched {
    fn push(&self, batch: WriteBatch) {
        self.batches.try_send(batch).expect("the test keeps up");
    }

    fn scraped(&self, _outcome: &Outcome) {
        self.free.fetch_max(self.permits.available_permits(), Ordering::SeqCst);
    }

    fn changed(&self, _change: &Change) {}
}

struct Stage {
    batches: mpsc::Receiver<WriteBatch>,
    updates: mpsc::Sender<Update>,
    status: Status,
    free: Arc<AtomicUsize>,
    stop: Stop,
    running: tokio::task::JoinHandle<()>,
}

impl Stage {
    fn set(lines: &str) -> Self {
        let config =
            format!("scrape_interval = '100ms'\n[[scrape_configs]]\njob_name = 'j'\n{lines}");
        let settings: Settings = toml::from_str(&config).expect("is TOML");
        let (sender, batches) = mpsc::channel(BATCHES_MAX);
        let permits = Arc::new(Semaphore::new(CONCURRENCY));
        let free = Arc::new(AtomicUsize::new(0));
        let sink =
            Watched { batches: sender, free: Arc::clone(&free), permits: Arc::clone(&permits) };
        let shared = Shared {
            sink: Arc::new(sink),
            status: Status::default(),
            now: daemon::clock::now,
            external: Arc::new([]),
            permits,
        };
        let status = shared.status.clone();
        let runner = Runner::new(settings.jobs().expect("is valid"), shared).expect("builds");
        let (updates, found) = mpsc::channel(4);
        let stop = Stop::default();
        let running = tokio::spawn(runner.run(found, stop.clone()));
        Self { batches, updates, status, free, stop, running }
    }

    async fn find(&self, addresses: &[SocketAddr]) {
        let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let groups = vec![Group::from_written(&addresses, &[].into())];
        let update = Update { job: 0, source: "s".to_owned(), groups };
        self.updates.send(update).await.expect("is taken");
    }

    /// The values of a metric in the next batch that has it.
    async fn next(&mut self, metric: &str) -> Vec<f64> {
        loop {
            let batch = self.batches.recv().await.expect("goes on");
            let series = batch.series().filter(|series| {
                Labels::from_bytes(series.labels).is_some_and(|labels| labels.metric() == metric)
            });
            let values: Vec<f64> = series.map(|series| series.samples[0].value).collect();
            if !values.is_empty() {
                return values;
            }
        }
    }

    async fn end(self) {
        self.stop.stop();
        self.running.await.expect("ends");
    }
}

#[tokio::test]
async fn a_target_is_scraped_until_it_is_gone_and_then_marked_stale() {
    let target = serve(|_request| text("a 5\n")).await;
    let mut stage = Stage::set("");
    stage.find(&[target]).await;
    assert_eq!(stage.next("a").await, [5.0]);
    assert_eq!(stage.next("up").await, [1.0]);
    assert_eq!(stage.status.counts(), [1, 0, 0]);
    stage.find(&[]).await;
    let ended = loop {
        let values = stage.next("a").await;
        if is_stale(values[0]) {
            break values;
        }
    };
    assert_eq!(ended.len(), 1);
    assert_eq!(stage.status.counts(), [0, 0, 0]);
    stage.end().await;
}

/// Small answers are read at once, large ones on another thread.
#[tokio::test]
async fn a_scrape_keeps_its_place_until_its_samples_are_handed_on() {
    for rows in [1, 5000] {
        let body: String = (0..rows).map(|row| format!("a{{row=\"{row}\"}} 5 \n")).collect();
        assert_eq!(body.len() > 64 << 10, rows > 1);
        let target = serve(move |_request| text(&body)).await;
        let mut stage = Stage::set("");
        stage.find(&[target]).await;
        while stage.next("up").await != [1.0] {}
        assert_eq!(stage.free.load(Ordering::SeqCst), CONCURRENCY - 1);
        stage.end().await;
    }
}

#[tokio::test]
async fn a_target_that_comes_back_is_not_marked_stale() {
    let target = serve(|_request| text("a 5\n")).await;
    let mut stage = Stage::set("");
    stage.find(&[target]).await;
    stage.next("a").await;
    stage.find(&[]).await;
    stage.find(&[target]).await;
    // Many more scrapes than it would have taken to be marked.
    for _scrape in 0..8 {
        assert_eq!(stage.next("a").await, [5.0]);
    }
    stage.end().await;
}

#[tokio::test]
async fn beyond_the_limit_of_targets_all_are_down() {
    let target = serve(|_request| text("a 5\n")).await;
    let other = serve(|_request| text("a 6\n")).await;
    let mut stage = Stage::set("target_limit = 1");
    stage.find(&[target]).await;
    assert_eq!(stage.next("up").await, [1.0]);
    stage.find(&[target, other]).await;
    while stage.next("up").await != [0.0] {}
    while stage.status.counts() != [0, 2, 0] {
        stage.next("up").await;
    }
    let shown = stage.status.targets_json(&scrape::status::TargetsQuery::default());
    let error = shown["data"]["activeTargets"][0]["lastError"].as_str().expect("is text");
    assert_eq!(error, "target_limit exceeded (number of targets: 2, limit: 1)");
    stage.find(&[other]).await;
    while stage.next("a").await != [6.0] {}
    stage.end().await;
}
