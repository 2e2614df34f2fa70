//! The supervisor's own cgroup in each hierarchy, under which every run gets one.
//!
//! Preference: v1 controllers where they are mounted (a controller is in v1 or in v2, never both),
//! v2 beside them for `cgroup.kill` and pressure, v2 alone on today's systems.

mod file;
pub(crate) mod group;
pub(crate) mod mounts;
mod owner;

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use self::{
    group::{Group, GroupError, Memory, remove_directory},
    mounts::{Membership, Mount},
    owner::Owner,
};
use crate::{
    placement::{CgroupPaths, Controller},
    spec::CgroupChoice,
};

/// v2 controllers wanted for the runs; each is had where the system has it.
const V2_CONTROLLERS: [&str; 4] = ["memory", "pids", "cpu", "io"];

/// The directories that hold the runs' cgroups.
#[derive(Debug)]
pub(crate) struct Cgroups {
    base: CgroupPaths,
    memory: Option<Memory>,
}

/// What was found of dead supervisors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stale {
    pub(crate) removed: u64,
    /// Could not be removed.
    pub(crate) left: u64,
}

impl Cgroups {
    /// Makes this supervisor's cgroups and removes those of dead ones. On failure says why there
    /// are none.
    pub(crate) async fn open(choice: &CgroupChoice) -> Result<(Self, Stale), String> {
        if *choice == CgroupChoice::Off {
            return Err("switched off by configuration".to_owned());
        }
        // One process may have several supervisors.
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let owner = Owner::current(NUMBER.fetch_add(1, Ordering::Relaxed))
            .ok_or("/proc does not describe this process")?;
        let read = |path: &str| {
            file::read(Path::new(path)).map_err(|error| format!("cannot read {path}: {error}"))
        };
        let mounts = mounts::parse_mountinfo(&read("/proc/self/mountinfo")?);
        let membership = mounts::parse_membership(&read("/proc/self/cgroup")?);
        let candidates = candidates(&mounts, &membership, choice);
        let stale = remove_stale(&candidates, owner).await;
        let mut last_error = "no cgroup hierarchy is mounted".to_owned();
        let base = create(&candidates, owner, &mut last_error);
        if base.directories().is_empty() {
            return Err(last_error);
        }
        let memory = if base.v1(Controller::Memory).is_some() {
            Some(Memory::V1)
        } else {
            base.unified.as_deref().is_some_and(distributes_memory).then_some(Memory::V2)
        };
        Ok((Self { base, memory }, stale))
    }

    /// A cgroup for one run. `name` is a single path component.
    pub(crate) fn group(&self, name: &str, memory_limit: Option<u64>) -> Result<Group, GroupError> {
        let join = |path: &PathBuf| path.join(name);
        let v1 = self.base.v1.iter().map(|(controller, path)| (*controller, join(path))).collect();
        let unified = self.base.unified.as_ref().map(join);
        let group = Group::create(CgroupPaths { unified, v1 }, self.memory)?;
        if let Some(bytes) = memory_limit
            && let Err(error) = group.limit_memory(bytes)
        {
            group.try_remove();
            return Err(error);
        }
        Ok(group)
    }

    /// Kills whatever is left and removes everything. Returns whether nothing is left.
    pub(crate) async fn remove(&self) -> bool {
        let mut removed = true;
        for directory in self.base.directories() {
            removed &= remove_tree(directory).await;
        }
        removed
    }

    /// The same for a thread without a runtime.
    pub(crate) fn remove_blocking(&self) {
        for _ in 0..BLOCKING_REMOVAL_ATTEMPTS {
            let mut removed = true;
            for directory in self.base.directories() {
                for group in groups(directory) {
                    removed &= !group.kill() && group.try_remove();
                }
                removed &= remove_directory(directory);
            }
            if removed {
                return;
            }
            #[expect(clippy::disallowed_methods, reason = "a thread of its own without a runtime")]
            std::thread::sleep(BLOCKING_REMOVAL_PERIOD);
        }
    }
}

/// Waits between attempts of [`Cgroups::remove_blocking`]; about two seconds in all.
const BLOCKING_REMOVAL_ATTEMPTS: usize = 400;
const BLOCKING_REMOVAL_PERIOD: Duration = Duration::from_millis(5);

/// A hierarchy with the directories to try in it.
struct Candidates {
    mount: Mount,
    directories: Vec<PathBuf>,
}

/// Each hierarchy once, in a stable order.
fn candidates(mounts: &[Mount], own: &Membership, choice: &CgroupChoice) -> Vec<Candidates> {
    let mut found: Vec<Candidates> = Vec::new();
    for mount in mounts {
        let own = match &mount.v1 {
            None => own.v2.as_deref(),
            Some(controllers) => own
                .v1
                .iter()
                .find(|(controller, _)| controllers.contains(controller))
                .map(|(_, path)| path.as_path()),
        };
        let Some(own) = own else { continue };
        if found.iter().any(|seen| seen.mount.v1 == mount.v1) {
            continue;
        }
        let directories = match choice {
            CgroupChoice::Under(path) => {
                vec![mount.point.join(path.strip_prefix("/").unwrap_or(path))]
            }
            CgroupChoice::Auto | CgroupChoice::Off => mount.candidates(own),
        };
        if let CgroupChoice::Under(_) = choice {
            // Failing shows when nothing can be made below it.
            for directory in &directories {
                std::fs::create_dir_all(directory).ok();
            }
        }
        found.push(Candidates { mount: mount.clone(), directories });
    }
    found
}

/// Makes the owner's directory in every hierarchy that permits it. The last refusal is left in
/// `last_error`.
fn create(candidates: &[Candidates], owner: Owner, last_error: &mut String) -> CgroupPaths {
    let mut base = CgroupPaths::default();
    let memory_in_v1 = candidates
        .iter()
        .any(|c| c.mount.v1.as_ref().is_some_and(|v1| v1.contains(&Controller::Memory)));
    for Candidates { mount, directories } in candidates {
        match &mount.v1 {
            Some(controllers) => {
                if let Some(path) = create_in(directories, owner, last_error, |_| true) {
                    base.v1.extend(controllers.iter().map(|found| (*found, path.clone())));
                }
            }
            None => {
                // Better a place lower down that can limit memory than one at the top that cannot.
                let fits = |path: &Path| {
                    if !memory_in_v1 {
                        enable_controllers(path);
                    }
                    memory_in_v1 || distributes_memory(path)
                };
                base.unified = create_in(directories, owner, last_error, fits)
                    .or_else(|| create_in(directories, owner, last_error, |_| true));
                if let Some(path) = &base.unified {
                    enable_controllers(path);
                }
            }
        }
    }
    base
}

fn create_in(
    directories: &[PathBuf],
    owner: Owner,
    last_error: &mut String,
    fits: impl Fn(&Path) -> bool,
) -> Option<PathBuf> {
    directories.iter().filter(|parent| fits(parent)).find_map(|parent| {
        let path = parent.join(owner.directory());
        let created = std::fs::create_dir(&path);
        match created {
            Ok(()) => Some(path),
            Err(error) => {
                *last_error = format!("cannot create {}: {error}", path.display());
                None
            }
        }
    })
}

/// Whether a v2 cgroup gives its children the memory controller.
fn distributes_memory(directory: &Path) -> bool {
    let enabled = file::read(&directory.join("cgroup.subtree_control")).unwrap_or_default();
    enabled.split_whitespace().any(|controller| controller == "memory")
}

/// Gives a v2 cgroup's children every controller that there is. A cgroup that has processes of its
/// own and is not the root refuses.
fn enable_controllers(directory: &Path) {
    for controller in V2_CONTROLLERS {
        // Absent on a hybrid machine, or kept back further up: the paths say what there is.
        file::write(&directory.join("cgroup.subtree_control"), &format!("+{controller}")).ok();
    }
}

/// Removes the cgroups of supervisors that are certainly dead, with what still runs in them.
async fn remove_stale(candidates: &[Candidates], observer: Owner) -> Stale {
    let mut stale = Stale::default();
    for directory in candidates.iter().flat_map(|candidate| &candidate.directories) {
        for name in subdirectories(directory) {
            if Owner::parse(&name).is_some_and(|owner| owner.is_dead(observer)) {
                if remove_tree(&directory.join(&name)).await {
                    stale.removed += 1;
                } else {
                    stale.left += 1;
                }
            }
        }
    }
    stale
}

/// Kills and removes an owner's directory and the runs below it. Returns whether it is gone.
async fn remove_tree(directory: &Path) -> bool {
    let mut removed = true;
    for group in groups(directory) {
        removed &= group.remove().await;
    }
    removed && remove_directory(directory)
}

/// What an owner's directory holds in one hierarchy, whatever that is.
fn groups(directory: &Path) -> impl Iterator<Item = Group> {
    let names = subdirectories(directory);
    names.into_iter().map(|name| Group::existing(directory.join(name)))
}

/// Names, sorted; none when the directory cannot be read.
fn subdirectories(directory: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort_unstable();
    names
}

/// A path component made of `text`: other characters than letters, digits, `_`, `-` and `.` are
/// replaced, and it is cut to `length` bytes.
pub(crate) fn component(text: &str, length: usize) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "_-.".contains(c) { c } else { '_' };
    text.chars().map(plain).take(length).collect()
}

#[cfg(test)]
mod tests;
