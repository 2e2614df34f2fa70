//! What to run and how: the supervisor's configuration and one instance's specification.

use std::{ffi::OsString, fmt, path::PathBuf, sync::Arc};

use model::{event::Target, time::Timestamp};
use tokio::sync::mpsc;

use crate::log::LogLine;

/// One instance: a program that is to run under supervision.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Names the instance; unique within a supervisor.
    pub target: Target,
    pub command: PathBuf,
    pub args: Vec<OsString>,
    /// The whole environment: nothing is inherited, so that no secret of the supervisor leaks.
    pub env: Vec<(OsString, OsString)>,
    /// `None` inherits the supervisor's.
    pub working_dir: Option<PathBuf>,
    /// Bytes. A cgroup's memory limit where there are cgroups, `RLIMIT_DATA` otherwise.
    pub memory_limit: Option<u64>,
}

/// How to reach [`crate::shim::main`]: a program and the arguments that come before the shim's own.
#[derive(Clone, Debug)]
pub struct Shim {
    pub program: PathBuf,
    pub args: Vec<OsString>,
}

/// Where cgroups are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CgroupChoice {
    /// At the top of each hierarchy where that is permitted, otherwise in the nearest cgroup
    /// above or at the supervisor's own that permits it, otherwise nowhere, with a notice.
    Auto,
    /// Under this path of each hierarchy (`/name`), which is created when missing.
    Under(PathBuf),
    /// Nowhere.
    Off,
}

/// The wall clock, handed in so that this crate reads none.
#[derive(Clone)]
pub struct Clock(pub Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Lines kept per instance unless the configuration says otherwise.
pub const LOG_LINES_DEFAULT: usize = 200;
/// Exits that may wait to be read unless the configuration says otherwise.
pub const EXITS_CAPACITY_DEFAULT: usize = 1024;
/// Instances per supervisor.
pub const INSTANCES_MAX: usize = 4096;

#[derive(Clone, Debug)]
pub struct Config {
    pub shim: Shim,
    pub cgroups: CgroupChoice,
    /// Lines of output kept per instance; the oldest go first.
    pub log_lines: usize,
    /// Receives every line as well; lines that find it full are dropped and counted.
    pub log_sink: Option<mpsc::Sender<LogLine>>,
    /// Exits that may wait to be read; further ones are dropped and counted, and remain visible
    /// as [`crate::Instance::last_exit`].
    pub exits_capacity: usize,
    /// The first run of each instance is this plus one. A supervisor that is started anew in the
    /// place of another gives a number above all that went before (the clock's seconds will do), so
    /// that no run's number is ever used twice.
    pub runs_before: u64,
    pub clock: Clock,
}

impl Config {
    /// The defaults, with the two things that have none.
    pub fn new(shim: Shim, clock: Clock) -> Self {
        Self {
            shim,
            cgroups: CgroupChoice::Auto,
            log_lines: LOG_LINES_DEFAULT,
            log_sink: None,
            exits_capacity: EXITS_CAPACITY_DEFAULT,
            runs_before: 0,
            clock,
        }
    }
}
