//! The sentry's process on the host: whether it is what the state file means, and whether it lives.
//!
//! State files outlive sandboxes that were killed, and process numbers are given out again, so a number
//! alone would charge a pod with a stranger's work.

use std::path::Path;

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::OwnedFd,
    fs::{Mode, OFlags},
    io::Errno,
    process::{Pid, PidfdFlags, pidfd_open},
};

/// How much of a command line is looked at, in bytes.
const COMMAND_BYTES_MAX: usize = 64 << 10;

/// A living sentry. The descriptor stands for this process and never for one that takes its number.
#[derive(Debug)]
pub struct Sentry {
    process: OwnedFd,
}

impl Sentry {
    /// `None` when there is no such process, or it is not this sandbox's: `runsc` names the sandbox on
    /// the sentry's command line.
    pub fn open(pid: u32, sandbox: &str) -> Option<Self> {
        let number = Pid::from_raw(i32::try_from(pid).ok()?)?;
        let process = pidfd_open(number, PidfdFlags::empty()).ok()?;
        let command = command(pid).ok()?;
        let named = command.split(|byte| *byte == 0).any(|word| word == sandbox.as_bytes());
        let sentry = Self { process };
        // Alive after the command line was read: then it was this process's.
        (named && sentry.is_alive()).then_some(sentry)
    }

    /// Costs one system call.
    pub fn is_alive(&self) -> bool {
        let mut exited = [PollFd::new(&self.process, PollFlags::IN)];
        !matches!(poll(&mut exited, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(1..))
    }
}

fn command(pid: u32) -> Result<Vec<u8>, Errno> {
    let path = format!("/proc/{pid}/cmdline");
    let file = rustix::fs::open(Path::new(&path), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut command = Vec::new();
    let mut piece = [0; 4096];
    while command.len() < COMMAND_BYTES_MAX {
        match rustix::io::read(&file, &mut piece) {
            Ok(0) => break,
            Ok(length) => command.extend_from_slice(piece.get(..length).unwrap_or_default()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(command)
}

#[cfg(test)]
mod tests;
