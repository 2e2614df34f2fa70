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
    sync::{Semaphore, mpsc, watch},
    task::JoinHandle,
};

use crate::{
    config::Job,
    fetch::{FetchError, Fetcher},
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

/// All jobs.
#[derive(Debug)]
pub struct Runner {
    shared: Shared,
    jobs: Vec<RunningJob>,
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
    ends: watch::Sender<bool>,
    task: JoinHandle<Scraped>,
}

impl Runner {
    pub fn new(jobs: Vec<Job>, shared: Shared) -> Result<Self, FetchError> {
        let start = |job: Job| {
            shared.status.add_job(&job.settings.job_name);
            let fetcher = Fetcher::for_job(&job)?;
            let (pool, tasks) = (Pool::new(Arc::new(job)), BTreeMap::new());
            Ok(RunningJob { pool, fetcher, tasks, refusal: watch::Sender::new(None) })
        };
        let jobs = jobs.into_iter().map(start).collect::<Result<_, FetchError>>()?;
        Ok(Self { shared, jobs, endings: Endings::default(), ended: 0 })
    }

    /// Follows discovery until `stop`. Nothing is marked stale then: whoever stops means to come
    /// back.
    pub async fn run(mut self, mut updates: mpsc::Receiver<Update>, stop: Stop) {
        loop {
            let update = tokio::select! {
                update = updates.recv() => update,
                () = stop.stopped() => None,
            };
            match update {
                Some(update) => self.handle(update).await,
                None => break,
            }
        }
        // The senders of updates may be gone long before the end: static targets never change.
        stop.stopped().await;
        for running in self.jobs.iter().flat_map(|job| job.tasks.values()) {
            running.task.abort();
        }
    }

    async fn handle(&mut self, update: Update) {
        let Some(job) = self.jobs.get_mut(update.job) else { return };
        let name = job.pool.job().settings.job_name.clone();
        let change = job.pool.handle_update(update);
        for fault in &change.faults {
            tracing::warn!(job = name, %fault, "a target was found that cannot be scraped");
        }
        if change.beyond_limit > 0 {
            tracing::warn!(job = name, targets = change.beyond_limit, "too many targets");
        }
        self.shared.sink.changed(&change);
        self.shared.status.set_dropped(&name, job.pool.dropped());
        job.refusal.send_replace(job.pool.exceeds_limit());

        let mut stopping = Vec::new();
        for target in &change.ended {
            self.shared.status.end(&name, target);
            if let Some(running) = job.tasks.remove(&target.identity) {
                running.ends.send_replace(true);
                stopping.push((target, running.task));
            }
        }
        for (target, task) in stopping {
            match task.await {
                Ok(scraped) => {
                    self.ended += 1;
                    let ending = Ending { scraped, number: self.ended };
                    end_later(&self.shared, &self.endings, target, ending);
                }
                Err(error) => tracing::error!(%error, job = name, "scraping a target failed"),
            }
        }
        for target in change.started {
            self.shared.status.start(&name, &target);
            let running = start(job, target.clone(), &self.shared, &self.endings);
            job.tasks.insert(target.identity.clone(), running);
        }
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
        target,
        fetcher: job.fetcher.clone(),
        shared: shared.clone(),
    };
    let run = Run { ends: ends.subscribe(), refusal: job.refusal.subscribe() };
    Running { ends, task: tokio::spawn(task.run(scraped, run)) }
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
