//! The cgroup files that are read, and what each is good for.

use crate::{
    devices::DeviceNames,
    hierarchy::Controller,
    parse::{
        cgroup,
        io::{IoValue, blkio_bytes, blkio_operations, io_stat},
    },
    usage::{Depth, DeviceNumber, Limit, Usage},
};

/// One kind of file.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) controller: Controller,
    pub(super) name: &'static str,
    pub(super) depth: Depth,
    /// Read only where the file before it in the list does not exist.
    pub(super) alternative: bool,
    /// Worth reading at [`Depth::Fast`] for this group, as far as its snapshot tells.
    pub(super) worth: fn(&Usage) -> bool,
    pub(super) apply: Apply,
}

/// Parses a file about block devices, and hands each number to where it belongs.
type DeviceParser = fn(&[u8], &mut dyn FnMut(DeviceNumber, IoValue)) -> Option<()>;

/// How a file's content gets into the snapshot.
#[derive(Clone, Copy, Debug)]
pub(super) enum Apply {
    Plain(fn(&[u8], &mut Usage) -> Option<()>),
    /// As `Plain`, for files that the kernel writes record by record.
    List(fn(&[u8], &mut Usage) -> Option<()>),
    Devices(DeviceParser),
}

impl Apply {
    pub(super) fn run(
        self,
        text: &[u8],
        usage: &mut Usage,
        devices: &mut DeviceNames,
    ) -> Option<()> {
        match self {
            Self::Plain(apply) | Self::List(apply) => apply(text, usage),
            Self::Devices(apply) => apply(text, &mut |number, value| {
                if let Some(device) = usage.device(number, || devices.name(number)) {
                    value.store(device);
                }
            }),
        }
    }
}

const fn source(
    controller: Controller,
    name: &'static str,
    depth: Depth,
    apply: fn(&[u8], &mut Usage) -> Option<()>,
) -> Source {
    let apply = Apply::Plain(apply);
    Source { controller, name, depth, alternative: false, worth: always, apply }
}

const fn list(controller: Controller) -> Source {
    let apply = Apply::List(cgroup::cgroup_procs);
    let name = "cgroup.procs";
    Source { controller, name, depth: Full, alternative: false, worth: always, apply }
}

const fn devices(
    controller: Controller,
    name: &'static str,
    alternative: bool,
    apply: DeviceParser,
) -> Source {
    let apply = Apply::Devices(apply);
    Source { controller, name, depth: Full, alternative, worth: always, apply }
}

use Controller::{Blkio, Cpu, Cpuacct, Memory, Pids, Unified};
use Depth::{Fast, Full};

/// Version 1. Recursive I/O statistics where there are such: a group's I/O includes that of the
/// groups below, as its processor time and memory do.
pub(super) const V1: &[Source] = &[
    source(Cpuacct, "cpuacct.usage", Fast, cgroup::cpuacct_usage),
    source(Cpuacct, "cpuacct.stat", Fast, cpuacct_stat),
    Source { worth: is_limited, ..source(Cpu, "cpu.stat", Fast, cgroup::cpu_stat) },
    source(Memory, "memory.usage_in_bytes", Fast, cgroup::memory_usage),
    source(Memory, "memory.oom_control", Fast, cgroup::memory_oom_control),
    source(Cpu, "cpu.cfs_quota_us", Full, cgroup::cfs_quota),
    source(Cpu, "cpu.cfs_period_us", Full, cgroup::cfs_period),
    source(Memory, "memory.stat", Full, cgroup::memory_stat_v1),
    source(Memory, "memory.limit_in_bytes", Full, cgroup::memory_limit_v1),
    source(Memory, "memory.failcnt", Full, cgroup::memory_failcnt),
    devices(Blkio, "blkio.throttle.io_service_bytes_recursive", false, bytes),
    devices(Blkio, "blkio.throttle.io_service_bytes", true, bytes),
    devices(Blkio, "blkio.throttle.io_serviced_recursive", false, operations),
    devices(Blkio, "blkio.throttle.io_serviced", true, operations),
    source(Pids, "pids.current", Full, cgroup::pids_current),
    source(Pids, "pids.max", Full, cgroup::pids_max),
    list(Cpuacct),
];

/// Version 2.
pub(super) const V2: &[Source] = &[
    source(Unified, "cpu.stat", Fast, cgroup::cpu_stat),
    source(Unified, "memory.current", Fast, cgroup::memory_usage),
    source(Unified, "memory.events", Fast, cgroup::memory_events),
    source(Unified, "cpu.pressure", Fast, cpu_pressure),
    source(Unified, "memory.pressure", Fast, memory_pressure),
    source(Unified, "io.pressure", Fast, io_pressure),
    source(Unified, "cpu.max", Full, cgroup::cpu_max),
    source(Unified, "memory.stat", Full, cgroup::memory_stat_v2),
    source(Unified, "memory.max", Full, cgroup::memory_max),
    source(Unified, "memory.swap.current", Full, cgroup::memory_swap_current),
    devices(Unified, "io.stat", false, io),
    source(Unified, "pids.current", Full, cgroup::pids_current),
    source(Unified, "pids.max", Full, cgroup::pids_max),
    source(Unified, "cgroup.events", Full, cgroup::cgroup_events),
    list(Unified),
];

/// What a version 2 tree without controllers adds to version 1.
pub(super) const HYBRID: &[Source] = &[
    source(Unified, "cpu.pressure", Fast, cpu_pressure),
    source(Unified, "memory.pressure", Fast, memory_pressure),
    source(Unified, "io.pressure", Fast, io_pressure),
    source(Unified, "cgroup.events", Full, cgroup::cgroup_events),
];

fn always(_: &Usage) -> bool {
    true
}

/// Without a processor limit there is no throttling to count, and most groups have none.
fn is_limited(usage: &Usage) -> bool {
    usage.cpu.quota_micros != Some(Limit::Unlimited)
}

fn cpuacct_stat(text: &[u8], usage: &mut Usage) -> Option<()> {
    cgroup::cpuacct_stat(text, usage, crate::process::tick_nanos())
}

fn cpu_pressure(text: &[u8], usage: &mut Usage) -> Option<()> {
    usage.pressure.cpu = Some(cgroup::pressure(text)?);
    Some(())
}

fn memory_pressure(text: &[u8], usage: &mut Usage) -> Option<()> {
    usage.pressure.memory = Some(cgroup::pressure(text)?);
    Some(())
}

fn io_pressure(text: &[u8], usage: &mut Usage) -> Option<()> {
    usage.pressure.io = Some(cgroup::pressure(text)?);
    Some(())
}

fn bytes(text: &[u8], store: &mut dyn FnMut(DeviceNumber, IoValue)) -> Option<()> {
    blkio_bytes(text, store)
}

fn operations(text: &[u8], store: &mut dyn FnMut(DeviceNumber, IoValue)) -> Option<()> {
    blkio_operations(text, store)
}

fn io(text: &[u8], store: &mut dyn FnMut(DeviceNumber, IoValue)) -> Option<()> {
    io_stat(text, store)
}
