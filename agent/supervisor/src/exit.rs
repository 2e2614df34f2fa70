//! How a run ended by itself.

use std::{process::ExitStatus, time::Duration};

use model::{event::Target, time::Timestamp};

use crate::placement::MemoryGuard;

/// A run's leading process ended without being asked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    pub target: Target,
    pub run: u64,
    pub pid: u32,
    /// The exit code, when it exited.
    pub code: Option<i32>,
    /// The signal's number, when a signal killed it.
    pub signal: Option<i32>,
    /// The kernel killed it for exceeding memory: it died of SIGKILL, which nobody here sent, and
    /// its cgroup counted a kill.
    pub oom: bool,
    /// Processes of this run, children included, that the kernel killed for memory, as it counts
    /// them: where it kills a whole cgroup it may count one twice. `None` where there is no
    /// counter to read.
    pub oom_kills: Option<u64>,
    pub memory_limit: Option<u64>,
    pub memory_guard: MemoryGuard,
    /// When it was seen.
    pub at: Timestamp,
    /// How long the run had lasted.
    pub ran: Duration,
}

impl Exit {
    /// One sentence for a person, in which nothing is guessed.
    pub fn reason(&self) -> String {
        let mut reason = match (self.code, self.signal) {
            (Some(code), _) => format!("exited with code {code}"),
            (None, Some(signal)) => format!("killed by {}", signal_name(signal)),
            (None, None) => "ended in an unknown way".to_owned(),
        };
        match (self.oom, self.memory_limit, self.memory_guard) {
            (true, Some(limit), _) => {
                reason.push_str(&format!(": out of memory, limit {}", mebibytes(limit)));
            }
            (true, None, _) => reason.push_str(": out of memory"),
            (false, Some(limit), MemoryGuard::DataLimit) if self.signal.is_some() => {
                reason.push_str(&format!(" under a data segment limit of {}", mebibytes(limit)));
            }
            _ => {}
        }
        if let (false, Some(kills @ 1..)) = (self.oom, self.oom_kills) {
            reason.push_str(&format!(", after {kills} of its processes ran out of memory"));
        }
        reason
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.0} MiB", bytes as f64 / 1024.0 / 1024.0)
}

/// The names of signals that end processes; numbers as on every Linux architecture but MIPS, SPARC
/// and PA-RISC, where the name may differ and the number stays right.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        10 => "SIGUSR1",
        11 => "SIGSEGV",
        12 => "SIGUSR2",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        other => return format!("signal {other}"),
    };
    name.to_owned()
}

/// Code and signal of a wait status; both `None` when the status could not be had.
pub(crate) fn code_and_signal(status: Option<ExitStatus>) -> (Option<i32>, Option<i32>) {
    use std::os::unix::process::ExitStatusExt;
    status.map_or((None, None), |status| (status.code(), status.signal()))
}

#[cfg(test)]
mod tests;
