//! The thread that starts every child.
//!
//! A parent death signal is sent when the *thread* that forked ends (prctl(2), PR_SET_PDEATHSIG).
//! The runtime's threads come and go, so children are forked by a thread that lives exactly as long
//! as the supervisor.

use std::{
    collections::BTreeSet,
    io,
    os::{fd::OwnedFd, unix::net::UnixStream, unix::process::CommandExt},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, kill_process_group, pidfd_open, prlimit,
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    cgroup::{Cgroups, group::Group},
    spec::{Shim, Spec},
};

/// Starts that may wait for the thread.
const JOBS_MAX: usize = 64;

/// A start: what, and where it is to be placed.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) command: Command,
    pub(crate) group: Option<Group>,
    /// Bytes; of `RLIMIT_DATA`, when no cgroup limits memory.
    pub(crate) memory_limit: Option<u64>,
    pub(crate) reply: oneshot::Sender<Result<Forked, io::Error>>,
}

/// Process groups whose leaders have not been reaped, so that their ids mean no others. Clones are
/// the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unreaped(Arc<Mutex<BTreeSet<i32>>>);

impl Unreaped {
    fn add(&self, pid: Pid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(pid.as_raw_nonzero().get());
    }

    /// To be called before reaping.
    pub(crate) fn remove(&self, pid: Pid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&pid.as_raw_nonzero().get());
    }

    fn kill(&self) {
        let pids = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for pid in pids.into_iter().filter_map(Pid::from_raw) {
            kill_process_group(pid, Signal::KILL).ok();
        }
    }
}

/// A child that waits in the shim for one byte on `gate`.
#[derive(Debug)]
pub(crate) struct Forked {
    pub(crate) child: Child,
    pub(crate) pid: Pid,
    pub(crate) pidfd: OwnedFd,
    pub(crate) gate: UnixStream,
    pub(crate) stdout: OwnedFd,
    pub(crate) stderr: OwnedFd,
    /// The cgroup that it is in.
    pub(crate) group: Option<Group>,
    /// Why it is in less of a cgroup than had been made.
    pub(crate) refused: Option<String>,
    pub(crate) unreaped: Unreaped,
}

/// Starts the thread, which ends when the sender is dropped. Its children die with it, and what
/// they have forked is killed by group and in `cgroups`, in case there is no runtime left to do so.
pub(crate) fn start_thread(cgroups: Option<Arc<Cgroups>>) -> io::Result<mpsc::Sender<Job>> {
    let unreaped = Unreaped::default();
    let (sender, mut jobs) = mpsc::channel::<Job>(JOBS_MAX);
    std::thread::Builder::new().name("supervisor".to_owned()).spawn(move || {
        while let Some(Job { command, group, memory_limit, reply }) = jobs.blocking_recv() {
            let forked = fork(command, group, memory_limit, &unreaped);
            if let Err(Ok(abandoned)) = reply.send(forked) {
                discard(abandoned);
            }
        }
        unreaped.kill();
        if let Some(cgroups) = cgroups {
            cgroups.remove_blocking();
        }
    })?;
    Ok(sender)
}

/// The command that runs the shim, which becomes the program. Its own group, so that a terminal's
/// interrupt reaches the supervisor only, and a stop reaches all of the group.
pub(crate) fn command(shim: &Shim, spec: &Spec) -> Command {
    let mut command = Command::new(&shim.program);
    command.args(&shim.args).arg(std::process::id().to_string());
    command.arg(&spec.command).args(&spec.args);
    command.env_clear().envs(spec.env.iter().map(|(name, value)| (name, value)));
    if let Some(directory) = &spec.working_dir {
        command.current_dir(directory);
    }
    command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn fork(
    mut command: Command,
    mut group: Option<Group>,
    memory_limit: Option<u64>,
    unreaped: &Unreaped,
) -> io::Result<Forked> {
    let (gate, theirs) = UnixStream::pair()?;
    command.stdin(OwnedFd::from(theirs));
    let spawned = command.spawn();
    // The command holds the child's end, whose closing tells that the program is executed.
    drop(command);
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => {
            remove_empty(group.as_ref());
            return Err(error);
        }
    };
    match prepare(&mut child, &mut group, memory_limit) {
        Ok(Prepared { pid, pidfd, stdout, stderr, refused }) => {
            unreaped.add(pid);
            let unreaped = unreaped.clone();
            Ok(Forked { child, pid, pidfd, gate, stdout, stderr, group, refused, unreaped })
        }
        Err(error) => {
            child.kill().and_then(|()| child.wait()).ok();
            remove_empty(group.as_ref());
            Err(error)
        }
    }
}

struct Prepared {
    pid: Pid,
    pidfd: OwnedFd,
    stdout: OwnedFd,
    stderr: OwnedFd,
    refused: Option<String>,
}

/// Places and limits the waiting child. The group is taken away when it refuses the child.
fn prepare(
    child: &mut Child,
    group: &mut Option<Group>,
    memory_limit: Option<u64>,
) -> io::Result<Prepared> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::other("the process id is out of range"))?;
    let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
    let refused = group.as_mut().and_then(|group| group.attach(child.id()));
    group.take_if(|group| group.is_empty());
    let in_cgroup = group.as_ref().is_some_and(Group::has_memory);
    if let Some(bytes) = memory_limit.filter(|_| !in_cgroup) {
        let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
        prlimit(Some(pid), Resource::Data, limit)?;
    }
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(io::Error::other("the outputs are not captured"));
    };
    let refused = refused.map(|error| error.full());
    Ok(Prepared { pid, pidfd, stdout: stdout.into(), stderr: stderr.into(), refused })
}

/// Nothing runs in it yet; what cannot be removed now is removed with the supervisor's directory.
fn remove_empty(group: Option<&Group>) {
    if let Some(group) = group {
        group.try_remove();
    }
}

/// Nobody waits for this child any more.
fn discard(mut forked: Forked) {
    rustix::process::pidfd_send_signal(&forked.pidfd, Signal::KILL).ok();
    forked.unreaped.remove(forked.pid);
    forked.child.wait().ok();
    remove_empty(forked.group.as_ref());
}
