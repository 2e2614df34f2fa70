//! Destinations of one queue, with and without a disk behind it.

use std::{path::Path, thread::JoinHandle};

use daemon::metrics::Metrics;
use model::write::{Sample, WriteBatch};
use spool::Options;

use super::{Beginning, Queue};
use crate::{
    metrics::AgentMetrics,
    push::{line::Line, spooler::Spooler},
    sources::NodeLabels,
};

/// Room for about ten ticks.
const BYTES: usize = 2500;

fn metrics() -> AgentMetrics {
    AgentMetrics::register(&Metrics::default())
}

fn names() -> Vec<String> {
    vec!["one".to_owned(), "two".to_owned()]
}

/// One sample each of two tenants.
fn tick() -> WriteBatch {
    let mut batch = WriteBatch::default();
    for tenant in ["a", "b"] {
        batch.begin_series(&mut [("__name__", "m"), ("tenant", tenant)]).expect("is valid");
        batch.push_sample(Sample { time: 1, value: 1.0, start: 0 });
    }
    batch
}

fn ticks(count: usize) -> impl Iterator<Item = WriteBatch> {
    std::iter::repeat_with(tick).take(count)
}

fn large() -> WriteBatch {
    let mut batch = WriteBatch::default();
    batch.begin_series(&mut [("__name__", "m"), ("tenant", "a")]).expect("is valid");
    for time in 0..1000 {
        batch.push_sample(Sample { time, value: 1.0, start: 0 });
    }
    batch
}

fn in_memory(metrics: &AgentMetrics) -> (Queue, [Line; 2]) {
    let beginning = Beginning { destinations: names(), taken: vec![0; 2], next: 0, spool: None };
    let queue = Queue::new(BYTES, beginning, metrics.clone());
    let line = |destination| Line::new(queue.clone(), destination, None, metrics.clone());
    (queue.clone(), [line(0), line(1)])
}

/// Takes what there is.
async fn take(line: &mut Line, limit: usize) -> Vec<u64> {
    let mut numbers = Vec::new();
    while numbers.len() < limit
        && let Some(tick) = line.next().await
    {
        assert_eq!(line.next().await.map(|again| again.number), Some(tick.number));
        numbers.push(tick.number);
        line.taken(&tick);
    }
    numbers
}

fn lost(queue: &Queue) -> Vec<String> {
    let labels = NodeLabels { node: String::new(), cluster: String::new(), region: String::new() };
    let mut batch = WriteBatch::default();
    queue.losses().write(model::time::Timestamp(7), &labels, &mut batch);
    let series = batch.series().map(|series| {
        let labels = model::labels::Labels::from_bytes(series.labels).expect("is packed");
        let label = |name| labels.get(name).unwrap_or_default();
        format!("{} {} {}", label("destination"), label("tenant"), series.samples[0].value)
    });
    series.collect()
}

#[tokio::test]
async fn each_destination_has_a_pace_of_its_own() {
    let metrics = metrics();
    let (queue, [mut one, mut two]) = in_memory(&metrics);
    for _ in 0..5 {
        queue.push(tick());
    }
    assert_eq!(take(&mut one, 10).await, [0, 1, 2, 3, 4]);
    assert!(metrics.queue_bytes.get() > 0, "the other has none yet");
    assert_eq!(take(&mut two, 3).await, [0, 1, 2]);
    queue.push(tick());
    assert_eq!(take(&mut one, 10).await, [5]);
    assert_eq!(take(&mut two, 10).await, [3, 4, 5]);
    assert_eq!(metrics.queue_bytes.get(), 0);
    assert_eq!(lost(&queue), Vec::<String>::new());
}

#[tokio::test]
async fn what_leaves_memory_is_lost_to_those_who_lag() {
    let metrics = metrics();
    let (queue, [mut one, mut two]) = in_memory(&metrics);
    for _ in 0..20 {
        queue.push(tick());
        take(&mut one, 1).await;
    }
    let kept = take(&mut two, 100).await;
    let gone = 20 - kept.len();
    assert!(gone > 0 && kept.ends_with(&[19]), "{kept:?}");
    assert_eq!(lost(&queue), [format!("two a {gone}"), format!("two b {gone}")]);
    assert_eq!(metrics.samples_dropped.get(), 2 * gone as u64);
}

#[tokio::test]
async fn a_tick_larger_than_memory_costs_no_other() {
    let metrics = metrics();
    let (queue, [mut one, mut two]) = in_memory(&metrics);
    queue.push(tick());
    queue.push(large());
    queue.push(tick());
    assert_eq!(take(&mut one, 9).await, [0, 2]);
    assert_eq!(take(&mut two, 9).await, [0, 2]);
    assert_eq!(lost(&queue), ["one a 1000", "two a 1000"]);
}

#[tokio::test]
async fn what_nobody_will_take_is_counted() {
    let metrics = metrics();
    let (queue, [mut one, two]) = in_memory(&metrics);
    queue.push(tick());
    queue.push(tick());
    take(&mut one, 1).await;
    assert_eq!((one.abandon(), two.abandon()), (2, 4));
    assert_eq!(lost(&queue), ["one a 1", "one b 1", "two a 2", "two b 2"]);
}

/// A queue with a spool.
struct OnDisk {
    queue: Queue,
    lines: [Line; 2],
    /// Before it runs.
    spooler: Option<Spooler>,
    running: Option<JoinHandle<()>>,
}

impl OnDisk {
    fn open(dir: &Path, bytes_max: u64, metrics: &AgentMetrics) -> Self {
        let options = Options { bytes_max, segment_bytes: 400 };
        let spooler = Spooler::open(dir, options, &["one", "two"], metrics.clone());
        let spooler = spooler.expect("opens");
        let beginning = Beginning {
            destinations: names(),
            taken: spooler.taken(),
            next: spooler.next(),
            spool: Some(spooler.entrance()),
        };
        let queue = Queue::new(BYTES, beginning, metrics.clone());
        let line = |destination| {
            Line::new(queue.clone(), destination, Some(spooler.reader()), metrics.clone())
        };
        let lines = [line(0), line(1)];
        Self { queue, lines, spooler: Some(spooler), running: None }
    }

    fn run(&mut self) {
        if let Some(spooler) = self.spooler.take() {
            let queue = self.queue.clone();
            self.running = Some(std::thread::spawn(move || spooler.run(&queue)));
        }
    }

    /// Queues ticks, each once the one before it is on disk.
    fn push(&mut self, ticks: impl IntoIterator<Item = WriteBatch>) {
        self.run();
        for tick in ticks {
            self.queue.push(tick);
            self.wait();
        }
    }

    /// Until nothing is on its way to the disk.
    fn wait(&self) {
        while self.queue.spooling() > 0 {
            std::thread::yield_now();
        }
    }

    /// Ends in order.
    fn end(mut self) {
        self.run();
        self.queue.close();
        self.running.take().expect("runs").join().expect("does not panic");
    }
}

#[tokio::test]
async fn the_disk_gives_what_memory_has_not() {
    let dir = tempfile::tempdir().expect("is created");
    let metrics = metrics();
    let mut on_disk = OnDisk::open(dir.path(), 1 << 20, &metrics);
    on_disk.push(ticks(50));
    on_disk.push([large(), tick()]);
    let all: Vec<u64> = (0..52).collect();
    assert_eq!(take(&mut on_disk.lines[0], 99).await, all);
    assert_eq!(take(&mut on_disk.lines[1], 20).await, all[..20]);
    assert_eq!(lost(&on_disk.queue), Vec::<String>::new());
    assert_eq!(on_disk.lines[1].abandon(), 0, "the disk keeps it");
    on_disk.end();
    let mut on_disk = OnDisk::open(dir.path(), 1 << 20, &metrics);
    on_disk.push([tick()]);
    assert_eq!(take(&mut on_disk.lines[0], 99).await, [52]);
    assert_eq!(take(&mut on_disk.lines[1], 99).await, (20..53).collect::<Vec<_>>());
    on_disk.end();
}

#[tokio::test]
async fn what_is_on_its_way_to_the_disk_is_waited_for() {
    let dir = tempfile::tempdir().expect("is created");
    let metrics = metrics();
    let mut on_disk = OnDisk::open(dir.path(), 1 << 20, &metrics);
    let mut pushed = 0;
    while on_disk.queue.state().ticks.front().is_none_or(|first| first.number < 2) {
        on_disk.queue.push(tick());
        pushed += 1;
    }
    assert_eq!(take(&mut on_disk.lines[0], 99).await, [0u64; 0]);
    assert!(on_disk.queue.spooling() <= BYTES, "no more waits than memory may have");
    assert!(metrics.spool_failures.get() > 0, "the last ones had no room there");
    on_disk.run();
    on_disk.wait();
    assert_eq!(take(&mut on_disk.lines[0], 99).await, (0..pushed).collect::<Vec<_>>());
    assert_eq!(lost(&on_disk.queue), Vec::<String>::new());
    on_disk.end();
}

#[tokio::test]
async fn what_the_disk_has_no_room_for_is_lost_and_told_by_tenant() {
    let dir = tempfile::tempdir().expect("is created");
    let metrics = metrics();
    let mut on_disk = OnDisk::open(dir.path(), 0, &metrics);
    on_disk.push(ticks(3));
    // Its reader has these in memory, whatever becomes of the disk.
    let first = on_disk.lines[1].next().await.expect("is there").number;
    assert_eq!(first, 0);
    on_disk.push(ticks(57));
    on_disk.push([tick()]);
    let kept = take(&mut on_disk.lines[0], 99).await;
    let gone = 61 - kept.len();
    assert!(gone > 0 && kept.ends_with(&[60]), "{kept:?}");
    let mut missed = lost(&on_disk.queue);
    missed.truncate(2);
    assert_eq!(missed, [format!("one a {gone}"), format!("one b {gone}")]);
    on_disk.end();
}

#[test]
fn a_directory_has_one_writer() {
    let dir = tempfile::tempdir().expect("is created");
    let metrics = metrics();
    let open = || Spooler::open(dir.path(), Options::default(), &["one"], metrics.clone());
    let first = open().map_err(|error| error.to_string());
    assert!(first.is_ok());
    assert!(open().is_err(), "it is locked");
}
