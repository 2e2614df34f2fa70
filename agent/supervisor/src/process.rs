//! One run's process: started through the shim, waited for, stopped with all it has forked.

use std::{
    io,
    os::fd::OwnedFd,
    process::{Child, ExitStatus},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, unix::AsyncFd},
    net::UnixStream,
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, timeout},
};

use crate::{
    cgroup::group::Group,
    log::{Recorder, Stream, pump},
    spawn::{Forked, Job, Unreaped},
    supervisor::StartError,
};

/// How long a start may take until the program is executed.
const EXECUTE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a killed process may take to be gone.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the last lines of output are waited for, once their writers are killed.
const LAST_LINES_TIMEOUT: Duration = Duration::from_millis(20);
/// Longest message from the shim, in bytes.
const SHIM_MESSAGE_BYTES_MAX: u64 = 32;

/// A process that is running or has not been reaped yet, so that its id cannot mean another one.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) pid: Pid,
    pub(crate) group: Option<Group>,
    /// Why it is in less of a cgroup than had been made.
    pub(crate) refused: Option<String>,
    pub(crate) started: Instant,
    child: Child,
    unreaped: Unreaped,
    exited: AsyncFd<OwnedFd>,
    pumps: [JoinHandle<()>; 2],
}

/// A process that is gone, with its cgroup, which is empty or nearly so and still to be removed.
#[derive(Debug)]
pub(crate) struct Remains {
    pub(crate) status: Option<ExitStatus>,
    pub(crate) oom_kills: Option<u64>,
    pub(crate) group: Option<Group>,
    pub(crate) ran: Duration,
}

impl Process {
    /// Starts a prepared job and returns once the program itself is executed.
    pub(crate) async fn start(
        spawner: &mpsc::Sender<Job>,
        job: impl FnOnce(oneshot::Sender<Result<Forked, io::Error>>) -> Job,
        run: u64,
        recorder: &Recorder,
    ) -> Result<Self, StartError> {
        let (reply, forked) = oneshot::channel();
        spawner.send(job(reply)).await.map_err(|_| StartError::Stopped)?;
        let forked = forked.await.map_err(|_| StartError::Stopped)?.map_err(StartError::Fork)?;
        let Forked { mut child, pid, pidfd, gate, stdout, stderr, group, refused, unreaped } =
            forked;
        let exited = match watch(pidfd) {
            Ok(exited) => exited,
            Err(error) => {
                // It still waits in the shim, so it goes at once.
                unreaped.remove(pid);
                child.kill().and_then(|()| child.wait()).ok();
                if let Some(group) = group {
                    group.remove().await;
                }
                return Err(StartError::Watch(error));
            }
        };
        let out = tokio::spawn(pump(stdout, run, Stream::Stdout, recorder.clone()));
        let err = tokio::spawn(pump(stderr, run, Stream::Stderr, recorder.clone()));
        let started = Instant::now();
        let process =
            Self { pid, group, refused, started, child, unreaped, exited, pumps: [out, err] };
        match timeout(EXECUTE_TIMEOUT, pass_gate(gate)).await {
            Ok(Ok(())) => Ok(process),
            failed => {
                process.kill();
                let remains = process.bury().await;
                if let Some(group) = remains.and_then(|remains| remains.group) {
                    group.remove().await;
                }
                Err(match failed {
                    Ok(Err(error)) => StartError::Execute(error),
                    _ => StartError::Timeout(EXECUTE_TIMEOUT),
                })
            }
        }
    }

    /// Returns when the leading process has ended and waits to be reaped. Cancel safe.
    pub(crate) async fn exited(&self) {
        // Readiness is not cleared: a pidfd stays readable. It fails only with the runtime's end.
        if self.exited.readable().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Asks all of it to end, then kills. Returns whether it went by itself within `grace`.
    pub(crate) async fn end(&self, grace: Duration) -> Ended {
        // An error means that nobody is left to signal.
        kill_process_group(self.pid, Signal::TERM).ok();
        if timeout(grace, self.exited()).await.is_ok() {
            return Ended::ByItself;
        }
        self.kill();
        match timeout(KILL_TIMEOUT, self.exited()).await {
            Ok(()) => Ended::Killed,
            Err(_) => Ended::Not,
        }
    }

    /// Kills the process, its group and its cgroup.
    fn kill(&self) {
        kill_process_group(self.pid, Signal::KILL).ok();
        if let Some(group) = &self.group {
            group.kill();
        }
    }

    /// Reaps it and kills what it left behind; first of all reads what its cgroup counted. `None`
    /// when it does not end.
    pub(crate) async fn bury(mut self) -> Option<Remains> {
        timeout(KILL_TIMEOUT, self.exited()).await.ok()?;
        let ran = self.started.elapsed();
        let oom_kills = self.group.as_ref().and_then(Group::oom_kills);
        // Before reaping: until then the group's id cannot be taken by strangers.
        self.kill();
        self.unreaped.remove(self.pid);
        let status = self.child.try_wait().ok().flatten();
        for pump in &mut self.pumps {
            if timeout(LAST_LINES_TIMEOUT, &mut *pump).await.is_err() {
                // Someone outside of group and cgroup still holds the pipe.
                pump.abort();
            }
        }
        Some(Remains { status, oom_kills, group: self.group, ran })
    }
}

#[expect(
    deprecated,
    reason = "sound for an owned descriptor; the replacement is an unsafe function"
)]
fn watch(pidfd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(pidfd)
}

/// How an ending went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    ByItself,
    Killed,
    /// Not even SIGKILL ended it: it hangs in the kernel.
    Not,
}

/// Lets the shim go and learns whether it could execute the program.
async fn pass_gate(gate: std::os::unix::net::UnixStream) -> io::Result<()> {
    gate.set_nonblocking(true)?;
    let mut gate = UnixStream::from_std(gate)?;
    match gate.write_all(b"\n").await {
        // It ended before it could be let go; its exit tells the rest.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
        result => result?,
    }
    let mut message = String::new();
    match gate.take(SHIM_MESSAGE_BYTES_MAX).read_to_string(&mut message).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(()),
        result => result?,
    };
    match message.trim().parse() {
        Ok(errno) => Err(io::Error::from_raw_os_error(errno)),
        Err(_) => Ok(()),
    }
}
