//! The daemon's own metrics, in the OpenMetrics text format of `prometheus-client`, or in the older
//! one of Prometheus.

pub mod text;

use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, text::encode},
    metrics::{
        counter::ConstCounter,
        family::Family,
        gauge::{ConstGauge, Gauge},
    },
    registry::{Registry, Unit},
};

/// The content type of what [`Metrics::encode`] returns.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A registry shared by everything in one process. Clones are the same registry.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
}

impl Default for Metrics {
    /// A registry with the process's own metrics and `tidewatch_build_info`.
    fn default() -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Process));
        let build: Family<[(&'static str, &'static str); 1], Gauge> = Family::default();
        build.get_or_create(&[("version", env!("CARGO_PKG_VERSION"))]).set(1);
        registry.register("tidewatch_build_info", "Version of this program", build);
        Self { registry: Arc::new(Mutex::new(registry)) }
    }
}

impl Metrics {
    /// Adds metrics.
    pub fn register(&self, add: impl FnOnce(&mut Registry)) {
        add(&mut self.registry.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::with_capacity(16 << 10);
        encode(&mut text, &self.registry.lock().unwrap_or_else(PoisonError::into_inner))?;
        Ok(text)
    }
}

/// `process_*`, read when asked for, with the names of Prometheus' client libraries.
#[derive(Debug)]
struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(usage) = usage() else {
            return Ok(());
        };
        let cpu = ConstCounter::new(usage.cpu_seconds);
        let about = encoder.encode_descriptor(
            "process_cpu",
            "User and system CPU time spent",
            Some(&Unit::Seconds),
            cpu.metric_type(),
        )?;
        cpu.encode(about)?;
        let resident = ConstGauge::new(usage.resident_bytes);
        let about = encoder.encode_descriptor(
            "process_resident_memory",
            "Resident memory size",
            Some(&Unit::Bytes),
            resident.metric_type(),
        )?;
        resident.encode(about)?;
        let descriptors = ConstGauge::new(usage.open_descriptors);
        let about = encoder.encode_descriptor(
            "process_open_fds",
            "Number of open file descriptors",
            None,
            descriptors.metric_type(),
        )?;
        descriptors.encode(about)
    }
}

/// What this process uses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usage {
    pub cpu_seconds: f64,
    pub resident_bytes: i64,
    pub open_descriptors: i64,
}

/// Reads this process's usage from `/proc/self`; `None` where there is no `/proc`.
#[expect(clippy::disallowed_methods, reason = "kernel files about ourselves, not stored data")]
pub fn usage() -> Option<Usage> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    // The command name, in parentheses, may hold spaces; fields are counted after it (proc(5)).
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    let pages: i64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    let open = std::fs::read_dir("/proc/self/fd").ok()?.count();
    Some(Usage {
        cpu_seconds: ticks / 100.0, // USER_HZ is 100 on every Linux
        resident_bytes: pages * i64::try_from(rustix::param::page_size()).ok()?,
        open_descriptors: i64::try_from(open).ok()?,
    })
}

#[cfg(test)]
mod tests;
