//! What one cgroup or process tree has used: the snapshot that every collector fills.
//!
//! A value that the kernel does not offer here is `None`, never zero.

use std::sync::Arc;

/// Block devices counted apart for one container; more are left out and counted.
pub const DEVICES_MAX: usize = 16;

/// How much of a snapshot is read anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Processor time, throttling, memory in use, memory kills and pressure: cheap, for each tick.
    #[default]
    Fast,
    /// All of it: memory by kind, block I/O, limits and process counts as well.
    Full,
}

/// One snapshot. Counters count from the start of the cgroup or tree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// What the last read renewed; the rest is as the last [`Depth::Full`] read left it.
    pub depth: Depth,
    pub cpu: Cpu,
    pub memory: Memory,
    /// Block I/O by device, at most [`DEVICES_MAX`].
    pub io: Vec<DeviceIo>,
    /// Lines of I/O statistics left out because there are more devices than [`DEVICES_MAX`].
    pub io_dropped: u64,
    pub pressure: Pressure,
    /// Processes inside.
    pub processes: Option<u64>,
    /// Threads (tasks) inside.
    pub threads: Option<u64>,
    pub threads_limit: Option<Limit>,
    /// When it was started, in seconds since the Unix epoch.
    pub start_seconds: Option<f64>,
    /// Whether any process is inside, where the kernel says so (cgroup v2).
    pub populated: Option<bool>,
}

/// Processor time and the CFS bandwidth limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cpu {
    pub usage_nanos: Option<u64>,
    pub user_nanos: Option<u64>,
    pub system_nanos: Option<u64>,
    /// Enforcement periods that have passed.
    pub periods: Option<u64>,
    /// Enforcement periods in which it was stopped.
    pub throttled_periods: Option<u64>,
    pub throttled_nanos: Option<u64>,
    /// Microseconds of processor time allowed in each period.
    pub quota_micros: Option<Limit>,
    pub period_micros: Option<u64>,
}

/// Memory, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    pub usage: Option<u64>,
    /// Usage without inactive page cache: what it would not give back. Known after a full read.
    pub working_set: Option<u64>,
    /// Anonymous memory.
    pub rss: Option<u64>,
    /// Page cache.
    pub cache: Option<u64>,
    pub mapped_file: Option<u64>,
    pub swap: Option<u64>,
    pub inactive_file: Option<u64>,
    pub limit: Option<Limit>,
    /// Allocations that hit the limit.
    pub failures: Option<u64>,
    /// Processes that the kernel killed for want of memory.
    pub oom_kills: Option<u64>,
}

/// A limit that may be absent on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Unlimited,
    To(u64),
}

/// Block I/O of one device. A process tree has one entry without a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceIo {
    /// Major and minor number; `None` for the sum of all devices.
    pub number: Option<DeviceNumber>,
    /// `/dev/sda`, `8:0` when the kernel names no such device, empty for the sum of all.
    pub name: Arc<str>,
    pub read_bytes: Option<u64>,
    pub written_bytes: Option<u64>,
    pub reads: Option<u64>,
    pub writes: Option<u64>,
}

/// Major and minor number of a block device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceNumber {
    pub major: u32,
    pub minor: u32,
}

/// Pressure stall information.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pressure {
    pub cpu: Option<Stall>,
    pub memory: Option<Stall>,
    pub io: Option<Stall>,
}

/// Time lost to waiting for one resource, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stall {
    /// Some task waited.
    pub some_micros: u64,
    /// All tasks waited at once; not given for every resource on every kernel.
    pub full_micros: Option<u64>,
}

impl Usage {
    /// The entry of a device, made when it is new; `None` when [`DEVICES_MAX`] are there already.
    pub(crate) fn device(
        &mut self,
        number: DeviceNumber,
        name: impl FnOnce() -> Arc<str>,
    ) -> Option<&mut DeviceIo> {
        let found = self.io.iter().position(|device| device.number == Some(number));
        let index = match found {
            Some(index) => index,
            None if self.io.len() < DEVICES_MAX => {
                self.io.push(DeviceIo {
                    number: Some(number),
                    name: name(),
                    read_bytes: None,
                    written_bytes: None,
                    reads: None,
                    writes: None,
                });
                self.io.len() - 1
            }
            None => {
                self.io_dropped += 1;
                return None;
            }
        };
        self.io.get_mut(index)
    }

    /// cAdvisor's rule: usage less inactive page cache, and zero when the two reads disagree.
    pub(crate) fn derive_working_set(&mut self) {
        self.memory.working_set = match (self.memory.usage, self.memory.inactive_file) {
            (Some(usage), Some(inactive)) => Some(usage.saturating_sub(inactive)),
            _ => None,
        };
    }
}
