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
    fetch::Fetcher,
    group::{Group, Update},
    pool::Change,
    runner::{JobChange, JobChanges, Runner, Shared, Sink},
    scraped::Outcome,
    status::Status,
};
use tokio::sync::{Semaphore, mpsc, oneshot};

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

fn put(number: u64, lines: &str) -> JobChange {
    let config = format!("scrape_interval = '100ms'\n[[scrape_configs]]\njob_name = 'j'\n{lines}");
    let settings: Settings = toml::from_str(&config).expect("is TOML");
    let job = Arc::new(settings.jobs().expect("is valid").remove(0));
    let fetcher = Fetcher::for_job(&job).expect("builds");
    JobChange::Put { number, job, fetcher }
}

struct Stage {
    batches: mpsc::Receiver<WriteBatch>,
    updates: mpsc::Sender<Update>,
    changes: mpsc::Sender<JobChanges>,
    status: Status,
    free: Arc<AtomicUsize>,
    stop: Stop,
    running: tokio::task::JoinHandle<()>,
}

impl Stage {
    fn set() -> Self {
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
        let (updates, found) = mpsc::channel(4);
        let (changes, changed) = mpsc::channel(1);
        let stop = Stop::default();
        let running = tokio::spawn(Runner::new(shared).run(found, changed, stop.clone()));
        Self { batches, updates, changes, status, free, stop, running }
    }

    /// With a job of number 0.
    async fn with_job(lines: &str) -> Self {
        let stage = Self::set();
        stage.change(vec![put(0, lines)]).await;
        stage
    }

    async fn change(&self, changes: Vec<JobChange>) {
        let (done, made) = oneshot::channel();
        self.changes.send(JobChanges { changes, done }).await.expect("is taken");
        made.await.expect("is made");
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
    let mut stage = Stage::with_job("").await;
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
        let mut stage = Stage::with_job("").await;
        stage.find(&[target]).await;
        while stage.next("up").await != [1.0] {}
        assert_eq!(stage.free.load(Ordering::SeqCst), CONCURRENCY - 1);
        stage.end().await;
    }
}

#[tokio::test]
async fn a_target_that_comes_back_is_not_marked_stale() {
    let target = serve(|_request| text("a 5\n")).await;
    let mut stage = Stage::with_job("").await;
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
    let mut stage = Stage::with_job("target_limit = 1").await;
    stage.find(&[target]).await;
    assert_eq!(stage.next("up").await, [1.0]);
    stage.find(&[target, other]).await;
    while stage.next("up").await != [0.0] {}
    while stage.status.counts() != [0, 2, 0] {
        stage.next("up").await;
    }
    let report = stage.status.report("n1");
    assert_eq!(
        report.pools[0].targets[0].last_error,
        "target_limit exceeded (number of targets: 2, limit: 1)"
    );
    stage.find(&[other]).await;
    while stage.next("a").await != [6.0] {}
    stage.end().await;
}

#[tokio::test]
async fn a_changed_job_goes_on_with_its_targets() {
    let target = serve(|_request| text("a 5\nb 6\n")).await;
    let mut stage = Stage::with_job("").await;
    stage.find(&[target]).await;
    assert_eq!(stage.next("b").await, [6.0]);
    let drop_b = "metric_relabel_configs = [\
        { source_labels = ['__name__'], regex = 'b', action = 'drop' }]";
    stage.change(vec![put(0, drop_b)]).await;
    assert_eq!(stage.status.counts(), [1, 0, 0], "it is known to be up");
    // What the job before had and this one has not is stale at the next scrape, and nothing else.
    let values = loop {
        let values = stage.next("b").await;
        if is_stale(values[0]) {
            break values;
        }
    };
    assert_eq!(values.len(), 1);
    for _scrape in 0..4 {
        assert_eq!(stage.next("a").await, [5.0]);
    }
    stage.change(vec![JobChange::Remove(0)]).await;
    assert_eq!(stage.status.counts(), [0, 0, 0]);
    while !is_stale(stage.next("a").await[0]) {}
    stage.end().await;
}

#[tokio::test]
async fn a_job_that_finds_its_targets_anew_takes_them_over() {
    let target = serve(|_request| text("a 5\n")).await;
    let mut stage = Stage::with_job("").await;
    stage.find(&[target]).await;
    stage.next("a").await;
    stage.change(vec![JobChange::Remove(0), put(1, "")]).await;
    let groups = vec![Group::from_written(&[target.to_string()], &[].into())];
    let late = Update { job: 0, source: "s".to_owned(), groups: Vec::new() };
    stage.updates.send(late).await.expect("is taken");
    let update = Update { job: 1, source: "s".to_owned(), groups };
    stage.updates.send(update).await.expect("is taken");
    for _scrape in 0..8 {
        assert_eq!(stage.next("a").await, [5.0], "never stale");
    }
    stage.end().await;
}
