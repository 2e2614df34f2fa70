//! The task behind a [`crate::prober::Prober`]: one loop that starts what is due and takes in what
//! comes back. All decisions are in [`board`]; here is only the waiting.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use model::time::Timestamp;
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::{
    guard::Guard,
    prober::{Clock, Config, Order, Report},
};

mod board;
mod once;
mod plan;

use board::Board;
use once::{Done, Job};

/// The loop wakes at least this often, to notice when it could not.
const HEARTBEAT: Duration = Duration::from_millis(50);
/// Waking this much late means that the prober was stalled: what timed out meanwhile proves nothing.
pub(crate) const STALL: Duration = Duration::from_millis(100);

/// Times for the schedule: the wall clock at the start, and from then on monotonic, so that a
/// step of the wall clock moves no ticks.
#[derive(Clone, Copy, Debug)]
struct Steady {
    wall: Timestamp,
    began: Instant,
}

impl Steady {
    fn at(&self, instant: Instant) -> Timestamp {
        self.wall.saturating_add(instant.duration_since(self.began))
    }

    fn instant(&self, at: Timestamp) -> Instant {
        // One millisecond more, because times here are rounded down.
        self.began + at.since(self.wall) + Duration::from_millis(1)
    }
}

/// Reports on their way to the receiver.
struct Outbox {
    sender: mpsc::Sender<Report>,
    /// Transitions that did not fit yet.
    pending: VecDeque<Report>,
    pending_max: usize,
}

impl Outbox {
    /// True when the report had to be dropped.
    fn put(&mut self, report: Report) -> bool {
        if self.pending.is_empty() {
            match self.sender.try_send(report) {
                Ok(()) => return false,
                Err(TrySendError::Closed(_)) => return true,
                Err(TrySendError::Full(report)) => return self.keep(report),
            }
        }
        self.keep(report)
    }

    fn keep(&mut self, report: Report) -> bool {
        let transition = matches!(report, Report::Changed(_));
        if transition {
            self.pending.push_back(report);
        }
        !transition
    }

    fn is_full(&self) -> bool {
        self.pending.len() >= self.pending_max
    }
}

/// Runs until all orderers are gone or the receiver of the reports is.
pub(crate) async fn run(
    config: Config,
    guard: Arc<dyn Guard>,
    clock: Clock,
    mut orders: mpsc::Receiver<Order>,
    reports: mpsc::Sender<Report>,
) {
    let limits = config.limits;
    let mut outbox =
        Outbox { sender: reports, pending: VecDeque::new(), pending_max: limits.reports.max(1) };
    let steady = Steady { wall: clock(), began: Instant::now() };
    let mut board = Board::new(config);
    let mut jobs: JoinSet<Done> = JoinSet::new();
    let mut heartbeat = Instant::now() + HEARTBEAT;
    while !outbox.sender.is_closed() {
        let now = Instant::now();
        if now > heartbeat + STALL {
            board.stalled(now);
        }
        heartbeat = now + HEARTBEAT;
        board.collect_due(steady.at(now));
        while !outbox.is_full() && jobs.len() < limits.in_flight.max(1) {
            let Some(job) = board.start() else {
                break;
            };
            start(&mut jobs, &mut board, job, &guard, &clock);
        }
        let wake = board.poll_timeout().map_or(heartbeat, |at| steady.instant(at).min(heartbeat));
        let woken = tokio::select! {
            biased;
            Some(done) = jobs.join_next_with_id() => Woken::Done(done),
            order = orders.recv() => Woken::Order(order),
            permit = outbox.sender.reserve(), if !outbox.pending.is_empty() => {
                if let (Ok(permit), Some(report)) = (permit, outbox.pending.pop_front()) {
                    permit.send(report);
                }
                Woken::Idle
            }
            () = sleep_until(wake) => Woken::Idle,
        };
        match woken {
            Woken::Done(done) => {
                take(&mut board, &mut outbox, done, &clock, steady);
                while let Some(done) = jobs.try_join_next_with_id() {
                    take(&mut board, &mut outbox, done, &clock, steady);
                }
            }
            Woken::Order(Some(order)) => board.obey(order, steady.at(Instant::now())),
            Woken::Order(None) => break,
            Woken::Idle => {}
        }
    }
}

/// Why the loop goes on.
enum Woken {
    Done(Joined),
    Order(Option<Order>),
    Idle,
}

fn start(
    jobs: &mut JoinSet<Done>,
    board: &mut Board,
    job: Job,
    guard: &Arc<dyn Guard>,
    clock: &Clock,
) {
    let key = job.key;
    let task = jobs.spawn(once::run(job, Arc::clone(guard), clock()));
    board.started(key, task.id());
}

type Joined = Result<(tokio::task::Id, Done), tokio::task::JoinError>;

fn take(board: &mut Board, outbox: &mut Outbox, joined: Joined, clock: &Clock, steady: Steady) {
    match joined {
        Ok((_, done)) => {
            let began = steady.at(done.began);
            let (measurement, event) = board.finish(done, clock(), began);
            // The transition first: it is what somebody waits for.
            if let Some(event) = event {
                outbox.put(Report::Changed(Box::new(event)));
            }
            if let Some(measurement) = measurement
                && outbox.put(Report::Measured(Box::new(measurement)))
            {
                board.stats_mut().dropped += 1;
            }
        }
        Err(error) => board.lost(error.id()),
    }
}
