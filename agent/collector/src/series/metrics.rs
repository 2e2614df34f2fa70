//! The metrics: cAdvisor's names, units and meanings (its `docs/storage/prometheus.md`).

use model::metadata::MetricType::{self, Counter, Gauge};

use crate::{
    network::Traffic,
    usage::{
        Depth::{self, Fast, Full},
        DeviceIo, Limit, Usage,
    },
};

/// One metric of a whole container.
#[derive(Debug)]
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) kind: MetricType,
    pub(super) help: &'static str,
    pub(super) depth: Depth,
    /// A label of the metric's own.
    pub(super) label: Option<(&'static str, &'static str)>,
    pub(super) value: fn(&Usage) -> Option<f64>,
}

/// One metric of a container and a block device.
#[derive(Debug)]
pub(super) struct DeviceMetric {
    pub(super) name: &'static str,
    pub(super) kind: MetricType,
    pub(super) help: &'static str,
    pub(super) value: fn(&DeviceIo) -> Option<f64>,
}

/// One metric of a container and a network interface.
#[derive(Debug)]
pub(super) struct InterfaceMetric {
    pub(super) name: &'static str,
    pub(super) depth: Depth,
    pub(super) help: &'static str,
    pub(super) value: fn(&Traffic<'_>) -> u64,
}

const fn metric(
    name: &'static str,
    kind: MetricType,
    depth: Depth,
    help: &'static str,
    value: fn(&Usage) -> Option<f64>,
) -> Metric {
    Metric { name, kind, help, depth, label: None, value }
}

const fn device(
    name: &'static str,
    help: &'static str,
    value: fn(&DeviceIo) -> Option<f64>,
) -> DeviceMetric {
    DeviceMetric { name, kind: Counter, help, value }
}

/// At most 64: a template remembers in one word which it has written.
pub(super) const METRICS: &[Metric] = &[
    Metric {
        name: "container_cpu_usage_seconds_total",
        kind: Counter,
        help: "Processor time used, in seconds.",
        depth: Fast,
        label: Some(("cpu", "total")),
        value: |usage| nanos(usage.cpu.usage_nanos),
    },
    metric(
        "container_cpu_user_seconds_total",
        Counter,
        Fast,
        "Processor time used in user mode, in seconds.",
        |usage| nanos(usage.cpu.user_nanos),
    ),
    metric(
        "container_cpu_system_seconds_total",
        Counter,
        Fast,
        "Processor time used in kernel mode, in seconds.",
        |usage| nanos(usage.cpu.system_nanos),
    ),
    metric(
        "container_cpu_cfs_periods_total",
        Counter,
        Fast,
        "Periods in which a processor limit was enforced.",
        |usage| limited(usage).and(plain(usage.cpu.periods)),
    ),
    metric(
        "container_cpu_cfs_throttled_periods_total",
        Counter,
        Fast,
        "Periods in which the container was stopped by its processor limit.",
        |usage| limited(usage).and(plain(usage.cpu.throttled_periods)),
    ),
    metric(
        "container_cpu_cfs_throttled_seconds_total",
        Counter,
        Fast,
        "Time for which the container was stopped by its processor limit, in seconds.",
        |usage| limited(usage).and(nanos(usage.cpu.throttled_nanos)),
    ),
    metric(
        "container_memory_usage_bytes",
        Gauge,
        Fast,
        "Memory in use, page cache included, in bytes.",
        |usage| plain(usage.memory.usage),
    ),
    metric(
        "container_oom_events_total",
        Counter,
        Fast,
        "Processes that the kernel killed for want of memory.",
        |usage| plain(usage.memory.oom_kills),
    ),
    metric(
        "container_pressure_cpu_waiting_seconds_total",
        Counter,
        Fast,
        "Time in which some task waited for a processor, in seconds.",
        |usage| micros(usage.pressure.cpu.map(|stall| stall.some_micros)),
    ),
    metric(
        "container_pressure_cpu_stalled_seconds_total",
        Counter,
        Fast,
        "Time in which no task could go on for want of a processor, in seconds.",
        |usage| micros(usage.pressure.cpu.and_then(|stall| stall.full_micros)),
    ),
    metric(
        "container_pressure_memory_waiting_seconds_total",
        Counter,
        Fast,
        "Time in which some task waited for memory, in seconds.",
        |usage| micros(usage.pressure.memory.map(|stall| stall.some_micros)),
    ),
    metric(
        "container_pressure_memory_stalled_seconds_total",
        Counter,
        Fast,
        "Time in which no task could go on for want of memory, in seconds.",
        |usage| micros(usage.pressure.memory.and_then(|stall| stall.full_micros)),
    ),
    metric(
        "container_pressure_io_waiting_seconds_total",
        Counter,
        Fast,
        "Time in which some task waited for I/O, in seconds.",
        |usage| micros(usage.pressure.io.map(|stall| stall.some_micros)),
    ),
    metric(
        "container_pressure_io_stalled_seconds_total",
        Counter,
        Fast,
        "Time in which no task could go on for want of I/O, in seconds.",
        |usage| micros(usage.pressure.io.and_then(|stall| stall.full_micros)),
    ),
    metric(
        "container_memory_working_set_bytes",
        Gauge,
        Full,
        "Memory in use without inactive page cache, in bytes.",
        |usage| plain(usage.memory.working_set),
    ),
    metric("container_memory_rss", Gauge, Full, "Anonymous memory, in bytes.", |usage| {
        plain(usage.memory.rss)
    }),
    metric("container_memory_cache", Gauge, Full, "Page cache, in bytes.", |usage| {
        plain(usage.memory.cache)
    }),
    metric(
        "container_memory_mapped_file",
        Gauge,
        Full,
        "Memory-mapped files, in bytes.",
        |usage| plain(usage.memory.mapped_file),
    ),
    metric("container_memory_swap", Gauge, Full, "Swap in use, in bytes.", |usage| {
        plain(usage.memory.swap)
    }),
    metric(
        "container_memory_failcnt",
        Counter,
        Full,
        "Times that memory use hit its limit.",
        |usage| plain(usage.memory.failures),
    ),
    metric(
        "container_spec_memory_limit_bytes",
        Gauge,
        Full,
        "Memory limit in bytes, 0 for none.",
        |usage| limit_or_zero(usage.memory.limit),
    ),
    metric(
        "container_spec_cpu_period",
        Gauge,
        Full,
        "Period in which the processor limit is enforced, in microseconds.",
        |usage| plain(usage.cpu.period_micros),
    ),
    metric(
        "container_spec_cpu_quota",
        Gauge,
        Full,
        "Processor time allowed in each period, in microseconds; absent without a limit.",
        |usage| match usage.cpu.quota_micros? {
            Limit::To(micros) => Some(micros as f64),
            Limit::Unlimited => None,
        },
    ),
    metric("container_processes", Gauge, Full, "Processes inside.", |usage| plain(usage.processes)),
    metric("container_threads", Gauge, Full, "Threads inside.", |usage| plain(usage.threads)),
    metric("container_threads_max", Gauge, Full, "Threads allowed, 0 for no limit.", |usage| {
        limit_or_zero(usage.threads_limit)
    }),
    metric(
        "container_start_time_seconds",
        Gauge,
        Full,
        "When the container was started, in seconds since the Unix epoch.",
        |usage| usage.start_seconds,
    ),
];

/// At most 8.
pub(super) const DEVICE_METRICS: &[DeviceMetric] = &[
    device("container_fs_reads_bytes_total", "Bytes read from the device.", |io| {
        plain(io.read_bytes)
    }),
    device("container_fs_writes_bytes_total", "Bytes written to the device.", |io| {
        plain(io.written_bytes)
    }),
    device("container_fs_reads_total", "Reads completed by the device.", |io| plain(io.reads)),
    device("container_fs_writes_total", "Writes completed by the device.", |io| plain(io.writes)),
];

const fn interface(
    name: &'static str,
    depth: Depth,
    help: &'static str,
    value: fn(&Traffic<'_>) -> u64,
) -> InterfaceMetric {
    InterfaceMetric { name, depth, help, value }
}

/// From the container's side: what the host's end sent is received. At most 8.
pub(super) const INTERFACE_METRICS: &[InterfaceMetric] = &[
    interface("container_network_receive_bytes_total", Fast, "Bytes received.", |traffic| {
        traffic.host.sent_bytes()
    }),
    interface("container_network_transmit_bytes_total", Fast, "Bytes sent.", |traffic| {
        traffic.host.received_bytes()
    }),
    interface("container_network_receive_packets_total", Full, "Packets received.", |traffic| {
        traffic.host.sent_packets()
    }),
    interface(
        "container_network_receive_errors_total",
        Full,
        "Errors while receiving.",
        |traffic| traffic.host.send_errors(),
    ),
    interface(
        "container_network_receive_packets_dropped_total",
        Full,
        "Packets dropped on their way in.",
        |traffic| traffic.host.send_dropped(),
    ),
    interface("container_network_transmit_packets_total", Full, "Packets sent.", |traffic| {
        traffic.host.received_packets()
    }),
    interface(
        "container_network_transmit_errors_total",
        Full,
        "Errors while sending.",
        |traffic| traffic.host.receive_errors(),
    ),
    interface(
        "container_network_transmit_packets_dropped_total",
        Full,
        "Packets dropped on their way out.",
        |traffic| traffic.host.receive_dropped(),
    ),
];

const _: () = assert!(INTERFACE_METRICS.len() <= 8, "one bit for each");
const _: () = assert!(METRICS.len() <= 64 && DEVICE_METRICS.len() <= 8, "one bit for each");

/// Throttling has a meaning under a limit only, and most containers have none: cAdvisor leaves it
/// out then, and so is it left out here until a full read has seen the limit.
fn limited(usage: &Usage) -> Option<()> {
    match usage.cpu.quota_micros? {
        Limit::To(_) => Some(()),
        Limit::Unlimited => None,
    }
}

fn plain(value: Option<u64>) -> Option<f64> {
    value.map(|value| value as f64)
}

fn nanos(value: Option<u64>) -> Option<f64> {
    value.map(|value| value as f64 / 1e9)
}

fn micros(value: Option<u64>) -> Option<f64> {
    value.map(|value| value as f64 / 1e6)
}

fn limit_or_zero(limit: Option<Limit>) -> Option<f64> {
    match limit? {
        Limit::To(value) => Some(value as f64),
        Limit::Unlimited => Some(0.0),
    }
}
