//! Reads one cgroup, tick by tick, through descriptors that stay open.
//!
//! Which files are read is data: `files::V1` and `files::V2`. A file that the kernel does not
//! offer, or that this process may not read, is left out and its values stay `None`.

mod files;

use std::sync::Arc;

use crate::{
    hierarchy::{Controller, Group, Hierarchy, Layout},
    kernel::{FileError, Kernel, KernelFile, Priority, changed_seconds},
    parse,
    reader::files::{Apply, Source},
    usage::{Depth, Pressure, Usage},
};

/// How often a version 2 group beside a version 1 group is looked at for its first process, so
/// that its pressure can be read. One look for each full read.
const ATTACH_ATTEMPTS_MAX: u32 = 16;

/// Why a group cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The group was removed: its reader is of no more use.
    #[error("cgroup {path} is gone")]
    Gone { path: Arc<str> },
    /// None of its files may be read by this process.
    #[error("cgroup {path} may not be read")]
    Denied { path: Arc<str> },
}

/// What went wrong so far while the group as a whole remained readable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReaderStats {
    /// Files left out because this process may not read them.
    pub denied: u32,
    /// Reads that failed for another reason; tried again in the next tick.
    pub failed: u64,
    /// Files whose content was not understood.
    pub malformed: u64,
}

/// One cgroup's open files and its last snapshot.
#[derive(Debug)]
pub struct Reader {
    group: Group,
    files: Vec<(KernelFile, &'static Source)>,
    hybrid: bool,
    /// Attempts left to attach the version 2 group of a hybrid machine.
    attach: u32,
    usage: Usage,
    stats: ReaderStats,
}

impl Reader {
    /// Opens a group's files. Fails when there is nothing to read at all.
    pub fn open(
        kernel: &mut Kernel,
        hierarchy: &Hierarchy,
        group: Group,
    ) -> Result<Self, ReadError> {
        let mut reader = Self {
            files: Vec::with_capacity(files::V1.len()),
            hybrid: hierarchy.layout() == Layout::Hybrid,
            attach: 0,
            usage: Usage::default(),
            stats: ReaderStats::default(),
            group,
        };
        match hierarchy.layout() {
            Layout::V2 => reader.open_all(kernel, files::V2),
            Layout::V1 => reader.open_all(kernel, files::V1),
            Layout::Hybrid => {
                reader.open_all(kernel, files::V1);
                reader.attach = ATTACH_ATTEMPTS_MAX;
                reader.attach_unified(kernel);
            }
        }
        if !reader.files.is_empty() {
            reader.usage.start_seconds = reader.start_seconds();
            return Ok(reader);
        }
        let path = Arc::from(reader.group.path());
        if reader.stats.denied > 0 {
            Err(ReadError::Denied { path })
        } else {
            Err(ReadError::Gone { path })
        }
    }

    pub fn group(&self) -> &Group {
        &self.group
    }

    pub fn stats(&self) -> ReaderStats {
        self.stats
    }

    /// The last snapshot.
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    /// Sets the start time when the caller knows it from the container's runtime. Until then it is
    /// the change time of the group's directory, which is close to its creation.
    pub fn set_start_seconds(&mut self, seconds: f64) {
        self.usage.start_seconds = Some(seconds);
    }

    /// Reads the group to the given depth.
    ///
    /// After [`ReadError::Gone`] drop the reader; opening the group again tells whether it is gone
    /// or only lost a controller.
    pub fn read(&mut self, kernel: &mut Kernel, depth: Depth) -> Result<&Usage, ReadError> {
        if depth == Depth::Full && self.attach > 0 {
            self.attach_unified(kernel);
        }
        self.usage.depth = depth;
        self.usage.io_dropped = 0;
        let (mut refused, mut detached) = (false, false);
        for (file, source) in &mut self.files {
            if source.depth > depth || (depth == Depth::Fast && !(source.worth)(&self.usage)) {
                continue;
            }
            let read = match source.apply {
                Apply::List(_) => file.read_list(kernel),
                Apply::Plain(_) | Apply::Devices(_) => file.read(kernel),
            };
            match read {
                Ok(length) => {
                    let (text, devices) = kernel.text_and_devices(length);
                    if source.apply.run(text, &mut self.usage, devices).is_none() {
                        self.stats.malformed += 1;
                    }
                }
                Err(FileError::Missing)
                    if self.hybrid && source.controller == Controller::Unified =>
                {
                    detached = true;
                }
                Err(FileError::Missing) => {
                    return Err(ReadError::Gone { path: self.group.path().into() });
                }
                Err(FileError::Denied | FileError::Unsupported) => refused = true,
                Err(FileError::Io(_)) => self.stats.failed += 1,
            }
        }
        if refused {
            self.drop_unreadable(kernel);
        }
        if detached {
            self.detach_unified();
        }
        if depth == Depth::Full {
            self.usage.derive_working_set();
        }
        Ok(&self.usage)
    }

    fn open_all(&mut self, kernel: &Kernel, sources: &'static [Source]) {
        let mut previous: Option<&str> = None;
        for source in sources {
            // Alternatives follow each other: the first that exists is used.
            if source.alternative && previous.is_some() {
                continue;
            }
            previous = None;
            let Some(directory) = self.group.directory(source.controller) else { continue };
            let priority = match source.depth {
                Depth::Fast => Priority::High,
                Depth::Full => Priority::Low,
            };
            match KernelFile::open(kernel, directory, source.name, priority) {
                Ok(file) => {
                    previous = Some(source.name);
                    self.files.push((file, source));
                }
                Err(FileError::Denied) => self.stats.denied += 1,
                Err(FileError::Missing | FileError::Unsupported) => {}
                Err(FileError::Io(_)) => self.stats.failed += 1,
            }
        }
    }

    /// Adds the version 2 group's files once it has a process: an empty group beside the real one
    /// would report pressure of zero.
    fn attach_unified(&mut self, kernel: &mut Kernel) {
        self.attach = self.attach.saturating_sub(1);
        let Some(directory) = self.group.directory(Controller::Unified).cloned() else {
            self.attach = 0;
            return;
        };
        let mut seen = Usage::default();
        let populated = kernel
            .read_path(&directory.join("cgroup.events"))
            .ok()
            .and_then(|text| parse::cgroup::cgroup_events(text, &mut seen));
        if populated.is_some() && seen.populated == Some(true) {
            self.attach = 0;
            self.open_all(kernel, files::HYBRID);
        }
    }

    /// The version 2 group is gone while the version 1 group lives on.
    fn detach_unified(&mut self) {
        self.files.retain(|(_, source)| source.controller != Controller::Unified);
        self.usage.pressure = Pressure::default();
        self.usage.populated = None;
        self.attach = ATTACH_ATTEMPTS_MAX;
    }

    /// Takes out what refused to be read, so that it is not asked for each tick.
    fn drop_unreadable(&mut self, kernel: &mut Kernel) {
        let before = self.files.len();
        self.files.retain_mut(|(file, _)| {
            !matches!(file.read(kernel), Err(FileError::Denied | FileError::Unsupported))
        });
        let denied = before - self.files.len();
        self.stats.denied += u32::try_from(denied).unwrap_or(u32::MAX);
    }

    /// The earliest change time among the group's directories.
    fn start_seconds(&self) -> Option<f64> {
        let trees = [
            Controller::Unified,
            Controller::Cpuacct,
            Controller::Cpu,
            Controller::Memory,
            Controller::Pids,
        ];
        trees
            .iter()
            .filter_map(|controller| changed_seconds(self.group.directory(*controller)?))
            .min_by(f64::total_cmp)
    }
}
