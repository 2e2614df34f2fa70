//! Populated cgroups to measure on, removed afterwards.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// The v1 hierarchies that get a group each, where they exist.
const CONTROLLERS: [&str; 5] = ["cpu", "cpuacct", "memory", "blkio", "pids"];

/// Groups with one sleeping process each.
#[derive(Debug)]
pub(crate) struct Groups {
    /// The common parent's path within each hierarchy.
    pub(crate) prefix: String,
    parents: Vec<PathBuf>,
    sleepers: Vec<Child>,
}

impl Groups {
    /// Makes `count` groups below one parent in every hierarchy that is there.
    pub(crate) fn make(count: usize) -> Result<Self, String> {
        let prefix = format!("/tidewatch-bench-{}", std::process::id());
        let root = Path::new("/sys/fs/cgroup");
        let mut roots: Vec<PathBuf> = CONTROLLERS.iter().map(|name| root.join(name)).collect();
        roots.retain(|path| path.join("cgroup.procs").exists());
        if root.join("cgroup.controllers").exists() {
            roots = vec![root.to_owned()];
        }
        if roots.is_empty() {
            return Err("no cgroup hierarchy is mounted".to_owned());
        }
        let parents: Vec<PathBuf> =
            roots.iter().map(|root| root.join(prefix.trim_start_matches('/'))).collect();
        let mut groups = Self { prefix, parents, sleepers: Vec::new() };
        for parent in &groups.parents {
            fs::create_dir_all(parent)
                .map_err(|error| format!("cannot make {}: {error}", parent.display()))?;
        }
        for number in 0..count {
            groups.populate(number)?;
        }
        Ok(groups)
    }

    fn populate(&mut self, number: usize) -> Result<(), String> {
        let fault = |error: std::io::Error| format!("cannot populate a cgroup: {error}");
        let child = Command::new("sleep")
            .arg("100000")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(fault)?;
        let pid = child.id().to_string();
        self.sleepers.push(child);
        for parent in &self.parents {
            let group = parent.join(format!("app-{number}.service"));
            fs::create_dir_all(&group).map_err(fault)?;
            fs::write(group.join("cgroup.procs"), &pid).map_err(fault)?;
        }
        Ok(())
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        for sleeper in &mut self.sleepers {
            drop(sleeper.kill());
            drop(sleeper.wait());
        }
        for parent in &self.parents {
            for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    drop(fs::remove_dir(entry.path()));
                }
            }
            drop(fs::remove_dir(parent));
        }
    }
}
