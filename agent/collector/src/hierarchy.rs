//! Where the cgroup controllers are mounted, and where a group's directories therefore are.
//!
//! Version 1 has one tree for each controller (or a few together), version 2 one tree for all.
//! A machine in transition has both: version 1 controllers beside a version 2 tree that has none,
//! but still counts processor time and pressure ("hybrid").

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::kernel::{FileError, Kernel};

/// Longest accepted group path in bytes: what the kernel accepts of a whole path.
pub const GROUP_PATH_BYTES_MAX: usize = 4096;

/// The trees that are of use here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Controller {
    Cpu,
    Cpuacct,
    Memory,
    Blkio,
    Pids,
    /// The version 2 tree.
    Unified,
}

const CONTROLLERS: usize = 6;

impl Controller {
    const V1: [(Self, &'static str); 5] = [
        (Self::Cpu, "cpu"),
        (Self::Cpuacct, "cpuacct"),
        (Self::Memory, "memory"),
        (Self::Blkio, "blkio"),
        (Self::Pids, "pids"),
    ];

    fn of_name(name: &str) -> Option<Self> {
        Self::V1.iter().find(|(_, known)| *known == name).map(|(controller, _)| *controller)
    }

    fn index(self) -> usize {
        self as usize
    }
}

/// Which versions are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    V1,
    V2,
    /// Version 1 controllers, and a version 2 tree beside them.
    Hybrid,
}

/// Why no hierarchy was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HierarchyError {
    #[error("cannot read the mount table")]
    Mounts(#[source] FileError),
    #[error("no cgroup file system is mounted")]
    NotMounted,
}

/// A group path that cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a cgroup path: it must be absolute, at most {GROUP_PATH_BYTES_MAX} bytes, without '..'"
)]
pub struct InvalidGroup;

/// The mounted trees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchy {
    layout: Layout,
    mounts: [Option<PathBuf>; CONTROLLERS],
}

impl Hierarchy {
    /// Reads this machine's mount table.
    pub fn detect(kernel: &mut Kernel) -> Result<Self, HierarchyError> {
        let table =
            kernel.read_path(Path::new("/proc/self/mounts")).map_err(HierarchyError::Mounts)?;
        Self::from_mounts(&String::from_utf8_lossy(table), Path::new("/"))
    }

    /// Reads a mount table as in `/proc/self/mounts`; mount points are looked for below `root`.
    pub fn from_mounts(table: &str, root: &Path) -> Result<Self, HierarchyError> {
        let mut mounts: [Option<PathBuf>; CONTROLLERS] = Default::default();
        for line in table.lines() {
            let mut fields = line.split(' ');
            let (Some(_), Some(point), Some(kind), Some(options)) =
                (fields.next(), fields.next(), fields.next(), fields.next())
            else {
                continue;
            };
            let point = unescape(point);
            let directory = root.join(point.trim_start_matches('/'));
            let mut mount = |controller: Controller| {
                if let Some(slot) = mounts.get_mut(controller.index()) {
                    slot.get_or_insert_with(|| directory.clone());
                }
            };
            match kind {
                "cgroup" => {
                    options.split(',').filter_map(Controller::of_name).for_each(&mut mount);
                }
                "cgroup2" => mount(Controller::Unified),
                _ => {}
            }
        }
        let v1 = mounts.iter().take(Controller::Unified.index()).any(Option::is_some);
        let v2 = mounts.last().is_some_and(Option::is_some);
        let layout = match (v1, v2) {
            (true, false) => Layout::V1,
            (true, true) => Layout::Hybrid,
            (false, true) => Layout::V2,
            (false, false) => return Err(HierarchyError::NotMounted),
        };
        Ok(Self { layout, mounts })
    }

    pub fn layout(&self) -> Layout {
        self.layout
    }

    pub fn mount(&self, controller: Controller) -> Option<&Path> {
        self.mounts.get(controller.index())?.as_deref()
    }

    /// The trees worth walking for groups. Runtimes make a container's group in every tree, so
    /// those of processor time, memory and version 2 are enough where there are such.
    pub fn trees(&self) -> Vec<&Path> {
        let telling = [Controller::Cpuacct, Controller::Memory, Controller::Unified];
        let mut trees: Vec<&Path> = Vec::new();
        for mount in telling.into_iter().filter_map(|controller| self.mount(controller)) {
            if !trees.contains(&mount) {
                trees.push(mount);
            }
        }
        if trees.is_empty() {
            trees.extend(self.mounts.iter().flatten().map(PathBuf::as_path));
        }
        trees
    }

    /// The group at the same path in every tree, as container runtimes and systemd make them.
    /// Nothing is looked up: the group need not exist.
    pub fn group(&self, path: &str) -> Result<Group, InvalidGroup> {
        let path = check(path)?;
        let directories = self.mounts.each_ref().map(|mount| Some(below(mount.as_deref()?, path)));
        Ok(Group { path: path.into(), directories })
    }

    /// The group of a process, from its `/proc/<pid>/cgroup`, which may name another path in each
    /// tree.
    pub fn group_of_process(&self, kernel: &mut Kernel, pid: u32) -> Result<Group, FileError> {
        let text = kernel.read_path(Path::new(&format!("/proc/{pid}/cgroup")))?;
        Ok(self.group_from_membership(&String::from_utf8_lossy(text)))
    }

    /// Reads `hierarchy:controllers:path` lines, as in `/proc/<pid>/cgroup`. The group's own path
    /// is that of the processor tree, else of the memory tree, else of the first that is known.
    pub fn group_from_membership(&self, text: &str) -> Group {
        let mut directories: [Option<Arc<Path>>; CONTROLLERS] = Default::default();
        let mut paths: [Option<&str>; CONTROLLERS] = Default::default();
        for line in text.lines() {
            let mut fields = line.splitn(3, ':');
            let (Some(number), Some(names), Some(path)) =
                (fields.next(), fields.next(), fields.next())
            else {
                continue;
            };
            let Ok(path) = check(path) else { continue };
            let unified = (number == "0" && names.is_empty()).then_some(Controller::Unified);
            for controller in names.split(',').filter_map(Controller::of_name).chain(unified) {
                let index = controller.index();
                let Some(mount) = self.mount(controller) else { continue };
                directories[index] = Some(below(mount, path));
                paths[index] = Some(path);
            }
        }
        let preferred = [Controller::Cpuacct, Controller::Memory];
        let path = preferred
            .iter()
            .find_map(|controller| paths[controller.index()])
            .or_else(|| paths.iter().flatten().next().copied())
            .unwrap_or("/");
        Group { path: path.into(), directories }
    }
}

/// One group: its path and its directory in each tree.
#[derive(Clone, PartialEq, Eq)]
pub struct Group {
    path: Arc<str>,
    directories: [Option<Arc<Path>>; CONTROLLERS],
}

impl Group {
    /// The path from the root of the tree, beginning with `/`: cAdvisor's `id`.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn directory(&self, controller: Controller) -> Option<&Arc<Path>> {
        self.directories.get(controller.index())?.as_ref()
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Group").field(&self.path).finish()
    }
}

fn check(path: &str) -> Result<&str, InvalidGroup> {
    let valid = path.starts_with('/')
        && path.len() <= GROUP_PATH_BYTES_MAX
        && !path.contains('\0')
        && path.split('/').all(|part| part != "..");
    if valid { Ok(path) } else { Err(InvalidGroup) }
}

fn below(mount: &Path, path: &str) -> Arc<Path> {
    mount.join(path.trim_start_matches('/')).into()
}

/// Undoes the octal escapes (`\040` for a space) of the mount table.
fn unescape(field: &str) -> String {
    let mut text = String::with_capacity(field.len());
    let mut rest = field;
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        let code = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        rest = match (code, after.get(3..)) {
            (Some(code), Some(tail)) if code.is_ascii() => {
                text.push(char::from(code));
                tail
            }
            _ => {
                text.push('\\');
                after
            }
        };
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests;
