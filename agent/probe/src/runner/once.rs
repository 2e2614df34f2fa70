//! One probe, from start to outcome.

use std::{sync::Arc, time::Duration};

use model::time::Timestamp;
use tokio::time::{Instant, timeout};

use super::{STALL, plan::Plan};
use crate::{
    connect::connect,
    guard::Guard,
    http::{self, Call, Progress, Stage, Wire},
    outcome::{Class, Failed, Outcome, Verdict},
    spec::Check,
};

/// A probe to make.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) key: u64,
    /// Of the slot when it was started; another one by now means that the result is stale.
    pub(super) version: u64,
    pub(super) on_grid: bool,
    pub(super) plan: Arc<Plan>,
    pub(super) wire: Option<Wire>,
}

/// A probe that was made.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) key: u64,
    pub(super) version: u64,
    pub(super) on_grid: bool,
    pub(super) outcome: Outcome,
    /// A connection to use again.
    pub(super) wire: Option<Wire>,
    pub(super) began: Instant,
    /// By the wall clock.
    pub(super) time: Timestamp,
}

pub(super) async fn run(job: Job, guard: Arc<dyn Guard>, time: Timestamp) -> Done {
    let Job { key, version, on_grid, plan, mut wire } = job;
    let limit = plan.spec.timeout;
    let began = Instant::now();
    let mut progress = Progress::default();
    let asked = timeout(limit, ask(&plan, guard.as_ref(), &mut wire, &mut progress)).await;
    let duration = began.elapsed();
    let result = asked.unwrap_or_else(|_| Err(timed_out(progress.stage, limit, duration)));
    if result.is_err() {
        wire = None;
    }
    let (verdict, message) = match result {
        Ok(()) => (Verdict::Success, String::new()),
        Err(Failed { class: Class::Local, message }) => (Verdict::Unknown, message),
        Err(Failed { class, message }) => (Verdict::Failure(class), message),
    };
    let outcome = Outcome {
        verdict,
        message,
        duration,
        phases: progress.phases,
        status: progress.status,
        body_bytes: progress.body_bytes,
        redirects: progress.redirects,
        address: progress.address,
        fresh: progress.fresh,
    };
    Done { key, version, on_grid, outcome, wire, began, time }
}

async fn ask(
    plan: &Plan,
    guard: &dyn Guard,
    wire: &mut Option<Wire>,
    progress: &mut Progress,
) -> Result<(), Failed> {
    let tenant = &plan.id.target.tenant;
    match &plan.spec.check {
        Check::Http(get) => {
            let call = Call {
                guard,
                tenant,
                address: &plan.address,
                get,
                request: &plan.request,
                user_agent: &plan.user_agent,
                keep: plan.keeps(),
            };
            http::probe(call, wire, progress).await
        }
        Check::Tcp { port } => {
            progress.fresh = true;
            let Progress { phases, address, .. } = progress;
            connect(guard, tenant, &plan.address, *port, phases, address).await.map(drop)
        }
    }
}

fn timed_out(stage: Stage, limit: Duration, took: Duration) -> Failed {
    if took > limit + STALL {
        return Failed::new(Class::Local, "the prober was stalled");
    }
    let what = match stage {
        Stage::Connecting => "no connection",
        Stage::Answering => "no answer",
        Stage::Transferring => "no complete answer",
    };
    Failed::new(Class::Timeout, format!("{what} within {limit:?}"))
}

#[cfg(test)]
mod tests;
