//! The whole machine: processors, memory, load, disks and network interfaces, under the names that
//! node_exporter gives them.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use model::{
    labels::{Labels, METRIC_NAME},
    metadata::{
        Metadata,
        MetricType::{self, Counter, Gauge},
    },
    time::Timestamp,
    write::{Sample, WriteBatch},
};

use crate::{
    kernel::{FileError, Kernel, KernelFile, Priority},
    parse::{
        self, lines,
        node::{
            CPU_MODES, INTERFACE_COUNTERS, SECTOR_BYTES, cpu_line, disk_line, interface_line,
            loadavg, meminfo_line, stat_value,
        },
    },
    process::tick_nanos,
    series::{InvalidTemplate, LABELS_MAX},
};

/// Processors, disks or interfaces written; of each kind more are left out and counted.
pub const DEVICES_MAX: usize = 512;
/// Fields of `/proc/meminfo` that are written, by the kernel's names.
const MEMORY_FIELDS: [&str; 14] = [
    "MemTotal",
    "MemFree",
    "MemAvailable",
    "Buffers",
    "Cached",
    "SwapCached",
    "Active",
    "Inactive",
    "SwapTotal",
    "SwapFree",
    "Dirty",
    "Shmem",
    "Slab",
    "SReclaimable",
];
/// Single numbers of `/proc/stat`.
const STAT_FIELDS: [(&str, &str); 5] = [
    ("btime", "node_boot_time_seconds"),
    ("ctxt", "node_context_switches_total"),
    ("processes", "node_forks_total"),
    ("procs_running", "node_procs_running"),
    ("procs_blocked", "node_procs_blocked"),
];
/// Labels that the metrics set themselves.
const RESERVED: [&str; 4] = [METRIC_NAME, "cpu", "device", "mode"];

/// When the machine was started, in seconds since the Unix epoch.
pub fn boot_seconds(kernel: &mut Kernel) -> Result<f64, FileError> {
    let text = kernel.read_path(Path::new("/proc/stat"))?;
    let (_, seconds) =
        parse::pairs(text).find(|(key, _)| *key == b"btime").ok_or(FileError::Unsupported)?;
    Ok(seconds as f64)
}

/// What one write put into a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeWritten {
    pub series: usize,
    /// Files that could not be read this time.
    pub failed: usize,
    /// Processors, disks and interfaces left out because of [`DEVICES_MAX`].
    pub dropped: usize,
}

/// The machine's files and the labels of its series.
#[derive(Debug)]
pub struct Node {
    files: Vec<(KernelFile, Part)>,
    labels: Vec<(Box<str>, Box<str>)>,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Stat,
    Memory,
    Load,
    Disks,
    Interfaces,
}

impl Node {
    /// Opens the files below `/proc`, or below another directory that looks like it. Those that
    /// are not there are left out.
    pub fn open(
        kernel: &Kernel,
        proc: &Path,
        labels: &[(&str, &str)],
    ) -> Result<Self, InvalidTemplate> {
        if labels.len() > LABELS_MAX {
            return Err(InvalidTemplate::TooMany { count: labels.len() });
        }
        if let Some((name, _)) = labels.iter().find(|(name, _)| RESERVED.contains(name)) {
            return Err(InvalidTemplate::Reserved { name: (*name).to_owned() });
        }
        let sorted = Labels::new(labels.iter().copied())?;
        let directory: Arc<Path> = proc.into();
        let parts = [
            ("stat", Part::Stat),
            ("meminfo", Part::Memory),
            ("loadavg", Part::Load),
            ("diskstats", Part::Disks),
            ("net/dev", Part::Interfaces),
        ];
        let files = parts
            .into_iter()
            .filter_map(|(name, part)| {
                Some((KernelFile::open(kernel, &directory, name, Priority::High).ok()?, part))
            })
            .collect();
        let labels = sorted.iter().map(|(name, value)| (name.into(), value.into())).collect();
        Ok(Self { files, labels })
    }

    /// Reads all and appends one sample for each series.
    pub fn write(
        &mut self,
        kernel: &mut Kernel,
        time: Timestamp,
        batch: &mut WriteBatch,
    ) -> NodeWritten {
        let Self { files, labels } = self;
        let mut out = Out { labels, batch, time, written: NodeWritten::default() };
        for (file, part) in files {
            let Ok(length) = file.read_list(kernel) else {
                out.written.failed += 1;
                continue;
            };
            let text = kernel.text(length);
            match part {
                Part::Stat => out.stat(text),
                Part::Memory => out.memory(text),
                Part::Load => out.load(text),
                Part::Disks => out.disks(text),
                Part::Interfaces => out.interfaces(text),
            }
        }
        out.written
    }
}

/// Where one tick's series go.
struct Out<'a> {
    labels: &'a [(Box<str>, Box<str>)],
    batch: &'a mut WriteBatch,
    time: Timestamp,
    written: NodeWritten,
}

impl Out<'_> {
    fn put(&mut self, metric: &str, own: &[(&str, &str)], value: f64) {
        let node = self.labels.iter().map(|(name, value)| (&**name, &**value));
        let mut labels: Vec<(&str, &str)> =
            node.chain([(METRIC_NAME, metric)]).chain(own.iter().copied()).collect();
        if self.batch.begin_series(&mut labels).is_ok() {
            self.batch.push_sample(Sample { time: self.time.millis(), value, start: 0 });
            self.written.series += 1;
        }
    }

    fn stat(&mut self, text: &[u8]) {
        let seconds = tick_nanos() as f64 / 1e9;
        let mut seen = BTreeSet::new();
        for (processor, ticks) in lines(text).filter_map(cpu_line) {
            if !self.admit(&mut seen, processor) {
                continue;
            }
            let name = processor.to_string();
            for (mode, ticks) in CPU_MODES.iter().zip(ticks) {
                let own = [("cpu", name.as_str()), ("mode", mode)];
                self.put("node_cpu_seconds_total", &own, ticks as f64 * seconds);
            }
        }
        for (field, metric) in STAT_FIELDS {
            if let Some(value) = stat_value(text, field.as_bytes()) {
                self.put(metric, &[], value as f64);
            }
        }
    }

    fn memory(&mut self, text: &[u8]) {
        for (name, bytes) in lines(text).filter_map(meminfo_line) {
            if let Some(field) = MEMORY_FIELDS.iter().find(|field| field.as_bytes() == name) {
                self.put(&format!("node_memory_{field}_bytes"), &[], bytes as f64);
            }
        }
    }

    fn load(&mut self, text: &[u8]) {
        if let Some([one, five, fifteen]) = loadavg(text) {
            self.put("node_load1", &[], one);
            self.put("node_load5", &[], five);
            self.put("node_load15", &[], fifteen);
        }
    }

    fn disks(&mut self, text: &[u8]) {
        let mut seen = BTreeSet::new();
        for disk in lines(text).filter_map(disk_line) {
            let Ok(name) = std::str::from_utf8(disk.name) else { continue };
            // Empty loop and RAM devices are on every machine and say nothing.
            let idle = disk.reads == 0 && disk.writes == 0;
            if idle || !self.admit(&mut seen, name) {
                continue;
            }
            let device = [("device", name)];
            for (metric, value) in [
                ("node_disk_reads_completed_total", disk.reads as f64),
                (
                    "node_disk_read_bytes_total",
                    disk.read_sectors.saturating_mul(SECTOR_BYTES) as f64,
                ),
                ("node_disk_read_time_seconds_total", disk.read_millis as f64 / 1e3),
                ("node_disk_writes_completed_total", disk.writes as f64),
                (
                    "node_disk_written_bytes_total",
                    disk.written_sectors.saturating_mul(SECTOR_BYTES) as f64,
                ),
                ("node_disk_write_time_seconds_total", disk.write_millis as f64 / 1e3),
                ("node_disk_io_now", disk.in_flight as f64),
                ("node_disk_io_time_seconds_total", disk.busy_millis as f64 / 1e3),
                ("node_disk_io_time_weighted_seconds_total", disk.weighted_millis as f64 / 1e3),
            ] {
                self.put(metric, &device, value);
            }
        }
    }

    fn interfaces(&mut self, text: &[u8]) {
        let mut seen = BTreeSet::new();
        for (name, columns) in lines(text).filter_map(interface_line) {
            let Ok(name) = std::str::from_utf8(name) else { continue };
            if !self.admit(&mut seen, name) {
                continue;
            }
            for (metric, column) in INTERFACE_COUNTERS {
                if let Some(value) = columns.get(column) {
                    self.put(metric, &[("device", name)], *value as f64);
                }
            }
        }
    }

    /// Whether something with this name is new and still has room.
    fn admit<T: Ord>(&mut self, seen: &mut BTreeSet<T>, name: T) -> bool {
        if seen.len() >= DEVICES_MAX {
            self.written.dropped += 1;
            return false;
        }
        seen.insert(name)
    }
}

/// The type of a metric written here. Memory, load and what is "now" go up and down.
pub fn metadata(metric: &str) -> Option<Metadata> {
    if !metric.starts_with("node_") {
        return None;
    }
    let kind: MetricType = if metric.ends_with("_total") { Counter } else { Gauge };
    Some(Metadata { kind, ..Metadata::default() })
}

#[cfg(test)]
mod tests;
