//! Parsers of cgroup files: processor, memory, tasks and pressure. Block I/O is in `io`.
//!
//! Each takes a file's bytes and fills its part of a [`Usage`]; `None` means that nothing in the
//! file was recognised.

use super::{assignment, lines, number, pairs, words};
use crate::usage::{Limit, Stall, Usage};

/// v1 memory limits above this are no limit: the kernel rounds "none" down to whole pages.
const V1_UNLIMITED: u64 = 1 << 62;

/// v1 `cpuacct.usage`: nanoseconds.
pub fn cpuacct_usage(text: &[u8], usage: &mut Usage) -> Option<()> {
    usage.cpu.usage_nanos = Some(number(text)?);
    Some(())
}

/// v1 `cpuacct.stat`: `user` and `system` in clock ticks of `tick_nanos`.
pub fn cpuacct_stat(text: &[u8], usage: &mut Usage, tick_nanos: u64) -> Option<()> {
    let mut seen = None;
    for (key, ticks) in pairs(text) {
        let nanos = ticks.checked_mul(tick_nanos);
        match key {
            b"user" => usage.cpu.user_nanos = nanos,
            b"system" => usage.cpu.system_nanos = nanos,
            _ => continue,
        }
        seen = nanos.map(|_| ());
    }
    seen
}

/// v1 and v2 `cpu.stat`: throttling in nanoseconds (v1) or microseconds (v2); v2 also has usage.
pub fn cpu_stat(text: &[u8], usage: &mut Usage) -> Option<()> {
    let cpu = &mut usage.cpu;
    let mut seen = None;
    for (key, value) in pairs(text) {
        match key {
            b"usage_usec" => cpu.usage_nanos = value.checked_mul(1_000),
            b"user_usec" => cpu.user_nanos = value.checked_mul(1_000),
            b"system_usec" => cpu.system_nanos = value.checked_mul(1_000),
            b"nr_periods" => cpu.periods = Some(value),
            b"nr_throttled" => cpu.throttled_periods = Some(value),
            b"throttled_usec" => cpu.throttled_nanos = value.checked_mul(1_000),
            b"throttled_time" => cpu.throttled_nanos = Some(value),
            _ => continue,
        }
        seen = Some(());
    }
    seen
}

/// v1 `cpu.cfs_quota_us`: microseconds, -1 for no limit.
pub fn cfs_quota(text: &[u8], usage: &mut Usage) -> Option<()> {
    let limit = match text.trim_ascii() {
        b"-1" => Limit::Unlimited,
        other => Limit::To(number(other)?),
    };
    usage.cpu.quota_micros = Some(limit);
    Some(())
}

/// v1 `cpu.cfs_period_us`: microseconds.
pub fn cfs_period(text: &[u8], usage: &mut Usage) -> Option<()> {
    usage.cpu.period_micros = Some(number(text)?);
    Some(())
}

/// v2 `cpu.max`: `max 100000` or `50000 100000`.
pub fn cpu_max(text: &[u8], usage: &mut Usage) -> Option<()> {
    let mut words = words(text.trim_ascii());
    usage.cpu.quota_micros = Some(limit(words.next()?)?);
    usage.cpu.period_micros = Some(number(words.next()?)?);
    Some(())
}

/// `memory.usage_in_bytes` (v1), `memory.current` (v2).
pub fn memory_usage(text: &[u8], usage: &mut Usage) -> Option<()> {
    usage.memory.usage = Some(number(text)?);
    Some(())
}

/// `memory.limit_in_bytes` (v1).
pub fn memory_limit_v1(text: &[u8], usage: &mut Usage) -> Option<()> {
    let bytes = number(text)?;
    let limit = if bytes >= V1_UNLIMITED { Limit::Unlimited } else { Limit::To(bytes) };
    usage.memory.limit = Some(limit);
    Some(())
}

/// `memory.max` (v2).
pub fn memory_max(text: &[u8], usage: &mut Usage) -> Option<()> {
    usage.memory.limit = Some(limit(text.trim_ascii())?);
    Some(())
}

/// `memory.swap.current` (v2).
pub fn memory_swap_current(text: &[u8], usage: &mut Usage) -> Option<()> {
    usage.memory.swap = Some(number(text)?);
    Some(())
}

/// `memory.failcnt` (v1).
pub fn memory_failcnt(text: &[u8], usage: &mut Usage) -> Option<()> {
    usage.memory.failures = Some(number(text)?);
    Some(())
}

/// `memory.oom_control` (v1): `oom_kill` counts, on kernels that have it.
pub fn memory_oom_control(text: &[u8], usage: &mut Usage) -> Option<()> {
    let (_, kills) = pairs(text).find(|(key, _)| *key == b"oom_kill")?;
    usage.memory.oom_kills = Some(kills);
    Some(())
}

/// `memory.events` (v2): `max` counts hits of the limit, `oom_kill` killed processes.
pub fn memory_events(text: &[u8], usage: &mut Usage) -> Option<()> {
    let mut seen = None;
    for (key, value) in pairs(text) {
        match key {
            b"max" => usage.memory.failures = Some(value),
            b"oom_kill" => usage.memory.oom_kills = Some(value),
            _ => continue,
        }
        seen = Some(());
    }
    seen
}

/// `memory.stat` (v1): the `total_` lines, which include groups below.
pub fn memory_stat_v1(text: &[u8], usage: &mut Usage) -> Option<()> {
    let memory = &mut usage.memory;
    let mut seen = None;
    for line in lines(text) {
        let Some(line) = line.strip_prefix(b"total_") else { continue };
        let Some((key, value)) = pairs(line).next() else { continue };
        match key {
            b"cache" => memory.cache = Some(value),
            b"rss" => memory.rss = Some(value),
            b"mapped_file" => memory.mapped_file = Some(value),
            b"swap" => memory.swap = Some(value),
            b"inactive_file" => memory.inactive_file = Some(value),
            _ => continue,
        }
        seen = Some(());
    }
    seen
}

/// `memory.stat` (v2).
pub fn memory_stat_v2(text: &[u8], usage: &mut Usage) -> Option<()> {
    let memory = &mut usage.memory;
    let mut seen = None;
    for (key, value) in pairs(text) {
        match key {
            b"anon" => memory.rss = Some(value),
            b"file" => memory.cache = Some(value),
            b"file_mapped" => memory.mapped_file = Some(value),
            b"inactive_file" => memory.inactive_file = Some(value),
            _ => continue,
        }
        seen = Some(());
    }
    seen
}

/// `pids.current`: tasks, that is threads.
pub fn pids_current(text: &[u8], usage: &mut Usage) -> Option<()> {
    usage.threads = Some(number(text)?);
    Some(())
}

/// `pids.max`.
pub fn pids_max(text: &[u8], usage: &mut Usage) -> Option<()> {
    usage.threads_limit = Some(limit(text.trim_ascii())?);
    Some(())
}

/// `cgroup.procs`: one process identifier a line.
pub fn cgroup_procs(text: &[u8], usage: &mut Usage) -> Option<()> {
    let count = lines(text).count();
    usage.processes = u64::try_from(count).ok();
    Some(())
}

/// `cgroup.events` (v2).
pub fn cgroup_events(text: &[u8], usage: &mut Usage) -> Option<()> {
    let (_, populated) = pairs(text).find(|(key, _)| *key == b"populated")?;
    usage.populated = Some(populated != 0);
    Some(())
}

/// `cpu.pressure`, `memory.pressure`, `io.pressure`: only the running totals.
pub fn pressure(text: &[u8]) -> Option<Stall> {
    let mut some = None;
    let mut full = None;
    for line in lines(text) {
        let mut words = words(line);
        let kind = words.next();
        let total = words
            .filter_map(assignment)
            .find(|(key, _)| *key == b"total")
            .and_then(|(_, value)| number(value));
        match kind {
            Some(b"some") => some = total,
            Some(b"full") => full = total,
            _ => {}
        }
    }
    Some(Stall { some_micros: some?, full_micros: full })
}

fn limit(text: &[u8]) -> Option<Limit> {
    match text {
        b"max" => Some(Limit::Unlimited),
        other => Some(Limit::To(number(other)?)),
    }
}
