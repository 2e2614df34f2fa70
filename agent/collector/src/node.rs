//! The whole machine: processors, memory, load, disks, file systems and network interfaces, under
//! the names and labels that node_exporter gives them.

mod disks;
mod filesystems;
mod network;
mod out;
mod processors;
mod system;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use model::{
    labels::{Labels, METRIC_NAME},
    metadata::{
        Metadata,
        MetricType::{Counter, Gauge, Unknown},
    },
    time::Timestamp,
    write::WriteBatch,
};

use crate::{
    kernel::{FileError, Kernel, KernelFile, Priority},
    netlink::Netlink,
    node::{filesystems::Filesystems, out::Out, processors::Idle},
    parse,
    series::{InvalidTemplate, LABELS_MAX},
};

/// Processors, disks, file systems or interfaces written; of each kind more are left out and
/// counted.
pub const DEVICES_MAX: usize = 512;
/// Labels that the metrics set themselves.
const RESERVED: [&str; 6] = [METRIC_NAME, "cpu", "device", "fstype", "mode", "mountpoint"];

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
    /// Processors, disks, file systems and interfaces left out because of [`DEVICES_MAX`].
    pub dropped: usize,
}

/// The machine's files and the labels of its series.
#[derive(Debug)]
pub struct Node {
    files: Vec<(KernelFile, Part)>,
    labels: Vec<(Box<str>, Box<str>)>,
    idle: BTreeMap<u32, Idle>,
    filesystems: Filesystems,
    /// Names of the operating system, read once; empty where no file tells them.
    release: Vec<(String, String)>,
    /// `None` where the kernel is not asked: interfaces are read from `net/dev` then.
    netlink: Option<Netlink>,
    sys: Box<Path>,
}

/// What a file tells.
#[derive(Clone, Copy, Debug)]
enum Part {
    Stat,
    Memory,
    Load,
    VirtualMemory,
    Pressure(&'static str),
    Disks,
    Mounts,
    Interfaces,
    Protocols,
    Protocols6,
    Sockets,
    Softnet,
    Neighbours,
    Files,
    /// A file of one number, and its metric.
    Number(&'static str),
}

/// Below `/proc`. Of files that tell the same, one after the other, the first that opens is used.
const FILES: [(&str, Part); 23] = [
    ("stat", Part::Stat),
    ("meminfo", Part::Memory),
    ("loadavg", Part::Load),
    ("vmstat", Part::VirtualMemory),
    ("pressure/cpu", Part::Pressure("cpu")),
    ("pressure/memory", Part::Pressure("memory")),
    ("pressure/io", Part::Pressure("io")),
    ("diskstats", Part::Disks),
    // Those of the host, also where this process has a mount namespace of its own.
    ("1/mounts", Part::Mounts),
    ("self/mounts", Part::Mounts),
    ("net/dev", Part::Interfaces),
    ("net/snmp", Part::Protocols),
    ("net/netstat", Part::Protocols),
    ("net/snmp6", Part::Protocols6),
    ("net/sockstat", Part::Sockets),
    ("net/sockstat6", Part::Sockets),
    ("net/softnet_stat", Part::Softnet),
    ("net/arp", Part::Neighbours),
    ("sys/fs/file-nr", Part::Files),
    ("sys/kernel/random/entropy_avail", Part::Number("node_entropy_available_bits")),
    ("sys/kernel/random/poolsize", Part::Number("node_entropy_pool_size_bits")),
    ("sys/net/netfilter/nf_conntrack_count", Part::Number("node_nf_conntrack_entries")),
    ("sys/net/netfilter/nf_conntrack_max", Part::Number("node_nf_conntrack_entries_limit")),
];

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
        let mut files: Vec<(KernelFile, Part)> = Vec::with_capacity(FILES.len());
        for (name, part) in FILES {
            let told = matches!((files.last(), part), (Some((_, Part::Mounts)), Part::Mounts));
            if let Some(file) = (!told)
                .then(|| KernelFile::open(kernel, &directory, name, Priority::High).ok())
                .flatten()
            {
                files.push((file, part));
            }
        }
        let labels = sorted.iter().map(|(name, value)| (name.into(), value.into())).collect();
        Ok(Self {
            files,
            labels,
            idle: BTreeMap::new(),
            filesystems: Filesystems::default(),
            release: Vec::new(),
            netlink: None,
            sys: Path::new("/sys").into(),
        })
    }

    /// Also tells what only the running kernel and this system's files tell, beside what is below
    /// `/proc`: the kernel's and the system's names, and interfaces by netlink.
    pub fn of_this_machine(mut self, kernel: &mut Kernel) -> Self {
        self.release = system::release(kernel);
        self.netlink = Netlink::open().ok();
        self
    }

    /// Reads all and appends one sample for each series.
    pub fn write(
        &mut self,
        kernel: &mut Kernel,
        time: Timestamp,
        batch: &mut WriteBatch,
    ) -> NodeWritten {
        let Self { files, labels, idle, filesystems, release, netlink, sys } = self;
        let mut out = Out::new(labels, batch, time);
        // Names come with what netlink tells, so that `net/dev` is not needed then.
        let linked = netlink.as_mut().is_some_and(|netlink| out.links(netlink, sys, kernel));
        for (file, part) in files {
            if linked && matches!(part, Part::Interfaces) {
                continue;
            }
            let Ok(length) = file.read_list(kernel) else {
                out.written.failed += 1;
                continue;
            };
            let text = kernel.text(length);
            match part {
                Part::Stat => out.stat(text, idle),
                Part::Memory => out.memory(text),
                Part::Load => out.load(text),
                Part::VirtualMemory => out.virtual_memory(text),
                Part::Pressure(resource) => out.pressure(resource, text),
                Part::Disks => out.disks(text),
                Part::Mounts => out.filesystems(text, filesystems),
                Part::Interfaces => out.interfaces(text),
                Part::Protocols => out.protocols(text),
                Part::Protocols6 => out.protocols6(text),
                Part::Sockets => out.sockets(text),
                Part::Softnet => out.softnet(text),
                Part::Neighbours => out.neighbours(text),
                Part::Files => out.files(text),
                Part::Number(metric) => out.number(metric, text),
            }
        }
        if !release.is_empty() {
            out.names(release);
        }
        out.written
    }
}

/// The type of a metric written here. Memory, load and what is "now" go up and down; what the
/// kernel counts under names of its own is not told apart.
pub fn metadata(metric: &str) -> Option<Metadata> {
    let rest = metric.strip_prefix("node_")?;
    let kind = match rest {
        _ if rest.ends_with("_total") => Counter,
        _ if rest.starts_with("vmstat_") || rest.starts_with("netstat_") => Unknown,
        _ => Gauge,
    };
    Some(Metadata { kind, ..Metadata::default() })
}

#[cfg(test)]
mod tests;
