//! The task that owns one instance: the only place where its process is started, ended or reaped.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use crate::{
    cgroup::{self, group::Group},
    exit::{Exit, code_and_signal},
    log::Recorder,
    placement::{MemoryGuard, Placement},
    process::{Ended, Process, Remains},
    spawn::{self, Job},
    spec::Spec,
    supervisor::{Instance, RestartError, Restarted, Shared, StartError, Started, Stopped},
};

/// Orders that may wait per instance.
pub(crate) const ORDERS_MAX: usize = 16;
const SIGKILL: i32 = 9;

/// What the task is told.
#[derive(Debug)]
pub(crate) enum Order {
    Start {
        reply: oneshot::Sender<Result<Started, StartError>>,
    },
    Restart {
        run: u64,
        grace: Duration,
        reply: oneshot::Sender<Result<Restarted, RestartError>>,
    },
    StartAgain {
        run: u64,
        reply: oneshot::Sender<Result<Restarted, RestartError>>,
    },
    /// Ends the task; the reply is whether nothing is left.
    Stop {
        grace: Duration,
        reply: oneshot::Sender<bool>,
    },
}

/// An instance and what it needs.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(crate) shared: Arc<Shared>,
    pub(crate) spawner: mpsc::Sender<Job>,
    pub(crate) spec: Spec,
    /// Distinguishes the cgroups of instances whose names look alike.
    pub(crate) index: usize,
    pub(crate) state: Arc<Mutex<Instance>>,
    pub(crate) recorder: Recorder,
    pub(crate) exits: mpsc::Sender<Exit>,
    pub(crate) process: Option<Process>,
    /// Cgroups of former runs, removed when there is time for it.
    pub(crate) remains: Vec<Group>,
}

impl Keeper {
    /// Serves until told to stop, or until the supervisor is dropped.
    pub(crate) async fn keep(mut self, mut orders: mpsc::Receiver<Order>) {
        loop {
            let order = match &self.process {
                Some(process) => tokio::select! {
                    order = orders.recv() => order,
                    () = process.exited() => {
                        self.report_exit().await;
                        continue;
                    }
                },
                None => orders.recv().await,
            };
            // Whoever asked may have stopped waiting; that changes nothing.
            match order {
                Some(Order::Start { reply }) => {
                    let result = self.start().await;
                    let failed = result.is_err();
                    reply.send(result).ok();
                    if failed {
                        self.clear().await;
                        return;
                    }
                }
                Some(Order::Restart { run, grace, reply }) => {
                    reply.send(self.restart(run, grace).await).ok();
                }
                Some(Order::StartAgain { run, reply }) => {
                    reply.send(self.start_again(run).await).ok();
                }
                Some(Order::Stop { grace, reply }) => {
                    reply.send(self.stop(grace).await).ok();
                    return;
                }
                None => {
                    self.stop(Duration::ZERO).await;
                    return;
                }
            }
            self.clear().await;
        }
    }

    fn state<T>(&self, change: impl FnOnce(&mut Instance) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn start(&mut self) -> Result<Started, StartError> {
        let began = Instant::now();
        let run = self.state(|state| {
            state.run += 1;
            state.run
        });
        let (group, mut why) = self.prepare_group(run);
        let limit = self.spec.memory_limit;
        let (shim, spec) = (&self.shared.config.shim, &self.spec);
        let job =
            |reply| Job { command: spawn::command(shim, spec), group, memory_limit: limit, reply };
        let process = Process::start(&self.spawner, job, run, &self.recorder).await?;
        if let Some(refused) = &process.refused {
            why.clone_from(refused);
            self.shared.note_refusal(&self.spec.target.instance, &why);
        }
        let pid = process.pid.as_raw_nonzero().get().unsigned_abs();
        let guard = match (limit, &process.group) {
            (None, _) => MemoryGuard::None,
            (Some(_), Some(group)) if group.has_memory() => MemoryGuard::Cgroup,
            (Some(_), _) => MemoryGuard::DataLimit,
        };
        let placement = match &process.group {
            Some(group) => Placement::Cgroup(group.paths.clone()),
            None => Placement::ProcOnly { why },
        };
        let started_at = self.shared.config.clock.now();
        self.state(|state| {
            state.pid = Some(pid);
            state.started_at = started_at;
            state.placement = placement;
            state.memory_guard = guard;
        });
        self.process = Some(process);
        Ok(Started { run, pid, took: began.elapsed() })
    }

    /// The run's cgroup, or why there is none.
    fn prepare_group(&self, run: u64) -> (Option<Group>, String) {
        let cgroups = match &self.shared.cgroups {
            Ok(cgroups) => cgroups,
            Err(why) => return (None, why.clone()),
        };
        let instance = cgroup::component(&self.spec.target.instance, 100);
        let name = format!("{}-{instance}.{run}", self.index);
        match cgroups.group(&name, self.spec.memory_limit) {
            Ok(group) => (Some(group), String::new()),
            Err(error) => {
                let why = error.full();
                self.shared.note_refusal(&self.spec.target.instance, &why);
                (None, why)
            }
        }
    }

    async fn restart(&mut self, run: u64, grace: Duration) -> Result<Restarted, RestartError> {
        let began = Instant::now();
        self.check_run(run)?;
        let stopped = match self.process.take() {
            None => Stopped::AlreadyExited,
            Some(process) => match process.end(grace).await {
                Ended::ByItself => self.finish(process, Stopped::Terminated).await,
                Ended::Killed => self.finish(process, Stopped::Killed).await,
                Ended::Not => {
                    self.process = Some(process);
                    return Err(RestartError::DoesNotEnd);
                }
            },
        };
        let started = self.start().await?;
        Ok(Restarted {
            old_run: run,
            new_run: started.run,
            pid: started.pid,
            stopped,
            took: began.elapsed(),
        })
    }

    async fn start_again(&mut self, run: u64) -> Result<Restarted, RestartError> {
        self.check_run(run)?;
        if self.process.is_some() {
            return Err(RestartError::StillRunning);
        }
        self.restart(run, Duration::ZERO).await
    }

    /// The fence: only the current run may be ended or succeeded.
    fn check_run(&self, run: u64) -> Result<(), RestartError> {
        let current = self.state(|state| state.run);
        if run == current { Ok(()) } else { Err(RestartError::StaleRun { asked: run, current }) }
    }

    /// Buries a process that was ended on purpose.
    async fn finish(&mut self, process: Process, stopped: Stopped) -> Stopped {
        if let Some(Remains { group: Some(group), .. }) = process.bury().await {
            self.remains.push(group);
        }
        self.state(|state| state.pid = None);
        stopped
    }

    /// Buries a process that ended by itself, and tells.
    async fn report_exit(&mut self) {
        let at = self.shared.config.clock.now();
        let Some(process) = self.process.take() else { return };
        let pid = process.pid.as_raw_nonzero().get().unsigned_abs();
        let Some(Remains { status, oom_kills, group, ran }) = process.bury().await else { return };
        self.remains.extend(group);
        let (code, signal) = code_and_signal(status);
        let exit = self.state(|state| {
            let exit = Exit {
                target: state.target.clone(),
                run: state.run,
                pid,
                code,
                signal,
                oom: signal == Some(SIGKILL) && oom_kills.is_some_and(|kills| kills > 0),
                oom_kills,
                memory_limit: state.memory_limit,
                memory_guard: state.memory_guard,
                at,
                ran,
            };
            state.pid = None;
            state.last_exit = Some(exit.clone());
            exit
        });
        if self.exits.try_send(exit).is_err() {
            self.shared.count_dropped_exit();
        }
        self.clear().await;
    }

    /// Removes the cgroups of former runs. Returns whether all are gone.
    async fn clear(&mut self) -> bool {
        let mut kept = Vec::new();
        for group in self.remains.drain(..) {
            if !group.remove().await {
                tracing::warn!(paths = ?group.paths, "a cgroup could not be removed");
                kept.push(group);
            }
        }
        self.remains = kept;
        self.remains.is_empty()
    }

    async fn stop(&mut self, grace: Duration) -> bool {
        if let Some(process) = self.process.take() {
            let ended = process.end(grace).await;
            self.finish(process, Stopped::Terminated).await;
            if ended == Ended::Not {
                tracing::warn!(instance = %self.spec.target.instance, "a process does not end");
            }
        }
        self.clear().await
    }
}
