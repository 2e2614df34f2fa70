//! The supervisor: a set of instances, each served by a task of its own.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use model::{event::Target, time::Timestamp};
use tokio::sync::{mpsc, oneshot};

use crate::{
    cgroup::Cgroups,
    exit::Exit,
    instance::{Keeper, ORDERS_MAX, Order},
    log::{LogLine, Recorder},
    placement::{MemoryGuard, Placement},
    spawn::{self, Job},
    spec::{Config, INSTANCES_MAX, Spec},
};

/// What is known of an instance.
#[derive(Clone, Debug)]
pub struct Instance {
    pub target: Target,
    /// The current or, when there is no pid, the last run.
    pub run: u64,
    /// `None` while nothing runs.
    pub pid: Option<u32>,
    pub started_at: Timestamp,
    pub placement: Placement,
    pub memory_limit: Option<u64>,
    pub memory_guard: MemoryGuard,
    /// How the last run that ended by itself did so.
    pub last_exit: Option<Exit>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Started {
    pub run: u64,
    pub pid: u32,
    /// Until the program was executed.
    pub took: Duration,
}

/// How the old run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// On SIGTERM, within the grace.
    Terminated,
    /// By SIGKILL, after the grace.
    Killed,
    /// It had ended before.
    AlreadyExited,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restarted {
    pub old_run: u64,
    pub new_run: u64,
    pub pid: u32,
    pub stopped: Stopped,
    /// From the order until the new program was executed.
    pub took: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("cannot start the thread that starts processes")]
    Thread(#[source] io::Error),
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("an instance of this name exists already")]
    Duplicate,
    #[error("there are {INSTANCES_MAX} instances already")]
    TooMany,
    #[error("cannot start the shim")]
    Fork(#[source] io::Error),
    #[error("cannot watch the process")]
    Watch(#[source] io::Error),
    #[error("cannot execute the program")]
    Execute(#[source] io::Error),
    #[error("the program was not executed within {0:?}")]
    Timeout(Duration),
    #[error("the supervisor is stopped")]
    Stopped,
}

#[derive(Debug, thiserror::Error)]
pub enum RestartError {
    #[error("no instance of this name")]
    Unknown,
    /// The fence: whoever asked knows less than has happened.
    #[error("run {asked} is not the current run, which is {current}")]
    StaleRun { asked: u64, current: u64 },
    #[error("the run has not ended")]
    StillRunning,
    /// It hangs in the kernel; it is still watched.
    #[error("the old process does not end, not even when killed")]
    DoesNotEnd,
    /// The old run is over and there is no new one.
    #[error("the new run did not start")]
    Start(#[from] StartError),
    #[error("the supervisor is stopped")]
    Stopped,
}

/// What was dropped or left, since the supervisor started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Exits that found the channel full.
    pub exits_dropped: u64,
    /// Lines that found the sink full.
    pub log_lines_dropped: u64,
    /// Cgroups of dead supervisors that were removed at the start.
    pub stale_removed: u64,
    /// Cgroups of dead supervisors that could not be removed.
    pub stale_left: u64,
}

/// What all instances share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) cgroups: Result<Arc<Cgroups>, String>,
    /// Why the first run that was to have a cgroup has less of one.
    refused: OnceLock<String>,
    exits_dropped: AtomicU64,
}

impl Shared {
    /// A run has to do without some or all of a cgroup.
    pub(crate) fn note_refusal(&self, instance: &str, why: &str) {
        tracing::warn!(instance, why, "run without its whole cgroup");
        self.refused.get_or_init(|| why.to_owned());
    }

    pub(crate) fn count_dropped_exit(&self) {
        self.exits_dropped.fetch_add(1, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Handle {
    orders: mpsc::Sender<Order>,
    state: Arc<Mutex<Instance>>,
    recorder: Recorder,
}

/// Runs processes. Dropping it kills them all; [`Supervisor::stop`] lets them end properly.
#[derive(Debug)]
pub struct Supervisor {
    shared: Arc<Shared>,
    spawner: mpsc::Sender<Job>,
    exits: mpsc::Sender<Exit>,
    instances: Mutex<BTreeMap<Target, Handle>>,
    next_index: AtomicUsize,
    lines_dropped: Arc<AtomicU64>,
    stopped: AtomicBool,
    stale: crate::cgroup::Stale,
}

impl Supervisor {
    /// A supervisor without instances, and where their exits are reported. Removes the cgroups of
    /// dead supervisors first. Must be called within a tokio runtime with I/O and time, which has
    /// to live as long as the supervisor.
    pub async fn new(config: Config) -> Result<(Self, mpsc::Receiver<Exit>), SetupError> {
        let (exits, receiver) = mpsc::channel(config.exits_capacity.max(1));
        let (cgroups, stale) = match Cgroups::open(&config.cgroups).await {
            Ok((cgroups, stale)) => (Ok(Arc::new(cgroups)), stale),
            Err(why) => (Err(why), crate::cgroup::Stale::default()),
        };
        let spawner =
            spawn::start_thread(cgroups.as_ref().ok().cloned()).map_err(SetupError::Thread)?;
        let supervisor = Self {
            shared: Arc::new(Shared {
                config,
                cgroups,
                refused: OnceLock::new(),
                exits_dropped: AtomicU64::new(0),
            }),
            spawner,
            exits,
            instances: Mutex::default(),
            next_index: AtomicUsize::new(0),
            lines_dropped: Arc::default(),
            stopped: AtomicBool::new(false),
            stale,
        };
        Ok((supervisor, receiver))
    }

    /// Why runs, or some of them, have no cgroups or not in every hierarchy; `None` when all have.
    pub fn notice(&self) -> Option<String> {
        let refused = || self.shared.refused.get();
        self.shared.cgroups.as_ref().err().or_else(refused).cloned()
    }

    fn handles(&self) -> MutexGuard<'_, BTreeMap<Target, Handle>> {
        self.instances.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts an instance for the first time. On failure there is no such instance.
    pub async fn start(&self, spec: Spec) -> Result<Started, StartError> {
        let target = spec.target.clone();
        let orders = self.add(spec)?;
        let (reply, answer) = oneshot::channel();
        let result = match orders.send(Order::Start { reply }).await {
            Ok(()) => answer.await.unwrap_or(Err(StartError::Stopped)),
            Err(_) => Err(StartError::Stopped),
        };
        if result.is_err() {
            self.handles().remove(&target);
        }
        result
    }

    fn add(&self, spec: Spec) -> Result<mpsc::Sender<Order>, StartError> {
        let config = &self.shared.config;
        let mut handles = self.handles();
        if self.stopped.load(Ordering::SeqCst) {
            return Err(StartError::Stopped);
        }
        if handles.contains_key(&spec.target) {
            return Err(StartError::Duplicate);
        }
        if handles.len() >= INSTANCES_MAX {
            return Err(StartError::TooMany);
        }
        let state = Arc::new(Mutex::new(Instance {
            target: spec.target.clone(),
            run: config.runs_before,
            pid: None,
            started_at: config.clock.now(),
            placement: Placement::ProcOnly { why: "not started yet".to_owned() },
            memory_limit: spec.memory_limit,
            memory_guard: MemoryGuard::None,
            last_exit: None,
        }));
        let recorder = Recorder::new(
            Arc::new(spec.target.clone()),
            config.log_lines,
            config.log_sink.clone(),
            Arc::clone(&self.lines_dropped),
            config.clock.clone(),
        );
        let (orders, receiver) = mpsc::channel(ORDERS_MAX);
        let target = spec.target.clone();
        let keeper = Keeper {
            shared: Arc::clone(&self.shared),
            spawner: self.spawner.clone(),
            spec,
            index: self.next_index.fetch_add(1, Ordering::Relaxed),
            state: Arc::clone(&state),
            recorder: recorder.clone(),
            exits: self.exits.clone(),
            process: None,
            remains: Vec::new(),
        };
        tokio::spawn(keeper.keep(receiver));
        handles.insert(target, Handle { orders: orders.clone(), state, recorder });
        Ok(orders)
    }

    /// Ends `run` and starts the next one. The old process gets SIGTERM and, `grace` later,
    /// SIGKILL; all that it has forked goes with it. When the run has ended by itself meanwhile,
    /// only the start happens. The order is carried out even when the caller stops waiting.
    pub async fn restart(
        &self,
        target: &Target,
        run: u64,
        grace: Duration,
    ) -> Result<Restarted, RestartError> {
        self.order(target, |reply| Order::Restart { run, grace, reply }).await
    }

    /// Starts an instance whose `run` has ended by itself.
    pub async fn start_again(&self, target: &Target, run: u64) -> Result<Restarted, RestartError> {
        self.order(target, |reply| Order::StartAgain { run, reply }).await
    }

    async fn order(
        &self,
        target: &Target,
        order: impl FnOnce(oneshot::Sender<Result<Restarted, RestartError>>) -> Order + Send,
    ) -> Result<Restarted, RestartError> {
        let orders = self.handles().get(target).map(|handle| handle.orders.clone());
        let orders = orders.ok_or_else(|| self.missing())?;
        let (reply, answer) = oneshot::channel();
        orders.send(order(reply)).await.map_err(|_| RestartError::Stopped)?;
        answer.await.unwrap_or(Err(RestartError::Stopped))
    }

    /// Why there is no instance of a name.
    fn missing(&self) -> RestartError {
        if self.stopped.load(Ordering::SeqCst) {
            RestartError::Stopped
        } else {
            RestartError::Unknown
        }
    }

    /// Every instance, by target.
    pub fn instances(&self) -> Vec<Instance> {
        self.handles().values().map(Handle::instance).collect()
    }

    pub fn instance(&self, target: &Target) -> Option<Instance> {
        self.handles().get(target).map(Handle::instance)
    }

    /// The last lines that an instance printed, oldest first, over all its runs.
    pub fn logs(&self, target: &Target) -> Vec<LogLine> {
        self.handles().get(target).map(|handle| handle.recorder.lines()).unwrap_or_default()
    }

    pub fn stats(&self) -> Stats {
        Stats {
            exits_dropped: self.shared.exits_dropped.load(Ordering::Relaxed),
            log_lines_dropped: self.lines_dropped.load(Ordering::Relaxed),
            stale_removed: self.stale.removed,
            stale_left: self.stale.left,
        }
    }

    /// Ends all instances at once, with one grace for all, and removes their cgroups. Afterwards
    /// every order is refused. Returns whether nothing is left behind.
    pub async fn stop(&self, grace: Duration) -> bool {
        let handles = {
            let mut handles = self.handles();
            self.stopped.store(true, Ordering::SeqCst);
            std::mem::take(&mut *handles)
        };
        let mut answers = Vec::with_capacity(handles.len());
        for handle in handles.into_values() {
            let (reply, answer) = oneshot::channel();
            if handle.orders.send(Order::Stop { grace, reply }).await.is_ok() {
                answers.push(answer);
            }
        }
        let mut clean = true;
        for answer in answers {
            clean &= answer.await.unwrap_or(false);
        }
        if let Ok(cgroups) = &self.shared.cgroups {
            clean &= cgroups.remove().await;
        }
        clean
    }
}

impl Handle {
    fn instance(&self) -> Instance {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
