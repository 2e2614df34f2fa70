//! Runs the jobs: one task per target, each on its own grid of times.
//!
//! A target's grid is `time mod interval = phase`, where the phase is a hash of what it is: targets
//! spread evenly and keep their places when the agent restarts. A target that discovery no longer
//! finds is marked stale after two more intervals, unless one with the same labels comes back before.

mod task;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use daemon::stop::Stop;
use model::{time::Timestamp, write::WriteBatch};
use tokio::{
    sync::{Semaphore, mpsc, oneshot, watch},
    task::JoinHandle,
};

use crate::{
    config::Job,
    fetch::Fetcher,
    group::Update,
    labels::LabelSet,
    pool::{Change, Pool},
    scraped::{Outcome, Scraped},
    status::Status,
    target::Target,
};
use task::{Run, Task};

/// Updates of discovery that wait to be taken in; discovery waits when there are more.
pub const UPDATES_MAX: usize = 64;

/// Where scrapes go, and who hears of them.
pub trait Sink: Send + Sync {
    fn push(&self, batch: WriteBatch);

    fn scraped(&self, outcome: &Outcome);

    /// Discovery changed the targets of a job.
    fn changed(&self, change: &Change);
}

/// What all jobs share.
#[derive(Clone)]
pub struct Shared {
    pub sink: Arc<dyn Sink>,
    pub status: Status,
    /// The wall clock.
    pub now: fn() -> Timestamp,
    /// Labels of series that have none of that name.
    pub external: Arc<[(String, String)]>,
    pub permits: Arc<Semaphore>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Targets that are gone and not yet marked stale, by the labels of their series.
type Endings = Arc<Mutex<BTreeMap<LabelSet, Ending>>>;

#[derive(Debug)]
struct Ending {
    scraped: Scraped,
    /// Tells this ending from a later one of the same labels.
    number: u64,
}

/// What becomes of a job.
#[derive(Debug)]
pub enum JobChange {
    /// It is gone. Its targets end, unless another job of the same labels finds them soon.
    Remove(u64),
    /// It is new or, where there is one of that number, it takes over all targets of the one before
    /// with what is known of them.
    Put { number: u64, job: Arc<Job>, fetcher: Fetcher },
}

/// Changes to be made together, and where to say that they are made: updates of discovery about a
/// job mean something only then.
#[derive(Debug)]
pub struct JobChanges {
    pub changes: Vec<JobChange>,
    pub done: oneshot::Sender<()>,
}

/// All jobs.
#[derive(Debug)]
pub struct Runner {
    shared: Shared,
    jobs: BTreeMap<u64, RunningJob>,
    endings: Endings,
    ended: u64,
}

#[derive(Debug)]
struct RunningJob {
    pool: Pool,
    fetcher: Fetcher,
    tasks: BTreeMap<LabelSet, Running>,
    /// Why nothing is scraped, if so.
    refusal: watch::Sender<Option<String>>,
}

#[derive(Debug)]
struct Running {
    target: Arc<Target>,
    ends: watch::Sender<bool>,
    task: JoinHandle<Scraped>,
}

impl Runner {
    pub fn new(shared: Shared) -> Self {
        Self { shared, jobs: BTreeMap::new(), endings: Endings::default(), ended: 0 }
    }

    /// Follows discovery and changes of the jobs until `stop`. Nothing is marked stale then: whoever
    /// stops means to come back.
    pub async fn run(
        mut self,
        mut updates: mpsc::Receiver<Update>,
        mut changes: mpsc::Receiver<JobChanges>,
        stop: Stop,
    ) {
        loop {
            tokio::select! {
                Some(JobChanges { changes, done }) = changes.recv() => {
                    for change in changes {
                        self.change(change).await;
                    }
                    // Whoever asked may have gone.
                    let _gone = done.send(());
                }
                Some(update) = updates.recv() => self.handle(update).await,
                () = stop.stopped() => break,
            }
        }
        for running in self.jobs.values().flat_map(|job| job.tasks.values()) {
            running.task.abort();
        }
    }

    async fn change(&mut self, change: JobChange) {
        match change {
            JobChange::Remove(number) => {
                let Some(gone) = self.jobs.remove(&number) else { return };
                self.shared.status.remove_job(gone.name());
                self.end(gone.tasks).await;
            }
            JobChange::Put { number, job, fetcher } => {
                self.shared.status.add_job(&job);
                let (pool, tasks) = (Pool::new(job), BTreeMap::new());
                let refusal = watch::Sender::new(None);
                let job = RunningJob { pool, fetcher, tasks, refusal };
                if let Some(before) = self.jobs.insert(number, job) {
                    self.take_over(number, before).await;
                }
            }
        }
    }

    /// Targets that are the same before and after go on at the same times.
    async fn take_over(&mut self, number: u64, before: RunningJob) {
        let Some(job) = self.jobs.get_mut(&number) else { return };
        let change = job.pool.take_over(before.pool);
        for (identity, running) in &before.tasks {
            if !job.pool.contains(identity) {
                self.shared.status.end(job.name(), &running.target);
            }
        }
        self.end(before.tasks).await;
        self.begin(number, change);
    }

    async fn handle(&mut self, update: Update) {
        let number = update.job;
        let Some(job) = self.jobs.get_mut(&number) else { return };
        let change = job.pool.handle_update(update);
        let mut ending = BTreeMap::new();
        for target in &change.ended {
            self.shared.status.end(job.name(), target);
            ending.extend(job.tasks.remove_entry(&target.identity));
        }
        self.end(ending).await;
        self.begin(number, change);
    }

    /// Ends targets, and keeps what is known of their series for a while.
    async fn end(&mut self, tasks: BTreeMap<LabelSet, Running>) {
        for running in tasks.values() {
            running.ends.send_replace(true);
        }
        for running in tasks.into_values() {
            match running.task.await {
                Ok(scraped) => {
                    self.ended += 1;
                    let ending = Ending { scraped, number: self.ended };
                    end_later(&self.shared, &self.endings, &running.target, ending);
                }
                Err(error) => {
                    tracing::error!(%error, url = %running.target.url, "scraping a target failed");
                }
            }
        }
    }

    /// Begins what a change found, and tells of it.
    fn begin(&mut self, number: u64, change: Change) {
        let Some(job) = self.jobs.get_mut(&number) else { return };
        let name = job.name().to_owned();
        for fault in &change.faults {
            tracing::warn!(job = name, %fault, "a target was found that cannot be scraped");
        }
        if change.beyond_limit > 0 {
            tracing::warn!(job = name, targets = change.beyond_limit, "too many targets");
        }
        self.shared.sink.changed(&change);
        self.shared.status.set_dropped(&name, job.pool.dropped());
        job.refusal.send_replace(job.pool.exceeds_limit());
        for target in change.started {
            self.shared.status.start(&name, &target);
            let identity = target.identity.clone();
            let running = start(job, target, &self.shared, &self.endings);
            job.tasks.insert(identity, running);
        }
    }
}

impl RunningJob {
    fn name(&self) -> &str {
        &self.pool.job().settings.job_name
    }
}

fn start(job: &RunningJob, target: Arc<Target>, shared: &Shared, endings: &Endings) -> Running {
    let mut scraped = Scraped::new(Arc::clone(job.pool.job()), &target, &shared.external);
    let earlier = lock(endings).remove(&target.labels);
    if let Some(earlier) = earlier {
        scraped.take_over(earlier.scraped);
    }
    let ends = watch::Sender::new(false);
    let task = Task {
        job: Arc::clone(job.pool.job()),
        target: Arc::clone(&target),
        fetcher: job.fetcher.for_target(&target.url),
        shared: shared.clone(),
    };
    let run = Run { ends: ends.subscribe(), refusal: job.refusal.subscribe() };
    Running { target, ends, task: tokio::spawn(task.run(scraped, run)) }
}

/// Marks a target stale that is gone, as of when its next scrape would have been, but only after
/// one more interval and a tenth: it may come back.
fn end_later(shared: &Shared, endings: &Endings, target: &Arc<Target>, ending: Ending) {
    let number = ending.number;
    lock(endings).insert(target.labels.clone(), ending);
    let (shared, endings, target) = (shared.clone(), Arc::clone(endings), Arc::clone(target));
    tokio::spawn(async move {
        let gone = (shared.now)();
        let would_be = task::next(&target, gone);
        let wait = would_be.since(gone) + target.interval + target.interval / 10;
        tokio::time::sleep(wait).await;
        let due = {
            let mut endings = lock(&endings);
            let same = endings.get(&target.labels).is_some_and(|ending| ending.number == number);
            if same { endings.remove(&target.labels) } else { None }
        };
        if let Some(ending) = due {
            let mut batch = WriteBatch::default();
            ending.scraped.handle_end(would_be, &mut batch);
            if !batch.is_empty() {
                shared.sink.push(batch);
            }
        }
    });
}

fn lock(endings: &Endings) -> std::sync::MutexGuard<'_, BTreeMap<LabelSet, Ending>> {
    endings.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A scrape this late still counts as of the time when it was due, so that times are evenly spaced.
const TOLERANCE: Duration = Duration::from_millis(2);
