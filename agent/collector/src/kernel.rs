//! Reading kernel files: the only module that opens anything.
//!
//! A file under `/proc` or `/sys/fs/cgroup` is made when it is read. Opening one costs about ten
//! times as much as reading it, so a descriptor is kept and read again from offset 0 with `pread`
//! into one shared buffer. Where descriptors run short the file is opened for each read instead.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use rustix::{
    fd::OwnedFd,
    fs::{Mode, OFlags},
    io::Errno,
    process::{Resource, Rlimit},
};

use crate::devices::DeviceNames;

/// The largest kernel file that is read whole; what lies beyond is not looked at.
pub const FILE_BYTES_MAX: usize = 1 << 20;
const BUFFER_BYTES: usize = 16 << 10;
/// Descriptors left to the rest of the process when a budget is derived from the process limit.
const DESCRIPTORS_RESERVED: u64 = 256;

/// Why a kernel file gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// There is no such file, or no longer: the cgroup or process behind it has ended.
    #[error("the file does not exist, or its cgroup or process has ended")]
    Missing,
    /// This process may not read it.
    #[error("permission denied")]
    Denied,
    /// The kernel has the file, but not the function behind it (PSI switched off).
    #[error("the kernel does not support it")]
    Unsupported,
    #[error("reading failed")]
    Io(#[source] Errno),
}

impl From<Errno> for FileError {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::NOENT | Errno::NODEV | Errno::SRCH | Errno::NOTDIR => Self::Missing,
            Errno::ACCESS | Errno::PERM => Self::Denied,
            Errno::OPNOTSUPP => Self::Unsupported,
            other => Self::Io(other),
        }
    }
}

/// How many descriptors all readers together may keep. Clones share the count.
#[derive(Clone, Debug)]
pub struct DescriptorBudget {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limit: usize,
    kept: AtomicUsize,
    reopened: AtomicU64,
}

/// Which files keep their descriptor when there are not enough for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Priority {
    /// Read each tick.
    High,
    /// Read now and then: may use three quarters of the budget only.
    Low,
}

impl DescriptorBudget {
    pub fn new(limit: usize) -> Self {
        let shared = Shared { limit, kept: AtomicUsize::new(0), reopened: AtomicU64::new(0) };
        Self { shared: Arc::new(shared) }
    }

    /// Three quarters of what the process may open, less a reserve for everything else it does.
    pub fn from_process_limit() -> Self {
        let limit = rustix::process::getrlimit(Resource::Nofile).current.unwrap_or(1 << 20);
        Self::new(usize::try_from(limit.saturating_sub(DESCRIPTORS_RESERVED) / 4 * 3).unwrap_or(0))
    }

    pub fn limit(&self) -> usize {
        self.shared.limit
    }

    /// Descriptors kept open now.
    pub fn kept(&self) -> usize {
        self.shared.kept.load(Ordering::Relaxed)
    }

    /// Reads so far that had to open their file because the budget was used up.
    pub fn reopened(&self) -> u64 {
        self.shared.reopened.load(Ordering::Relaxed)
    }

    fn take(&self, priority: Priority) -> Option<Lease> {
        let allowed = match priority {
            Priority::High => self.shared.limit,
            Priority::Low => self.shared.limit / 4 * 3,
        };
        let taken = self.shared.kept.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |kept| {
            (kept < allowed).then_some(kept + 1)
        });
        taken.ok().map(|_| Lease { shared: Arc::clone(&self.shared) })
    }
}

/// Raises this process's soft limit of open files to its hard limit, and returns the new limit.
pub fn raise_descriptor_limit() -> Result<u64, FileError> {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    rustix::process::setrlimit(Resource::Nofile, raised)?;
    Ok(limit.maximum.unwrap_or(u64::MAX))
}

/// One descriptor's place in the budget, given back on drop.
#[derive(Debug)]
struct Lease {
    shared: Arc<Shared>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.shared.kept.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The buffer that all reads share, and the budget they draw on. One for each collecting thread.
#[derive(Debug)]
pub struct Kernel {
    buffer: Vec<u8>,
    budget: DescriptorBudget,
    devices: DeviceNames,
}

impl Kernel {
    pub fn new(budget: DescriptorBudget) -> Self {
        Self { buffer: vec![0; BUFFER_BYTES], budget, devices: DeviceNames::default() }
    }

    pub fn budget(&self) -> &DescriptorBudget {
        &self.budget
    }

    /// Opens, reads whole and closes: for files that are read once.
    pub(crate) fn read_path(&mut self, path: &Path) -> Result<&[u8], FileError> {
        let descriptor = open(path)?;
        let length = read_records(&descriptor, &mut self.buffer)?;
        Ok(self.buffer.get(..length).unwrap_or_default())
    }

    /// What a read that returned `length` left in the buffer, and the device names beside it.
    pub(crate) fn text_and_devices(&mut self, length: usize) -> (&[u8], &mut DeviceNames) {
        (self.buffer.get(..length).unwrap_or_default(), &mut self.devices)
    }

    pub(crate) fn text(&self, length: usize) -> &[u8] {
        self.buffer.get(..length).unwrap_or_default()
    }
}

/// A kernel file, by directory and name, whose descriptor is kept while the budget allows.
#[derive(Debug)]
pub(crate) struct KernelFile {
    directory: Arc<Path>,
    name: &'static str,
    priority: Priority,
    kept: Option<(OwnedFd, Lease)>,
}

impl KernelFile {
    /// Opens the file once even when its descriptor cannot be kept, so that what the kernel does
    /// not offer or does not permit is known from the start.
    pub(crate) fn open(
        kernel: &Kernel,
        directory: &Arc<Path>,
        name: &'static str,
        priority: Priority,
    ) -> Result<Self, FileError> {
        let descriptor = open(&directory.join(name))?;
        let kept = kernel.budget.take(priority).map(|lease| (descriptor, lease));
        Ok(Self { directory: Arc::clone(directory), name, priority, kept })
    }

    /// Reads a file that the kernel writes in one piece: all statistics are such. Returns the
    /// length of what is now in the buffer.
    pub(crate) fn read(&mut self, kernel: &mut Kernel) -> Result<usize, FileError> {
        let Kernel { buffer, budget, .. } = kernel;
        self.with_descriptor(budget, |descriptor| read_piece(descriptor, buffer))
    }

    /// Reads a file that the kernel writes record by record (lists), to its end.
    pub(crate) fn read_list(&mut self, kernel: &mut Kernel) -> Result<usize, FileError> {
        let Kernel { buffer, budget, .. } = kernel;
        self.with_descriptor(budget, |descriptor| read_records(descriptor, buffer))
    }

    fn with_descriptor<T>(
        &mut self,
        budget: &DescriptorBudget,
        read: impl FnOnce(&OwnedFd) -> Result<T, FileError>,
    ) -> Result<T, FileError> {
        if let Some((descriptor, _)) = &self.kept {
            return read(descriptor);
        }
        let descriptor = open(&self.directory.join(self.name))?;
        let result = read(&descriptor);
        match budget.take(self.priority) {
            Some(lease) => self.kept = Some((descriptor, lease)),
            None => {
                budget.shared.reopened.fetch_add(1, Ordering::Relaxed);
            }
        }
        result
    }
}

/// The target of a symbolic link, as text.
pub(crate) fn read_link(path: &Path) -> Option<String> {
    rustix::fs::readlink(path, Vec::new()).ok()?.into_string().ok()
}

/// The directories in a directory, by name in order, and how many have a name that is not UTF-8.
pub(crate) fn directories(path: &Path) -> Result<(Vec<String>, usize), FileError> {
    let entries = std::fs::read_dir(path).map_err(|error| from_io(&error))?.flatten();
    let (mut names, mut dropped) = (Vec::new(), 0);
    for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        match entry.file_name().into_string() {
            Ok(name) => names.push(name),
            Err(_) => dropped += 1,
        }
    }
    names.sort_unstable();
    Ok((names, dropped))
}

/// The entries of `/proc` that are process identifiers, in no order.
pub(crate) fn numbered_entries(path: &Path) -> Result<Vec<u32>, FileError> {
    let entries = std::fs::read_dir(path).map_err(|error| from_io(&error))?.flatten();
    Ok(entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
}

fn from_io(error: &std::io::Error) -> FileError {
    Errno::from_io_error(error).map_or(FileError::Io(Errno::IO), FileError::from)
}

/// When a directory was last changed, in seconds since the Unix epoch.
pub(crate) fn changed_seconds(path: &Path) -> Option<f64> {
    let status = rustix::fs::stat(path).ok()?;
    Some(status.st_mtime as f64 + status.st_mtime_nsec as f64 / 1e9)
}

fn open(path: &Path) -> Result<OwnedFd, FileError> {
    Ok(rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

/// One `pread`; again into a larger buffer when it filled the buffer.
fn read_piece(descriptor: &OwnedFd, buffer: &mut Vec<u8>) -> Result<usize, FileError> {
    loop {
        let length = pread(descriptor, buffer, 0)?;
        if length < buffer.len() || !grow(buffer) {
            return Ok(length);
        }
    }
}

/// `pread` until the end: the kernel returns such files a page or less at a time.
fn read_records(descriptor: &OwnedFd, buffer: &mut Vec<u8>) -> Result<usize, FileError> {
    let mut length = 0;
    loop {
        let rest = buffer.get_mut(length..).unwrap_or_default();
        let read = pread(descriptor, rest, length)?;
        if read == 0 && length < buffer.len() {
            return Ok(length);
        }
        length += read;
        if length == buffer.len() && !grow(buffer) {
            return Ok(length);
        }
    }
}

fn pread(descriptor: &OwnedFd, buffer: &mut [u8], offset: usize) -> Result<usize, FileError> {
    let offset = u64::try_from(offset).unwrap_or(u64::MAX);
    loop {
        match rustix::io::pread(descriptor, &mut *buffer, offset) {
            Err(Errno::INTR) => {}
            result => return Ok(result?),
        }
    }
}

/// Doubles the buffer; false when it is as large as it may become.
fn grow(buffer: &mut Vec<u8>) -> bool {
    let larger = (buffer.len() * 2).min(FILE_BYTES_MAX);
    let grows = larger > buffer.len();
    buffer.resize(larger, 0);
    grows
}

#[cfg(test)]
mod tests;
