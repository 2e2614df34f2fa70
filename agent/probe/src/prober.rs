//! The handle of the task that runs probes.

use std::{fmt, net::IpAddr, sync::Arc};

use model::{
    event::{Event, Target},
    time::Timestamp,
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    guard::Guard,
    outcome::{Class, Outcome},
    runner,
    spec::Spec,
};

/// Reads the wall clock; the binary gives it, so that tests can give another.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Where a target listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Ip(IpAddr),
    /// Resolved anew for each connection; only allowed addresses are used.
    Name(String),
}

/// One probe to run, and for whom.
#[derive(Clone, Debug)]
pub struct Assignment {
    pub target: Target,
    pub address: Address,
    pub spec: Spec,
    /// The process run that is probed now.
    pub run: u64,
    /// The target is known to be failing (from before this prober started): its recovery will be
    /// reported, and another failure will not.
    pub failing: bool,
}

/// Which probe.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProbeId {
    pub target: Target,
    /// As [`Spec::name`] gives it.
    pub probe: String,
}

/// Totals of one probe since it was assigned; they go on over new runs and changed specs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    pub successes: u64,
    /// In order of [`Class::ALL`].
    pub failures: [u64; Class::ALL.len()],
    pub unknown: u64,
    /// Ticks for which there was no probe: the one before was still running or waiting.
    pub skipped: u64,
    /// Probes that began more than 100 ms after their tick.
    pub late: u64,
}

/// What one probe found, with its probe's totals.
#[derive(Clone, Debug)]
pub struct Measurement {
    pub id: Arc<ProbeId>,
    /// When the probe began.
    pub time: Timestamp,
    pub run: u64,
    /// An HTTP probe, which has phases and a status.
    pub http: bool,
    pub outcome: Outcome,
    pub counters: Counters,
}

#[derive(Clone, Debug)]
pub enum Report {
    /// One per probe. When the receiver is too slow these are dropped, and counted.
    Measured(Box<Measurement>),
    /// `ProbeFailed` or `ProbeRecovered`. Never dropped: when the receiver is too slow, probing
    /// pauses.
    Changed(Box<Event>),
}

#[derive(Clone, Debug)]
pub struct Config {
    pub limits: Limits,
    /// Sent as `User-Agent` where a spec gives none.
    pub user_agent: String,
}

impl Default for Config {
    fn default() -> Self {
        Self { limits: Limits::default(), user_agent: "tidewatch-probe/0.1".to_owned() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Probes that can be assigned.
    pub probes: usize,
    /// Probes at a time, all tenants together.
    pub in_flight: usize,
    /// Reports waiting for the receiver.
    pub reports: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { probes: 100_000, in_flight: 256, reports: 4096 }
    }
}

/// Totals of the prober, for the shell's metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Probes assigned now.
    pub probes: usize,
    pub in_flight: usize,
    /// Probes that are due and wait for their turn.
    pub waiting: usize,
    pub measured: u64,
    pub failures: u64,
    pub unknown: u64,
    pub skipped: u64,
    pub late: u64,
    /// Measurements that the receiver was too slow for.
    pub dropped: u64,
    /// Results about a run that was over when they came.
    pub stale: u64,
    /// Transitions reported.
    pub changed: u64,
    /// Times that the prober itself could not run for a while.
    pub stalls: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProberError {
    #[error("the prober has ended")]
    Closed,
    #[error("the prober has as many probes as it may")]
    TooMany,
}

/// Orders for the task.
#[derive(Debug)]
pub(crate) enum Order {
    Assign(Box<Assignment>, oneshot::Sender<Result<(), ProberError>>),
    Remove(Target),
    RemoveProbe(ProbeId),
    NewRun(Target, u64),
    Stats(oneshot::Sender<Stats>),
}

/// Orders waiting for the task.
const ORDERS_MAX: usize = 1024;

/// Runs probes in a task of its own, until every clone of this handle is gone or the receiver of
/// its reports is.
#[derive(Clone)]
pub struct Prober {
    orders: mpsc::Sender<Order>,
}

impl fmt::Debug for Prober {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prober").finish_non_exhaustive()
    }
}

impl Prober {
    /// Starts the task on the current tokio runtime.
    pub fn spawn(
        config: Config,
        guard: Arc<dyn Guard>,
        clock: Clock,
    ) -> (Self, mpsc::Receiver<Report>) {
        let (orders, orders_in) = mpsc::channel(ORDERS_MAX);
        let (reports, reports_out) = mpsc::channel(config.limits.reports.max(1));
        tokio::spawn(runner::run(config, guard, clock, orders_in, reports));
        (Self { orders }, reports_out)
    }

    /// Starts a probe, or changes the one of the same name. With the same run and the same
    /// question its judgement and totals go on; with a new run it starts afresh.
    pub async fn assign(&self, assignment: Assignment) -> Result<(), ProberError> {
        let (answer, answered) = oneshot::channel();
        self.order(Order::Assign(Box::new(assignment), answer)).await?;
        answered.await.map_err(|_| ProberError::Closed)?
    }

    /// The target was started anew: what was found about older runs is forgotten, also the
    /// results still under way; its first success is reported as a recovery.
    pub async fn new_run(&self, target: Target, run: u64) -> Result<(), ProberError> {
        self.order(Order::NewRun(target, run)).await
    }

    /// Ends all probes of a target.
    pub async fn remove(&self, target: Target) -> Result<(), ProberError> {
        self.order(Order::Remove(target)).await
    }

    /// Ends one probe of a target.
    pub async fn remove_probe(&self, id: ProbeId) -> Result<(), ProberError> {
        self.order(Order::RemoveProbe(id)).await
    }

    pub async fn stats(&self) -> Result<Stats, ProberError> {
        let (answer, answered) = oneshot::channel();
        self.order(Order::Stats(answer)).await?;
        answered.await.map_err(|_| ProberError::Closed)
    }

    async fn order(&self, order: Order) -> Result<(), ProberError> {
        self.orders.send(order).await.map_err(|_| ProberError::Closed)
    }
}
